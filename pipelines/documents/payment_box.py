"""The box on a document with the total and how it is paid, and the QR code of a credit transfer (EPC069-12)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import segno

from pipelines.documents import localisation
from pipelines.documents.model import Document
from pipelines.documents.tables import Writer

QUIET = 4
"""Modules of white that a QR code wants around it (ISO/IEC 18004)."""
NAME_MAX = 70
"""Characters of the payee in an EPC QR code."""
TEXT_MAX = 140
IBAN_MAX = 34
PAYLOAD_MAX = 331
"""Bytes of the whole."""
LEAST, MOST = Decimal("0.01"), Decimal("999999999.99")
MASK = 4
"""Readers know all eight masks. Choosing the handsomest takes segno longer than the rest of the code."""


def box(document: Document, writer: Writer) -> dict[str, Any]:
    """Label, amount, a sentence, pairs of label and value, and maybe a QR code with the words in its place."""
    label, amount = "total_owed", document.total_owed
    if document.kind == "receipt":
        label, amount = "total_paid", document.gross_amount
    elif document.kind == "credit_note":
        label, amount = "credited", document.gross_amount.copy_abs()
    sentence, pairs = _how(document, writer)
    return {
        "label": writer.word(label),
        "amount": writer.money(amount),
        "sentence": sentence,
        "pairs": [[writer.word(key), value] for key, value in pairs if value],
        **_qr_code(document, writer),
    }


def _how(document: Document, writer: Writer) -> tuple[str, list[tuple[str, str]]]:
    word, money, payment = writer.word, writer.money, document.payment
    if document.kind == "receipt":
        return word("credit_added", amount=money(document.net_amount)), []
    if document.kind == "credit_note":
        return word("to_balance" if payment.method == "balance" else "off_account"), []
    if payment.method == "balance":
        closing = [("closing_prepaid", money(document.statement.closing))] if document.statement else []
        if document.paid_amount:
            return word("from_balance_amount", amount=money(document.paid_amount)), closing
        return word("from_balance"), closing
    if document.total_owed <= 0:
        return word("in_favour" if document.total_owed < 0 else "nothing_owed"), []
    return _owed(document, writer)


def _owed(document: Document, writer: Writer) -> tuple[str, list[tuple[str, str]]]:
    payment, seller = document.payment, document.seller
    key = "will_be_debited" if payment.method == "direct_debit" else "please_transfer"
    amount = writer.money(document.total_owed)
    if payment.due_on:
        sentence = writer.word(key, amount=amount, day=localisation.day(payment.due_on, writer.language))
    else:
        sentence = writer.word(f"{key}_undated", amount=amount)
    if payment.method == "direct_debit":
        return sentence, [
            ("debtor_iban", localisation.masked_iban(payment.debtor_iban)),
            ("mandate", payment.mandate_reference),
            ("creditor_id", seller.creditor_id),
        ]
    return sentence, [
        ("payee", seller.party.name if seller.iban else ""),
        ("iban", localisation.iban(seller.iban)),
        ("bic", seller.bic if seller.iban else ""),
        ("reference", document.number),
        ("due_on", localisation.day(payment.due_on, writer.language) if payment.due_on else ""),
    ]


def _qr_code(document: Document, writer: Writer) -> dict[str, str]:
    """The code as SVG, for a transfer in EUR to an IBAN; nothing where the standard has no room for the payment."""
    seller = document.seller
    transfer = document.payment.method == "bank_transfer" and document.kind in ("bill", "debit_note")
    if not (transfer and document.currency == "EUR" and seller.iban):
        return {}
    name, reference = " ".join(seller.party.name.split())[:NAME_MAX], " ".join(document.number.split())
    payload = transfer_payload(name, seller.iban, seller.bic, document.total_owed, reference[:TEXT_MAX])
    if payload is None:
        return {}
    code = segno.make_qr(payload, error="m", boost_error=False, mask=MASK)
    return {
        "qr": code.svg_inline(border=QUIET, light="white", omitsize=True),
        "scan": writer.word("scan"),
        "qr_alt": writer.word(
            "qr_alt",
            amount=writer.money(document.total_owed),
            name=name,
            iban=localisation.iban(seller.iban),
            reference=reference[:TEXT_MAX],
        ),
    }


def transfer_payload(name: str, iban: str, bic: str, amount: Decimal, text: str) -> bytes | None:
    """What an EPC QR code says (EPC069-12, version 2, UTF-8); None where it may not say it."""
    iban, bic = "".join(iban.split()), "".join(bic.split())
    said = ["BCD", "002", "1", "SCT", bic, name, iban, f"EUR{amount:.2f}", "", "", text]
    right = name and text and 4 < len(iban) <= IBAN_MAX and len(bic) in (0, 8, 11) and LEAST <= amount <= MOST
    # A lone surrogate has no bytes; a code without the payee's name right would be refused by the bank anyway.
    payload = "\n".join(said).encode("utf-8", "replace")
    return payload if right and len(payload) <= PAYLOAD_MAX else None
