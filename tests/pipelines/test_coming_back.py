"""What comes later: new files, the same files, usage of other months, accounts that were mended."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL
from tests.support import run_stages

MONTH = "2026-04"
STRANGER = CALL | {"record_id": "stranger", "from_number": "+33184000009"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a file of one call, whose month was run."""
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL])
    run(home)
    return home


def run(home: Home, *months: str) -> None:
    run_stages(home.path, home.price_tables, months or [MONTH])


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(query).fetchall()


def loaded(home: Home) -> list[tuple[Any, ...]]:
    return rows(home, "SELECT path, records, usage_records, duplicates, loaded_at FROM usage_files ORDER BY path")


def test_a_later_run_loads_only_what_is_new(home: Home) -> None:
    before = loaded(home)
    home.usage("b.csv", [CALL | {"record_id": "c2"}])
    run(home)
    after = loaded(home)
    assert [row for row in after if row[0].endswith("a.csv")] == before
    assert [row[:4] for row in after] == [
        ("inbox/standard/a.csv", 1, 1, 0),
        ("inbox/standard/b.csv", 1, 1, 0),
    ]


def test_the_same_content_is_loaded_once(home: Home) -> None:
    before = loaded(home)
    first = home.path / "inbox/standard/a.csv"
    home.raw("standard/again/other name.csv", first.read_bytes())
    run(home)
    assert loaded(home) == before
    first.unlink()
    run(home)
    assert loaded(home) == before


def test_a_file_that_grew_gives_only_what_is_new(home: Home) -> None:
    home.usage("a.csv", [CALL, CALL | {"record_id": "c2"}])
    run(home)
    assert sorted(row[1:4] for row in loaded(home)) == [(1, 1, 0), (1, 1, 0)]
    assert rows(home, "SELECT count(*), sum(charge) FROM rated_usage") == [(2, Decimal("0.0332000000"))]


def test_a_file_written_anew_with_the_same_content_and_an_older_time(home: Home) -> None:
    before = loaded(home)
    path = home.usage("a.csv", [CALL])
    os.utime(path, (0, 0))
    run(home)
    assert loaded(home) == before


def test_names_that_begin_with_a_dot_wait(home: Home) -> None:
    home.usage(".b.csv", [CALL | {"record_id": "c2"}])
    run(home)
    assert len(loaded(home)) == 1


def test_usage_of_other_months_waits_for_its_run(home: Home) -> None:
    home.usage(
        "b.csv",
        [CALL | {"record_id": f"c{month}", "started_at": f"2026-0{month}-05T10:00:00Z"} for month in (5, 6)],
    )
    said = call("run", MONTH, "--json", *home.arguments)
    assert said.result["months_waiting"] == ["2026-05", "2026-06"]
    assert rows(home, "SELECT count(*) FROM rated_usage") == [(1,)]
    run(home, "2026-06", "2026-05")
    months = "SELECT usage_month, billing_month, record_id FROM rated_usage ORDER BY 1"
    assert rows(home, months) == [
        ("2026-04", "2026-04", "c1"),
        ("2026-05", "2026-05", "c5"),
        ("2026-06", "2026-06", "c6"),
    ]


def test_usage_of_before_the_first_month_is_told(home: Home) -> None:
    home.usage("b.csv", [CALL | {"record_id": "old", "started_at": "2026-03-31T23:59:59Z"}])
    assert call("run", MONTH, "--json", *home.arguments).result["before_first_month"] == 1
    assert "1 record of before [billing] first_month, 2026-04: never billed" in call("run", MONTH, *home.arguments).out


def test_a_late_record_joins_its_month_while_it_is_open(home: Home) -> None:
    run(home, "2026-05")
    home.usage("late.csv", [CALL | {"record_id": "late"}])
    run(home, "2026-05")
    assert rows(home, "SELECT count(*) FROM rated_usage") == [(1,)]
    run(home)
    assert rows(home, "SELECT count(*) FROM rated_usage WHERE billing_month = '2026-04'") == [(2,)]


def test_recycle(home: Home) -> None:
    home.usage("b.csv", [STRANGER, CALL | {"record_id": "nowhere", "to_number": "+99912345678"}])
    run(home)
    assert rows(home, "SELECT reason, state FROM suspense ORDER BY 1") == [
        ("account_unknown", "open"),
        ("no_destination", "open"),
    ]
    assert call("recycle", *home.arguments).out.startswith("0 of 2 suspended records recycled")
    home.add("numbers", "+33184000009,A2,FR,geographic,false,2026-02-01,")
    said = call("recycle", "--json", *home.arguments)
    assert said.status == 0
    assert said.result == {
        "open_before": 2,
        "recycled": 1,
        "read_again": {"files": 0, "refused_before": 0, "mended": 0, "problems": []},
        "months": [{"month": MONTH, "open_before": 2, "open": 1, "recycled": 1}],
    }
    assert rows(home, "SELECT reason, state FROM suspense ORDER BY 1") == [
        ("account_unknown", "recycled"),
        ("no_destination", "open"),
    ]
    assert rows(home, "SELECT record_id, account_id FROM rated_usage ORDER BY 1") == [
        ("c1", "A2"),
        ("stranger", "A2"),
    ]


def test_nothing_to_recycle(home: Home) -> None:
    said = call("recycle", *home.arguments)
    assert (said.status, said.out, said.err) == (0, "0 of 0 suspended records recycled\n", "")
