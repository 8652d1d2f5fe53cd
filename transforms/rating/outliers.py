"""Prices far off those beside them: their predecessor, the default list, another currency, the rest of their country.

Only rows in force on a day or later are looked at. Far off is ten times as much or more, or a tenth or less (between
currencies five times); a price of 0 is far off nothing. Decimals are multiplied and never divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

TIMES = 10
"""What makes a price stand out (a decimal point in the wrong place)."""

TIMES_BETWEEN_CURRENCIES = 5
"""The same for what two currencies' lists are to each other, which is no exact measure."""

ENOUGH = 3
"""Prices that two lists must share before anything follows from them."""

_WIDE = pl.Decimal(38, 6)
_FOUND = ("line", "price", "other_line", "other_price")


def off_predecessor(rows: pl.DataFrame, key: Sequence[str], since: date) -> pl.DataFrame:
    """The rows far off the one that was in force before them: line, price, other_line, other_price, by line.

    `rows` are those of a price table with `line` and `price`; `key` names its columns besides price_list and valid_from;
    `since` is the day. A price that goes back to about what it was before its predecessor is no find: that mends one.
    """
    before = {
        "other_price": pl.col("price").shift(1),
        "other_line": pl.col("line").shift(1),
        "_earlier": pl.col("price").shift(2),
    }
    follows = {name: value.over(["price_list", *key], order_by="valid_from") for name, value in before.items()}
    back = pl.col("_earlier").is_not_null() & ~_far_off("price", "_earlier")
    found = _in_force(rows, key, since).with_columns(**follows).filter(_far_off("price", "other_price") & ~back)
    return _answer(found.filter(pl.col("_counts")))


def off_default(rows: pl.DataFrame, key: Sequence[str], lists: pl.DataFrame, since: date) -> pl.DataFrame:
    """The rows of other lists far off the default list of their currency on their first day, or `since` if later.

    As `off_predecessor`; `lists`: price_list and `default`, the name of the default list of its currency.
    """
    defaults = rows.select(
        pl.col("price_list").alias("default"),
        *key,
        "valid_from",
        pl.col("price").alias("other_price"),
        pl.col("line").alias("other_line"),
    )
    own = (
        _in_force(rows, key, since)
        .filter(pl.col("_counts"))
        .join(lists, on="price_list")
        .filter(pl.col("price_list") != pl.col("default"))
    )
    return _answer(_as_of(own, defaults, ["default", *key]).filter(_far_off("price", "other_price")))


def off_currency(rows: pl.DataFrame, key: Sequence[str], defaults: Sequence[str], since: date) -> pl.DataFrame:
    """The pairs of prices of two lists of `defaults` that differ five times more than the two lists do.

    As `off_predecessor`, `line` being the lesser one of the pair. What two currencies are to each other is taken from
    the middle prices of what both lists have; below three such prices nothing is said.
    """
    listed = rows.filter(pl.col("price_list").is_in(defaults) & (pl.col("price") > 0))
    looked_at = _in_force(listed, key, since).filter(pl.col("_counts"))
    other = pl.DataFrame({"_other": defaults}, schema={"_other": pl.String})
    asked = looked_at.join(other, how="cross").filter(pl.col("price_list") != pl.col("_other"))
    prices = listed.select(
        pl.col("price_list").alias("_other"),
        *key,
        "valid_from",
        pl.col("price").alias("other_price"),
        pl.col("line").alias("other_line"),
    )
    pairs = _as_of(asked, prices, ["_other", *key]).drop_nulls("other_line")
    pair = ["price_list", "_other"]
    usual = {"_usual": _middle("price").over(pair), "_usual_other": _middle("other_price").over(pair)}
    enough = pl.len().over(pair) >= ENOUGH
    here = _whole("price") * _whole("_usual_other")
    there = _whole("other_price") * _whole("_usual")
    far = (here >= there * TIMES_BETWEEN_CURRENCIES) | (there >= here * TIMES_BETWEEN_CURRENCIES)
    found = pairs.with_columns(**usual).filter(enough & far).select(_FOUND)
    turned = found.select(line="other_line", price="other_price", other_line="line", other_price="price")
    both = pl.concat([found, turned]).filter(pl.col("line") < pl.col("other_line"))
    return both.unique(["line", "other_line"]).sort("line", "other_line")


def off_country(rows: pl.DataFrame, key: Sequence[str], since: date) -> pl.DataFrame:
    """The rows far above the dearest other price of their country in their list, or far below the cheapest of two or more.

    As `off_predecessor`; `rows` have `country`. They are held against what is in force on their first day, or `since` if
    later. Of two prices alone only the dearer is found. What is found of one key in several lists is none: it is meant.
    """
    place = ["price_list", "country"]
    placed = list(dict.fromkeys(["country", *key]))
    looked_at = _in_force(rows, placed, since).filter(pl.col("_counts")).select("line", *place, "_day")
    members = rows.select("price_list", *placed).unique()
    asked = looked_at.select(*place, "_day").unique().join(members, on=place)
    priced = _as_of(asked, rows.select("price_list", *placed, "valid_from", "line", "price"), ["price_list", *placed])
    priced = priced.filter(pl.col("price") > 0)
    groups = priced.sort("price", "line").group_by(*place, "_day", maintain_order=True)
    ends = groups.agg(
        pl.len().alias("_prices"),
        *(
            pl.col(name).get(at, null_on_oob=True).alias(f"_{name}{at}")
            for name in ("price", "line")
            for at in (0, 1, -1, -2)
        ),
    )
    beside = (
        looked_at.join(priced.select(*place, "_day", "line", "price"), on=[*place, "_day", "line"])
        .join(ends, on=[*place, "_day"])
        .filter(pl.col("_prices") > 1)
    )
    dear = beside.filter((pl.col("line") == pl.col("_line-1")) & _times("price", "_price-2"))
    cheap = beside.filter((pl.col("line") == pl.col("_line0")) & _times("_price1", "price") & (pl.col("_prices") > 2))
    found = [
        dear.with_columns(other_price=pl.col("_price-2"), other_line=pl.col("_line-2")),
        cheap.with_columns(other_price=pl.col("_price1"), other_line=pl.col("_line1")),
    ]
    lines = pl.concat(found).unique("line")
    alone = rows.select("line", "price_list", *key).unique().join(lines, on="line")
    lists = pl.col("price_list").n_unique()
    return _answer(alone.filter(lists.over(list(key)) == 1))


def _in_force(rows: pl.DataFrame, key: Sequence[str], since: date) -> pl.DataFrame:
    """`rows` and whether each `_counts`, being in force on `since` or later, and the first such `_day`."""
    until = pl.col("valid_from").shift(-1).over(["price_list", *key], order_by="valid_from")
    return rows.with_columns(
        (until.is_null() | (until > since)).alias("_counts"),
        pl.max_horizontal("valid_from", pl.lit(since)).alias("_day"),
    )


def _as_of(asked: pl.DataFrame, prices: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """`asked` with the columns of the row of `prices` that is in force on `_day`, null where none is."""
    return asked.sort("_day").join_asof(
        prices.sort("valid_from").rename({"valid_from": "_from"}),
        left_on="_day",
        right_on="_from",
        by=by,
        strategy="backward",
        check_sortedness=False,
    )


def _times(more: str, less: str) -> pl.Expr:
    """Whether `more` is ten times `less` or above; neither may be 0."""
    return (pl.col(less) > 0) & (pl.col(more).cast(_WIDE) >= pl.col(less).cast(_WIDE) * TIMES)


def _whole(name: str) -> pl.Expr:
    """A price in millionths."""
    return (pl.col(name).cast(_WIDE) * 1_000_000).cast(pl.Int128)


def _middle(name: str) -> pl.Expr:
    """The median, of an even number the greater of the two in the middle."""
    return pl.col(name).sort().get(pl.len() // 2)


def _far_off(price: str, other: str) -> pl.Expr:
    return _times(price, other) | _times(other, price)


def _answer(found: pl.DataFrame) -> pl.DataFrame:
    return found.select(_FOUND).sort("line")
