"""What stands before an issue, which cannot be undone: the month is over, somebody agrees, the seller is known."""

from __future__ import annotations

import io
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self
from unittest import mock

import pytest

from pipelines.errors import BadInput
from pipelines.operations.issue import coming_issue, issue_bills
from pipelines.storage.session import Silent
from tests.pipelines.command import Said, call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_issue import issue, rows, run
from tests.pipelines.traffic import CALL

APRIL = "2026-04"
NOW = f"{datetime.now(UTC):%Y-%m}"
SETTINGS = '[billing]\nfirst_month = "2026-04"\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL])
    return home


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self) -> bool:
        return True


def answered(answer: str, *command: str) -> Said:
    with mock.patch("sys.stdin", Terminal(answer)):
        return call(*command)


def issued(home: Home) -> list[tuple[str, ...]]:
    return rows(home, "SELECT bill_number FROM bills WHERE status = 'issued' ORDER BY ALL")


@pytest.mark.parametrize("month", [NOW, "2199-03"])
def test_a_month_that_is_not_over_is_not_issued(home: Home, month: str) -> None:
    run(home, month)
    said = call("issue", month, "--yes", *home.arguments)
    assert said.status == 2
    assert f"callbill: {month} is not over: its last day is {month}-" in said.err
    assert "Nothing was issued" in said.err
    with pytest.raises(BadInput, match="is not over"):
        issue(home, month)
    assert issued(home) == []


def test_a_month_is_issued_early_with_a_reason_that_the_audit_trail_keeps(home: Home) -> None:
    for options in (("--early",), ("--because", "closing down"), ("--early", "--because", " ")):
        said = call("issue", NOW, "--yes", *options, *home.arguments)
        assert (said.status, said.err) == (
            2,
            "callbill: --early and --because TEXT go together: an early issue is written into the audit trail\n",
        )
    said = call("issue", NOW, "--yes", "--early", "--because", "closing down", *home.arguments)
    assert said.status == 0
    ((entry,),) = rows(home, "SELECT changed FROM audit WHERE action = 'issue'")
    assert entry.endswith("; issued before the month is over: closing down")


def test_the_reason_is_not_noted_where_the_month_is_over(home: Home) -> None:
    assert call("issue", APRIL, "--yes", "--early", "--because", "in a hurry", *home.arguments).status == 0
    ((entry,),) = rows(home, "SELECT changed FROM audit WHERE action = 'issue'")
    assert "in a hurry" not in entry


def test_the_end_of_a_month_is_that_of_the_billing_zone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2026, 4, 30, 22, 30, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr("pipelines.stages.issue.datetime", Clock)
    run(home, APRIL)
    with pytest.raises(BadInput, match=r"its last day is 2026-04-30 \(UTC\)"):
        issue(home, APRIL)
    home.settings('[billing]\nfirst_month = "2026-04"\ntime_zone = "Europe/Paris"\n')
    run(home, APRIL)
    assert issue(home, APRIL)["issued"] == 5


def test_where_nobody_can_answer_it_needs_yes(home: Home) -> None:
    said = call("issue", APRIL, *home.arguments)
    assert (said.status, said.err) == (
        2,
        "callbill: issue asks before it numbers bills, and nobody can answer here: add --yes\n",
    )
    assert not home.published.exists()


def test_on_a_terminal_it_shows_bills_totals_and_tariff_and_asks(home: Home) -> None:
    said = answered("n\n", "issue", APRIL, *home.arguments)
    assert said.status == 2
    assert "2026-04: bills to be issued" in said.err
    assert [line.split() for line in said.err.splitlines() if line.startswith("postpaid")] == [
        ["postpaid", "2", "2.02", "0.39", "0.00", "2.41", "EUR"],
        ["postpaid", "1", "1.15", "0.00", "0.00", "1.15", "USD"],
    ]
    assert f"Tariff: {home.price_tables} (SHA-256 " in said.err
    assert "Issue 5 bills and close 2026-04? This cannot be undone [y/N]: " in said.err + said.out
    assert said.err.endswith("callbill: 2026-04: nothing was issued\n")
    assert issued(home) == []
    assert answered("y\n", "issue", APRIL, *home.arguments).status == 0
    assert len(issued(home)) == 5


def test_it_says_whose_bills_are_held_back(home: Home) -> None:
    run(home, APRIL)
    assert call("park", APRIL, "A2", "--reason", "price in doubt", "--by", "Ann", *home.arguments).status == 0
    said = answered("n\n", "issue", APRIL, *home.arguments)
    assert "held back: A2: price in doubt" in said.err
    assert "Issue 4 bills" in said.err + said.out


def test_drafts_that_change_while_it_asks_are_not_issued(home: Home) -> None:
    run(home, APRIL)
    coming = coming_issue(home.installation, APRIL, Silent())
    home.usage("late.csv", [CALL | {"record_id": "late", "duration_seconds": "600"}])
    run(home, APRIL)
    with pytest.raises(BadInput, match="the drafts of 2026-04 have changed since they were shown"):
        issue_bills(home.installation, coming, Silent())
    assert issued(home) == []


@pytest.mark.parametrize(
    ("seller", "needs"),
    [
        ("", ["documents need the seller's name ([seller] name)"]),
        (
            'name = "Exemple SAS"\n',
            [
                "an e-invoice needs the seller's number in its register ([seller] registration)",
                "an e-invoice with VAT or reverse charge needs the seller's VAT number ([seller] vat_number)",
            ],
        ),
    ],
    ids=["nobody", "a name alone"],
)
def test_what_documents_need_of_the_seller_is_asked_for_before_numbers_are_given(
    home: Home, seller: str, needs: list[str]
) -> None:
    home.settings(f"{SETTINGS}[seller]\n{seller}")
    said = call("issue", APRIL, "--yes", *home.arguments)
    assert said.status == 2
    file = home.path / "callbill.toml"
    assert said.err == "".join(f"callbill: {file}: {need}; bills are not numbered before it is set\n" for need in needs)
    with pytest.raises(BadInput):
        issue(home, APRIL)
    assert issued(home) == []


def test_bills_between_french_businesses_need_more(home: Home) -> None:
    accounts = (home.path / "reference" / "accounts.csv").read_text("utf-8")
    home.reference(
        "accounts", accounts.replace("A2,Garage,a2@example.com,FR,,", "A2,Garage,a2@example.com,FR,FR44732829320,")
    )
    home.settings(
        f'{SETTINGS}[seller]\nname = "Exemple SAS"\nvat_number = "FR00"\n[legal_en]\nlate_payment = "Soon."\n'
    )
    said = call("issue", APRIL, "--yes", *home.arguments)
    assert said.status == 2
    assert said.err.count("to a French business needs") == 3
    for need in ("SIREN or SIRET ([seller] registration)", "[legal_en] recovery_fee", "[legal_en] early_payment"):
        assert need in said.err
