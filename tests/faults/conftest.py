"""How often faults strike: a few times on every test run, and as often as an option says.

pytest tests/faults --kills 200 --io-errors 50 --pairs 100 --seeded-faults 1000 --mended-homes 40 --mutations 100000
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.test_format_fuzz import SHARES
from tests.faults.victims import Traces, month_ends_and_issue, run
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, callr_events, standard_records
from tests.support import scratch

OPTIONS = {
    "--kills": (4, "how many month ends are killed at random moments"),
    "--io-errors": (4, "at how many operations on the disk there is an I/O error"),
    "--pairs": (2, "how many times two runs are started at once"),
    "--seeded-faults": (40, "how many single records are dropped, doubled, altered or moved"),
    "--mended-homes": (1, "how many homes of 25 cases are run with faults, mended and recycled"),
}

MUTATIONS = 600

ISSUING = """
[billing]
first_month = "2026-04"
[issue]
at_month_end = true
suspense_percent = 1
"""
"""A month end issues its bills; one of them is parked for its suspense."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    for name, (often, what) in OPTIONS.items():
        parser.addoption(name, type=int, default=often, help=what)
    parser.addoption("--mutations", type=int, default=MUTATIONS, help="how many broken usage files are read")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with an argument `kill`, `io_error`, `pair` or `seeded_fault` is one for each of as many as the option says."""
    for option, (often, _) in OPTIONS.items():
        name = option.removeprefix("--").removesuffix("s").replace("-", "_")
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, range(metafunc.config.getoption(option, often)))
    if "share" in metafunc.fixturenames:
        metafunc.parametrize("share", range(SHARES))


def small_home() -> Iterator[Home]:
    """A home with a few records, suspense and a duplicate among them."""
    with scratch() as folder:
        home = make_home(folder)
        home.usage("a.csv", standard_records("2026-04", 40))
        home.usage("c.parquet", standard_records("2026-04", 5, "p"))
        home.callr("b.jsonl", callr_events("2026-04", 5))
        home.usage("more.csv", [CALL, CALL, CALL | {"record_id": "x", "to_number": "+9991"}, {"record_id": "y"}])
        yield home


def issuing_home() -> Iterator[Home]:
    """A small home whose month ends issue."""
    for home in small_home():
        home.settings(ISSUING)
        yield home


@pytest.fixture
def home() -> Iterator[Home]:
    """A home that no run has seen."""
    yield from small_home()


@pytest.fixture
def issuing() -> Iterator[Home]:
    """A home that no run has seen and whose month ends issue."""
    yield from issuing_home()


@pytest.fixture(scope="session")
def undisturbed() -> Iterator[Traces]:
    """What month ends leave behind that nothing befell."""
    for home in small_home():
        assert run(home) == 0
        yield Traces.of(home)


@pytest.fixture(scope="session")
def undisturbed_issue() -> Iterator[list[Traces]]:
    """What month ends with their issue leave behind that nothing befell: done once, and done again.

    Only the controls are others then: of a month that is issued they measure what is still open.
    """
    for home in issuing_home():
        found = []
        for _ in range(2):
            assert run(home, task=month_ends_and_issue) == 0
            found.append(Traces.of(home))
        once, again = found
        assert {name for name, rows in once.tables.items() if rows != again.tables[name]} == {"controls"}
        assert (once.files, once.content) == (again.files, again.content)
        yield found
