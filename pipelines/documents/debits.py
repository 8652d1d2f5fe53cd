"""SEPA direct debits as banks take them: pain.008.001.08, the same bytes for the same debits.

Who can be debited is decided before, in `mandates`: the library that writes the file takes wrong check digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from lxml import etree
from sepaxml import SepaDD

from pipelines.documents.bank_text import REFERENCE_MAX, sepa_text
from pipelines.documents.mandates import (
    AMOUNT_MAX,
    CURRENCY,
    NAME_MAX,
    POSTCODE_MAX,
    STREET_MAX,
    TOWN_MAX,
    compact,
)
from pipelines.settings import Seller

SCHEMA = "pain.008.001.08"
VERSION = f"direct debits 2, sepaxml {version('sepaxml')}, lxml {version('lxml')}"
"""What writes the file; the number changes with this module."""

RECURRENT = "RCUR"
"""The sequence type of every debit: since November 2016 it stands for the first one of a mandate as well (EPC016-06)."""

REMITTANCE_MAX = 140
_N = f"{{urn:iso:std:iso:20022:tech:xsd:{SCHEMA}}}"


@dataclass(frozen=True)
class Address:
    """Of a debtor, as accounts.csv has it."""

    address: str
    """Street lines."""
    postcode: str
    city: str
    country: str
    """ISO 3166-1 alpha-2."""
    bic: str
    """Of the debtor's bank; may be empty."""


@dataclass(frozen=True)
class Debit:
    """One debit. `amount` in EUR, above 0, with at most two decimals; `debtor` where it must state the debtor's address."""

    document: str
    account_id: str
    name: str
    iban: str
    mandate_reference: str
    mandate_signed_on: date
    amount: Decimal
    due_on: date
    debtor: Address | None = None


def direct_debits(message: str, debits: Sequence[Debit], seller: Seller, *, scheme: str, created_at: datetime) -> bytes:
    """The file with the id `message`, one payment for each day of collection; `scheme` is CORE or B2B.

    `created_at` is written as the clock on the wall shows it. Raises AssertionError where the file does not follow the
    XSD, or would not say what `debits` do.
    """
    writer = SepaDD(_creditor(seller, scheme), schema=SCHEMA, clean=False)
    for debit in sorted(debits, key=lambda debit: (debit.due_on, debit.document)):
        writer.add_payment(_payment(debit, seller))
    # Its own validation, by xmlschema, takes 8 s for 10,000 debits; that of lxml not half a second.
    root = etree.fromstring(writer.export(validate=False), _parser())
    _with_fixed_ids(root, message, created_at)
    etree.indent(root)
    content = etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"
    require_same(content, debits)
    return content


def require_same(content: bytes, debits: Sequence[Debit]) -> None:
    """Raises AssertionError unless the file follows its XSD and holds `debits`, each once, with sums that are theirs."""
    root = etree.fromstring(content, _parser())
    if not _schema().validate(root):
        # The log quotes values, which are private.
        kinds = sorted({str(entry.type_name) for entry in _schema().error_log})
        raise AssertionError(f"the payment file does not follow {SCHEMA}: {', '.join(kinds)}")
    written = [debit for payment in root.iter(f"{_N}PmtInf") for debit in _read(payment)]
    wanted = [
        (item.document, item.amount, compact(item.iban), item.due_on.isoformat(), *_bank_and_address(item))
        for item in debits
    ]
    if sorted(written) != sorted(wanted):
        raise AssertionError("the payment file does not hold the debits that it was to hold")
    groups = [
        (_node(root, "CstmrDrctDbtInitn", "GrpHdr"), root),
        *((payment, payment) for payment in root.iter(f"{_N}PmtInf")),
    ]
    for head, body in groups:
        amounts = [Decimal(str(item.text)) for item in body.iter(f"{_N}InstdAmt")]
        said = (int(_text(head, "NbOfTxs")), Decimal(_text(head, "CtrlSum")))
        if said != (len(amounts), sum(amounts)):
            raise AssertionError(f"the payment file says {said}, and holds {len(amounts)} debits over {sum(amounts)}")


def _creditor(seller: Seller, scheme: str) -> dict[str, Any]:
    config = {
        "name": sepa_text(seller.name, NAME_MAX),
        "IBAN": compact(seller.iban),
        "batch": True,
        "creditor_id": compact(seller.creditor_id),
        "currency": CURRENCY,
        "instrument": scheme,
    }
    return config | ({"BIC": compact(seller.bic)} if seller.bic.strip() else {})


def _payment(debit: Debit, seller: Seller) -> dict[str, Any]:
    cents = debit.amount * 100
    if not 0 < debit.amount <= AMOUNT_MAX or cents != int(cents):
        raise AssertionError(f"{debit.document} cannot be debited: its amount is not from 0.01 to {AMOUNT_MAX}")
    bic, address = _bank_and_address(debit)
    parts = zip(_ADDRESS, address, strict=True)
    return ({"BIC": bic} if bic else {}) | {
        "name": debtor_name(debit.name, debit.account_id),
        "address": {name: text for name, text in parts if text},
        "IBAN": compact(debit.iban),
        "amount": int(cents),
        "type": RECURRENT,
        "collection_date": debit.due_on,
        "mandate_id": debit.mandate_reference,
        "mandate_date": debit.mandate_signed_on,
        "description": sepa_text(f"{debit.document} {seller.name}", REMITTANCE_MAX),
        "endtoend_id": debit.document,
    }


_ADDRESS = {"street_name": "StrtNm", "postcode": "PstCd", "town": "TwnNm", "country": "Ctry"}
"""The parts of an address, by the names of the library and of the file. Since November 2026 banks take none that is
lines of text alone."""


def _bank_and_address(debit: Debit) -> tuple[str, tuple[str, ...]]:
    """BIC and the parts of the address, in letters that banks take; all empty where none is stated."""
    known = debit.debtor
    if known is None:
        return "", ("",) * len(_ADDRESS)
    street = sepa_text(", ".join(known.address.splitlines()), STREET_MAX)
    postcode, town = sepa_text(known.postcode, POSTCODE_MAX), sepa_text(known.city, TOWN_MAX)
    return compact(known.bic), (street, postcode, town, known.country)


def debtor_name(name: str, account_id: str) -> str:
    """The name in letters that banks take; the account where none is left of it."""
    return sepa_text(name, NAME_MAX) or sepa_text(account_id, NAME_MAX) or "NOTPROVIDED"


def _with_fixed_ids(root: Any, message: str, created_at: datetime) -> None:
    """Names the message, its payments and its moment anew: the library draws ids by lot and reads the clock."""
    head = _node(root, "CstmrDrctDbtInitn", "GrpHdr")
    _node(head, "MsgId").text = message
    _node(head, "CreDtTm").text = f"{created_at:%Y-%m-%dT%H:%M:%S}"
    for place, node in enumerate(root.iter(f"{_N}PmtInfId"), 1):
        node.text = f"{message}-{place}"
        assert len(node.text) <= REFERENCE_MAX, "the id of a payment is too long"


def _read(payment: Any) -> Iterator[tuple[str, Decimal, str, str, str, tuple[str, ...]]]:
    """Number, amount, IBAN, day, BIC and parts of the address of the debits of a payment."""
    day = _text(payment, "ReqdColltnDt")
    for item in payment.iterchildren(f"{_N}DrctDbtTxInf"):
        yield (
            _text(item, "PmtId", "EndToEndId"),
            Decimal(_text(item, "InstdAmt")),
            _text(item, "DbtrAcct", "Id", "IBAN"),
            day,
            item.findtext(f"{_N}DbtrAgt/{_N}FinInstnId/{_N}BICFI") or "",
            tuple(item.findtext(f"{_N}Dbtr/{_N}PstlAdr/{_N}{name}") or "" for name in _ADDRESS.values()),
        )


def _text(node: Any, *path: str) -> str:
    return str(_node(node, *path).text)


def _node(node: Any, *path: str) -> Any:
    found = node.find("/".join(f"{_N}{name}" for name in path))
    assert found is not None, path
    return found


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    with (files("sepaxml") / "schemas" / f"{SCHEMA}.xsd").open("rb") as file:
        return etree.XMLSchema(etree.parse(file))
