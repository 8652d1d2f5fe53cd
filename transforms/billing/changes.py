"""What a credit or debit note changes, leg by leg: the rows of its CSV and its annex, which add up to the note.

In every frame here account_id names the note: an account may have several of a month.
"""

from __future__ import annotations

import polars as pl

from transforms.billing.itemisation import ITEM_COLUMNS, ITEM_ORDER, as_read
from transforms.billing.lines import LINE_KEY, usage_totals
from transforms.billing.money import MinorUnits, to_minor_unit
from transforms.tables.base import AMOUNT_SCALE, MONEY

CHANGES = ("charge_before", "charge_now", "difference")
CHANGE_COLUMNS = tuple(name for column in ITEM_COLUMNS for name in (CHANGES if column == "charge" else (column,)))
"""The columns of a note's CSV."""

_LEG = ["account_id", "usage_id"]
_AMOUNT = pl.Decimal(38, AMOUNT_SCALE)
_OF_USAGE = pl.col("kind").is_in(["voice", "sms"])


def changed_legs(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """The legs whose charge is another `now` than `before` (both RatedUsage), that came or that went: as they are now, else
    as they were, with CHANGES; charge_before or charge_now is null where the leg was not charged for, or is not any more.

    A leg that makes no line, such as an unanswered call, neither comes nor goes.
    """
    was = before.select(*_LEG, charge_before="charge", _made_a_line=pl.col("unit_price").is_not_null())
    ours = now.with_columns(charge_now="charge").join(was, on=_LEG, how="left")
    gone = before.join(now, on=_LEG, how="anti").with_columns(
        charge_before="charge", _made_a_line=pl.col("unit_price").is_not_null()
    )
    legs = pl.concat([ours, gone], how="diagonal")
    charge_now, charge_before = (pl.col(name).cast(MONEY).fill_null(0) for name in ("charge_now", "charge_before"))
    came = pl.col("charge_before").is_null() & pl.col("unit_price").is_not_null()
    went = pl.col("charge_now").is_null() & pl.col("_made_a_line")
    return (
        legs.with_columns((charge_now - charge_before).cast(MONEY).alias("difference"))
        .filter((pl.col("difference") != 0) | came | went)
        .drop("_made_a_line")
        .sort(ITEM_ORDER)
    )


def line_rounding(changes: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """account_id and rounding: how much the lines of usage among `lines` (CorrectionLines) come to beyond the differences of
    `changes` (see `changed_legs`). A line is rounded as it was and as it is, and not by what changed in it."""
    amounts = lines.filter(_OF_USAGE).select("account_id", pl.col("amount").cast(MONEY).alias("rounding"))
    differences = changes.select("account_id", (-pl.col("difference")).cast(MONEY).alias("rounding"))
    return pl.concat([amounts, differences]).group_by("account_id").agg(pl.col("rounding").sum()).sort("account_id")


def astray(before: pl.DataFrame, now: pl.DataFrame, lines: pl.DataFrame, minor_units: MinorUnits) -> pl.DataFrame:
    """account_id of notes whose lines of usage are not what the legs `now`, rounded by line, come to beyond those `before`.
    There is none, unless something was changed or is at fault."""

    def rounded(usage: pl.DataFrame) -> pl.DataFrame:
        amount = to_minor_unit(pl.col("charge"), pl.col("currency"), minor_units).cast(_AMOUNT)
        return usage_totals(usage.lazy()).collect().select(*LINE_KEY, amount.alias("amount"))

    taken = (-pl.col("amount")).cast(_AMOUNT).alias("amount")
    noted = lines.filter(_OF_USAGE).with_columns(service="kind").select(*LINE_KEY, taken)
    left = pl.concat([rounded(now), rounded(before).with_columns(taken), noted]).group_by(LINE_KEY)
    return left.agg(pl.col("amount").sum()).filter(pl.col("amount") != 0).select("account_id").unique()


def itemised_changes(
    changes: pl.DataFrame, lines: pl.DataFrame, rounding: pl.DataFrame, *, time_zone: str
) -> pl.DataFrame:
    """account_id and CHANGE_COLUMNS: the `changes` (see `changed_legs`), then each of `lines` (CorrectionLines) that is no
    usage, then the `rounding` (see `line_rounding`) where there is some. The differences of a note add up to its net amount.

    There is nothing of a note that changes no leg: its lines tell everything.
    """
    others = lines.filter(~_OF_USAGE).select(
        "account_id",
        "country",
        "currency",
        "usage_month",
        service="kind",
        own_number="number",
        difference=pl.col("amount").cast(MONEY),
    )
    currencies = lines.group_by("account_id").agg(pl.col("currency").first())
    rounded = (
        rounding.filter(pl.col("rounding") != 0)
        .join(currencies, on="account_id", how="left")
        .select("account_id", "currency", service=pl.lit("rounding"), difference="rounding")
    )
    legs = as_read(changes, time_zone=time_zone).select("account_id", *CHANGE_COLUMNS)
    more = (frame.join(changes, on="account_id", how="semi", maintain_order="left") for frame in (others, rounded))
    whole = pl.concat([legs, *more], how="diagonal").sort("account_id", maintain_order=True)
    return whole.select("account_id", *CHANGE_COLUMNS)
