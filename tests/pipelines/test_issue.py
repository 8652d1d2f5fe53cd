"""Closing a month: numbers without gaps, bills that never change, what is late, and what is held back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.errors import BadInput, ControlFailed
from pipelines.operations.write_off import Chosen, write_off
from pipelines.stages.issue import drafts_to_issue, issue_month
from pipelines.stages.publish import publish
from pipelines.storage.session import Session, Silent
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, callr_call
from tests.support import read_published, run_month

APRIL, MAY, JUNE = "2026-04", "2026-05", "2026-06"
CALL_AT = datetime(2026, 4, 9, tzinfo=UTC)
ISSUED_TABLES = ("bills", "bill_lines", "number_fees", "rated_usage")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a call in April and one in May."""
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL, CALL | {"record_id": "c2", "started_at": "2026-05-05T10:00:00Z"}])
    return home


def run(home: Home, *months: str) -> None:
    with Warehouse.open(home.installation) as warehouse:
        for month in months:
            controls = run_month(Session(home.installation, warehouse), month)
            assert controls["passed"].all(), controls.filter(~pl.col("passed"))


def issue(home: Home, month: str) -> dict[str, int | str]:
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        facts = issue_month(session, month)
        publish(session, month)
        return facts


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(query).fetchall()


def month_of(home: Home, month: str) -> dict[str, pl.DataFrame]:
    tables = read_published(home.path)
    return {name: tables[name].filter(pl.col("billing_month") == month) for name in ISSUED_TABLES}


def same(mine: dict[str, pl.DataFrame], theirs: dict[str, pl.DataFrame]) -> bool:
    return all(frame.equals(theirs[name]) for name, frame in mine.items())


NUMBERS = "SELECT billing_month, account_id, bill_number, status, issued_at IS NOT NULL FROM bills ORDER BY bill_number"


def test_numbers_go_on_from_month_to_month(home: Home) -> None:
    run(home, APRIL, MAY)
    assert issue(home, APRIL) == {
        "issued": 5,
        "parked": 0,
        "first_number": "2026-000001",
        "last_number": "2026-000005",
    }
    issue(home, MAY)
    numbered = [(APRIL, f"A{n}", f"2026-00000{n}", "issued", True) for n in range(1, 6)]
    numbered += [(MAY, f"A{n}", f"2026-0000{n + 5:02}", "issued", True) for n in range(1, 6)]
    assert rows(home, NUMBERS) == numbered


def test_prefix_and_start_are_settings(home: Home) -> None:
    home.settings('[billing]\nfirst_month = "2026-04"\n[issue]\nbill_prefix = "FA-"\nfirst_bill = 41\n')
    run(home, APRIL)
    issue(home, APRIL)
    assert rows(home, "SELECT min(bill_number), max(bill_number) FROM bills") == [("FA-2026-000041", "FA-2026-000045")]


def test_issuing_again_changes_nothing(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    before, proof = month_of(home, APRIL), (home.path / "issued/2026-04.json").read_bytes()
    assert issue(home, APRIL) == {"issued": 0, "parked": 0}
    assert same(before, month_of(home, APRIL))
    assert (home.path / "issued/2026-04.json").read_bytes() == proof


def test_an_issued_month_stays_as_it_is_whatever_comes(home: Home) -> None:
    run(home, APRIL, MAY)
    issue(home, APRIL)
    before = month_of(home, APRIL)
    home.add("voice_outbound", "default_eur,France,9.000000,0,1,1,2026-04-01")
    home.usage("late.csv", [CALL | {"record_id": "late"}])
    run(home, APRIL, MAY)
    assert same(before, month_of(home, APRIL))
    said = call("verify", APRIL, *home.arguments)
    assert (said.status, said.err) == (0, "")
    assert "2026-04 is as it was issued: 5 documents" in said.out


def test_late_usage_stands_on_lines_of_the_earliest_open_month(home: Home) -> None:
    run(home, APRIL, MAY)
    issue(home, APRIL)
    home.usage("late.csv", [CALL | {"record_id": "late", "duration_seconds": "60"}])
    run(home, MAY, JUNE)
    lines = "SELECT billing_month, usage_month, quantity, amount FROM bill_lines WHERE kind = 'voice' ORDER BY ALL"
    mine = [
        (APRIL, APRIL, 83, Decimal("0.0200")),
        (MAY, APRIL, 60, Decimal("0.0100")),
        (MAY, MAY, 83, Decimal("0.0200")),
    ]
    assert rows(home, lines) == mine
    issue(home, MAY)
    home.usage("later.csv", [CALL | {"record_id": "later", "duration_seconds": "30"}])
    run(home, APRIL, MAY, JUNE)
    assert rows(home, lines) == [*mine, (JUNE, APRIL, 30, Decimal("0.0100"))]


def test_what_waited_when_its_month_was_issued_is_billed_once_it_can_be(home: Home) -> None:
    stranger = CALL | {"record_id": "stranger", "from_number": "+33184000009"}
    home.usage("stranger.csv", [stranger])
    run(home, APRIL)
    issue(home, APRIL)
    home.add("numbers", "+33184000009,A2,FR,geographic,false,2026-04-01,")
    run(home, MAY)
    billed = "SELECT billing_month, usage_month, record_id FROM rated_usage WHERE record_id = 'stranger'"
    assert rows(home, billed) == [(MAY, APRIL, "stranger")]
    assert rows(home, "SELECT state FROM suspense") == [("recycled",)]
    run(home, MAY)
    assert rows(home, billed) == [(MAY, APRIL, "stranger")]


def test_a_parked_bill_stays_open_until_it_is_released(home: Home) -> None:
    run(home, APRIL)
    assert call("park", APRIL, "A2", "--reason", "price in doubt", "--by", "Ann", *home.arguments).status == 0
    assert issue(home, APRIL)["parked"] == 1
    others = "SELECT * FROM bills WHERE billing_month = '2026-04' AND account_id <> 'A2' ORDER BY account_id"
    mine = "SELECT bill_number, status, net_amount FROM bills WHERE billing_month = '2026-04' AND account_id = 'A2'"
    before = rows(home, others)
    (parked,) = rows(home, mine)
    assert parked[:2] == (None, "parked")
    home.add("voice_outbound", "default_eur,France,0.600000,0,1,1,2026-04-01")
    home.usage("more.csv", [CALL | {"record_id": "more", "from_number": "+33184000001"}])
    run(home, APRIL, MAY)
    assert rows(home, others) == before
    assert rows(home, mine) == [(None, "parked", parked[2] - Decimal("0.02") + Decimal("0.83"))]
    assert rows(home, "SELECT billing_month FROM rated_usage WHERE record_id = 'more'") == [(MAY,)]
    assert call("release", APRIL, "A2", "--reason", "mended", "--by", "Ann", *home.arguments).status == 0
    assert issue(home, APRIL)["issued"] == 1
    assert rows(home, mine)[0][:2] == ("2026-000005", "issued")
    assert rows(home, others) == before
    assert call("verify", APRIL, *home.arguments).status == 0
    actions = [row[0] for row in rows(home, "SELECT action FROM audit WHERE action <> 'run' ORDER BY entry_number")]
    assert actions == ["park", "issue", "release", "issue"]


def test_an_account_that_fell_silent_is_parked(home: Home) -> None:
    run(home, APRIL, MAY, JUNE)
    issue(home, APRIL)
    issue(home, MAY)
    assert issue(home, JUNE)["parked"] == 1
    assert rows(home, "SELECT account_id, reason, parked_by FROM parked") == [
        ("A2", "there was traffic in the month before, and none in this", "callbill")
    ]


def test_an_account_is_not_held_to_a_month_before_the_last(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    run(home, JUNE)
    assert parks(home, JUNE) == []


def parks(home: Home, month: str) -> list[tuple[Any, ...]]:
    """The accounts whose bills an issue of the month would hold back, each with the reason."""
    with Warehouse.open(home.installation) as warehouse:
        drafts = drafts_to_issue(Session(home.installation, warehouse), month)
        assert drafts is not None
        return drafts.parks.rows()


MUCH_WAITS = [("A2", "more than 10 % of the account's records are in suspense")]


def test_only_records_that_still_wait_hold_a_bill_back(home: Home) -> None:
    home.usage("waits.csv", [CALL | {"record_id": "waits", "to_number": "+9991"}])
    run(home, APRIL)
    assert parks(home, APRIL) == MUCH_WAITS
    write_off(home.installation, Chosen(month=APRIL), "a test", "Ann", Silent())
    assert parks(home, APRIL) == []
    write_off(home.installation, Chosen(month=APRIL), "no test", "Ann", Silent(), undo=True)
    assert parks(home, APRIL) == MUCH_WAITS
    home.add("destinations", "999,Nowhere,FR")
    home.add("voice_outbound", "default_eur,Nowhere,0.010000,0,1,1,2025-01-01")
    run(home, APRIL)
    assert rows(home, "SELECT state FROM suspense") == [("recycled",)]
    assert parks(home, APRIL) == []


def test_a_number_fee_that_waits_for_its_price_is_no_record(home: Home) -> None:
    home.add("numbers", "+33639000009,A2,FR,mobile,false,2026-02-01,")
    run(home, APRIL)
    assert rows(home, "SELECT account_id, format, state FROM suspense") == [("A2", "numbers", "open")]
    assert parks(home, APRIL) == []


def test_a_prepaid_customer_needs_no_vat_rate(home: Home) -> None:
    """There is none of Spain: prepaid credit was taxed when it was bought."""
    home.add("accounts", "A9,Tienda,a9@example.com,ES,,prepaid,balance,EUR,,2026-01-01,")
    run(home, APRIL)
    assert issue(home, APRIL)["issued"] == 6
    assert rows(home, "SELECT vat_rule, vat_amount FROM bills WHERE account_id = 'A9'") == [("charged_at_top_up", 0)]


def test_months_are_issued_in_their_order(home: Home) -> None:
    run(home, APRIL, MAY)
    with pytest.raises(BadInput, match="2026-05 cannot be issued before 2026-04"):
        issue(home, MAY)


def test_nothing_is_issued_while_a_control_fails(home: Home) -> None:
    home.callr("alone.jsonl", [callr_call(2, CALL_AT, 33, callid_in=1)])
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        run_month(session, APRIL)
        with pytest.raises(ControlFailed, match="forwarded_legs"):
            issue_month(session, APRIL)
        assert warehouse.value("SELECT count(*) FROM issues") == 0


def test_the_ledger_only_grows(home: Home) -> None:
    home.usage("b.csv", [CALL | {"record_id": f"p{n}", "from_number": "+33184000001"} for n in range(3)])
    run(home, APRIL)
    issue(home, APRIL)
    ledger = "SELECT * FROM ledger ORDER BY account_id, entry_number"
    before = [row for row in rows(home, ledger) if row[2].isoformat() < "2026-05"]
    home.add("credits", "C9,A1,goodwill,2.00,EUR,2026-03-20T10:00:00Z,")
    run(home, MAY)
    after = rows(home, ledger)
    assert [row for row in after if row in before] == before
    late = next(row for row in after if row[4] == "C9")
    assert late[1] > max(row[1] for row in before if row[0] == "A1")


def test_a_receipt_takes_issued_bills_off(home: Home) -> None:
    home.usage("b.csv", [CALL | {"record_id": "p", "from_number": "+33184000001", "duration_seconds": "6000"}])
    run(home, APRIL)
    issue(home, APRIL)
    (net,) = rows(home, "SELECT net_amount FROM bills WHERE account_id = 'A1'")[0]
    home.add("credits", "C9,A1,top_up,10.00,EUR,2026-05-02T10:00:00Z,P9")
    home.usage(
        "c.csv", [CALL | {"record_id": "q", "from_number": "+33184000001", "started_at": "2026-05-01T10:00:00Z"}]
    )
    run(home, MAY)
    (balance,) = rows(home, "SELECT balance_after FROM receipts WHERE credit_id = 'C9'")[0]
    assert balance == (Decimal(110) - net - Decimal("0.0166")).quantize(Decimal("0.01"))


def test_the_command_runs_a_month_that_was_not_run(home: Home) -> None:
    said = call("issue", APRIL, "--yes", "--json", *home.arguments)
    assert said.status == 0
    assert (said.result["issued"], said.result["first_number"], said.result["parked"]) == (5, "2026-000001", [])
    again = call("issue", APRIL, "--yes", *home.arguments)
    assert (again.status, again.out) == (0, "2026-04: 0 bills issued; 0 parked\n")
    rerun = call("run", APRIL, *home.arguments)
    assert rerun.status == 0
    assert "2026-04 is issued: its bills, lines, rated usage and receipts stay as they are" in rerun.err
    refused = call("park", APRIL, "A2", "--reason", "late", "--by", "Ann", *home.arguments)
    assert (refused.status, refused.err) == (2, "callbill: 2026-04:A2: the month is issued, and this bill with it\n")


def test_the_proof_is_written_again_where_a_kill_kept_it_from_being(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    proof = home.path / "issued/2026-04.json"
    text = proof.read_bytes()
    proof.unlink()
    assert call("verify", APRIL, *home.arguments).status == 2
    issue(home, APRIL)
    assert proof.read_bytes() == text
    assert json.loads(text)["issues"][0]["documents"] == 5


def test_an_old_warehouse_gives_out_no_number_twice(home: Home) -> None:
    run(home, APRIL, MAY)
    issue(home, APRIL)
    before = (home.path / "warehouse.duckdb").read_bytes()
    issue(home, MAY)
    (home.path / "warehouse.duckdb").write_bytes(before)
    proof = (home.path / "issued/2026-05.json").read_bytes()
    for command in (("issue", MAY, "--yes"), ("correct", APRIL, "--issue", "--new-tariff")):
        said = call(*command, *home.arguments)
        assert said.status == 2
        assert "2026-05.json tells of issues that the warehouse does not know" in said.err
    assert (home.path / "issued/2026-05.json").read_bytes() == proof
