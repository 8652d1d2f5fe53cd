"""Text that leaves in a CSV file and is shown as text by whatever program opens it, never run as a formula."""

from __future__ import annotations

import polars as pl

_BEGINS_A_FORMULA = "^[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]"
"""What makes a spreadsheet take a cell for a formula, or strip what hides one; also in full width (OWASP, CSV injection)."""

_TELEPHONE_NUMBER = r"^\+[0-9]{2,15}$"
"""E.164: a spreadsheet that takes it for a formula makes the same number of it."""


def safe_text(column: str) -> pl.Expr:
    """The text column with an apostrophe before what a spreadsheet would run: `=1+1` becomes `'=1+1`.

    An E.164 number (`+33184000001`) stays as it is. Only for text: amounts are told apart by their type, and `-5.00` stays
    a number.
    """
    text = pl.col(column)
    runs = text.str.contains(_BEGINS_A_FORMULA) & ~text.str.contains(_TELEPHONE_NUMBER)
    return pl.when(runs).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(column)


def safe_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with every text column made safe; amounts, counts and days are not text and stay as they are."""
    return frame.with_columns(safe_text(name) for name, dtype in frame.schema.items() if dtype == pl.String)
