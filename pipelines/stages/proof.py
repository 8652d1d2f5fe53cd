"""What proves that an issued month is as it was: its counts, totals and hashes, kept in HOME/issued beside the database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines import catalogue
from pipelines.durable import put
from pipelines.errors import BadInput
from pipelines.session import Session
from transforms.tables.base import Table, columns

HASH_ROWS = 500_000
"""Hashes of rows that are in memory at once."""


def document(session: Session, month: str, part: int, at: datetime, bills: pl.DataFrame) -> dict[str, Any]:
    """What is kept of one issue of the month. Belongs into its transaction."""
    totals = bills.group_by("currency").agg(pl.col("net_amount", "vat_amount", "gross_amount", "total_owed").sum())
    inputs = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'")
    return {
        "month": month,
        "part": part,
        "issued_at": at.isoformat(),
        "version": version("callbill"),
        "first_number": bills["bill_number"].min(),
        "last_number": bills["bill_number"].max(),
        "bills": bills.height,
        "totals": {
            row["currency"]: {name: str(row[name]) for name in totals.columns if name != "currency"}
            for row in totals.sort("currency").iter_rows(named=True)
        },
        "inputs": json.loads(inputs) if inputs else {},
        "tables": hashes(session, month, part, sound=True),
    }


def hashes(session: Session, month: str, part: int, *, sound: bool = False) -> dict[str, dict[str, int | str]]:
    """Rows and SHA-256 of each table of the part, of the ledger entries that it posted, and of the receipts.

    Files that are missing or cannot be read are told in place of their hash; of those that must be `sound`, raises
    what DuckDB raises.
    """
    found: dict[str, dict[str, int | str]] = {}
    for name, table in catalogue.BILLED.items():
        paths = session.warehouse.month_files.part(name, month, part)
        missing = [path for path in paths if not path.exists()]
        if not sound and (not paths or missing):
            found[name] = {"rows": 0, "sha256": "its files are missing"}
            continue
        files = ", ".join(catalogue.quoted(str(path)) for path in paths)
        try:
            found[name] = table_hash(session.warehouse.connection, table, f"read_parquet([{files}])")
        except duckdb.Error:
            if sound:
                raise
            found[name] = {"rows": 0, "sha256": "its files cannot be read"}
    connection = session.warehouse.connection
    posted = "(SELECT * FROM posted_ledger WHERE month = ? AND part = ?)"
    found["ledger"] = table_hash(connection, catalogue.PUBLISHED_WHOLE["ledger"], posted, [month, part])
    made = (
        "(SELECT * FROM receipts SEMI JOIN (SELECT * FROM posted_receipts WHERE month = ? AND part = ?) "
        "USING (receipt_number))"
    )
    found["receipts"] = table_hash(connection, catalogue.PUBLISHED_WHOLE["receipts"], made, [month, part])
    return found


def table_hash(
    connection: duckdb.DuckDBPyConnection, table: type[Table], source: str, parameters: Sequence[object] = ()
) -> dict[str, int | str]:
    """Rows and SHA-256 of a table: over the hashes of its rows, in the order of its key."""
    texts = ", ".join(
        f"coalesce(length(\"{name}\"::VARCHAR) || ':' || \"{name}\"::VARCHAR, '-')" for name in columns(table)
    )
    digest, rows = hashlib.sha256(), 0
    query = f"SELECT sha256(concat({texts})) AS h FROM {source} ORDER BY {', '.join(table._key)}"
    reader = connection.sql(query, params=list(parameters)).to_arrow_reader(HASH_ROWS)
    for batch in reader:
        hashes = pl.Series(pl.from_arrow(batch.column(0)))
        digest.update("".join(hashes.to_list()).encode())
        rows += batch.num_rows
    return {"rows": rows, "sha256": digest.hexdigest()}


def documents(session: Session, month: str) -> list[dict[str, Any]]:
    """What the warehouse keeps of the issues of the month."""
    rows = session.warehouse.connection.execute(
        "SELECT document FROM issues WHERE billing_month = ? ORDER BY part", [month]
    ).fetchall()
    return [json.loads(row[0]) for row in rows]


def put_document(session: Session, month: str) -> None:
    """Writes HOME/issued/MONTH.json from what the warehouse keeps, unless it says that already."""
    place = session.installation.issued / f"{month}.json"
    text = json.dumps({"month": month, "issues": documents(session, month)}, indent=2, sort_keys=True) + "\n"
    if place.exists() and place.read_text(encoding="utf-8") == text:
        return
    place.parent.mkdir(exist_ok=True)
    beside = place.with_name(f".{place.name}.new")
    beside.write_text(text, encoding="utf-8")
    put(beside, place)


def kept(path: Path) -> list[dict[str, Any]]:
    """The issues that the file tells of. Raises BadInput where it cannot be read."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["issues"])
    except FileNotFoundError:
        raise BadInput(f"{path} is missing: nothing proves what was issued") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput(f"{path} cannot be read as what callbill wrote there") from None
