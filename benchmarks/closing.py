"""Closing a month, step by step: issue, verify, simulate, correct, over a month made by the generator of the other benchmark.

Run it from the root of the repository: python -m benchmarks.closing --records 1000000 --accounts 100000 [--runs 3]
Needs Linux: peaks of memory are read from /proc. The start of the interpreter and of Dagster is not counted.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import generate
from benchmarks.month import DATA, Stages, callbill, machine
from pipelines.operations.simulate import simulate_month
from pipelines.operations.verify import verify_month
from pipelines.reference.consistency import read_price_tables, read_reference
from pipelines.settings import REPOSITORY, SETTINGS_FILE, Installation
from pipelines.stages.correct import compare_month, correct_month
from pipelines.stages.issue import issue_month
from pipelines.stages.proof import put_proof
from pipelines.stages.publish import publish
from pipelines.storage.session import Session, Silent
from pipelines.storage.warehouse import Warehouse

SETTINGS = """\
[issue]
suspense_percent = 100

[seller]
name = "Exemple Télécom SAS"
vat_number = "FR44732829320"
registration = "732829320"
"""


def closing(home: Path) -> dict[str, Any]:
    """The month end, and then what is measured: each step of closing the month, with prices a tenth up for the last."""
    month, dearer = generate.MONTH, home / "dearer"
    _dearer(home / "prices", dearer)
    # A correction needs the whole month issued: nobody is parked for some suspended records.
    (home / SETTINGS_FILE).write_text(SETTINGS, encoding="utf-8")
    callbill(home)
    installation, stages = Installation.find(home, home / "prices"), Stages()
    with stages.stage("simulate other prices"):
        simulated = simulate_month(Installation.find(home, dearer), month, 10, Silent())
    with Warehouse.open(installation) as warehouse:
        session = Session(installation, warehouse)
        with stages.stage("issue"):
            issued = issue_month(session, month)
        with stages.stage("publish what was issued"):
            publish(session, month)
        with stages.stage("verify"):
            found = verify_month(session, month)
        tables = read_price_tables(Installation.find(home, dearer))
        tables |= read_reference(installation, tables)
        with stages.stage("compare with other prices"):
            differences = compare_month(session, month, tables)
        with stages.stage("issue the notes"):
            correct_month(session, month, tables, differences, "benchmark", datetime.now(UTC))
            put_proof(session, month)
    return {
        "stages": stages.rows,
        "facts": {
            **issued,
            "rows": found["rows"],
            "findings": found["findings"],
            "notes": differences.lines["account_id"].n_unique(),
            "note_lines": differences.lines.height,
            "would_pay_more": len(simulated["above"]),
        },
    }


def _dearer(prices: Path, place: Path) -> None:
    """The price tables with every price of outbound calls a tenth up."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(prices, place)
    path = place / "voice_outbound.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        whole, _, fraction = row["price_per_minute"].partition(".")
        millionths = int(whole + fraction.ljust(6, "0"))
        raised = f"{millionths * 11 // 10:07}"
        row["price_per_minute"] = f"{raised[:-6]}.{raised[-6:]}"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def main() -> int:
    """Makes the month if need be, closes it as often as asked, prints the report; 1 if verify found anything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.closing", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000, help="raw records")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--prefixes", type=int, default=22_000, help="prefixes of the deck")
    parser.add_argument("--runs", type=int, default=1, help="medians of so many runs")
    parser.add_argument("--data", type=Path, default=DATA / "closing", help="where the month is kept")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.home:
        print(json.dumps(closing(wanted.home), default=str))
        return 0
    wishes = generate.Wishes(wanted.records, wanted.accounts, wanted.prefixes)
    home = generate.month(wanted.data.absolute(), wishes)
    command = [sys.executable, "-m", "benchmarks.closing", "--home", str(home)]
    runs = []
    for _ in range(wanted.runs):
        said = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, text=True)
        runs.append(json.loads(said.stdout.splitlines()[-1]))
    print(report(wishes, runs))
    return 1 if any(run["facts"]["findings"] for run in runs) else 0


def report(wishes: generate.Wishes, runs: list[dict[str, Any]]) -> str:
    """What was measured, as Markdown; seconds are medians of the runs, memory is the most of them."""
    facts = runs[-1]["facts"]
    table = ["| step | seconds | CPU seconds | peak GiB |", "|---|--:|--:|--:|"]
    for rows in zip(*(run["stages"] for run in runs), strict=True):
        seconds, worked, peak = ([row[at] for row in rows] for at in (1, 2, 3))
        table.append(f"| {rows[0][0]} | {median(seconds):.2f} | {median(worked):.2f} | {max(peak):.2f} |")
    return "\n".join(
        [
            f"{wishes.records:,} records, {wishes.accounts:,} accounts, {wishes.prefixes:,} prefixes; {len(runs)} runs.",
            machine() + "\n",
            *table,
            "",
            f"{facts['issued']:,} bills issued, {facts['parked']:,} parked; {facts['rows']:,} rows verified.",
            (
                f"{facts['notes']:,} notes with {facts['note_lines']:,} lines; {facts['would_pay_more']:,} accounts would pay "
                "more than 10 % more."
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
