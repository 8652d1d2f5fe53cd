"""The command as a process of its own: its streams, its signals, its neighbours, and what it leaves where."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.command import ended, start
from tests.pipelines.homes import Home, make_home

MONTH = "2026-04"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a little traffic."""
    home = make_home(tmp_path)
    home.traffic([MONTH], records=60)
    return home


def test_two_at_once_in_a_fresh_home_and_nothing_outside_it(home: Home, tmp_path: Path) -> None:
    names = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    outside = {name: tmp_path / "outside" / name for name in names}
    for folder in outside.values():
        folder.mkdir(parents=True)
    tables = tree(home.price_tables)
    environment = {name: str(folder) for name, folder in outside.items()}
    environment |= {"CALLBILL_HOME": str(home.path), "CALLBILL_PRICE_TABLES": str(home.price_tables)}
    both = [start("run", MONTH, "--json", **environment) for _ in range(2)]
    first, second = (ended(process) for process in both)
    assert (first.status, second.status) == (0, 0), first.err + second.err
    assert first.result == second.result
    assert {line.split(" process ")[0] for line in (first.err + second.err).splitlines()} <= {"callbill: waiting for"}
    assert tree(home.price_tables) == tables
    assert [path for folder in outside.values() for path in folder.rglob("*")] == []


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_where_nobody_looks_it_says_nothing_but_its_results(home: Home) -> None:
    said = ended(start("run", MONTH, *home.arguments))
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("\n2026-04: 60 records in 4 files, 0 duplicates")
    assert "\x1b" not in said.out


@pytest.mark.parametrize("later", [0, 7])
def test_interrupted(home: Home, later: int) -> None:
    """Some tenths of a second after the warehouse is there: Python imports, or tidies up."""
    process = start("run", MONTH, *home.arguments)
    deadline = time.monotonic() + 60
    while not (home.path / "warehouse.duckdb").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(later / 10)
    process.send_signal(signal.SIGINT)
    said = ended(process)
    assert (said.status, said.out) == (130, "")
    assert said.err.strip() == "callbill: interrupted; what was finished stays, and a new run goes on from there"


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads the sockets from /proc")
def test_the_ui_listens_on_loopback_only_and_ends_whole(home: Home) -> None:
    port = free_port()
    with start("ui", "--port", str(port), *home.arguments) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/server_info")
            family = list(processes_of(home))
            assert len(family) >= 4
            assert {place[:8] for place in listening(family)} == {"0100007F"}
        finally:
            process.terminate()
        assert process.wait(timeout=120) is not None
    deadline = time.monotonic() + 120
    while list(processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(processes_of(home)) == []


def free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(url: str, seconds: float = 300) -> None:
    """Returns when something answers there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert time.monotonic() < deadline, f"nothing answers at {url}"
            time.sleep(0.2)


def processes_of(home: Home) -> Iterator[Path]:
    """The /proc folders of the processes that have the home in their environment, this one aside."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if folder.name != str(os.getpid()) and f"CALLBILL_HOME={home.path}\0".encode() in environment:
            yield folder


def listening(family: list[Path]) -> list[str]:
    """Where the processes listen for TCP, as the kernel writes it: address, colon, port, in hexadecimal."""
    sockets = set()
    for folder in family:
        for handle in (folder / "fd").iterdir():
            try:
                sockets.add(str(handle.readlink()))
            except OSError:
                continue
    tables = [Path("/proc/net", name).read_text().splitlines() for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table]
    return [line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets]
