"""Draft bills get their numbers: in the order of their accounts, without a gap, whatever order they come in."""

from __future__ import annotations

from itertools import permutations

import polars as pl
import pytest

from tests.unit.frames import bills, moment
from transforms.billing.issuing import issued

AT = moment("2026-11-02 12:00")


def drafts(*accounts: str, **changes: str) -> pl.DataFrame:
    """Draft bills of these accounts."""
    draft = {"bill_number": None, "status": "draft", "issued_at": None}
    return bills(*({"account_id": name} | draft | changes for name in accounts))


def numbers(frame: pl.DataFrame) -> list[tuple[str, str]]:
    return frame.select("account_id", "bill_number").rows()


@pytest.mark.parametrize("order", list(permutations(("A", "B", "C"))))
def test_numbers_follow_the_accounts_whatever_the_order_of_the_drafts(order: tuple[str, ...]) -> None:
    assert numbers(issued(drafts(*order), prefix="", first=1, at=AT)) == [
        ("A", "2026-000001"),
        ("B", "2026-000002"),
        ("C", "2026-000003"),
    ]


def test_a_series_goes_on_with_its_prefix_and_in_the_year_of_the_month() -> None:
    december = drafts("B", "A", billing_month="2025-12")
    assert numbers(issued(december, prefix="FA-", first=999_999, at=AT)) == [
        ("A", "FA-2025-999999"),
        ("B", "FA-2025-1000000"),
    ]


def test_nothing_but_number_status_and_moment_changes() -> None:
    found = issued(drafts("B", "A"), prefix="", first=1, at=AT)
    assert set(found["status"]) == {"issued"}
    assert set(found["issued_at"]) == {AT}
    told = ("bill_number", "status", "issued_at")
    assert found.drop(told).equals(drafts("A", "B").drop(told))


def test_no_drafts_become_no_bills() -> None:
    assert issued(drafts(), prefix="", first=1, at=AT).is_empty()
