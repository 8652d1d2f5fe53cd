"""Monthly fees of numbers, with the free week of an account's first tracked number (billing rule 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from transforms.privacy import masked_number
from transforms.rating.book import RatingBook
from transforms.rating.charge import held
from transforms.rating.rate import HOLDS_NO_MORE
from transforms.tables.base import CHARGE_SCALE, assert_contract, conform
from transforms.tables.billing import NumberFees

FREE_DAYS = 7
"""The assignment date and the six after it."""

_HOLDING = ("account_id", "number")


@dataclass(frozen=True)
class Fees:
    """`fees`: NumberFees. `unpriced`: numbers with chargeable days and no fee in force, or one that no charge holds:
    number, account_id, reason, detail."""

    fees: pl.DataFrame
    unpriced: pl.DataFrame


def number_fees(numbers: pl.DataFrame, book: RatingBook, *, month: str, first: date, last: date) -> Fees:
    """The fees of the month from `first` to `last` (dates in the billing zone) for `numbers` (Numbers).

    A number is held on every date from assignment to release, both included; an account that holds it twice in a
    month pays once. A number with free days alone has no fee.
    """
    days = _chargeable(_held(numbers, book.time_zone), free_weeks(numbers, book.time_zone), first, last)
    priced = (
        days.filter(pl.col("chargeable_days") > 0)
        .join(book.accounts.select("account_id", "own_list", "default_list", "currency"), on="account_id", how="left")
        .join(book.number_fees.keys, on=["country", "number_class"], how="left")
        .sort(_HOLDING)
    )
    prices = book.number_fees
    found = prices.find([priced["own_list"], priced["default_list"]], priced["key_id"], priced["_first_day"])
    priced = priced.with_columns(
        prices.column("price_list", found),
        prices.column("valid_from", found).alias("price_valid_from"),
        prices.column("proration", found),
        prices.column("monthly_fee", found),
    ).with_columns(_fee((last - first).days + 1).alias("amount"))
    unpriced = priced.filter(pl.col("amount").is_null())
    fees = priced.filter(pl.col("amount").is_not_null())
    no_fee = pl.col("monthly_fee").is_null()
    missing = pl.format(
        "no monthly fee for {} {} in force on {} (number {})",
        "country",
        "number_class",
        pl.col("_first_day").cast(pl.String),
        masked_number(pl.col("number")),
    )
    too_large = pl.format(
        f"the monthly fee of {{}} {{}} for {{}} {{}} is {HOLDS_NO_MORE} (number {{}})",
        "monthly_fee",
        "currency",
        "country",
        "number_class",
        masked_number(pl.col("number")),
    )
    return Fees(
        fees=assert_contract(NumberFees, conform(NumberFees, fees, {"billing_month": month})),
        unpriced=unpriced.select(
            "number",
            "account_id",
            pl.when(no_fee).then(pl.lit("no_price")).otherwise(pl.lit("bad_value")).alias("reason"),
            pl.when(no_fee).then(missing).otherwise(too_large).alias("detail"),
        ),
    )


def free_weeks(numbers: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    """account_id, number, free_from, free_to: the free week of each account's first tracked number.

    First is the earliest assignment, then the lower number.
    """
    return (
        numbers.filter("call_tracking")
        .sort("account_id", "assigned_at", "number")
        .unique("account_id", keep="first", maintain_order=True)
        .select(*_HOLDING, _local_date("assigned_at", time_zone).alias("free_from"))
        .with_columns((pl.col("free_from") + pl.duration(days=FREE_DAYS - 1)).alias("free_to"))
    )


def _local_date(name: str, time_zone: str) -> pl.Expr:
    return pl.col(name).dt.convert_time_zone(time_zone).dt.date()


def _held(numbers: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    """Dates of each holding, `held_from` to `held_to`, made disjoint within an account and number."""
    dated = numbers.select(
        *_HOLDING,
        "country",
        "number_class",
        _local_date("assigned_at", time_zone).alias("held_from"),
        _local_date("released_at", time_zone).fill_null(date(9999, 12, 31)).alias("held_to"),
    ).sort(*_HOLDING, "held_from")
    reached = pl.col("held_to").cum_max().shift(1).over(_HOLDING)
    return dated.with_columns(pl.max_horizontal("held_from", reached + pl.duration(days=1)).alias("held_from"))


def _chargeable(held: pl.DataFrame, free: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Chargeable and free days in the month by account and number, with the first chargeable day."""
    start = pl.max_horizontal("held_from", pl.lit(first))
    end = pl.min_horizontal("held_to", pl.lit(last))
    free_start = pl.max_horizontal("_start", "free_from")
    free_end = pl.min_horizontal("_end", "free_to")
    free_days = pl.when(pl.col("free_from").is_null()).then(0).otherwise((free_end - free_start).dt.total_days() + 1)
    in_free_week = pl.col("_start").is_between("free_from", "free_to").fill_null(False)
    first_day = pl.when(in_free_week).then(pl.col("free_to") + pl.duration(days=1)).otherwise(pl.col("_start"))
    return (
        held.with_columns(start.alias("_start"), end.alias("_end"))
        .filter(pl.col("_start") <= pl.col("_end"))
        .join(free, on=_HOLDING, how="left", maintain_order="left")
        .with_columns(
            ((pl.col("_end") - pl.col("_start")).dt.total_days() + 1).alias("_days"),
            free_days.clip(lower_bound=0).alias("free_days"),
            first_day.alias("_first_day"),
        )
        .with_columns((pl.col("_days") - pl.col("free_days")).alias("chargeable_days"))
        .with_columns(pl.when(pl.col("chargeable_days") > 0).then("_first_day"))
        .sort(*_HOLDING, pl.col("_first_day"), nulls_last=True)
        .group_by(_HOLDING, maintain_order=True)
        .agg(
            pl.col("country", "number_class", "_first_day").first(),
            pl.col("chargeable_days", "free_days").sum(),
        )
    )


def _fee(days_in_month: int) -> pl.Expr:
    """The whole fee, or fee * chargeable_days / days_in_month rounded once to ten decimals; Decimal(18, 10), null where
    that does not hold it.

    Twelve decimals are enough to divide in: no length of a month has a factor that could make a half of the tenth.
    """
    fee = pl.col("monthly_fee").cast(pl.Decimal(38, 12))
    daily = (fee * pl.col("chargeable_days").cast(pl.Int64) / days_in_month).round(
        CHARGE_SCALE, mode="half_away_from_zero"
    )
    whole = pl.col("monthly_fee").cast(pl.Decimal(38, CHARGE_SCALE))
    return held(pl.when(pl.col("proration") == "daily").then(daily.cast(pl.Decimal(38, CHARGE_SCALE))).otherwise(whole))
