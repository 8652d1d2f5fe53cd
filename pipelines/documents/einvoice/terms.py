"""A document in the terms of EN 16931 (BT-*, BG-*), the one place where the one becomes the other."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from pipelines.documents.einvoice.lines import line_terms, money, signed
from pipelines.documents.einvoice.needs import FRENCH_NOTES, of_french_seller, of_seller
from pipelines.documents.einvoice.parties import (
    NOWHERE,
    UNTAXED,
    buyer_terms,
    french_domestic,
    seller_terms,
)
from pipelines.documents.einvoice.words import labelled, plain, printable, word
from pipelines.documents.legal import vat_reason
from pipelines.documents.model import Document
from pipelines.errors import BadInput

PROFILE = "urn:cen.eu:en16931:2017"

_INVOICE, _CREDIT_NOTE = "380", "381"
"""UNTDID 1001. A debit note is an invoice as well: its own code, 383, is not allowed between French businesses
(BR-FR-04), nor in other countries' rules."""

_GENERAL = "AAI"
"""UNTDID 4451: general information. UBL writes the subject before the text, `#AAI#text`; a text without one could be
taken for one."""

_COMPENSATED, _TRANSFER, _SEPA_TRANSFER, _SEPA_DEBIT, _UNDEFINED = "97", "30", "58", "59", "1"
"""UNTDID 4461."""

_EXEMPTION_CODES = {"AE": "VATEX-EU-AE", "O": "VATEX-EU-O"}


def terms(document: Document) -> dict[str, Any]:
    """The EN 16931 terms of `document`, as facturx.generate_xml reads them: amounts as text, dates as dates, groups as
    lists and dicts. Made anew on every call, since that library changes what it is given. Raises BadInput."""
    problems = missing(document)
    if problems:
        raise BadInput(problems)
    category, rate = vat_category(document)
    tax = {"BT-151": category} | ({"BT-152": rate} if rate else {})
    found: dict[str, Any] = {
        "BT-1": document.number,
        "BT-2": document.issued_on,
        "BT-3": _CREDIT_NOTE if document.kind == "credit_note" else _INVOICE,
        "BT-5": document.currency,
        "BT-24": PROFILE,
        "BT-72": document.period[1],
        "BT-73": document.period[0],
        "BT-74": document.period[1],
        "BG-1": _notes(document),
        "BG-4": seller_terms(document),
        "BG-7": buyer_terms(document),
        "BG-23": [_vat_breakdown(document, category, rate)],
        "BG-25": line_terms(document, tax),
    }
    if french_domestic(document):
        # Services, paid already (S2) or not (S1).
        found["BT-23"] = "S2" if document.billing_mode == "prepaid" else "S1"
    if document.corrects:
        preceding = {"BT-25": document.corrects, "BT-26": document.corrects_issued_on}
        found["BG-3"] = [{key: value for key, value in preceding.items() if value}]
    found |= _totals(document) | _payment(document)
    cleaned: dict[str, Any] = _cleaned(found)
    return cleaned


def missing(document: Document) -> list[str]:
    """What an e-invoice of `document` needs and lacks, one sentence each: mostly settings of the seller."""
    return list(_missing(document))


def untellable(document: Document) -> str:
    """Why no e-invoice can tell `document`, whatever is set, in a sentence; empty where one can."""
    if all(value == round(value, 2) for value in _amounts(document)):
        return ""
    decimals = {3: "three", 4: "four"}.get(document.digits, f"{document.digits}")
    return f"an e-invoice allows two decimals (EN 16931), but its amounts in {document.currency} have {decimals}"


def vat_category(document: Document) -> tuple[str, str]:
    """UNTDID 5305 code and rate in percent (BT-118, BT-119) of `document`; category O has no rate.

    S where VAT is charged, Z at a rate of 0, AE for reverse charge. O outside the EU, and on prepaid bills: the use of
    credit whose VAT was charged when it was bought is no supply of its own (Article 30b of Directive 2006/112/EC).
    """
    if document.vat_rule in UNTAXED:
        return "O", ""
    if document.vat_rule == "reverse_charge":
        return "AE", "0.00"
    return "S" if document.vat_rate else "Z", f"{document.vat_rate * 100:.2f}"


def declared_vat(document: Document) -> tuple[str, Decimal | None]:
    """The currency in which the seller declares VAT and the VAT in it (BT-6, BT-111), positive on a credit note; None
    where the document's own VAT says it."""
    currency = document.seller.vat_currency
    if document.vat_amount_declared is not None and currency not in ("", document.currency):
        return currency, signed(document, document.vat_amount_declared)
    if french_domestic(document) and document.currency != "EUR" and not document.vat_amount:
        # Between French businesses VAT is told in EUR even where there is none (BR-FR-CO-12).
        return "EUR", Decimal("0.00")
    return "", None


def _missing(document: Document) -> Iterator[str]:
    seller, legal = document.seller.party, document.seller.legal
    what = f"{document.number}: an e-invoice"
    for need in of_seller(seller, document.vat_rule):
        yield f"{what} {need}"
    if document.vat_rule == "reverse_charge" and not document.buyer.vat_number_valid:
        yield f"{what} with reverse charge needs a valid VAT number of the customer"
    if document.buyer.country in ("", NOWHERE):
        yield f"{what} needs the country of the customer"
    if french_domestic(document):
        for need in of_french_seller(seller, legal, document.language):
            yield f"{what} {need}"
        if document.kind == "credit_note" and not (document.corrects and document.corrects_issued_on):
            yield f"{what} that is a credit note to a French business needs the bill that it corrects"
    declared_in = document.seller.vat_currency or ("EUR" if french_domestic(document) else document.currency)
    if document.vat_amount and declared_in != document.currency and declared_vat(document)[0] != declared_in:
        yield f"{what} with VAT in {document.currency} needs the VAT in {declared_in} as well (exchange_rates.csv)"
    if why := untellable(document):
        yield f"{document.number}: {why}"


def _amounts(document: Document) -> list[Decimal]:
    totals = [document.net_amount, document.vat_amount, document.gross_amount, document.paid_amount]
    return [*totals, document.total_owed, *(line.amount for line in document.lines)]


def _notes(document: Document) -> list[dict[str, str]]:
    legal, language = document.seller.legal, document.language
    found = []
    if french_domestic(document):
        found += [(subject, legal[key]) for subject, key in FRENCH_NOTES]
    found += [(_GENERAL, text) for text in (document.reason, legal.get("note", "")) if printable(text)]
    if document.exchange_rate is not None and document.seller.vat_currency:
        rate = f"1 {document.seller.vat_currency} = {plain(document.exchange_rate, language)} {document.currency}"
        found.append((_GENERAL, labelled(language, word(language, "exchange_rate"), rate)))
    return [{"BT-21": subject, "BT-22": text} for subject, text in found]


def _vat_breakdown(document: Document, category: str, rate: str) -> dict[str, str]:
    found = {
        "BT-116": money(signed(document, document.net_amount), document.digits),
        "BT-117": money(signed(document, document.vat_amount), document.digits),
        "BT-118": category,
    }
    if rate:
        found["BT-119"] = rate
    if category in _EXEMPTION_CODES:
        found |= {"BT-120": vat_reason(document), "BT-121": _EXEMPTION_CODES[category]}
    return found


def _totals(document: Document) -> dict[str, str]:
    amounts = {
        "BT-106": document.net_amount,
        "BT-109": document.net_amount,
        "BT-110": document.vat_amount,
        "BT-112": document.gross_amount,
        "BT-113": document.paid_amount,
        "BT-115": document.total_owed,
    }
    found = {key: money(signed(document, value), document.digits) for key, value in amounts.items()}
    currency, declared = declared_vat(document)
    return found | ({"BT-6": currency, "BT-111": money(declared, 2)} if declared is not None else {})


def _payment(document: Document) -> dict[str, Any]:
    payment, seller = document.payment, document.seller
    found: dict[str, Any] = {}
    if document.kind == "receipt":
        found = {"BT-81": _UNDEFINED, "BT-83": document.payment_reference}
    elif document.kind == "credit_note" or payment.method == "balance":
        found = {"BT-81": _COMPENSATED}
    elif payment.method == "direct_debit":
        found = {"BT-81": _SEPA_DEBIT, "BT-83": document.number}
        # BT-91, the account debited, must be a whole IBAN; the document shows it masked, so the term is left out.
        found |= {"BT-89": payment.mandate_reference, "BT-90": seller.creditor_id}
    elif printable(seller.iban):
        sepa = document.currency == "EUR" and _in_sepa(seller.iban)
        found = {"BT-81": _SEPA_TRANSFER if sepa else _TRANSFER, "BT-83": document.number}
        found |= {"BT-84": "".join(seller.iban.split()), "BT-85": seller.party.name, "BT-86": seller.bic}
    else:
        # A transfer must name an account (BR-61).
        found = {"BT-81": _UNDEFINED, "BT-83": document.number}
    return {key: value for key, value in found.items() if printable(value)} | _due(document)


def _in_sepa(account: str) -> bool:
    try:
        return bool(IBAN(account).in_sepa_zone)
    except SchwiftyException:
        return False


def _due(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if french_domestic(document) and document.billing_mode == "prepaid":
        # The day on which it was paid (BR-FR-CO-09).
        found["BT-9"] = document.issued_on
    elif document.payment.due_on is not None and document.kind != "credit_note":
        found["BT-9"] = document.payment.due_on
    if document.total_owed > 0:
        told = document.seller.legal.get("payment_terms", "")
        if printable(told):
            found["BT-20"] = told
        elif not found:
            found["BT-20"] = word(document.language, "on_receipt")
    return found


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {key: _cleaned(each) for key, each in value.items()}
    return value
