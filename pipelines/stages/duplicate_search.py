"""Which events more than one record names: new records sieved against all known ones by a hash of the event's name.

Known records are read once, and of them the name alone; what passes the sieve is fetched whole, and compared by the names
themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pipelines.storage.session import Session
from transforms.mediation.duplicates import EVENT

_NAME = f"hash({', '.join(EVENT)})"
"""A sieve that lives as long as a query."""

COMPARED_ROWS = 16_000_000
"""Records whose names are compared in one pass; more are split by a hash of the name, to bound memory."""

REPEATED_ROWS = 500_000
"""Records of repeated events that are compared at once."""

_LEG_REFUSED = (
    "(file_number, record_number) IN (SELECT (file_number, record_number) FROM refused_records WHERE leg = 'forwarded')"
)
_KNOWN = "(file_number, record_number) IN (SELECT (file_number, record_number) FROM duplicates)"
"""Of records of one event, one that was read again may be the repeated one although its file came first."""

_TABLES = ("fresh", "repeated", "candidates")


def repeated_events(session: Session, new: str) -> Iterator[pl.DataFrame]:
    """All records of the events that more than one record names, at least one of them `new` (an SQL condition): whole
    events, at most about REPEATED_ROWS records at once, with the columns leg_refused and known (a duplicate already)."""
    warehouse = session.warehouse
    count = int(warehouse.value(f"SELECT count(*) FROM usage_records WHERE {new}"))
    known = _known(session, new)
    passes = -(-count // COMPARED_ROWS)
    for part in range(passes):
        rows = _sieve(session, new, known, f"{_NAME} % {passes} = {part}" if passes > 1 else "true")
        slices = -(-rows // REPEATED_ROWS)
        _fetch(session, slices)
        for number in range(slices):
            yield warehouse.frame(
                f"SELECT * EXCLUDE (slice), {_LEG_REFUSED} AS leg_refused, {_KNOWN} AS known "
                f"FROM candidates WHERE slice = {number}"
            )
        session.progress.advance(count // passes)
        for table in _TABLES:
            warehouse.connection.execute(f"DROP TABLE {table}")


def _known(session: Session, new: str) -> str:
    """What holds for records that were compared before: a bound of their files, which lets the others be passed over."""
    last, first = session.warehouse.connection.execute(
        "SELECT coalesce(max(file_number) FILTER (compared), 0), min(file_number) FILTER (NOT compared) FROM loaded_files"
    ).fetchall()[0]
    bound = f"file_number <= {last}"
    return bound if first is None or last < first else f"{bound} AND NOT ({new})"


def _sieve(session: Session, new: str, known: str, mine: str) -> int:
    """Makes the table `repeated`: the places of all records of events that more than one record of `mine` names, at least
    one of them new. Returns how many."""
    execute = session.warehouse.connection.execute
    execute(
        f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT {_NAME} AS name, count(*) AS n FROM usage_records "
        f"WHERE {new} AND {mine} GROUP BY 1"
    )
    execute(f"""
        CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT * FROM (SELECT file_number, record_number, {_NAME} AS name FROM usage_records
            WHERE {known} AND {mine})
        WHERE name IN (SELECT name FROM fresh)
    """)
    execute(f"""
        INSERT INTO repeated
        SELECT * FROM (SELECT file_number, record_number, {_NAME} AS name FROM usage_records WHERE {new} AND {mine})
        WHERE name IN (SELECT name FROM fresh WHERE n > 1 UNION SELECT name FROM repeated)
    """)
    return int(session.warehouse.value("SELECT count(*) FROM repeated"))


def _fetch(session: Session, slices: int) -> None:
    """Makes the table `candidates`: the records at the places of `repeated`, whole events in one slice."""
    session.warehouse.connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE candidates AS
        SELECT usage_records.*, ((name >> 32) % {max(slices, 1)})::INTEGER AS slice
        FROM usage_records JOIN repeated USING (file_number, record_number)
        WHERE file_number IN (SELECT DISTINCT file_number FROM repeated) {"ORDER BY slice" if slices > 1 else ""}
    """)
