"""A clean month with a fault in a single record: each is found by the controls, or by the totals of a clean run.

pytest tests/faults/test_seeded_faults.py --seeded-faults 1000 -s
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from pipelines.stages.control import measure_month
from pipelines.stages.load import compare_records, load_reference_and_prices, load_usage
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.faults.seeded import RAW, TABLES, differing, rated_fault, raw_fault, row_fault, totals
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, callr_call, callr_events, standard_records
from tests.support import run_month, scratch
from transforms.tables.base import conform
from transforms.tables.usage import EventParts

MONTH = "2026-04"

FROM_LOADING = {"files_add_up", "records_unaltered", "records_in"}
"""Controls that hold raw records to what was loaded. They find a fault also where rating came after it."""


def traffic(home: Home) -> None:
    """A month of files of each kind, with suspended and refused records and duplicates among them."""
    for name in ("a", "b"):
        odd = [{"record_id": f"bad-{name}{n}"} for n in range(3)]
        odd += [CALL | {"record_id": f"nowhere-{name}{n}", "to_number": "+9991"} for n in range(4)]
        twice = list(standard_records(MONTH, 5, name))
        home.usage(f"{name}.csv", [*standard_records(MONTH, 60, name), *odd, *twice])
        home.usage(
            f"{name}.jsonl", [*standard_records(MONTH, 30, f"j{name}"), *standard_records("2026-05", 5, f"l{name}")]
        )
        home.usage(f"{name}.parquet", standard_records(MONTH, 20, f"p{name}"))
    home.callr("a.jsonl", callr_events(MONTH, 8))
    start = next(iter(standard_records("2026-05", 1)))["started_at"]
    home.callr("b.jsonl", [callr_call(900 + n, pl.Series([start]).str.to_datetime()[0], 30 + n) for n in range(4)])


@dataclass
class Clean:
    """A clean month that was run, the rows of its tables, and its files; and what found the faults."""

    session: Session
    frames: dict[str, pl.DataFrame]
    files: pl.DataFrame
    found_by: Counter[str]


@pytest.fixture(scope="module")
def clean() -> Iterator[Clean]:
    """The month whose warehouse gets faults."""
    with scratch() as folder:
        home = make_home(folder)
        traffic(home)
        with Warehouse.open(home.installation) as warehouse:
            session = Session(home.installation, warehouse)
            run_month(session, MONTH)
            put_parts(session)
            assert measure_month(session, MONTH)["passed"].all()
            frames = {name: warehouse.frame(f"SELECT * FROM {name}") for name in TABLES}
            frames["suspense"] = frames["suspense"].filter(pl.col("format") != "numbers")
            assert all(frame.height > 3 for frame in frames.values())
            found = Clean(session, frames, warehouse.frame("SELECT file_number, file_id FROM loaded_files"), Counter())
            yield found
            print("\nrows of the warehouse, by control:", dict(found.found_by.most_common()))


def put_parts(session: Session) -> None:
    """Two files of parts of events that wait, put into the warehouse as loading puts them."""
    warehouse = session.warehouse
    with warehouse.transaction():
        for place in (101, 102):
            rows = pl.DataFrame({"record_number": range(1, 6)}).with_columns(
                file_number=pl.lit(place),
                event=pl.format("e{}", "record_number"),
                part=pl.lit("INVITE"),
                content=pl.lit("{}"),
            )
            facts = {"format": "parts", "state": "waiting"}
            warehouse.insert("event_parts", conform(EventParts, rows, facts))
            warehouse.connection.execute(
                "INSERT INTO loaded_files BY NAME SELECT ? AS file_number, ? AS file_id, ? AS path, 'parts' AS format, "
                "1 AS bytes, 5 AS records, 0 AS unbillable, now() AS loaded_at, true AS compared, true AS totalled",
                [place, f"parts {place}", f"inbox/parts/{place}"],
            )


@dataclass
class Loading:
    """A warehouse into which the inbox is loaded again and again, and the totals of the clean inbox."""

    home: Home
    session: Session
    clean: dict[str, dict[str, Any]]
    found_by: Counter[str]

    def load(self) -> dict[str, dict[str, Any]]:
        """The totals of the inbox as it is, loaded into tables that hold nothing."""
        tables = ("loaded_files", "seen_paths", "file_totals", *RAW)
        with self.session.warehouse.transaction():
            for table in tables:
                self.session.warehouse.connection.execute(f"DELETE FROM {table}")
        load_usage(self.session)
        compare_records(self.session)
        return totals(self.session)


@pytest.fixture(scope="module")
def loading() -> Iterator[Loading]:
    """The inbox whose raw files get faults."""
    with scratch() as folder:
        home = make_home(folder)
        traffic(home)
        with Warehouse.open(home.installation) as warehouse:
            found = Loading(home, Session(home.installation, warehouse), {}, Counter())
            load_reference_and_prices(found.session, MONTH)
            found.clean = found.load()
            assert differing(found.clean, found.load()) == set()
            yield found
            print("\nraw records, by total:", dict(found.found_by.most_common()))


def test_it_is_found(seeded_fault: int, request: pytest.FixtureRequest) -> None:
    """Of five faults two are in raw files, and three in rows of the warehouse, table by table."""
    draw = random.Random(f"seeded {seeded_fault}")
    if seeded_fault % 5 < 2:
        in_raw_files(draw, request.getfixturevalue("loading"))
    else:
        in_the_warehouse(draw, request.getfixturevalue("clean"), TABLES[seeded_fault // 5 % len(TABLES)])


def in_raw_files(draw: random.Random, loading: Loading) -> None:
    with raw_fault(draw, loading.home) as what:
        found = differing(loading.clean, loading.load())
    assert found, what
    counted = found - {"file_id"}
    loading.found_by.update(counted or {"the SHA-256 alone"})
    if not what.startswith("altered"):
        assert counted >= {"bytes", "lines", "records"}, (what, found)


def in_the_warehouse(draw: random.Random, clean: Clean, table: str) -> None:
    fault = row_fault(draw, clean.frames, clean.files, table)
    connection = clean.session.warehouse.connection
    connection.execute("BEGIN TRANSACTION")
    try:
        if table == "rated_usage":
            in_place = draw.random() < 0.5
            with rated_fault(clean.session, fault, MONTH, in_place=in_place):
                found = failed(clean)
            assert found >= {"files_as_written" if in_place else "month_as_rated"}, fault
        else:
            assert connection.execute(fault.statement).fetchall() == [(1,)], fault
            found = failed(clean)
    finally:
        connection.execute("ROLLBACK")
    assert found, fault
    clean.found_by.update(found)
    if table in RAW:
        assert found & FROM_LOADING, (fault, found)


def failed(clean: Clean) -> set[str]:
    frame = measure_month(clean.session, MONTH)
    return set(frame.filter(~pl.col("passed"))["control"])
