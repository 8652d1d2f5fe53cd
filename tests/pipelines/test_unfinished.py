"""What a command that was killed has left to be done: whoever comes next does it, and fails at nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.definitions import definitions
from pipelines.errors import ControlFailed
from pipelines.operations.run import run_month
from pipelines.orchestration.instance import dagster_instance
from pipelines.stages.publish import catch_up
from pipelines.storage.audit import add_entry
from pipelines.storage.session import Session, Silent
from pipelines.storage.unfinished import must_publish, must_run, to_publish, to_run
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL
from tests.support import run_month as run_stages_of
from tests.support import run_stages

APRIL, MAY, JUNE = "2026-04", "2026-05", "2026-06"


class Told(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def warn(self, sentence: str) -> None:
        """Something a person should know."""
        self.sentences.append(sentence)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with three months that were run."""
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL, CALL | {"record_id": "m", "started_at": "2026-05-05T10:00:00Z"}])
    run_stages(home.path, home.price_tables, [APRIL, MAY, JUNE])
    return home


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_run_runs_the_months_that_a_recycling_left(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them cannot be run: that is told, and the others are run all the same."""
    ran = []

    def run(session: Session, name: str) -> None:
        ran.append(name)
        if name == MAY:
            session.failure = ControlFailed("control charges failed for 2026-05")
            raise session.failure
        run_stages_of(session, name)

    monkeypatch.setattr("pipelines.operations.run.materialize", run)
    with Warehouse.open(home.installation) as warehouse, warehouse.transaction():
        must_run(Session(home.installation, warehouse), [APRIL, MAY, JUNE, "2020-01"])
    told = Told()
    assert run_month(home.installation, APRIL, told)["month"] == APRIL
    assert ran == [APRIL, MAY, JUNE]
    assert told.sentences == [
        "2026-05 is run as well: `callbill recycle` ended before it had run that month",
        "control charges failed for 2026-05",
        "2026-06 is run as well: `callbill recycle` ended before it had run that month",
    ]
    with Warehouse.open(home.installation) as warehouse:
        assert to_run(Session(home.installation, warehouse)) == {MAY}


def test_what_cannot_be_published_yet_waits_and_keeps_nobody(home: Home) -> None:
    """Files of a month are gone: the run that makes them anew is not kept from it."""
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        with warehouse.transaction():
            must_publish(session)
        paths = warehouse.month_files.paths("bills", [APRIL])
    for path in paths:
        path.rename(path.with_name("away"))
    with Warehouse.open(home.installation) as warehouse:
        told = Told()
        session = Session(home.installation, warehouse, told)
        catch_up(session)
        (sentence,) = told.sentences
        assert sentence.startswith(
            "what a command that was killed has left unpublished cannot be published yet: IO Error"
        )
        assert to_publish(session) == [None]
        for path in paths:
            path.with_name("away").rename(path)
        catch_up(session)
        assert to_publish(session) == []


def test_a_run_of_dagsters_begins_with_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with Warehouse.open(home.installation) as warehouse, warehouse.transaction():
        session = Session(home.installation, warehouse)
        add_entry(session, "park", APRIL, "A2: looked at", "Ann")
        must_publish(session)
    home.edit("vat_rates", "FR,0.2000", "FR,twenty")
    monkeypatch.setenv("CALLBILL_HOME", str(home.path))
    monkeypatch.setenv("CALLBILL_PRICE_TABLES", str(home.price_tables))
    with dagster_instance(home.installation) as instance:
        job = definitions(home.installation).resolve_job_def("month_end")
        config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        done = job.execute_in_process(partition_key=APRIL, instance=instance, raise_on_error=False, run_config=config)
    assert not done.success
    assert rows(home, "SELECT changed FROM audit WHERE who = 'Ann'") == [("A2: looked at",)]
