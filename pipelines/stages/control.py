"""Measures the controls of a month; what fails keeps the month from being published."""

from __future__ import annotations

import re

import polars as pl

from pipelines.controls import CONTROLS, Control
from pipelines.session import Session
from pipelines.settings import Month
from transforms.control.verdicts import verdicts

_MEASURED = ("currency", "expected", "actual", "difference")


def control_month(session: Session, name: str) -> pl.DataFrame:
    """The Controls of the month, which also replace the ones the warehouse held for it."""
    session.progress.stage(f"controls {name}")
    month = session.month(name)
    units = pl.DataFrame({"currency": list(session.minor_units), "digits": list(session.minor_units.values())})
    session.warehouse.connection.register("minor_units", units)
    tables = ("rated_usage", "number_fees", "bill_lines", "bills")
    sources = {table: session.warehouse.month_files.source(table, [name]) for table in tables}
    try:
        measured = pl.concat([_measure(session, month, control, sources) for control in CONTROLS])
    finally:
        session.warehouse.connection.unregister("minor_units")
    frame = verdicts(measured, month=name)
    with session.warehouse.transaction():
        session.warehouse.connection.execute("DELETE FROM controls WHERE billing_month = ?", [name])
        session.warehouse.insert("controls", frame)
        session.warehouse.note("controls", name, {"failed": frame.filter(~pl.col("passed")).height})
    session.progress.advance(frame.height)
    return frame


def _measure(session: Session, month: Month, control: Control, sources: dict[str, str]) -> pl.DataFrame:
    """What the control measured; a control of sums that found no currency at all measured nothing against nothing."""
    query = control.query.format(**sources)
    values = {
        "month": month.name,
        "starts": month.starts,
        "ends": month.ends,
        "first": month.first,
        "last": month.last,
        "month_start": month.first,
    }
    used = {name: value for name, value in values.items() if _uses(query, name)}
    types = ", ".join(f"{column}::DECIMAL(38,10) AS {column}" for column in _MEASURED[1:])
    found = session.warehouse.connection.sql(f"SELECT currency, {types} FROM ({query})", params=used).pl()
    if found.is_empty():
        found = pl.DataFrame([{"currency": "", "expected": 0, "actual": 0, "difference": 0}])
    money = pl.Decimal(38, 10)
    return found.select(pl.lit(control.name).alias("control"), "currency", pl.col(_MEASURED[1:]).cast(money))


def _uses(query: str, name: str) -> bool:
    return re.search(rf"\${name}\b", query) is not None
