"""Files that are truncated, written over, replaced, appended to or taken away while they are read: none is taken for what it
is not, none takes another with it, and after the next run each record is there exactly once."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from pipelines.inputs import inbox, raw_bytes
from pipelines.stages import load
from tests.pipelines.homes import Home, make_home
from tests.pipelines.loading import HEADER, lines, load_inbox
from tests.pipelines.traffic import CALL

COUNT = 2_000
OTHERS = ["before", "behind"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def names_of(letter: str) -> list[str]:
    """Names that compression does not make short, all of one length, in their order."""
    drawn = Random(letter)
    return sorted(f"{letter}-{drawn.getrandbits(400):0100x}" for _ in range(COUNT))


def records(names: list[str]) -> list[dict[str, str]]:
    return [CALL | {"record_id": name} for name in names]


def write(home: Home, name: str, names: list[str]) -> Path:
    """A file of the inbox, as its name ends."""
    plain = name.removesuffix(".zst")
    path = home.usage(plain, records(names))
    if plain.endswith(".parquet"):
        pl.read_parquet(path).write_parquet(path, row_group_size=200, compression="uncompressed")
    if plain == name:
        return path
    packed = path.with_name(f"{path.name}.zst")
    packed.write_bytes(pa.Codec("zstd").compress(path.read_bytes(), asbytes=True))
    path.unlink()
    return packed


Change = Callable[[Path, Path], None]
"""Does something to the first file; the second, beside the inbox, is another of the same kind and length."""


def copied_and_truncated(path: Path, other: Path) -> None:
    shutil.copy(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(other.read_bytes())


def renamed_and_begun_again(path: Path, other: Path) -> None:
    path.rename(path.with_name(f"{path.name}.1"))
    shutil.copy(other, path)


def written_over(path: Path, other: Path) -> None:
    with path.open("r+b") as file:
        file.write(other.read_bytes())
        file.truncate()


def cut_short(path: Path, other: Path) -> None:
    shutil.copy(path, other)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 2 // 3)


def taken_away(path: Path, other: Path) -> None:
    path.rename(other)


CHANGES: dict[str, tuple[Change, tuple[str, ...]]] = {
    "copied and truncated": (copied_and_truncated, ("a", "b")),
    "renamed and begun again": (renamed_and_begun_again, ("a", "b")),
    "written over": (written_over, ("b",)),
    "cut short": (cut_short, ("a",)),
    "taken away": (taken_away, ("a",)),
}
"""Each, and what lies in the inbox in the end: where that was cut or taken away, after it was given back."""

KINDS = ["usage.csv", "usage.jsonl", "usage.csv.gz", "usage.csv.zst", "usage.parquet"]


def disturb(monkeypatch: pytest.MonkeyPatch, wanted: str, batches_before: int, change: Callable[[], None]) -> list[str]:
    """Does `change` once, when so many batches of the file of that name were read to be loaded; returns what becomes a list
    of when it was done."""
    done: list[str] = []
    reading = load.read

    def once() -> None:
        if not done:
            done.append("done")
            change()

    def read(file: inbox.InboxFile, *arguments: Any) -> Any:
        mine = file.path.name == wanted
        if mine and not batches_before:
            once()
        kind, batches = reading(file, *arguments)
        return kind, counted(batches) if mine and batches_before else batches

    def counted(batches: Iterator[inbox.Batch]) -> Iterator[inbox.Batch]:
        for number, batch in enumerate(batches, 1):
            yield batch
            if number == batches_before:
                once()

    monkeypatch.setattr(load, "read", read)
    return done


def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is a large one, of many blocks."""
    monkeypatch.setattr(inbox, "BLOCK_BYTES", 40_000)
    monkeypatch.setattr(inbox, "PARQUET_ROWS", 200)
    monkeypatch.setattr(raw_bytes, "STEP", 4_096, raising=False)
    monkeypatch.setattr(raw_bytes, "HELD_BYTES", -1, raising=False)
    monkeypatch.setattr(load, "HELD_BYTES", -1, raising=False)


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize(
    ("kind", "batches_before"), [*((kind, 2) for kind in KINDS), ("usage.csv", 0), ("usage.parquet", 0)]
)
def test_each_record_is_there_once_whatever_befell_its_file(
    kind: str, what: str, batches_before: int, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, left = CHANGES[what]
    names = {letter: names_of(letter) for letter in "ab"}
    other = write(home, kind, names["b"]).rename(tmp_path / kind)
    path = write(home, kind, names["a"])
    for place in OTHERS:
        home.raw(f"standard/{'a' if place == 'before' else 'z'}.csv", HEADER + lines(place))
    if batches_before:
        small_blocks(monkeypatch)
    with monkeypatch.context() as patch:
        done = disturb(patch, kind, batches_before, partial(change, path, other))
        first = load_inbox(home)
    assert done == ["done"]
    # All of what stood there, which is told as nothing, or none of it, which is told.
    mine = [name for name in first.records if name not in OTHERS]
    assert (mine, first.told[1:], first.open) in ([(names["a"], [], [])] if not first.told else [([], [], [])])
    assert [name for name in first.records if name in OTHERS] == OTHERS
    assert all(sentence.startswith(f"{path}: not loaded: it ") for sentence in first.told)
    if what in ("cut short", "taken away"):
        shutil.copy(other, path)
    wanted = sorted([*OTHERS, *(name for letter in left for name in names[letter])])
    second = load_inbox(home)
    if what == "written over" and mine:
        # It was read before it was written over: what was loaded is gone, which is told as ever.
        assert (second.records, "refused" in second.told[0]) == (sorted([*OTHERS, *mine]), True)
        return
    assert (second.records, second.open, second.told) == (wanted, [], [])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (written_over, "it changed while it was read; the next run loads what it holds then"),
        (cut_short, "it changed while it was read; the next run loads what it holds then"),
        (taken_away, "it is not there any more"),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_what_is_said(
    change: Change, why: str, large: bool, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write(home, "live.csv", ["b"]).rename(tmp_path / "other.csv")
    path = write(home, "live.csv", ["a"])
    if large:
        small_blocks(monkeypatch)
    disturb(monkeypatch, "live.csv", 0, partial(change, path, other))
    found = load_inbox(home)
    assert found.told == [f"{path}: not loaded: {why}"]
    assert (found.records, found.files) == ([], [])


@pytest.mark.parametrize("batches_before", [0, 2])
def test_a_file_that_has_grown_is_rotated_while_it_is_read(
    batches_before: int, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half line at its old end is taken back only with the transaction that brings it whole."""
    names, new = names_of("a"), names_of("b")
    other = write(home, "live.csv", new).rename(tmp_path / "other.csv")
    path = write(home, "live.csv", names)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    first = load_inbox(home)
    path.write_bytes(whole)
    small_blocks(monkeypatch)
    with monkeypatch.context() as patch:
        disturb(patch, "live.csv", batches_before, partial(copied_and_truncated, path, other))
        second = load_inbox(home)
    assert len(second.told) == 1
    assert (second.records, second.open, second.files) == (first.records, first.open, first.files)
    third = load_inbox(home)
    assert (third.records, third.open, third.told) == (sorted(names + new), [], [])


def test_what_is_appended_while_a_large_file_is_read_is_loaded_by_the_next_run(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = names_of("a")
    path = write(home, "live.csv", names[:-2])
    small_blocks(monkeypatch)

    def append() -> None:
        with path.open("a") as file:
            file.write(lines(*names[-2:]))

    with monkeypatch.context() as patch:
        disturb(patch, "live.csv", 2, append)
        first = load_inbox(home)
    assert (first.records, first.told) == (names[:-2], [])
    second = load_inbox(home)
    assert (second.records, second.told, second.files[-1][1]) == (names, [], 2)


def test_what_goes_on_from_a_file_that_could_not_be_loaded_is_loaded_whole(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that has grown was told to go on from it, and files behind it have other numbers than they were to have."""
    path = home.raw("standard/live.csv", HEADER + lines("a"))
    load_inbox(home)
    path.write_text(HEADER + lines("a", "b"))
    home.raw("standard/more.csv", HEADER + lines("m"))
    copy = home.raw("standard/live.csv.1", HEADER + lines("a", "b", "c"))
    with monkeypatch.context() as patch:
        disturb(patch, "live.csv", 0, partial(taken_away, path, tmp_path / "gone.csv"))
        found = load_inbox(home)
    assert (found.records, found.told) == (list("abcm"), [f"{path}: not loaded: it is not there any more"])
    copy.write_text(HEADER + lines("a", "b", "c", "d"))
    assert load_inbox(home).records == list("abcdm")


def test_a_copy_of_what_could_not_be_loaded_is_loaded_by_the_next_run(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.raw("standard/one.csv", HEADER + lines("a"))
    home.raw("standard/two.csv", HEADER + lines("a"))
    with monkeypatch.context() as patch:
        disturb(patch, "one.csv", 0, partial(taken_away, path, tmp_path / "gone.csv"))
        assert load_inbox(home).records == []
    assert load_inbox(home).records == ["a"]
    assert len(load_inbox(home).files) == 1


def test_a_file_that_was_refused_is_proven_when_it_is_loaded(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content was hashed by an earlier run."""
    old = home.raw("standard/live.csv", HEADER + lines("a"))
    load_inbox(home)
    home.raw("standard/live.csv", HEADER + lines("b"))
    assert "refused" in load_inbox(home).told[0]
    home.raw("standard/live.csv.1", HEADER + lines("a"))
    with monkeypatch.context() as patch:
        disturb(patch, "live.csv", 0, partial(old.write_text, HEADER + lines("c")))
        assert load_inbox(home).records == ["a"]
    assert load_inbox(home).records == ["a", "c"]


@pytest.mark.parametrize("pack", [gzip.compress, partial(pa.Codec("zstd").compress, asbytes=True)])
def test_a_compressed_file_that_is_damaged_is_read_up_to_the_damage_as_it_was_hashed(
    pack: Callable[[bytes], bytes], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that is damaged zstd is read again from its beginning, in smaller steps."""
    names = names_of("a")
    whole = pack((HEADER + lines(*names)).encode())
    path = home.raw("standard/live.csv.gz", whole[: len(whole) * 2 // 3])
    small_blocks(monkeypatch)
    with monkeypatch.context() as patch:
        disturb(patch, "live.csv.gz", 1, partial(path.write_bytes, whole))
        first = load_inbox(home)
    assert (first.records, len(first.told)) in [([], 1), (names[: len(first.records)], 0)]
    second = load_inbox(home)
    assert (second.records, second.open, second.told) == (names, [], [])


def test_a_file_whose_description_goes_away_waits_and_takes_no_other_with_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = Path(__file__).parents[1] / "samples"
    described = home.raw("table/u.csv.toml", (samples / "table.toml").read_bytes())
    path = home.raw("table/u.csv", (samples / "table.csv").read_bytes())
    home.raw("standard/live.csv", HEADER + lines("a"))
    disturb(monkeypatch, "u.csv", 0, described.unlink)
    found = load_inbox(home)
    assert (found.records, len(found.told)) == (["a"], 1)
    assert found.told[0].startswith(f"{path}: not loaded: nothing describes it: ")
