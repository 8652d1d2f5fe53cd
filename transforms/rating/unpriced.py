"""Which traffic of past months would have no price, or no destination, under a book of today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from transforms.rating.book import RatingBook
from transforms.rating.prices import PriceIndex

FOUND = ("reason", "service", "direction", "place", "currency", "legs")
LISTS = ("own_list", "default_list", "currency")


def payers(accounts: pl.DataFrame) -> pl.DataFrame:
    """account_id and `payer` of `accounts` (as of a RatingBook), and LISTS: one `payer` for all who pay the same prices."""
    kinds = accounts.select(LISTS).unique().sort(LISTS).with_row_index("payer")
    return accounts.join(kinds, on=LISTS, nulls_equal=True).select("account_id", "payer", *LISTS)


def unpriced(traffic: pl.DataFrame, payers: pl.DataFrame, book: RatingBook, day: date) -> pl.DataFrame:
    """The `traffic` that would have no price on `day`: FOUND, most legs first.

    `traffic` is charged usage, counted: `payer` (of `payers`), service, direction, `digits` (+ and as many digits of an
    outbound number as the longest prefix of `book` has, null of inbound legs), destination as it was, country and
    number_class of inbound legs, and `legs`. `reason` is no_destination where no prefix matches any more, else no_price.
    """
    lists = payers.select("payer", *LISTS).unique("payer")
    asked = traffic.join(lists, on="payer", how="left").with_columns(pl.lit(day).alias("_day"))
    voice, out = pl.col("service") == "voice", pl.col("direction") == "outbound"
    outbound = asked.filter(out)
    found = book.destinations.find(outbound["digits"])
    outbound = outbound.drop("country").with_columns(
        pl.coalesce(found["destination"], "destination").alias("destination"), found["country"]
    )
    class_name = pl.concat_str("country", "number_class", separator=" ", ignore_nulls=True)
    answers = [
        _without(outbound.filter(voice), book.voice_outbound, ["destination"], pl.col("destination")),
        _without(
            outbound.filter(~voice), book.sms_outbound, ["country"], pl.coalesce("country", pl.col("destination"))
        ),
        _without(asked.filter(voice & ~out), book.voice_inbound, ["country", "number_class"], class_name),
        _without(asked.filter(~voice & ~out), book.sms_inbound, [], pl.lit("")),
    ]
    totals = pl.concat(answers).group_by(FOUND[:-1]).agg(pl.col("legs").sum())
    return totals.sort("legs", *FOUND[:-1], descending=[True, *[False] * 5]).select(FOUND)


def _without(asked: pl.DataFrame, prices: PriceIndex, key: Sequence[str], place: pl.Expr) -> pl.DataFrame:
    """FOUND of the rows of `asked` for which `prices` have none in force on `_day`, or that lead nowhere."""
    lost = (pl.col("direction") == "outbound") & pl.col("country").is_null()
    if key:
        asked = asked.join(prices.keys, on=list(key), how="left", maintain_order="left")
    else:
        asked = asked.with_columns(pl.lit(0, pl.Int64).alias("key_id"))
    found = prices.find([asked["own_list"], asked["default_list"]], asked["key_id"], asked["_day"])
    reason = pl.when(lost).then(pl.lit("no_destination")).otherwise(pl.lit("no_price"))
    missing = asked.filter(pl.lit(found.is_null()) | lost)
    return missing.select(reason.alias("reason"), "service", "direction", place.alias("place"), "currency", "legs")
