"""Files that are rotated as logrotate does it: renamed, copied and truncated, compressed at once or a turn later. Each record
is there once, nothing is refused, and what was loaded is found again wherever it lies."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.stages import identity
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.loading import HEADER, lines, load_inbox
from tests.pipelines.test_issue import issue
from tests.support import run_stages

MONTH = "2026-04"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": partial(gzip.compress, mtime=0),
    ".zst": partial(pa.Codec("zstd").compress, asbytes=True),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


@pytest.fixture
def live(home: Home) -> Path:
    """A file of two calls that was loaded, the second of which stood half."""
    path = home.raw("standard/Master.csv", HEADER + lines("a", "b")[:-30])
    load_inbox(home)
    path.write_text(HEADER + lines("a", "b"))
    assert load_inbox(home).records == ["a", "b"]
    return path


def pack(path: Path, to: str) -> Path:
    """Compresses the file away, under the name of another beside it."""
    packed = path.parent / to
    packed.write_bytes(PACKERS[packed.suffix](path.read_bytes()))
    path.unlink()
    return packed


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("appended", [(), ("c",), ("c", "d")])
@pytest.mark.parametrize("begun", [True, False])
def test_a_file_that_is_compressed_when_it_is_rotated(
    ending: str, appended: tuple[str, ...], begun: bool, home: Home, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.write_text(HEADER + lines("a", "b", *appended))
    pack(live, f"Master.csv.1{ending}")
    if begun:
        live.write_text(HEADER + lines("n"))
    found = load_inbox(home)
    wanted = sorted(["a", "b", *appended, *(["n"] if begun else [])])
    assert (found.records, found.open, found.told) == (wanted, [], [])
    # Nothing was read as new that was known, and none of it is read again.
    assert sum(records for _, records in found.files) == len(wanted) + 1
    monkeypatch.setattr(identity, "content_digests", None)
    assert load_inbox(home) == found
    live.write_text(HEADER + lines("n", "o"))
    assert load_inbox(home).told == []


@pytest.mark.parametrize("delay", [False, True])
@pytest.mark.parametrize("copy", [False, True])
def test_rotation_after_rotation(delay: bool, copy: bool, home: Home) -> None:
    """The oldest is thrown away. Between two runs a rotation, each time with calls that no run has seen before it."""
    live = home.raw("standard/Master.csv", "")
    content, names = HEADER, []
    for turn in "abcd":
        for number in range(2):
            content += lines(f"{turn}{number}")
            names.append(f"{turn}{number}")
            live.write_text(content)
            found = load_inbox(home)
            assert (found.records, found.open, found.told) == (names, [], [])
        live.write_text(content + lines(f"{turn}2"))
        names.append(f"{turn}2")
        for number in (3, 2, 1):
            for ending in (".gz", ""):
                rotated = live.with_name(f"Master.csv.{number}{ending}")
                if rotated.exists():
                    rotated.rename(live.with_name(f"Master.csv.{number + 1}{ending}"))
        if copy:
            live.with_name("Master.csv.1").write_bytes(live.read_bytes())
        else:
            live.rename(live.with_name("Master.csv.1"))
        if delay and live.with_name("Master.csv.2").exists():
            pack(live.with_name("Master.csv.2"), "Master.csv.2.gz")
        if not delay:
            pack(live.with_name("Master.csv.1"), "Master.csv.1.gz")
        content = HEADER
        live.write_text(content)
    found = load_inbox(home)
    assert (found.records, found.open, found.told) == (names, [], [])
    assert sum(records for _, records in found.files) == len(names)


@pytest.mark.parametrize("name", ["Master.csv-20260405.gz", "Master-20260405.csv.gz", "old/Master.csv.1.gz"])
def test_names_and_folders_that_logrotate_may_give(name: str, home: Home, live: Path) -> None:
    (live.parent / "old").mkdir()
    live.write_text(HEADER + lines("a", "b", "c"))
    pack(live, name)
    live.write_text(HEADER + lines("n"))
    found = load_inbox(home)
    assert (found.records, found.told) == (list("abcn"), [])
    assert sorted(found.files[2:]) == sorted([(f"inbox/standard/{name}", 1), ("inbox/standard/Master.csv", 1)])


def test_a_file_that_is_read_while_it_is_compressed(home: Home, live: Path) -> None:
    """gzip writes beside the old file, which it takes away in the end."""
    content = HEADER + lines("a", "b", *(f"c{number:03}" for number in range(300)))
    live.write_text(content)
    whole = PACKERS[".gz"](content.encode())
    live.rename(live.with_name("Master.csv.1"))
    packed = live.with_name("Master.csv.1.gz")
    packed.write_bytes(whole[: len(whole) // 2])
    live.write_text(HEADER + lines("n"))
    load_inbox(home)
    live.with_name("Master.csv.1").unlink()
    packed.write_bytes(whole)
    found = load_inbox(home)
    assert (len(found.records), found.open, found.told) == (303, [], [])


def test_what_was_loaded_compressed_is_not_unpacked_to_be_known(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "content_digests", None)
    for name in "ab":
        home.raw(f"standard/{name}.csv.gz", PACKERS[".gz"]((HEADER + lines(name)).encode()))
        found = load_inbox(home)
    assert found.records == ["a", "b"]


@pytest.mark.usefixtures("live")
def test_a_file_that_only_begins_alike_is_loaded_whole(home: Home) -> None:
    """It was compressed from a file that no run has seen."""
    home.raw("standard/Master.csv.2.gz", PACKERS[".gz"]((HEADER + lines("a", "x")).encode()))
    found = load_inbox(home)
    assert (found.records, found.files[-1]) == (["a", "b", "x"], ("inbox/standard/Master.csv.2.gz", 2))


@pytest.mark.parametrize("more", [(), ("c",)])
def test_months_of_files_that_were_compressed_are_made_again(more: tuple[str, ...], home: Home) -> None:
    """Record 2 waits for its account; the last line stood half when the month was issued."""
    stranger = lines("s").replace("+33184000003", "+33184000009")
    live = home.raw("standard/Master.csv", HEADER + lines("a") + "nonsense\n" + stranger + lines("b")[:-2])
    run_stages(home.path, home.price_tables, [MONTH])
    issue(home, MONTH)
    whole = HEADER + lines("a") + "nonsense\n" + stranger + lines("b")[:-2]
    live.write_text(whole + (lines("b")[-2:] + lines(*more) if more else ""))
    pack(live, "Master.csv.1.gz")
    live.write_text(HEADER + lines("n"))
    said = call("run", "2026-05", *home.arguments)
    assert (said.status, said.err) == (0, "")
    for command in ("verify", "rebuild"):
        said = call(command, MONTH, *home.arguments)
        assert (said.status, said.err) == (0, ""), command
    said = call("explain", "inbox/standard/Master.csv:2", *home.arguments)
    assert said.status == 0
    assert "Master.csv.1.gz" in said.out
    assert "not there any more" not in said.out
    again = call("recycle", "--json", *home.arguments).result["read_again"]
    assert (again["files"], again["problems"]) == (1, [])
    live.with_name("Master.csv.1.gz").unlink()
    said = call("rebuild", MONTH, *home.arguments)
    assert (said.status, "inbox/standard/Master.csv: not in the inbox any more" in said.err) == (2, True)
