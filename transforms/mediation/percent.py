"""Percent-encoded text (RFC 3986, 2.1), as switches write values into XML and JSON."""

from __future__ import annotations

from urllib.parse import unquote

import polars as pl

_ASCII = {f"%{code:02{case}}": chr(code) for code in range(1, 128) for case in "Xx"}
_BEYOND_ASCII = r"%(?:[89A-Fa-f][0-9A-Fa-f]|00)"


def percent_decoded(text: pl.Expr) -> pl.Expr:
    """Text with its `%2B` as `+`, once; a `%` that encodes nothing stays. Bytes that are no UTF-8 give U+FFFD."""
    return text.map_batches(_decoded, return_dtype=pl.String, is_elementwise=True)


def _decoded(text: pl.Series) -> pl.Series:
    if not text.str.contains("%", literal=True).any():
        return text
    rare = text.str.contains(_BEYOND_ASCII).fill_null(False)
    quick = text.str.replace_many(_ASCII)
    if not rare.any():
        return quick
    spelled = text.filter(rare).unique()
    read = pl.DataFrame({"spelled": spelled, "read": [unquote(one) for one in spelled]})
    found = pl.DataFrame({"spelled": text, "quick": quick, "rare": rare}).join(
        read, on="spelled", how="left", maintain_order="left"
    )
    return found.select(pl.when("rare").then("read").otherwise("quick").alias(text.name)).to_series()
