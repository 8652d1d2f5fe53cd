"""A home to explain, and how an explanation is read. What it must say is not known here."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from pathlib import Path
from typing import Any

from pipelines.explain import explain
from tests.pipelines.homes import Home, make_home
from tests.support import run_stages
from transforms.mediation.records import FIELDS

SECRET = 'the code is 4711\nand, as "agreed", at noon'

NUMBERS = """\
number,account_id,country,number_class,call_tracking,assigned_at,released_at
+33184000001,A1,FR,geographic,true,2026-02-01,
+33184000003,A2,FR,geographic,false,2026-02-01,
+33184000004,A3,FR,geographic,false,2026-02-01,
+12125550101,A4,US,geographic,true,2026-08-10,
"""

CREDITS = """\
credit_id,account_id,kind,amount,currency,credited_at,payment_reference
C1,A1,opening_balance,5.00,EUR,2026-08-01T00:00:00Z,
C2,A1,top_up,100.00,EUR,2026-08-20T10:00:00Z,P1
C3,A1,top_up,50.00,EUR,2026-09-20T10:00:00Z,P2
"""

CALL = {
    "service": "voice",
    "direction": "outbound",
    "from_number": "+33184000003",
    "to_number": "0033145000001",
    "started_at": "2026-08-05T10:00:00+02:00",
    "duration_seconds": "83",
}
IN = {"service": "voice", "direction": "inbound", "from_number": "anonymous", "to_number": "+33184000001"}
IN |= {"started_at": "2026-08-06T10:00:00Z", "duration_seconds": "60"}
MESSAGE = CALL | {"service": "sms", "to_number": "+447700900123", "duration_seconds": ""}

FIRST_FILE = [
    CALL | {"record_id": "c-1", "account_id": "A2"},
    CALL
    | {
        "record_id": "c-2",
        "from_number": "33184000004",
        "to_number": "+33639980001",
        "duration_seconds": "61",
    },
    MESSAGE | {"record_id": "m-1", "text": SECRET},
    MESSAGE | {"record_id": "m-2", "text": SECRET * 5},
    MESSAGE | {"record_id": "m-3", "text": SECRET, "status": "failed"},
    CALL | {"record_id": "c-3", "duration_seconds": "82.4"},
    CALL | {"record_id": "c-4", "status": "no_answer", "duration_seconds": "12"},
    CALL | {"record_id": "c-5", "duration_seconds": "0"},
    CALL | {"record_id": "c-6", "duration_seconds": "7"},
    CALL | {"record_id": "bad", "duration_seconds": "-5", "text": SECRET},
    CALL | {"record_id": "nobody", "from_number": "+33199999999", "text": SECRET},
    CALL | {"record_id": "nowhere", "to_number": "+99912345678"},
    CALL
    | {
        "record_id": "unpriced",
        "from_number": "+12125550101",
        "to_number": "+491711234567",
        "account_id": "A4",
    },
]
SECOND_FILE = [
    IN | {"record_id": "i-1", "forwarded_to": "+33145000001", "forwarded_seconds": "30"},
    MESSAGE | {"record_id": "m-4", "direction": "inbound", "to_number": "+33184000001", "text": SECRET},
    CALL | {"record_id": "u-1", "from_number": "+12125550101", "to_number": "+12025550142", "account_id": "A4"},
    MESSAGE | {"record_id": "m-5", "segments": "3", "to_number": "+33639980001"},
]
THIRD_FILE = [CALL | {"record_id": f"p-{place:02}", "duration_seconds": str(60 + place)} for place in range(25)]


def fill(home: Home) -> None:
    """Reference files, and usage of August: CSV and JSON lines with blank lines in them, and Parquet."""
    home.reference("numbers", NUMBERS)
    home.reference("credits", CREDITS)
    home.prices("destinations", (home.price_tables / "destinations.csv").read_text() + "49,Germany,DE\n")
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, restval="", lineterminator="\n")
    writer.writeheader()
    for place, record in enumerate(FIRST_FILE):
        text.write("\n" * (place % 2))
        writer.writerow(record)
    home.raw("standard/1.csv", text.getvalue() + "cut,voice\n")
    lines = "\n \n".join(json.dumps(record) for record in SECOND_FILE)
    home.raw("standard/2.jsonl.gz", gzip.compress(f"\n{lines}\n".encode(), mtime=0))
    home.usage("3.parquet", THIRD_FILE)
    home.usage("4.csv", [CALL | {"record_id": "c-1", "account_id": "A2", "duration_seconds": "84"}])


def august(folder: Path) -> Home:
    """A home whose August is published."""
    home = make_home(folder)
    fill(home)
    run_stages(home.path, home.price_tables, ["2026-08"])
    return home


def text_of(home: Home, identifier: str) -> str:
    """What a person reads."""
    return "\n".join(explain(home.installation, identifier)["text"])


def facts_of(home: Home, identifier: str) -> dict[str, Any]:
    """The facts of the first thing of that name."""
    facts: dict[str, Any] = explain(home.installation, identifier)["found"][0]
    return facts


def said(text: str, label: str) -> list[str]:
    """The steps under a label, without it."""
    begins = f"  {label} "
    return [line.removeprefix(begins).strip() for line in text.splitlines() if line.startswith(begins)]


def copied(home: Home, folder: Path) -> Home:
    """A copy that may be changed; its published file still reads the first one's month tables."""
    shutil.copytree(home.path, folder / "home")
    shutil.copytree(home.price_tables, folder / "prices")
    return Home(folder / "home", folder / "prices")
