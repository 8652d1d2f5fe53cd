"""What is published of the books, asked for with commands: statement, overdue, journal."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.bookkeeping import APRIL, MAY, D, after_issue, calling_home, issue, owed, pay, rows, run
from tests.pipelines.command import call
from tests.pipelines.homes import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with calls in April."""
    return calling_home(tmp_path)


class TestStatement:
    def test_postpaid(self, home: Home) -> None:
        run(home, APRIL)
        issue(home, APRIL)
        amount, number = rows(home, "SELECT amount, document FROM open_items WHERE account_id = 'A2'")[0]
        pay(home, "P0,A2,,5.00,EUR,2026-04-02", f"P1,A2,{number},20.00,EUR,{after_issue(1):%Y-%m-%dT%H:%M:%SZ}")
        run(home, MAY)
        said = call("statement", "A2", "--json", "--from", MAY, *home.arguments).result
        assert (said["account_id"], said["billing_mode"], said["from"], said["until"]) == ("A2", "postpaid", MAY, None)
        (book,) = said["books"]
        assert (book["book"], book["currency"], D(book["opening_balance"])) == ("receivables", "EUR", -5)
        assert [(e["kind"], e["document"], D(e["amount"]), D(e["balance_after"])) for e in book["entries"]] == [
            ("bill", number, amount, amount - 5),
            ("payment", number, -20, amount - 25),
        ]
        assert D(book["closing_balance"]) == amount - 25
        early = call("statement", "A2", "--json", "--until", APRIL, *home.arguments).result["books"][0]
        assert [D(early[name]) for name in ("opening_balance", "closing_balance")] == [0, -5]
        shown = call("statement", "A2", *home.arguments)
        assert (shown.status, shown.err) == (0, "")
        assert "A2, postpaid" in shown.out
        assert f"{amount - 25:.2f}" in shown.out.splitlines()[-1]

    def test_prepaid(self, home: Home) -> None:
        run(home, APRIL)
        said = call("statement", "A1", "--json", "--from", APRIL, "--until", MAY, *home.arguments).result
        (book,) = said["books"]
        net = rows(home, "SELECT net_amount FROM bills WHERE account_id = 'A1'")[0][0]
        assert (book["book"], D(book["opening_balance"]), D(book["closing_balance"])) == ("ledger", 100, 100 - net)
        assert [(entry["kind"], entry["reference"]) for entry in book["entries"]] == [("bill", APRIL)]

    def test_the_other_book_is_shown_where_something_stands_there(self, home: Home) -> None:
        home.add("credits", "C9,A2,goodwill,2.00,EUR,2026-04-20T10:00:00Z,")
        run(home, APRIL)
        said = call("statement", "A2", "--json", *home.arguments).result
        assert [(book["book"], D(book["closing_balance"])) for book in said["books"]] == [
            ("receivables", 0),
            ("ledger", 2),
        ]

    def test_an_account_that_has_no_bill_yet(self, home: Home) -> None:
        home.add("accounts", "A6,New,a6@example.com,FR,,prepaid,balance,EUR,,2027-01-01,")
        home.add("credits", "C9,A6,top_up,7.00,EUR,2026-04-20T10:00:00Z,")
        run(home, APRIL)
        said = call("statement", "A6", "--json", *home.arguments).result
        assert (said["billing_mode"], D(said["books"][0]["closing_balance"])) == ("prepaid", 7)

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["A9"], "A9: nothing is published of such an account"),
            (["A2", "--from", MAY, "--until", APRIL], "--from 2026-05 is after --until 2026-04"),
            (["A2", "--from", "May"], "'May' is no month; months are written as 2026-10"),
        ],
    )
    def test_what_cannot_be_shown(self, home: Home, arguments: list[str], sentence: str) -> None:
        run(home, APRIL)
        said = call("statement", *arguments, *home.arguments)
        assert (said.status, said.out, said.err) == (2, "", f"callbill: {sentence}\n")

    def test_before_any_run(self, home: Home) -> None:
        said = call("overdue", *home.arguments)
        assert said.status == 2
        assert said.err.endswith("billing.duckdb does not exist: run a month first\n")


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An issued month; A2 pays a part after five days, and A4 something without a number; A1 is below zero."""
    home = calling_home(tmp_path_factory.mktemp("billed"))
    home.add("credits", "C9,A1,refund,-60.00,EUR,2026-04-20T10:00:00Z,")
    run(home, APRIL)
    issue(home, APRIL)
    number = rows(home, "SELECT document FROM open_items WHERE account_id = 'A2'")[0][0]
    paid_at = f"{after_issue(5):%Y-%m-%dT%H:%M:%SZ}"
    pay(home, f"P1,A2,{number},20.00,EUR,{paid_at}", f"P2[1],A4,,0.50,USD,{paid_at}")
    run(home, MAY)
    return home


class TestOverdue:
    def on(self, home: Home, days: int) -> dict[str, Any]:
        day = f"{after_issue(days):%Y-%m-%d}"
        found: dict[str, Any] = call("overdue", "--on", day, "--json", *home.arguments).result
        assert found["on"] == day
        return found

    def test_by_age(self, billed: Home) -> None:
        amount = owed(billed)["A2"]
        found = self.on(billed, 31)
        (mine,) = [row for row in found["accounts"] if row["account_id"] == "A2"]
        assert (D(mine["days_1_30"]), D(mine["total"]), D(mine["not_due"])) == (amount - 20, amount - 20, 0)
        euros = next(row for row in found["totals"] if row["currency"] == "EUR")
        others = sum(D(row["total"]) for row in found["accounts"] if row["currency"] == "EUR")
        assert D(euros["total"]) == D(euros["days_1_30"]) == others
        late = next(row for row in self.on(billed, 121)["items"] if row["account_id"] == "A2")
        assert (late["days_overdue"], late["age"]) == (91, "days_over_90")

    def test_on_an_earlier_day_later_payments_are_not_known(self, billed: Home) -> None:
        found = self.on(billed, 4)
        assert D(next(row for row in found["accounts"] if row["account_id"] == "A2")["not_due"]) == owed(billed)["A2"]
        assert found["unallocated"] == []
        assert self.on(billed, -1)["items"] == []

    def test_unallocated_payments_and_accounts_below_zero(self, billed: Home) -> None:
        found = self.on(billed, 6)
        (payment,) = found["unallocated"]
        assert (payment["account_id"], payment["payment_id"], D(payment["amount"])) == ("A4", "P2[1]", D("0.5"))
        (below,) = [row for row in found["below_zero"] if row["account_id"] == "A1"]
        assert D(below["balance"]) < 0

    def test_for_a_person(self, billed: Home) -> None:
        said = call("overdue", "--on", f"{after_issue(40):%Y-%m-%d}", *billed.arguments)
        assert (said.status, said.err) == (0, "")
        for text in ("By account", "Overdue", "Payments that match no document", "Accounts below zero", "P2[1]"):
            assert text in said.out
        assert call("overdue", *billed.arguments).status == 0
        assert call("overdue", "--on", "2026-13-01", *billed.arguments).status == 2


class TestJournal:
    def test_as_csv(self, home: Home) -> None:
        run(home, APRIL)
        issue(home, APRIL)
        said = call("journal", APRIL, *home.arguments)
        assert (said.status, said.err) == (0, "")
        lines = list(csv.DictReader(io.StringIO(said.out)))
        assert list(lines[0]) == ["billing_month", "document", "currency", "account", "debit", "credit"]
        assert {"account": "bank", "debit": "120.00", "credit": "0.00"}.items() <= next(
            line for line in lines if line["document"] == "top_ups"
        ).items()
        for currency in ("EUR", "USD"):
            mine = [line for line in lines if line["currency"] == currency]
            assert sum(D(line["debit"]) for line in mine) == sum(D(line["credit"]) for line in mine) > 0
        found = call("journal", APRIL, "--json", *home.arguments).result
        assert found["month"] == APRIL
        assert [D(line["debit"]) for line in found["lines"]] == [D(line["debit"]) for line in lines]

    def test_of_a_month_that_is_not_issued(self, home: Home) -> None:
        run(home, APRIL)
        said = call("journal", APRIL, *home.arguments)
        assert (said.status, said.out) == (2, "")
        assert said.err == "callbill: 2026-04 is not issued: its journal is made by callbill issue 2026-04\n"
