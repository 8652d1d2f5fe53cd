"""Lines as EN 16931 has them (BG-25): quantity times price gives the amount, or the line is one piece at its amount."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from pipelines.documents.einvoice.words import line_name, line_note, word
from pipelines.documents.model import Document, Line

PIECE = "C62"
"""UN/ECE recommendation 20: one."""

_UNITS = {"seconds": ("SEC", 60), "segments": (PIECE, 1), "messages": (PIECE, 1), "months": ("MON", 1)}
"""Code of a unit and how many of it the unit price is for: a minute for seconds."""

_PRICE_DECIMALS = 4
"""Decimals of a unit price that every receiver can read; a finer price is told for ten or a hundred times as many."""


class _Priced(NamedTuple):
    quantity: int
    unit: str
    price: Decimal
    base: int


def line_terms(document: Document, category: dict[str, str]) -> list[dict[str, Any]]:
    """BG-25 of `document`, each line under the VAT `category` (BT-151, BT-152). A receipt has one line, the credit; a
    document with nothing on it one of 0, since EN 16931 wants at least one (BR-16)."""
    if document.kind == "receipt":
        return [_single(document, "prepaid_credit", document.net_amount) | category]
    if not document.lines:
        return [_single(document, "no_charges", Decimal(0)) | category]
    return [_line(document, line) | category for line in document.lines]


def money(value: Decimal, digits: int) -> str:
    """`value` with `digits` decimals, two at most; 0 has no sign."""
    rounded = value.quantize(Decimal(1).scaleb(-min(digits, 2)))
    return f"{abs(rounded) if rounded == 0 else rounded:f}"


def signed(document: Document, value: Decimal) -> Decimal:
    """`value` as the e-invoice says it: what a credit note gives back is positive."""
    return -value if document.kind == "credit_note" else value


def _single(document: Document, what: str, amount: Decimal) -> dict[str, Any]:
    piece = _piece(signed(document, amount))
    return {"BT-126": "1", "BT-153": word(document.language, what)} | _figures(document, piece, amount)


def _line(document: Document, line: Line) -> dict[str, Any]:
    amount = signed(document, line.amount)
    priced = _priced(document, line)
    agrees = _rounded(priced, document.digits) == amount
    found = {
        "BT-126": str(line.number),
        "BT-127-00": [{"BT-127": line_note(line, document.language, whole=not agrees)}],
        "BT-153": line_name(line, document.language),
    } | _figures(document, priced if agrees else _piece(amount), line.amount)
    if line.usage_month != f"{document.period[0]:%Y-%m}":
        first = date.fromisoformat(f"{line.usage_month}-01")
        found |= {"BT-134": first, "BT-135": (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)}
    return found


def _priced(document: Document, line: Line) -> _Priced:
    unit, base = _UNITS[line.unit]
    quantity = int(signed(document, Decimal(line.quantity)))
    # A price may not be negative (BR-27), a quantity may.
    price = abs(line.unit_price).normalize()
    if line.unit_price < 0:
        quantity = -quantity
    while -int(price.as_tuple().exponent) > _PRICE_DECIMALS:
        price, base = (price * 10).normalize(), base * 10
    return _Priced(quantity, unit, price, base)


def _piece(amount: Decimal) -> _Priced:
    return _Priced(-1 if amount < 0 else 1, PIECE, abs(amount), 1)


def _rounded(priced: _Priced, digits: int) -> Decimal:
    exact = priced.quantity * priced.price / priced.base
    return exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def _figures(document: Document, priced: _Priced, amount: Decimal) -> dict[str, Any]:
    figures = {
        "BT-129": str(priced.quantity),
        "BT-130": priced.unit,
        "BT-131": money(signed(document, amount), document.digits),
        "BT-146": f"{priced.price:f}",
    }
    return figures | ({"BT-149": str(priced.base)} if priced.base != 1 else {})
