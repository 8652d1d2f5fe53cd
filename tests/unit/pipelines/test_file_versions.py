"""What is taken back of the end of a file, and what was judged by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.settings import Installation
from pipelines.stages.file_versions import only_new, take_back
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from transforms.mediation.contract import PART, Read
from transforms.mediation.text_lines import UNREADABLE

AT = "TIMESTAMPTZ '2026-04-05 10:00:00Z'"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Files 1 and 2 were compared: of the call `e` file 1 holds the BYE, at its very end, and file 2 the INVITE, where its
    usage stands; what file 2 repeats of it and a later record that contradicts record 9 of file 1 were judged."""
    with Warehouse.open(Installation.find(tmp_path, tmp_path)) as warehouse:
        execute = warehouse.connection.execute
        for number in (1, 2):
            execute(
                "INSERT INTO loaded_files BY NAME SELECT ? AS file_number, 'id' || ? AS file_id, 9 AS records, "
                "0 AS unbillable, true AS compared",
                [number, number],
            )
        for place in ((1, 8), (1, 9), (2, 1), (2, 5)):
            execute(
                "INSERT INTO usage_records BY NAME SELECT ? AS file_number, ? AS record_number, 'f' AS format, "
                f"{AT} AS started_at",
                place,
            )
        for *place, event, part, state in (
            (1, 10, "e", "BYE", "told"),
            (2, 1, "e", "INVITE", "usage"),
            (2, 2, "e", "INVITE", "repeated"),
            (2, 3, "other", "BYE", "waiting"),
        ):
            execute(
                "INSERT INTO event_parts BY NAME SELECT ? AS file_number, ? AS record_number, 'f' AS format, ? AS event, "
                "? AS part, ? AS state",
                [*place, event, part, state],
            )
        for row in ((2, 2, 2, 1, False), (2, 5, 1, 9, True)):
            execute("INSERT INTO duplicates VALUES (?, ?, ?, ?, ?)", row)
        for file_id, record in (("id1", 8), ("id1", 9)):
            execute(
                "INSERT INTO suspense BY NAME SELECT ? AS file_id, ? AS record_number, 'open' AS state",
                [file_id, record],
            )
        yield Session(warehouse.installation, warehouse)


def rows(session: Session, query: str) -> list[tuple[object, ...]]:
    return session.warehouse.connection.execute(query).fetchall()


def places(session: Session, table: str) -> list[tuple[object, ...]]:
    return rows(session, f"SELECT file_number, record_number FROM {table} ORDER BY ALL")


def test_what_is_behind_the_known_records_is_taken_and_what_hangs_on_it_judged_again(session: Session) -> None:
    take_back(session, 1, known=8, by=3)
    assert places(session, "usage_records") == [(1, 8), (2, 5)]
    assert places(session, "duplicates") == []
    parts = rows(session, "SELECT file_number, record_number, state FROM event_parts ORDER BY ALL")
    assert parts == [(2, 1, "waiting"), (2, 2, "waiting"), (2, 3, "waiting")]
    assert rows(session, "SELECT record_number, state FROM suspense ORDER BY 1") == [(8, "open"), (9, "recycled")]
    found = rows(session, "SELECT file_number, unbillable, compared FROM loaded_files ORDER BY 1")
    assert found == [(1, 2, True), (2, 0, False)]


def test_nothing_of_an_issued_month_is_taken(session: Session) -> None:
    session.warehouse.connection.execute("INSERT INTO issues VALUES ('2026-04', 1, now(), 2, '{}')")
    take_back(session, 1, known=8, by=3)
    assert places(session, "usage_records") == [(1, 8), (1, 9), (2, 1), (2, 5)]
    assert len(places(session, "event_parts")) == 4
    assert rows(session, "SELECT sum(unbillable) FROM loaded_files") == [(0,)]


def test_an_issue_that_came_after_the_growth_keeps_nothing(session: Session) -> None:
    session.warehouse.connection.execute("INSERT INTO issues VALUES ('2026-04', 1, now(), 3, '{}')")
    take_back(session, 1, known=8, by=3)
    assert places(session, "usage_records") == [(1, 8), (2, 5)]


def test_known_records_are_left_out_of_each_of_the_three() -> None:
    fields = pl.DataFrame({"record_number": [1, 4]}, schema={"record_number": pl.Int64})
    unreadable = pl.DataFrame([(2, None, "unreadable", "x")], schema=UNREADABLE, orient="row")
    at = datetime(2026, 4, 5, tzinfo=UTC)
    parts = pl.DataFrame([(number, "e", "BYE", at, "{}") for number in (3, 5)], schema=PART, orient="row")
    fresh, left_out = only_new(Read(fields, unreadable, 7, parts), 3)
    assert left_out == 3
    assert fresh.parts is not None
    assert [frame["record_number"].to_list() for frame in (fresh.fields, fresh.unreadable, fresh.parts)] == [
        [4],
        [],
        [5],
    ]
    assert fresh.unbillable == 7
    assert only_new(Read(fields, unreadable, 0), 0)[0].parts is None
