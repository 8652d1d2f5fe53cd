"""A disk that is full: a sentence, an exit status that is not 0, and with room again as if nothing had happened."""

from __future__ import annotations

import pytest

from tests.faults.victims import (
    Traces,
    command_on_full_disk,
    issue_on_full_disk,
    month_ends_and_issue,
    numbers_are_whole,
    readable_or_absent,
    run,
)
from tests.pipelines.command import Said
from tests.pipelines.homes import Home


@pytest.mark.parametrize(
    ("largest", "says"),
    [
        (2_000, "warehouse.duckdb: cannot be opened"),
        (100_000, "dagster: the run history cannot be written"),
        (600_000, "stage published stopped, what it had finished stays, and the next run goes on from there"),
    ],
)
def test_disk_full(home: Home, undisturbed: Traces, largest: int, says: str) -> None:
    refused(command_on_full_disk(home, largest, "run", "2026-04"), says)
    readable_or_absent(home)
    assert run(home) == 0
    assert Traces.of(home) == undisturbed


@pytest.fixture
def drafted(issuing: Home) -> Home:
    """A home whose month was run and not issued yet."""
    assert run(issuing) == 0
    return issuing


@pytest.mark.parametrize(
    ("largest", "says"),
    [
        (2_000, "00000.parquet: cannot be written: parquet: "),
        (10_000, "File too large (os error 27)"),
        (17_000, "warehouse.duckdb: what was to be kept last could not be committed: "),
    ],
)
def test_disk_full_when_issuing(drafted: Home, undisturbed_issue: list[Traces], largest: int, says: str) -> None:
    refused(issue_on_full_disk(drafted, largest), says)
    as_if_nothing_had_happened(drafted, undisturbed_issue)


def test_disk_full_behind_the_issue(drafted: Home, undisturbed_issue: list[Traces]) -> None:
    """The bills are issued, only their publication has no room: that is told, and the next run publishes them."""
    says = "stage issued stopped, what it had finished stays, and the next run goes on from there"
    refused(command_on_full_disk(drafted, 600_000, "issue", "2026-04", "--yes"), says)
    as_if_nothing_had_happened(drafted, undisturbed_issue)


def refused(said: Said, says: str) -> None:
    assert (said.status, said.out) == (2, "")
    assert says in said.err
    assert "Traceback" not in said.err
    assert "a fault of callbill" not in said.err


def as_if_nothing_had_happened(home: Home, undisturbed: list[Traces]) -> None:
    readable_or_absent(home)
    numbers_are_whole(home)
    assert run(home, task=month_ends_and_issue) == 0
    assert Traces.of(home) in undisturbed
