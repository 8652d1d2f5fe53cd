"""Tables kept as one immutable folder of Parquet files a month, named by their content.

A month has an open part (0), which every run makes anew, and a part for each issue of its bills (1, 2, ...), which
never changes. Files are written beside, synced and renamed; the transaction that names the folder in `month_files` is
what makes it part of the warehouse. What no row names any more is swept after some days, so that an older publication
that somebody has open still finds its files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from pipelines.settings import Installation
from pipelines.storage import catalogue
from pipelines.storage.atomic_files import READ_ONLY, sync
from transforms.tables.base import columns, empty, types

OPEN = 0
"""The part of a month that is not issued."""

_UNFINISHED = ".unfinished-"
ROW_GROUP_ROWS = 100_000
NARROW = 18
"""Digits of a decimal that a file holds in half the room of more."""


@dataclass
class MonthWriter:
    """A month table being written."""

    folder: Path
    parts: list[Path] = field(default_factory=list)
    rows: int = 0

    def write(self, frame: pl.DataFrame) -> None:
        """Adds the rows of `frame` as one more file. Raises OSError."""
        if frame.is_empty() and self.parts:
            return
        path = self.folder / f"{len(self.parts):05}.parquet"
        try:
            _narrow(frame).write_parquet(path, compression="zstd", compression_level=1, row_group_size=ROW_GROUP_ROWS)
        except pl.exceptions.PolarsError as error:
            # Of a full disk Polars makes errors of several kinds.
            raise OSError(f"{path}: cannot be written: {error}") from None
        path.chmod(READ_ONLY)
        sync(path)
        self.parts.append(path)
        self.rows += frame.height


@dataclass(frozen=True)
class WrittenMonth:
    """A month table in its place on disk, not yet named by the database."""

    table: str
    month: str
    folder: str
    files: int
    rows: int
    bytes: int
    sha256: str


class MonthFiles:
    """The month tables of an installation."""

    def __init__(self, installation: Installation, connection: duckdb.DuckDBPyConnection):
        self._root = installation.tables
        self._connection = connection
        self._keep_seconds = installation.settings.publish.keep_days * 86_400

    @contextmanager
    def writing(self, table: str, month: str) -> Iterator[MonthWriter]:
        """A writer of one month of `table`. Nothing of it stays when the block raises."""
        folder = self._root / table / month / f"{_UNFINISHED}{os.getpid()}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield MonthWriter(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def finish(self, writer: MonthWriter, table: str, month: str) -> WrittenMonth:
        """Puts the written files into their place, under a name made of their content."""
        name = _sha256(writer.parts)
        size = sum(part.stat().st_size for part in writer.parts)
        place = self._root / table / month / name[:16]
        if place.exists():
            shutil.rmtree(writer.folder)
            os.utime(place)
        else:
            sync(writer.folder)
            writer.folder.rename(place)
        # Also of a folder that was there: who put it there may have been killed before this.
        for above in (place.parent, place.parent.parent, self._root):
            sync(above)
        folder = str(place.relative_to(self._root))
        return WrittenMonth(table, month, folder, len(writer.parts), writer.rows, size, name)

    def name(self, written: WrittenMonth, part: int = OPEN) -> None:
        """Makes `written` that part of the month of its table; belongs into the stage's transaction."""
        self.forget(written.table, written.month, part)
        self._connection.execute(
            "INSERT INTO month_files BY NAME SELECT ? AS table_name, ? AS month, ? AS folder, ? AS files, ? AS rows, "
            "? AS bytes, ? AS sha256, ? AS part",
            [
                written.table,
                written.month,
                written.folder,
                written.files,
                written.rows,
                written.bytes,
                written.sha256,
                part,
            ],
        )
        self._show(written.table)

    def open_part(self, table: str, month: str) -> WrittenMonth:
        """The open part of the month as it was written, which there is."""
        found = self.open_part_or_none(table, month)
        assert found is not None, f"{table} of {month} has no open part"
        return found

    def open_part_or_none(self, table: str, month: str) -> WrittenMonth | None:
        """The open part of the month as it was written, if there is one."""
        rows = self._connection.execute(
            "SELECT table_name, month, folder, files, rows, bytes, sha256 FROM month_files "
            f"WHERE table_name = ? AND month = ? AND part = {OPEN}",
            [table, month],
        ).fetchall()
        return WrittenMonth(*rows[0]) if rows else None

    def sha256(self, written: WrittenMonth) -> str | None:
        """SHA-256 of a month that was written as its files are now; None where one is missing."""
        try:
            return _sha256(self.parts_of(written))
        except FileNotFoundError:
            return None

    def forget(self, table: str, month: str, part: int = OPEN) -> None:
        """Takes that part of the month out of the table; its files stay for a while."""
        self._connection.execute(
            "DELETE FROM month_files WHERE table_name = ? AND month = ? AND part = ?", [table, month, part]
        )
        self._show(table)

    def _show(self, table: str) -> None:
        """The warehouse's own view of the table, over the files that are named now."""
        self._connection.execute(self.view(table, table, self.paths(table)))

    def paths(self, table: str, months: Sequence[str] | None = None, *, issued: bool | None = None) -> list[Path]:
        """The Parquet files of `table` in order: of all months or of `months`; of what is `issued`, is not, or both."""
        which = {None: "true", True: f"part <> {OPEN}", False: f"part = {OPEN}"}[issued]
        found = self._rows(
            f"SELECT month, folder, files FROM month_files WHERE table_name = ? AND {which} ORDER BY month, part", table
        )
        return [
            path
            for month, folder, files in found
            if months is None or month in months
            for path in self._parts(folder, files)
        ]

    def part(self, table: str, month: str, part: int) -> list[Path]:
        """The Parquet files of one part of the month."""
        found = self._connection.execute(
            "SELECT folder, files FROM month_files WHERE table_name = ? AND month = ? AND part = ?",
            [table, month, part],
        ).fetchall()
        return [path for folder, files in found for path in self._parts(folder, files)]

    def issued_parts(self, table: str, month: str) -> list[int]:
        """The parts of the month of which `table` has some, but for the open one, in the order of their issue."""
        query = f"SELECT part FROM month_files WHERE table_name = ? AND month = ? AND part <> {OPEN} ORDER BY part"
        return [row[0] for row in self._connection.execute(query, [table, month]).fetchall()]

    def publication(self, table: str, month: str) -> list[Path]:
        """The Parquet files of `table` that may leave: `month` as it is now, other months as they were published."""
        found = self._rows(
            "SELECT month, folder, files FROM (SELECT * FROM published_files WHERE table_name = $1 AND month <> $2 "
            "UNION ALL BY NAME SELECT * FROM month_files WHERE table_name = $1 AND month = $2) ORDER BY month, part",
            table,
            month,
        )
        return [path for _, folder, files in found for path in self._parts(folder, files)]

    def unpublished(self, month: str) -> list[str]:
        """The tables whose month is not as it was published last."""
        rows = self._connection.execute(
            "SELECT DISTINCT table_name FROM (SELECT table_name, folder, part FROM month_files WHERE month = $1 "
            "EXCEPT SELECT table_name, folder, part FROM published_files WHERE month = $1) ORDER BY 1",
            [month],
        )
        return [row[0] for row in rows.fetchall()]

    def remember_publication(self, month: str) -> None:
        """Keeps which files of the month were published; belongs into the stage's transaction."""
        self._connection.execute("DELETE FROM published_files WHERE month = ?", [month])
        self._connection.execute(
            "INSERT INTO published_files BY NAME SELECT * FROM month_files WHERE month = ?", [month]
        )

    def _rows(self, query: str, *parameters: str) -> list[tuple[str, str, int]]:
        return self._connection.execute(query, list(parameters)).fetchall()

    def _parts(self, folder: str, files: int) -> list[Path]:
        return [self._root / folder / f"{part:05}.parquet" for part in range(files)]

    def scan(self, table: str, months: Sequence[str] | None = None, *, issued: bool | None = None) -> pl.LazyFrame:
        """The rows of `table`, lazily; see `paths`."""
        return scan(table, self.paths(table, months, issued=issued))

    def contents(self, month: str) -> dict[str, str]:
        """SHA-256 of the month's open content by table."""
        query = f"SELECT table_name, sha256 FROM month_files WHERE month = ? AND part = {OPEN} ORDER BY table_name"
        return dict(self._connection.execute(query, [month]).fetchall())

    def source(self, table: str, months: Sequence[str] | None = None, *, issued: bool | None = None) -> str:
        """A FROM item over the files of `table`; see `paths`."""
        return from_files(table, self.paths(table, months, issued=issued))

    def parts_of(self, written: WrittenMonth) -> list[Path]:
        """The Parquet files of a month that is written, whether it is named yet or not."""
        return self._parts(written.folder, written.files)

    def files_of(self, written: WrittenMonth) -> str:
        """A FROM item over them."""
        return from_files(written.table, self.parts_of(written))

    def view(self, name: str, table: str, paths: Sequence[Path]) -> str:
        """CREATE VIEW `name` over files of `table`; its columns are named, so that each can have its comment."""
        names = ", ".join(f'"{column}"' for column in columns(catalogue.PUBLISHED_MONTHLY[table]))
        return f"CREATE OR REPLACE VIEW {name} AS SELECT {names} FROM {from_files(table, paths)}"

    def sweep(self) -> int:
        """Removes folders that no row names: unfinished ones at once, others after the days that settings keep them."""
        query = "SELECT folder FROM month_files UNION SELECT folder FROM published_files"
        named = {row[0] for row in self._connection.execute(query).fetchall()}
        removed = 0
        for folder in self._root.glob("*/*/*"):
            old = time.time() - folder.stat().st_mtime > self._keep_seconds
            unfinished = folder.name.startswith(_UNFINISHED)
            if unfinished or (str(folder.relative_to(self._root)) not in named and old):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        return removed


def _narrow(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with decimals of 38 digits in 18 where all values of the column fit, as they nearly always do: such a file is
    smaller, and the same bytes as one of the versions that knew no wider ones. `scan` and `from_files` widen them."""
    for name, dtype in frame.schema.items():
        if isinstance(dtype, pl.Decimal) and dtype.precision > NARROW:
            narrow = frame[name].cast(pl.Decimal(NARROW, dtype.scale), strict=False)
            if narrow.null_count() == frame[name].null_count():
                frame = frame.with_columns(narrow)
    return frame


def _sha256(paths: Sequence[Path]) -> str:
    """Of the SHA-256 of each file."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _wide(table: str) -> dict[str, pl.DataType]:
    """The columns of `table` that one file may hold in fewer digits than another."""
    found = types(catalogue.PUBLISHED_MONTHLY[table])
    return {name: dtype for name, dtype in found.items() if isinstance(dtype, pl.Decimal) and dtype.precision > NARROW}


def scan(table: str, paths: Sequence[Path]) -> pl.LazyFrame:
    """The rows of files of `table`, lazily."""
    if not paths:
        return empty(catalogue.PUBLISHED_MONTHLY[table]).lazy()
    if wide := _wide(table):
        widened = [pl.col(name).cast(dtype) for name, dtype in wide.items()]
        return pl.concat(pl.scan_parquet(path).with_columns(widened) for path in paths)
    return pl.scan_parquet(list(paths))


def from_files(table: str, paths: Sequence[Path]) -> str:
    """A FROM item over files of `table`."""
    if not paths:
        return f"({catalogue.select_nothing(catalogue.PUBLISHED_MONTHLY[table])})"
    names = ", ".join(catalogue.quoted(str(path)) for path in paths)
    if not (wide := _wide(table)):
        return f"read_parquet([{names}])"
    cast = ", ".join(f'"{name}"::{catalogue.sql_type(dtype)} AS "{name}"' for name, dtype in wide.items())
    # By position each file would be read in the type of the first, and one that is wider would stop the query.
    return f"(SELECT * REPLACE ({cast}) FROM read_parquet([{names}], union_by_name = true))"
