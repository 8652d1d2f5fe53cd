"""A month that was run and issued before any usage file came: nothing loaded yet is a boundary like any other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.stages.rate import usage_months
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_documents import close, home_of_seller
from tests.pipelines.test_issue import issue, month_of, rows, run, same
from tests.pipelines.traffic import CALL

APRIL, MAY, JUNE = "2026-04", "2026-05", "2026-06"
VOICE = "SELECT billing_month, usage_month, quantity, amount FROM bill_lines WHERE kind = 'voice' ORDER BY ALL"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """April is issued, and no usage file was ever there."""
    home = make_home(tmp_path)
    run(home, APRIL)
    issue(home, APRIL)
    return home


def done(home: Home, *arguments: str) -> Any:
    said = call(*arguments, "--json", *home.arguments)
    assert (said.status, said.err) == (0, "")
    return said.result


def net(home: Home, month: str) -> dict[str, Decimal]:
    return dict(rows(home, f"SELECT account_id, net_amount FROM bills WHERE billing_month = '{month}'"))


def test_the_next_months_are_run_and_issued(home: Home) -> None:
    run(home, MAY)
    issue(home, MAY)
    run(home, JUNE)
    # Fees alone: two numbers and one number of 1.00, and one of 1.15 by the days of a whole month.
    fees = {"A1": "2", "A2": "1", "A3": "1", "A4": "1.15", "A5": "1"}
    for month in (APRIL, MAY, JUNE):
        assert net(home, month) == {account: Decimal(fee) for account, fee in fees.items()}


def test_an_issued_month_without_usage_is_looked_at_by_every_command(home: Home) -> None:
    before = month_of(home, APRIL)
    found = done(home, "correct", APRIL, "--issue")
    assert (found["accounts"], found["lines"], found["lost"], found["notes"]) == ([], [], {}, [])
    for command in ("verify", "rebuild"):
        said = call(command, APRIL, *home.arguments)
        assert (said.status, said.err) == (0, ""), command
    said = call("recycle", *home.arguments)
    assert (said.status, said.err) == (0, "")
    assert same(before, month_of(home, APRIL))


def test_its_documents_are_made(tmp_path: Path) -> None:
    home = home_of_seller(tmp_path)
    close(home, "2026-03", APRIL)
    for month in ("2026-03", APRIL):
        found = done(home, "documents", month)
        assert (found["bill"], found["refused"]) == (4, 0)


def test_usage_that_comes_later_is_billed_in_the_next_open_month(home: Home) -> None:
    before = month_of(home, APRIL)
    home.usage("late.csv", [CALL | {"record_id": "late", "duration_seconds": "600"}])
    home.usage("may.csv", [CALL | {"record_id": "may", "started_at": "2026-05-05T10:00:00Z"}])
    run(home, MAY)
    late = [(MAY, APRIL, 600, Decimal("0.1200")), (MAY, MAY, 83, Decimal("0.0200"))]
    assert rows(home, VOICE) == late
    issue(home, MAY)
    home.usage("later.csv", [CALL | {"record_id": "later", "duration_seconds": "300"}])
    run(home, JUNE)
    assert rows(home, VOICE) == [*late, (JUNE, APRIL, 300, Decimal("0.0600"))]
    assert same(before, month_of(home, APRIL))
    for month in (APRIL, MAY):
        assert done(home, "correct", month)["accounts"] == []
        for command in ("verify", "rebuild"):
            said = call(command, month, *home.arguments)
            assert (said.status, said.err) == (0, ""), (command, month)


def test_a_top_up_knows_of_late_usage_before_its_month_is_run(home: Home) -> None:
    own = {"from_number": "+33184000001", "duration_seconds": "3000"}
    home.usage("late.csv", [CALL | own | {"record_id": "late"}])
    home.add("credits", "N1,A1,top_up,10.00,EUR,2026-05-20T10:00:00Z,P9")
    # June is run first: what came late of April is May's, which is rated for the receipt alone.
    run(home, JUNE)
    # 100.00 + 10.00, less April's fees of 2.00, less the call, 50 minutes at 0.012.
    (found,) = rows(home, "SELECT balance_after FROM receipts WHERE credit_id = 'N1'")
    assert found == (Decimal("107.4000"),)
    with Warehouse.open(home.installation) as warehouse:
        assert MAY in usage_months(Session(home.installation, warehouse))


def test_what_waits_of_a_month_that_was_empty_is_billed_once_it_can_be(home: Home) -> None:
    stranger = {"record_id": "stranger", "from_number": "+33184000009", "duration_seconds": "600"}
    home.usage("late.csv", [CALL | stranger])
    run(home, MAY)
    assert rows(home, VOICE) == []
    home.add("numbers", "+33184000009,A2,FR,geographic,false,2026-03-01,")
    said = call("recycle", *home.arguments)
    assert (said.status, said.err) == (0, "")
    run(home, MAY)
    assert rows(home, VOICE) == [(MAY, APRIL, 600, Decimal("0.1200"))]


def test_a_file_that_grows_keeps_what_stands_on_bills(home: Home) -> None:
    first = CALL | {"record_id": "late", "duration_seconds": "600"}
    path = home.usage("late.csv", [first])
    run(home, MAY)
    issue(home, MAY)
    home.usage("late.csv", [first, CALL | {"record_id": "more", "duration_seconds": "300"}])
    assert path.exists()
    run(home, JUNE)
    assert rows(home, VOICE) == [(MAY, APRIL, 600, Decimal("0.1200")), (JUNE, APRIL, 300, Decimal("0.0600"))]


def test_a_warehouse_of_an_earlier_version_goes_on(home: Home) -> None:
    with Warehouse.open(home.installation) as warehouse:
        warehouse.connection.execute("UPDATE issues SET last_file_number = NULL; DROP TABLE warehouse_schema")
    home.usage("late.csv", [CALL | {"record_id": "late", "duration_seconds": "600"}])
    run(home, MAY)
    assert rows(home, VOICE) == [(MAY, APRIL, 600, Decimal("0.1200"))]
    assert done(home, "correct", APRIL)["accounts"] == []
