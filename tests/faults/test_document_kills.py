"""The making of documents is killed and done again: it goes on where it stopped, and every file is the same."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipelines.documents.rendering
from pipelines.stages.documents import make_documents
from pipelines.stages.publish import publish_again
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.faults.conftest import ISSUING, small_home
from tests.faults.victims import MONTHS, Moment, _deadly, month_ends_and_issue, run
from tests.pipelines.homes import Home

(MONTH,) = MONTHS
SELLER = """
[seller]
name = "Exemple Télécom SAS"
vat_number = "FR44732829320"
registration = "732829320"
iban = "FR7699999000010000000012337"
[documents]
processes = {processes}
"""
MOMENTS = [
    Moment("before", "pipelines.documents.rendering:render_documents"),
    Moment("before", "pipelines.documents.rendering:sync"),
    Moment("after", "pipelines.documents.rendering:sync"),
    Moment("before", "pipelines.stages.documents:_note"),
    Moment("after", "pipelines.stages.documents:_note"),
    Moment("before", "pipelines.stages.documents:put"),
    Moment("after", "pipelines.stages.documents:put"),
]


def documents(home: Home, moment: Moment | None = None) -> None:
    """The documents of the month, one at a time, up to the moment where there is one."""
    pipelines.documents.rendering.CHUNK = 1
    if moment is not None:
        _deadly(moment)
    with Warehouse.open(home.installation, wait_seconds=60) as warehouse:
        session = Session(home.installation, warehouse)
        make_documents(session, MONTH)
        publish_again(session)


def in_workers(home: Home, moment: Moment | None = None) -> None:
    """The same in worker processes."""
    pipelines.documents.rendering.FEW = 0
    documents(home, moment)


def issued(processes: int = 1) -> Iterator[Home]:
    for home in small_home():
        home.settings(ISSUING + SELLER.format(processes=processes))
        assert run(home, task=month_ends_and_issue) == 0
        yield home


@pytest.fixture
def home() -> Iterator[Home]:
    """A home whose month is issued, at an hour that is always the same."""
    yield from issued()


@pytest.fixture(scope="module")
def undisturbed() -> Iterator[dict[str, bytes]]:
    """The documents of a run that nothing befell."""
    for home in issued():
        assert run(home, task=documents) == 0
        yield made(home)


def made(home: Home) -> dict[str, bytes]:
    """The files under documents, by their path."""
    root = home.path / "documents"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_at(moment: Moment, home: Home, undisturbed: dict[str, bytes]) -> None:
    assert len(undisturbed) > 8
    assert run(home, moment, task=documents) == -signal.SIGKILL
    for name, content in whole(home).items():
        assert content == undisturbed[name]
    assert run(home, task=documents) == 0
    assert made(home) == undisturbed


def whole(home: Home) -> dict[str, bytes]:
    """What lies in its place, without what was being written."""
    return {name: content for name, content in made(home).items() if not Path(name).name.startswith(".")}


def test_killed_in_the_middle_with_its_workers(undisturbed: dict[str, bytes]) -> None:
    draw = random.Random(7)
    for home in issued(processes=2):
        for _ in range(3):
            run(home, kill_after=draw.uniform(1, 6), task=in_workers)
            for name, content in whole(home).items():
                assert name == f"{MONTH}/manifest.csv" or content == undisturbed[name]
        assert run(home, task=in_workers) == 0
        assert made(home) == undisturbed
