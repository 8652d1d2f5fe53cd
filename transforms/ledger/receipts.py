"""One receipt a top-up: credited amount, VAT, total paid and the balance after it (billing rule 10)."""

from __future__ import annotations

from datetime import date

import polars as pl

from transforms.billing.issuing import numbers
from transforms.billing.money import MinorUnits, times, to_minor_unit
from transforms.billing.vat import rates_on, vat_rule, with_rate
from transforms.tables.base import AMOUNT_SCALE, MONEY, assert_contract, conform
from transforms.tables.billing import Receipts

_AMOUNT = pl.Decimal(18, AMOUNT_SCALE)


def usage_before(credits: pl.DataFrame, usage: pl.LazyFrame) -> pl.DataFrame:
    """credit_id and `used`: charges of the account's `usage` that started before each of `credits`.

    `usage`: account_id, started_at and charge of all usage not yet on an issued bill. Parts of it may be given one
    after the other and the results added up.
    """
    wanted = credits.select("credit_id", "account_id", "credited_at").lazy()
    return (
        usage.select("account_id", "started_at", "charge")
        .join(wanted, on="account_id", how="inner")
        .filter(pl.col("started_at") < pl.col("credited_at"))
        .group_by("credit_id")
        .agg(pl.col("charge").cast(MONEY).sum().alias("used"))
        .collect()
    )


def receipts(
    new: pl.DataFrame,
    credits: pl.DataFrame,
    used: pl.DataFrame,
    issued: pl.DataFrame,
    accounts: pl.DataFrame,
    vat_rates: pl.DataFrame,
    *,
    time_zone: str,
    seller_country: str,
    minor_units: MinorUnits,
) -> pl.DataFrame:
    """Receipts, but for their numbers, of the top-ups `new` among all `credits` (Credits), earliest first.

    `used`: credit_id and used (from `usage_before`). `issued`: credit_id and billed, the issued bills before it.
    balance_after = all credits so far - issued bills - usage not yet on an issued bill that started before the
    credit, rounded once. Of two credits at one moment the lower credit_id comes first.
    """
    so_far = credits.sort("credited_at", "credit_id").select(
        "credit_id", pl.col("amount").cast(MONEY).cum_sum().over("account_id").alias("_credits")
    )
    zero = pl.lit("0").str.to_decimal(scale=10).cast(MONEY)
    known = (
        new.join(so_far, on="credit_id", how="left")
        .join(used, on="credit_id", how="left")
        .join(issued, on="credit_id", how="left")
        .join(accounts.select("account_id", "country", "has_vat_number"), on="account_id", how="left")
        .with_columns(
            vat_rule(pl.col("country"), pl.col("has_vat_number"), seller_country).alias("vat_rule"),
            pl.col("credited_at").dt.convert_time_zone(time_zone).dt.date().alias("_day"),
            (pl.col("_credits") - pl.col("billed").fill_null(zero) - pl.col("used").fill_null(zero)).alias("_balance"),
        )
    )
    days = known.partition_by("_day", maintain_order=True) or [known]
    taxed = pl.concat(with_rate(part, rates_on(vat_rates, _only_day(part))) for part in days)
    currency = pl.col("currency")
    return (
        taxed.with_columns(
            pl.col("amount").alias("credited_amount"),
            to_minor_unit(times(pl.col("amount"), pl.col("vat_rate")), currency, minor_units).alias("vat_amount"),
            to_minor_unit(pl.col("_balance"), currency, minor_units).alias("balance_after"),
        )
        .with_columns((pl.col("credited_amount") + pl.col("vat_amount")).cast(_AMOUNT).alias("total_paid"))
        .sort("credited_at", "credit_id")
        .select("credit_id", *(name for name in _RECEIPT if name != "credit_id"))
    )


_RECEIPT = (
    "credit_id",
    "account_id",
    "credited_at",
    "credited_amount",
    "vat_rate",
    "vat_rule",
    "vat_amount",
    "total_paid",
    "balance_after",
    "currency",
)


def numbered(
    drafts: pl.DataFrame, last_numbers: pl.DataFrame, *, time_zone: str, prefix: str, first: int
) -> pl.DataFrame:
    """Receipts of `drafts` with their numbers, gapless by year: R-2026-000001, where `prefix` is `R-`.

    `last_numbers`: year (String) and last (Int64), the last number given in each year; others begin with `first`.
    """
    year = pl.col("credited_at").dt.convert_time_zone(time_zone).dt.year().cast(pl.String).alias("year")
    counted = drafts.with_columns(year).join(last_numbers, on="year", how="left", maintain_order="left")
    position = pl.col("last").fill_null(first - 1) + pl.int_range(1, pl.len() + 1).over("year")
    named = counted.with_columns(numbers(pl.concat_str(pl.lit(prefix), "year"), position).alias("receipt_number"))
    return assert_contract(Receipts, conform(Receipts, named))


def _only_day(part: pl.DataFrame) -> date:
    """The day that all rows of `part` share; any day where there are no rows."""
    day = part["_day"].first()
    return day if isinstance(day, date) else date.min
