"""What every table class shares: types, the contract at a boundary, strict casts."""

from __future__ import annotations

from decimal import Decimal

import pandera.errors
import polars as pl
import pytest

from pipelines.storage.catalogue import PRICE_TABLES, PUBLISHED_MONTHLY, PUBLISHED_WHOLE, WAREHOUSE
from tests.unit.frames import price_lists, rated
from transforms.tables.base import MONEY, Table, assert_contract, columns, conform, empty, types
from transforms.tables.prices import PriceLists
from transforms.tables.usage import RatedUsage

CURRENCY_ELSEWHERE = ("number_fee_prices", "bill_statements")
"""On the price list, and on the bill."""
EVERY_TABLE = {**PUBLISHED_MONTHLY, **PUBLISHED_WHOLE, **PRICE_TABLES, **WAREHOUSE}.items()


@pytest.mark.parametrize(("name", "table"), EVERY_TABLE)
def test_every_column_is_described_and_every_key_is_of_columns(name: str, table: type[Table]) -> None:
    assert all(column.description for column in columns(table).values()), name
    assert set(table._key) <= set(types(table))
    assert table._key
    assert empty(table).schema == types(table)


@pytest.mark.parametrize(("name", "table"), EVERY_TABLE)
def test_money_is_decimal_with_its_currency_beside_it(name: str, table: type[Table]) -> None:
    assert not any(dtype.is_float() for dtype in types(table).values()), name
    amounts = {"amount", "charge", "net_amount", "credited_amount", "monthly_fee", "unit_price"} & set(types(table))
    assert all(isinstance(types(table)[amount], pl.Decimal) for amount in amounts)
    if amounts and name not in PRICE_TABLES and name not in CURRENCY_ELSEWHERE:
        assert "currency" in types(table)


def test_the_contract_orders_columns_and_takes_no_other_type() -> None:
    frame = price_lists().select("currency", "price_list")
    assert assert_contract(PriceLists, frame).columns == ["price_list", "currency"]
    with pytest.raises(pandera.errors.SchemaError):
        assert_contract(PriceLists, frame.with_columns(pl.col("currency").cast(pl.Categorical)))
    with pytest.raises(pandera.errors.SchemaError):
        assert_contract(PriceLists, pl.concat([frame, frame]))
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        assert_contract(PriceLists, frame.drop("currency"))


def test_the_contract_looks_at_values() -> None:
    with pytest.raises(pandera.errors.SchemaError):
        assert_contract(RatedUsage, rated({"service": "fax"}))
    with pytest.raises(pandera.errors.SchemaError):
        assert_contract(RatedUsage, rated({"billed_seconds": -1}))


def test_conforming_fills_in_constants_and_nulls() -> None:
    frame = conform(PriceLists, pl.DataFrame({"price_list": ["x"]}), {"currency": "EUR"})
    assert frame.rows() == [("x", "EUR")]
    assert conform(PriceLists, pl.DataFrame({"price_list": ["x"]})).rows() == [("x", None)]


def test_a_value_that_does_not_fit_its_type_raises() -> None:
    huge = rated({}).with_columns(pl.lit(Decimal(100_000_000)).cast(MONEY).alias("charge"))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        conform(RatedUsage, huge)
    long = rated({}).with_columns(pl.lit(2**31, pl.Int64).alias("billed_seconds"))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        conform(RatedUsage, long)
