"""The warehouse's tables: made once, brought up to date, and left alone where a newer callbill wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import BadInput
from pipelines.settings import Installation
from pipelines.storage import warehouse
from pipelines.storage.catalogue import WAREHOUSE, sql_type
from pipelines.storage.warehouse import SCHEMA_VERSION, Warehouse
from transforms.tables.base import types


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """One whose warehouse has its tables."""
    (tmp_path / "home").mkdir()
    found = Installation.find(tmp_path / "home")
    Warehouse.open(found).close()
    return found


@contextmanager
def by_hand(installation: Installation) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(installation.warehouse)) as connection:
        yield connection


def columns(installation: Installation, table: str) -> list[tuple[str, str]]:
    query = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index"
    with by_hand(installation) as connection:
        return connection.execute(query, [table]).fetchall()


def test_every_table_is_as_its_class_says(installation: Installation) -> None:
    for name, table in WAREHOUSE.items():
        assert columns(installation, name) == [(column, sql_type(dtype)) for column, dtype in types(table).items()]
    with by_hand(installation) as connection:
        made = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert {name for (name,) in made} == WAREHOUSE.keys()


def test_what_a_newer_callbill_wrote_is_left_alone(installation: Installation) -> None:
    with by_hand(installation) as connection:
        connection.execute(f"UPDATE warehouse_schema SET version = {SCHEMA_VERSION + 1}, sha256 = 'x'")
    before = installation.warehouse.read_bytes()
    with pytest.raises(BadInput, match=r"warehouse\.duckdb: a newer callbill wrote it .* use that one"):
        Warehouse.open(installation)
    assert installation.warehouse.read_bytes() == before


def test_what_an_older_one_wrote_is_brought_up_to_date(installation: Installation) -> None:
    with by_hand(installation) as connection:
        connection.execute("DROP TABLE warehouse_schema; DROP TABLE number_series")
        connection.execute("ALTER TABLE loaded_files DROP COLUMN packed; ALTER TABLE controls DROP COLUMN findings")
        connection.execute("ALTER TABLE accounts DROP COLUMN bic")
        connection.execute("INSERT INTO issues VALUES ('2026-04', 1, '2026-05-02', NULL, '{}')")
        connection.execute("INSERT INTO controls (control) VALUES ('legs_rated')")
    with Warehouse.open(installation) as opened:
        assert opened.value("SELECT last_file_number FROM issues") == 0
        assert opened.value("SELECT findings FROM controls") == ""
        assert opened.value("SELECT version FROM warehouse_schema") == SCHEMA_VERSION
    assert ("packed", "BOOLEAN") in columns(installation, "loaded_files")
    assert ("bic", "VARCHAR") in columns(installation, "accounts")
    assert columns(installation, "number_series")


@pytest.mark.parametrize("table", ["usage_records", "month_files", "issues"])
def test_what_lacks_a_column_of_what_is_billed_is_another_version_s(installation: Installation, table: str) -> None:
    with by_hand(installation) as connection:
        connection.execute(f"DROP VIEW directed_usage; DROP TABLE warehouse_schema; DROP TABLE {table}")
        connection.execute(f"CREATE TABLE {table} AS SELECT 1 AS billing_month, 'x' AS direction")
    with pytest.raises(BadInput, match="was made by another version of callbill"):
        Warehouse.open(installation)
    with by_hand(installation) as connection:
        assert not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'warehouse_schema'").fetchall()


def test_tables_that_are_there_are_not_made_again(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse.Warehouse, "_bring_up_to_date", lambda _: pytest.fail("they were made again"))
    Warehouse.open(installation).close()
