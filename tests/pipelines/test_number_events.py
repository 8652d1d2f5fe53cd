"""A run warns where numbers.csv and what a provider told of its numbers disagree, and bills nothing otherwise for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipelines.settings import Installation
from pipelines.stages.number_events import disagreements
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.support import run_month

STORY = Path(__file__).parents[1] / "stories" / "callr_objects"
NOBODY = "numbers that a provider assigned and that numbers.csv gives to nobody since, so that their use has no account"
STILL = "numbers that a provider took back and that numbers.csv still gives to somebody, so that their fee is charged"
HELD = "+33199000021,A,FR,geographic,true,2026-10-01,"


def event(change: str, number: str = "+33199000021", at: str = "2026-10-09T08:00:00Z", attempt: int = 0) -> str:
    return json.dumps({"id": "e1", "at": at, "type": f"did.{change}", "try": attempt, "payload": {"number": number}})


class Heard:
    """Keeps what people are told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, name: str) -> None:
        """A stage begins."""

    def advance(self, records: int) -> None:
        """So many more records are done."""

    def warn(self, sentence: str) -> None:
        """Something a person should know."""
        self.said.append(sentence)


def warnings(home: Path, held: str, *lines: str) -> list[str]:
    """What the run of October warns of, where numbers.csv has this row and CALLR told these events."""
    shutil.copytree(STORY, home, dirs_exist_ok=True)
    (home / "reference" / "numbers.csv").write_text(
        "number,account_id,country,number_class,call_tracking,assigned_at,released_at\n" + (held and held + "\n"),
        encoding="utf-8",
    )
    shutil.rmtree(home / "inbox")
    for place, line in enumerate(lines):
        file = home / "inbox" / "callr" / f"{place}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(line + "\n", encoding="utf-8")
    heard = Heard()
    with Warehouse.open(Installation.find(home, home / "prices")) as warehouse:
        session = Session(Installation.find(home, home / "prices"), warehouse, heard)
        run_month(session, "2026-10")
        assert heard.said == disagreements(session)
        unbillable = warehouse.value("SELECT sum(unbillable) FROM loaded_files")
        assert (unbillable or 0) == len(lines)
    return heard.said


@pytest.mark.parametrize(
    ("held", "lines", "said"),
    [
        pytest.param(HELD, (event("assigned"),), [], id="assigned and held"),
        pytest.param("", (event("assigned"),), [f"{NOBODY} (1): +33199000021"], id="assigned and unknown"),
        pytest.param(
            HELD + "2026-10-05", (event("assigned"),), [f"{NOBODY} (1): +33199000021"], id="assigned, held only before"
        ),
        pytest.param(
            "",
            (event("assigned"), event("assigned", attempt=1)),
            [f"{NOBODY} (1): +33199000021"],
            id="told on two tries",
        ),
        pytest.param("", (event("unassigned"),), [], id="taken back and unknown"),
        pytest.param(HELD, (event("unassigned"),), [f"{STILL} (1): +33199000021"], id="taken back and held"),
        pytest.param(HELD + "2026-10-09T20:00:00Z", (event("unassigned"),), [], id="taken back and released that day"),
        pytest.param(
            HELD,
            (event("unassigned"), event("assigned", at="2026-10-10T08:00:00Z")),
            [],
            id="the last event counts, whatever the order of the files",
        ),
        pytest.param(
            HELD,
            (event("assigned", at="2026-10-10T08:00:00Z"), event("unassigned")),
            [],
            id="the last event counts, also where its file came first",
        ),
    ],
)
def test_what_is_warned_of(tmp_path: Path, held: str, lines: tuple[str, ...], said: list[str]) -> None:
    assert warnings(tmp_path, held, *lines) == said
