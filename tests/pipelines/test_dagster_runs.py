"""Runs that Dagster starts by itself: the same tables as from the command line, and the same refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from polars.testing import assert_frame_equal

from pipelines.controls.month import CONTROLS
from pipelines.definitions import definitions
from pipelines.orchestration.instance import dagster_instance
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, callr_call
from tests.support import read_published

MONTH = "2026-04"
CLOCK = ["first_seen_at", "loaded_at", "at"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a little traffic."""
    home = make_home(tmp_path)
    home.traffic([MONTH], records=60)
    return home


@pytest.fixture
def dagster(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of the home, in an environment as Dagster's processes have it."""
    monkeypatch.setenv("CALLBILL_HOME", str(home.path))
    monkeypatch.setenv("CALLBILL_PRICE_TABLES", str(home.price_tables))
    with dagster_instance(home.installation) as instance:
        yield instance


def run(home: Home, instance: dg.DagsterInstance, *assets: str) -> dg.ExecuteInProcessResult:
    """The job of the month end, or of a few assets, as a run of Dagster's."""
    return (
        definitions(home.installation)
        .resolve_job_def("month_end")
        .execute_in_process(
            partition_key=MONTH,
            instance=instance,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(name) for name in assets] or None,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    )


def failure(result: dg.ExecuteInProcessResult) -> tuple[str, str]:
    """The stage that failed, and what it says."""
    event = next(event for event in result.all_events if event.is_step_failure)
    data = event.step_failure_data.user_failure_data
    assert data is not None, event.step_failure_data.error
    return str(event.step_key), str(data.description)


def test_the_same_tables_as_from_the_command_line(home: Home, dagster: dg.DagsterInstance, tmp_path: Path) -> None:
    result = run(home, dagster)
    assert result.success
    checks = result.get_asset_check_evaluations()
    assert {check.check_name for check in checks} == {control.name for control in CONTROLS}
    assert all(check.passed and check.metadata["month"].value == MONTH for check in checks)
    other = make_home(tmp_path / "other")
    other.traffic([MONTH], records=60)
    assert call("run", MONTH, *other.arguments).status == 0
    mine, theirs = read_published(home.path), read_published(other.path)
    for name, frame in mine.items():
        assert_frame_equal(frame.drop(CLOCK, strict=False), theirs[name].drop(CLOCK, strict=False))


def test_a_control_that_fails_blocks_the_publication(home: Home, dagster: dg.DagsterInstance) -> None:
    home.callr("alone.jsonl", [callr_call(2, datetime(2026, 4, 9, tzinfo=UTC), 33, callid_in=1)])
    result = run(home, dagster)
    assert not result.success
    stage, says = failure(result)
    assert stage == "controls"
    assert says.startswith("control forwarded_legs failed for 2026-04: ")
    failed = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed == ["forwarded_legs"]
    assert not home.published.exists()
    assert failure(run(home, dagster, "published")) == ("published", says)
    assert not home.published.exists()


def test_what_the_controls_did_not_see_is_not_published(home: Home, dagster: dg.DagsterInstance) -> None:
    assert run(home, dagster).success
    before = home.published.read_bytes()
    home.usage("late.csv", [CALL | {"record_id": "late"}])
    assert run(home, dagster, "usage_records", "duplicates", "rated_usage").success
    stage, says = failure(run(home, dagster, "published"))
    assert (stage, says) == (
        "published",
        "2026-04 is not as the controls last saw it: run them before it is published",
    )
    assert home.published.read_bytes() == before


def test_bad_input_is_a_sentence(home: Home, dagster: dg.DagsterInstance) -> None:
    home.edit("vat_rates", "FR,0.2000", "FR,twenty")
    stage, says = failure(run(home, dagster))
    assert stage == "reference_and_prices"
    assert says.startswith("vat_rates.csv: line 2, column rate: found 'twenty'")
    assert not (home.path / "warehouse.duckdb.wal").exists()


def test_a_run_that_died_is_no_longer_said_to_run(home: Home, dagster: dg.DagsterInstance) -> None:
    job, started = definitions(home.installation).resolve_job_def("month_end"), dg.DagsterRunStatus.STARTED
    dead = dagster.create_run_for_job(job, status=started)
    waiting = dagster.create_run_for_job(job, status=started, tags={"dagster/code_location": "callbill"})
    assert call("run", MONTH, *home.arguments).status == 0
    statuses = {run.run_id: run.status for run in dagster.get_runs()}
    assert statuses[dead.run_id] == dg.DagsterRunStatus.FAILURE
    assert statuses[waiting.run_id] == started
