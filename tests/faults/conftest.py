"""`pytest tests/faults --kills 200` kills as often at random moments as it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.victims import Traces, run
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, callr_events, standard_records
from tests.support import scratch

KILLS = 12


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option --kills."""
    parser.addoption("--kills", type=int, default=KILLS, help="how many runs are killed at random moments")


def small_home() -> Iterator[Home]:
    """A home with a few records, suspense and a duplicate among them."""
    with scratch() as folder:
        home = make_home(folder)
        home.usage("a.csv", standard_records("2026-04", 40))
        home.callr("b.jsonl", callr_events("2026-04", 5))
        home.usage("more.csv", [CALL, CALL, CALL | {"record_id": "x", "to_number": "+9991"}, {"record_id": "y"}])
        yield home


@pytest.fixture
def home() -> Iterator[Home]:
    """A home that no run has seen."""
    yield from small_home()


@pytest.fixture(scope="session")
def undisturbed() -> Iterator[Traces]:
    """What month ends leave behind that nothing befell."""
    for home in small_home():
        assert run(home) == 0
        yield Traces.of(home)
