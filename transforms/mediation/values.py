"""How single values of a raw record are read: telephone numbers, moments, durations, counts. No rule of refusal.

Every function takes an expression of strings and gives null where the text is not such a value.
"""

from __future__ import annotations

import polars as pl

E164_PATTERN = r"^(?:\+|00)?[1-9][0-9]{1,14}$"
LONGEST_DURATION = 2_147_483_647
"""Seconds that a record may state; anything above is senseless and would endanger the sums."""

_DURATION_PATTERN = r"^[0-9]{1,10}(?:\.[0-9]{1,18})?$"
_COUNT_PATTERN = r"^[0-9]{1,9}$"


def e164(text: pl.Expr) -> pl.Expr:
    """A number written `+33...`, `0033...` or `33...` as `+33...`; null for anything else.

    Two to fifteen digits, the first no zero (ITU-T E.164). `e164('0033612345678')` is `+33612345678`.
    """
    normal = pl.when(text.str.starts_with("+")).then(text).otherwise(pl.lit("+") + text.str.strip_prefix("00"))
    return pl.when(text.str.contains(E164_PATTERN)).then(normal)


def instant(text: pl.Expr) -> pl.Expr:
    """An ISO 8601 date and time with offset as UTC, to the microsecond; null for anything else.

    `T` or a blank between date and time, `Z`, `+02:00`, `+0200` or `+02` behind it. A time without an offset is
    ambiguous and gives null, and so does a sixtieth second.
    """
    parsed = text.str.replace(" ", "T", literal=True).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False
    )
    return pl.when(text.str.slice(17, 2) != "60").then(parsed)


def whole_seconds(text: pl.Expr) -> pl.Expr:
    """Seconds, with a fraction or without, rounded up to the next whole second (billing rule 2); null for anything else.

    `83` is 83, `83.0` is 83, `83.001` is 84. At most `LONGEST_DURATION`.
    """
    point = text.str.contains(".", literal=True)
    whole = pl.when(point).then(text.str.extract(r"^([0-9]+)")).otherwise(text).cast(pl.Int64, strict=False)
    begun = (point & text.str.contains(r"\.[0-9]*[1-9]")).cast(pl.Int64)
    seconds = whole + begun
    valid = text.str.contains(_DURATION_PATTERN) & (seconds <= LONGEST_DURATION)
    return pl.when(valid).then(seconds).cast(pl.Int32)


def count(text: pl.Expr) -> pl.Expr:
    """A whole number of at most nine digits, or null."""
    return pl.when(text.str.contains(_COUNT_PATTERN)).then(text).cast(pl.Int32, strict=False)


def shape(text: pl.Expr) -> pl.Expr:
    """What a value looks like without what it says: letters as x, digits as 9, cut after 24 characters.

    Suspended records and messages for people show this, never the value (billing rule 3).
    """
    masked = text.str.slice(0, 24).str.replace_all(r"\p{N}", "9").str.replace_all(r"[^\x00-\x7F]|[A-Za-z]", "x")
    return pl.lit("'") + masked.fill_null("") + pl.lit("'")
