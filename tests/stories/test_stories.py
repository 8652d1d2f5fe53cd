"""Every story runs through the real stages, and its tables are compared to the last decimal.

A story is a folder: `story.md`, whose lines `Run: 2026-10, issue 2026-10, correct 2026-10` name the steps in their
order, a month alone being its run; a home (`reference/`, `inbox/`, `callbill.toml`) and `prices/`; and
`expected/<table>.csv`, some columns of every row that is published at the end, in any order. `step-2/` and so on
hold what changes before that step and may expect tables after it.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.command import call
from tests.support import Published, read_published, run_stages, scratch

STORIES = sorted(path.parent for path in Path(__file__).parent.glob("*/story.md"))


def steps_of(story: Path) -> list[tuple[str, str]]:
    """What is done, and the month."""
    lines = re.findall(r"^Run: (.+)$", (story / "story.md").read_text(encoding="utf-8"), re.M)
    assert lines, f"{story.name}/story.md has no line such as `Run: 2026-10`"
    steps = [step.rpartition(" ") for line in lines for step in line.split(", ")]
    return [(action or "run", month) for action, _, month in steps]


def do(action: str, month: str, place: Path) -> Published:
    """One step; returns the tables after it."""
    if action == "run":
        return run_stages(place, place / "prices", [month])
    options = {"issue": ["--yes", "--early", "--because", "a story"], "correct": ["--issue", "--new-tariff"]}[action]
    said = call(action, month, *options, "--home", str(place), "--price-tables", str(place / "prices"))
    assert (said.status, said.err) == (0, "")
    return Published(read_published(place), [])


def put(source: Path, place: Path) -> None:
    """Copies what a story or a step of it brings into the place where it runs."""
    for part in ("reference", "inbox", "prices"):
        if (source / part).exists():
            shutil.copytree(source / part, place / part, dirs_exist_ok=True)
    if (source / "callbill.toml").exists():
        shutil.copy(source / "callbill.toml", place)


def shown(value: Any) -> str:
    """A value as the expected tables write it; a number without the zeros that say nothing."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value.normalize() + 0, "f")
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}".replace(".000000Z", "Z")
        case _:
            return str(value)


def written(text: str) -> str:
    """A field of an expected table, its zeros left out where it is an amount."""
    return shown(Decimal(text)) if re.fullmatch(r"-?\d+\.\d+", text) else text


def compare(expected: Path, tables: dict[str, Any]) -> None:
    for path in sorted(expected.glob("*.csv")):
        header, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        found = [",".join(map(shown, row)) for row in tables[path.stem].select(header).rows()]
        assert sorted(found) == sorted(",".join(map(written, row)) for row in rows), path.stem


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_story(story: Path) -> None:
    with scratch() as place:
        put(story, place)
        for step, (action, month) in enumerate(steps_of(story), start=1):
            put(story / f"step-{step}", place)
            published = do(action, month, place)
            compare(story / f"step-{step}" / "expected", published.tables)
        compare(story / "expected", published.tables)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_tells_its_bills_and_every_step_is_run(story: Path) -> None:
    steps = {int(path.name.removeprefix("step-")) for path in story.glob("step-*")}
    assert (story / "expected" / "bills.csv").exists()
    assert steps <= set(range(1, len(steps_of(story)) + 1))
    known = {"story.md", "callbill.toml", "reference", "inbox", "prices", "expected"}
    assert {path.name for path in story.iterdir()} <= known | {f"step-{step}" for step in steps}
