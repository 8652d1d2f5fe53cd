"""The documents of a month, over a month made by the generator of the other benchmarks: bills as PDF, e-invoices and CSV.

Run it from the root of the repository: python -m benchmarks.documents --records 200000 --accounts 10000 [--annex 200]
Needs Linux: peaks of memory are read from /proc. Bills are issued before, and what is there of documents is removed.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import generate
from benchmarks.month import DATA, Stages, callbill, machine
from pipelines.settings import REPOSITORY, SETTINGS_FILE, Installation
from pipelines.stages.documents import make_documents
from pipelines.stages.issue import issue_month
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse

SETTINGS = """\
[issue]
suspense_percent = 100

[seller]
name = "Exemple Télécom SAS"
address = "12 rue de l'Exemple"
postcode = "75002"
city = "Paris"
vat_number = "FR44732829320"
registration = "732829320"
iban = "FR7699999000010000000012337"
bic = "EXMPFRPPXXX"
creditor_id = "FR72ZZZ123456"
email = "billing@example.com"

[documents]
annex_records = {annex}
processes = {processes}
"""


def documents(home: Path, annex: int, processes: int) -> dict[str, Any]:
    """The month end and the issue, and then what is measured."""
    (home / SETTINGS_FILE).write_text(SETTINGS.format(annex=annex, processes=processes), encoding="utf-8")
    callbill(home)
    installation, stages = Installation.find(home, home / "prices"), Stages()
    shutil.rmtree(installation.documents, ignore_errors=True)
    with Warehouse.open(installation) as warehouse:
        session = Session(installation, warehouse)
        issue_month(session, generate.MONTH)
        with stages.stage("documents"):
            facts = make_documents(session, generate.MONTH)
        with stages.stage("again: all are there"):
            make_documents(session, generate.MONTH)
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"stages": stages.rows, "facts": facts, "worker_gib": worker}


def main() -> int:
    """Makes the month if need be and its documents, and prints the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.documents", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000, help="raw records")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--annex", type=int, default=0, help="[documents] annex_records")
    parser.add_argument("--processes", type=int, default=0, help="[documents] processes")
    parser.add_argument("--data", type=Path, default=DATA / "documents", help="where the month is kept")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.home:
        print(json.dumps(documents(wanted.home, wanted.annex, wanted.processes), default=str))
        return 0
    wishes = generate.Wishes(wanted.records, wanted.accounts)
    home = generate.month(wanted.data.absolute(), wishes)
    options = ["--annex", str(wanted.annex), "--processes", str(wanted.processes)]
    command = [sys.executable, "-m", "benchmarks.documents", "--home", str(home), *options]
    said = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, text=True)
    print(report(wishes, json.loads(said.stdout.splitlines()[-1])))
    return 0


def report(wishes: generate.Wishes, run: dict[str, Any]) -> str:
    """What was measured, as Markdown."""
    facts = run["facts"]
    seconds = run["stages"][0][1]
    table = ["| step | seconds | CPU seconds | peak GiB |", "|---|--:|--:|--:|"]
    table += [f"| {name} | {took:.1f} | {worked:.1f} | {peak:.2f} |" for name, took, worked, peak in run["stages"]]
    return "\n".join(
        [
            f"{wishes.records:,} records, {wishes.accounts:,} accounts.",
            machine() + "\n",
            *table,
            "",
            (
                f"{facts['bill']:,} bills and {facts.get('receipt', 0):,} receipts, {facts['bytes'] / 1e6:,.0f} MB: "
                f"{facts['documents'] / seconds:.1f} documents a second; a worker took {run['worker_gib']:.2f} GiB at most."
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
