"""A disk that fails once, at a chosen operation, as the system, DuckDB, Polars, Arrow and SQLite would tell of it.

Belongs into a process of its own: what it puts in place of the real operations is never taken back. The operations of
each kind are counted; the one that is to fail raises, after half of its work was done where there are halves.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq

WHAT = "Input/output error"

AUDITED = ("open", "os.rename", "os.mkdir", "os.scandir", "os.remove", "os.listdir")
"""Operations of Python on files and folders, by the names of their audit events."""

KINDS = ("commit", "committed", "sync", "write", "os.rename", "statement", "open", "history", "read", "os.mkdir")
KINDS += ("database", "os.scandir", "os.remove")
"""All kinds: also a COMMIT before it happens and after, statements of DuckDB, and of Dagster's history (SQLite)."""


@dataclass(frozen=True)
class Fault:
    """The operation that fails: the `place`-th of its kind, from 0."""

    kind: str
    place: int

    def __str__(self) -> str:
        return f"{self.kind} {self.place}"


class BrokenDisk:
    """Counts the operations in the folders by kind, in `done`, and lets the fault happen, where there is one."""

    def __init__(self, folders: list[Path], fault: Fault | None):
        self.done: Counter[str] = Counter()
        self._folders = tuple(f"{folder}" for folder in folders)
        self._fault = fault
        self._lock = threading.Lock()

    def touch(self, kind: str, half: Callable[[], None] | None = None) -> None:
        """One more operation of the kind; `half` is what is left of it where it fails. Raises what fits the kind."""
        with self._lock:
            fails = self._fault == Fault(kind, self.done[kind])
            self.done[kind] += 1
        if not fails:
            return
        if half:
            half()
        if kind == "history":
            raise sqlite3.OperationalError("disk I/O error")
        if kind in ("database", "statement"):
            raise duckdb.IOException(f"IO Error: Could not read from file: {WHAT}")
        if kind in ("commit", "committed"):
            raise duckdb.TransactionException(
                f"TransactionContext Error: Failed to commit: Could not write file: {WHAT}"
            )
        raise OSError(errno.EIO, WHAT)

    def insert(self) -> None:
        """Takes the place of the operations, for the rest of this process."""
        sys.addaudithook(self._audit)
        for owner, name in ((pl, "scan_parquet"), (pl, "read_parquet"), (pq, "ParquetFile")):
            self._before(owner, name, "read")
        self._before(os, "fsync", "sync")
        self._insert_writing()
        self._insert_duckdb()
        self._insert_sqlite()

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in AUDITED and isinstance(arguments[0], str | os.PathLike):
            path = Path(arguments[0])
            # To make a folder that is there fails anyhow, and nobody minds.
            harmless = event == "os.mkdir" and path.exists()
            if str(path).startswith(self._folders) and not harmless:
                self.touch(event)

    def _before(self, owner: Any, name: str, kind: str) -> None:
        real = getattr(owner, name)

        def touching(*arguments: Any, **options: Any) -> Any:
            self.touch(kind)
            return real(*arguments, **options)

        setattr(owner, name, touching)

    def _insert_writing(self) -> None:
        disk, write_text, write_parquet = self, Path.write_text, pl.DataFrame.write_parquet

        def text(path: Path, data: str, *arguments: Any, **options: Any) -> int:
            disk.touch("write", lambda: (write_text(path, data[: len(data) // 2], *arguments, **options), None)[1])
            return write_text(path, data, *arguments, **options)

        def parquet(frame: pl.DataFrame, file: Path, **options: Any) -> None:
            write_parquet(frame, file, **options)
            disk.touch("write", lambda: os.truncate(file, file.stat().st_size // 2))

        Path.write_text = text
        pl.DataFrame.write_parquet = parquet

    def _insert_duckdb(self) -> None:
        disk, connect = self, duckdb.connect

        def connecting(*arguments: Any, **options: Any) -> Any:
            disk.touch("database")
            return _Connection(disk, connect(*arguments, **options))

        duckdb.connect = connecting

    def _insert_sqlite(self) -> None:
        disk, connect = self, sqlite3.connect

        class Cursor(sqlite3.Cursor):
            def execute(self, *arguments: Any) -> sqlite3.Cursor:
                disk.touch("history")
                return super().execute(*arguments)

        class Connection(sqlite3.Connection):
            def cursor(self, *_: Any) -> Any:
                return super().cursor(Cursor)

            def commit(self) -> None:
                disk.touch("history")
                super().commit()

        def connecting(*arguments: Any, **options: Any) -> sqlite3.Connection:
            disk.touch("history")
            return connect(*arguments, **options, factory=Connection)

        sqlite3.connect = sqlite3.dbapi2.connect = connecting


class _Connection:
    """A connection of DuckDB's whose statements are counted; a COMMIT twice: before it happens and after."""

    def __init__(self, disk: BrokenDisk, real: duckdb.DuckDBPyConnection):
        self._disk, self._real = disk, real

    def execute(self, query: str, *parameters: Any) -> Any:
        if query != "COMMIT":
            self._disk.touch("statement")
            return self._real.execute(query, *parameters)
        self._disk.touch("commit")
        found = self._real.execute(query)
        self._disk.touch("committed")
        return found

    def sql(self, query: str, **options: Any) -> Any:
        self._disk.touch("statement")
        return self._real.sql(query, **options)

    def cursor(self) -> _Connection:
        return _Connection(self._disk, self._real.cursor())

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
