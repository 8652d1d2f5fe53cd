"""Every story runs through the real stages, in several billing zones, and its tables are compared to the last decimal.

A story is a folder: `story.md`, whose lines `Run: 2026-10, issue 2026-10, correct 2026-10` name the steps in their
order, a month alone being its run; a home (`reference/`, `inbox/`, `callbill.toml`) and `prices/`; and
`expected/<table>.csv`, some columns of every row that is published at the end, in any order. `step-2/` and so on
hold what changes before that step and may expect tables after it.

A story is told in UTC, its sources with their own clocks. In the other ZONES it expects the same, but for the tables in
`expected-paris/` and `expected-new-york/`, which `story.md` explains. One that sets its billing zone has that alone.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.command import call
from tests.support import Published, read_published, run_stages, scratch

STORIES = sorted(path.parent for path in Path(__file__).parent.glob("*/story.md"))
UTC_ZONE = "UTC"
ZONES = (UTC_ZONE, "Europe/Paris", "America/New_York")


def settings_of(story: Path) -> dict[str, Any]:
    """What the story sets."""
    path = story / "callbill.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def zones_of(story: Path) -> tuple[str, ...]:
    """The billing zones in which the story runs."""
    own = settings_of(story).get("billing", {}).get("time_zone")
    return (own,) if own else ZONES


STORIES_IN_ZONES = [
    pytest.param(story, zone, id=story.name if zones_of(story)[0] == zone else f"{story.name}-{zone}")
    for story in STORIES
    for zone in zones_of(story)
]


def settings_in(story: Path, zone: str) -> str:
    """The story's settings with another billing zone. Sources without clocks of their own keep those of UTC."""
    settings = settings_of(story)
    sources = settings.pop("source", {})
    for name in (path.name for inbox in (story / "inbox", *story.glob("step-*/inbox")) for path in inbox.glob("*")):
        sources.setdefault(name, {})
    settings["billing"] = settings.get("billing", {}) | {"time_zone": zone}
    settings |= {f'source."{name}"': {"time_zone": UTC_ZONE} | values for name, values in sources.items()}
    return "\n".join(
        line
        for section, values in settings.items()
        for line in (f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), "")
    )


def steps_of(story: Path) -> list[tuple[str, str]]:
    """What is done, and the month."""
    lines = re.findall(r"^Run: (.+)$", (story / "story.md").read_text(encoding="utf-8"), re.MULTILINE)
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


def overrides(expected: Path, zone: str) -> Path:
    """Where the tables stand that are other in that zone."""
    return expected.with_name(f"expected-{zone.rpartition('/')[2].lower().replace('_', '-')}")


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


def compare(expected: Path, zone: str, tables: dict[str, Any]) -> None:
    paths = {path.name: path for folder in (expected, overrides(expected, zone)) for path in folder.glob("*.csv")}
    for path in paths.values():
        header, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        found = [",".join(map(shown, row)) for row in tables[path.stem].select(header).rows()]
        assert sorted(found) == sorted(",".join(map(written, row)) for row in rows), path.stem


@pytest.mark.parametrize(("story", "zone"), STORIES_IN_ZONES)
def test_story(story: Path, zone: str) -> None:
    with scratch() as place:
        put(story, place)
        if zone != zones_of(story)[0]:
            (place / "callbill.toml").write_text(settings_in(story, zone), encoding="utf-8")
        for step, (action, month) in enumerate(steps_of(story), start=1):
            put(story / f"step-{step}", place)
            published = do(action, month, place)
            compare(story / f"step-{step}" / "expected", zone, published.tables)
        compare(story / "expected", zone, published.tables)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_tells_its_bills_and_every_step_is_run(story: Path) -> None:
    steps = {int(path.name.removeprefix("step-")) for path in story.glob("step-*")}
    assert (story / "expected" / "bills.csv").exists()
    assert steps <= set(range(1, len(steps_of(story)) + 1))
    known = {"story.md", "callbill.toml", "reference", "inbox", "prices", "expected"}
    zones = {overrides(story / "expected", zone).name for zone in zones_of(story)[1:]}
    assert {path.name for path in story.iterdir()} <= known | zones | {f"step-{step}" for step in steps}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_what_a_story_expects_in_another_zone_is_other_and_is_told(story: Path) -> None:
    text = (story / "story.md").read_text(encoding="utf-8")
    for zone in zones_of(story)[1:]:
        for expected in (story / "expected", *story.glob("step-*/expected")):
            for path in overrides(expected, zone).glob("*.csv"):
                assert path.read_bytes() != (expected / path.name).read_bytes()
                assert zone.rpartition("/")[2].replace("_", " ") in text
