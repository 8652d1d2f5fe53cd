"""Files that grow under one name, as a switch writes them, and files that are changed otherwise."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.inputs.raw_bytes import Proof, RawFile
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_issue import issue
from tests.pipelines.traffic import CALL, COLUMNS
from tests.support import run_stages

MONTH, NEXT = "2026-04", "2026-05"
HEADER = ",".join(COLUMNS) + "\n"
PLACE = "standard/live.csv"


def line(name: str) -> str:
    """A call as a line of CSV."""
    call = CALL | {"record_id": name}
    return ",".join(call.get(column, "") for column in COLUMNS) + "\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def run(home: Home, *months: str) -> None:
    run_stages(home.path, home.price_tables, months or [MONTH])


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(query).fetchall()


def files(home: Home) -> list[tuple[Any, ...]]:
    """Of each file what became of its records, which add up."""
    found = rows(
        home,
        "SELECT records, usage_records, suspended, duplicates, unbillable FROM usage_files ORDER BY loaded_at, bytes",
    )
    assert all(records == sum(others) for records, *others in found)
    return found


def billed(home: Home) -> list[tuple[str, int]]:
    return rows(home, "SELECT record_id, record_number FROM rated_usage ORDER BY 1")


def test_each_growth_gives_its_new_records(home: Home) -> None:
    content = HEADER
    for growth in ([], ["a", "b"], ["c"], ["d", "e"]):
        content += "".join(map(line, growth))
        home.raw(PLACE, content)
        run(home)
    assert files(home) == [(0, 0, 0, 0, 0), (2, 2, 0, 0, 0), (1, 1, 0, 0, 0), (2, 2, 0, 0, 0)]
    assert billed(home) == [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]


def test_every_cut_of_a_file_comes_to_the_same(home: Home) -> None:
    """However a file is cut while it grows: nothing is lost, and nothing is there twice."""
    whole = HEADER + line("a") + "nonsense\n" + line("b") + line("c")
    for end in range(len(HEADER) - 3, len(whole) + 1, 47):
        home.raw(PLACE, whole[:end])
        run(home)
    home.raw(PLACE, whole)
    run(home)
    assert billed(home) == [("a", 1), ("b", 3), ("c", 4)]
    assert rows(home, "SELECT record_number, reason FROM suspense WHERE state = 'open'") == [(2, "unreadable")]
    assert sum(row[1] for row in files(home)) == 3


def test_a_line_that_stood_half_is_taken_back(home: Home) -> None:
    """The half line is sound: its duration has lost a digit."""
    columns = [name for name in COLUMNS if name != "duration_seconds"] + ["duration_seconds"]
    header = ",".join(columns) + "\n"
    first, second = (
        ",".join((CALL | {"record_id": name}).get(column, "") for column in columns) + "\n" for name in ("a", "b")
    )
    half = header + first + second.removesuffix("3\n")
    home.raw(PLACE, half)
    home.usage("other.csv", [CALL | {"record_id": "b"}])
    run(home)
    assert rows(home, "SELECT record_id, billable_seconds FROM rated_usage ORDER BY 1") == [("a", 83), ("b", 8)]
    assert rows(home, "SELECT reason FROM suspense") == [("conflicting_duplicate",)]
    home.raw(PLACE, header + first + second)
    run(home)
    assert rows(home, "SELECT record_id, billable_seconds FROM rated_usage ORDER BY 1") == [("a", 83), ("b", 83)]
    assert files(home) == [(2, 1, 0, 0, 1), (1, 1, 0, 0, 0), (1, 0, 0, 1, 0)]
    assert rows(home, "SELECT reason FROM suspense") == []


def test_a_half_line_that_is_billed_stays_and_the_whole_one_contradicts_it(home: Home) -> None:
    columns = [name for name in COLUMNS if name != "duration_seconds"] + ["duration_seconds"]
    whole = ",".join(columns) + "\n" + ",".join((CALL | {"record_id": "b"}).get(column, "") for column in columns)
    home.raw(PLACE, whole[:-1])
    run(home)
    issue(home, MONTH)
    home.raw(PLACE, f"{whole}\n")
    run(home, MONTH, NEXT)
    assert files(home) == [(1, 1, 0, 0, 0), (1, 0, 1, 0, 0)]
    assert rows(home, "SELECT billable_seconds, billing_month FROM rated_usage") == [(8, MONTH)]
    assert rows(home, "SELECT reason FROM suspense") == [("conflicting_duplicate",)]
    assert call("rebuild", MONTH, *home.arguments).status == 0


def test_what_was_refused_at_the_end_is_not_refused_twice(home: Home) -> None:
    home.raw(PLACE, HEADER + line("a") + line("b")[:20])
    run(home)
    assert files(home) == [(2, 1, 1, 0, 0)]
    home.raw(PLACE, HEADER + line("a") + line("b"))
    run(home)
    assert files(home) == [(2, 1, 0, 0, 1), (1, 1, 0, 0, 0)]
    assert rows(home, "SELECT * FROM suspense") == []


def test_a_quoted_text_over_two_lines_that_was_cut(home: Home) -> None:
    message = CALL | {"record_id": "t", "text": "x"}
    whole = (
        line("a") + ",".join(message.get(c, "") if c != "text" else '"one\ntwo"' for c in COLUMNS) + "\n" + line("z")
    )
    cut = whole.index("two") + 1
    for text in (whole[:cut], whole):
        home.raw(PLACE, HEADER + text)
        run(home)
    assert [name for name, _ in billed(home)] == ["a", "t", "z"]
    assert files(home) == [(3, 1, 0, 0, 2), (2, 2, 0, 0, 0)]


def test_members_are_appended_to_a_compressed_file(home: Home) -> None:
    first = gzip.compress((HEADER + line("a")).encode(), mtime=0)
    second = first + gzip.compress((line("b") + line("c")).encode(), mtime=0)
    cut = second[:-9]
    for content in (first, cut, second):
        home.raw("standard/live.csv.gz", content)
        run(home)
    assert billed(home) == [("a", 1), ("b", 2), ("c", 3)]
    # What was cut off was not read as whole until it came whole.
    taken = files(home)
    assert sum(row[1] for row in taken) == 3
    assert rows(home, "SELECT * FROM suspense WHERE state = 'open'") == []


def test_json_lines_grow_too(home: Home) -> None:
    path = home.usage("live.jsonl", [CALL | {"record_id": name} for name in "abc"])
    whole = path.read_bytes()
    for end in (len(whole) // 2, len(whole) - 4, len(whole)):
        path.write_bytes(whole[:end])
        run(home)
    assert billed(home) == [("a", 1), ("b", 2), ("c", 3)]
    files(home)


def test_a_parquet_file_is_written_anew_and_not_grown(home: Home) -> None:
    home.usage("live.parquet", [CALL])
    run(home)
    home.usage("live.parquet", [CALL, CALL | {"record_id": "c2"}])
    run(home)
    assert files(home) == [(1, 1, 0, 0, 0), (2, 0, 2, 0, 0)]


@pytest.fixture
def grown(home: Home) -> Home:
    """April was issued over two versions of a file, of which a third lies there."""
    content = HEADER + line("a") + line("b")[:20]
    home.raw(PLACE, content)
    run(home)
    home.raw(PLACE, HEADER + line("a") + line("b") + line("c"))
    run(home)
    issue(home, MONTH)
    home.raw(PLACE, HEADER + "".join(map(line, "abcd")))
    run(home, MONTH, NEXT)
    return home


def test_months_over_versions_of_a_file_are_verified_and_rebuilt(grown: Home) -> None:
    issue(grown, NEXT)
    assert rows(grown, "SELECT record_id, billing_month FROM rated_usage ORDER BY 1") == [
        *((name, MONTH) for name in "abc"),
        ("d", NEXT),
    ]
    for month in (MONTH, NEXT):
        for command in ("verify", "rebuild"):
            said = call(command, month, *grown.arguments)
            assert (said.status, said.err) == (0, "")
    # It may have grown since, and been moved.
    moved = grown.path / "inbox/standard/live.csv.1"
    (grown.path / "inbox" / PLACE).rename(moved)
    with moved.open("a") as file:
        file.write(line("e"))
    assert call("rebuild", MONTH, *grown.arguments).status == 0
    moved.write_text(moved.read_text().replace("a,", "A,", 1))
    said = call("rebuild", MONTH, *grown.arguments)
    assert (said.status, "inbox/standard/live.csv: not in the inbox any more" in said.err) == (2, True)


@pytest.mark.parametrize(("name", "number"), [("a", 1), ("b", 2), ("c", 3), ("d", 4)])
def test_records_of_every_version_are_explained(grown: Home, name: str, number: int) -> None:
    for identifier in (f"standard:voice:{name}", f"inbox/{PLACE}:{number}"):
        said = call("explain", identifier, *grown.arguments)
        assert said.status == 0, said.err
        assert f"number {number}, line {number + 1} of the text" in said.out
        assert "not there any more" not in said.out


REFUSED = (
    "refused: it was loaded with another content, which it does not go on from; give it that content back, or move this "
    "one to another name, where it is loaded as a file of its own"
)


def test_a_file_that_was_changed_is_refused_and_both_versions_are_kept(home: Home) -> None:
    old, new = HEADER + line("a") + line("b"), HEADER + line("a") + line("B") + "junk\n"
    path = home.raw(PLACE, old)
    run(home)
    home.raw(PLACE, new)
    for _ in range(2):
        said = call("run", MONTH, *home.arguments)
        assert (said.status, said.err) == (0, f"callbill: {path}: {REFUSED}\n")
        assert files(home) == [(2, 2, 0, 0, 0), (3, 0, 3, 0, 0)]
        assert [name for name, _ in billed(home)] == ["a", "b"]
        assert rows(home, "SELECT record_number, reason, state FROM suspense ORDER BY 1") == [
            (number, "changed_file", "open") for number in (1, 2, 3)
        ]
        assert path.read_text() == new
    said = call("explain", f"inbox/{PLACE}:2", *home.arguments)
    assert (said.status, "move it as it is now to another name" in said.out) == (0, True)
    path.rename(path.with_name("other.csv"))
    said = call("run", MONTH, *home.arguments)
    assert (said.status, said.err) == (0, "")
    assert files(home) == [(2, 2, 0, 0, 0), (3, 1, 1, 1, 0)]
    assert [name for name, _ in billed(home)] == ["B", "a", "b"]
    assert rows(home, "SELECT reason FROM suspense") == [("unreadable",)]


def test_a_changed_file_that_is_given_its_old_content_back(home: Home) -> None:
    home.raw(PLACE, HEADER + line("a"))
    run(home)
    home.raw(PLACE, HEADER)
    run(home)
    assert sorted(files(home)) == [(0, 0, 0, 0, 0), (1, 1, 0, 0, 0)]
    home.raw(PLACE, HEADER + line("a"))
    said = call("run", MONTH, *home.arguments)
    lost = f"callbill: {home.path / 'inbox' / PLACE}: the content that was refused, 0 records, is not in the inbox any more"
    assert said.err.startswith(lost)
    assert files(home) == [(1, 1, 0, 0, 0)]
    home.raw(PLACE, HEADER + line("a") + line("b"))
    run(home)
    assert billed(home) == [("a", 1), ("b", 2)]


def test_the_same_refused_content_under_two_names_counts_once(home: Home) -> None:
    for name in ("x.csv", "y.csv"):
        home.raw(f"standard/{name}", HEADER + line(name))
    run(home)
    for name in ("x.csv", "y.csv"):
        home.raw(f"standard/{name}", HEADER + line("other"))
    run(home)
    assert files(home) == [(1, 1, 0, 0, 0), (1, 1, 0, 0, 0), (1, 0, 1, 0, 0)]
    home.raw("standard/z.csv", HEADER + line("other"))
    run(home)
    assert files(home) == [(1, 1, 0, 0, 0)] * 3
    assert rows(home, "SELECT * FROM suspense") == []


def test_a_file_that_is_rotated_goes_on_under_its_new_name(home: Home) -> None:
    path = home.raw(PLACE, HEADER + line("a"))
    run(home)
    path.write_text(HEADER + line("a") + line("b"))
    path.rename(path.with_name("live.csv.1"))
    path.write_text(HEADER + line("c"))
    said = call("run", MONTH, *home.arguments)
    assert (said.status, said.err) == (0, "")
    assert files(home) == [(1, 1, 0, 0, 0)] * 3
    assert [name for name, _ in billed(home)] == ["a", "b", "c"]
    path.write_text(HEADER + line("c") + line("d"))
    said = call("run", MONTH, *home.arguments)
    assert (said.status, said.err, len(files(home))) == (0, "", 4)


def test_what_is_appended_while_a_file_is_loaded_waits_for_the_next_run(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.raw(PLACE, HEADER + line("a"))
    hashed = RawFile.prove

    def and_grow(raw: RawFile, sizes: Iterable[int]) -> list[Proof]:
        found = hashed(raw, sizes)
        path.write_text(HEADER + line("a") + line("b"))
        return found

    monkeypatch.setattr(RawFile, "prove", and_grow)
    run(home)
    assert files(home) == [(1, 1, 0, 0, 0)]
    monkeypatch.undo()
    run(home)
    assert files(home) == [(1, 1, 0, 0, 0)] * 2


def test_a_file_that_nobody_may_read_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home.raw(PLACE, HEADER + line("a"))
    monkeypatch.setattr(RawFile, "prove", _nobody_may)
    said = call("run", MONTH, *home.arguments)
    assert (said.status, said.err) == (0, f"callbill: {path}: not loaded: Permission denied\n")
    monkeypatch.undo()
    run(home)
    assert files(home) == [(1, 1, 0, 0, 0)]


def _nobody_may(raw: RawFile, _sizes: Iterable[int]) -> list[Proof]:
    raise PermissionError(13, "Permission denied", str(raw.path))


def test_numbers_of_files_that_are_missing_are_told(home: Home) -> None:
    settings = '[source.standard]\nsequence = "live-([0-9]+)"\nsequence_last = 9999\n'
    home.settings(f'[billing]\nfirst_month = "2026-04"\n{settings}[source."standard/quiet"]\ncountry = "FR"\n')
    for name in ("live-9997", "live-9999", "live-0001", "b/live-0001", "quiet/live-0700", "odd"):
        home.raw(f"standard/{name}.csv", HEADER + line(name))
    said = call("run", MONTH, *home.arguments)
    assert (said.status, said.err.splitlines()) == (
        0,
        [
            "callbill: inbox/standard: files are missing: number 9998",
            "callbill: inbox/standard: files of different content bear one number: 1 (live-0001.csv, live-0001.csv)",
            "callbill: inbox/standard: no number of the sequence in the name of odd.csv",
        ],
    )
    for name in ("live-9998", "live-0001"):
        home.raw(f"standard/{name}.csv", HEADER + line(name) + line(f"{name} again"))
    said = call("run", MONTH, *home.arguments)
    assert "missing" not in said.err
    assert said.err.count("live-0001") == 2
