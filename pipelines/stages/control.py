"""Measures the controls of a month; what fails keeps the month from being published."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl

from pipelines.controls import files as file_controls
from pipelines.controls import legs as leg_controls
from pipelines.controls.control import FINDINGS_MAX, Control
from pipelines.controls.month import CONTROLS
from pipelines.errors import ControlFailed
from pipelines.settings import Month
from pipelines.stages.billing_months import issued_legs, issued_months
from pipelines.storage.session import Session
from pipelines.storage.unfinished import has_run
from transforms.control.verdicts import verdicts

_MEASURED = ("currency", "expected", "actual", "difference")


def control_month(session: Session, name: str) -> pl.DataFrame:
    """The Controls of the month, which also replace the ones the warehouse held for it."""
    session.progress.stage(f"controls {name}")
    issued = issued_months(session)
    if issued.closed(name):
        return session.warehouse.frame("SELECT * FROM controls WHERE billing_month = ?", [name])
    frame = measure_month(session, name)
    with session.warehouse.transaction():
        session.warehouse.connection.execute("DELETE FROM controls WHERE billing_month = ?", [name])
        session.warehouse.insert("controls", frame)
        facts = {"failed": frame.filter(~pl.col("passed")).height}
        session.warehouse.note("controls", name, {**facts, "files": session.warehouse.month_files.contents(name)})
        if facts["failed"]:
            has_run(session, name)
    session.progress.advance(frame.height)
    return frame


def measure_month(session: Session, name: str) -> pl.DataFrame:
    """The Controls of the month as the warehouse is now; nothing of them is kept."""
    issued = issued_months(session)
    month = session.month(name)
    measured_now = [item for item in CONTROLS if not (item.of_whole_months and issued.partly_open(name))]
    units = pl.DataFrame({"currency": list(session.minor_units), "digits": list(session.minor_units.values())})
    tables = ("rated_usage", "number_fees", "bill_lines", "bills")
    sources = {table: session.warehouse.month_files.source(table, [name], issued=False) for table in tables}
    sources["issued_usage"] = issued_legs(session)
    sources["issued_bills"] = session.warehouse.month_files.source("bills", issued=True)
    sources["issued_notes"] = session.warehouse.month_files.source("correction_notes", issued=True)
    with session.warehouse.lent("minor_units", units), _prepared(session, month, tables):
        measured = pl.concat([_measure(session, month, control, sources) for control in measured_now])
    return verdicts(measured, month=name, reporting=[item.name for item in CONTROLS if not item.blocking])


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
    found = f": {row['findings']}" if row["findings"] else ""
    return ", ".join(f"{name} {value}" for name, value in shown(pl.DataFrame([row])).items()) + found


def shown(rows: pl.DataFrame) -> dict[str, int | str]:
    """What Controls measured, as a person reads it: `expected EUR` and so on; counts as numbers, amounts as text."""
    return {
        f"{name} {row['currency']}".strip(): f"{row[name].normalize():f}" if row["currency"] else int(row[name])
        for row in rows.iter_rows(named=True)
        for name in _MEASURED[1:]
    }


@contextmanager
def _prepared(session: Session, month: Month, tables: Sequence[str]) -> Iterator[None]:
    """Within the block there are the temporary tables that several controls look at."""
    execute = session.warehouse.connection.execute
    execute(file_controls.PREPARE)
    files = session.warehouse.month_files
    written = [item for table in tables if (item := files.open_part_or_none(table, month.name))]
    rows = [(item.table, item.sha256, files.sha256(item)) for item in written]
    execute("CREATE OR REPLACE TEMP TABLE written_files (table_name VARCHAR, sha256 VARCHAR, found VARCHAR)")
    for row in rows:
        execute("INSERT INTO written_files VALUES (?, ?, ?)", list(row))
    for statement in leg_controls.prepare():
        execute(statement, _used(statement, month))
    try:
        yield
    finally:
        for table in ("file_differences", "written_files", *leg_controls.TABLES):
            execute(f"DROP TABLE IF EXISTS {table}")


def _measure(session: Session, month: Month, control: Control, sources: dict[str, str]) -> pl.DataFrame:
    """What the control measured; a control of sums that found no currency at all measured nothing against nothing."""
    query = control.query.format(**sources)
    types = ", ".join(f"{column}::DECIMAL(38,10) AS {column}" for column in _MEASURED[1:])
    found = session.warehouse.connection.sql(
        f"SELECT currency, {types} FROM ({query})", params=_used(query, month)
    ).pl()
    if found.is_empty():
        found = pl.DataFrame([{"currency": "", "expected": 0, "actual": 0, "difference": 0}])
    money = pl.Decimal(38, 10)
    differs = found.select((pl.col("difference").cast(money) != 0).any()).item()
    findings = _findings(session, month, control.findings.format(**sources)) if differs else ""
    return found.select(
        pl.lit(control.name).alias("control"),
        "currency",
        pl.col(_MEASURED[1:]).cast(money),
        pl.lit(findings).alias("findings"),
    )


def _findings(session: Session, month: Month, query: str) -> str:
    """The first things that the query names, and how many there are if those are not all."""
    if not query:
        return ""
    limited = f"SELECT finding FROM ({query}) LIMIT {FINDINGS_MAX}"
    rows = session.warehouse.connection.execute(limited, _used(query, month)).fetchall()
    return "; ".join(row[0] for row in rows)


def _used(query: str, month: Month) -> dict[str, object]:
    """The parameters of the month that the query uses."""
    values = {
        "month": month.name,
        "starts": month.starts,
        "ends": month.ends,
        "first": month.first,
        "last": month.last,
        "month_start": month.first,
    }
    return {name: value for name, value in values.items() if re.search(rf"\${name}\b", query)}
