"""Correcting an issued month: notes that make up for the difference once, with every original as it was."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_issue import ISSUED_TABLES, issue, month_of, rows, run, same
from tests.pipelines.traffic import CALL

APRIL, MAY = "2026-04", "2026-05"
CHEAPER = "default_eur,France,0.010000,0,1,1,2026-04-01"
NOTES = (
    "SELECT note_number, kind, account_id, bill_number, net_amount, vat_amount, paid_from_balance, total_owed "
    "FROM correction_notes ORDER BY note_number"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose April is issued."""
    return issued_home(tmp_path)


def issued_home(folder: Path, *more: dict[str, str]) -> Home:
    """April is issued: A2, postpaid with 20 % VAT, called France for 100 minutes at 0.012, A1, prepaid, for 50, and both
    pay 1.00 for each number; a call of a number that nobody held waits. There may be `more` records."""
    home = make_home(folder)
    long = CALL | {"duration_seconds": "6000"}
    prepaid = CALL | {"record_id": "p1", "from_number": "+33184000001", "duration_seconds": "3000"}
    stranger = CALL | {"record_id": "stranger", "from_number": "+33184000009", "duration_seconds": "600"}
    may = CALL | {"record_id": "may", "started_at": "2026-05-05T10:00:00Z"}
    home.usage("a.csv", [long, prepaid, stranger, may, *more])
    run(home, APRIL, MAY)
    issue(home, APRIL)
    return home


def correct(home: Home, *options: str) -> Any:
    said = call("correct", APRIL, "--new-tariff", "--json", *options, *home.arguments)
    assert (said.status, said.err) == (0, "")
    return said.result


def money(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


def test_nothing_to_correct(home: Home) -> None:
    assert correct(home, "--issue") == {"month": APRIL, "accounts": [], "lines": [], "lost": {}, "notes": []}
    said = call("correct", APRIL, "--new-tariff", *home.arguments)
    assert said.out == "2026-04: every bill, with its notes, is what it would be today\n"


def test_a_wrong_price_gives_notes_at_the_bills_rate(home: Home) -> None:
    before = month_of(home, APRIL)
    home.add("voice_outbound", CHEAPER)
    home.add("vat_rates", "FR,0.1000,2026-04-02")
    found = correct(home)
    assert [(row["account_id"], row["billed"], row["difference"]) for row in found["accounts"]] == [
        ("A1", "2.6000", "-0.1000"),
        ("A2", "2.2000", "-0.2000"),
    ]
    assert rows(home, NOTES) == []
    correct(home, "--issue", "--reason", "wrong price of France")
    assert rows(home, NOTES) == [
        ("CN-2026-000001", "credit_note", "A1", "2026-000001", *money("-0.1", "0", "-0.1", "0")),
        ("CN-2026-000002", "credit_note", "A2", "2026-000002", *money("-0.2", "-0.04", "0", "-0.24")),
    ]
    lines = "SELECT line_number, quantity, unit_price, amount FROM correction_lines WHERE account_id = 'A2' ORDER BY 1"
    assert rows(home, lines) == [(1, -6000, *money("0.012", "-1.2")), (2, 6000, *money("0.01", "1"))]
    entry = "SELECT kind, amount, balance_after FROM ledger WHERE reference = 'CN-2026-000001'"
    assert rows(home, entry) == [("adjustment", *money("0.1", "97.5"))]
    assert same(before, month_of(home, APRIL))
    assert call("verify", APRIL, *home.arguments).status == 0


def test_correcting_twice_gives_nothing_the_second_time(home: Home) -> None:
    home.add("voice_outbound", CHEAPER)
    assert len(correct(home, "--issue")["notes"]) == 2
    assert correct(home, "--issue")["notes"] == []
    run(home, APRIL, MAY)
    assert correct(home)["accounts"] == []
    home.edit("voice_outbound", CHEAPER, CHEAPER.replace("0.010000", "0.020000"))
    correct(home, "--issue")
    assert rows(home, NOTES)[2:] == [
        ("DN-2026-000001", "debit_note", "A1", "2026-000001", *money("0.5", "0", "0.5", "0")),
        ("DN-2026-000002", "debit_note", "A2", "2026-000002", *money("1", "0.2", "0", "1.2")),
    ]
    assert call("verify", APRIL, *home.arguments).status == 0


def test_a_number_that_was_somebody_elses(home: Home) -> None:
    home.edit(
        "numbers",
        "+33184000003,A2,FR,geographic,false,2026-02-01,",
        "+33184000003,A3,FR,geographic,false,2026-02-01,",
    )
    correct(home, "--issue")
    assert rows(home, NOTES) == [
        ("CN-2026-000001", "credit_note", "A2", "2026-000002", *money("-2.2", "-0.44", "0", "-2.64")),
        ("DN-2026-000001", "debit_note", "A3", "2026-000003", *money("2.2", "0.42", "0", "2.62")),
    ]
    legs = "SELECT note_number, record_id, account_id, charge FROM corrected_usage"
    assert rows(home, legs) == [("DN-2026-000001", "c1", "A3", Decimal("1.2"))]


def test_what_waited_is_billed_by_the_correction_and_nowhere_else(home: Home) -> None:
    home.add("numbers", "+33184000009,A2,FR,geographic,false,2026-04-01,")
    run(home, MAY)
    drafted = "SELECT billing_month FROM rated_usage WHERE record_id = 'stranger'"
    assert rows(home, drafted) == [(MAY,)]
    correct(home, "--issue")
    assert rows(home, "SELECT note_number, record_id FROM corrected_usage ORDER BY 2") == [
        ("DN-2026-000001", "c1"),
        ("DN-2026-000001", "stranger"),
    ]
    assert rows(home, "SELECT net_amount FROM correction_notes") == [money("1.12")]
    refused = call("issue", MAY, "--yes", *home.arguments)
    assert refused.status == 1
    assert "2026-05 is not as the controls last saw it" in refused.err
    run(home, MAY)
    assert rows(home, drafted) == []
    assert rows(home, "SELECT state FROM suspense") == [("recycled",)]
    issue(home, MAY)
    assert correct(home)["accounts"] == []


def test_what_lost_its_account_waits_until_it_has_one(home: Home) -> None:
    held = "+33184000003,A2,FR,geographic,false,2026-02-01,"
    home.edit("numbers", held, held.replace("2026-02-01", "2026-05-01"))
    found = correct(home)
    assert found["lost"] == {"account_unknown": 1}
    correct(home, "--issue")
    assert rows(home, "SELECT net_amount FROM correction_notes") == [money("-2.2")]
    waiting = "SELECT record_id, state FROM suspense ORDER BY 1"
    assert rows(home, waiting) == [("c1", "open"), ("stranger", "open")]
    assert correct(home, "--issue")["notes"] == []
    run(home, MAY)
    assert rows(home, "SELECT record_id FROM rated_usage WHERE billing_month = '2026-05'") == [("may",)]
    home.edit("numbers", held.replace("2026-02-01", "2026-05-01"), held)
    correct(home, "--issue")
    assert rows(home, "SELECT sum(net_amount) FROM correction_notes") == [(0,)]
    assert rows(home, waiting) == [("c1", "recycled"), ("stranger", "open")]
    files = "SELECT records - usage_records - suspended - duplicates - unbillable FROM usage_files"
    assert rows(home, files) == [(0,)]


def test_legs_that_cost_nothing_are_not_lost(tmp_path: Path) -> None:
    unanswered = CALL | {"record_id": "unanswered", "duration_seconds": "0", "status": "no_answer"}
    home = issued_home(tmp_path, unanswered, unanswered | {"record_id": "again"})
    held = "+33184000003,A2,FR,geographic,false,2026-02-01,"
    home.edit("numbers", held, held.replace("2026-02-01", "2026-05-01"))
    assert correct(home, "--issue")["lost"] == {"account_unknown": 1}
    assert rows(home, "SELECT record_id FROM suspense ORDER BY 1") == [("c1",), ("stranger",)]


def test_only_a_new_customer_who_pays_afterwards_needs_a_vat_rate(home: Home) -> None:
    """Nobody had a bill in Spain, for which there is no rate. Prepaid credit was taxed when it was bought."""
    home.add("accounts", "A9,Tienda,a9@example.com,ES,,prepaid,balance,EUR,,2026-01-01,")
    home.add("numbers", "+33184000009,A9,FR,geographic,false,2026-04-01,")
    (found,) = correct(home)["accounts"]
    assert (found["account_id"], found["difference"]) == ("A9", "1.1200")
    home.edit("accounts", "ES,,prepaid,balance", "ES,,postpaid,bank_transfer")
    said = call("correct", APRIL, "--new-tariff", *home.arguments)
    assert said.status == 2
    assert "no rate of ES in force on 2026-04-30, which account 'A9' needs" in said.err


def test_late_usage_is_corrected_with_the_bill_it_stands_on(home: Home) -> None:
    home.usage("late.csv", [CALL | {"record_id": "late", "duration_seconds": "600"}])
    run(home, MAY)
    issue(home, MAY)
    home.add("voice_outbound", CHEAPER)
    assert [row["difference"] for row in correct(home)["accounts"]] == ["-0.1000", "-0.2000"]
    said = call("correct", MAY, "--new-tariff", "--json", *home.arguments)
    assert [(row["usage_month"], row["quantity"], row["amount"]) for row in said.result["lines"]] == [
        (APRIL, -600, "-0.1200"),
        (APRIL, 600, "0.1000"),
        (MAY, -83, "-0.0200"),
        (MAY, 83, "0.0100"),
    ]


def test_receipts_after_a_note_take_it_into_account(home: Home) -> None:
    home.add("voice_outbound", CHEAPER)
    correct(home, "--issue")
    home.add("credits", "C9,A1,top_up,10.00,EUR,2099-01-01T00:00:00Z,P9")
    run(home, MAY)
    text = call("explain", "C9", *home.arguments).out
    assert "CN-2026-000001: -0.10 EUR" in text
    assert "161.00 - 2.50 - 0" in text
    receipt = "SELECT balance_after FROM receipts WHERE credit_id = 'C9'"
    # 100 and 50 and 1 and 10 credited, 2.60 billed, 0.10 given back; the fees of May are on no bill yet
    assert rows(home, receipt) == [money("158.5")]


def test_explained(home: Home) -> None:
    home.add("voice_outbound", CHEAPER)
    correct(home, "--issue", "--reason", "wrong price")
    note = call("explain", "CN-2026-000002", *home.arguments).out
    assert "credit note CN-2026-000002: -0.20 EUR net, -0.04 EUR VAT, -0.24 EUR owed" in note
    assert "-6,000 seconds at 0.012000 EUR/min" in note
    assert "-0.20 EUR x 0.2000 = -0.040000 -> -0.04 EUR" in note
    bill = call("explain", "2026-04:A2", *home.arguments).out
    assert "CN-2026-000002, -0.20 EUR net: wrong price" in bill
    record = call("explain", "c1", *home.arguments).out
    assert "1.2000000000 EUR\n" in record
    assert "1.0000000000 EUR, rated again for CN-2026-000002" in record
    prepaid = call("explain", "CN-2026-000001", *home.arguments).out
    assert "0.10 EUR moved on the account's balance" in prepaid


def test_refusals(home: Home) -> None:
    said = call("correct", MAY, "--new-tariff", *home.arguments)
    assert (said.status, said.err) == (2, "callbill: 2026-05 is not issued: run it, its bills are drafts\n")
    call("park", MAY, "A2", "--reason", "in doubt", "--by", "Ann", *home.arguments)
    issue(home, MAY)
    home.add("voice_outbound", CHEAPER)
    said = call("correct", MAY, "--new-tariff", "--issue", *home.arguments)
    assert said.status == 2
    assert "2026-05 has parked bills" in said.err
    assert all(rows(home, f"SELECT count(*) FROM {table}") for table in ISSUED_TABLES)
