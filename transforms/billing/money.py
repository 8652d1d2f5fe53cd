"""Rounding to the minor unit of a currency: half away from zero, and nowhere else (billing rule 1)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from transforms.tables.base import AMOUNT_SCALE

MinorUnits = Mapping[str, int]
"""Digits of the minor unit by currency, ISO 4217: USD 2, JPY 0, TND 3."""

_WIDE = pl.Decimal(38, 10)
_AMOUNT = pl.Decimal(18, AMOUNT_SCALE)


def to_minor_unit(value: pl.Expr, currency: pl.Expr, minor_units: MinorUnits) -> pl.Expr:
    """`value` rounded to the minor unit of `currency`, half away from zero; Decimal(18, 4).

    0.125 USD is 0.13, -0.125 USD is -0.13, 12.5 JPY is 13. A currency that `minor_units` lacks gives null, which the
    table's contract refuses; an amount too large for the type raises.
    """
    wide = value.cast(_WIDE)
    digits = currency.replace_strict(dict(minor_units), default=None, return_dtype=pl.Int8)
    rounded = pl.coalesce(
        pl.when(digits == n).then(wide.round(n, mode="half_away_from_zero").cast(_WIDE))
        for n in range(AMOUNT_SCALE + 1)
    )
    return rounded.cast(_AMOUNT)


def times(amount: pl.Expr, rate: pl.Expr) -> pl.Expr:
    """amount * rate, exact: an amount has at most four decimals and a rate has four."""
    return amount.cast(pl.Decimal(38, 8)) * rate.cast(pl.Decimal(38, 8))
