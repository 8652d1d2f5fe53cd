"""Reads what is published, beside any run and without a lock."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.errors import BadInput


def published(place: Path) -> duckdb.DuckDBPyConnection:
    """The published file, open for reading, with moments in UTC. Raises BadInput where there is none."""
    if not place.exists():
        raise BadInput(f"{place} does not exist: run a month first")
    connection = duckdb.connect(str(place), read_only=True)
    connection.execute("SET TimeZone = 'UTC'")
    return connection
