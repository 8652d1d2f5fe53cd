"""Number fees that wait for a price: at which row of numbers.csv, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.stages import bill, load
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.bookkeeping import APRIL
from tests.pipelines.homes import Home, make_home

MINE, THEIRS = "+33639980042", "+33639980043"
TWICE = f"{MINE},A1,FR,mobile,false,2026-02-01,2026-04-10"
AGAIN = f"{MINE},A1,FR,mobile,false,2026-04-20,"
ONCE = f"{THEIRS},A2,FR,mobile,false,2026-02-01,"
HEADER = "number,account_id,country,number_class,call_tracking,assigned_at,released_at"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose mobile numbers have no fee."""
    return make_home(tmp_path)


@pytest.fixture
def warehouse(home: Home) -> Iterator[Warehouse]:
    with Warehouse.open(home.installation) as opened:
        yield opened


def waiting(home: Home, warehouse: Warehouse, *numbers: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What waits of April's fees by number and account, once numbers.csv has these rows."""
    home.reference("numbers", "\n".join((HEADER, *numbers)) + "\n")
    session = Session(home.installation, warehouse)
    load.load_reference_and_prices(session, APRIL)
    bill.charge_numbers(session, APRIL)
    found = warehouse.frame("SELECT * FROM suspense WHERE format = 'numbers' AND state = 'open'").to_dicts()
    by_number = {(row["record_id"], row["account_id"]): row for row in found}
    assert len(by_number) == len(found)
    return by_number


def places(found: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], int]:
    return {key: row["record_number"] for key, row in found.items()}


def test_a_number_held_twice_waits_once_and_at_its_first_row(home: Home, warehouse: Warehouse) -> None:
    assert places(waiting(home, warehouse, ONCE, TWICE, AGAIN)) == {(THEIRS, "A2"): 1, (MINE, "A1"): 2}
    assert places(waiting(home, warehouse, AGAIN, ONCE, TWICE)) == {(MINE, "A1"): 1, (THEIRS, "A2"): 2}


def test_a_number_that_moved_waits_for_each_who_held_it(home: Home, warehouse: Warehouse) -> None:
    moved = f"{MINE},A2,FR,mobile,false,2026-04-20,"
    assert places(waiting(home, warehouse, TWICE, moved)) == {(MINE, "A1"): 1, (MINE, "A2"): 2}


def test_a_fee_waits_since_it_was_seen_first_whatever_is_written_into_numbers_csv(
    home: Home, warehouse: Warehouse
) -> None:
    first = waiting(home, warehouse, TWICE, AGAIN)
    since = first[MINE, "A1"]["first_seen_at"]
    for rows in ((TWICE, AGAIN), (ONCE, TWICE, AGAIN), (ONCE, AGAIN)):
        found = waiting(home, warehouse, *rows)
        assert found[MINE, "A1"]["first_seen_at"] == since
    assert found[MINE, "A1"]["file_id"] != first[MINE, "A1"]["file_id"]
    assert found[THEIRS, "A2"]["first_seen_at"] > since


def test_a_fee_that_waits_again_after_a_price_went_waits_since_the_first_time(home: Home, warehouse: Warehouse) -> None:
    since = waiting(home, warehouse, ONCE)[THEIRS, "A2"]["first_seen_at"]
    priced = "default_eur,FR,mobile,2.000000,none,2025-01-01"
    home.add("number_fees", priced)
    assert waiting(home, warehouse, ONCE) == {}
    home.edit("number_fees", f"{priced}\n", "")
    assert waiting(home, warehouse, ONCE)[THEIRS, "A2"]["first_seen_at"] == since
