"""What issued bills say beside what is right now, and the credit and debit notes that make up for it (billing rule 8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl
from polars._typing import PolarsDataType

from transforms.billing.issuing import numbers
from transforms.billing.money import MinorUnits, times, to_minor_unit
from transforms.tables.base import AMOUNT_SCALE, MONEY, assert_contract, conform
from transforms.tables.billing import CorrectionLines, CorrectionNotes
from transforms.tables.vocabulary import LINE_KINDS

_WIDE = pl.Decimal(38, AMOUNT_SCALE)
_AMOUNT = pl.Decimal(18, AMOUNT_SCALE)
_ZERO = pl.lit("0").str.to_decimal(scale=AMOUNT_SCALE).cast(_AMOUNT)

_LINE = (
    "account_id",
    "currency",
    "kind",
    "direction",
    "country",
    "destination",
    "number",
    "usage_month",
    "unit",
    "unit_price",
)
"""What makes two lines say the same thing."""

_ORDER = ("account_id", "currency", "_kind", "direction", "country", "destination", "number", "usage_month")

NOTE = ("account_id", "currency")
"""A note is of one account, and in one currency."""


def differences(charged: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """The lines that lead from the lines `charged` so far to the `right` ones, of each NOTE whose sums differ.

    Both have the columns of BillLines; `charged` holds bill lines and the lines of earlier notes. Events, quantity,
    charge and amount are right less charged: a line at a wrong price is taken back, and charged at the right one.
    What adds up to nothing for an account is left out: there is nothing to pay, and so no note.
    """
    sums: dict[str, PolarsDataType] = {"events": pl.Int64, "quantity": pl.Int64, "charge": MONEY, "amount": _WIDE}

    plus = [pl.col(name).cast(kind) for name, kind in sums.items()]
    lines = (
        pl.concat([charged.select(*_LINE, *(-value for value in plus)), right.select(*_LINE, *plus)])
        .group_by(_LINE)
        .agg(pl.col(*sums).sum())
        .filter((pl.col("amount") != 0) | (pl.col("quantity") != 0) | (pl.col("events") != 0))
    )
    apart = lines.group_by(NOTE).agg(pl.col("amount").sum()).filter(pl.col("amount") != 0)
    return (
        lines.join(apart.select(NOTE), on=NOTE, how="semi")
        .with_columns(pl.col("kind").replace_strict({kind: i for i, kind in enumerate(LINE_KINDS)}).alias("_kind"))
        .sort(*_ORDER, "quantity", "unit_price")
        .drop("_kind")
    )


def by_account(lines: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """What each note would make up for that `lines` (from `differences`) ask for: account_id, currency, bill_number
    (`none` where there is none), billed (the net amount of the bill) and difference (net)."""
    net = lines.group_by(NOTE).agg(pl.col("amount").sum().alias("difference"))
    billed = bills.select("account_id", "currency", "bill_number", pl.col("net_amount").alias("billed"))
    named = net.join(billed, on=NOTE, how="left").with_columns(
        pl.col("bill_number").fill_null("none"), pl.col("billed").fill_null(_ZERO)
    )
    return named.select(*NOTE, "bill_number", "billed", "difference").sort(NOTE)


def notes(
    lines: pl.DataFrame,
    bills: pl.DataFrame,
    *,
    month: str,
    reason: str,
    at: datetime,
    series: Mapping[str, tuple[str, int]],
    minor_units: MinorUnits,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """CorrectionNotes and CorrectionLines of `lines` (from `differences`), issued at the moment `at`.

    `bills`: the bill of each account, with bill_number, billing_mode, vat_rate and vat_rule; VAT is charged or given
    back at its rate, rounded once. `series`: by kind of note the text before its number, and the first number.
    """
    net = lines.group_by(NOTE).agg(pl.col("amount").sum().cast(_AMOUNT).alias("net_amount"))
    of_bill = bills.select("account_id", "bill_number", "billing_mode", "vat_rate", "vat_rule")
    vat = to_minor_unit(times(pl.col("net_amount"), pl.col("vat_rate")), pl.col("currency"), minor_units)
    prepaid = pl.col("billing_mode") == "prepaid"
    complete = (
        net.join(of_bill, on="account_id", how="left")
        .with_columns(
            pl.when(pl.col("net_amount") < 0).then(pl.lit("credit_note")).otherwise(pl.lit("debit_note")).alias("kind"),
            vat.alias("vat_amount"),
        )
        .with_columns((pl.col("net_amount") + pl.col("vat_amount")).alias("gross_amount"))
        .with_columns(
            pl.when(prepaid).then("net_amount").otherwise(_ZERO).alias("paid_from_balance"),
            pl.when(prepaid).then(_ZERO).otherwise("gross_amount").alias("total_owed"),
        )
        .sort("kind", *NOTE)
        .with_columns(
            numbers(pl.col("kind").replace_strict({k: text for k, (text, _) in series.items()}), _from(series)).alias(
                "note_number"
            )
        )
    )
    constants = {"billing_month": month, "reason": reason, "issued_at": at}
    found = assert_contract(CorrectionNotes, conform(CorrectionNotes, complete, constants))
    numbered = lines.join(found.select(*NOTE, "note_number"), on=NOTE, how="left", maintain_order="left").with_columns(
        (pl.int_range(pl.len()).over("note_number") + 1).alias("line_number")
    )
    return found, assert_contract(CorrectionLines, conform(CorrectionLines, numbered, {"billing_month": month}))


def _from(series: Mapping[str, tuple[str, int]]) -> pl.Expr:
    """The number of each note in the series of its kind."""
    first = pl.col("kind").replace_strict({kind: number for kind, (_, number) in series.items()}, return_dtype=pl.Int64)
    return first + pl.int_range(pl.len(), dtype=pl.Int64).over("kind")
