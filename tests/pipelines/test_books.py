"""The books of an operator: what is owed and paid, and the journal, kept by runs and by issues."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.stages.balance import make_ledger
from pipelines.stages.books import make_books
from pipelines.stages.control import control_month
from pipelines.storage.catalogue import BOOKS
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.bookkeeping import (
    APRIL,
    JUNE,
    MAY,
    POSTPAID,
    PREPAID,
    D,
    after_issue,
    calling_home,
    issue,
    owed,
    pay,
    rows,
    run,
)
from tests.pipelines.command import call
from tests.pipelines.homes import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with calls in April."""
    return calling_home(tmp_path)


@pytest.fixture(scope="module")
def paid(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An issued month of which something is paid, and an open one."""
    home = calling_home(tmp_path_factory.mktemp("paid"))
    pay(home, "P1,A2,2026-000002,20.00,EUR,2026-05-15")
    run(home, APRIL)
    issue(home, APRIL)
    run(home, MAY)
    return home


ITEMS = "SELECT account_id, document, amount, paid, open_amount FROM open_items ORDER BY document"


def test_drafts_are_no_part_of_the_books(home: Home) -> None:
    run(home, APRIL)
    for table in BOOKS:
        assert rows(home, f"SELECT * FROM {table}") == []


def test_a_run_counts_the_accounts_that_are_below_zero_in_the_end(home: Home) -> None:
    """A1 was below zero after April and is topped up in June; A5 began with 5.00 and spends more."""
    home.usage("b.csv", [PREPAID | {"record_id": "r", "from_number": "+33184000006"}])
    run(home, APRIL)
    below = "SELECT account_id, list(balance_after < 0 ORDER BY entry_number) FROM ledger GROUP BY 1 ORDER BY 1"
    assert rows(home, below) == [("A1", [False, True, False, False]), ("A5", [False, True])]
    with Warehouse.open(home.installation) as warehouse:
        facts = make_ledger(Session(home.installation, warehouse), APRIL)
    assert facts == {"rows": 6, "accounts_below_zero": 1}


def test_the_books_stand_with_the_issue(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    amounts = owed(home)
    bills = dict(rows(home, "SELECT account_id, bill_number FROM bills"))
    assert rows(home, ITEMS) == [
        (account, bills[account], amount, 0, amount) for account, amount in sorted(amounts.items())
    ]
    entries = "SELECT account_id, entry_number, kind, reference, document, amount, balance_after FROM receivables"
    assert rows(home, f"{entries} ORDER BY account_id") == [
        (account, 1, "bill", bills[account], bills[account], amount, amount)
        for account, amount in sorted(amounts.items())
    ]
    before = {table: rows(home, f"SELECT * FROM {table} ORDER BY ALL") for table in BOOKS}
    run(home, APRIL, MAY)
    assert {table: rows(home, f"SELECT * FROM {table} ORDER BY ALL") for table in BOOKS} == before


def test_the_journal_of_a_month_by_hand(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    # Calls: A1 100.00, A2 50.00 and 10.00 VAT. The fees of numbers are what their lines say; C1 is a top-up of 100.00
    # of a French customer with 20.00 VAT, C3 an opening balance of 5.00; both are of March and posted with April.
    fees = dict(rows(home, "SELECT currency, sum(amount) FROM bill_lines WHERE kind = 'number_fee' GROUP BY 1"))
    vat = dict(rows(home, "SELECT currency, sum(vat_amount) FROM bills GROUP BY 1"))
    owe = dict(rows(home, "SELECT currency, sum(total_owed) FROM bills GROUP BY 1"))
    taken = dict(rows(home, "SELECT currency, sum(paid_from_balance) FROM bills GROUP BY 1"))
    euros = rows(home, "SELECT document, account, debit, credit FROM journal WHERE currency = 'EUR' ORDER BY ALL")
    assert euros == [
        ("bills", "customer_credit", taken["EUR"], 0),
        ("bills", "receivables", owe["EUR"], 0),
        ("bills", "revenue_number_fees", 0, fees["EUR"]),
        ("bills", "revenue_voice", 0, 150),
        ("bills", "vat_payable", 0, vat["EUR"]),
        ("credits", "customer_credit", 0, 5),
        ("credits", "opening_balances", 5, 0),
        ("top_ups", "bank", 120, 0),
        ("top_ups", "customer_credit", 0, 100),
        ("top_ups", "vat_payable", 0, 20),
    ]
    assert taken["EUR"] > 100
    assert {month for (month,) in rows(home, "SELECT billing_month FROM journal")} == {APRIL}
    dollars = rows(home, "SELECT account, debit, credit FROM journal WHERE currency = 'USD' ORDER BY ALL")
    assert dollars == [("receivables", owe["USD"], 0), ("revenue_number_fees", 0, fees["USD"])]


def test_a_credit_stands_in_the_month_with_which_it_is_posted(home: Home) -> None:
    home.add("credits", "C9,A1,goodwill,2.00,EUR,2026-05-20T10:00:00Z,")
    may = [
        one | {"record_id": f"{one['record_id']}2", "started_at": "2026-05-05T10:00:00Z"} for one in (PREPAID, POSTPAID)
    ]
    home.usage("may.csv", may)
    run(home, APRIL, MAY)
    issue(home, APRIL)
    goodwill = "SELECT billing_month, debit FROM journal WHERE account = 'goodwill'"
    assert rows(home, goodwill) == []
    issue(home, MAY)
    assert rows(home, goodwill) == [(MAY, 2)]
    # What was in April's issue is added up no second time.
    assert rows(home, "SELECT billing_month, credit FROM journal WHERE account = 'revenue_voice' ORDER BY 1") == [
        (APRIL, 150),
        (MAY, 150),
    ]


def test_payments_are_matched_to_their_bills(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    amounts, paid_at = owed(home), f"{after_issue(1):%Y-%m-%dT%H:%M:%SZ}"
    number = rows(home, "SELECT document FROM open_items WHERE account_id = 'A2'")[0][0]
    pay(
        home,
        f"P1,A2,{number},20.00,EUR,{paid_at}",
        f"P2,A3,{number},3.00,EUR,{paid_at}",
        f"P3,A4,,1.00,USD,{paid_at}",
        f"P4,A1,2026-999999,4.00,EUR,{paid_at}",
    )
    run(home, MAY)
    (mine,) = [row for row in rows(home, ITEMS) if row[0] == "A2"]
    assert mine[2:] == (amounts["A2"], 20, amounts["A2"] - 20)
    assert {row[3] for row in rows(home, ITEMS) if row[0] != "A2"} == {0}
    assert rows(home, "SELECT reference, document, amount FROM receivables WHERE kind = 'payment' ORDER BY 1") == [
        ("P1", number, -20),
        ("P2", None, -3),
        ("P3", None, -1),
        ("P4", None, -4),
    ]
    month = paid_at[:7]
    banked = (
        "SELECT billing_month, currency, debit FROM journal WHERE document = 'payments' AND account = 'bank' ORDER BY 2"
    )
    assert rows(home, banked) == [(month, "EUR", 27), (month, "USD", 1)]
    assert call("verify", APRIL, *home.arguments).status == 0


def test_a_note_is_in_the_books_of_the_month_of_its_issue(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    before = owed(home)["A2"]
    number = rows(home, "SELECT document FROM open_items WHERE account_id = 'A2'")[0][0]
    at = datetime(2026, 7, 31, 22, 30, tzinfo=UTC)
    credit(home, number, at)
    run(home, JUNE)
    (item,) = rows(home, "SELECT corrected, open_amount FROM open_items WHERE account_id = 'A2'")
    assert item == (-6, before - 6)
    assert rows(home, "SELECT billing_month, account, debit, credit FROM journal WHERE document = 'credit_notes'") == [
        ("2026-07", "receivables", 0, 6),
        ("2026-07", "revenue_voice", 5, 0),
        ("2026-07", "vat_payable", 1, 0),
    ]


def credit(home: Home, bill: str, at: datetime) -> None:
    """A credit note of 5.00 and 1.00 VAT over the bill of A2, put there as a correction puts it."""
    with Warehouse.open(home.installation) as warehouse:
        files = warehouse.month_files
        line = files.scan("bill_lines", [APRIL]).filter(account_id="A2", kind="voice").collect()
        line = line.with_columns(note_number=pl.lit("CN-1"), amount=pl.lit(D(-5), pl.Decimal(18, 4)))
        bills = files.scan("bills", [APRIL]).filter(bill_number=bill).collect()
        amounts = {"net_amount": -5, "vat_amount": -1, "gross_amount": -6, "total_owed": -6}
        note = bills.with_columns(
            *(pl.lit(D(value), pl.Decimal(18, 4)).alias(name) for name, value in amounts.items()),
            note_number=pl.lit("CN-1"),
            kind=pl.lit("credit_note"),
            reason=pl.lit("wrong price"),
            issued_at=pl.lit(at),
        )
        with warehouse.transaction():
            for table, frame in (("correction_lines", line), ("correction_notes", note)):
                with files.writing(table, APRIL) as writer:
                    writer.write(frame)
                    files.name(files.finish(writer, table, APRIL), part=1)


@pytest.mark.parametrize(
    ("control", "statement"),
    [
        ("journal_balances", "UPDATE journal SET debit = debit + 1 WHERE debit > 0 AND account = 'bank'"),
        ("journal_agrees", "UPDATE journal SET debit = debit + 1 WHERE account = 'receivables'"),
        ("journal_agrees", "DELETE FROM journal WHERE document = 'credits'"),
        ("receivables_close", "UPDATE open_items SET open_amount = open_amount - 1 WHERE account_id = 'A2'"),
        ("receivables_close", "DELETE FROM receivables WHERE account_id = 'A2'"),
        ("receivables_close", "UPDATE payments SET amount = amount + 1"),
        (
            "receivables_close",
            (
                "UPDATE receivables SET amount = amount + 1, balance_after = balance_after + 1 WHERE account_id = 'A2'; "
                "UPDATE open_items SET open_amount = open_amount + 1 WHERE account_id = 'A2'"
            ),
        ),
        (
            "receivables_close",
            (
                "UPDATE open_items SET open_amount = open_amount + CASE account_id WHEN 'A2' THEN 1 ELSE -1 END "
                "WHERE currency = 'EUR'"
            ),
        ),
    ],
)
def test_a_control_finds_books_that_do_not_hold(paid: Home, tmp_path: Path, control: str, statement: str) -> None:
    shutil.copytree(paid.path, tmp_path / "copy")
    home = Home(tmp_path / "copy", paid.price_tables)
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        warehouse.connection.execute(statement)
        controls = control_month(session, MAY)
        assert control in controls.filter(~pl.col("passed"))["control"].to_list()
        make_books(session)
        if "payments" not in statement:
            assert control_month(session, MAY)["passed"].all()


def test_payment_days_are_a_setting_and_a_due_date_stays(home: Home) -> None:
    home.settings('[billing]\nfirst_month = "2026-04"\n[issue]\npayment_days = 14\n')
    run(home, APRIL)
    issue(home, APRIL)
    due = "SELECT DISTINCT date_diff('day', issued_at::DATE, due_on) FROM open_items"
    assert rows(home, due) == [(14,)]
    home.settings('[billing]\nfirst_month = "2026-04"\n[issue]\npayment_days = 60\n')
    run(home, MAY)
    assert rows(home, due) == [(14,)]
    home.settings('[billing]\nfirst_month = "2026-04"\n[issue]\npayment_days = 367\n')
    said = call("statement", "A2", *home.arguments)
    assert (said.status, "[issue] payment_days: 367 is no number from 0 to 366" in said.err) == (2, True)
