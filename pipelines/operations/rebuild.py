"""An issued month made once more from raw files, and from reference and price files as they were: `callbill rebuild`.

It is made in a folder of its own, which goes away again; the installation is read and not changed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import polars as pl

from pipelines.errors import BadInput
from pipelines.inputs.raw_files import find_again
from pipelines.reference.consistency import read_price_tables, read_reference
from pipelines.settings import SETTINGS_FILE, Installation, Month
from pipelines.stages import load
from pipelines.stages.correct import SERIES, compare_month, correct_month
from pipelines.stages.identity import NewFile
from pipelines.stages.issue import put_issue
from pipelines.stages.month_end import DRAFTS
from pipelines.stages.proof import proofs_of
from pipelines.stages.reread import repeat_readings
from pipelines.storage.catalogue import PRICE_TABLES
from pipelines.storage.kept_inputs import restore
from pipelines.storage.opening import open_existing
from pipelines.storage.session import Progress, Session
from pipelines.storage.warehouse import Warehouse
from pipelines.version import VERSION


def rebuild_month(session: Session, name: str) -> dict[str, Any]:
    """Makes every issue of the month anew: `documents` and `rows` that came out, and `findings`, a sentence for each table
    that is not what was issued. Raises BadInput where the month is not issued, or a file it was made from is gone."""
    proofs = proofs_of(session, name)
    if not proofs:
        raise BadInput(f"{name} is not issued")
    findings, rows = [], 0
    for proof in proofs:
        session.progress.stage(f"rebuild {name}, issue {proof['part']}")
        with _as_of(session, proof) as then:
            made = _issue_again(session, then, proof)
        for table, expected in proof["tables"].items():
            rows += int(expected["rows"])
            if made["tables"][table] != expected:
                findings.append(_difference(name, proof, table, made["tables"][table]))
        if made["totals"] != proof["totals"]:
            findings.append(f"{name}, issue {proof['part']}: the totals are {made['totals']}, not {proof['totals']}")
    return {"month": name, "documents": sum(p["documents"] for p in proofs), "rows": rows, "findings": findings}


def _difference(name: str, proof: dict[str, Any], table: str, made: dict[str, Any]) -> str:
    by = "" if proof["version"] == VERSION else f" (by callbill {proof['version']}, now {VERSION})"
    what = f"{made['rows']} rows came out" if made["rows"] != proof["tables"][table]["rows"] else "other rows came out"
    return f"{table} of {name}, issue {proof['part']}: {proof['tables'][table]['rows']} rows were issued{by}, {what}"


@contextmanager
def _as_of(session: Session, proof: dict[str, Any]) -> Iterator[Session]:
    """A session over an installation of its own, as this one was when the issue was made: its inputs, its raw files,
    what was issued before."""
    home = session.installation.home / f".rebuild-{os.getpid()}"
    shutil.rmtree(home, ignore_errors=True)
    try:
        for file, sha256 in proof["inputs"].items():
            folder = {SETTINGS_FILE: home}.get(file, home / ("prices" if file in PRICE_TABLES else "reference"))
            restore(session.installation, sha256, folder / (file if file == SETTINGS_FILE else f"{file}.csv"))
        installation = Installation.find(home, home / "prices")
        with Warehouse.open(installation, wait_seconds=0) as warehouse:
            then = Session(installation, warehouse, session.progress)
            _before(session, then, proof)
            load.load_reference_and_prices(then, proof["month"])
            _load(session, then, proof)
            yield then
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _load(session: Session, then: Session, proof: dict[str, Any]) -> None:
    """Loads the raw files that were loaded then, in their order and by their sources as they were, and reads again what had
    been read again by then. Raises BadInput where one is gone or was changed."""
    last = "(SELECT last_file_number FROM issues WHERE billing_month = ? AND part = ?)"
    files = find_again(session, f"file_number <= {last}", [proof["month"], proof["part"]])
    if missing := [loaded.missing() for loaded in files if loaded.file is None]:
        raise BadInput(missing)
    sha256 = {loaded.number: loaded.sha256 for loaded in files}
    load.load_again(
        then,
        [
            NewFile(loaded.file, loaded.sha256, (0, 0), sha256.get(loaded.grown_from or 0), loaded.source)
            for loaded in files
            if loaded.file
        ],
    )
    at = datetime.fromisoformat(proof["issued_at"])
    readings = session.warehouse.frame("SELECT * FROM readings WHERE read_at < ?", [at])
    places = session.warehouse.frame("SELECT * FROM read_again").join(readings, on="reading", how="semi")
    repeat_readings(then, readings, places, files)


def _before(session: Session, then: Session, proof: dict[str, Any]) -> None:
    """What was issued before the issue, by the moments of issue: its parts of the month tables, its ledger entries and
    receipts, who was left open; and the series as it stood."""
    at = datetime.fromisoformat(proof["issued_at"])
    earlier = session.warehouse.frame("SELECT * FROM issues WHERE issued_at < ?", [at])
    parts = earlier.select(month="billing_month", part="part")
    here, there = session.warehouse, then.warehouse
    folders = here.frame("SELECT * FROM month_files WHERE part > 0").join(parts, on=["month", "part"], how="semi")
    posted = here.frame("SELECT * FROM posted_ledger").join(parts, on=["month", "part"], how="semi")
    issue = pl.DataFrame({"month": [proof["month"]], "part": [proof["part"]]}, schema=parts.schema)
    receipted = here.frame("SELECT * FROM posted_receipts")
    receipts = receipted.join(pl.concat([parts, issue]), on=["month", "part"], how="semi")
    tables = {
        "issues": earlier,
        "month_files": folders,
        "posted_ledger": posted,
        "posted_receipts": receipted.join(parts, on=["month", "part"], how="semi"),
        "receipts": here.frame("SELECT * FROM receipts").join(receipts, on="receipt_number", how="semi"),
        "suspense": here.frame("SELECT * FROM suspense"),
        "write_offs": here.frame(
            "SELECT * REPLACE (CASE WHEN reopened_at < ? THEN reopened_by END AS reopened_by, "
            "CASE WHEN reopened_at < ? THEN reopened_at END AS reopened_at) FROM write_offs WHERE written_off_at < ?",
            [at, at, at],
        ),
        "left_open": _left_open(session, earlier),
        "number_series": _series(session, proof),
    }
    for folder in folders["folder"].unique():
        place = then.installation.tables / folder
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(session.installation.tables / folder)
    with there.transaction():
        for table, frame in tables.items():
            there.insert(table, frame)


def _left_open(session: Session, earlier: pl.DataFrame) -> pl.DataFrame:
    """Who was open in each month after the latest of the `earlier` issues of its bills."""
    rows = [
        {"billing_month": month, "account_id": account}
        for month in earlier["billing_month"].unique().sort()
        for proof in [_latest(session, month, earlier)]
        for account in proof["open"]
    ]
    return pl.DataFrame(rows, schema={"billing_month": pl.String, "account_id": pl.String})


def _latest(session: Session, month: str, earlier: pl.DataFrame) -> dict[str, Any]:
    parts = earlier.filter(pl.col("billing_month") == month)["part"].to_list()
    return [proof for proof in proofs_of(session, month) if proof["part"] in parts and "open" in proof][-1]


def _series(session: Session, proof: dict[str, Any]) -> pl.DataFrame:
    """The series that the issue took its numbers from, as they stood before it."""
    files = session.warehouse.month_files
    if "open" in proof:
        first = {"bills": [proof["first_number"]]}
    else:
        notes = pl.read_parquet(files.part("correction_notes", proof["month"], proof["part"]))
        first = {
            series: notes.filter(pl.col("kind") == kind)["note_number"].sort().to_list()
            for kind, series in SERIES.items()
        }
    rows = [
        {"series": series, "year": head[-4:], "last": int(position) - 1}
        for series, numbers in first.items()
        for number in numbers[:1]
        for head, _, position in [number.rpartition("-")]
    ]
    return pl.DataFrame(rows, schema={"series": pl.String, "year": pl.String, "last": pl.Int64})


def _issue_again(session: Session, then: Session, proof: dict[str, Any]) -> dict[str, Any]:
    """The issue made again; returns its proof."""
    name, at = proof["month"], datetime.fromisoformat(proof["issued_at"])
    if "open" in proof:
        for stage in DRAFTS:
            stage.run(then, name)
        drafts = then.warehouse.month_files.scan("bills", [name], issued=False).collect()
        waits = pl.col("account_id").is_in(proof["open"])
        nobody = pl.DataFrame(schema={"account_id": pl.String, "reason": pl.String})
        put_issue(then, name, drafts.filter(~waits), drafts.filter(waits), nobody, at)
    else:
        tables = read_price_tables(then.installation)
        tables |= read_reference(then.installation, tables)
        notes = session.warehouse.month_files.part("correction_notes", name, proof["part"])
        reason = pl.read_parquet(notes)["reason"][0]
        if correct_month(then, name, tables, compare_month(then, name, tables), reason, at) is None:
            nothing = {"rows": 0, "sha256": "nothing to correct"}
            return {"tables": dict.fromkeys(proof["tables"], nothing), "totals": {}}
    return proofs_of(then, name)[-1]


def rebuild_issued(
    installation: Installation, month: str, progress: Progress, *, wait_seconds: float | None = None
) -> dict[str, Any]:
    """Whether the issued month comes out the same from its raw files and inputs; see `rebuild_month`."""
    Month.parse(month, installation.settings)
    with open_existing(installation, progress, wait_seconds) as warehouse:
        return rebuild_month(Session(installation, warehouse, progress), month)
