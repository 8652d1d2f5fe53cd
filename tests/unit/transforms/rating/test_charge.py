"""The arithmetic of a charge, to the tenth decimal."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest

from transforms.rating.charge import billed_seconds, counted_charge, voice_charge

D = Decimal
PRICE = pl.Decimal(18, 6)


def billed(seconds: int, first: int, increment: int) -> int | None:
    frame = pl.DataFrame([(seconds, first, increment)], schema=dict.fromkeys("sfi", pl.Int32), orient="row")
    found = frame.select(billed_seconds(pl.col("s"), pl.col("f"), pl.col("i"))).to_series()
    assert found.dtype == pl.Int32
    value: int | None = found.item()
    return value


def charge(price: str, seconds: int, fee: str = "0") -> Decimal | None:
    frame = pl.DataFrame(
        {"p": [D(price)], "f": [D(fee)], "s": [seconds]}, schema={"p": PRICE, "f": PRICE, "s": pl.Int32}
    )
    found = frame.select(voice_charge(pl.col("p"), pl.col("f"), pl.col("s"))).to_series()
    assert found.dtype == pl.Decimal(18, 10)
    value: Decimal | None = found.item()
    return value


def counted(price: str, count: int) -> Decimal | None:
    frame = pl.DataFrame({"p": [D(price)], "n": [count]}, schema={"p": PRICE, "n": pl.Int32})
    value: Decimal | None = frame.select(counted_charge(pl.col("p"), pl.col("n"))).item()
    return value


@pytest.mark.parametrize(
    ("seconds", "first", "increment", "charged"),
    [
        # by the second: the product's promise
        (0, 1, 1, 0),
        (1, 1, 1, 1),
        (83, 1, 1, 83),
        (3600, 1, 1, 3600),
        # by the minute
        (0, 60, 60, 0),
        (1, 60, 60, 60),
        (60, 60, 60, 60),
        (61, 60, 60, 120),
        (120, 60, 60, 120),
        (121, 60, 60, 180),
        # half a minute at least, then six seconds
        (0, 30, 6, 0),
        (1, 30, 6, 30),
        (30, 30, 6, 30),
        (31, 30, 6, 36),
        (36, 30, 6, 36),
        (37, 30, 6, 42),
        (83, 30, 6, 84),
        # a minute at least, then by the second
        (59, 60, 1, 60),
        (61, 60, 1, 61),
        # a first increment that is shorter than the step
        (1, 1, 60, 1),
        (2, 1, 60, 61),
        (62, 1, 60, 121),
        (2147483647, 1, 1, 2147483647),
    ],
)
def test_increments(seconds: int, first: int, increment: int, charged: int) -> None:
    assert billed(seconds, first, increment) == charged


def test_billed_seconds_beyond_the_type_are_none() -> None:
    assert billed(2147483647, 60, 60) is None
    assert billed(2147483640, 60, 60) == 2147483640


@pytest.mark.parametrize(
    ("price", "seconds", "amount"),
    [
        ("0.012", 83, "0.0166"),
        ("0.02", 600, "0.2"),
        ("0.012", 0, "0"),
        ("0", 83, "0"),
        ("0.000001", 1, "0.0000000167"),
        ("0.000001", 2, "0.0000000333"),
        ("0.000001", 3, "0.00000005"),
        ("1", 1, "0.0166666667"),
        ("1", 2, "0.0333333333"),
        ("0.012345", 83, "0.01707725"),
        ("99999.999999", 60, "99999.999999"),
    ],
)
def test_the_price_of_a_minute_is_charged_by_the_second_and_rounded_once(price: str, seconds: int, amount: str) -> None:
    assert charge(price, seconds) == D(amount)


def test_ten_minutes_at_two_cents_are_twenty_cents_where_a_rounded_second_would_lose_some() -> None:
    assert charge("0.02", 600) == D("0.2")
    assert charge("0.02", 1).quantize(D("0.0001")) * 600 != D("0.2")


def test_the_connection_fee_is_added_before_the_rounding() -> None:
    assert charge("0.012", 83, fee="0.05") == D("0.0666")
    assert charge("0.000001", 1, fee="0.000001") == D("0.0000010167")


@pytest.mark.parametrize("price", ["0.000001", "0.000007", "0.012345", "1.999999"])
def test_every_second_of_two_minutes_is_the_nearest_amount(price: str) -> None:
    for seconds in range(1, 121):
        exact = Fraction(price) * seconds / 60
        assert abs(Fraction(charge(price, seconds)) - exact) < Fraction(1, 2 * 10**10)


def test_an_amount_beyond_the_type_is_none() -> None:
    assert charge("99999999.999999", 60) == D("99999999.999999")
    for price, seconds in (("100000000", 60), ("999999999999.999999", 2147483647)):
        assert charge(price, seconds) is None
    assert charge("0", 60, "100000000") is None


@pytest.mark.parametrize(
    ("price", "count", "amount"),
    [
        ("0.05", 1, "0.05"),
        ("0.05", 3, "0.15"),
        ("0.000001", 999999999, "999.999999"),
        ("0.05", 0, "0"),
        ("0", 7, "0"),
    ],
)
def test_segments_and_messages_are_counted(price: str, count: int, amount: str) -> None:
    assert counted(price, count) == D(amount)


def test_a_counted_amount_beyond_the_type_is_none() -> None:
    assert counted("0.999999", 100_000_000) == D("99999900")
    for price, count in (("1", 100_000_000), ("999999999999.999999", 999_999_999)):
        assert counted(price, count) is None
