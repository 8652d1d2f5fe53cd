"""Every world drawn runs through the independent biller, and how it is written into files changes no bill."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.independent.biller import Tables, bill_month
from tests.property.strategies import World, worlds, write_world


def bill(world: World, **form: Any) -> Tables:
    """The tables of a world, written in some form."""
    with tempfile.TemporaryDirectory() as folder:
        home, price_tables = Path(folder, "home"), Path(folder, "prices")
        write_world(world, home, price_tables, **form)
        return bill_month(
            home,
            price_tables,
            world.month,
            months_before=world.months_before,
            time_zone=world.time_zone,
            seller_country=world.seller_country,
        )


def places_left_out(rows: list[dict[str, Any]]) -> list[str]:
    """The rows in a fixed order, without the place of their raw record."""
    kept = [{name: row[name] for name in row if name not in ("path", "record_number")} for row in rows]
    return sorted(str(sorted(row.items())) for row in kept)


@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_every_world_adds_up(world: World) -> None:
    tables = bill(world)
    for file in tables.usage_files:
        parts = [file[name] for name in ("usage_records", "suspended", "duplicates", "unbillable")]
        assert file["records"] == sum(parts)
    for row in tables.bills:
        lines = [
            line["amount"]
            for line in tables.bill_lines
            if (line["billing_month"], line["account_id"]) == (row["billing_month"], row["account_id"])
        ]
        assert sum(lines) == row["net_amount"]
        assert row["gross_amount"] == row["paid_from_balance"] + row["total_owed"]


@settings(max_examples=40, deadline=None)
@given(
    world=worlds(),
    split=st.integers(1, 4),
    shuffle_seed=st.integers(0, 1000),
    form=st.sampled_from(["csv", "jsonl"]),
    compress=st.booleans(),
)
def test_files_change_no_bill(world: World, split: int, shuffle_seed: int, form: str, compress: bool) -> None:
    usual = bill(world)
    other = bill(world, split=split, shuffle_seed=shuffle_seed, form=form, compress=compress)
    for table in ("rated_usage", "number_fees", "bill_lines", "bills", "receipts", "ledger", "suspense"):
        assert places_left_out(getattr(other, table)) == places_left_out(getattr(usual, table)), table
