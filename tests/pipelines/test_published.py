"""What analysts open: complete, described, the same from run to run, and theirs while they have it open."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.storage.catalogue import BOOKS, CORRECTED, DELIVERABLES, PUBLISHED_MONTHLY, PUBLISHED_WHOLE
from pipelines.storage.warehouse import Warehouse
from pipelines.version import VERSION, commit
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL
from tests.support import read_published, run_stages

MONTH = "2026-04"

CONTRACT = {
    "rated_usage": "usage_id record_id format file_id record_number account_id service direction own_number"
    " other_number started_at usage_month billing_month linked_id billable_seconds billed_seconds segments"
    " destination country price_list price_valid_from unit_price charge currency",
    "number_fees": "billing_month account_id number country number_class chargeable_days free_days monthly_fee"
    " amount currency",
    "bill_lines": "billing_month account_id line_number kind direction country destination usage_month events"
    " quantity unit unit_price amount currency",
    "bills": "billing_month account_id bill_number status billing_mode payment_method currency net_amount"
    " vat_rate vat_rule vat_amount gross_amount paid_from_balance total_owed issued_at",
    "receipts": "receipt_number credit_id account_id credited_at credited_amount vat_rate vat_rule vat_amount"
    " total_paid balance_after currency",
    "ledger": "account_id entry_number posted_at kind reference amount balance_after currency",
    "suspense": "file_id format record_number record_id reason detail first_seen_at state account_id",
    "usage_files": "file_id path format bytes records usage_records suspended duplicates unbillable loaded_at",
    "controls": "billing_month control expected actual difference passed",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with two months that were run."""
    home = make_home(tmp_path_factory.mktemp("published"))
    home.traffic(["2026-04", "2026-05"], records=120)
    run_stages(home.path, home.price_tables, ["2026-04", "2026-05"])
    return home


@pytest.fixture
def analyst(home: Home) -> duckdb.DuckDBPyConnection:
    """An open connection."""
    return duckdb.connect(str(home.published), read_only=True)


def columns(analyst: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    rows = analyst.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def test_everything_of_the_contract_is_there(analyst: duckdb.DuckDBPyConnection) -> None:
    found = columns(analyst)
    assert set(found) == {*CONTRACT, *BOOKS, *CORRECTED, *DELIVERABLES, "audit", "parked", "write_offs"}
    for table, names in CONTRACT.items():
        assert set(names.split()) <= set(found[table]), table


def test_every_column_and_table_has_its_comment(analyst: duckdb.DuckDBPyConnection) -> None:
    rows = analyst.execute(
        "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal "
        "UNION ALL SELECT table_name, '', comment FROM duckdb_tables() WHERE NOT internal "
        "UNION ALL SELECT view_name, '', comment FROM duckdb_views() WHERE NOT internal"
    ).fetchall()
    assert len(rows) > 100
    assert [(table, column) for table, column, comment in rows if not comment] == []


def test_nothing_is_a_float(analyst: duckdb.DuckDBPyConnection) -> None:
    types = analyst.execute("SELECT DISTINCT data_type FROM duckdb_columns() WHERE NOT internal").fetchall()
    assert not {kind for (kind,) in types} & {"DOUBLE", "FLOAT"}


def test_keys_are_unique_and_every_table_has_rows(analyst: duckdb.DuckDBPyConnection) -> None:
    for name, table in {**PUBLISHED_MONTHLY, **PUBLISHED_WHOLE}.items():
        key = ", ".join(table._key)
        rows, keys = analyst.execute(
            f"SELECT count(*), (SELECT count(*) FROM (SELECT DISTINCT {key} FROM {name})) FROM {name}"
        ).fetchall()[0]
        assert rows == keys, name
        assert rows > 0 or name in ("suspense", "write_offs", "parked", *BOOKS, *CORRECTED, *DELIVERABLES)


def test_the_warehouse_names_version_and_commit(home: Home, analyst: duckdb.DuckDBPyConnection) -> None:
    with Warehouse.open(home.installation) as warehouse:
        for table in ("manifest", "audit"):
            found = warehouse.connection.execute(f'SELECT DISTINCT version, "commit" FROM {table}').fetchall()
            assert found == [(VERSION, commit() or None)], table
    assert set(columns(analyst)["audit"]) == set(PUBLISHED_WHOLE["audit"].to_schema().columns)


def test_running_again_changes_nothing(home: Home) -> None:
    before, files = read_published(home.path), tree(home.path / "tables")
    run_stages(home.path, home.price_tables, ["2026-05", "2026-04"])
    after = read_published(home.path)
    for name, frame in before.items():
        assert_frame_equal(after[name], frame)
    assert tree(home.path / "tables") == files


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_analyst_keeps_what_she_opened(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL])
    run_stages(home.path, home.price_tables, [MONTH])
    query = "SELECT r.record_id, r.charge, b.net_amount FROM rated_usage r JOIN bills b USING (account_id) ORDER BY 1"
    with duckdb.connect(str(home.published), read_only=True) as analyst:
        before = analyst.sql(query).pl()
        analyst.execute("BEGIN TRANSACTION")
        home.usage("late.csv", [CALL | {"record_id": "c2", "duration_seconds": "6000"}])
        home.edit("voice_outbound", "default_eur,France,0.012000", "default_eur,France,0.024000")
        run_stages(home.path, home.price_tables, [MONTH])
        run_stages(home.path, home.price_tables, [MONTH])
        assert_frame_equal(analyst.sql(query).pl(), before)
        analyst.execute("COMMIT")
        assert_frame_equal(analyst.sql(query).pl(), before)
        with duckdb.connect(str(home.path / "copy.duckdb")) as other:
            other.execute(f"ATTACH '{home.published}' AS published (READ_ONLY)")
            assert other.execute("SELECT count(*) FROM published.rated_usage").fetchall() == [(2,)]
    assert before["charge"].cast(pl.String).to_list() == ["0.0166000000"]
