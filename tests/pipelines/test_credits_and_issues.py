"""Credits beside issued months: at the first moment of a month, known late, several at once, and of accounts that are parked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.operations.park import park_bill, release_bill
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.bookkeeping import APRIL, MAY, PREPAID, D, calling_home, correct, issue, rows, run
from tests.pipelines.homes import Home

PARIS = '[billing]\nfirst_month = "2026-04"\ntime_zone = "Europe/Paris"\n'
# In Paris April ends, and May begins, at 22:00 in UTC.
LAST_SECOND, FIRST_MOMENT, FIRST_SECOND = (
    "2026-04-30T21:59:59Z",
    "2026-04-30T22:00:00Z",
    "2026-04-30T22:00:01Z",
)
IN_MAY = PREPAID | {"record_id": "may", "started_at": "2026-05-10T10:00:00Z", "duration_seconds": "3000"}
BALANCES = "SELECT credit_id, balance_after FROM receipts WHERE credit_id > 'C4' ORDER BY 1"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """In April A1, prepaid, has 100.00, calls for as much and pays 2.00 for its numbers."""
    return calling_home(tmp_path)


def top_ups(home: Home, *moments: str) -> None:
    """Top-ups of A1 of 10.00 each: C5, C6 and so on."""
    home.add("credits", *(f"C{place},A1,top_up,10.00,EUR,{at},P{place}" for place, at in enumerate(moments, start=5)))


def posted(home: Home) -> list[tuple[Any, ...]]:
    """Month, account and reference of the credits in the posted ledger."""
    with Warehouse.open(home.installation) as warehouse:
        return warehouse.connection.execute(
            "SELECT month, account_id, reference FROM posted_ledger WHERE kind <> 'bill' ORDER BY ALL"
        ).fetchall()


def test_a_top_up_at_the_first_moment_of_a_month_comes_after_the_bill_of_the_month_before(home: Home) -> None:
    home.settings(PARIS)
    run(home, APRIL)
    issue(home, APRIL)
    top_ups(home, LAST_SECOND, FIRST_MOMENT, FIRST_SECOND)
    run(home, MAY)
    # 100.00 and the top-ups so far, less the call of 100.00 alone while April is not over, and less the bill once it is.
    assert rows(home, BALANCES) == [("C5", 10), ("C6", 18), ("C7", 28)]


def test_a_credit_at_the_first_moment_of_a_month_is_posted_with_that_month(home: Home) -> None:
    home.settings(PARIS)
    home.usage("may.csv", [IN_MAY])
    top_ups(home, LAST_SECOND, FIRST_MOMENT, FIRST_SECOND)
    run(home, APRIL, MAY)
    issue(home, APRIL)
    of_april = [(APRIL, "A1", "C1"), (APRIL, "A1", "C5"), (APRIL, "A5", "C3")]
    assert posted(home) == of_april
    issue(home, MAY)
    assert posted(home) == [*of_april, (MAY, "A1", "C6"), (MAY, "A1", "C7")]


def test_a_note_gives_back_to_the_credits_after_it_and_to_none_before(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    home.add("voice_outbound", "default_eur,France,0.010000,0,1,1,2026-04-01")
    correct(home, APRIL, datetime(2026, 6, 10, 12, tzinfo=UTC))
    # The call costs 83.33 now. The top-ups become known late, all of them.
    top_ups(home, "2026-06-10T11:59:59Z", "2026-06-10T12:00:00Z", "2026-06-10T12:00:01Z")
    run(home, MAY)
    assert rows(home, BALANCES) == [("C5", 8), ("C6", 18), ("C7", D("44.67"))]


def test_top_ups_of_several_months_that_come_at_once_each_know_the_usage_before_them(home: Home) -> None:
    home.usage("more.csv", [IN_MAY, IN_MAY | {"record_id": "june", "started_at": "2026-06-10T10:00:00Z"}])
    # The latest stands neither first nor last, and of April alone the usage is rated.
    top_ups(home, "2026-05-20T10:00:00Z", "2026-06-11T10:00:00Z", "2026-04-20T10:00:00Z")
    run(home, APRIL)
    # Calls for 100.00, 0.60 and 0.60; nothing is billed yet.
    assert rows(home, BALANCES) == [("C5", D("19.4")), ("C6", D("28.8")), ("C7", 10)]


def test_a_credit_of_a_parked_account_is_not_posted_before_its_bill_is(home: Home) -> None:
    run(home, APRIL)
    park_bill(home.installation, APRIL, "A5", "in doubt", "Ann")
    issue(home, APRIL)
    assert posted(home) == [(APRIL, "A1", "C1")]
    # What is not posted may still be mended.
    home.edit("credits", "C3,A5,opening_balance,5.00", "C3,A5,opening_balance,6.00")
    run(home, APRIL)
    release_bill(home.installation, APRIL, "A5", "mended", "Ann")
    issue(home, APRIL)
    assert posted(home) == [(APRIL, "A1", "C1"), (APRIL, "A5", "C3")]
    assert rows(home, "SELECT amount, balance_after FROM ledger WHERE account_id = 'A5'") == [(6, 6), (-1, 5)]
