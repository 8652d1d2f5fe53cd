"""Month ends in processes of their own that die at a chosen moment, and what they leave behind.

The processes are forked from a server that has the imports done: a kill costs no start of the interpreter.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import duckdb
import polars as pl

from pipelines.session import Session
from pipelines.stages.issue import issue_month
from pipelines.stages.publish import publish
from pipelines.warehouse import Warehouse
from tests.pipelines.command import Said, call
from tests.pipelines.homes import Home
from tests.support import read_published, run_stages

MONTHS = ["2026-04"]
CLOCK = ["first_seen_at", "loaded_at", "issued_at", "at", "parked_at", "released_at", "due_on"]
"""Columns that say when something was done, or follow from it, which no two runs have in common."""

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.faults.victims", "pandera.backends.polars.builtin_checks"])


@dataclass(frozen=True)
class Moment:
    """Before or after the call of a function, `place` as module:name or module:Class.name."""

    when: str
    place: str

    def __str__(self) -> str:
        return f"{self.when} {self.place.rpartition('.')[2]}"


def month_ends(home: Home, moment: Moment | None = None) -> None:
    """The month ends of MONTHS, up to the moment where there is one."""
    if moment is not None:
        _deadly(moment)
    run_stages(home.path, home.price_tables, MONTHS)


def issue(home: Home, moment: Moment | None = None) -> None:
    """Issues MONTHS, which were run, up to the moment where there is one."""
    if moment is not None:
        _deadly(moment)
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        for month in MONTHS:
            issue_month(session, month)
            publish(session, month)


def _deadly(moment: Moment) -> None:
    module, _, name = moment.place.partition(":")
    owner: Any = importlib.import_module(module)
    *classes, function = name.split(".")
    for inner in classes:
        owner = getattr(owner, inner)
    harmless: Callable[..., Any] = getattr(owner, function)

    def deadly(*arguments: Any, **options: Any) -> Any:
        if moment.when == "after":
            harmless(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, function, deadly)


def run(
    home: Home,
    moment: Moment | None = None,
    *,
    kill_after: float | None = None,
    timeout: float = 60,
    task: Callable[[Home, Moment | None], None] = month_ends,
) -> int:
    """A task, month ends if nothing else is said, in another process, killed at the moment, or after so many seconds;
    its exit code."""
    process = _PROCESSES.Process(target=task, args=(home, moment))
    process.start()
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        raise TimeoutError(f"the run did not end in {timeout} s")
    assert process.exitcode is not None
    return process.exitcode


def command_on_full_disk(home: Home, month: str, largest: int) -> Said:
    """`callbill run` in a process that can write no file beyond so many bytes, as if the disk ended there."""
    mine, theirs = _PROCESSES.Pipe(duplex=False)
    with mine:
        process = _PROCESSES.Process(target=_cramped, args=(home, month, largest, theirs))
        process.start()
        theirs.close()
        assert mine.poll(120), "the command does not end"
        said = mine.recv()
        process.join()
    assert isinstance(said, Said)
    return said


def _cramped(home: Home, month: str, largest: int, answer: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    answer.send(call("run", month, *home.arguments))


@dataclass(frozen=True)
class Traces:
    """What lies in a home: the published tables without the clock, the names of its files, its Parquet files."""

    tables: dict[str, list[dict[str, Any]]]
    files: list[str]
    parquet: dict[str, bytes]

    @staticmethod
    def of(home: Home) -> Traces:
        """Of a home whose runs are over. What Dagster keeps is not looked at."""
        paths = {str(path.relative_to(home.path)): path for path in home.path.rglob("*") if path.is_file()}
        return Traces(
            {name: _without_clock(name, frame) for name, frame in read_published(home.path).items()},
            sorted(name for name in paths if not name.startswith(("dagster/", ".dagster"))),
            {name: path.read_bytes() for name, path in paths.items() if name.startswith("tables/")},
        )


def _without_clock(name: str, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """What is owed stands at the moment of issue; movements of the ledger follow from the inputs alone."""
    clock = [*CLOCK, "posted_at"] if name == "receivables" else CLOCK
    return frame.drop(clock, strict=False).to_dicts()


def readable_or_absent(home: Home) -> None:
    """What is published is whole: the tables can be read, and what a view names is there."""
    if home.published.exists():
        with duckdb.connect(str(home.published), read_only=True) as analyst:
            for name in ("rated_usage", "bills", "controls"):
                assert analyst.execute(f"SELECT count(*) FROM {name}").fetchall() > [(0,)]
