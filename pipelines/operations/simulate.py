"""A published month under other price tables, beside the real one: `callbill simulate`. Nothing is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import polars as pl

from pipelines import registries
from pipelines.errors import BadInput
from pipelines.overlap import prefetch
from pipelines.reference import consistency
from pipelines.settings import Installation, Month
from pipelines.storage.catalogue import quoted
from pipelines.storage.published import published
from pipelines.storage.session import Progress
from transforms.billing.comparison import above, compared
from transforms.billing.lines import LINE_KEY, bill_lines, usage_totals
from transforms.charging.number_fees import number_fees
from transforms.rating.book import RatingBook
from transforms.rating.bounds import UNBOUNDED
from transforms.rating.rate import with_price

BATCH_ROWS = 400_000

_LEGS = (
    "record_number",
    "format",
    "record_id",
    "leg",
    "account_id",
    "service",
    "direction",
    "own_number",
    "other_number",
    "started_at",
    "usage_month",
    "status",
    "billable_seconds",
    "segments",
)


def simulate_month(installation: Installation, name: str, percent: int, progress: Progress) -> dict[str, Any]:
    """Old and new amounts of the month as it is published, re-rated with the price tables of `installation`.

    `totals` by currency, `services` by kind of line, direction and country, `accounts`; `above`: the accounts that would
    pay more than `percent` more; `unpriced`: legs that are rated now and would have no price, or a charge beyond its
    bound, by reason;
    `fees_unpriced`: numbers that would have no fee. Raises BadInput where the month is not published or a price table is unsound.
    """
    month = Month.parse(name, installation.settings)
    prices = consistency.read_price_tables(installation)
    tables = {**prices.frames, **consistency.read_reference(installation, prices).frames}
    settings = installation.settings
    # What is published is not too long to be billed: only what it would cost is held to a bound.
    bounds = replace(settings.bounds, record_seconds=UNBOUNDED.record_seconds)
    book = RatingBook.build(tables, time_zone=settings.billing.time_zone, bounds=bounds)
    progress.stage(f"simulate {name}")
    with published(installation.published) as connection:
        old = _frame(connection, f"SELECT * FROM bill_lines WHERE billing_month = {quoted(name)}")
        billed = _frame(connection, f"SELECT account_id FROM bills WHERE billing_month = {quoted(name)}")
        if billed.is_empty():
            raise BadInput(f"{name} is not published: run it first")
        totals, unpriced = _rerated(connection, name, book, progress)
    fees = number_fees(tables["numbers"], book, month=name, first=month.first, last=month.last)
    new = bill_lines(
        totals,
        fees.fees.join(billed, on="account_id", how="semi"),
        month=name,
        minor_units=registries.minor_units(),
    )
    accounts = compared(old, new, ["account_id"])
    return {
        "month": name,
        "price_tables": str(installation.price_tables),
        "totals": compared(old, new, []).to_dicts(),
        "services": compared(old, new, ["kind", "direction", "country"]).to_dicts(),
        "accounts": accounts.to_dicts(),
        "above_percent": percent,
        "above": above(accounts, percent).to_dicts(),
        "unpriced": unpriced.to_dicts(),
        "fees_unpriced": fees.unpriced.height,
    }


def _frame(connection: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    return connection.sql(query).pl()


def _rerated(
    connection: duckdb.DuckDBPyConnection, name: str, book: RatingBook, progress: Progress
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Totals of lines (as `usage_totals`) of the month's legs under the prices of `book`; and how many have none, by
    reason."""
    query = f"SELECT {', '.join(_LEGS)} FROM rated_usage WHERE billing_month = {quoted(name)}"
    totals = [usage_totals(_nothing(connection, query, book).lazy()).collect()]
    unpriced = [pl.DataFrame(schema={"reason": pl.String, "legs": pl.UInt32})]

    def batches() -> Any:
        for batch in connection.sql(query).to_arrow_reader(BATCH_ROWS):
            yield pl.DataFrame(pl.from_arrow(batch))

    for batch in prefetch(batches()):
        priced = with_price(batch, book)
        totals.append(usage_totals(priced.filter(pl.col("reason").is_null()).lazy()).collect())
        unpriced.append(priced.drop_nulls("reason").group_by("reason").agg(pl.len().alias("legs")))
        progress.advance(batch.height)
    added = pl.concat(totals).group_by(LINE_KEY).agg(pl.col("events", "quantity", "charge").sum())
    return added, pl.concat(unpriced).group_by("reason").agg(pl.col("legs").sum()).sort("reason")


def _nothing(connection: duckdb.DuckDBPyConnection, query: str, book: RatingBook) -> pl.DataFrame:
    """No legs, with every column that a priced leg has."""
    return with_price(_frame(connection, f"{query} LIMIT 0"), book)
