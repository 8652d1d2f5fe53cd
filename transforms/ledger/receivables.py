"""What postpaid customers owe: issued documents and payments as a statement of account, and what of them is open."""

from __future__ import annotations

import polars as pl

from transforms.tables.base import AMOUNT_SCALE, assert_contract, conform
from transforms.tables.books import OpenItems, Receivables

_WIDE = pl.Decimal(38, AMOUNT_SCALE)
_ZERO = pl.lit("0").str.to_decimal(scale=AMOUNT_SCALE).cast(_WIDE)
_ITEM = ["account_id", "currency", "document"]


def documents(bills: pl.DataFrame, notes: pl.DataFrame) -> pl.DataFrame:
    """The documents of `bills` (Bills) and `notes` (CorrectionNotes), all issued, by which something is owed or given
    back: number, kind, account_id, billing_month, issued_at, amount (Decimal(38, 4)), currency and document.

    `document` is the open item on which it counts. A bill and a debit note are items of their own, as each is due by
    itself; a credit note counts on the bill that it names, and is an item where the account has no such bill.
    Documents of 0, so all of prepaid accounts, are left out.
    """
    columns = ("kind", "account_id", "billing_month", "issued_at", "currency")
    owed = pl.col("total_owed").cast(_WIDE).alias("amount")
    billed = bills.filter(pl.col("total_owed") != 0).with_columns(pl.lit("bill").alias("kind"))
    billed = billed.select(pl.col("bill_number").alias("number"), *columns, owed).with_columns(document="number")
    named = billed.select("account_id", "currency", bill_number="number", _bill="number")
    noted = (
        notes.filter(pl.col("total_owed") != 0)
        .join(named, on=["account_id", "currency", "bill_number"], how="left")
        .with_columns(pl.when(pl.col("kind") == "credit_note").then("_bill").alias("_bill"))
        .select(
            pl.col("note_number").alias("number"),
            *columns,
            owed,
            pl.coalesce("_bill", "note_number").alias("document"),
        )
    )
    return pl.concat([billed, noted])


def allocated(payments: pl.DataFrame, owed: pl.DataFrame) -> pl.DataFrame:
    """`payments` (Payments) and document: the item of `owed` (from `documents`) that has the number which the payment
    names, of the same account and currency; null where there is none."""
    items = owed.filter(pl.col("number") == pl.col("document")).select(*_ITEM, bill_number="number")
    return payments.join(items, on=["account_id", "currency", "bill_number"], how="left")


def receivables(owed: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """The Receivables of `owed` (from `documents`) and `paid` (from `allocated`): per account by time, then kind, then
    reference. Balances are kept by currency, should an account ever have had two."""
    issued = owed.select(
        "account_id",
        pl.col("issued_at").alias("posted_at"),
        "kind",
        pl.col("number").alias("reference"),
        "document",
        "amount",
        "currency",
    )
    received = paid.filter(pl.col("amount") != 0).select(
        "account_id",
        pl.col("paid_at").alias("posted_at"),
        pl.lit("payment").alias("kind"),
        pl.col("payment_id").alias("reference"),
        "document",
        (-pl.col("amount").cast(_WIDE)).alias("amount"),
        "currency",
    )
    entries = (
        pl.concat([issued, received])
        .sort("account_id", "posted_at", "kind", "reference")
        .with_columns(
            (pl.int_range(pl.len()).over("account_id") + 1).alias("entry_number"),
            pl.col("amount").cum_sum().over("account_id", "currency").alias("balance_after"),
        )
    )
    return assert_contract(Receivables, conform(Receivables, entries))


def open_items(
    owed: pl.DataFrame, paid: pl.DataFrame, before: pl.DataFrame, *, payment_days: int, time_zone: str
) -> pl.DataFrame:
    """The OpenItems of `owed` (from `documents`) and `paid` (from `allocated`).

    A document is due `payment_days` after the day of its issue in `time_zone`. One that is among `before` (document,
    due_on) stays due when it was: a customer was told that day.
    """
    of_item = pl.col("number") == pl.col("document")
    corrected = owed.filter(~of_item).group_by("document").agg(pl.col("amount").sum().alias("corrected"))
    received = paid.drop_nulls("document").group_by("document").agg(pl.col("amount").cast(_WIDE).sum().alias("paid"))
    day = pl.col("issued_at").dt.convert_time_zone(time_zone).dt.date()
    items = (
        owed.filter(of_item)
        .join(corrected, on="document", how="left")
        .join(received, on="document", how="left")
        .join(before.select("document", "due_on"), on="document", how="left")
        .with_columns(
            pl.col("corrected", "paid").fill_null(_ZERO),
            pl.coalesce("due_on", day.dt.offset_by(f"{payment_days}d")).alias("due_on"),
        )
        .with_columns((pl.col("amount") + pl.col("corrected") - pl.col("paid")).alias("open_amount"))
        .sort("document")
    )
    return assert_contract(OpenItems, conform(OpenItems, items))
