"""Two runs at once in one home: they take turns, or the one that does not wait is told who holds the warehouse."""

from __future__ import annotations

import random
import re
import time

import pytest

from tests.faults.victims import MONTHS, Traces, command, numbers_are_whole, readable_or_absent
from tests.pipelines.homes import Home

(MONTH,) = MONTHS


def test_pair(pair: int, issuing: Home, undisturbed_issue: list[Traces]) -> None:
    """One that waits and one that does not; which is started first, and how much, is another each time."""
    seconds = ["120", "0"] if pair % 2 else ["0", "120"]
    started = {}
    for wait in seconds:
        started[wait] = command(issuing, "run", MONTH, "--wait", wait)
        time.sleep(random.choice([0, 0, 0.02, 0.5]))
    waits, refuses = started["120"].answer(), started["0"].answer()
    assert waits.status == 0, waits.err
    assert re.fullmatch(r"(callbill: waiting for process \d+ on .*, which holds the warehouse\n)?", waits.err)
    assert (refuses.status, bool(refuses.out)) in ((0, True), (3, False)), refuses
    if refuses.status == 3:
        held = f"callbill: the warehouse is held by process {started['120'].process.pid} on "
        assert refuses.err.startswith(held), refuses.err
    readable_or_absent(issuing)
    numbers_are_whole(issuing)
    assert Traces.of(issuing) in undisturbed_issue


def test_a_killed_run_holds_nothing(issuing: Home, undisturbed_issue: list[Traces]) -> None:
    """Who waits for a run that is killed goes on at once, with what that one left."""
    killed = command(issuing, "run", MONTH)
    deadline = time.monotonic() + 60
    while not (issuing.path / "tables").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    waits = command(issuing, "run", MONTH, "--wait", "60")
    killed.process.kill()
    said = waits.answer()
    assert said.status == 0, said.err
    with pytest.raises(EOFError):
        killed.answer()
    assert Traces.of(issuing) in undisturbed_issue
