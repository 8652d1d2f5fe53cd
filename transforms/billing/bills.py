"""Lines become bills: one for every account, with its VAT and what is owed (billing rules 8 and 9)."""

from __future__ import annotations

from datetime import date

import polars as pl

from transforms.billing.money import MinorUnits, times, to_minor_unit
from transforms.billing.vat import rates_on, vat_rule, with_rate
from transforms.tables.base import AMOUNT_SCALE, assert_contract, conform
from transforms.tables.billing import Bills

_AMOUNT = pl.Decimal(18, AMOUNT_SCALE)
_ZERO = pl.lit("0").str.to_decimal(scale=AMOUNT_SCALE).cast(_AMOUNT)
_PREPAID = pl.col("billing_mode") == "prepaid"


def bills(
    lines: pl.DataFrame,
    accounts: pl.DataFrame,
    vat_rates: pl.DataFrame,
    *,
    month: str,
    first: date,
    last: date,
    seller_country: str,
    minor_units: MinorUnits,
) -> pl.DataFrame:
    """The draft Bills of `month` for `accounts` (Accounts and has_vat_number), from `lines` (BillLines).

    Every account open on any day from `first` to `last` has a bill, also with nothing on it, and so does any other
    with a line. Net is the sum of the printed lines. A taxed account whose country has no rate fails the contract of
    the table; `missing_vat_rates` finds it before.
    """
    net = lines.group_by("account_id").agg(
        pl.col("amount").cast(pl.Decimal(38, AMOUNT_SCALE)).sum().alias("net_amount"), pl.len().alias("_lines")
    )
    billed = (
        accounts.join(net, on="account_id", how="left", maintain_order="left")
        .filter(_open(first, last) | pl.col("_lines").is_not_null())
        .with_columns(pl.col("net_amount").fill_null(_ZERO).cast(_AMOUNT))
    )
    ruled = billed.with_columns(_rule(seller_country).alias("vat_rule"))
    taxed = with_rate(ruled, rates_on(vat_rates, last))
    vat = to_minor_unit(times(pl.col("net_amount"), pl.col("vat_rate")), pl.col("currency"), minor_units)
    complete = (
        taxed.with_columns(vat.alias("vat_amount"))
        .with_columns((pl.col("net_amount") + pl.col("vat_amount")).alias("gross_amount"))
        .with_columns(
            pl.when(_PREPAID).then("net_amount").otherwise(_ZERO).alias("paid_from_balance"),
            pl.when(_PREPAID).then(_ZERO).otherwise("gross_amount").alias("total_owed"),
        )
        .sort("account_id")
    )
    unknown = lines.join(accounts, on="account_id", how="anti")
    if unknown.height:
        raise AssertionError("a bill line names an account that does not exist")
    return assert_contract(Bills, conform(Bills, complete, {"billing_month": month, "status": "draft"}))


def _open(first: date, last: date) -> pl.Expr:
    return (pl.col("opened_on") <= last) & (pl.col("closed_on").is_null() | (pl.col("closed_on") >= first))


def _rule(seller_country: str) -> pl.Expr:
    """Prepaid credit was taxed when it was bought, so that its bill carries no VAT and says so."""
    rule = vat_rule(pl.col("country"), pl.col("has_vat_number"), seller_country)
    return pl.when(_PREPAID).then(pl.lit("charged_at_top_up")).otherwise(rule)


def missing_vat_rates(accounts: pl.DataFrame, vat_rates: pl.DataFrame, day: date, seller_country: str) -> pl.DataFrame:
    """account_id and country of accounts whose documents of `day` need a rate that `vat_rates` does not hold."""
    ruled = accounts.with_columns(
        vat_rule(pl.col("country"), pl.col("has_vat_number"), seller_country).alias("vat_rule")
    )
    return (
        with_rate(ruled, rates_on(vat_rates, day))
        .filter(pl.col("vat_rate").is_null())
        .select("account_id", "country")
        .sort("account_id")
    )
