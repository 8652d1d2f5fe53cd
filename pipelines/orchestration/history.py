"""Dagster's run history in SQLite as Dagster keeps it, on connections that stay open.

Dagster's own storages open a connection, and make an engine that compiles every statement anew, for each of the hundreds
of events of a run: most of what a small month costs. The files, their tables and what stands in them are the same; a home
can go back to Dagster's own storage at any time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster import StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

ENGINES_MAX = 16
"""Databases held open at once: each run has one of its own, and a web server may look at many."""


class _Engines:
    """Engines by the address of their database, the one used longest ago is given up first."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, Engine] = OrderedDict()

    def of(self, address: str) -> Engine:
        """The engine of a database, made at its first use."""
        if address not in self._made:
            self._made[address] = _engine(address)
            while len(self._made) > ENGINES_MAX:
                self._made.popitem(last=False)[1].dispose()
        self._made.move_to_end(address)
        return self._made[address]

    def dispose(self) -> None:
        """Closes every connection."""
        while self._made:
            self._made.popitem()[1].dispose()


def _engine(address: str) -> Engine:
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def without_waiting_for_the_disk(connection: Any, _: object) -> None:
        # With a write-ahead log a power cut takes the last events of the history with it, and never breaks the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        # The log is written into the database every 400 KiB: no connection closes after each event, which does it as well.
        connection.execute("PRAGMA wal_autocheckpoint = 100")

    return engine


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection, connection.begin():
        yield connection


_VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_VERSION = "SELECT version_num FROM alembic_version"


def _version(engine: Engine) -> str | None:
    """The version of the tables of a database as Dagster stamped it; None where it has none yet."""
    try:
        with engine.connect() as connection:
            return connection.execute(text(_VERSION)).scalar()
    except DatabaseError:
        return None


def _is_made(folder: str, name: str) -> bool:
    """Whether the database is there with its tables. To ask alembic, which Dagster does, reads every migration there is."""
    if not Path(folder, f"{name}.db").exists():
        return False
    engine = _engine(create_db_conn_string(folder, name))
    try:
        return _version(engine) is not None
    finally:
        engine.dispose()


class EventLog(SqliteEventLogStorage):
    """Events of runs, a database a run, and the index over all."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines = _Engines()
        self._has_columns: bool | None = None
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engines.of(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with _transaction(engine) as connection:
                yield connection

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Makes the tables of a database that has none: of a run as alembic would, with the version that the index has."""
        if _version(engine) is not None:
            return
        index = self.conn_string_for_shard(INDEX_SHARD_NAME)
        version = None if str(engine.url) == index else _version(self._engines.of(index))
        if version is None:
            super()._initdb(engine, for_index_shard)
            return
        try:
            SqlEventLogStorageMetadata.create_all(engine)
            with engine.connect() as connection:
                connection.execute(text("PRAGMA journal_mode=WAL"))
                connection.execute(text(_VERSION_TABLE))
                connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})
                connection.commit()
        except DatabaseError:
            # A web server that looks at the run makes them at this moment.
            super()._initdb(engine, for_index_shard)

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        if self._has_columns is None:
            self._has_columns = super()._has_asset_key_index_cols_on_connection(conn)
        return self._has_columns

    def dispose(self) -> None:
        """Closes what is open."""
        super().dispose()
        self._engines.dispose()


class Runs(SqliteRunStorage):
    """The runs and their tags."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Self:
        """The runs of a folder, made where they are not."""
        if _is_made(base_dir, "runs"):
            return cls(create_db_conn_string(base_dir, "runs"), inst_data)
        return super().from_local(base_dir, inst_data)

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = _engine(conn_string)
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A transaction of its own."""
        with _transaction(self._engine) as connection:
            yield connection

    def dispose(self) -> None:
        """Closes what is open."""
        super().dispose()
        self._engine.dispose()


class Schedules(SqliteScheduleStorage):
    """What schedules and sensors did; a run asks nothing of it."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> SqliteScheduleStorage:
        """The schedules of a folder, made where they are not."""
        if _is_made(base_dir, "schedules"):
            return cls(create_db_conn_string(base_dir, "schedules"), inst_data)
        return super().from_local(base_dir, inst_data)


class History(DagsterSqliteStorage):
    """The storage of what this process runs. Other processes may use Dagster's own beside it: the files are the same."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        history = Path(base_dir) / "history"
        self.base_dir = base_dir
        self._run_storage = Runs.from_local(f"{history}/")
        self._event_log_storage = EventLog(f"{history / 'runs'}/")
        self._schedule_storage = Schedules.from_local(f"{Path(base_dir) / 'schedules'}/")
        self._inst_data = inst_data
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """`base_dir`, as of Dagster's own."""
        return {"base_dir": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Self:
        """Made from an instance's reference."""
        return cls.from_local(inst_data=inst_data, **config_value)
