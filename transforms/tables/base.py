"""What every table class shares: the column types of the house and the contract check at a boundary.

Here belong types and the base class; the tables themselves live beside this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pandera.polars as pa
import polars as pl

Price = Annotated[pl.Decimal, 18, 6]
"""A price per unit in the currency of its price list (billing rule 1)."""

Charge = Annotated[pl.Decimal, 18, 10]
"""The charge of one record or one number fee, before a bill line rounds it (billing rule 1)."""

ChargeSum = Annotated[pl.Decimal, 38, 10]
"""The charges of a bill line, added up and not yet rounded."""

Amount = Annotated[pl.Decimal, 18, 4]
"""An amount in a currency's minor unit; four decimals hold every ISO 4217 exponent."""

Rate = Annotated[pl.Decimal, 6, 4]
"""A VAT rate as a fraction: 0.2000 is 20 %."""

Instant = Annotated[pl.Datetime, "us", "UTC"]
"""A moment in UTC, to the microsecond."""

CHARGE_SCALE = 10
AMOUNT_SCALE = 4
MONEY = pl.Decimal(38, CHARGE_SCALE)
"""The type in which charges are added up: it raises on overflow long before it could wrap."""


class Table(pa.DataFrameModel):
    """A table of callbill: each column's type, unit, description and checks, said once."""

    _key: ClassVar[tuple[str, ...]] = ()
    """The columns that name a row; an export in this order is the same bytes on every run."""

    class Config:
        strict = True
        coerce = False


def columns(table: type[Table]) -> dict[str, Any]:
    """The Pandera columns of `table` by name, in their declared order."""
    return dict(table.to_schema().columns)


def types(table: type[Table]) -> dict[str, pl.DataType]:
    """The Polars type of each column of `table`, in order."""
    return {name: column.dtype.type for name, column in columns(table).items()}


def assert_contract(table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns of `table` in order, every value checked.

    Raises pandera's SchemaError where a column is missing, has another type or breaks a check: bad input was
    sorted out long before, so a failure here is a fault of callbill and stops the run.
    """
    ordered = frame.select(list(types(table)))
    table.validate(ordered)
    return ordered


def empty(table: type[Table]) -> pl.DataFrame:
    """A frame of no rows with the columns of `table`."""
    return pl.DataFrame(schema=types(table))


def conform(table: type[Table], frame: pl.DataFrame, constants: Mapping[str, object] | None = None) -> pl.DataFrame:
    """`frame` cast to the types of `table`, columns it lacks taken from `constants` or null.

    Casts are strict: a value that does not fit its declared type raises instead of wrapping or turning null.
    """
    constants = constants or {}
    have = set(frame.columns)
    return frame.select(
        (pl.col(name) if name in have else pl.lit(constants.get(name))).cast(dtype).alias(name)
        for name, dtype in types(table).items()
    )
