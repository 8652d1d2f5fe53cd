"""The pipeline's own database: one writer at a time, one transaction a stage, batches in and out.

Here belongs how data is kept, not what it means. Large monthly tables are immutable Parquet files that the database
names in `month_files`; a stage that writes one commits by naming it (docs/adr/0002).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import duckdb
import polars as pl

from pipelines.errors import BadInput, CommitFailed, LockHeld, describe, is_interruption
from pipelines.settings import Installation
from pipelines.storage import catalogue, file_totals
from pipelines.storage.atomic_files import put
from pipelines.storage.month_files import MonthFiles
from pipelines.storage.published import logs_beside
from pipelines.version import VERSION, commit

BATCH_ROWS = 400_000

SCHEMA_VERSION = 1
"""Raised when a table changes so that an older callbill must not write the warehouse any more."""

_BROUGHT_UP = (
    # A month that was issued before any file was loaded had NULL, with which nothing compares.
    "UPDATE issues SET last_file_number = 0 WHERE last_file_number IS NULL",
    *(f"UPDATE {table} SET findings = '' WHERE findings IS NULL" for table in ("controls", "published_controls")),
)
"""What warehouses of before they had a version get, once their tables have the columns of today."""

_DIRECTED = """
    CREATE OR REPLACE VIEW directed_usage AS
    SELECT * FROM usage_records WHERE direction <> 'unstated'
    UNION ALL
    SELECT * EXCLUDE (comes_in) REPLACE (
        CASE WHEN comes_in THEN 'inbound' ELSE 'outbound' END AS direction,
        CASE WHEN comes_in THEN other_number ELSE own_number END AS own_number,
        CASE WHEN comes_in THEN own_number ELSE other_number END AS other_number,
        CASE WHEN comes_in THEN forwarded_to END AS forwarded_to,
        CASE WHEN comes_in THEN forwarded_seconds END AS forwarded_seconds
    ) FROM (
        SELECT *, other_number IN (SELECT number FROM numbers) AND own_number NOT IN (SELECT number FROM numbers) AS comes_in
        FROM usage_records WHERE direction = 'unstated'
    )
"""
"""Usage records with the direction that today's numbers.csv tells of those whose source does not: a call to a number of
the company comes in, unless it is from one; every other goes out. What an outgoing call was put through to is no leg."""


@cache
def _statements() -> tuple[tuple[str, ...], str]:
    """What makes the tables, and the SHA-256 of it and of the view: always the same within a process."""
    tables = tuple(catalogue.create_table(name, table) for name, table in catalogue.WAREHOUSE.items())
    return tables, hashlib.sha256("\n".join([*tables, _DIRECTED]).encode()).hexdigest()


class WarehouseLock:
    """The exclusive lock of an installation: a lock on a file, freed by the system when its holder dies."""

    def __init__(self, home: Path):
        self._path = home / "warehouse.lock"
        self._file: Any = None

    def acquire(self, wait_seconds: float, waiting: Callable[[str], None] | None = None) -> None:
        """Takes the lock, waiting at most so long; `waiting` is told once who holds it. Raises LockHeld."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        deadline = time.monotonic() + wait_seconds
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = self._holder(file)
                if time.monotonic() >= deadline:
                    file.close()
                    raise LockHeld(f"the warehouse is held by {holder}; wait for it to end, or use --wait") from None
                if waiting and not told:
                    waiting(holder)
                    told = True
                time.sleep(0.1)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        file.flush()
        self._file = file

    def _holder(self, file: TextIO) -> str:
        """Who holds the lock, which a run writes a moment after it took it."""
        for _ in range(10):
            file.seek(0)
            if holder := file.read().strip():
                return holder
            time.sleep(0.01)
        return "another run"

    def release(self) -> None:
        """Gives the lock back."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def _make_file(place: Path) -> None:
    """Makes an empty database at `place`. One that was cut short there could never be opened again. Raises BadInput where
    the log of another one lies there: it holds what was committed last, and belongs to no other file."""
    if logs := logs_beside(place):
        raise BadInput(
            f"{place} is missing, and {logs[0].name} lies beside it, which holds what was committed last: restore both from "
            "the same backup, or, to begin with an empty warehouse, move the log away"
        )
    beside = place.with_name(f".{place.name}.new")
    beside.unlink(missing_ok=True)
    duckdb.connect(str(beside)).close()
    put(beside, place)


class Warehouse:
    """An open warehouse. Holds the lock from `open` to `close`; use it as a context manager. `commits`: how many
    transactions were committed since it was opened."""

    def __init__(self, installation: Installation, connection: duckdb.DuckDBPyConnection, lock: WarehouseLock | None):
        self.installation = installation
        self.connection = connection
        self.month_files = MonthFiles(installation, connection)
        self.commits = 0
        self._lock = lock
        self._failed = False

    @staticmethod
    def open(
        installation: Installation, *, wait_seconds: float | None = None, waiting: Callable[[str], None] | None = None
    ) -> Warehouse:
        """Opens the warehouse for writing and makes the tables that are missing. Raises LockHeld."""
        lock = WarehouseLock(installation.home)
        lock.acquire(installation.settings.run.lock_wait_seconds if wait_seconds is None else wait_seconds, waiting)
        try:
            if not installation.warehouse.exists():
                _make_file(installation.warehouse)
            spill = installation.home / ".spill"
            # Of a run that was killed; nobody else spills there without the lock.
            shutil.rmtree(spill, ignore_errors=True)
            connection = duckdb.connect(
                str(installation.warehouse),
                config={
                    "memory_limit": f"{installation.settings.run.memory_limit_mb}MB",
                    "temp_directory": str(spill),
                },
            )
            connection.execute("SET TimeZone = 'UTC'")
            warehouse = Warehouse(installation, connection, lock)
            warehouse._make_tables()
            return warehouse
        except duckdb.Error as error:
            lock.release()
            raise BadInput(f"{installation.warehouse}: cannot be opened as callbill's warehouse: {error}") from None
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._failed = self._failed or kind is not None
        self.close()

    def close(self) -> None:
        """Closes the database, then frees the lock."""
        self._close_database()
        if self._lock:
            self._lock.release()

    def _close_database(self) -> None:
        """What was committed goes from the log into the database only where nothing failed; else it stays in the log, and
        who opens the warehouse next reads it there. DuckDB writes some blocks anew in their places, and one that a broken
        or full disk cuts short could never be read again."""
        if self._failed:
            with suppress(duckdb.Error):
                self.connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        self.connection.close()

    def _make_tables(self) -> None:
        """Makes what is missing, unless the tables are those that this version made. Raises BadInput where a newer one
        wrote them, or where they cannot be brought up to date."""
        tables, sha256 = _statements()
        known = self.value("SELECT 1 FROM duckdb_tables() WHERE table_name = 'warehouse_schema'")
        version, there = self.connection.execute("FROM warehouse_schema").fetchall()[0] if known else (0, "")
        if version > SCHEMA_VERSION:
            raise BadInput(
                f"{self.installation.warehouse}: a newer callbill wrote it (tables of version {version}, this one knows "
                f"{SCHEMA_VERSION}): use that one"
            )
        if there == sha256:
            return
        with self.transaction():
            for statement in tables:
                self.connection.execute(statement)
            self._bring_up_to_date()
            self.connection.execute(_DIRECTED)
            self.connection.execute("DELETE FROM warehouse_schema")
            self.connection.execute("INSERT INTO warehouse_schema VALUES (?, ?)", [SCHEMA_VERSION, sha256])

    def _bring_up_to_date(self) -> None:
        """Adds columns that tables have got since. Where their values would be missing on what was rated or issued, the
        warehouse is another version's."""
        found = set(self.connection.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall())
        addable = {*catalogue.REFERENCE, "loaded_files", "controls", "published_controls", "audit", "manifest"}
        for name, table in catalogue.WAREHOUSE.items():
            missing = catalogue.add_columns(name, table, found)
            if missing and name not in addable:
                raise BadInput(f"{self.installation.warehouse}: table {name} was made by another version of callbill")
            for statement in missing:
                self.connection.execute(statement)
        for statement in _BROUGHT_UP:
            self.connection.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: commits at the end, rolls back when anything was raised. Raises CommitFailed."""
        self.connection.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self._failed = True
            # Of a query that was interrupted DuckDB has ended the transaction itself.
            with suppress(duckdb.TransactionException):
                self.connection.execute("ROLLBACK")
            raise
        try:
            self.connection.execute("COMMIT")
        except duckdb.Error as error:
            # What the disk has may be more than what this connection believes: nobody goes on over it. Who opens the
            # warehouse next reads from the disk what is there, before anything is done again.
            self._failed = True
            self._close_database()
            if is_interruption(error):
                raise
            raise CommitFailed(
                f"{self.installation.warehouse}: what was to be kept last could not be committed: {describe(error)}; "
                "the next run reads whether it was kept, and goes on from there"
            ) from None
        self.commits += 1

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        """Adds the rows of `frame` to `table`, by name, and makes sure that all arrived.

        Of a table whose totals are kept file by file, what goes in is added to them before.
        """
        if frame.is_empty():
            return
        with self.lent("_batch", frame):
            if table in file_totals.KEPT:
                file_totals.add(self.connection, table, "_batch")
            added = self.connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM _batch").fetchall()
        if added != [(frame.height,)]:
            raise AssertionError(f"{frame.height} rows were to go into {table}, and {added} arrived")

    @contextmanager
    def lent(self, name: str, frame: pl.DataFrame) -> Iterator[None]:
        """Within the block `frame` is a table of that name for queries."""
        self.connection.register(name, frame)
        try:
            yield
        except BaseException:
            # In a transaction that a query's error ended, this is refused as well, and must not hide that error.
            with suppress(duckdb.Error):
                self.connection.unregister(name)
            raise
        self.connection.unregister(name)

    def replace(self, table: str, frame: pl.DataFrame) -> None:
        """Makes `frame` the whole content of `table`."""
        self.connection.execute(f"DELETE FROM {table}")
        self.insert(table, frame)

    def frame(self, query: str, parameters: Sequence[object] | dict[str, object] = ()) -> pl.DataFrame:
        """The result of `query`."""
        given = parameters if isinstance(parameters, dict) else list(parameters)
        return self.connection.sql(query, params=given).pl()

    def value(self, query: str, parameters: Sequence[object] | dict[str, object] = ()) -> Any:
        """The one value of `query`, or None."""
        rows = self.connection.execute(query, parameters or None).fetchall()
        return rows[0][0] if rows else None

    def batches(self, query: str, parameters: Sequence[object] = (), rows: int = BATCH_ROWS) -> Generator[pl.DataFrame]:
        """The result of `query` in batches, read through a cursor of its own so that writing can go on beside it."""
        cursor = self.connection.cursor()
        try:
            cursor.execute("SET TimeZone = 'UTC'")
            for batch in cursor.sql(query, params=list(parameters)).to_arrow_reader(rows):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame
        finally:
            cursor.close()

    def note(self, stage: str, month: str | None, facts: dict[str, Any]) -> None:
        """Writes the manifest row of a stage; belongs into the stage's transaction."""
        self.connection.execute("DELETE FROM manifest WHERE stage = ? AND month IS NOT DISTINCT FROM ?", [stage, month])
        self.connection.execute(
            'INSERT INTO manifest (stage, month, finished_at, version, "commit", facts) VALUES (?, ?, ?, ?, ?, ?)',
            [
                stage,
                month,
                datetime.now(UTC),
                VERSION,
                commit() or None,
                json.dumps(facts, default=str, sort_keys=True),
            ],
        )
