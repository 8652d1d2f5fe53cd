"""The CSV of what is owed and not debited, for whoever watches the bank account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from importlib.metadata import version

import polars as pl

from transforms.billing.spreadsheet import safe_texts

VERSION = f"open items 1, polars {version('polars')}"
"""What writes the file; the number changes with this module."""

COLUMNS = (
    "document",
    "kind",
    "account_id",
    "name",
    "issued_on",
    "due_on",
    "amount",
    "open_amount",
    "currency",
    "payment_method",
    "reason",
)


def open_items_csv(items: pl.DataFrame, minor_units: Mapping[str, int]) -> bytes:
    """`items` (COLUMNS; amounts as decimals) as CSV, in the order of their documents.

    Amounts have the digits of their currency. Texts are quoted, and those that a spreadsheet would run begin with an
    apostrophe.
    """
    ordered = items.select(COLUMNS).sort("document")
    currencies = ordered["currency"].to_list()
    plain = {
        name: [
            _plain(amount, minor_units[currency]) for amount, currency in zip(ordered[name], currencies, strict=True)
        ]
        for name in ("amount", "open_amount")
    }
    # Made safe before amounts become texts: "-5.00" is no formula.
    written = safe_texts(ordered).with_columns(pl.Series(name, texts, pl.String) for name, texts in plain.items())
    # All are quoted: a semicolon in a name parts no cells where spreadsheets take it for the separator.
    return written.write_csv(quote_style="always", line_terminator="\n").encode()


def _plain(amount: Decimal, digits: int) -> str:
    return f"{amount:.{digits}f}"
