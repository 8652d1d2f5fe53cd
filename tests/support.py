"""Runs months in this process without Dagster and reads what was published. Knows nothing of what is right."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.settings import Installation
from pipelines.stages.month_end import MONTH_END
from pipelines.storage.catalogue import PUBLISHED_MONTHLY, PUBLISHED_WHOLE
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse

MEMORY = Path("/dev/shm")
"""Where files are in memory and syncing one costs nothing, on systems that have it."""

KEYS = {name: table._key for name, table in (PUBLISHED_MONTHLY | PUBLISHED_WHOLE).items()}
"""The columns that name a row of each published table."""


@dataclass(frozen=True)
class Published:
    """The published tables by name, rows in the order of their key, and the controls that did not pass."""

    tables: dict[str, pl.DataFrame]
    failed: list[dict[str, Any]]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table."""
        return self.tables[name].to_dicts()


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of its own, in memory where the system has such a place, gone afterwards."""
    parent = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="callbill-", dir=parent) as folder:
        yield Path(folder)


def run_stages(home: Path, price_tables: Path, months: Sequence[str], *, may_fail: Collection[str] = ()) -> Published:
    """The tables after the runs of `months`, in their order. Every control passes but those of `may_fail`."""
    installation = Installation.find(home, price_tables)
    failed: list[dict[str, Any]] = []
    with Warehouse.open(installation) as warehouse:
        session = Session(installation, warehouse)
        for month in months:
            controls = run_month(session, month)
            failed += controls.filter(~pl.col("passed")).to_dicts()
    unforeseen = [row for row in failed if row["control"] not in may_fail]
    assert not unforeseen, unforeseen
    return Published(read_published(home), failed)


def run_month(session: Session, month: str) -> pl.DataFrame:
    """The stages of a month end in their order; returns the controls. Publishes whatever they say."""
    made = {stage.name: stage.run(session, month) for stage in MONTH_END}
    controls: pl.DataFrame = made["controls"]
    return controls


def read_published(home: Path) -> dict[str, pl.DataFrame]:
    """Every published table, as an analyst reads it, in the order of its key."""
    with duckdb.connect(str(home / "published" / "billing.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return {
            name: connection.sql(f"SELECT * FROM {name} ORDER BY {', '.join(key)}").pl() for name, key in KEYS.items()
        }
