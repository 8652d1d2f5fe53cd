"""What Asterisk's application Dial was told to ring: the telephone number behind a dialled channel.

Forms of a target: docs.asterisk.org, application Dial (`Technology/Resource[&...]`), and the drivers' own resources:
`PJSIP/number@trunk`, `PJSIP/trunk/sip:number@host`, `SIP/trunk/number`, `DAHDI/g1/number`, `IAX2/user@trunk/number`.
"""

from __future__ import annotations

import polars as pl

OUTSIDE_DIGITS = 7
"""A number of at least so many digits lies outside the switch; a shorter one is an extension or a service."""

SEVERAL = "one of several numbers"
"""Stands for the number where the dialled channel may be any of several targets; no rule takes it for a number."""

_SAME_DIGITS = 8
_GROUPED = ("dahdi", "zap")
_BEHIND = r"^[^/]+/(?:[^@/]*@)?(?<to>[^@/]+)/(?:sips?:)?(?<number>[^@/:]+)"
_BEFORE = r"^[^/]+/(?:(?<number>[^@/]+)@(?<to>[^@/:]+)|(?<peer>[^@/:]+))"
_NUMBER = r"^\+?[0-9]{2,17}$"


def technology(channel: pl.Expr) -> pl.Expr:
    """`sip` of the channel `SIP/trunk-0000001a`."""
    return channel.str.extract(r"^([^/]+)/").str.to_lowercase()


def peer(channel: pl.Expr) -> pl.Expr:
    """`trunk` of the channel `SIP/trunk-0000001a`: the trunk, peer, endpoint or host that it leads to."""
    name = pl.coalesce(channel.str.extract(r"^[^/]+/([^/]*)-"), channel.str.extract(r"^[^/]+/([^/]*)"))
    return name.str.replace(r":[0-9]+$", "")


def is_outside(number: pl.Expr) -> pl.Expr:
    """Whether a dialled number leads out of the switch."""
    return number.str.contains(rf"^\+?[0-9]{{{OUTSIDE_DIGITS},}}$") | (number == SEVERAL)


def same_number(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether two spellings end in the same eight digits: a trunk may want another prefix than the caller dialled."""
    return _ending(one) == _ending(other)


def _ending(number: pl.Expr) -> pl.Expr:
    return number.str.tail(_SAME_DIGITS).str.strip_chars_start("+")


def numbers_dialled(dials: pl.DataFrame, *, optimised: bool = True) -> pl.DataFrame:
    """The number behind each dialled channel: `key` (distinct) and `number`; a key without one may be left out.

    `dials`: key, `data` (the arguments of Dial, whose first names the targets) and `channel` (the dialled one). The
    target is the one that leads to the channel's peer; `number` is null where that names no number, and `SEVERAL` where
    targets with different numbers share the peer. With `optimised`, a number dialled through a Local channel counts
    where the dialled channel is another one: the Local channel was optimised away.
    """
    targets = dials.select(
        "key",
        technology(pl.col("channel")).alias("technology"),
        peer(pl.col("channel")).alias("peer"),
        pl.col("data").str.extract(r"^([^,|]*)").alias("target"),
    )
    several = targets["target"].str.contains("&", literal=True).fill_null(False)
    alone = _leading_there(targets.filter(~several), optimised=optimised)
    if not several.any():
        return alone
    split = targets.filter(several).with_columns(pl.col("target").str.split("&")).explode("target")
    among = _leading_there(split, optimised=optimised)
    chosen = (
        among.group_by("key")
        .agg(pl.col("number").first(), pl.col("number").n_unique().alias("_different"))
        .select("key", pl.when(pl.col("_different") > 1).then(pl.lit(SEVERAL)).otherwise("number").alias("number"))
    )
    return pl.concat([alone, chosen])


def _leading_there(targets: pl.DataFrame, *, optimised: bool) -> pl.DataFrame:
    """Of the targets (key, technology, peer, target) those that lead to the channel, with their number."""
    by, target = technology(pl.col("target")), pl.col("target")
    parsed = targets.with_columns(by.alias("by"), target.str.extract_groups(_BEHIND).alias("behind")).with_columns(
        pl.col("behind").struct.field("to").alias("leads_to"), pl.col("behind").struct.field("number")
    )
    # Most targets name their number behind the trunk; only what is left is looked at again.
    left = pl.when(pl.col("leads_to").is_null() | (pl.col("by") == "local")).then("target")
    before = left.str.extract_groups(_BEFORE)
    parsed = parsed.with_columns(before.alias("before")).with_columns(
        pl.coalesce(pl.col("before").struct.field("number"), "number").alias("number"),
        pl.coalesce("leads_to", pl.col("before").struct.field("to"), pl.col("before").struct.field("peer")).alias(
            "leads_to"
        ),
    )
    leads = (pl.col("by") == pl.col("technology")) & (
        (pl.col("leads_to") == pl.col("peer")) | pl.col("by").is_in(_GROUPED)
    )
    through = pl.lit(optimised) & (pl.col("by") == "local") & (pl.col("technology") != "local")
    number = pl.when(pl.col("number").str.contains(_NUMBER)).then("number")
    return parsed.filter(leads | through).select("key", number.alias("number"))
