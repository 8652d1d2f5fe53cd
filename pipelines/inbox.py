"""Raw usage files: which there are, what they are made of, and their content in batches. Never changed by callbill.

What the records mean is known to `transforms.mediation`.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.line_count import LineCount
from pipelines.settings import Installation
from transforms.mediation.formats import Format, Kind
from transforms.mediation.text_lines import NOT_UTF8

BLOCK_BYTES = 48 * 1024 * 1024
PARQUET_ROWS = 250_000
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60)))
"""A zstd file begins with a frame, or with one to be skipped, as the parallel zstd writes it."""
_TAKEN_FOR_PACKED = (_GZIP, _ZSTD[0], b"x\x01", b"x^", b"x\x9c", b"x\xda")
"""`read_lines` unpacks what begins like this, zlib too; here it is the first line of a text."""

codecs.register_error("callbill", lambda error: (NOT_UTF8, getattr(error, "end", 0)))


@dataclass(frozen=True)
class InboxFile:
    """A file of the inbox."""

    path: Path
    name: str
    format: str

    def sha256(self) -> str:
        """Of its bytes as they lie there."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def signature(self) -> tuple[int, int]:
        """Size, and the moment of its last change: a file whose signature is known needs no second reading."""
        found = self.path.stat()
        return found.st_size, max(found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True)
class Batch:
    """A piece of a file: lines (one String column `line`) or columns. `damage` says what is lost behind it.

    The last one comes with the physical `lines` of the file, counted on its bytes; of Parquet the rows that its footer
    names, None where that is damaged.
    """

    frame: pl.DataFrame
    last: bool
    damage: str | None = None
    lines: int | None = None


def find_files(installation: Installation, formats: dict[str, Format]) -> tuple[list[InboxFile], list[str]]:
    """The files of the inbox in the order of their paths, and a sentence for each folder that has no such format.

    Names that begin with a dot are passed over: a file may be written under one and then renamed.
    """
    found: list[InboxFile] = []
    strange: list[str] = []
    root = installation.inbox
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if folder.name.startswith("."):
            continue
        if not folder.is_dir() or folder.name not in formats:
            known = ", ".join(sorted(formats))
            strange.append(
                f"{_readable(str(folder))}: not loaded: the inbox has a folder for each format, and callbill knows {known}"
            )
            continue
        paths = (path for path in folder.rglob("*") if path.is_file())
        for path in sorted(paths, key=lambda path: path.relative_to(root).as_posix()):
            described_by = getattr(formats[folder.name], "DESCRIBED_BY", None)
            if described_by and path.name.endswith(described_by):
                continue
            if not any(part.startswith(".") for part in path.relative_to(root).parts):
                name = _readable(path.relative_to(installation.home).as_posix())
                found.append(InboxFile(path, name, folder.name))
    return found, strange


def _readable(name: str) -> str:
    """A file's name as text that can be stored and shown; bytes in it that are no UTF-8 as `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read(file: InboxFile, kinds: tuple[Kind, ...]) -> tuple[Kind, Iterator[Batch]]:
    """What `file` is made of, among the `kinds` its format may have, and its content in batches.

    Told by its first bytes, whatever its name: gzip or zstd around it, Parquet, JSON lines or CSV.
    """
    head = _head(file.path)
    if head.startswith(_PARQUET) and "columns" in kinds:
        return "columns", _parquet(file.path)
    looks_like_json = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[")
    kind: Kind = "json" if "json" in kinds and (looks_like_json or "csv" not in kinds) else "csv"
    return kind, _lines(file.path)


def head(file: InboxFile, size: int = 4096) -> str:
    """About so many bytes of the beginning of `file`, without its compression, as text."""
    found = next((block[:size] for block, _ in _blocks(file.path, size) if block), b"")
    return found.decode("utf-8", "replace")


def _head(path: Path) -> bytes:
    return next((block[:4096] for block, _ in _blocks(path, 4096) if block), b"")


def _blocks(path: Path, size: int) -> Iterator[tuple[bytes, str | None]]:
    """The content without its compression in blocks; the last comes with a sentence when the rest is damaged."""
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic.startswith(_GZIP):
            yield from _gzip(file, size)
        elif magic.startswith(_ZSTD):
            yield from _zstd(path, size)
        else:
            while block := file.read(size):
                yield block, None


def _gzip(file: BinaryIO, size: int) -> Iterator[tuple[bytes, str | None]]:
    member = zlib.decompressobj(wbits=31)
    pending = b""
    while True:
        pending = pending or file.read(1 << 16)
        if not pending:
            if not member.eof:
                yield b"", "the gzip data ends before its end"
            return
        try:
            block = member.decompress(pending, size)
        except zlib.error:
            yield b"", "the gzip data is damaged"
            return
        pending = member.unconsumed_tail
        if member.eof:
            # Zeros may fill a file up behind its data.
            pending = member.unused_data.lstrip(b"\0")
            while not pending and (more := file.read(1 << 16)):
                pending = more.lstrip(b"\0")
            if pending:
                member = zlib.decompressobj(wbits=31)
        yield block, None
        if member.eof and not pending:
            return


def _zstd(path: Path, size: int) -> Iterator[tuple[bytes, str | None]]:
    done, step = 0, min(size, 1 << 20)
    while step:
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
            left = done
            while left:
                left -= len(stream.read(min(left, 1 << 20)))
            try:
                while block := stream.read(step):
                    done += len(block)
                    yield block, None
                return
            except OSError as error:
                _pass_on(error)
                # A reading that fails gives nothing of what it read: go up to the damage in smaller ones.
                step //= 1024
    yield b"", "the zstd data is damaged or ends before its end"


def _lines(path: Path) -> Iterator[Batch]:
    """The lines, in batches of about BLOCK_BYTES; a line is never cut."""
    parts: list[bytes] = []
    size = 0
    damage = None
    count = LineCount()
    for block, damage in _blocks(path, BLOCK_BYTES):
        count.feed(block)
        parts.append(block)
        size += len(block)
        if size >= BLOCK_BYTES and damage is None:
            whole = b"".join(parts)
            cut = whole.rfind(b"\n") + 1
            if cut:
                yield Batch(_as_lines(whole[:cut]), last=False)
                parts = [whole[cut:]]
                size = len(whole) - cut
    rest = b"".join(parts)
    if damage is not None:
        # What stands behind the last whole line may be half a record, which would look like a whole one.
        rest = rest[: rest.rfind(b"\n") + 1]
    yield Batch(_as_lines(rest), last=True, damage=damage, lines=count.lines(damaged=damage is not None))


def _as_lines(block: bytes) -> pl.DataFrame:
    if not block:
        return pl.DataFrame(schema={"line": pl.String})
    if block.startswith(_TAKEN_FOR_PACKED):
        return _as_lines(b"\n" + block).slice(1)
    if b'"' in block:
        # Of a line end within quotes the carriage return belongs to the text; `read_lines` takes one away.
        block = block.replace(b"\r\n", b"\r\r\n")
    try:
        return pl.read_lines(block, name="line")
    except pl.exceptions.PolarsError:
        return pl.read_lines(block.decode("utf-8", "callbill").encode(), name="line")


def _parquet(path: Path) -> Iterator[Batch]:
    damage = "the file is no sound Parquet file"
    try:
        source = (
            pa.BufferReader(b"".join(block for block, _ in _blocks(path, BLOCK_BYTES))) if _is_packed(path) else path
        )
        file = pq.ParquetFile(source)
    except (pa.ArrowException, OSError) as error:
        _pass_on(error)
        yield Batch(pl.DataFrame(), last=True, damage=damage)
        return
    with file:
        batches = _parquet_batches(file)
        while True:
            try:
                batch = next(batches)
                # A string of Parquet may hold bytes that are no UTF-8, which Polars would take as they are.
                batch.validate(full=True)
                frame = pl.from_arrow(batch.cast(_in_utc(batch.schema)))
            except StopIteration:
                yield Batch(pl.DataFrame(), last=True, lines=file.metadata.num_rows)
                return
            except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
                _pass_on(error)
                yield Batch(pl.DataFrame(), last=True, damage=damage)
                return
            assert isinstance(frame, pl.DataFrame)
            yield Batch(frame, last=False)


def _pass_on(error: Exception) -> None:
    """Raises what the system says of the disk, which has a number. Arrow makes an OSError of unsound content as well:
    that is damage, and suspended for good; a disk that fails now may not fail tomorrow."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def _in_utc(schema: pa.Schema) -> pa.Schema:
    """`schema` with its moments in UTC: Polars knows no zones such as `+05:30`."""
    moments = {item.name: pa.timestamp(item.type.unit, "UTC") for item in schema if getattr(item.type, "tz", None)}
    return pa.schema([item.with_type(moments.get(item.name, item.type)) for item in schema])


def _parquet_batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """The rows in batches over many row groups; from a damaged one on group by group, up to the damage."""
    done = 0
    try:
        for batch in file.iter_batches(PARQUET_ROWS):
            yield batch
            done += batch.num_rows
        return
    except (pa.ArrowException, OSError) as error:
        _pass_on(error)
    for group in range(file.num_row_groups):
        for batch in file.iter_batches(PARQUET_ROWS, row_groups=[group]):
            known = min(done, batch.num_rows)
            done -= known
            if known < batch.num_rows:
                yield batch.slice(known)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith((_GZIP, *_ZSTD))
