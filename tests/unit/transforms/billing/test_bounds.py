"""Bills that a person should look at first: each bound, at its border."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from transforms.billing.bounds import Bounds, out_of_bounds

BOUNDS = Bounds(median_multiple=3, suspense_percent=10)
MONEY = pl.Decimal(18, 4)


def reasons(
    net: str,
    *,
    earlier: tuple[str, ...] = (),
    now: int = 1,
    before: int = 0,
    suspended: int = 0,
    currency: str = "EUR",
) -> list[str]:
    bills = pl.DataFrame(
        {"account_id": ["A"], "net_amount": [Decimal(net)], "currency": [currency]},
        schema_overrides={"net_amount": MONEY},
    )
    history = pl.DataFrame(
        {"account_id": ["A"] * len(earlier), "net_amount": [Decimal(amount) for amount in earlier]},
        schema={"account_id": pl.String, "net_amount": MONEY},
    )
    traffic = pl.DataFrame({"account_id": ["A"], "now": [now], "before": [before], "suspended": [suspended]})
    return out_of_bounds(bills, history, traffic, ["EUR", "USD"], BOUNDS)["reason"].to_list()


def test_an_ordinary_bill() -> None:
    assert reasons("10") == []


def test_a_negative_bill() -> None:
    assert reasons("0") == []
    assert reasons("-0.01") == ["the bill is negative"]


def test_a_currency_that_nobody_knows() -> None:
    assert reasons("1", currency="XYZ") == ["the currency is unknown"]


def test_a_bill_far_above_the_account_s_median() -> None:
    assert reasons("6.00", earlier=("1", "2", "90")) == []
    assert reasons("6.01", earlier=("1", "2", "90")) == ["the bill is more than 3 times the median of the account"]
    assert reasons("6.01", earlier=("1", "2")) == [], "two bills are no history"
    assert reasons("6.01", earlier=("0", "0", "0")) == [], "nothing times three says nothing"


@pytest.mark.parametrize(
    ("earlier", "median"),
    [
        pytest.param(("1", "2", "3", "4"), "3", id="of four the greater in the middle"),
        pytest.param(("4", "1", "3", "2"), "3", id="in whatever order they come"),
        pytest.param(("1", "2", "3", "4", "5"), "3", id="of five the middle one"),
        pytest.param(("1", "2", "3", "4", "5", "6"), "4", id="of six"),
        pytest.param(("1", "1", "1", "9", "9", "9", "9"), "9", id="of seven"),
    ],
)
def test_the_median_is_the_bill_in_the_middle(earlier: tuple[str, ...], median: str) -> None:
    limit = Decimal(median) * BOUNDS.median_multiple
    assert reasons(str(limit), earlier=earlier) == []
    assert reasons(str(limit + Decimal("0.01")), earlier=earlier) != []


def test_an_account_that_fell_silent() -> None:
    assert reasons("0", now=0, before=0) == []
    assert reasons("0", now=0, before=1) == ["there was traffic in the month before, and none in this"]
    assert reasons("0", now=1, before=1) == []


def test_much_in_suspense() -> None:
    assert reasons("1", now=9, suspended=1) == []
    assert reasons("1", now=8, suspended=1) == ["more than 10 % of the account's records are in suspense"]
    assert reasons("1", now=0, suspended=1) == ["more than 10 % of the account's records are in suspense"]
