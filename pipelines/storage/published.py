"""Reads what is published, beside any run and without a lock."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.errors import BadInput, describe, is_interruption


def logs_beside(database: Path) -> list[Path]:
    """The files in which DuckDB keeps what was written and is not in the `database` yet; none where it was closed."""
    return sorted(database.parent.glob(f"{database.name}.wal*"))


def published(place: Path) -> duckdb.DuckDBPyConnection:
    """The published file, open for reading, with moments in UTC. Raises BadInput where there is none, or it cannot be
    read, or somebody else has written into it: figures of theirs would pass for callbill's."""
    if not place.exists():
        raise BadInput(f"{place} does not exist: run a month first")
    if logs := logs_beside(place):
        raise BadInput(
            f"{logs[0]}: a program opened the published file for writing and has not closed it, so that its figures may "
            "be others than were published. End that program, and publish anew with `callbill run MONTH`"
        )
    try:
        connection = duckdb.connect(str(place), read_only=True)
    except duckdb.IOException as error:
        if is_interruption(error):
            raise
        if "Could not set lock" in str(error):
            raise BadInput(
                f"{place}: a program has it open for writing, and nobody can read it before that one has closed it: "
                f"{describe(error)}"
            ) from None
        raise BadInput(
            f"{place}: cannot be read: {describe(error)}. Publish it anew with `callbill run MONTH`"
        ) from None
    connection.execute("SET TimeZone = 'UTC'")
    return connection
