"""One run at a time: who finds the warehouse held is told by whom, and a dead holder holds nothing."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import LockHeld
from pipelines.storage.warehouse import WarehouseLock
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL

HOLD = """
import sys, time, pathlib
from pipelines.storage.warehouse import WarehouseLock
lock = WarehouseLock(pathlib.Path(sys.argv[1]))
lock.acquire(0)
print("held", flush=True)
time.sleep(300)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one call."""
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL])
    return home


@pytest.fixture
def holder(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the warehouse."""
    command = [sys.executable, "-c", HOLD, str(home.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_held(home: Home, holder: subprocess.Popen[str]) -> None:
    said = call("run", "2026-04", "--wait", "0", *home.arguments)
    assert (said.status, said.out) == (3, "")
    assert said.err.startswith(f"callbill: the warehouse is held by process {holder.pid} on ")
    assert not (home.path / "warehouse.duckdb").exists()


def test_a_holder_writes_its_name_a_moment_later(home: Home) -> None:
    with (home.path / "warehouse.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        writer = threading.Timer(0.03, lambda: (file.write("process 7"), file.flush()))
        writer.start()
        with pytest.raises(LockHeld, match="held by process 7;"):
            WarehouseLock(home.path).acquire(0)
        writer.join()


def test_a_holder_that_was_killed_holds_nothing(home: Home, holder: subprocess.Popen[str]) -> None:
    killer = threading.Timer(1, holder.kill)
    killer.start()
    said = call("run", "2026-04", "--wait", "60", "--json", *home.arguments)
    killer.join()
    assert said.status == 0
    assert said.err.startswith(f"callbill: waiting for process {holder.pid} on ")
    assert said.result["files"]["records"] == 1
