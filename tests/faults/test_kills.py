"""A month end that is killed, at any moment, and run again: as if nothing had happened."""

from __future__ import annotations

import random
import signal
import time

import duckdb
import pytest

from tests.faults.conftest import KILLS
from tests.faults.victims import Moment, Traces, run
from tests.pipelines.homes import Home

STAGES = [
    "load:load_reference_and_prices",
    "load:load_usage",
    "load:compare_records",
    "rate:rate_month",
    "bill:charge_numbers",
    "bill:make_lines",
    "bill:make_bills",
    "balance:make_receipts",
    "balance:make_ledger",
    "control:control_month",
    "publish:publish",
]
MOMENTS = [
    *(Moment("after", f"pipelines.stages.{stage}") for stage in STAGES),
    Moment("after", "pipelines.warehouse:Warehouse.open"),
    Moment("after", "pipelines.stages.load:_load_file"),
    Moment("before", "pipelines.month_files:MonthFiles.finish"),
    Moment("after", "pipelines.month_files:MonthFiles.finish"),
    Moment("before", "pipelines.stages.publish:put"),
    Moment("after", "pipelines.stages.publish:put"),
    Moment("before", "pipelines.month_files:MonthFiles.sweep"),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_at(moment: Moment, home: Home, undisturbed: Traces) -> None:
    assert run(home, moment) == -signal.SIGKILL
    readable_or_absent(home)
    assert run(home) == 0
    assert Traces.of(home) == undisturbed


def readable_or_absent(home: Home) -> None:
    """What is published is whole: the tables can be read, and what a view names is there."""
    if home.published.exists():
        with duckdb.connect(str(home.published), read_only=True) as analyst:
            for name in ("rated_usage", "bills", "controls"):
                assert analyst.execute(f"SELECT count(*) FROM {name}").fetchall() > [(0,)]


def test_killed_at_random_moments(home: Home, undisturbed: Traces, request: pytest.FixtureRequest) -> None:
    """Kill upon kill in one home: each finds what the one before it left."""
    chance = random.Random()
    began = time.monotonic()
    assert run(home, Moment("before", "pipelines.stages.rate:rate_month")) == -signal.SIGKILL
    whole = 4 * (time.monotonic() - began)
    moments = [round(chance.uniform(0, whole), 3) for _ in range(request.config.getoption("--kills", KILLS))]
    for moment in moments:
        run(home, kill_after=moment)
        readable_or_absent(home)
    assert run(home) == 0
    assert Traces.of(home) == undisturbed, f"killed after {moments} s"
