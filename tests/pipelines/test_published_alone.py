"""The published file is nobody's to write: what others have written into it is put aside, and it can always be read."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import BadInput
from pipelines.stages import publish as publishing
from pipelines.stages.publish import catch_up, publish, publish_again
from pipelines.storage.published import published
from pipelines.storage.session import Session, Silent
from pipelines.storage.warehouse import Warehouse
from tests.faults.broken_disk import Fault
from tests.faults.deadly_disk import FEW, done_until
from tests.faults.victims import readable_or_absent
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL
from tests.support import read_published, run_stages

MONTH = "2026-04"

WRITER = """
import os, signal, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("DELETE FROM receipts")
connection.execute("CREATE TABLE mine AS SELECT 1 AS a")
print("written", flush=True)
sys.stdin.readline()
"""


class Told(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def warn(self, sentence: str) -> None:
        """Something a person should know."""
        self.sentences.append(sentence)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a month that was run."""
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL])
    run_stages(home.path, home.price_tables, [MONTH])
    return home


@contextmanager
def writer(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Within the block a program, of somebody who may write everywhere, has written into the published file."""
    arguments = [sys.executable, "-c", WRITER, str(home.published)]
    home.published.chmod(0o600)
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "written\n"
        yield process
        process.kill()


@pytest.fixture
def written(home: Home) -> Home:
    """Such a home, into whose published file a program has written that was killed."""
    with writer(home):
        pass
    assert log_of(home).exists()
    return home


def log_of(home: Home) -> Path:
    return home.published.with_name("billing.duckdb.wal")


def again(home: Home) -> list[str]:
    """Publishes the month anew; returns what is told."""
    told = Told()
    with Warehouse.open(home.installation) as warehouse:
        publish(Session(home.installation, warehouse, told), MONTH)
    return told.sentences


def test_the_next_publication_puts_it_aside_and_says_so(written: Home) -> None:
    (sentence,) = again(written)
    assert sentence == (
        f"{log_of(written)}: a program opened the published file for writing and did not close it; what it wrote there "
        "is not kept. Open the file read-only"
    )
    assert [path.name for path in written.published.parent.iterdir()] == ["billing.duckdb"]
    assert read_published(written.path)["receipts"].height == 2
    assert again(written) == []


def republish(home: Home) -> None:
    """What commands do that leave the months as they are."""
    with Warehouse.open(home.installation) as warehouse:
        publish_again(Session(home.installation, warehouse))


def test_killed_at_any_step_a_file_is_there_that_can_be_read(home: Home) -> None:
    with writer(home):
        pass
    log, content = log_of(home).read_bytes(), home.published.read_bytes()
    done = done_until(home, republish)
    assert done is not None
    for fault in (Fault(kind, place) for kind in FEW for place in range(done[kind])):
        home.published.unlink()
        home.published.write_bytes(content)
        log_of(home).write_bytes(log)
        assert done_until(home, republish, fault) is None
        readable_or_absent(home)
    republish(home)
    assert [path.name for path in home.published.parent.iterdir()] == ["billing.duckdb"]


def test_nothing_is_published_over_somebody_who_writes(home: Home) -> None:
    home.usage("late.csv", [CALL | {"record_id": "c2"}])
    with writer(home) as process:
        before = home.published.read_bytes()
        with pytest.raises(
            BadInput, match=r"billing.duckdb: a program has it open for writing, and nothing is published"
        ):
            run_stages(home.path, home.price_tables, [MONTH])
        assert home.published.read_bytes() == before
        with Warehouse.open(home.installation) as warehouse:
            told = Told()
            catch_up(Session(home.installation, warehouse, told))
        assert told.sentences[0].startswith(
            "what a command that was killed has left unpublished cannot be published yet"
        )
        process.kill()
        process.wait()
    with Warehouse.open(home.installation) as warehouse:
        catch_up(Session(home.installation, warehouse))
    assert read_published(home.path)["rated_usage"].height == 2


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_owner_and_group_read_it_and_nobody_writes_it(tmp_path: Path, mask: int) -> None:
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL])
    before = os.umask(mask)
    try:
        run_stages(home.path, home.price_tables, [MONTH])
    finally:
        os.umask(before)
    files = [home.published, *(home.path / "tables").rglob("*.parquet")]
    assert len(files) > 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o440}


def test_nobody_takes_figures_of_others_for_callbills(written: Home) -> None:
    with pytest.raises(BadInput, match=r"billing.duckdb.wal: a program opened the published file for writing"):
        published(written.published)
    for command in (["explain", f"{MONTH}:A2"], ["suspense"], ["journal", MONTH], ["simulate", MONTH]):
        said = call(*command, *written.arguments)
        assert (said.status, said.out) == (2, ""), said
        assert "publish anew with `callbill run MONTH`" in said.err
    assert "a program opened the published file for writing" in call("check", *written.arguments).out


def test_a_file_that_somebody_writes_is_told(home: Home) -> None:
    with writer(home):
        log_of(home).unlink()
        said = call("suspense", *home.arguments)
    assert (said.status, "a program has it open for writing, and nobody can read it" in said.err) == (2, True)


def test_it_is_published_only_where_it_can_be_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    real = publishing.put

    def torn(beside: Path, place: Path) -> None:
        real(beside, place)
        place.chmod(0o600)
        os.truncate(place, 5000)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "put", torn)
        with pytest.raises(BadInput, match="was put in place and cannot be read"):
            again(home)
    with Warehouse.open(home.installation) as warehouse:
        catch_up(Session(home.installation, warehouse))
    assert read_published(home.path)["rated_usage"].height == 1


def test_the_log_of_the_warehouse_is_its_own(home: Home) -> None:
    """What a killed run has committed is in it; without the file that it belongs to nothing is begun anew over it."""
    log = home.path / "warehouse.duckdb.wal"
    code = (
        "import os, signal, duckdb, sys; connection = duckdb.connect(sys.argv[1]); "
        "connection.execute('INSERT INTO read_again VALUES (1, 1, 1, $$main$$)'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(home.path / "warehouse.duckdb")])
    assert killed.returncode == -signal.SIGKILL
    content = log.read_bytes()
    warehouse = home.path / "warehouse.duckdb"
    warehouse.rename(home.path / "away")
    said = call("recycle", *home.arguments)
    assert (said.status, "warehouse.duckdb is missing, and warehouse.duckdb.wal lies beside it" in said.err) == (
        2,
        True,
    )
    assert (log.read_bytes(), warehouse.exists()) == (content, False)
    (home.path / "away").rename(warehouse)
    again(home)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM read_again").fetchall() == [(1,)]


def test_what_a_killed_run_spilled_is_removed(home: Home) -> None:
    left = home.path / ".spill" / "duckdb_temp_1_0_storage_DEFAULT-0.tmp"
    left.parent.mkdir()
    left.write_bytes(b"x")
    again(home)
    assert not left.parent.exists()
