"""Where a record stands in files that are no plain lines: where its page begins, and in CSV with a header of other names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.explain.raw import RawRecord, find_record
from pipelines.settings import Installation
from tests.support import run_stages, scratch

STORY = Path(__file__).parents[1] / "stories" / "twilio_month"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with scratch() as folder:
        shutil.copytree(STORY, folder, dirs_exist_ok=True)
        yield folder


@pytest.fixture(scope="module")
def usage_files(place: Path) -> dict[str, dict[str, object]]:
    return {Path(row["path"]).name: row for row in run_stages(place, place / "prices", ["2026-10"]).rows("usage_files")}


@pytest.mark.parametrize(
    ("file", "number", "line", "name"),
    [
        ("calls_1.json", 1, 1, "CA00000000000000000000000000000001"),
        ("calls_1.json", 4, 1, "CA00000000000000000000000000000004"),
        ("calls_2.jsonl", 1, 1, "CA00000000000000000000000000000006"),
        ("calls_2.jsonl", 6, 6, "CA00000000000000000000000000000009"),
        ("calls_3.csv", 2, 3, "CA0000000000000000000000000000000b"),
        ("messages_1.csv", 1, 2, "SM00000000000000000000000000000001"),
        ("messages_1.csv", 2, 4, "SM00000000000000000000000000000002"),
        ("messages_2.json", 1, 1, "SM00000000000000000000000000000009"),
    ],
)
def test_a_record_is_found_again(
    place: Path, usage_files: dict[str, dict[str, object]], file: str, number: int, line: int, name: str
) -> None:
    found = find_record(Installation.find(place, place / "prices"), usage_files[file], number)
    assert isinstance(found, RawRecord)
    assert (found.line, found.read and found.read["record_id"]) == (line, name)
    assert "started_at" not in found.written


@pytest.mark.parametrize(("file", "number", "line"), [("calls_1.json", 5, 1), ("calls_2.jsonl", 5, 5)])
def test_a_record_that_is_no_usage_has_a_place_all_the_same(
    place: Path, usage_files: dict[str, dict[str, object]], file: str, number: int, line: int
) -> None:
    found = find_record(Installation.find(place, place / "prices"), usage_files[file], number)
    assert found is not None
    assert (found.line, found.read) == (line, None)
