"""Texts in CSV files that people open in spreadsheets."""

from __future__ import annotations

import polars as pl


def safe_text(column: str) -> pl.Expr:
    """The text `column`, with an apostrophe before what a spreadsheet would take for a formula; an E.164 number stays."""
    text = pl.col(column)
    formula = text.str.contains(r"^[=+\-@\t\r]") & ~text.str.contains(r"^\+[0-9]{2,15}$")
    return pl.when(formula).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)
