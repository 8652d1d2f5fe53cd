"""Files that nobody would write on purpose, and some that somebody would: each ends in usage or in suspense, and adds up."""

from __future__ import annotations

import gzip
import os
import socket
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.inputs import inbox
from pipelines.inputs.inbox import InboxFile, read
from pipelines.settings import Loading
from tests.pipelines.command import Said, call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, COLUMNS
from transforms.mediation.text_lines import TOO_LONG

MONTH = "2026-04"
HEADER = ",".join(COLUMNS)


def row(name: str) -> str:
    return ",".join((CALL | {"record_id": name}).get(column, "") for column in COLUMNS)


def csv(*names: str, end: str = "\n") -> str:
    return "".join(line + end for line in (HEADER, *map(row, names)))


LIMITS = Loading(longest_line=20_000, unpacked_ratio=200, unpacked_mb=1)
ZEROS = gzip.compress(b"\n" * 10_000_000, mtime=0)

FILES: dict[str, tuple[bytes, tuple[int, int, int]]] = {
    "encoding error": (csv("e1").encode() + b"\xe9" + row("e2").encode() + b"\n" + row("e3").encode(), (3, 2, 1)),
    "nul bytes": (csv("n1").encode() + b"\0" * 500 + b"\n" + row("n2").encode() + b"\n", (3, 2, 1)),
    "nul in a number": (csv("u1", "u2").replace("+3314", "+33\x0014", 1).encode(), (2, 1, 1)),
    "mixed line ends": (f"{HEADER}\r\n{row('x1')}\n{row('x2')}\r\n\n{row('x3')}\n".encode(), (3, 3, 0)),
    "a return alone between": (f"{csv('y1')}{row('y2')}\r{row('y3')}\n{row('y4')}\n".encode(), (3, 2, 1)),
    "old mac": (csv("o1", "o2", end="\r").encode(), (2, 2, 0)),
    "bom": (b"\xef\xbb\xbf" + csv("b1").encode(), (1, 1, 0)),
    "utf-16 little": (b"\xff\xfe" + csv("l1", "l2", end="\r\n").encode("utf-16-le"), (2, 2, 0)),
    "utf-16 big": (b"\xfe\xff" + csv("g1", "g2").encode("utf-16-be"), (2, 2, 0)),
    "utf-16 cut": (b"\xff\xfe" + csv("h1", "h2").encode("utf-16-le")[:-1], (2, 1, 1)),
    "no last newline": (csv("w1", "w2").encode()[:-1], (2, 2, 0)),
    "stray quote": (f'{csv("q1")}"{row("q2")}\n{row("q3")}\n'.encode(), (3, 2, 1)),
    "stray quotes": (f'{csv("r1")}r"2{row("r2")}\n"{row("r3")}"\n{row("r4")}\n'.encode(), (4, 2, 2)),
    "cut in a line": (csv("c1", "c2").encode()[:-60], (2, 1, 1)),
    "cut gzip": (gzip.compress(csv(*(f"z{n}" for n in range(300))).encode(), mtime=0)[:-30], (0, 0, 1)),
    "header in the middle": (csv("m1").encode() + csv("m2").encode(), (3, 2, 1)),
    "10,000 columns": (b",".join([b"a"] * 10_000) + b"\n" + b"," * 9_999 + b"\n" + row("t1").encode(), (2, 0, 2)),
    "10,000 fields": (csv("f1").encode() + b"," * 9_999 + b"\n" + row("f2").encode(), (3, 2, 1)),
    "nothing": (b"", (0, 0, 0)),
    "only a header": (HEADER.encode(), (0, 0, 0)),
    "only line ends": (b"\n\r\n\r\n", (0, 0, 0)),
    "a line too long": (csv("k1").encode() + b"k" * 50_000 + b"\n" + row("k2").encode(), (3, 2, 1)),
    "a last line too long": (csv("j1").encode() + b"j" * 50_000, (2, 1, 1)),
    "a ratio too high": (gzip.compress(csv("p1").encode() + b"\n" * 900_000, mtime=0), (2, 1, 1)),
    "too much content": (gzip.compress(csv("s1").encode() + os.urandom(1 << 19).hex().encode(), mtime=0), (2, 1, 1)),
    "a bomb": (ZEROS, (1, 0, 1)),
    "zstd bomb": (pa.Codec("zstd").compress(csv("d1").encode() + b"\n" * 5_000_000, asbytes=True), (2, 1, 1)),
}
"""Each file, and how many records it has, how many of them are usage, and how many suspended."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Said]:
    home = make_home(tmp_path_factory.mktemp("hostile"))
    home.settings(
        f'[billing]\nfirst_month = "2026-04"\n[load]\nlongest_line = {LIMITS.longest_line}\n'
        f"unpacked_ratio = {LIMITS.unpacked_ratio}\nunpacked_mb = {LIMITS.unpacked_mb}\n"
    )
    for name, (content, _) in FILES.items():
        home.raw(f"standard/{name}.csv", content)
    (home.path / "inbox/standard/folder.csv").mkdir()
    home.raw("standard/folder.csv/inner.csv", csv("inner"))
    return home, call("run", MONTH, "--json", *home.arguments)


def test_the_run_ends_well_and_every_control_passes(ran: tuple[Home, Said]) -> None:
    assert ran[1].status == 0
    assert [line for line in ran[1].err.splitlines() if ": no record of it is read: line 1: " not in line] == []


@pytest.mark.parametrize("name", FILES)
def test_each_record_ends_in_usage_or_suspense(ran: tuple[Home, Said], name: str) -> None:
    with duckdb.connect(str(ran[0].published), read_only=True) as connection:
        query = "SELECT records, usage_records, suspended, duplicates + unbillable FROM usage_files WHERE path = ?"
        ((records, *found, others),) = connection.execute(query, [f"inbox/standard/{name}.csv"]).fetchall()
        details = connection.execute(
            "SELECT s.detail FROM suspense s JOIN usage_files USING (file_id) WHERE path = ?",
            [f"inbox/standard/{name}.csv"],
        ).fetchall()
    expected = FILES[name][1]
    assert (others, records) == (0, sum(found))
    if name != "cut gzip":
        assert (records, *found) == expected
    assert found[1] == expected[2]
    assert len(details) == expected[2]
    assert all(detail and len(detail) < 1000 for (detail,) in details)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("a line too long", "the line is longer than a line may be"),
        ("a ratio too high", "unpacked it is more than 200 times its size (unpacked_ratio): what stands from this"),
        ("too much content", "unpacked it is more than 1 MB (unpacked_mb): what stands from this record on"),
        ("encoding error", "the line is no UTF-8"),
        ("utf-16 cut", "the line is no UTF-8"),
    ],
)
def test_the_detail_says_what_is_wrong(ran: tuple[Home, Said], name: str, detail: str) -> None:
    with duckdb.connect(str(ran[0].published), read_only=True) as connection:
        query = "SELECT s.detail FROM suspense s JOIN usage_files USING (file_id) WHERE path = ?"
        ((found,),) = connection.execute(query, [f"inbox/standard/{name}.csv"]).fetchall()
    assert found.startswith(detail)


def test_a_folder_that_is_named_like_a_file_is_a_folder(ran: tuple[Home, Said]) -> None:
    with duckdb.connect(str(ran[0].published), read_only=True) as connection:
        query = "SELECT path FROM usage_files WHERE path LIKE '%folder%'"
        assert connection.execute(query).fetchall() == [("inbox/standard/folder.csv/inner.csv",)]


def test_what_is_no_plain_file_is_refused_and_never_opened(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text(csv("secret"))
    folder = home.raw("standard/good.csv", csv("good")).parent
    (folder / "file.csv").symlink_to(outside / "secret.csv")
    (folder / "folder").symlink_to(outside)
    (folder / "inside.csv").symlink_to(folder / "good.csv")
    (home.path / "inbox/callr").symlink_to(outside)
    os.mkfifo(folder / "pipe.csv")
    unix = socket.socket(socket.AF_UNIX)
    here = os.open(folder, os.O_RDONLY)
    unix.bind(f"/proc/self/fd/{here}/socket.csv")
    unix.close()
    os.close(here)
    said = call("run", MONTH, *home.arguments)
    link = "a symbolic link: put the file itself into the inbox"
    strange = {
        "callr": link,
        "standard/file.csv": link,
        "standard/folder": link,
        "standard/inside.csv": link,
        "standard/pipe.csv": "a FIFO and no file",
        "standard/socket.csv": "a socket and no file",
    }
    assert said.status == 0
    assert said.err.splitlines() == [
        f"callbill: {home.path / 'inbox' / name}: not loaded: it is {why}" for name, why in strange.items()
    ]
    with duckdb.connect(str(home.published), read_only=True) as connection:
        assert connection.execute("SELECT record_id FROM rated_usage").fetchall() == [("good",)]


def test_a_name_that_becomes_a_link_or_a_fifo_after_it_was_listed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo"):
        with pytest.raises(OSError, match=name):
            InboxFile(tmp_path / name, name, "standard", 10).sha256()


def test_a_line_without_an_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """300 MB without a line end, unpacked from a small file: a few blocks of it are in memory at once."""
    monkeypatch.setattr(inbox, "BLOCK_BYTES", 1 << 20)
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"a\n")
        for _ in range(300):
            file.write(b"x" * 1_000_000)
        file.write(b"\nb\n")
    held: list[int] = []
    _, batches = read(InboxFile(path, "bomb", "standard"), ("csv",), Loading(longest_line=1000))
    before = _memory()
    lines = []
    for batch in batches:
        lines += batch.frame["line"].to_list()
        held.append(_memory() - before)
    assert lines == ["a", TOO_LONG, "b"]
    assert max(held) < 100 * 1024


def _memory() -> int:
    """Most kilobytes this process ever had."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def test_very_many_short_lines_come_in_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "BLOCK_LINES", 100)
    path = tmp_path / "lines"
    path.write_bytes(b"\n" * 1000 + b"a\nb")
    _, batches = read(InboxFile(path, "lines", "standard"), ("csv",))
    heights = [batch.frame.height for batch in batches]
    assert sum(heights) == 1002
    assert max(heights) <= 100


def test_a_large_parquet_file_within_gzip_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "PACKED_PARQUET_BYTES", 1000)
    path = tmp_path / "packed"
    path.write_bytes(gzip.compress(b"PAR1" + b"\0" * 2000, mtime=0))
    kind, batches = read(InboxFile(path, "packed", "standard"), ("columns",))
    assert kind == "columns"
    assert [batch.damage for batch in batches] == [
        "the Parquet file within the compressed one is larger than 1000 bytes"
    ]
