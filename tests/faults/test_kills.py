"""A month end that is killed between two steps and run again: as if nothing had happened."""

from __future__ import annotations

import signal

import pytest

from tests.faults.victims import Moment, Traces, readable_or_absent, run
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
    "books:make_books",
    "control:control_month",
    "publish:publish",
]
MOMENTS = [
    *(Moment("after", f"pipelines.stages.{stage}") for stage in STAGES),
    Moment("after", "pipelines.storage.warehouse:Warehouse.open"),
    Moment("after", "pipelines.stages.load:_load_file"),
    Moment("before", "pipelines.storage.month_files:MonthFiles.finish"),
    Moment("after", "pipelines.storage.month_files:MonthFiles.finish"),
    Moment("before", "pipelines.stages.publish:put"),
    Moment("after", "pipelines.stages.publish:put"),
    Moment("before", "pipelines.storage.month_files:MonthFiles.sweep"),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_at(moment: Moment, home: Home, undisturbed: Traces) -> None:
    assert run(home, moment) == -signal.SIGKILL
    readable_or_absent(home)
    assert run(home) == 0
    assert Traces.of(home) == undisturbed
