"""A home in which every control has something to measure, and what is done to it behind callbill's back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipelines.stages.issue import issue_month
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, MESSAGE, OTHERS, OWN, callr_call
from tests.support import run_month

APRIL, MAY = "2026-04", "2026-05"
DRAFTS = ("rated_usage", "number_fees", "bill_lines", "bills")
"""The tables of a month that a statement may alter, as draft_rated_usage and so on."""


def measured_home(folder: Path) -> Home:
    """April is issued and partly paid; May is run: legs of every kind, prepaid and postpaid, in two currencies, usage of
    April that came late, and a record that waits, one that is refused and one that is told twice."""
    home = make_home(folder)
    home.settings('[billing]\nfirst_month = "2026-04"\n[issue]\nsuspense_percent = 100\n')
    home.usage("april.csv", [CALL, CALL | {"record_id": "c2", "from_number": OWN[0]}])
    home.reference(
        "payments", "payment_id,account_id,bill_number,amount,currency,paid_at\nP1,A2,2026-000002,0.50,EUR,2026-05-15\n"
    )
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        assert run_month(session, APRIL)["passed"].all()
        issue_month(session, APRIL)
        _usage_of_may(home)
        controls = run_month(session, MAY)
        assert controls["passed"].all(), controls
    return home


def _usage_of_may(home: Home) -> None:
    call = CALL | {"started_at": "2026-05-05T10:00:00Z"}
    inbound = call | {"direction": "inbound", "from_number": OTHERS[0], "to_number": OWN[0]}
    message = MESSAGE | {"started_at": "2026-05-06T10:00:00Z"}
    home.usage(
        "may.csv",
        [
            call | {"record_id": "own"},
            call | {"record_id": "prepaid", "from_number": OWN[0], "to_number": OTHERS[0]},
            call | {"record_id": "unanswered", "duration_seconds": "0", "status": "no_answer"},
            call | {"record_id": "dollars", "from_number": OWN[4], "to_number": OTHERS[3]},
            inbound | {"record_id": "forwarded", "forwarded_to": OTHERS[4], "forwarded_seconds": "60"},
            message | {"record_id": "written"},
            message | {"record_id": "read", "direction": "inbound", "from_number": OTHERS[0], "to_number": OWN[0]},
            call | {"record_id": "nowhere", "to_number": "+9991"},
            {"record_id": "refused"},
        ],
    )
    home.usage("more.csv", [call | {"record_id": "own"}, call | {"record_id": "other", "duration_seconds": "60"}])
    home.usage("late.csv", [CALL | {"record_id": "late", "started_at": "2026-04-09T10:00:00Z"}])
    at = datetime(2026, 5, 9, tzinfo=UTC)
    home.callr("may.jsonl", [callr_call(1, at, 40), callr_call(2, at, 33, callid_in=1)])


def tamper(session: Session, month: str, statement: str) -> None:
    """Executes the SQL. Month tables are altered under the names of their drafts, and then written as if a stage had made
    them so."""
    warehouse, files = session.warehouse, session.warehouse.month_files
    altered = [table for table in DRAFTS if f"draft_{table}" in statement]
    for table in altered:
        warehouse.connection.execute(
            f"CREATE TEMP TABLE draft_{table} AS FROM {files.source(table, [month], issued=False)}"
        )
    warehouse.connection.execute(statement)
    for table in altered:
        frame = warehouse.frame(f"FROM draft_{table}")
        with warehouse.transaction(), files.writing(table, month) as writer:
            writer.write(frame)
            files.name(files.finish(writer, table, month))
        warehouse.connection.execute(f"DROP TABLE draft_{table}")
