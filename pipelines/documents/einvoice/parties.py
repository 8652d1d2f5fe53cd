"""Seller and buyer as EN 16931 names them (BG-4, BG-7), and which documents the French domestic rules hold for."""

from __future__ import annotations

import re
from typing import Any

from stdnum.exceptions import ValidationError
from stdnum.fr import siren, siret

from pipelines.documents.einvoice.words import printable, word
from pipelines.documents.model import Document, Party

UNTAXED = ("outside_eu", "charged_at_top_up")
"""Rules of category O, whose e-invoices may not name a VAT number (BR-O-02)."""

_SIREN_SCHEME = "0002"
_SIRET_SCHEME = "0009"
_FRENCH_ADDRESS_SCHEME = "0225"
"""ISO 6523 codes: SIREN, SIRET, and electronic addresses of the French reform, which begin with a SIREN."""

_COUNTRIES = {"XK": "1A", "EL": "GR", "XI": "GB", "AC": "SH", "TA": "SH"}
"""Regions that EN 16931's list of countries knows under another code: Kosovo, Ascension and Tristan da Cunha; and the
prefixes of VAT numbers that are no country of it."""

NOWHERE = "001"
"""What the numbering plan calls countries that are none."""


def country_code(country: str) -> str:
    """`country` as the code list of BT-40 and BT-55 has it."""
    return _COUNTRIES.get(country, country)


def vat_identifier(party: Party) -> str:
    """The party's VAT number without separators, with EL before a Greek one; empty if it has none."""
    number = re.sub(r"[\s.\-/]", "", party.vat_number).upper()
    return re.sub("^GR", "EL", number)


def siren_of(party: Party) -> str:
    """The SIREN of a French party, from its SIREN, its SIRET or its VAT number; empty if none of them is valid."""
    if party.country != "FR":
        return ""
    registration = re.sub(r"[\s.]", "", party.registration)
    candidates = [registration, registration[:9] if siret_of(party) else ""]
    number = vat_identifier(party)
    if number.startswith("FR") and len(number) == 13 and party.vat_number_valid:
        candidates.append(number[4:])
    return next((each for each in candidates if re.fullmatch("[0-9]{9}", each) and siren.is_valid(each)), "")


def siret_of(party: Party) -> str:
    """The SIRET of a French party; empty where its registration is none."""
    registration = re.sub(r"[\s.]", "", party.registration)
    if party.country != "FR" or not re.fullmatch("[0-9]{14}", registration):
        return ""
    try:
        return str(siret.validate(registration))
    except ValidationError:
        return ""


def french_domestic(document: Document) -> bool:
    """Whether the French rules for invoices between businesses (BR-FR) hold: both parties are French, and the buyer
    shows by a SIREN, SIRET or VAT number that it is a business."""
    return document.seller.party.country == "FR" and bool(siren_of(document.buyer))


def seller_terms(document: Document) -> dict[str, Any]:
    """BG-4 of `document`."""
    party, legal = document.seller.party, document.seller.legal
    information = [legal.get("register", "")]
    group = _party(document, party, party.name)
    number = vat_identifier(party)
    if number and document.vat_rule in UNTAXED:
        information.append(f"{word(document.language, 'vat_number')} {number}")
        if "legal_identifier" not in group:
            # Some identifier the seller must have (BR-CO-26); as BT-29 this one does not stand for its VAT status.
            group.setdefault("identifiers", {})[None] = number
    elif number:
        group["vat_identifier"] = number
    group["legal_info"] = "\n".join(each for each in information if each)
    if party.email:
        group["contacts"] = [{"email": printable(party.email)}]
    return _filled(group)


def buyer_terms(document: Document) -> dict[str, Any]:
    """BG-7 of `document`."""
    party = document.buyer
    group = _party(document, party, party.name if printable(party.name) else document.account_id)
    if party.vat_number_valid and document.vat_rule not in UNTAXED:
        group["vat_identifier"] = vat_identifier(party)
    return _filled(group)


def _party(document: Document, party: Party, name: str) -> dict[str, Any]:
    lines = [line for line in re.split("\r\n|\r|\n", party.address) if printable(line)]
    group: dict[str, Any] = {
        "name": name,
        "country_code": country_code(party.country),
        "city": party.city,
        "postcode": party.postcode,
        "addr_l1": lines[0] if lines else "",
        "addr_l2": lines[1] if len(lines) > 1 else "",
        # Three lines are all there are.
        "addr_l3": ", ".join(lines[2:]),
    }
    french = siren_of(party)
    if french:
        group |= {"legal_identifier": french, "legal_identifier_schemeid": _SIREN_SCHEME}
        if siret_of(party):
            group["identifiers"] = {_SIRET_SCHEME: siret_of(party)}
        if french_domestic(document):
            group |= {"einvoicing_addr": french, "einvoicing_addr_schemeid": _FRENCH_ADDRESS_SCHEME}
    elif printable(party.registration):
        group["legal_identifier"] = party.registration
    return group


def _filled(group: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in group.items() if not isinstance(value, str) or printable(value)}
