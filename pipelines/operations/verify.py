"""Whether an issued month is as it was: `callbill verify`. Reads and compares, changes nothing."""

from __future__ import annotations

import hashlib
from typing import Any

import duckdb
import polars as pl

from pipelines.errors import BadInput
from pipelines.settings import Installation, Month
from pipelines.stages.billing_months import issued_months
from pipelines.stages.proof import hashes, kept, proofs_of, table_hash
from pipelines.storage import catalogue
from pipelines.storage.opening import open_existing
from pipelines.storage.published import published
from pipelines.storage.session import Session, Silent


def verify_month(session: Session, name: str) -> dict[str, Any]:
    """`findings`: a sentence for everything that is not as it was when the bills of the month were issued; and how
    many `documents` (bills and notes) and `rows` were looked at. Raises BadInput where the month is not issued."""
    place = session.installation.issued / f"{name}.json"
    if name not in issued_months(session).open_accounts and not place.exists():
        raise BadInput(f"{name} is not issued")
    proofs, findings = kept(place), []
    if proofs_of(session, name) != proofs:
        findings.append(
            f"the warehouse and {place} tell of different issues of {name}: one of them was edited, or is an old copy"
        )
    rows = 0
    for proof in proofs:
        found = hashes(session, name, proof["part"], proof["tables"].keys() & catalogue.PUBLISHED_MONTHLY.keys())
        for table, expected in proof["tables"].items():
            rows += expected["rows"]
            if found[table] != expected:
                findings.append(_difference(name, proof["part"], table, expected, found[table]))
    findings += _numbers(session, name)
    findings += _posted(session)
    findings += _published(session, name)
    findings += _files(session, name)
    return {"month": name, "documents": sum(proof["documents"] for proof in proofs), "rows": rows, "findings": findings}


def _difference(month: str, part: int, table: str, expected: dict[str, Any], found: dict[str, Any]) -> str:
    what = f"{table} of {month}, issue {part}"
    if found["rows"] != expected["rows"]:
        return f"{what}: {expected['rows']} rows were issued, {found['rows']} are there"
    return f"{what}: the content of its {expected['rows']} rows is another (SHA-256 {found['sha256'][:16]})"


def _numbers(session: Session, name: str) -> list[str]:
    """Whether the numbers of the year's bills are without gap and without repeat, and none is beyond the series."""
    year = name[:4]
    bills = session.warehouse.month_files.paths("bills", issued=True)
    paths = [path for path in bills if path.exists() and path.parents[1].name.startswith(year)]
    try:
        numbers = pl.concat(pl.read_parquet(path, columns=["bill_number"]) for path in paths)["bill_number"]
    except (pl.exceptions.PolarsError, OSError, ValueError):
        return []
    counted = numbers.str.extract(r"(\d+)$").cast(pl.Int64, strict=False)
    last = session.warehouse.value("SELECT last FROM number_series WHERE series = 'bills' AND year = ?", [year])
    found: list[str] = []
    if counted.is_empty():
        return found
    least, most = int(str(counted.min())), int(str(counted.max()))
    if counted.has_nulls() or counted.n_unique() != len(counted) or most - least + 1 != len(counted):
        found.append(f"the numbers of the bills of {year} have a gap or a repeat")
    if last != most:
        found.append(f"the series of {year} stands at {last}, the last bill has {most}")
    return found


def _posted(session: Session) -> list[str]:
    """Whether the ledger holds every entry that was posted."""
    missing = session.warehouse.value(
        "SELECT count(*) FROM (SELECT * EXCLUDE (month, part) FROM posted_ledger EXCEPT SELECT * FROM ledger)"
    )
    return [f"{missing} posted entries are not in the ledger as they were posted"] if missing else []


def _published(session: Session, name: str) -> list[str]:
    """Whether analysts see of the month what the warehouse has."""
    place = session.installation.published
    files = session.warehouse.month_files
    findings = []
    try:
        with published(place) as analyst:
            for table, described in catalogue.PUBLISHED_MONTHLY.items():
                mine = table_hash(session.warehouse.connection, described, files.source(table, [name]))
                theirs = table_hash(analyst, described, f"(SELECT * FROM {table} WHERE billing_month = ?)", [name])
                if mine != theirs:
                    findings.append(f"{table} of {name} is published otherwise than the warehouse has it")
            for table in ("receipts", "ledger"):
                described = catalogue.PUBLISHED_WHOLE[table]
                if table_hash(session.warehouse.connection, described, table) != table_hash(analyst, described, table):
                    findings.append(f"{table} is published otherwise than the warehouse has it")
    except BadInput as error:
        findings.append(str(error))
    except (duckdb.Error, OSError) as error:
        why = str(error).partition("\n")[0]
        findings.append(f"{place} cannot be read, or its files are missing: {why}")
    return findings


def _files(session: Session, name: str) -> list[str]:
    """Whether the documents that were made of the month lie there as they were made."""
    rows = session.warehouse.connection.execute(
        "SELECT path, sha256 FROM documents WHERE billing_month = ? ORDER BY path", [name]
    ).fetchall()
    findings = []
    for path, sha256 in rows:
        place = session.installation.documents / path
        try:
            with place.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            findings.append(f"{place} is missing; callbill documents {name} makes it again")
            continue
        if found != sha256:
            findings.append(
                f"{place} is not as it was made; away with it, and callbill documents {name} makes it again"
            )
    return findings


def verify_issued(installation: Installation, month: str, *, wait_seconds: float | None = None) -> dict[str, Any]:
    """Whether the issued month is as it was; see `verify_month`."""
    Month.parse(month, installation.settings)
    with open_existing(installation, Silent(), wait_seconds) as warehouse:
        return verify_month(Session(installation, warehouse), month)
