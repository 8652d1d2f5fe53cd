"""Which price row is in force: by day, and the account's own list before the default."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from tests.unit.frames import price_lists, sms_outbound
from transforms.rating.prices import PriceIndex

D = Decimal
LISTS = price_lists(own="EUR").sort("price_list").with_row_index("list_id").cast({"list_id": pl.Int64})
DEFAULT, OWN = 0, 1


def price(country: str, since: date, amount: str, price_list: str = "default_eur") -> dict[str, object]:
    return {"country": country, "price_per_segment": D(amount), "valid_from": since, "price_list": price_list}


PRICES = sms_outbound(
    price("FR", date(2026, 10, 10), "0.06"),
    price("FR", date(2025, 1, 1), "0.05"),
    price("FR", date(2026, 10, 11), "0.07"),
    price("DE", date(2025, 1, 1), "0.09"),
    price("FR", date(2026, 10, 5), "0.04", "own"),
    price("US", date(2026, 10, 5), "0.01", "own"),
)
INDEX = PriceIndex.build(PRICES, ["country"], LISTS)


def found(country: str | None, day: date, *lists: int | None) -> Decimal | None:
    """The price of a segment, asked for beside one that is always there."""
    keys = dict(INDEX.keys.select("country", "key_id").iter_rows())
    key = pl.Series([keys["DE"], keys.get(country)], dtype=pl.Int64)
    days = pl.Series([date(2026, 1, 1), day])
    places = INDEX.find([pl.Series([DEFAULT, item], dtype=pl.Int64) for item in lists or (DEFAULT,)], key, days)
    always, price = INDEX.column("price_per_segment", places)
    assert always == D("0.09")
    return price


@pytest.mark.parametrize(
    ("day", "amount"),
    [
        (date(1970, 1, 1), None),
        (date(2024, 12, 31), None),
        (date(2025, 1, 1), "0.05"),
        (date(2026, 10, 9), "0.05"),
        (date(2026, 10, 10), "0.06"),
        (date(2026, 10, 11), "0.07"),
        (date(2026, 10, 12), "0.07"),
        (date(2999, 12, 31), "0.07"),
    ],
)
def test_a_price_is_in_force_until_the_next_of_its_key(day: date, amount: str | None) -> None:
    assert found("FR", day) == (D(amount) if amount else None)


@pytest.mark.parametrize(
    ("country", "day", "amount"),
    [
        pytest.param("FR", date(2026, 10, 12), "0.04", id="the own list, though the default is newer"),
        pytest.param("FR", date(2026, 10, 5), "0.04", id="on the first day of the own price"),
        pytest.param("FR", date(2026, 10, 4), "0.05", id="the default before it"),
        pytest.param("DE", date(2026, 10, 12), "0.09", id="the default where the own list lacks the key"),
        pytest.param("US", date(2026, 10, 12), "0.01", id="the own list alone"),
        pytest.param("US", date(2026, 10, 4), None, id="neither yet"),
        pytest.param("ES", date(2026, 10, 12), None, id="a key that no list has"),
    ],
)
def test_the_own_list_is_asked_before_the_default(country: str, day: date, amount: str | None) -> None:
    assert found(country, day, OWN, DEFAULT) == (D(amount) if amount else None)


def test_a_list_that_does_not_exist_has_no_price() -> None:
    places = INDEX.find([pl.Series([None], dtype=pl.Int64)], pl.Series([1]), pl.Series([date(2026, 10, 12)]))
    assert places.to_list() == [None]


def test_the_last_key_of_one_list_is_not_the_first_of_the_next() -> None:
    before = date(1969, 12, 31)
    assert found("DE", before, OWN) is None
    assert found("US", before, DEFAULT) is None


def test_an_empty_table_has_no_price() -> None:
    index = PriceIndex.build(PRICES.clear(), ["country"], LISTS)
    places = index.find([pl.Series([0])], pl.Series([None], dtype=pl.Int64), pl.Series([date(2026, 10, 1)]))
    assert places.to_list() == [None]


def test_a_table_without_key_has_one_price_a_list() -> None:
    index = PriceIndex.build(PRICES.filter(pl.col("country") == "DE"), [], LISTS)
    places = index.find([pl.Series([DEFAULT, OWN])], pl.Series([0, 0]), pl.Series([date(2026, 10, 1)] * 2))
    assert index.column("price_per_segment", places).to_list() == [D("0.09"), None]
