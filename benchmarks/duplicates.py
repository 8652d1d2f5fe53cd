"""New records compared with many known ones, beside the loading of the new ones: seconds, and the peak of memory.

Run it from the root of the repository: python -m benchmarks.duplicates --new 10000000 --known 100000000
Needs Linux: peaks of memory are read from /proc.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import generate
from benchmarks.month import DATA, Stages, machine
from pipelines.settings import REPOSITORY, Installation
from pipelines.stages import load
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse

KNOWN_FILE = 5_000_000
"""Records of a file that is known."""

REPEATED = 1000
"""One in so many of the new records is known already."""

_KNOWN = """
    INSERT INTO usage_records BY NAME
    SELECT $file::INTEGER AS file_number, i AS record_number, 'standard' AS format,
        CASE WHEN i % 5 = 0 THEN 'sms' ELSE 'voice' END AS service,
        'k' || ($file::BIGINT * 1000000007000000 + i * 77) AS record_id, 'outbound' AS direction,
        'A' || i // 1000 % 20000 AS account_id, '+33184000001' AS own_number, '+3363900' || i % 100000 AS other_number,
        TIMESTAMPTZ '2025-01-01' + to_seconds(i * 3 + $file) AS started_at, 'answered' AS status,
        (i % 1800)::INTEGER AS billable_seconds
    FROM range(1, $rows + 1) known(i)
"""
_KNOWN_FILES = """
    INSERT INTO loaded_files BY NAME
    SELECT $file::INTEGER AS file_number, 'known ' || $file AS file_id, 'inbox/standard/known-' || $file AS path,
        'standard' AS format, 0 AS bytes, $rows AS records, 0 AS unbillable, TIMESTAMPTZ '2026-01-01' AS loaded_at,
        true AS compared
"""
_REPEATS = f"""
    INSERT INTO usage_records
    SELECT * REPLACE (1 AS file_number, file_number::BIGINT * 1000000000 + record_number AS record_number) FROM usage_records
    WHERE file_number > $files AND record_number % {REPEATED} = 0
"""


def compared(data: Path, new: int, known: int) -> dict[str, Any]:
    """Loads `new` records into a warehouse that knows `known` others, and compares them."""
    inputs = generate.month(data.absolute(), generate.Wishes(new))
    with tempfile.TemporaryDirectory(dir=data) as folder:
        home = Path(folder)
        (home / "inbox").symlink_to(inputs / "inbox")
        installation = Installation.find(home, inputs / "prices")
        stages = Stages()
        with Warehouse.open(installation) as warehouse:
            session = Session(installation, warehouse)
            files = -(-known // KNOWN_FILE)
            for file in range(1, files + 1):
                rows = min(KNOWN_FILE, known - (file - 1) * KNOWN_FILE)
                with warehouse.transaction():
                    warehouse.connection.execute(_KNOWN, {"file": file, "rows": rows})
                    warehouse.connection.execute(_KNOWN_FILES, {"file": file, "rows": rows})
            with stages.stage("load usage"):
                load.load_usage(session)
            warehouse.connection.execute(_REPEATS, {"files": files})
            warehouse.connection.execute("CHECKPOINT")
            with stages.stage("find duplicates"):
                facts = load.compare_records(session)
            found = warehouse.value(
                "SELECT count(*) FROM duplicates WHERE first_file_number = 1 AND file_number > ?", [files]
            )
    return {"stages": stages.rows, "facts": {**facts, "repeats_of_known": found}}


def main() -> int:
    """Measures in a process of its own and prints the report; 1 where a repeat was not found, or memory or time is too much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duplicates", description=__doc__)
    parser.add_argument("--new", type=int, default=10_000_000, help="records that are loaded and compared")
    parser.add_argument("--known", type=int, default=100_000_000, help="records that are there before")
    parser.add_argument("--data", type=Path, default=DATA, help="where the month of new records is kept")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.part:
        print(json.dumps(compared(wanted.data, wanted.new, wanted.known)))
        return 0
    generate.month(wanted.data.absolute(), generate.Wishes(wanted.new))
    command = [sys.executable, "-m", "benchmarks.duplicates", "--part", "--new", str(wanted.new)]
    command += ["--known", str(wanted.known), "--data", str(wanted.data)]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    print(f"{wanted.new:,} new records, {wanted.known:,} known ones.\n{machine()}\n")
    print("| stage | seconds | CPU seconds | peak GiB |\n|---|--:|--:|--:|")
    for name, seconds, worked, peak in result["stages"]:
        print(f"| {name} | {seconds:.1f} | {worked:.1f} | {peak:.2f} |")
    print(
        f"\n{result['facts']['repeated']:,} repeated, {result['facts']['repeats_of_known']:,} of them of a known record."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
