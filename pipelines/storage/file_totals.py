"""What was put into the tables of raw usage, file by file: rows, seconds, segments, and a fingerprint of their content.

Each batch adds its own, computed before it goes in; what the tables hold later must come to the same. Whoever changes
rows in another way than by `Warehouse.insert` takes them out of the totals before and adds them afterwards.
"""

from __future__ import annotations

import duckdb

from pipelines.storage import catalogue
from transforms.tables.base import types

_SECONDS = "sum(billable_seconds::BIGINT + coalesce(forwarded_seconds, 0))::BIGINT"
KEPT: dict[str, tuple[str, str]] = {
    "usage_records": (_SECONDS, "coalesce(sum(segments), 0)::BIGINT"),
    "refused_records": ("0::BIGINT", "0::BIGINT"),
    "duplicates": ("0::BIGINT", "0::BIGINT"),
    "event_parts": ("0::BIGINT", "0::BIGINT"),
}
"""The tables, each with its seconds and its segments as SQL."""

HASHED = "(hash('callbill', 5::INTEGER, NULL::VARCHAR, 'epoch'::TIMESTAMPTZ) >> 12)::BIGINT"
"""What DuckDB makes of a known row: fingerprints are compared only with those of the same way of hashing."""


def fingerprint(*values: str) -> str:
    """The sum over rows of a hash of these SQL values: the same in whatever order rows stand."""
    return f"coalesce(sum((hash({', '.join(values)}) >> 12)::BIGINT), 0)::HUGEINT"


def measures(table: str, source: str) -> str:
    """SELECT of table_name, file_number and the totals of `source`, which has the columns of `table`."""
    seconds, segments = KEPT[table]
    columns = types(catalogue.WAREHOUSE[table])
    values = (
        f'"{name}"::{catalogue.sql_type(dtype)}' for name, dtype in columns.items() if name not in _SAME_IN_A_FILE
    )
    return (
        f"SELECT '{table}' AS table_name, file_number, count(*) AS rows, {seconds} AS seconds, {segments} AS segments, "
        f"{fingerprint(*values)} AS fingerprint FROM {source} GROUP BY file_number"
    )


_SAME_IN_A_FILE = ("file_number",)


def add(connection: duckdb.DuckDBPyConnection, table: str, source: str) -> None:
    """Adds the rows of `source`, an SQL table with the columns of `table`. Belongs into the transaction that keeps them."""
    _change(connection, table, source, "")


def take(connection: duckdb.DuckDBPyConnection, table: str, source: str) -> None:
    """Takes the rows of `source` out. Belongs into the transaction that deletes or changes them, before it does."""
    _change(connection, table, source, "-")


def recount(connection: duckdb.DuckDBPyConnection, files: str) -> None:
    """Makes the totals of `files` (an SQL query of file numbers) what the tables hold. Belongs into the transaction of
    whoever changed rows there on purpose: what was changed otherwise before is not told any more."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE recounted AS {files}")
    mine = "file_number IN (SELECT file_number FROM recounted)"
    connection.execute(f"DELETE FROM file_totals WHERE {mine}")
    for table in KEPT:
        add(connection, table, f"(SELECT * FROM {table} WHERE {mine})")
    connection.execute("DROP TABLE recounted")


def _change(connection: duckdb.DuckDBPyConnection, table: str, source: str, sign: str) -> None:
    connection.execute(
        f"INSERT INTO file_totals SELECT table_name, file_number, {sign}rows, {sign}seconds, {sign}segments, "
        f"{sign}fingerprint, {HASHED} FROM ({measures(table, source)})"
    )
