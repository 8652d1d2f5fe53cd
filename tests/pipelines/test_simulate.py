"""A month under other prices: exact beside the real one, and nothing written."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL
from tests.support import run_stages

MONTH = "2026-04"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose month was run, with a copy of its price tables in `other`."""
    home = make_home(tmp_path)
    home.traffic([MONTH], records=100)
    home.usage("mine.csv", [CALL | {"record_id": "mine", "duration_seconds": "600"}])
    run_stages(home.path, home.price_tables, [MONTH])
    shutil.copytree(home.price_tables, tmp_path / "other")
    return home


def simulated(home: Home, *more: str) -> dict[str, list[dict[str, str]]]:
    said = call(
        "simulate", MONTH, "--json", "--home", str(home.path), "--price-tables", str(other(home).price_tables), *more
    )
    assert said.status == 0, said.err
    found: dict[str, list[dict[str, str]]] = json.loads(said.out)
    return found


def other(home: Home) -> Home:
    return Home(home.path, home.path.parent / "other")


def test_the_same_prices_give_the_same_amounts(home: Home) -> None:
    found = simulated(home)
    assert found["totals"]
    for name in ("totals", "services", "accounts"):
        assert {Decimal(row["difference"]) for row in found[name]} == {0}
    assert (found["above"], found["unpriced"], found["fees_unpriced"]) == ([], [], 0)


def test_another_price_is_found_where_it_matters(home: Home) -> None:
    other(home).edit("voice_outbound", "default_eur,France,0.012000", "default_eur,France,0.112000")
    found = simulated(home, "--above", "0")
    changed = [row for row in found["services"] if Decimal(row["difference"])]
    assert {(row["kind"], row["direction"], row["country"]) for row in changed} == {("voice", "outbound", "FR")}
    mine = next(row for row in found["above"] if row["account_id"] == "A2")
    assert Decimal(mine["new"]) - Decimal(mine["old"]) == Decimal(mine["difference"]) >= Decimal(1)
    assert [row["account_id"] for row in found["above"]] == sorted(
        (row["account_id"] for row in found["accounts"] if Decimal(row["difference"]) > 0),
        key=lambda account: -next(Decimal(r["difference"]) for r in found["accounts"] if r["account_id"] == account),
    )


def test_what_would_have_no_price_is_told(home: Home) -> None:
    other(home).edit("voice_outbound", "default_eur,France,0.012000,0,1,1,2025-01-01\n", "")
    found = simulated(home)
    (row,) = found["unpriced"]
    assert row["reason"] == "no_price"
    said = call("simulate", MONTH, "--home", str(home.path), "--price-tables", str(other(home).price_tables))
    assert f"{row['legs']} legs would go into suspense: no_price" in said.out


def test_nothing_is_written(home: Home) -> None:
    def state() -> dict[str, tuple[int, int]]:
        paths = [path for path in home.path.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}

    before = state()
    simulated(home)
    assert state() == before


def test_a_month_that_was_not_run(home: Home) -> None:
    said = call("simulate", "2026-05", *home.arguments)
    assert (said.status, said.err) == (2, "callbill: 2026-05 is not published: run it first\n")
