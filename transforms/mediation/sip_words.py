"""How single values of SIP accounting are read: numbers in SIP addresses, codes, moments."""

from __future__ import annotations

import polars as pl

from transforms.mediation.telephone import international
from transforms.mediation.values import epoch, local_iso

_BUSY = ("486", "600")
_NO_ANSWER = ("408", "480", "487")


def number(text: pl.Expr, country: str | None = None) -> pl.Expr:
    """The number in `sip:0612345678@host;user=phone` or `tel:+33...`, or the text itself where it is no address; read as
    the numbers of `country` where one is given, be it empty."""
    bare = text.str.replace(r"^(?:.*<)?(?:sips?|tel):", "").str.replace(r"[@;>].*$", "")
    found = pl.when(bare != "").then(bare)
    return found if country is None else international(found, country)


def status(code: pl.Expr) -> pl.Expr:
    """How a call ended that was answered with the SIP response `code` (RFC 3261), or that was not."""
    return (
        pl.when(code.str.starts_with("2"))
        .then(pl.lit("answered"))
        .when(code.is_in(_BUSY))
        .then(pl.lit("busy"))
        .when(code.is_in(_NO_ANSWER))
        .then(pl.lit("no_answer"))
        .otherwise(pl.lit("failed"))
    )


def moment(text: pl.Expr, time_zone: str) -> pl.Expr:
    """Seconds since 1970 with a fraction or without, or a date and time by the clocks of `time_zone`, as UTC."""
    return text.map_batches(
        lambda written: _moments(written, time_zone), return_dtype=pl.Datetime("us", "UTC"), is_elementwise=True
    )


def _moments(text: pl.Series, time_zone: str) -> pl.Series:
    """Whole seconds at once; the other forms only where something is left."""
    written = pl.col("text")
    whole = pl.from_epoch(
        pl.when(written.str.contains("^[1-9][0-9]{0,10}$")).then(written).cast(pl.Int64, strict=False)
    )
    found = text.alias("text").to_frame().select("text", whole.cast(pl.Datetime("us", "UTC")).alias("read"))
    if (found["read"].is_null() & found["text"].is_not_null()).any():
        other = pl.coalesce(epoch(written), local_iso(written, time_zone))
        found = found.with_columns(pl.coalesce("read", other).alias("read"))
    return found["read"].alias(text.name)


def dialog() -> pl.Expr:
    """The name of a dialog: its Call-ID and its tags in their order as text, as a BYE may come from either side."""
    one, other = pl.col("from_tag").fill_null(""), pl.col("to_tag").fill_null("")
    tags = pl.when(one <= other).then(one + ";" + other).otherwise(other + ";" + one)
    return pl.col("callid") + ";" + tags


def is_extension(callee: pl.Expr, digits: int) -> pl.Expr:
    """Whether who was called is an extension of the switch: a number of at most so many `digits`; 0: none is."""
    if not digits:
        return pl.lit(False)
    return number(callee).str.contains(f"^[0-9]{{1,{digits}}}$").fill_null(False)
