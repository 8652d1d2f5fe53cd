"""The arithmetic of a charge: increments, and the one rounding to ten decimals (billing rules 1 and 2)."""

from __future__ import annotations

import polars as pl

from transforms.tables.base import CHARGE_SCALE

_WIDE = pl.Decimal(38, 12)
_CHARGE = pl.Decimal(18, CHARGE_SCALE)
SECONDS_PER_MINUTE = 60


def billed_seconds(seconds: pl.Expr, first_increment: pl.Expr, increment: pl.Expr) -> pl.Expr:
    """Seconds charged: the first increment at least, whole steps of `increment` above it; 0 of 0.

    61 s at 60/30 are 90 s; 83 s at 1/1 are 83 s. Int32; null where there are more than it holds.
    """
    above = (seconds.cast(pl.Int64) - first_increment).clip(lower_bound=0)
    steps = (above + increment - 1) // increment
    return pl.when(seconds > 0).then(first_increment + steps * increment).otherwise(0).cast(pl.Int32, strict=False)


def voice_charge(price_per_minute: pl.Expr, connection_fee: pl.Expr, billed: pl.Expr) -> pl.Expr:
    """connection_fee + price_per_minute * billed / 60, rounded once, half away from zero; Decimal(18, 10).

    83 s at 0.012000 are 0.0166000000. Two digits more than the result are enough to divide in: the exact value is
    a whole number of thirds of the tenth decimal, so that cutting it at the twelfth never makes or hides a half.
    Null where the amount is too large for the type.
    """
    usage = price_per_minute.cast(_WIDE) * billed.cast(pl.Int64) / SECONDS_PER_MINUTE
    return held((connection_fee.cast(_WIDE) + usage).round(CHARGE_SCALE, mode="half_away_from_zero"))


def counted_charge(price: pl.Expr, count: pl.Expr) -> pl.Expr:
    """price * count, exact in ten decimals; Decimal(18, 10). Null where the amount is too large for the type."""
    return held(price.cast(pl.Decimal(38, CHARGE_SCALE)) * count.cast(pl.Int64))


def held(amount: pl.Expr) -> pl.Expr:
    """`amount`, which has ten decimals, as a charge: Decimal(18, 10). Null where it is 100,000,000 or more; whoever asks
    suspends that, as one record must not stop a month."""
    return amount.cast(_CHARGE, strict=False)
