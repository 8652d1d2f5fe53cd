"""What proves that an issued month is as it was: its counts, totals and hashes, kept in HOME/issued beside the database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.errors import BadInput
from pipelines.storage import catalogue
from pipelines.storage.atomic_files import put
from pipelines.storage.month_files import from_files
from pipelines.storage.session import Session
from pipelines.version import VERSION
from transforms.tables.base import Table, types

TableHash = dict[str, int | str]
"""`rows` and `sha256` of a table."""

HASH_ROWS = 500_000
"""Hashes of rows that are in memory at once."""


def build_proof(
    session: Session,
    month: str,
    part: int,
    at: datetime,
    issued: pl.DataFrame,
    number: str,
    sums: Mapping[str, TableHash],
) -> dict[str, Any]:
    """What is kept of one issue of the month: of bills, or of notes that correct them. Belongs into its transaction.

    `issued`: the bills or notes, `number`: their column of numbers, `sums`: `file_hashes` of what was written with them.
    """
    totals = issued.group_by("currency").agg(pl.col("net_amount", "vat_amount", "gross_amount", "total_owed").sum())
    inputs = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'")
    return {
        "month": month,
        "part": part,
        "issued_at": at.isoformat(),
        "version": VERSION,
        "first_number": issued[number].min(),
        "last_number": issued[number].max(),
        "documents": issued.height,
        "totals": {
            row["currency"]: {name: str(row[name]) for name in totals.columns if name != "currency"}
            for row in totals.sort("currency").iter_rows(named=True)
        },
        "inputs": json.loads(inputs) if inputs else {},
        "tables": {**sums, **_posted_hashes(session, month, part)},
    }


def record_issue(session: Session, month: str, part: int, at: datetime, proof: dict[str, Any]) -> None:
    """The row that makes the part an issued one. Belongs into its transaction."""
    session.warehouse.connection.execute(
        "INSERT INTO issues SELECT ?, ?, ?, (SELECT coalesce(max(file_number), 0) FROM loaded_files), ?",
        [month, part, at, json.dumps(proof, sort_keys=True)],
    )


def hashes(session: Session, month: str, part: int, tables: Iterable[str]) -> dict[str, TableHash]:
    """Rows and SHA-256 of each of `tables` in the part, of the ledger entries that it posted, and of the receipts."""
    files = session.warehouse.month_files
    found = file_hashes(session, {name: files.part(name, month, part) for name in tables}, sound=False)
    return {**found, **_posted_hashes(session, month, part)}


def file_hashes(session: Session, tables: Mapping[str, Sequence[Path]], *, sound: bool = True) -> dict[str, TableHash]:
    """Rows and SHA-256 of month tables, from their Parquet files; two at a time, as each takes one processor.

    Raises what DuckDB raises where files are missing or cannot be read; where they need not be `sound`, that is told
    in place of the hash.
    """

    def found(name: str, paths: Sequence[Path]) -> TableHash:
        if not sound and not (paths and all(path.exists() for path in paths)):
            return {"rows": 0, "sha256": "its files are missing"}
        with session.warehouse.connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            try:
                return table_hash(cursor, catalogue.PUBLISHED_MONTHLY[name], from_files(name, paths))
            except duckdb.Error:
                if sound:
                    raise
                return {"rows": 0, "sha256": "its files cannot be read"}

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(tables, pool.map(found, tables.keys(), tables.values()), strict=True))


def _posted_hashes(session: Session, month: str, part: int) -> dict[str, TableHash]:
    connection = session.warehouse.connection
    posted = "(SELECT * FROM posted_ledger WHERE month = ? AND part = ?)"
    made = (
        "(SELECT * FROM receipts SEMI JOIN (SELECT * FROM posted_receipts WHERE month = ? AND part = ?) "
        "USING (receipt_number))"
    )
    return {
        "ledger": table_hash(connection, catalogue.PUBLISHED_WHOLE["ledger"], posted, [month, part]),
        "receipts": table_hash(connection, catalogue.PUBLISHED_WHOLE["receipts"], made, [month, part]),
    }


def table_hash(
    connection: duckdb.DuckDBPyConnection, table: type[Table], source: str, parameters: Sequence[object] = ()
) -> TableHash:
    """Rows and SHA-256 of a table: over the hashes of its rows, in the order of its key.

    A row is its values as text with commas between; a moment is its microseconds since 1970; what is missing is a hyphen.
    Proofs that are there were hashed so, and are held against it.
    """
    texts = ", ',', ".join(f"coalesce(({_plain(name, dtype)})::VARCHAR, '-')" for name, dtype in types(table).items())
    digest, rows = hashlib.sha256(), 0
    query = f"SELECT sha256(concat({texts})) AS h FROM {source} ORDER BY {', '.join(table._key)}"
    reader = connection.sql(query, params=list(parameters)).to_arrow_reader(HASH_ROWS)
    for batch in reader:
        hashes = pl.Series(pl.from_arrow(batch.column(0)))
        digest.update("".join(hashes.to_list()).encode())
        rows += batch.num_rows
    return {"rows": rows, "sha256": digest.hexdigest()}


def _plain(name: str, dtype: pl.DataType) -> str:
    return f'epoch_us("{name}")' if isinstance(dtype, pl.Datetime) else f'"{name}"'


def proofs_of(session: Session, month: str) -> list[dict[str, Any]]:
    """What the warehouse keeps of the issues of the month."""
    rows = session.warehouse.connection.execute(
        "SELECT document FROM issues WHERE billing_month = ? ORDER BY part", [month]
    ).fetchall()
    return [json.loads(row[0]) for row in rows]


def put_proof(session: Session, month: str) -> None:
    """Writes HOME/issued/MONTH.json from what the warehouse keeps, unless it says that already."""
    place = session.installation.issued / f"{month}.json"
    text = json.dumps({"month": month, "issues": proofs_of(session, month)}, indent=2, sort_keys=True) + "\n"
    if place.exists() and place.read_text(encoding="utf-8") == text:
        return
    place.parent.mkdir(exist_ok=True)
    beside = place.with_name(f".{place.name}.new")
    beside.write_text(text, encoding="utf-8")
    put(beside, place)


def require_known(session: Session) -> None:
    """Raises BadInput where HOME/issued tells of issues that the warehouse does not know: it is an old copy, and would
    give out numbers again that were given out. A file that is missing, or lacks the last issues, was not written when a
    run was killed, and will be."""
    for path in sorted(session.installation.issued.glob("*.json")):
        told, known = kept(path), proofs_of(session, path.stem)
        if told != known[: len(told)]:
            raise BadInput(
                f"{path} tells of issues that the warehouse does not know: it is an old copy, or one of the two was "
                f"edited. Nothing is issued before that is settled: see `callbill verify {path.stem}`"
            )


def kept(path: Path) -> list[dict[str, Any]]:
    """The issues that the file tells of. Raises BadInput where it cannot be read."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["issues"])
    except FileNotFoundError:
        raise BadInput(f"{path} is missing: nothing proves what was issued") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput(f"{path} cannot be read as what callbill wrote there") from None
