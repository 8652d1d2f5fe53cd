"""A month end that is killed at random moments and run again: as if nothing had happened."""

from __future__ import annotations

import random
import shutil
import signal
import time

import dagster as dg
import pytest

from pipelines.running import dagster_instance
from tests.faults.conftest import KILLS
from tests.faults.victims import Traces, readable_or_absent, run
from tests.pipelines.command import ended, start
from tests.pipelines.homes import Home


def test_stages(home: Home, undisturbed: Traces, request: pytest.FixtureRequest) -> None:
    """Kill upon kill in one home: each finds what the one before it left."""
    began = time.monotonic()
    assert run(home) == 0
    whole = time.monotonic() - began
    (home.path / "warehouse.duckdb").unlink()
    for name in ("published", "tables"):
        shutil.rmtree(home.path / name)
    chance = random.Random()
    kills = request.config.getoption("--kills", KILLS)
    moments = [round(chance.uniform(0, whole), 3) for _ in range(kills)]
    for moment in moments:
        run(home, kill_after=moment)
        readable_or_absent(home)
    assert run(home) == 0
    assert Traces.of(home) == undisturbed, f"killed after {moments} s"


def test_command(home: Home, undisturbed: Traces) -> None:
    """`callbill run`, killed in its first stages; Dagster does not believe that it runs for ever."""
    process = start("run", "2026-04", *home.arguments)
    deadline = time.monotonic() + 60
    while not (home.path / "tables").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    assert ended(process).status == -signal.SIGKILL
    said = ended(start("run", "2026-04", *home.arguments))
    assert (said.status, said.err) == (0, "")
    assert Traces.of(home) == undisturbed
    with dagster_instance(home.installation) as instance:
        statuses = [run.status for run in instance.get_runs()]
    assert statuses == [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
