"""The search for repeated records gives the same however it is cut into passes and slices, and in however many runs."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.stages import duplicate_search
from pipelines.stages.load import compare_records, load_usage
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, standard_records

MONTH = "2026-04"


def fill(home: Home) -> list[str]:
    """Four files, one after the other, that repeat records of their own and of each other, the same and with other content."""
    first = list(standard_records(MONTH, 30))
    other = [row | {"text": "x" * 400, "duration_seconds": "7", "status": ""} for row in first[3:30:5]]
    files = {
        "a.csv": [*first, *first[:4]],
        "b.csv": [*standard_records(MONTH, 20, "b"), *first[5:9]],
        "c.csv": [*other, CALL, CALL, CALL | {"duration_seconds": "84"}, CALL],
        "d.csv": [*first, *standard_records(MONTH, 20, "b")],
    }
    for name, rows in files.items():
        home.usage(name, rows)
    return sorted(files)


def found(home: Home, *, one_by_one: bool = False) -> pl.DataFrame:
    """The duplicates of the home's inbox, loaded at once or in a run a file."""
    inbox = home.path / "inbox" / "standard"
    waiting = sorted(inbox.glob("*.csv")) if one_by_one else []
    hidden = {path: path.read_bytes() for path in waiting}
    for path in waiting:
        path.unlink()
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        for path in waiting or [None]:
            if path is not None:
                path.write_bytes(hidden[path])
            load_usage(session)
            compare_records(session)
        assert compare_records(session) == {"compared": 0, "repeated": 0}
        return warehouse.frame("SELECT * FROM duplicates ORDER BY ALL")


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The duplicates, found in one pass."""
    home = make_home(tmp_path_factory.mktemp("at_once"))
    fill(home)
    return found(home)


def test_repeats_and_contradictions(at_once: pl.DataFrame) -> None:
    """By hand: 4 of a in a, 4 of a in b, 6 contradictions and 3 of the call in c, 30 of a and 20 of b in d."""
    counted = at_once.group_by("file_number", "conflicting").len().sort("file_number", "conflicting")
    assert counted.rows() == [(1, False, 4), (2, False, 4), (3, False, 2), (3, True, 7), (4, False, 50)]
    assert at_once.filter(file_number=4)["first_file_number"].value_counts(sort=True).rows() == [(1, 30), (2, 20)]


@pytest.mark.parametrize(("compared", "at_a_time"), [(7, 500_000), (16_000_000, 3), (11, 4), (1, 1)])
def test_in_passes_and_slices(
    at_once: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: int, at_a_time: int
) -> None:
    monkeypatch.setattr(duplicate_search, "COMPARED_ROWS", compared)
    monkeypatch.setattr(duplicate_search, "REPEATED_ROWS", at_a_time)
    home = make_home(tmp_path)
    fill(home)
    assert_frame_equal(found(home), at_once)


def test_in_a_run_a_file(at_once: pl.DataFrame, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    fill(home)
    assert_frame_equal(found(home, one_by_one=True), at_once)
