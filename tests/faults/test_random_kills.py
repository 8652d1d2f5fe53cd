"""A month end with its issue that is killed at random moments and run again: as if nothing had happened."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator

import dagster as dg
import pytest

from pipelines.orchestration.instance import dagster_instance
from tests.faults.conftest import issuing_home
from tests.faults.victims import Traces, month_ends_and_issue, numbers_are_whole, readable_or_absent, run
from tests.pipelines.command import ended, start
from tests.pipelines.homes import Home


@pytest.fixture(scope="module")
def seconds() -> Iterator[float]:
    """How long a month end with its issue takes."""
    for home in issuing_home():
        began = time.monotonic()
        assert run(home, task=month_ends_and_issue) == 0
        yield time.monotonic() - began


def test_month_end(kill: int, issuing: Home, undisturbed_issue: list[Traces], seconds: float) -> None:
    """Of every second one the rerun is killed as well: it finds what the kill before left."""
    moments = [round(random.uniform(0, seconds), 3) for _ in range(1 + kill % 2)]
    for moment in moments:
        run(issuing, kill_after=moment, task=month_ends_and_issue)
        readable_or_absent(issuing)
        numbers_are_whole(issuing)
    assert run(issuing, task=month_ends_and_issue) == 0
    assert Traces.of(issuing) in undisturbed_issue, f"killed after {moments} s"
    numbers_are_whole(issuing)


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
