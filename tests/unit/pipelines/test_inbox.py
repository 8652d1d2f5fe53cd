"""Raw usage files: found in order, known by their bytes, and read up to where they are damaged."""

from __future__ import annotations

import gzip
import io
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.inputs import inbox
from pipelines.inputs.inbox import Batch, InboxFile, find_files, read
from pipelines.settings import Installation, Settings
from transforms.mediation.contract import Kind
from transforms.mediation.formats import all_formats
from transforms.mediation.text_lines import NOT_UTF8

ANY: tuple[Kind, ...] = ("csv", "json", "columns")


def read_file(
    folder: Path, content: bytes, kinds: tuple[Kind, ...] = ANY, name: str = "file"
) -> tuple[Kind, list[Batch]]:
    path = folder / name
    path.write_bytes(content)
    kind, batches = read(InboxFile(path, name, "standard"), kinds)
    return kind, list(batches)


def lines_of(batches: list[Batch]) -> list[str]:
    return [line for batch in batches if batch.frame.width for line in batch.frame["line"]]


def damage_of(batches: list[Batch]) -> str | None:
    assert [batch.last for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert all(batch.damage is None for batch in batches[:-1])
    return batches[-1].damage


def as_parquet(frame: pl.DataFrame, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(frame.to_arrow(), sink, **options)
    return sink.getvalue()


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


PACKED: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, zstd]
CSV = b"a,b\n1,2\n3,4\n"
JSON = b'{"a":1}\n{"a":2}\n'
PARQUET = as_parquet(pl.DataFrame({"a": ["1", "3"], "b": ["2", "4"]}))


@pytest.mark.parametrize("pack", PACKED)
@pytest.mark.parametrize("name", ["usage.csv", "usage.jsonl", "usage.parquet", "usage.gz", "usage.zst", "usage"])
def test_a_file_is_what_its_bytes_say_whatever_its_name(
    pack: Callable[[bytes], bytes], name: str, tmp_path: Path
) -> None:
    kind, batches = read_file(tmp_path, pack(CSV), name=name)
    assert (kind, lines_of(batches), damage_of(batches)) == ("csv", ["a,b", "1,2", "3,4"], None)
    kind, batches = read_file(tmp_path, pack(JSON), name=name)
    assert (kind, lines_of(batches), damage_of(batches)) == ("json", ['{"a":1}', '{"a":2}'], None)
    kind, batches = read_file(tmp_path, pack(PARQUET), name=name)
    assert (kind, batches[0].frame.rows(), damage_of(batches)) == ("columns", [("1", "2"), ("3", "4")], None)


@pytest.mark.parametrize(
    ("content", "kinds", "kind"),
    [
        pytest.param(b"\xef\xbb\xbf" + JSON, ANY, "json", id="a byte order mark before JSON"),
        pytest.param(b"\n \r\n" + JSON, ANY, "json", id="blank lines before JSON"),
        pytest.param(b'[{"a":1}]', ANY, "json", id="an array of JSON"),
        pytest.param(b"", ANY, "csv", id="nothing"),
        pytest.param(CSV, ("json",), "json", id="a format of JSON alone"),
        pytest.param(JSON, ("csv",), "csv", id="a format of CSV alone"),
        pytest.param(PARQUET, ("json",), "json", id="a format without columns"),
        pytest.param(gzip.compress(b"") + gzip.compress(JSON), ANY, "json", id="an empty gzip member before JSON"),
    ],
)
def test_the_kind_is_one_that_the_format_has(
    content: bytes, kinds: tuple[Kind, ...], kind: Kind, tmp_path: Path
) -> None:
    assert read_file(tmp_path, content, kinds)[0] == kind


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\nb", ["a", "b"]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\rb\n", ["a\rb"]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b'"a\r\nb"\r\n', ['"a\r', 'b"\r']),
        (b"a\x00b\n", ["a\x00b"]),
        ("é\u2028日\n".encode(), ["é\u2028日"]),
        (b"a\n\xff\xfe,b\nc\n", ["a", f"{NOT_UTF8}{NOT_UTF8},b", "c"]),
    ],
)
def test_lines(content: bytes, lines: list[str], tmp_path: Path) -> None:
    assert lines_of(read_file(tmp_path, content)[1]) == lines


MANY = [f"{n},{random.Random(n).random()}" for n in range(20_000)]
LONG = "".join(f"{line}\n" for line in MANY).encode()


@pytest.mark.parametrize("pack", PACKED)
@pytest.mark.parametrize("block", [1000, 65_536])
def test_a_large_file_comes_in_batches_and_no_line_is_cut(
    pack: Callable[[bytes], bytes], block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "BLOCK_BYTES", block)
    batches = read_file(tmp_path, pack(LONG))[1]
    assert len(batches) > 5
    assert damage_of(batches) is None
    assert lines_of(batches) == MANY


GZIP_ENDS = "the gzip data ends before its end"
GZIP_BROKEN = "the gzip data is damaged"
ZSTD_BROKEN = "the zstd data is damaged or ends before its end"


@pytest.mark.parametrize(
    ("content", "damage", "at_least"),
    [
        pytest.param(gzip.compress(LONG)[:-1], GZIP_ENDS, 20_000, id="gzip without its last byte"),
        pytest.param(gzip.compress(LONG)[: len(gzip.compress(LONG)) // 2], GZIP_ENDS, 9_000, id="half a gzip file"),
        pytest.param(gzip.compress(LONG)[:5], GZIP_ENDS, 0, id="gzip cut within its header"),
        pytest.param(gzip.compress(LONG) + b"junk", GZIP_BROKEN, 20_000, id="gzip and something else"),
        pytest.param(gzip.compress(LONG) + gzip.compress(LONG)[:10], GZIP_ENDS, 20_000, id="a second member cut off"),
        pytest.param(zstd(LONG)[: len(zstd(LONG)) // 2], ZSTD_BROKEN, 5_000, id="half a zstd file"),
        pytest.param(zstd(LONG)[:6], ZSTD_BROKEN, 0, id="zstd cut within its header"),
        pytest.param(zstd(LONG) + b"junk", ZSTD_BROKEN, 20_000, id="zstd and something else"),
        pytest.param(zstd(LONG) + zstd(LONG)[:10], ZSTD_BROKEN, 20_000, id="a second frame cut off"),
    ],
)
def test_whole_lines_before_the_damage_are_kept(content: bytes, damage: str, at_least: int, tmp_path: Path) -> None:
    batches = read_file(tmp_path, content)[1]
    assert damage_of(batches) == damage
    kept = lines_of(batches)
    assert at_least <= len(kept)
    assert kept == MANY[: len(kept)]


def test_a_flipped_byte_of_gzip_is_noticed(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(LONG))
    content[len(content) // 2] ^= 0xFF
    batches = read_file(tmp_path, bytes(content))[1]
    assert damage_of(batches) == GZIP_BROKEN
    assert len(lines_of(batches)) < 20_000


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(gzip.compress(CSV) + gzip.compress(b"5,6\n"), id="two members of gzip"),
        pytest.param(gzip.compress(CSV + b"5,6\n") + b"\0" * 200_000, id="gzip filled up with zeros"),
        pytest.param(zstd(CSV) + zstd(b"5,6\n"), id="two frames of zstd"),
        pytest.param(b"\x50\x2a\x4d\x18\x04\0\0\0size" + zstd(CSV + b"5,6\n"), id="a frame of zstd to be skipped"),
    ],
)
def test_compressed_files_may_consist_of_parts(content: bytes, tmp_path: Path) -> None:
    batches = read_file(tmp_path, content)[1]
    assert (lines_of(batches), damage_of(batches)) == (["a,b", "1,2", "3,4", "5,6"], None)


NO_PARQUET = "the file is no sound Parquet file"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PARQUET[:-10], id="cut off"),
        pytest.param(PARQUET[:40], id="its head"),
        pytest.param(b"PAR1", id="its first bytes"),
        pytest.param(gzip.compress(PARQUET[:-10]), id="cut off within gzip"),
    ],
)
def test_a_parquet_file_without_its_end_gives_nothing(content: bytes, tmp_path: Path) -> None:
    kind, batches = read_file(tmp_path, content)
    assert (kind, damage_of(batches), batches[0].frame.height) == ("columns", NO_PARQUET, 0)


def test_row_groups_before_a_damaged_one_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(as_parquet(pl.DataFrame({"line": MANY}), row_group_size=4_000, compression="snappy"))
    for place in range(len(content) // 2, len(content) // 2 + 2_000):
        content[place] = 0
    for rows in (100_000, 3_000):
        monkeypatch.setattr(inbox, "PARQUET_ROWS", rows)
        batches = read_file(tmp_path, bytes(content))[1]
        assert damage_of(batches) == NO_PARQUET
        assert lines_of(batches) == MANY[:8_000]


def test_a_parquet_file_comes_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "PARQUET_ROWS", 3_000)
    batches = read_file(tmp_path, as_parquet(pl.DataFrame({"line": MANY}), row_group_size=7_000))[1]
    assert damage_of(batches) is None
    assert max(batch.frame.height for batch in batches) == 3_000
    assert lines_of(batches) == MANY


def test_strings_of_parquet_that_are_no_utf_8_are_damage(tmp_path: Path) -> None:
    offsets = pa.py_buffer(struct.pack("=3i", 0, 2, 4))
    strings = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xff\xfeok")])
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": strings}), sink)
    assert damage_of(read_file(tmp_path, sink.getvalue())[1]) == NO_PARQUET


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris", "+05:30"])
def test_moments_of_any_zone_are_read(zone: str | None, tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": pa.array([1_790_000_000_000], pa.timestamp("ms", zone))}), sink)
    (batch, _) = read_file(tmp_path, sink.getvalue())[1]
    assert batch.frame.schema["a"] == pl.Datetime("ms", "UTC" if zone else None)
    assert batch.frame["a"].cast(pl.Int64).to_list() == [1_790_000_000_000]


def test_files_are_found_in_the_order_of_their_paths(tmp_path: Path) -> None:
    names = ["standard/b.csv", "standard/a/z.csv", "callr/x", "standard/a.csv", "standard/B.csv"]
    hidden = ["standard/.unfinished.csv", "standard/.d/x.csv", ".trash/x.csv"]
    for name in names + hidden:
        path = tmp_path / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    found, strange = find_files(Installation(tmp_path, tmp_path, Settings()), all_formats())
    assert [file.name for file in found] == [f"inbox/{name}" for name in sorted(names)]
    assert [file.format for file in found] == ["callr", *["standard"] * 4]
    assert strange == []


def test_what_lies_in_no_folder_of_a_format_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "inbox" / "acme").mkdir(parents=True)
    (tmp_path / "inbox" / "usage.csv").touch()
    found, strange = find_files(Installation(tmp_path, tmp_path, Settings()), all_formats())
    known = f"not loaded: the inbox has a folder for each format, and callbill knows {', '.join(sorted(all_formats()))}"
    assert found == []
    assert strange == [f"{tmp_path / 'inbox' / name}: {known}" for name in ("acme", "usage.csv")]


def test_without_an_inbox_there_are_no_files(tmp_path: Path) -> None:
    assert find_files(Installation(tmp_path, tmp_path, Settings()), all_formats()) == ([], [])


def test_a_file_is_known_by_its_content_and_by_a_signature(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    file = InboxFile(path, "x", "standard")
    before = file.signature()
    assert file.sha256() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert before[0] == 3
    path.write_bytes(b"abcd")
    assert file.signature() != before
