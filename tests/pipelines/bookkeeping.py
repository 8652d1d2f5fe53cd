"""Homes whose months are run, issued and paid, for the tests of the books. Knows nothing of what is right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.reference.consistency import read_price_tables, read_reference
from pipelines.stages.correct import compare_month, correct_month
from pipelines.stages.issue import issue_month
from pipelines.stages.load import load_reference_and_prices
from pipelines.stages.publish import publish
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL
from tests.support import run_month

APRIL, MAY, JUNE = "2026-04", "2026-05", "2026-06"
D = Decimal
PAYMENTS = "payment_id,account_id,bill_number,amount,currency,paid_at\n"
# April: A1 (prepaid) calls for 100.00 and holds two numbers; A2 (postpaid, domestic) for 50.00 and one number.
PREPAID = CALL | {"record_id": "p", "from_number": "+33184000001", "duration_seconds": "500000"}
POSTPAID = CALL | {"record_id": "q", "duration_seconds": "250000"}


def calling_home(folder: Path) -> Home:
    """A home with calls in April."""
    home = make_home(folder)
    home.usage("a.csv", [PREPAID, POSTPAID])
    return home


def run(home: Home, *months: str) -> None:
    with Warehouse.open(home.installation) as warehouse:
        for month in months:
            controls = run_month(Session(home.installation, warehouse), month)
            assert controls["passed"].all(), controls.filter(~pl.col("passed"))


def issue(home: Home, month: str) -> None:
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        issue_month(session, month)
        publish(session, month)


def correct(home: Home, month: str, at: datetime) -> None:
    """Issues the notes of the month at that moment; there are some."""
    prices = read_price_tables(home.installation)
    tables = prices | read_reference(home.installation, prices)
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        load_reference_and_prices(session, month)
        assert correct_month(session, month, tables, compare_month(session, month, tables), "wrong price", at)
        publish(session, month)


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(query).fetchall()


def pay(home: Home, *lines: str) -> None:
    home.reference("payments", PAYMENTS + "".join(f"{line}\n" for line in lines))


def owed(home: Home) -> dict[str, Decimal]:
    """total_owed by account."""
    return dict(
        rows(home, "SELECT account_id, total_owed FROM bills WHERE billing_month = '2026-04' AND total_owed > 0")
    )


def after_issue(days: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
