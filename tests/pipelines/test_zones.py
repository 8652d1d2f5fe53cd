"""Moments of the billing zone against moments in UTC: wherever a month begins or ends, the same holds in every zone.

That whole months come out right in several zones is what stories and drawn worlds show; here is what they do not run.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_documents import close, home_of_seller
from tests.pipelines.test_issue import issue, rows, run
from tests.pipelines.traffic import CALL

APRIL, MAY = "2026-04", "2026-05"
ZONES = ("UTC", "Europe/Paris", "America/New_York")
HALF_PAST_MIDNIGHT_IN_PARIS = "2026-04-30T22:30:00Z"
HALF_PAST_MIDNIGHT_IN_NEW_YORK = "2026-05-01T04:30:00Z"


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest) -> str:
    """A billing zone."""
    return str(request.param)


@pytest.fixture
def home(tmp_path: Path, zone: str) -> Home:
    """April is issued. A1, prepaid with a credit of 100.00 in March, called France for 50 minutes at 0.012, 0.60, and
    pays 1.00 for each of two numbers."""
    home = make_home(tmp_path)
    home.settings(f'[billing]\nfirst_month = "2026-04"\ntime_zone = "{zone}"\n')
    home.usage("a.csv", [CALL | {"from_number": "+33184000001", "duration_seconds": "3000"}])
    run(home, APRIL)
    issue(home, APRIL)
    return home


def done(home: Home, *arguments: str) -> Any:
    said = call(*arguments, "--json", *home.arguments)
    assert (said.status, said.err) == (0, "")
    return said.result


def balances(home: Home) -> dict[str, Decimal]:
    return dict(rows(home, "SELECT credit_id, balance_after FROM receipts WHERE credit_id LIKE 'N%'"))


def test_a_top_up_after_an_issue_has_its_receipt_in_every_zone(home: Home) -> None:
    home.add("credits", "N1,A1,top_up,10.00,EUR,2026-05-15T10:00:00Z,P9")
    run(home, MAY)
    assert balances(home) == {"N1": Decimal("107.4000")}


def test_a_top_up_at_the_edge_of_the_issued_month_lies_in_the_month_of_the_zone(home: Home, zone: str) -> None:
    home.add("credits", f"N1,A1,top_up,10.00,EUR,{HALF_PAST_MIDNIGHT_IN_PARIS},P9")
    home.add("credits", f"N2,A1,top_up,20.00,EUR,{HALF_PAST_MIDNIGHT_IN_NEW_YORK},P10")
    run(home, MAY)
    # Before the end of April only the call is gone from the balance, behind it the bill, which has the fees too.
    first = {"UTC": "109.4000", "Europe/Paris": "107.4000", "America/New_York": "109.4000"}[zone]
    assert balances(home) == {"N1": Decimal(first), "N2": Decimal("127.4000")}


def test_a_top_up_after_a_note_has_its_receipt_in_every_zone(home: Home) -> None:
    home.add("voice_outbound", "default_eur,France,0.010000,0,1,1,2026-04-01")
    done(home, "correct", APRIL, "--issue", "--new-tariff")
    # The note is of today, so that only a credit of a later day knows of it.
    home.add("credits", "N1,A1,top_up,10.00,EUR,2026-05-15T10:00:00Z,P9")
    home.add("credits", "N2,A1,top_up,10.00,EUR,2100-01-01T00:00:00Z,P10")
    run(home, MAY)
    assert balances(home)["N1"] == Decimal("107.4000")
    assert balances(home)["N2"] == Decimal("117.5000") + Decimal("50.00") + Decimal("1.00")


def test_the_fee_of_a_number_is_explained_in_every_zone(home: Home, zone: str) -> None:
    (line,) = rows(
        home, "SELECT line_number FROM bill_lines WHERE billing_month = '2026-04' AND number = '+33184000001'"
    )
    explained = call("explain", f"{APRIL}:A1:{line[0]}", *home.arguments)
    assert (explained.status, explained.err) == (0, "")
    assert f"from 2026-02-01 00:00:00 {zone} and is held still" in explained.out


def test_a_statement_of_a_month_is_told_in_every_zone(home: Home) -> None:
    home.add("credits", "N1,A1,goodwill,10.00,EUR,2026-05-15T10:00:00Z,P9")
    run(home, MAY)
    (book,) = done(home, "statement", "A1", "--from", APRIL, "--until", APRIL)["books"]
    assert (book["opening_balance"], book["closing_balance"]) == ("100.0000", "97.4000")
    (book,) = done(home, "statement", "A1", "--from", MAY, "--until", MAY)["books"]
    assert [entry["kind"] for entry in book["entries"]] == ["goodwill", "bill"]
    assert (book["opening_balance"], book["closing_balance"]) == ("97.4000", "105.4000")


def test_whole_months_are_closed_one_after_the_other_in_every_zone(home: Home) -> None:
    home.add("credits", "N1,A1,top_up,10.00,EUR,2026-05-15T10:00:00Z,P9")
    home.usage("late.csv", [CALL | {"record_id": "late", "from_number": "+33184000001", "duration_seconds": "600"}])
    run(home, MAY)
    issue(home, MAY)
    run(home, "2026-06")
    assert done(home, "correct", APRIL)["accounts"] == []
    for month in (APRIL, MAY):
        assert call("verify", month, *home.arguments).status == 0
        assert call("rebuild", month, *home.arguments).status == 0
    bills = "SELECT billing_month, net_amount FROM bills WHERE account_id = 'A1' ORDER BY ALL"
    assert rows(home, bills) == [
        (APRIL, Decimal("2.6000")),
        (MAY, Decimal("2.1200")),
        ("2026-06", Decimal("2.0000")),
    ]


def test_documents_lie_in_the_month_of_the_zone(tmp_path: Path) -> None:
    home = home_of_seller(tmp_path, "America/New_York")
    home.add("credits", f"N1,A1,top_up,10.00,EUR,{HALF_PAST_MIDNIGHT_IN_PARIS},P9")
    home.add("credits", f"N2,A1,top_up,20.00,EUR,{HALF_PAST_MIDNIGHT_IN_NEW_YORK},P10")
    close(home, "2026-03", APRIL)
    assert done(home, "documents", APRIL)["refused"] == 0
    receipts = {path.name.split(".")[0] for path in (home.path / "documents" / APRIL).rglob("R-2026-*.pdf")}
    names = "SELECT receipt_number FROM receipts WHERE credit_id = 'N1'"
    assert receipts == {name for (name,) in rows(home, names)}
