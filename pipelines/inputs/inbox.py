"""Raw usage files: which there are, what they are made of, and their content in batches. Never changed by callbill.

What the records mean is known to `transforms.mediation`.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.inputs.line_count import LineCount
from pipelines.inputs.raw_bytes import Proof, RawFile, View, signature
from pipelines.inputs.unpacking import GZIP, ZSTD, as_text, is_packed, pass_on, unpacked
from pipelines.settings import Installation, Loading
from transforms.mediation.contract import Format, Kind
from transforms.mediation.text_lines import TOO_LONG

BLOCK_BYTES = 48 * 1024 * 1024
BLOCK_LINES = 4_000_000
"""Lines of a batch; a block of more is given in pieces, as a line takes memory however short it is."""

PARQUET_ROWS = 250_000
PACKED_PARQUET_BYTES = 256 * 1024 * 1024
"""A Parquet file within gzip or zstd is unpacked into memory; more of it is not."""

_PARQUET = b"PAR1"
_TAKEN_FOR_PACKED = (GZIP, ZSTD[0], b"x\x01", b"x^", b"x\x9c", b"x\xda")
"""`read_lines` unpacks what begins like this, zlib too; here it is the first line of a text."""


@dataclass(frozen=True)
class InboxFile:
    """A file of the inbox; or of its content the first `size` bytes, as what stands there may have grown since. With `proof`
    it is read as it was hashed, or not at all (FileChanged). `unpacked`: of a compressed file, how much of what it holds is
    meant, None for all."""

    path: Path
    name: str
    format: str
    size: int | None = None
    proof: Proof | None = field(default=None, compare=False, repr=False)
    unpacked: int | None = None

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return self.path.lstat().st_size if self.size is None else self.size

    def open(self) -> RawFile:
        """It, open for reading."""
        return RawFile(self.path, self.size, self.proof)

    def sha256(self) -> str:
        """Of its bytes as they lie there."""
        with self.open() as raw:
            return raw.prove([raw.size])[0].sha256

    def signature(self) -> tuple[int, int]:
        """Size, and the moment of its last change: a file whose signature is known needs no second reading."""
        return signature(self.path.lstat())


@dataclass(frozen=True)
class Batch:
    """A piece of a file: lines (one String column `line`) or columns. `damage` says what is lost behind it. Of a text the
    last one holds nothing but a line that has no end.

    The last one comes with the physical `lines` of the file, counted on its bytes; of Parquet the rows that its footer
    names, None where that is damaged.
    """

    frame: pl.DataFrame
    last: bool
    damage: str | None = None
    lines: int | None = None


def find_files(installation: Installation, formats: dict[str, Format]) -> tuple[list[InboxFile], list[str]]:
    """The files of the inbox in the order of their paths, and a sentence for each thing there that is not loaded.

    Names that begin with a dot are passed over: a file may be written under one and then renamed. Links are not
    followed, and nothing is opened that is no plain file.
    """
    found: list[InboxFile] = []
    strange: list[str] = []
    root = installation.inbox
    for entry in _entries(root, strange) if root.is_dir() else []:
        if not entry.is_symlink() and not (entry.is_dir() and entry.name in formats):
            known = ", ".join(sorted(formats))
            why = f"the inbox has a folder for each format, and callbill knows {known}"
            strange.append(f"{_readable(entry.path)}: not loaded: {why}")
            continue
        described_by = getattr(formats[entry.name], "DESCRIBED_BY", None) if entry.name in formats else None
        for path in sorted(_plain_files(entry, strange), key=lambda path: path.relative_to(root).as_posix()):
            if described_by and path.name.endswith(described_by):
                continue
            name = _readable(path.relative_to(installation.home).as_posix())
            found.append(InboxFile(path, name, entry.name))
    return found, strange


def _entries(folder: Path, strange: list[str]) -> list[os.DirEntry[str]]:
    """What lies in the folder, by name."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
    except (PermissionError, FileNotFoundError) as error:
        strange.append(f"{_readable(str(folder))}: not loaded: {error.strerror}")
        return []


_NO_FILES = {
    stat.S_IFLNK: "a symbolic link: put the file itself into the inbox",
    stat.S_IFIFO: "a FIFO and no file",
    stat.S_IFSOCK: "a socket and no file",
    stat.S_IFBLK: "a device and no file",
    stat.S_IFCHR: "a device and no file",
}


def _plain_files(top: os.DirEntry[str], strange: list[str]) -> Iterator[Path]:
    """The plain files at or below `top`; adds a sentence to `strange` for everything else but folders."""
    waiting = [top]
    while waiting:
        entry = waiting.pop()
        try:
            mode = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode)
        except FileNotFoundError:
            continue
        except PermissionError as error:
            strange.append(f"{_readable(entry.path)}: not loaded: {error.strerror}")
            continue
        if mode == stat.S_IFDIR:
            waiting += reversed(_entries(Path(entry.path), strange))
        elif mode == stat.S_IFREG:
            yield Path(entry.path)
        else:
            strange.append(f"{_readable(entry.path)}: not loaded: it is {_NO_FILES.get(mode, 'no file')}")


def _readable(name: str) -> str:
    """A file's name as text that can be stored and shown; bytes in it that are no UTF-8 as `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read(file: InboxFile, kinds: tuple[Kind, ...], limits: Loading | None = None) -> tuple[Kind, Iterator[Batch]]:
    """What `file` is made of, among the `kinds` its format may have, and its content in batches, within the `limits`.

    Told by its first bytes, whatever its name: gzip or zstd around it, Parquet, JSON lines or CSV. It is opened once. Raises
    FileChanged, here or with a batch, where it has a proof and is not as it was.
    """
    limits = limits or Loading()
    raw = file.open()
    head = _head(raw, 4096, limits)
    if head.startswith(_PARQUET) and "columns" in kinds:
        return "columns", _parquet(raw, limits, file.unpacked)
    looks_like_json = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[")
    kind: Kind = "json" if "json" in kinds and (looks_like_json or "csv" not in kinds) else "csv"
    return kind, _lines(raw, limits, file.unpacked)


def _head(raw: RawFile, size: int, limits: Loading) -> bytes:
    return next((block for block, _ in as_text(unpacked(raw, size, limits)) if block), b"")


def head(file: InboxFile, size: int = 4096) -> str:
    """About so many bytes of the beginning of `file`, without its compression, as text."""
    with file.open() as raw:
        return _head(raw, size, Loading())[:size].decode("utf-8", "replace")


def is_parquet(raw: RawFile) -> bool:
    """Whether it is Parquet, or that within compression."""
    return _head(raw, 4096, Loading()).startswith(_PARQUET)


def _lines(raw: RawFile, limits: Loading, only: int | None) -> Iterator[Batch]:
    """The lines, in batches of about BLOCK_BYTES; a line is never cut. One that is too long is not held: TOO_LONG stands
    for it."""
    parts: list[bytes] = []
    size = 0
    damage = None
    count = LineCount()
    passing = False
    for block, damage in as_text(unpacked(raw, BLOCK_BYTES, limits, only)):
        count.feed(block)
        if passing:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, passing = block[end:], False
        parts.append(block)
        size += len(block)
        if size >= BLOCK_BYTES and damage is None:
            whole = b"".join(parts)
            cut = whole.rfind(b"\n") + 1
            yield from _batches(whole[:cut], limits.longest_line)
            rest = whole[cut:]
            if len(rest) > limits.longest_line:
                rest, passing = TOO_LONG.encode(), True
            parts, size = [rest], len(rest)
    rest = b"".join(parts)
    cut = rest.rfind(b"\n") + 1
    yield from _batches(rest[:cut], limits.longest_line)
    # Before damage a line without an end may be half a record, which would look like a whole one.
    unfinished = b"" if damage is not None else rest[cut:]
    lines = count.lines(damaged=damage is not None)
    yield Batch(_as_lines(unfinished, limits.longest_line), last=True, damage=damage, lines=lines)


def _batches(block: bytes, longest: int) -> Iterator[Batch]:
    """The whole lines of `block`, in one batch unless they are very many."""
    step = len(block) if block.count(b"\n") <= BLOCK_LINES else BLOCK_LINES
    at = 0
    while at < len(block):
        end = block.find(b"\n", min(at + step, len(block)) - 1) + 1
        yield Batch(_as_lines(block[at:end], longest), last=False)
        at = end


def _as_lines(block: bytes, longest: int) -> pl.DataFrame:
    if not block:
        return pl.DataFrame(schema={"line": pl.String})
    if block.startswith(_TAKEN_FOR_PACKED):
        return _as_lines(b"\n" + block, longest).slice(1)
    if b'"' in block:
        # Of a line end within quotes the carriage return belongs to the text; `read_lines` takes one away.
        block = block.replace(b"\r\n", b"\r\r\n")
    try:
        lines = pl.read_lines(block, name="line")
    except pl.exceptions.PolarsError:
        lines = pl.read_lines(block.decode("utf-8", "callbill").encode(), name="line")
    too_long = pl.col("line").str.len_bytes() > longest
    if len(block) > longest and lines.select(too_long.any()).item():
        return lines.with_columns(pl.when(too_long).then(pl.lit(TOO_LONG)).otherwise("line").alias("line"))
    return lines


def _parquet(raw: RawFile, limits: Loading, only: int | None) -> Iterator[Batch]:
    damage = "the file is no sound Parquet file"
    try:
        source = _parquet_source(raw, limits, only)
        if source is None:
            too_large = f"the Parquet file within the compressed one is larger than {PACKED_PARQUET_BYTES} bytes"
            yield Batch(pl.DataFrame(), last=True, damage=too_large)
            return
        table = pq.ParquetFile(source)
    except (pa.ArrowException, OSError) as error:
        raw.check()
        pass_on(error)
        yield Batch(pl.DataFrame(), last=True, damage=damage)
        return
    with table:
        batches = _parquet_batches(table)
        while True:
            try:
                batch = next(batches)
                # A string of Parquet may hold bytes that are no UTF-8, which Polars would take as they are.
                batch.validate(full=True)
                frame = pl.from_arrow(batch.cast(_in_utc(batch.schema)))
            except StopIteration:
                yield Batch(pl.DataFrame(), last=True, lines=table.metadata.num_rows)
                return
            except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
                raw.check()
                pass_on(error)
                yield Batch(pl.DataFrame(), last=True, damage=damage)
                return
            assert isinstance(frame, pl.DataFrame)
            yield Batch(frame, last=False)


def _parquet_source(raw: RawFile, limits: Loading, only: int | None) -> View | pa.BufferReader | None:
    """What Parquet is read from; None where it is packed and too large."""
    if not is_packed(raw):
        return raw.view()
    content = bytearray()
    for block, _ in unpacked(raw, 1 << 20, limits, only):
        content += block
        if len(content) > PACKED_PARQUET_BYTES:
            return None
    return pa.BufferReader(bytes(content))


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
        pass_on(error)
    for group in range(file.num_row_groups):
        for batch in file.iter_batches(PARQUET_ROWS, row_groups=[group]):
            known = min(done, batch.num_rows)
            done -= known
            if known < batch.num_rows:
                yield batch.slice(known)
