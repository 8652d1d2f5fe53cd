"""Every control is seen to fail: a home in which all pass is tampered with, and the control says by how much it differs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipelines.controls.month import CONTROLS
from pipelines.stages.control import measure_month
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home
from tests.pipelines.tampering import MAY, measured_home, tamper
from tests.support import scratch

MORE = "(SELECT file_id FROM loaded_files WHERE path = 'inbox/standard/more.csv')"
LEAST = "0.0000000001"
"""The last decimal of a charge."""

SWAPPED = "CASE account_id WHEN 'A2' THEN 0.01 WHEN 'A3' THEN -0.01 ELSE 0 END"
"""A cent more of one account, and one less of another: together as much as before."""

TABLE = [
    ("records_in", "UPDATE loaded_files SET records = records + 1 WHERE format = 'callr'", "1"),
    ("records_in", "UPDATE loaded_files SET unbillable = unbillable + 1 WHERE format = 'callr'", "1"),
    ("records_in", "DELETE FROM refused_records", "1"),
    (
        "records_in",
        "UPDATE loaded_files SET records = records + CASE file_number WHEN 1 THEN 1 WHEN 2 THEN -1 ELSE 0 END",
        "2",
    ),
    ("legs_rated", "DELETE FROM draft_rated_usage WHERE record_id = 'unanswered'", "1"),
    ("legs_rated", "DELETE FROM draft_rated_usage WHERE record_id = 'forwarded'", "2"),
    ("legs_rated", "INSERT INTO draft_rated_usage FROM draft_rated_usage WHERE record_id = 'own'", "1"),
    ("legs_rated", "DELETE FROM suspense WHERE record_id = 'nowhere'", "1"),
    ("legs_rated", "UPDATE suspense SET state = 'recycled' WHERE record_id = 'nowhere'", "1"),
    ("legs_rated", "DELETE FROM duplicates", "1"),
    ("forwarded_legs", "DELETE FROM draft_rated_usage WHERE leg = 'forwarded'", "1"),
    ("forwarded_legs", "DELETE FROM usage_records WHERE format = 'callr' AND direction = 'inbound'", "1"),
    # Record 2 of a file stands in another: a leg and two positions less here, and more there.
    ("legs_by_file", f"UPDATE draft_rated_usage SET file_id = {MORE} WHERE record_id = 'prepaid'", "6"),
    # Record 2 of a file and record 4 of another change places: as many legs as before, but two positions apart.
    (
        "legs_by_file",
        (
            "UPDATE draft_rated_usage SET file_id = CASE record_id WHEN 'other' THEN (SELECT file_id FROM draft_rated_usage "
            f"WHERE record_id = 'dollars') ELSE {MORE} END WHERE record_id IN ('other', 'dollars')"
        ),
        "4",
    ),
    ("legs_by_file", "UPDATE draft_rated_usage SET record_number = 3 WHERE record_id = 'own'", "2"),
    (
        "billed_once",
        (
            "INSERT INTO draft_rated_usage SELECT * REPLACE ('2026-05' AS billing_month) FROM rated_usage "
            "WHERE billing_month = '2026-04' AND record_id = 'c1'"
        ),
        "1",
    ),
    ("charges_recomputed", f"UPDATE draft_rated_usage SET charge = charge + {LEAST} WHERE record_id = 'own'", "1"),
    ("charges_recomputed", f"UPDATE draft_rated_usage SET charge = charge - {LEAST} WHERE record_id = 'dollars'", "1"),
    ("charges_recomputed", f"UPDATE draft_rated_usage SET charge = charge + {LEAST} WHERE record_id = 'written'", "1"),
    ("charges_recomputed", f"UPDATE draft_rated_usage SET charge = charge + {LEAST} WHERE record_id = 'read'", "1"),
    ("charges_recomputed", f"UPDATE draft_rated_usage SET charge = {LEAST} WHERE record_id = 'unanswered'", "1"),
    (
        "charges_recomputed",
        "UPDATE draft_rated_usage SET connection_fee = 0.000001 WHERE record_id IN ('own', 'other')",
        "2",
    ),
    ("fees_recomputed", f"UPDATE draft_number_fees SET amount = amount + {LEAST} WHERE number = '+33184000003'", "1"),
    ("fees_recomputed", f"UPDATE draft_number_fees SET amount = amount - {LEAST} WHERE currency = 'USD'", "1"),
    ("fees_recomputed", "UPDATE draft_number_fees SET chargeable_days = 30 WHERE currency = 'USD'", "1"),
    ("charges_to_lines", f"UPDATE draft_bill_lines SET charge = charge + {LEAST} WHERE number = '+33184000003'", LEAST),
    ("charges_to_lines", f"UPDATE draft_rated_usage SET charge = charge - {LEAST} WHERE record_id = 'own'", LEAST),
    ("charges_to_lines", "DELETE FROM draft_number_fees WHERE number = '+33184000003'", "1"),
    ("charges_to_lines", f"UPDATE draft_bill_lines SET charge = charge + {SWAPPED} WHERE kind = 'number_fee'", "0.02"),
    ("events_to_lines", "UPDATE draft_bill_lines SET events = events + 1 WHERE number = '+33184000003'", "1"),
    ("events_to_lines", "DELETE FROM draft_bill_lines WHERE number = '+33184000003'", "1"),
    (
        "events_to_lines",
        (
            "UPDATE draft_bill_lines SET events = events + CASE account_id WHEN 'A2' THEN 1 ELSE -1 END "
            "WHERE account_id IN ('A1', 'A2') AND kind = 'sms'"
        ),
        "2",
    ),
    ("lines_rounded", "UPDATE draft_bill_lines SET amount = amount + 0.01 WHERE number = '+33184000003'", "1"),
    ("lines_rounded", "UPDATE draft_bill_lines SET amount = -amount WHERE account_id = 'A3'", "1"),
    ("lines_rounded", "UPDATE draft_bill_lines SET charge = 1.005 WHERE account_id = 'A3'", "1"),
    ("lines_to_bills", "UPDATE draft_bill_lines SET amount = amount + 0.01 WHERE number = '+33184000003'", "0.01"),
    ("lines_to_bills", f"UPDATE draft_bill_lines SET amount = amount + {SWAPPED} WHERE kind = 'number_fee'", "0.02"),
    ("lines_to_bills", "UPDATE draft_bills SET net_amount = net_amount - 0.01 WHERE account_id = 'A2'", "0.01"),
    ("lines_to_bills", f"UPDATE draft_bills SET net_amount = net_amount + {SWAPPED}", "0.02"),
    ("bills_add_up", "UPDATE draft_bills SET gross_amount = gross_amount + 0.01 WHERE account_id = 'A1'", "1"),
    ("bills_add_up", "UPDATE draft_bills SET total_owed = total_owed + 0.01 WHERE account_id IN ('A1', 'A2')", "2"),
    ("bills_add_up", "UPDATE draft_bills SET paid_from_balance = paid_from_balance + 0.01", "5"),
    (
        "bills_add_up",
        (
            "UPDATE draft_bills SET vat_amount = vat_amount + 0.01, gross_amount = gross_amount + 0.01, "
            "total_owed = total_owed + CASE billing_mode WHEN 'postpaid' THEN 0.01 ELSE 0 END"
        ),
        "2",
    ),
    ("accounts_billed", "DELETE FROM draft_bills WHERE account_id = 'A3'", "1"),
    ("accounts_billed", "INSERT INTO draft_bills FROM draft_bills WHERE account_id = 'A3'", "1"),
    ("accounts_billed", "UPDATE draft_bills SET account_id = 'A6' WHERE account_id = 'A3'", "2"),
    (
        "accounts_billed",
        "UPDATE accounts SET opened_on = '2026-05-31' WHERE account_id = 'A5'; DELETE FROM draft_bills WHERE account_id = 'A5'",
        "1",
    ),
    ("ledger_closes", "UPDATE ledger SET balance_after = balance_after + 0.01 WHERE reference = 'C1'", "0.01"),
    (
        "ledger_closes",
        "UPDATE ledger SET amount = amount - 0.01 WHERE account_id = 'A1' AND reference = '2026-05'",
        "0.01",
    ),
    (
        "ledger_closes",
        (
            "UPDATE ledger SET balance_after = balance_after + CASE account_id WHEN 'A1' THEN 0.01 ELSE -0.01 END "
            "WHERE reference = '2026-05'"
        ),
        "0.02",
    ),
    ("bills_in_ledger", "DELETE FROM ledger WHERE account_id = 'A5' AND reference = '2026-05'", "1"),
    (
        "bills_in_ledger",
        "UPDATE ledger SET posted_at = '2026-06-01 00:00:00+00' WHERE account_id = 'A1' AND reference = '2026-05'",
        "2.15",
    ),
    ("bills_in_ledger", "UPDATE draft_bills SET paid_from_balance = 2.16 WHERE account_id = 'A1'", "0.01"),
    (
        "bills_in_ledger",
        (
            "UPDATE ledger SET amount = amount + CASE account_id WHEN 'A1' THEN 0.01 ELSE -0.01 END "
            "WHERE reference = '2026-05'"
        ),
        "0.02",
    ),
    ("top_ups_receipted", "DELETE FROM receipts WHERE credit_id = 'C2'", "1"),
    ("top_ups_receipted", "DELETE FROM credits WHERE credit_id = 'C2'", "1"),
    ("top_ups_receipted", "UPDATE receipts SET credit_id = 'C3' WHERE credit_id = 'C2'", "2"),
    ("receivables_close", "UPDATE payments SET amount = amount + 0.01", "0.01"),
    ("receivables_close", "UPDATE open_items SET open_amount = open_amount - 0.01 WHERE account_id = 'A2'", "0.01"),
    ("journal_balances", "UPDATE journal SET debit = debit + 0.01 WHERE account = 'bank'", "0.02"),
    ("journal_agrees", "UPDATE journal SET debit = debit + 0.01 WHERE account = 'receivables' AND debit > 0", "0.02"),
    ("files_add_up", "UPDATE loaded_files SET lines = lines + 1 WHERE format = 'callr'", "1"),
    ("records_unaltered", "UPDATE usage_records SET record_id = 'another' WHERE record_id = 'own'", "2"),
    ("legs_unaltered", "UPDATE draft_rated_usage SET account_id = 'A3' WHERE record_id = 'own'", "1"),
    ("late_legs_unaltered", "UPDATE draft_rated_usage SET account_id = 'A3' WHERE record_id = 'late'", "1"),
    ("month_as_rated", "UPDATE suspense SET detail = 'another' WHERE record_id = 'nowhere'", "1"),
    ("month_as_rated", "UPDATE draft_rated_usage SET price_list = 'own' WHERE record_id = 'own'", "1"),
    (
        "files_as_written",
        "UPDATE month_files SET sha256 = 'another' WHERE month = '2026-05' AND table_name = 'bills'",
        "1",
    ),
    ("legs_orphaned", "DELETE FROM usage_records WHERE format = 'callr' AND direction = 'inbound'", "1"),
    ("legs_doubled", "UPDATE usage_records SET forwarded_to = '+33639980777' WHERE record_id = '1'", "1"),
    ("legs_longer", "UPDATE usage_records SET billable_seconds = 30 WHERE record_id = '1'", "1"),
]
"""The control, what is done as SQL (see `tamper`), and by how much the control then differs."""


@pytest.fixture(scope="module")
def measured() -> Iterator[Home]:
    """A home in which every control has something to measure."""
    with scratch() as folder:
        yield measured_home(folder)


@pytest.fixture
def session(measured: Home) -> Iterator[Session]:
    """A session over a copy of it."""
    with scratch() as folder:
        home = Home(Path(shutil.copytree(measured.path, folder / "home")), measured.price_tables)
        with Warehouse.open(home.installation) as warehouse:
            yield Session(home.installation, warehouse)


def test_all_pass_where_nothing_was_done(session: Session) -> None:
    controls = measure_month(session, MAY)
    assert set(controls["control"]) == {control.name for control in CONTROLS}
    assert controls.filter(~pl.col("passed") | (pl.col("difference") != 0)).is_empty()


def test_no_control_is_left_out_of_the_table() -> None:
    assert {control for control, _, _ in TABLE} == {control.name for control in CONTROLS}


@pytest.mark.parametrize(("name", "statement", "difference"), TABLE, ids=[name for name, _, _ in TABLE])
def test_a_control_tells_by_how_much_it_differs(
    session: Session, monkeypatch: pytest.MonkeyPatch, name: str, statement: str, difference: str
) -> None:
    tamper(session, MAY, statement)
    # Alone, as all of them take four times as long.
    control = next(control for control in CONTROLS if control.name == name)
    monkeypatch.setattr("pipelines.stages.control.CONTROLS", (control,))
    rows = measure_month(session, MAY)
    assert rows["difference"].sum() == Decimal(difference)
    assert rows["passed"].all() != control.blocking
