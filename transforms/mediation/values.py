"""How single values of a raw record are read: telephone numbers, moments, durations, counts. No rule of refusal.

Every function takes an expression of strings and gives null where the text is not such a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import polars as pl

E164_PATTERN = r"^(?:\+|00)?[1-9][0-9]{1,14}$"
DURATION_MAX = 2_147_483_647
"""Seconds that a record may state; anything above is senseless and would endanger the sums."""

_DURATION_PATTERN = r"^[0-9]{1,10}(?:\.[0-9]{1,18})?$"
_COUNT_PATTERN = r"^[0-9]{1,9}$"


def said(names: Sequence[str]) -> pl.Expr:
    """The columns `names`, an empty string of theirs taken as missing."""
    return pl.when(pl.col(names) != "").then(pl.col(names)).name.keep()


def standard_word(text: pl.Expr, words: Mapping[str, str]) -> pl.Expr:
    """The standard word for a source's, which `words` names in small letters; another one stays as it is, in small letters,
    for the rules to refuse."""
    small = text.str.to_lowercase()
    return small.replace_strict(words, default=small, return_dtype=pl.String)


def e164(text: pl.Expr) -> pl.Expr:
    """A number written `+33...`, `0033...` or `33...` as `+33...`; null for anything else.

    Two to fifteen digits, the first no zero (ITU-T E.164). `e164('0033612345678')` is `+33612345678`.
    """
    return text.map_batches(_numbers, return_dtype=pl.String, is_elementwise=True)


def _numbers(text: pl.Series) -> pl.Series:
    sound = text.str.contains(E164_PATTERN)
    normal = text
    if not text.str.starts_with("+").all():
        bare = pl.lit("+") + pl.col("text").str.strip_prefix("00")
        has_plus = pl.col("text").str.starts_with("+")
        normal = text.alias("text").to_frame().select(pl.when(has_plus).then("text").otherwise(bare)).to_series()
    return normal if sound.all() else _where(sound, normal)


def _where(condition: pl.Series, values: pl.Series) -> pl.Series:
    """`values` where the condition holds, else null."""
    frame = pl.DataFrame({"condition": condition, "values": values})
    return frame.select(pl.when("condition").then("values").alias(values.name)).to_series()


def instant(text: pl.Expr) -> pl.Expr:
    """An ISO 8601 date and time with offset as UTC, to the microsecond; null for anything else.

    `T` or a blank between date and time, seconds or none, `Z`, `+02:00`, `+0200` or `+02` behind it. A time without
    an offset is ambiguous and gives null, and so does a sixtieth second. Digits beyond the microsecond are cut.
    """
    return text.map_batches(_instants, return_dtype=_UTC, is_elementwise=True)


_UTC = pl.Datetime("us", "UTC")


def _instants(text: pl.Series) -> pl.Series:
    """Reads all that names its seconds and has a decimal point at once; the rarer forms only where something is left."""
    read = _full_instants(text)
    left = read.is_null() & text.is_not_null()
    if left.any():
        rare = text.filter(left).str.replace(",", ".", literal=True).str.replace(_NO_SECONDS, "${1}:00${2}")
        read = read.scatter(left.arg_true(), _full_instants(rare))
    return read.alias(text.name)


_INSTANT_PATTERN = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]+)?"
    r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"
)
"""The years 1000 to 2999. What chrono takes beyond this, such as `2026-1-1T8:5:3Z` or a year -2026, is refused."""

_NO_SECONDS = r"^(.{16})([Z+-].*)$"


def _full_instants(text: pl.Series) -> pl.Series:
    value = pl.col("text")
    parsed = value.str.replace(" ", "T", literal=True).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False
    )
    sound = value.str.contains(_INSTANT_PATTERN)
    return text.alias("text").to_frame().select(pl.when(sound).then(parsed)).to_series()


def local_instant(
    text: pl.Expr,
    time_zone: str,
    written: str = "%Y-%m-%d %H:%M:%S",
    ambiguous: Literal["earliest", "latest"] = "earliest",
) -> pl.Expr:
    """A date and time without offset, `written` so (chrono), as UTC by the clocks of `time_zone`; null for anything else.

    The hour that the clocks repeat in autumn is taken as the first of the two, unless `ambiguous` says `latest`; one
    that they skip in spring is none.
    """
    naive = text.str.to_datetime(written, time_unit="us", strict=False, exact=True)
    local = naive.dt.replace_time_zone(time_zone, ambiguous=ambiguous, non_existent="null")
    return local.dt.convert_time_zone("UTC")


def local_iso(text: pl.Expr, time_zone: str) -> pl.Expr:
    """An ISO 8601 date and time without offset, `T` or a blank between them, with a fraction of a second or without, as UTC
    by the clocks of `time_zone`; null for anything else."""
    return local_instant(text.str.replace("T", " ", literal=True), time_zone, "%Y-%m-%d %H:%M:%S%.f")


def rfc_2822(text: pl.Expr) -> pl.Expr:
    """A date of RFC 2822 as UTC: `Thu, 01 Oct 2026 08:00:00 +0000`, or with GMT or UTC behind it; null for anything else.

    The day of the week is not looked at, and may be missing.
    """
    plain = text.str.replace(r"^[A-Za-z]{3}, *", "").str.replace(r" (?:GMT|UTC|UT|Z)$", " +0000")
    parsed = plain.str.to_datetime("%d %b %Y %H:%M:%S %#z", time_unit="us", time_zone="UTC", strict=False)
    return pl.when(plain.str.contains(_RFC_2822_PATTERN)).then(parsed)


_RFC_2822_PATTERN = (
    r"^[0-9]{1,2} [A-Za-z]{3} [12][0-9]{3} [0-9]{2}:[0-9]{2}:[0-5][0-9] [+-](?:0[0-9]|1[0-4]):?[0-5][0-9]$"
)


def moment(text: pl.Expr, *readers: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """What the first of `readers` that can makes of each text, as UTC; the later ones only see what is left.

    For sources that write moments in several ways: `moment(pl.col("at"), rfc_2822, instant)`.
    """
    return text.map_batches(lambda written: _first_reading(written, readers), return_dtype=_UTC, is_elementwise=True)


def _first_reading(written: pl.Series, readers: Sequence[Callable[[pl.Expr], pl.Expr]]) -> pl.Series:
    found = pl.Series(written.name, [None], dtype=_UTC).new_from_index(0, len(written))
    for reader in readers:
        left = found.is_null() & written.is_not_null()
        if left.any():
            rest = written.filter(left).alias("text").to_frame().select(reader(pl.col("text"))).to_series()
            found = found.scatter(left.arg_true(), rest)
    return found


def epoch(text: pl.Expr, per_second: int = 1) -> pl.Expr:
    """Seconds since 1970 (or thousandths, or millionths, by `per_second`), with a fraction or without, as UTC; null for
    anything else, and for 0, by which switches say never."""
    sound = text.str.contains(r"^[0-9]{1,17}(?:\.[0-9]{1,9})?$")
    whole = pl.when(sound).then(text.str.extract(r"^([0-9]+)")).cast(pl.Int64, strict=False)
    part = text.str.extract(r"\.([0-9]{1,6})").str.pad_end(6, "0").cast(pl.Int64, strict=False).fill_null(0)
    micros = whole * (1_000_000 // per_second) + (part if per_second == 1 else 0)
    never = (micros <= 0) | (micros > _LAST_MICROSECOND)
    return pl.from_epoch(pl.when(~never).then(micros), time_unit="us").dt.replace_time_zone("UTC")


_LAST_MICROSECOND = 32_503_680_000_000_000
"""The year 3000; the forms of `instant` go no further."""


def whole_seconds(text: pl.Expr) -> pl.Expr:
    """Seconds, with a fraction or without, rounded up to the next whole second (billing rule 2); null for anything else.

    `83` is 83, `83.0` is 83, `83.001` is 84. At most `DURATION_MAX`.
    """
    return text.map_batches(_whole_seconds, return_dtype=pl.Int32, is_elementwise=True)


def _whole_seconds(text: pl.Series) -> pl.Series:
    whole, begun = text, pl.lit(0)
    if text.str.contains(".", literal=True).any():
        whole = text.str.extract(r"^([0-9]+)")
        begun = pl.col("text").str.contains(r"\.[0-9]*[1-9]").cast(pl.Int64)
    frame = pl.DataFrame({"text": text, "whole": whole})
    seconds = pl.col("whole").cast(pl.Int64, strict=False) + begun
    valid = pl.col("text").str.contains(_DURATION_PATTERN) & (seconds <= DURATION_MAX)
    return frame.select(pl.when(valid).then(seconds).cast(pl.Int32).alias(text.name)).to_series()


def count(text: pl.Expr) -> pl.Expr:
    """A whole number of at most nine digits, or null."""
    return pl.when(text.str.contains(_COUNT_PATTERN)).then(text).cast(pl.Int32, strict=False)


def shape(text: pl.Expr) -> pl.Expr:
    """What a value looks like without what it says: letters as x, digits as 9, cut after 24 characters.

    Suspended records and messages for people show this, never the value (billing rule 3).
    """
    masked = text.str.slice(0, 24).str.replace_all(r"\p{N}", "9").str.replace_all(r"[^\x00-\x7F]|[A-Za-z]", "x")
    return pl.lit("'") + masked.fill_null("") + pl.lit("'")
