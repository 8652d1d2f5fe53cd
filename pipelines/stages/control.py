"""Measures the controls of a month; what fails keeps the month from being published."""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl

from pipelines.closing import issued_legs, issued_months
from pipelines.controls import CONTROLS, Control
from pipelines.errors import ControlFailed
from pipelines.session import Session
from pipelines.settings import Month
from transforms.control.verdicts import verdicts

_MEASURED = ("currency", "expected", "actual", "difference")


def control_month(session: Session, name: str) -> pl.DataFrame:
    """The Controls of the month, which also replace the ones the warehouse held for it."""
    session.progress.stage(f"controls {name}")
    issued = issued_months(session)
    if issued.closed(name):
        return session.warehouse.frame("SELECT * FROM controls WHERE billing_month = ?", [name])
    month = session.month(name)
    measured_now = [item for item in CONTROLS if not (item.of_whole_months and issued.partly_open(name))]
    units = pl.DataFrame({"currency": list(session.minor_units), "digits": list(session.minor_units.values())})
    tables = ("rated_usage", "number_fees", "bill_lines", "bills")
    sources = {table: session.warehouse.month_files.source(table, [name], issued=False) for table in tables}
    sources["issued_usage"] = issued_legs(session)
    sources["issued_bills"] = session.warehouse.month_files.source("bills", issued=True)
    sources["issued_notes"] = session.warehouse.month_files.source("correction_notes", issued=True)
    with session.warehouse.lent("minor_units", units):
        measured = pl.concat([_measure(session, month, control, sources) for control in measured_now])
    frame = verdicts(measured, month=name)
    with session.warehouse.transaction():
        session.warehouse.connection.execute("DELETE FROM controls WHERE billing_month = ?", [name])
        session.warehouse.insert("controls", frame)
        facts = {"failed": frame.filter(~pl.col("passed")).height}
        session.warehouse.note("controls", name, {**facts, "files": session.warehouse.month_files.contents(name)})
    session.progress.advance(frame.height)
    return frame


def require_passed(session: Session, name: str) -> None:
    """Raises ControlFailed where a control of the month failed, or where none looked at the month as it is now."""
    failed = session.warehouse.frame(
        "SELECT * FROM controls WHERE billing_month = ? AND NOT passed ORDER BY control, currency", [name]
    )
    if failed.height:
        says = {control.name: control.says for control in CONTROLS}
        sentences = [
            f"control {row['control']} failed for {name}: {says[row['control']]}; {_figures(row)}"
            for row in failed.iter_rows(named=True)
        ]
        raise ControlFailed("\n".join(sentences))
    if issued_months(session).closed(name):
        return
    facts = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'controls' AND month = ?", [name])
    if facts is None or json.loads(facts)["files"] != session.warehouse.month_files.contents(name):
        raise ControlFailed(f"{name} is not as the controls last saw it: run them before it is published")


def _figures(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in shown(pl.DataFrame([row])).items())


def shown(rows: pl.DataFrame) -> dict[str, int | str]:
    """What Controls measured, as a person reads it: `expected EUR` and so on; counts as numbers, amounts as text."""
    return {
        f"{name} {row['currency']}".strip(): f"{row[name].normalize():f}" if row["currency"] else int(row[name])
        for row in rows.iter_rows(named=True)
        for name in _MEASURED[1:]
    }


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
