"""Whole months of drawn worlds, in several billing zones: callbill's published tables are those of the independent
biller."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipelines.settings import Installation
from pipelines.stages.issue import issue_month
from pipelines.stages.publish import publish
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.independent.biller import Tables, bill_month
from tests.property.agreement import disagreements, wrongly_numbered
from tests.property.strategies import World, first_of, midnight, worlds, write_world
from tests.support import Published, run_stages, scratch

EXAMPLES = int(os.environ.get("CALLBILL_EXAMPLES", "6"))
"""Worlds drawn for the comparison of figures, in all zones; the other properties take a third of them. In no zone fewer
than two, of which the first is the simplest of all."""

figures = settings(
    max_examples=max(3, EXAMPLES // 4), deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
others = settings(figures, max_examples=max(2, EXAMPLES // 9))

ZONES = ("UTC", "Europe/Paris", "America/New_York")
in_zones = pytest.mark.parametrize("zone", ZONES)
in_zones_and_any = pytest.mark.parametrize("zone", [*ZONES, None])
"""None: worlds of any zone."""

MAY_FAIL = ("forwarded_legs",)
"""The one control that fails for what a source forgot to tell; that it does is compared as well."""


def months_of(world: World) -> list[str]:
    """The months of a world in their order."""
    return [*world.months_before, world.month]


def published(world: World, months: list[str] | None = None, runs: int = 1, **form: Any) -> Published:
    """What callbill publishes of a world, written in some form, after so many runs of the months."""
    with scratch() as folder:
        home, price_tables = folder / "home", folder / "prices"
        write_world(world, home, price_tables, **form)
        return run_stages(home, price_tables, (months or months_of(world)) * runs, may_fail=MAY_FAIL)


def expected(world: World, **form: Any) -> Tables:
    """What the biller makes of the same."""
    with scratch() as folder:
        home, price_tables = folder / "home", folder / "prices"
        write_world(world, home, price_tables, **form)
        return bill_month(
            home,
            price_tables,
            world.month,
            months_before=world.months_before,
            time_zone=world.time_zone,
            seller_country=world.seller_country,
        )


def without(found: Published, *left_out: str) -> dict[str, list[str]]:
    """The rows of every table in one order, but for these columns."""
    return {
        name: sorted(str(row) for row in table.drop(left_out, strict=False).to_dicts())
        for name, table in found.tables.items()
    }


@in_zones_and_any
@figures
@given(
    data=st.data(),
    split=st.integers(1, 3),
    shuffle_seed=st.none() | st.integers(0, 1000),
    form=st.sampled_from(["csv", "jsonl"]),
    compress=st.booleans(),
)
def test_every_figure_is_that_of_the_independent_biller(
    zone: str | None, data: st.DataObject, split: int, shuffle_seed: int | None, form: str, compress: bool
) -> None:
    world = data.draw(worlds(time_zone=zone))
    written = {"split": split, "shuffle_seed": shuffle_seed, "form": form, "compress": compress}
    found, tables = published(world, **written), expected(world, **written)
    assert disagreements(found, tables) == {}
    assert wrongly_numbered(found) == []
    reported = {row["billing_month"]: int(row["difference"]) for row in found.failed}
    assert reported == Counter(row["usage_month"] for row in tables.inbound_leg_missing)


@in_zones
@others
@given(
    data=st.data(),
    split=st.integers(2, 4),
    shuffle_seed=st.integers(0, 1000),
    form=st.sampled_from(["csv", "jsonl"]),
    compress=st.booleans(),
)
def test_how_usage_is_cut_into_files_changes_no_bill(
    zone: str, data: st.DataObject, split: int, shuffle_seed: int, form: str, compress: bool
) -> None:
    world = data.draw(worlds(time_zone=zone))
    usual = published(world)
    other = published(world, split=split, shuffle_seed=shuffle_seed, form=form, compress=compress)
    of_files = ("file_id", "record_number", "first_seen_at", "detail")
    one, two = without(usual, *of_files), without(other, *of_files)
    for table in ("rated_usage", "number_fees", "bill_lines", "bills", "receipts", "ledger", "suspense"):
        assert one[table] == two[table], table


@in_zones
@others
@given(data=st.data())
def test_a_second_run_gives_the_same_bytes(zone: str, data: st.DataObject) -> None:
    world = data.draw(worlds(time_zone=zone))
    with scratch() as folder:
        home, price_tables = folder / "home", folder / "prices"
        write_world(world, home, price_tables)
        exports = []
        for _ in range(2):
            found = run_stages(home, price_tables, months_of(world), may_fail=MAY_FAIL)
            exports.append({name: table.write_csv() for name, table in found.tables.items()})
    assert exports[0] == exports[1]
    elsewhere = published(world, runs=2)
    moments = ("loaded_at", "first_seen_at", "at")
    assert without(found, *moments) == without(elsewhere, *moments)


@in_zones
@others
@given(data=st.data())
def test_the_order_of_months_changes_no_bill(zone: str, data: st.DataObject) -> None:
    world = data.draw(worlds(time_zone=zone))
    months = sorted({*months_of(world), "2026-01"})
    moments = ("loaded_at", "first_seen_at", "at")
    forth, back = (without(published(world, order), *moments) for order in (months, months[::-1]))
    # What the controls measured of the ledger depends on the months that were there when they measured; and the audit
    # trail tells in what order they were run.
    for name in ("controls", "audit"):
        assert forth.pop(name)
        assert back.pop(name)
    assert forth == back


@in_zones
@others
@given(data=st.data(), split=st.integers(1, 3))
def test_every_record_ends_in_one_place(zone: str, data: st.DataObject, split: int) -> None:
    world = data.draw(worlds(max_records=20, time_zone=zone))
    found = published(world, split=split)
    ends = [pl.col("usage_records"), pl.col("suspended"), pl.col("duplicates"), pl.col("unbillable")]
    files = found.tables["usage_files"]
    assert files.filter(pl.col("records") != pl.sum_horizontal(ends)).is_empty()
    assert files["records"].sum() == len(world.records) + len(world.callr)
    legs = ["file_id", "record_number", "leg"]
    rated, suspended = found.tables["rated_usage"], found.tables["suspense"]
    assert rated.select(legs).is_duplicated().sum() == 0
    assert rated.join(suspended, on=legs, how="semi").is_empty()


def closed(world: World, month: str) -> tuple[Published, list[tuple[str, str]]]:
    """What is published of the world's month where the `month` before it was issued before the credits behind that one
    became known; and the months and accounts whose bills were issued."""
    starts = midnight(first_of(world.month), ZoneInfo(world.time_zone))
    known = [row for row in world.credits if datetime.fromisoformat(row["credited_at"]) < starts]
    with scratch() as folder:
        home, price_tables = folder / "home", folder / "prices"
        write_world(replace(world, credits=known), home, price_tables)
        drafts = run_stages(home, price_tables, [month], may_fail=MAY_FAIL)
        assume(not drafts.failed and drafts.rows("bills"))
        installation = Installation.find(home, price_tables)
        with Warehouse.open(installation) as warehouse:
            session = Session(installation, warehouse)
            issue_month(session, month)
            publish(session, month)
        write_world(world, home, price_tables)
        found = run_stages(home, price_tables, [world.month], may_fail=MAY_FAIL)
    issued = [row for row in found.rows("bills") if row["status"] == "issued"]
    return found, [(row["billing_month"], row["account_id"]) for row in issued]


@in_zones
@figures
@given(data=st.data())
def test_receipts_after_an_issue_are_those_of_the_independent_biller(zone: str, data: st.DataObject) -> None:
    month = data.draw(worlds(max_records=12, time_zone=zone, callr=False))
    world = replace(month, months_before=(f"{first_of(month.month, -1):%Y-%m}",))
    found, issued = closed(world, world.months_before[0])
    with scratch() as folder:
        home, price_tables = folder / "home", folder / "prices"
        write_world(world, home, price_tables)
        tables = bill_month(
            home,
            price_tables,
            world.month,
            months_before=world.months_before,
            time_zone=world.time_zone,
            seller_country=world.seller_country,
            issued=issued,
        )
    assert "receipts" not in disagreements(found, tables)
