"""An issue that is killed and done again: all bills or none, every number once, and the proof holds."""

from __future__ import annotations

import signal

import pytest

from tests.faults.victims import MONTHS, Moment, Traces, command, issue, run
from tests.pipelines.homes import Home
from tests.support import read_published

(MONTH,) = MONTHS
MOMENTS = [
    Moment("after", "pipelines.stages.issue:issued"),
    Moment("before", "pipelines.storage.month_files:MonthFiles.finish"),
    Moment("after", "pipelines.storage.month_files:MonthFiles.finish"),
    Moment("after", "pipelines.storage.month_files:MonthFiles.name"),
    Moment("after", "pipelines.stages.issue:keep_books"),
    Moment("after", "pipelines.stages.issue:build_proof"),
    Moment("before", "pipelines.stages.issue:add_entry"),
    Moment("after", "pipelines.stages.issue:add_entry"),
    Moment("before", "pipelines.stages.issue:put_proof"),
    Moment("before", "pipelines.stages.proof:put"),
    Moment("after", "pipelines.stages.proof:put"),
    Moment("after", "pipelines.stages.issue:put_proof"),
    Moment("before", "pipelines.stages.publish:put"),
    Moment("after", "pipelines.stages.publish:put"),
]


@pytest.fixture
def ready(issuing: Home) -> Home:
    """A home whose month was run."""
    assert run(issuing) == 0
    return issuing


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_at(moment: Moment, ready: Home, undisturbed_issue: list[Traces]) -> None:
    once = undisturbed_issue[0]
    assert run(ready, moment, task=issue) == -signal.SIGKILL
    numbers = read_published(ready.path)["bills"]["bill_number"].drop_nulls().to_list()
    assert numbers in ([], [row["bill_number"] for row in once.tables["bills"] if row["bill_number"]])
    assert run(ready, task=issue) == 0
    assert Traces.of(ready) == once
    verified = command(ready, "verify", MONTH).answer()
    assert (verified.status, verified.err) == (0, "")
