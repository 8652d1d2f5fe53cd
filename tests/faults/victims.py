"""Month ends in processes of their own that die at a chosen moment, and what they leave behind.

The processes are forked from a server that has the imports done: a kill costs no start of the interpreter.
"""

from __future__ import annotations

import importlib
import io
import multiprocessing
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import duckdb
import polars as pl

import pipelines.operations.write_off
import pipelines.stages.collect
import pipelines.stages.issue
from pipelines.cli import guarded
from pipelines.reference.consistency import read_price_tables, read_reference
from pipelines.stages.collect import collect_month
from pipelines.stages.correct import compare_month, correct_month
from pipelines.stages.issue import issue_month
from pipelines.stages.load import load_reference_and_prices
from pipelines.stages.proof import put_proof
from pipelines.stages.publish import publish, publish_again
from pipelines.stages.send_due import send_due
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.faults.broken_disk import BrokenDisk, Fault
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
    """Issues MONTHS, which were run, up to the moment where there is one; at an hour that is always the same."""
    stop_the_clock()
    if moment is not None:
        _deadly(moment)
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        for month in MONTHS:
            issue_month(session, month)
            publish(session, month)


def collect(home: Home, moment: Moment | None = None) -> None:
    """Makes the payment files of MONTHS, which were issued, up to the moment where there is one; at the hour of issue."""
    stop_the_clock()
    if moment is not None:
        _deadly(moment)
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        for month in MONTHS:
            collect_month(session, month)
            publish_again(session)


def correct(home: Home, moment: Moment | None = None) -> None:
    """Corrects MONTHS, which were issued, up to the moment where there is one; at an hour that is always the same."""
    if moment is not None:
        _deadly(moment)
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        for month in MONTHS:
            load_reference_and_prices(session, month)
            tables = read_price_tables(home.installation)
            tables |= read_reference(home.installation, tables)
            found = compare_month(session, month, tables)
            correct_month(session, month, tables, found, "wrong price", _Clock.now(UTC))
            put_proof(session, month)
            publish(session, month)


def send(home: Home, moment: Moment | None = None) -> None:
    """Sends the e-mails that wait, up to the moment where there is one."""
    if moment is not None:
        _deadly(moment)
    with Warehouse.open(home.installation) as warehouse:
        send_due(Session(home.installation, warehouse), timeout=10)


def month_ends_and_issue(home: Home, moment: Moment | None = None) -> None:
    """The month ends of MONTHS and their issue, at an hour that is always the same: every byte is told beforehand."""
    month_ends(home, moment)
    issue(home)


class _Clock(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime(2026, 5, 2, 12, tzinfo=tz)


def stop_the_clock() -> None:
    """When an issue happens is written into its bills and its proof, and with them into hashes and names of files."""
    pipelines.stages.issue.datetime = _Clock
    pipelines.stages.collect.datetime = _Clock
    pipelines.operations.write_off.datetime = _Clock


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


class Asked:
    """Another process that does something and sends back what came of it."""

    def __init__(self, target: Callable[..., None], *arguments: object):
        self._answer, theirs = _PROCESSES.Pipe(duplex=False)
        self.process = _PROCESSES.Process(target=target, args=(theirs, *arguments))
        self.process.start()
        theirs.close()

    def answer(self, timeout: float = 300) -> Any:
        """What it sent. Raises EOFError where it died before."""
        with self._answer:
            assert self._answer.poll(timeout), "the command does not end"
            try:
                return self._answer.recv()
            finally:
                self.process.join()


def _command(answer: Connection, arguments: Sequence[str]) -> None:
    stop_the_clock()
    answer.send(call(*arguments))


def command(home: Home, *arguments: str) -> Asked:
    """A command of callbill's for the home, in another process; its answer is what it Said."""
    return Asked(_command, [*arguments, *home.arguments])


def command_on_full_disk(home: Home, largest: int, *arguments: str) -> Said:
    """A command in a process that can write no file beyond so many bytes, as if the disk ended there."""
    return _on_full_disk(largest, partial(call, *arguments, *home.arguments))


def issue_on_full_disk(home: Home, largest: int) -> Said:
    """An issue on such a disk without Dagster, whose history is larger than what an issue writes."""
    return _on_full_disk(largest, partial(_told_issue, home))


def _told_issue(home: Home) -> Said:
    err = io.StringIO()
    with redirect_stderr(err):
        status = guarded(partial(issue, home))
    return Said(status, "", err.getvalue())


def _on_full_disk(largest: int, do: Callable[[], Said]) -> Said:
    said = Asked(_cramped, largest, do).answer()
    assert isinstance(said, Said)
    return said


def _cramped(answer: Connection, largest: int, do: Callable[[], Said]) -> None:
    stop_the_clock()
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    answer.send(do())


def command_on_broken_disk(home: Home, fault: Fault | None, *arguments: str) -> tuple[Said, Counter[str]]:
    """A command in a process where one operation on the disk fails; and how many there were of each kind."""
    said, done = Asked(_broken, home, fault, [*arguments, *home.arguments]).answer()
    return said, done


def _broken(answer: Connection, home: Home, fault: Fault | None, arguments: Sequence[str]) -> None:
    stop_the_clock()
    disk = BrokenDisk([home.path, home.price_tables], fault)
    disk.insert()
    answer.send((call(*arguments), disk.done))


_LASTING = ("tables/", "issued/", "documents/")


@dataclass(frozen=True)
class Traces:
    """What lies in a home: the published tables without the clock, the names of its files, the bytes of its Parquet files,
    proofs and documents."""

    tables: dict[str, list[dict[str, Any]]]
    files: list[str]
    content: dict[str, bytes]

    @staticmethod
    def of(home: Home) -> Traces:
        """Of a home whose runs are over. What Dagster keeps is not looked at."""
        paths = {str(path.relative_to(home.path)): path for path in home.path.rglob("*") if path.is_file()}
        return Traces(
            {name: _without_clock(name, frame) for name, frame in read_published(home.path).items()},
            sorted(name for name in paths if not name.startswith(("dagster/", ".dagster"))),
            {name: path.read_bytes() for name, path in paths.items() if name.startswith(_LASTING)},
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


def numbers_are_whole(home: Home) -> None:
    """Bills and receipts that are published are numbered without gap and without repeat, and no bill is paid twice."""
    if not home.published.exists():
        return
    tables = read_published(home.path)
    for prefix, name, number in (("", "bills", "bill_number"), ("R-", "receipts", "receipt_number")):
        numbers = tables[name][number].drop_nulls().sort().to_list()
        assert numbers == [f"{prefix}2026-{place:06}" for place in range(1, len(numbers) + 1)]
    for name, document in (
        ("bills", ["billing_month", "account_id"]),
        ("receipts", ["credit_id"]),
        ("ledger", ["account_id", "kind", "reference"]),
    ):
        assert tables[name].select(document).is_unique().all(), name
