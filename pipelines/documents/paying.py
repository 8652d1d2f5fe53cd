"""The box on a document with the total and how it is paid, and the QR code of a credit transfer (EPC069-12)."""

from __future__ import annotations

from typing import Any

import segno
from segno import helpers

from pipelines.documents import formats
from pipelines.documents.model import Document
from pipelines.documents.sheets import Writer

QUIET = 4
"""Modules of white that a QR code wants around it (ISO/IEC 18004)."""
LONGEST_NAME = 70
"""Characters of the payee in an EPC QR code."""
LONGEST_TEXT = 140


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
        sentence = writer.word(key, amount=amount, day=formats.day(payment.due_on, writer.language))
    else:
        sentence = writer.word(f"{key}_undated", amount=amount)
    if payment.method == "direct_debit":
        return sentence, [
            ("debtor_iban", formats.masked_iban(payment.debtor_iban)),
            ("mandate", payment.mandate_reference),
            ("creditor_id", seller.creditor_id),
        ]
    return sentence, [
        ("payee", seller.party.name if seller.iban else ""),
        ("iban", formats.iban(seller.iban)),
        ("bic", seller.bic if seller.iban else ""),
        ("reference", document.number),
        ("due_on", formats.day(payment.due_on, writer.language) if payment.due_on else ""),
    ]


def _qr_code(document: Document, writer: Writer) -> dict[str, str]:
    """The code as SVG, for a transfer in EUR to an IBAN; nothing where the standard has no room for the payment."""
    seller = document.seller
    transfer = document.payment.method == "bank_transfer" and document.kind in ("bill", "debit_note")
    if not (transfer and document.currency == "EUR" and document.total_owed > 0 and seller.iban):
        return {}
    name = " ".join(seller.party.name.split())[:LONGEST_NAME]
    reference = " ".join(document.number.split())
    try:
        code = _encoded(document, name, reference)
    except (ValueError, UnicodeEncodeError):  # an amount, IBAN, BIC or name that no code may hold
        return {}
    return {
        "qr": code.svg_inline(border=QUIET, light="white", omitsize=True),
        "scan": writer.word("scan"),
        "qr_alt": writer.word(
            "qr_alt",
            amount=writer.money(document.total_owed),
            name=name,
            iban=formats.iban(seller.iban),
            reference=reference[:LONGEST_TEXT],
        ),
    }


def _encoded(document: Document, name: str, reference: str) -> segno.QRCode:
    return helpers.make_epc_qr(
        name=name,
        iban="".join(document.seller.iban.split()),
        amount=document.total_owed,
        text=reference[:LONGEST_TEXT],
        bic="".join(document.seller.bic.split()) or None,
        encoding="utf-8",
    )
