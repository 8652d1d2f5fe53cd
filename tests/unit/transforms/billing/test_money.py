"""Rounding to the minor unit: half away from zero, and by the currency."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from transforms.billing.money import times, to_minor_unit

D = Decimal
UNITS = {"EUR": 2, "USD": 2, "JPY": 0, "TND": 3, "CLF": 4}


def rounded(amount: str, currency: str) -> Decimal | None:
    frame = pl.DataFrame({"a": [D(amount)], "c": [currency]}, schema={"a": pl.Decimal(38, 10), "c": pl.String})
    found = frame.select(to_minor_unit(pl.col("a"), pl.col("c"), UNITS)).to_series()
    assert found.dtype == pl.Decimal(18, 4)
    value: Decimal | None = found.item()
    return value


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("0.125", "USD", "0.13"),
        ("0.135", "USD", "0.14"),
        ("-0.125", "USD", "-0.13"),
        ("0.1249999999", "EUR", "0.12"),
        ("-0.1249999999", "EUR", "-0.12"),
        ("0.005", "EUR", "0.01"),
        ("0.0049999999", "EUR", "0"),
        ("-0.005", "EUR", "-0.01"),
        ("2.675", "EUR", "2.68"),
        ("0.9999999999", "EUR", "1"),
        ("0", "EUR", "0"),
        ("12.5", "JPY", "13"),
        ("13.5", "JPY", "14"),
        ("-12.5", "JPY", "-13"),
        ("12.4999999999", "JPY", "12"),
        ("0.5", "JPY", "1"),
        ("1.2345", "TND", "1.235"),
        ("-1.2345", "TND", "-1.235"),
        ("1.2344999999", "TND", "1.234"),
        ("0.00005", "CLF", "0.0001"),
        ("99999999999999.99", "EUR", "99999999999999.99"),
    ],
)
def test_half_away_from_zero(amount: str, currency: str, expected: str) -> None:
    assert rounded(amount, currency) == D(expected)


def test_currencies_of_one_column_are_rounded_each_by_its_own() -> None:
    frame = pl.DataFrame(
        {"a": [D("1.2345")] * 3, "c": ["EUR", "JPY", "TND"]}, schema={"a": pl.Decimal(38, 10), "c": pl.String}
    )
    assert frame.select(to_minor_unit(pl.col("a"), pl.col("c"), UNITS)).to_series().to_list() == [
        D("1.23"),
        D("1"),
        D("1.235"),
    ]


def test_a_currency_of_no_known_minor_unit_gives_nothing_which_no_table_accepts() -> None:
    assert rounded("1", "XXX") is None


def test_an_amount_beyond_the_type_stops_the_run() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        rounded("100000000000000", "EUR")


def test_an_amount_times_a_rate_is_exact() -> None:
    frame = pl.DataFrame(
        {"a": [D("123.4567")], "r": [D("0.0825")]}, schema={"a": pl.Decimal(18, 4), "r": pl.Decimal(6, 4)}
    )
    assert frame.select(times(pl.col("a"), pl.col("r"))).item() == D("10.18517775")
