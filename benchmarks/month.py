"""A month end from CSV to published bills, stage by stage, beside the least that DuckDB alone needs for it.

Run it from the root of the repository: python -m benchmarks.month --records 10000000 [--runs 3]
Needs Linux: peaks of memory are read from /proc. The start of the interpreter and of Dagster is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from benchmarks import generate
from pipelines.settings import REPOSITORY, Installation
from pipelines.stages.month_end import MONTH_END
from pipelines.storage.catalogue import quoted, sql_type
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from transforms.mediation.records import FIELDS
from transforms.tables.base import types
from transforms.tables.usage import RatedUsage

WANTED_RATIO, WANTED_GIB = 2.5, 3.0
"""callbill takes at most so many times as long as the floor, on two cores, and at most so much memory."""

DATA = REPOSITORY / "benchmarks" / "data"
READ_BY_THE_FLOOR = 0.999
"""The floor passes over the few broken records; were it to pass over more, it would be no floor."""

MADE_BY_A_RUN = (
    "warehouse.duckdb",
    "warehouse.duckdb.wal",
    "warehouse.lock",
    "tables",
    "published",
    "documents",
    "issued",
    "kept",
    "dagster",
    ".spill",
)
"""What is taken away from the home before each run: every run starts with the raw files alone."""

_RAW = {
    **dict.fromkeys(FIELDS, "VARCHAR"),
    "started_at": "TIMESTAMPTZ",
    "duration_seconds": "DECIMAL(18,3)",
    "forwarded_seconds": "INTEGER",
    "text_length": "INTEGER",
    "segments": "INTEGER",
}
_SECONDS = "coalesce(ceil(duration_seconds), 0)::INTEGER"
FLOOR: dict[str, str] = {
    "usage_id": "'standard:' || service || ':' || record_id",
    "record_id": "record_id",
    "format": "'standard'",
    "file_id": f"'{'0' * 64}'",
    "record_number": "rowid + 1",
    "leg": "'main'",
    "account_id": "coalesce(account_id, 'A000000')",
    "service": "service",
    "direction": "direction",
    "own_number": "CASE direction WHEN 'outbound' THEN from_number ELSE to_number END",
    "other_number": "CASE direction WHEN 'outbound' THEN to_number ELSE from_number END",
    "started_at": "started_at",
    "usage_month": f"'{generate.MONTH}'",
    "billing_month": f"'{generate.MONTH}'",
    "status": "coalesce(status, 'sent')",
    "linked_id": "linked_id",
    "billable_seconds": _SECONDS,
    "billed_seconds": _SECONDS,
    "segments": "segments",
    "destination": "'FR mobile'",
    "country": "'FR'",
    "number_class": "'geographic'",
    "price_list": "'default_eur'",
    "price_valid_from": "'2025-01-01'",
    "unit_price": "0.012",
    "connection_fee": "0",
    "charge": f"0.0002::DECIMAL(18,10) * {_SECONDS}",
    "currency": "'EUR'",
}
"""Rated usage as the floor writes it: what the file says as it is, and a constant for what is looked up."""


@dataclass
class Stages:
    """Of each stage of this process: name, seconds, seconds of processors, peak of memory (GiB)."""

    rows: list[tuple[str, float, float, float]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures what is done within. The peak starts at the memory that is held already."""
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        start, worked = time.perf_counter(), time.process_time()
        yield
        self.rows.append((name, time.perf_counter() - start, time.process_time() - worked, _peak()))


def _peak() -> float:
    """The most memory (GiB) that this process had resident, since that was last reset."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kib) / 2**20


def floor(home: Path) -> dict[str, Any]:
    """DuckDB alone: the CSV files into a table of a new database, and from it the columns of rated usage."""
    columns = types(RatedUsage)
    if set(columns) != set(FLOOR):
        raise SystemExit(f"FLOOR has not the columns of rated usage: {sorted(set(columns) ^ set(FLOOR))}")
    rated = ", ".join(f'({FLOOR[name]})::{sql_type(dtype)} AS "{name}"' for name, dtype in columns.items())
    raw = ", ".join(f"'{name}': '{kind}'" for name, kind in _RAW.items())
    files = ", ".join(quoted(str(path)) for path in sorted((home / "inbox" / "standard").glob("*.csv")))
    place = home / "floor.duckdb"
    _remove(place)
    stages = Stages()
    connection = duckdb.connect(str(place))
    connection.execute("SET TimeZone = 'UTC'")
    with stages.stage("CSV into a table"):
        connection.execute(
            f"CREATE TABLE raw AS FROM read_csv([{files}], auto_detect = false, header = true, delim = ',', "
            f"quote = '\"', escape = '\"', columns = {{{raw}}}, ignore_errors = true)"
        )
    with stages.stage("rated columns"):
        connection.execute(f"CREATE TABLE rated_usage AS SELECT {rated} FROM raw")
    rows = connection.execute("SELECT count(*) FROM rated_usage").fetchall()[0][0]
    with stages.stage("checkpoint and close"):
        connection.execute("CHECKPOINT")
        connection.close()
    _remove(place)
    return {"stages": stages.rows, "facts": {"rated": rows}}


def callbill(home: Path) -> dict[str, Any]:
    """The stages of `callbill run` in their order, over a home that holds the raw files alone."""
    for name in MADE_BY_A_RUN:
        _remove(home / name)
    installation = Installation.find(home, home / "prices")
    month = generate.MONTH
    stages = Stages()
    with stages.stage("open"):
        warehouse = Warehouse.open(installation)
    with warehouse:
        session = Session(installation, warehouse)
        for stage in MONTH_END:
            with stages.stage(stage.name):
                stage.run(session, month)
        with stages.stage("close"):
            warehouse.close()
    return {"stages": stages.rows, "facts": _published(installation.published)}


def _published(path: Path) -> dict[str, Any]:
    """What the published file says of the month."""
    queries = {
        "rated": "SELECT count(*) FROM rated_usage",
        "charged": "SELECT count(unit_price) FROM rated_usage",
        "duplicates": "SELECT sum(duplicates)::BIGINT FROM usage_files",
        "suspended": "SELECT count(*) FROM suspense",
        "reasons": "SELECT string_agg(r || ' ' || n, ', ' ORDER BY n DESC) "
        "FROM (SELECT reason AS r, count(*) AS n FROM suspense GROUP BY 1)",
        "lines": "SELECT count(*) FROM bill_lines",
        "most_lines": "SELECT max(n) FROM (SELECT count(*) AS n FROM bill_lines GROUP BY account_id)",
        "bills": "SELECT count(*) FROM bills",
        "receipts": "SELECT count(*) FROM receipts",
        "controls": "SELECT count(DISTINCT control) FROM controls",
        "failed": "SELECT coalesce(string_agg(DISTINCT control, ', '), '') FROM controls WHERE NOT passed",
    }
    with duckdb.connect(str(path), read_only=True) as connection:
        return {name: connection.execute(query).fetchall()[0][0] for name, query in queries.items()}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {"floor": floor, "callbill": callbill}


def measured(part: str, home: Path) -> dict[str, Any]:
    """What `part` measured in a process of its own, begun when nothing is left to be written to disk."""
    os.sync()
    command = [sys.executable, "-m", "benchmarks.month", "--part", part, "--home", str(home)]
    found = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, text=True)
    result: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return result


def report(wishes: generate.Wishes, runs: list[dict[str, dict[str, Any]]]) -> str:
    """What was measured, as Markdown; seconds are medians of the runs, memory is the most of them."""
    records = wishes.records
    table = ["| stage | seconds | records/s | CPU seconds | peak GiB |", "|---|--:|--:|--:|--:|"]
    totals, cpu, peaks = {}, {}, {}
    for part in PARTS:
        stages = [run[part]["stages"] for run in runs]
        for found in zip(*stages, strict=True):
            seconds, worked, peak = ([row[at] for row in found] for at in (1, 2, 3))
            table.append(_row(f"{part}: {found[0][0]}", records, seconds, worked, peak))
        totals[part] = [sum(row[1] for row in rows) for rows in stages]
        cpu[part] = [sum(row[2] for row in rows) for rows in stages]
        peaks[part] = [max(row[3] for row in rows) for rows in stages]
        table.append(_row(f"**{part}, all of it**", records, totals[part], cpu[part], peaks[part]))
    facts = runs[-1]["callbill"]["facts"]
    suspended = facts["suspended"]
    controls = f"{facts['controls']} controls, of which failed: {facts['failed'] or 'none'}"
    return "\n".join(
        [
            f"{records:,} records, {wishes.accounts:,} accounts, {wishes.prefixes:,} prefixes.",
            machine() + "\n",
            *table,
            "",
            (
                f"callbill / floor: **{_ratios(totals)}**, at most {WANTED_RATIO} is wanted. "
                f"Of CPU seconds: {_ratios(cpu)}."
            ),
            f"Peak: **{max(peaks['callbill']):.2f} GiB**, at most {WANTED_GIB:.0f} is wanted.",
            "",
            f"{facts['rated']:,} legs rated, {facts['charged']:,} of them charged; {controls}.",
            f"{suspended:,} suspended, {suspended / records:.2%} ({facts['reasons']}).",
            (
                f"{facts['duplicates']:,} duplicates; {facts['receipts']:,} receipts; {facts['bills']:,} bills, "
                f"{facts['lines']:,} lines, at most {facts['most_lines']:,} on one bill."
            ),
        ]
    )


def _row(name: str, records: int, seconds: list[float], cpu: list[float], peaks: list[float]) -> str:
    middle = median(seconds)
    return f"| {name} | {middle:.2f} | {records / middle:,.0f} | {median(cpu):.2f} | {max(peaks):.2f} |"


def _ratios(totals: dict[str, list[float]]) -> str:
    """callbill's over the floor's, run by run: the median, and the least and the greatest."""
    found = [whole / least for whole, least in zip(totals["callbill"], totals["floor"], strict=True)]
    spread = f" ({min(found):.2f} to {max(found):.2f} in {len(found)} runs)" if len(found) > 1 else ""
    return f"{median(found):.2f}{spread}"


def machine() -> str:
    """Cores, memory and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    cores = len(os.sched_getaffinity(0))
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars", "pyarrow", "pandera"))
    system = f"{platform.system()} {platform.machine()}"
    python = f"Python {platform.python_version()}"
    return f"{cores} cores ({model or system}), {memory:.1f} GiB; {python}, {packages}."


def main() -> int:
    """Makes the month if need be, measures it, prints the report; 1 if a control of callbill failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.month", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000, help="raw records")
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--prefixes", type=int, default=22_000, help="prefixes of the deck")
    parser.add_argument("--runs", type=int, default=1, help="medians of so many runs")
    parser.add_argument("--data", type=Path, default=DATA, help="where the month is kept")
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.part:
        print(json.dumps(PARTS[wanted.part](wanted.home)))
        return 0
    wishes = generate.Wishes(wanted.records, wanted.accounts, wanted.prefixes)
    home = generate.month(wanted.data.absolute(), wishes)
    runs = [{part: measured(part, home) for part in PARTS} for _ in range(wanted.runs)]
    if any(run["floor"]["facts"]["rated"] < READ_BY_THE_FLOOR * wishes.records for run in runs):
        raise SystemExit("the floor did not read the whole month")
    print(report(wishes, runs))
    return 1 if any(run["callbill"]["facts"]["failed"] for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
