"""A correction that is killed and done again: every account that differs has its one note."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.faults.conftest import small_home
from tests.faults.victims import MONTHS, Moment, Traces, command, correct, issue, run
from tests.pipelines.homes import Home
from tests.support import read_published

(MONTH,) = MONTHS
MOMENTS = [
    Moment("after", "pipelines.stages.correct:notes"),
    Moment("after", "pipelines.storage.month_files:MonthFiles.finish"),
    Moment("after", "pipelines.stages.correct:file_hashes"),
    Moment("after", "pipelines.storage.month_files:MonthFiles.name"),
    Moment("after", "pipelines.stages.correct:keep_books"),
    Moment("after", "pipelines.stages.correct:record_issue"),
    Moment("after", "pipelines.stages.correct:add_entry"),
    Moment("before", "pipelines.stages.proof:put"),
    Moment("after", "pipelines.stages.proof:put"),
    Moment("before", "pipelines.stages.publish:put"),
    Moment("after", "pipelines.stages.publish:put"),
]


def wrong() -> Iterator[Home]:
    """A home whose month is issued, and whose prices have changed since."""
    for home in small_home():
        home.settings('[billing]\nfirst_month = "2026-04"\n[issue]\nsuspense_percent = 100\n')
        assert run(home) == 0
        assert run(home, task=issue) == 0
        home.add("voice_outbound", "default_eur,France mobile,0.145000,0,1,1,2026-04-01")
        yield home


@pytest.fixture
def issued() -> Iterator[Home]:
    yield from wrong()


@pytest.fixture(scope="module")
def undisturbed_correction() -> Iterator[Traces]:
    """What a correction leaves behind that nothing befell."""
    for home in wrong():
        assert run(home, task=correct) == 0
        yield Traces.of(home)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_at(moment: Moment, issued: Home, undisturbed_correction: Traces) -> None:
    notes = [row["note_number"] for row in undisturbed_correction.tables["correction_notes"]]
    assert len(notes) > 1
    assert run(issued, moment, task=correct) == -signal.SIGKILL
    assert read_published(issued.path)["correction_notes"]["note_number"].sort().to_list() in ([], sorted(notes))
    assert run(issued, task=correct) == 0
    assert Traces.of(issued) == undisturbed_correction
    verified = command(issued, "verify", MONTH).answer()
    assert (verified.status, verified.err) == (0, "")
