"""Raw usage files: which there are, what they are made of, and their content in batches. Never changed by callbill.

What the records mean is known to `transforms.mediation`.
"""

from __future__ import annotations

import codecs
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.settings import Installation
from transforms.mediation.formats import Format, Kind
from transforms.mediation.text_lines import NOT_UTF8

BLOCK_BYTES = 48 * 1024 * 1024
PARQUET_ROWS = 250_000
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"

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
    """A piece of a file: lines (one String column `line`) or columns. `damage` says what is lost behind it."""

    frame: pl.DataFrame
    last: bool
    damage: str | None = None


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
            strange.append(f"{folder}: not loaded: the inbox has a folder for each format, and callbill knows {known}")
            continue
        paths = (path for path in folder.rglob("*") if path.is_file())
        for path in sorted(paths, key=lambda path: path.relative_to(root).as_posix()):
            if not any(part.startswith(".") for part in path.relative_to(root).parts):
                name = path.relative_to(installation.home).as_posix()
                found.append(InboxFile(path, name, folder.name))
    return found, strange


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


def _head(path: Path) -> bytes:
    for block, _ in _blocks(path, 4096):
        return block[:4096]
    return b""


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
            pending = member.unused_data.lstrip(b"\0") or file.read(1 << 16)
            if pending:
                member = zlib.decompressobj(wbits=31)
        yield block, None
        if member.eof and not pending:
            return


def _zstd(path: Path, size: int) -> Iterator[tuple[bytes, str | None]]:
    with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
        while True:
            try:
                block = stream.read(min(size, 1 << 20))
            except OSError:
                yield b"", "the zstd data is damaged or ends before its end"
                return
            if not block:
                return
            yield block, None


def _lines(path: Path) -> Iterator[Batch]:
    """The lines, in batches of about BLOCK_BYTES; a line is never cut."""
    parts: list[bytes] = []
    size = 0
    damage = None
    for block, damage in _blocks(path, BLOCK_BYTES):
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
    yield Batch(_as_lines(rest), last=True, damage=damage)


def _as_lines(block: bytes) -> pl.DataFrame:
    if not block:
        return pl.DataFrame(schema={"line": pl.String})
    try:
        return pl.read_lines(block, name="line")
    except pl.exceptions.PolarsError:
        return pl.read_lines(block.decode("utf-8", "callbill").encode(), name="line")


def _parquet(path: Path) -> Iterator[Batch]:
    damage = "the file is no sound Parquet file"
    try:
        source = pa.BufferReader(b"".join(block for block, _ in _blocks(path, BLOCK_BYTES))) if _is_packed(path) else path
        file = pq.ParquetFile(source)
    except (pa.ArrowException, OSError):
        yield Batch(pl.DataFrame(), last=True, damage=damage)
        return
    with file:
        batches = file.iter_batches(PARQUET_ROWS)
        while True:
            try:
                frame = pl.from_arrow(next(batches))
            except StopIteration:
                yield Batch(pl.DataFrame(), last=True)
                return
            except (pa.ArrowException, pl.exceptions.PolarsError, OSError):
                yield Batch(pl.DataFrame(), last=True, damage=damage)
                return
            assert isinstance(frame, pl.DataFrame)
            yield Batch(frame, last=False)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith((_GZIP, _ZSTD))


