"""Commands that go on behind a COMMIT (recycle, write-off, issue, correct) are killed at any operation on the disk: the
same command said again, or `callbill run`, leaves what a command leaves that nothing befell.

With `--kills 100` or more at every operation, else behind a few COMMITs.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.operations.write_off import Chosen, write_off
from pipelines.storage.session import Silent
from tests.faults.broken_disk import Fault
from tests.faults.deadly_disk import ALL, done_until
from tests.faults.victims import Traces, readable_or_absent
from tests.faults.victims import correct as correct_months
from tests.faults.victims import issue as issue_months
from tests.pipelines.homes import Home, make_home
from tests.pipelines.switch import RIGHT, calls, recycle, run_alone, settings, switch_format
from tests.support import run_stages, scratch

APRIL, MAY = "2026-04", "2026-05"
MANY = 100
"""From so many `--kills` on every operation is the last one once."""


@dataclass(frozen=True)
class Prepared:
    """A home, and a copy of it that is put back before each kill: the published views name its place."""

    home: Home
    copy: Path

    def again(self) -> Home:
        """The home as it was."""
        shutil.rmtree(self.home.path)
        shutil.copytree(self.copy, self.home.path)
        return self.home


@contextmanager
def prepared(make: Callable[[Home], None]) -> Iterator[Prepared]:
    """A home that `make` has prepared."""
    with scratch() as folder, switch_format():
        home = make_home(folder)
        make(home)
        shutil.copytree(home.path, folder / "copy")
        yield Prepared(home, folder / "copy")


def waiting(home: Home) -> None:
    """Two months, each with a call that cannot be read and one without a price; both are mended since."""
    settings(home, **RIGHT)
    good = [("g4", "", "0184000003", "0145000001", "2026-04-05 10:00:00", 83)]
    good += [("g5", "", "0184000003", "0145000001", "2026-05-05 10:00:00", 83)]
    # 2026-04-07 08:00 and 2026-05-07 08:00 UTC.
    refused = [
        ("r4", "", "0184000003", "0145000001", 1775548800, 60),
        ("r5", "", "0184000003", "0145000001", 1778140800, 5),
    ]
    unpriced = [("u4", "", "0184000003", "+99912345678", "2026-04-09 10:00:00", 7)]
    unpriced += [("u5", "", "0184000003", "+99912345678", "2026-05-09 10:00:00", 9)]
    calls(home, "a.csv", good + refused)
    calls(home, "b.csv", unpriced)
    run_stages(home.path, home.price_tables, [APRIL, MAY])
    settings(home, **RIGHT, template="${epoch}")
    home.add("destinations", "999,Nowhere,FR")
    home.add("voice_outbound", "default_eur,Nowhere,0.010000,0,1,1,2025-01-01")


def drafted(home: Home) -> None:
    """The same months, run by the prices that have come since."""
    waiting(home)
    run_stages(home.path, home.price_tables, [APRIL, MAY])


def run(home: Home) -> None:
    """`callbill run` of the first month."""
    with switch_format():
        run_alone(home, APRIL)


def recycle_all(home: Home) -> None:
    """`callbill recycle`."""
    with switch_format():
        recycle(home)


def give_up(home: Home) -> None:
    """`callbill write-off` of a record that could not be read, and of one without a price."""
    names = ("inbox/switch/a.csv:3", "inbox/switch/b.csv:1")
    with switch_format():
        write_off(home.installation, Chosen(names), "not worth the time", "Ann", Silent())


def issue(home: Home) -> None:
    """`callbill issue`."""
    with switch_format():
        issue_months(home)


def correct(home: Home) -> None:
    """`callbill correct --issue`."""
    with switch_format():
        correct_months(home)


def issued(home: Home) -> None:
    """A home whose month is issued, and whose prices have changed since."""
    drafted(home)
    with (home.path / "callbill.toml").open("a") as file:
        file.write("[issue]\nsuspense_percent = 100\n")
    assert done_until(home, issue)
    home.edit("voice_outbound", "default_eur,France,0.012000", "default_eur,France,0.024000")


COMMANDS: dict[str, tuple[Callable[[Home], None], Callable[[Home], None], str]] = {
    "recycle": (waiting, recycle_all, "SELECT 1 FROM audit WHERE action = 'recycle'"),
    "write-off": (waiting, give_up, "SELECT 1 FROM write_offs"),
    "issue": (drafted, issue, "SELECT 1 FROM issues"),
    "correct": (issued, correct, "SELECT 1 FROM issues WHERE part = 2"),
}
"""Of each command: its home, the command, and what the warehouse tells when the command was committed."""


def points(done: Counter[str], kills: int) -> list[Fault]:
    """The operations at which a command is killed, of `done` by kind: behind some of its COMMITs, and before the file that
    it puts in place last; or all."""
    if kills >= MANY:
        return [Fault(kind, place) for kind in ALL for place in range(done[kind])]
    step = max(1, done["committed"] // kills)
    return [Fault("committed", place) for place in range(0, done["committed"], step)] + [
        Fault("os.rename", done["os.rename"] - 1)
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_killed(name: str, pytestconfig: pytest.Config) -> None:
    make, command, is_done = COMMANDS[name]
    kills = pytestconfig.getoption("--kills")
    # What an issue and a correction come to that are said again, tests of their own say.
    after = [run] if command in (issue, correct) else [command, run]
    with prepared(make) as ready:
        done = done_until(ready.again(), command)
        assert done is not None
        undisturbed = Traces.of(ready.home)
        assert done_until(ready.home, run)
        and_run = Traces.of(ready.home)
        assert done_until(ready.again(), run)
        run_only = Traces.of(ready.home)
        for number, point in enumerate(points(done, kills)):
            for then in (command, run) if kills >= MANY else (after[number % len(after)],):
                home = ready.again()
                assert done_until(home, command, point) is None
                readable_or_absent(home)
                expected = undisturbed if then is command else and_run if committed(home, is_done) else run_only
                assert done_until(home, then)
                when = f"killed at {point}, then {then.__name__}"
                same(Traces.of(home), expected, when, swept=expected is not run_only)


def committed(home: Home, query: str) -> bool:
    with duckdb.connect(str(home.path / "warehouse.duckdb"), read_only=True) as connection:
        return bool(connection.execute(query).fetchall())


def same(found: Traces, expected: Traces, when: str, *, swept: bool) -> None:
    """As `==`, and says which table it is. Folders of month tables that a killed command put in place and never named stay
    for some days where that command is not said again: what is not `swept` yet does not count."""
    tables: dict[str, Any] = {name: rows for name, rows in found.tables.items() if rows != expected.tables[name]}
    assert not tables, f"{when}: {tables}\n{ {name: expected.tables[name] for name in tables} }"
    assert not [name for name in found.files if "/." in name or name.startswith(".")], when
    if swept:
        assert (found.files, found.content) == (expected.files, expected.content), when
