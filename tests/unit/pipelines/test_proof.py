"""The hash by which an issued table is known again: anybody can compute it, and how the rows lie in a file is no matter."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations

import duckdb
import polars as pl
import pytest

from pipelines.stages import proof
from pipelines.stages.proof import table_hash
from tests.unit.frames import moment, payments
from transforms.tables.reference import Payments

FIRST = {"payment_id": "P1", "account_id": "Zoë", "amount": Decimal("12.5"), "paid_at": moment("2026-11-15 09:00")}
SECOND = {"payment_id": "P2", "account_id": "A,B", "bill_number": None, "paid_at": datetime(1970, 1, 1, tzinfo=UTC)}
THIRD = {"payment_id": "P3", "bill_number": ""}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def hash_of(connection: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> dict[str, int | str]:
    connection.register("told", frame.to_arrow())
    return table_hash(connection, Payments, "told")


def test_the_hash_can_be_computed_by_hand(connection: duckdb.DuckDBPyConnection) -> None:
    rows = (
        "P1,Zoë,2026-000001,12.5000,EUR,1794733200000000",
        "P2,A,B,-,12.0000,EUR,0",
    )
    hashes = "".join(hashlib.sha256(row.encode()).hexdigest() for row in rows)
    assert hash_of(connection, payments(FIRST, SECOND)) == {
        "rows": 2,
        "sha256": hashlib.sha256(hashes.encode()).hexdigest(),
    }


def test_the_order_of_the_rows_in_a_file_means_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    orders = [payments(*rows) for rows in permutations((FIRST, SECOND, THIRD))]
    hashes = [hash_of(connection, frame) for frame in orders]
    assert all(found == hashes[0] for found in hashes)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_how_many_rows_are_in_memory_at_once_means_nothing(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    whole = hash_of(connection, payments(FIRST, SECOND, THIRD))
    monkeypatch.setattr(proof, "HASH_ROWS", rows)
    assert hash_of(connection, payments(THIRD, FIRST, SECOND)) == whole


def test_what_is_missing_is_not_what_is_empty(connection: duckdb.DuckDBPyConnection) -> None:
    assert hash_of(connection, payments(THIRD)) != hash_of(connection, payments(THIRD | {"bill_number": None}))


def test_a_table_without_rows_has_the_hash_of_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    assert hash_of(connection, payments()) == {"rows": 0, "sha256": hashlib.sha256(b"").hexdigest()}
