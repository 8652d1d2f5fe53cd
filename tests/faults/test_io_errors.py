"""An I/O error at any operation on the disk: a sentence, exit status 2, and with the next run as if nothing had happened."""

from __future__ import annotations

import errno
import random
from collections import Counter
from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.errors import CommitFailed
from pipelines.stages.proof import table_hash
from pipelines.storage.warehouse import Warehouse
from tests.faults.broken_disk import KINDS, Fault
from tests.faults.conftest import issuing_home
from tests.faults.victims import (
    MONTHS,
    Traces,
    command,
    command_on_broken_disk,
    numbers_are_whole,
    readable_or_absent,
    run,
)
from tests.pipelines.command import call
from tests.pipelines.homes import Home
from tests.support import read_published, run_stages

(MONTH,) = MONTHS


@pytest.fixture(scope="module")
def faults(undisturbed_issue: list[Traces]) -> Iterator[list[Fault]]:
    """Every operation of a month end with its issue, in an order that is always the same: of each kind one by turns."""
    for home in issuing_home():
        said, done = command_on_broken_disk(home, None, "run", MONTH)
        assert (said.status, said.err) == (0, "")
        assert Traces.of(home) == undisturbed_issue[0]
        yield spread(done)


def spread(done: Counter[str]) -> list[Fault]:
    """The operations of the kinds by turns, those of a kind shuffled."""
    assert set(done) == set(KINDS)
    chance = random.Random(50)
    shuffled = [[Fault(kind, place) for place in chance.sample(range(done[kind]), done[kind])] for kind in KINDS]
    return [fault for fault in chain.from_iterable(zip_longest(*shuffled)) if fault is not None]


def test_io_error(io_error: int, issuing: Home, undisturbed_issue: list[Traces], faults: list[Fault]) -> None:
    fault = faults[io_error]
    said, _ = command_on_broken_disk(issuing, fault, "run", MONTH)
    assert (said.status, said.out) == (2, ""), f"{fault}: {said}"
    assert said.err.startswith("callbill: "), f"{fault}: {said.err}"
    assert "I/O error" in said.err or "Input/output error" in said.err, f"{fault}: {said.err}"
    assert "Traceback" not in said.err, f"{fault}: {said.err}"
    assert "a fault of callbill" not in said.err, f"{fault}: {said.err}"
    readable_or_absent(issuing)
    numbers_are_whole(issuing)
    rerun = command(issuing, "run", MONTH).answer()
    assert (rerun.status, rerun.err) == (0, ""), f"{fault}: {rerun}"
    assert Traces.of(issuing) in undisturbed_issue, fault
    numbers_are_whole(issuing)


def broken(*_: object, **__: object) -> Any:
    raise OSError(errno.EIO, "Input/output error")


class TestReading:
    """What cannot be read now is not taken for what it says."""

    def test_a_raw_file_is_not_damaged(self, home: Home, undisturbed: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
        """A damaged one is suspended for good; of this one the next run reads every record."""
        with monkeypatch.context() as patch:
            patch.setattr("pipelines.inputs.inbox.pq.ParquetFile", broken)
            said = call("run", MONTH, *home.arguments)
        assert said.status == 2
        assert "stage usage_records stopped, nothing of it was kept: [Errno 5] Input/output error" in said.err
        assert run(home) == 0
        assert Traces.of(home) == undisturbed

    def test_nothing_is_issued_without_its_proof(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        assert run(home) == 0
        with monkeypatch.context() as patch:
            patch.setattr("pipelines.stages.proof.table_hash", unreadable)
            said = call("issue", MONTH, "--yes", *home.arguments)
        assert said.status == 2
        assert "stage issued stopped, nothing of it was kept: IO Error" in said.err
        assert read_published(home.path)["bills"]["bill_number"].null_count() == 5
        assert call("issue", MONTH, "--yes", *home.arguments).status == 0
        assert read_published(home.path)["bills"]["bill_number"].null_count() == 0
        assert command(home, "verify", MONTH).answer().status == 0


def unreadable(connection: Any, table: Any, source: str, *parameters: Any) -> Any:
    if source.startswith("read_parquet"):
        raise duckdb.IOException("IO Error: Could not read from file")
    return table_hash(connection, table, source, *parameters)


class FailsToCommit:
    """A connection whose COMMIT is reported as failed, and is there."""

    def __init__(self, real: duckdb.DuckDBPyConnection):
        self.real = real

    def execute(self, query: str) -> None:
        self.real.execute(query)
        if query == "COMMIT":
            raise duckdb.TransactionException("TransactionContext Error: Failed to commit: Could not write file")

    def close(self) -> None:
        self.real.close()


def test_nobody_goes_on_after_a_failed_commit(home: Home) -> None:
    """The next to open the warehouse reads what is there; the connection that was told otherwise is closed."""
    with Warehouse.open(home.installation) as warehouse:
        real = warehouse.connection
        warehouse.connection = FailsToCommit(real)
        with pytest.raises(CommitFailed, match="the next run reads whether it was kept"), warehouse.transaction():
            real.execute("INSERT INTO left_open VALUES ('2026-04', 'A1')")
        with pytest.raises(duckdb.ConnectionException):
            real.execute("SELECT 1")
    with Warehouse.open(home.installation) as warehouse:
        assert warehouse.value("SELECT account_id FROM left_open") == "A1"


def test_a_folder_that_was_there_is_synced(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who renamed it may have been killed before the rename was on the disk."""
    run_stages(home.path, home.price_tables, MONTHS)
    synced: list[Path] = []
    monkeypatch.setattr("pipelines.storage.month_files.sync", synced.append)
    run_stages(home.path, home.price_tables, MONTHS)
    tables = home.path / "tables"
    assert {tables, tables / "bills", tables / "bills" / MONTH} <= set(synced)
