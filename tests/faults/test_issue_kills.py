"""An issue that is killed and done again: all bills or none, every number once, and the proof holds."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.session import Session
from pipelines.verifying import verify_month
from pipelines.warehouse import Warehouse
from tests.faults.conftest import small_home
from tests.faults.victims import MONTHS, Moment, Traces, issue, run
from tests.pipelines.homes import Home
from tests.support import read_published

(MONTH,) = MONTHS
MOMENTS = [
    Moment("after", "pipelines.stages.issue:issued"),
    Moment("before", "pipelines.month_files:MonthFiles.finish"),
    Moment("after", "pipelines.month_files:MonthFiles.finish"),
    Moment("after", "pipelines.month_files:MonthFiles.name"),
    Moment("after", "pipelines.stages.issue:document"),
    Moment("before", "pipelines.stages.issue:record"),
    Moment("after", "pipelines.stages.issue:record"),
    Moment("before", "pipelines.stages.issue:put_document"),
    Moment("before", "pipelines.stages.proof:put"),
    Moment("after", "pipelines.stages.proof:put"),
    Moment("after", "pipelines.stages.issue:put_document"),
    Moment("before", "pipelines.stages.publish:put"),
    Moment("after", "pipelines.stages.publish:put"),
]


@pytest.fixture
def ready(home: Home) -> Home:
    """A home whose month was run."""
    assert run(home) == 0
    return home


@pytest.fixture(scope="module")
def issued() -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The published tables of an issue that nothing befell."""
    for home in small_home():
        assert run(home) == run(home, task=issue) == 0
        yield Traces.of(home).tables


def all_or_none(home: Home) -> None:
    bills = read_published(home.path)["bills"]
    numbers = bills["bill_number"].drop_nulls().to_list()
    assert numbers in ([], [f"2026-{place:06}" for place in range(1, bills.height + 1)])


def as_if_nothing_had_happened(home: Home, issued: dict[str, list[dict[str, Any]]]) -> None:
    assert run(home, task=issue) == 0
    assert Traces.of(home).tables == issued
    with Warehouse.open(home.installation) as warehouse:
        assert verify_month(Session(home.installation, warehouse), MONTH)["findings"] == []


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_at(moment: Moment, ready: Home, issued: dict[str, list[dict[str, Any]]]) -> None:
    assert run(ready, moment, task=issue) == -signal.SIGKILL
    all_or_none(ready)
    as_if_nothing_had_happened(ready, issued)
