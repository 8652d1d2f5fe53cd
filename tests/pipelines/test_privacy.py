"""Texts of messages are counted and dropped: nothing that a run leaves behind or says holds a piece of one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.pipelines.command import Said, call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import COLUMNS, MESSAGE, OTHERS, callr_message

CANARY = "Zeisig"
TEXT = f'{CANARY} trifft\nHänfling, {CANARY} "singt" 🐦'
SENT = datetime(2026, 4, 9, tzinfo=UTC)

RECORDS = [
    MESSAGE | {"record_id": "good", "text": TEXT},
    MESSAGE | {"record_id": "inbound", "direction": "inbound", "text": TEXT, "to_number": MESSAGE["from_number"]},
    MESSAGE | {"record_id": "nobody", "text": TEXT, "from_number": "+33199999999"},
    MESSAGE | {"record_id": "nowhere", "text": TEXT, "to_number": "+99912345678"},
    MESSAGE | {"record_id": "unpriced", "text": TEXT, "to_number": "+491711234567"},
    MESSAGE | {"record_id": "number", "text": TEXT, "to_number": "0"},
    MESSAGE | {"record_id": "early", "text": TEXT, "started_at": ""},
    MESSAGE | {"record_id": "failed", "text": TEXT, "status": "failed"},
    MESSAGE | {"record_id": "twice", "text": TEXT},
    MESSAGE | {"record_id": "twice", "text": f"{TEXT} again" * 9},
]
"""Messages that are billed, suspended for every reason, refused, repeated."""

SHIFTED = ["service", "direction", "to_number", "started_at", "duration_seconds", "status", "forwarded_to"]
SHIFTED += ["forwarded_seconds", "encoding", "text_length", "segments"]
"""Columns that a text may slip into where quotes are missing."""

CSV_LINES = [
    f"broken,sms,outbound,,{OTHERS[0]},{CANARY}, {CANARY}, {CANARY},,,,,,,,,,,,",
    f'open,sms,outbound,,{OTHERS[0]},{OTHERS[1]},2026-04-05T10:00:00Z,,,,,,"{CANARY} and no quote',
    f"cut,sms,outbound,,{OTHERS[0]},{CANARY}",
    CANARY,
]
JSON_LINES = [
    json.dumps(MESSAGE | {"record_id": "cut", "text": TEXT})[:-9],
    json.dumps(MESSAGE | {"record_id": "tail", "text": TEXT}) + f" {CANARY}",
    json.dumps([MESSAGE | {"record_id": "list", "text": TEXT}]),
    json.dumps(MESSAGE | {"record_id": "nested", "text": {"body": TEXT}}),
    json.dumps(MESSAGE | {"record_id": "other", "body": TEXT, "Text": TEXT}),
    f'{{"record_id": "raw", "text": "{CANARY}\x01"}}',
    json.dumps(TEXT),
]
CALLR = [
    callr_message("good", SENT, TEXT),
    callr_message("wrapped", SENT) | {"type": "v2.sms.sent", "payload": callr_message("inner", SENT, TEXT)},
    callr_message("nobody", SENT, TEXT) | {"from": "+33199999999"},
    callr_message("status", SENT, TEXT) | {"status": CANARY},
    callr_message("body", SENT) | {"text": None, "bodyText": TEXT},
    {"type": "v2.sms.unheard_of", "payload": {"text": TEXT}},
    {"type": CANARY, "text": TEXT},
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, list[Said]]:
    """A home full of texts after a run, another, and a recycling; and what they said."""
    home = make_home(tmp_path_factory.mktemp("privacy"))
    home.add("destinations", "49,Germany,DE")
    home.usage("a.csv", RECORDS)
    home.usage("b.jsonl", [record | {"record_id": f"j{n}"} for n, record in enumerate(RECORDS)])
    home.usage("c.parquet", [record | {"record_id": f"p{n}"} for n, record in enumerate(RECORDS)])
    home.usage("shifted.csv", [MESSAGE | {"record_id": column, column: CANARY} for column in SHIFTED])
    shifted = [json.dumps(MESSAGE | {"record_id": f"s{column}", column: CANARY}) for column in SHIFTED]
    home.raw("standard/broken.csv", "\n".join([",".join(COLUMNS), *CSV_LINES]))
    home.raw("standard/header.csv", f"record_id,{CANARY}\n1,{CANARY}\n")
    home.raw("standard/broken.jsonl", "\n".join([*JSON_LINES, *shifted]))
    home.raw("standard/latin.csv", ",".join(COLUMNS).encode() + f"\n{TEXT}ü\n".encode("latin-1", "replace"))
    home.raw("callr/a.jsonl", "\n".join([*map(json.dumps, CALLR), json.dumps(CALLR[0])[:-5]]))
    said = [call("run", "2026-04", *home.arguments), call("run", "2026-04", "--json", *home.arguments)]
    return home, [*said, call("recycle", *home.arguments)]


def test_the_runs_saw_them(ran: tuple[Home, list[Said]]) -> None:
    home, said = ran
    assert [one.status for one in said] == [0, 0, 0], [one.err for one in said]
    with duckdb.connect(str(home.published), read_only=True) as analyst:
        rated, suspended = analyst.execute(
            "SELECT (SELECT count(*) FROM rated_usage), (SELECT count(*) FROM suspense)"
        ).fetchall()[0]
        reasons = analyst.execute("SELECT DISTINCT reason FROM suspense").fetchall()
    assert rated > 10
    assert suspended > 40
    assert {reason for (reason,) in reasons} >= {
        "unreadable",
        "bad_value",
        "account_unknown",
        "no_destination",
        "no_price",
        "conflicting_duplicate",
    }


def test_nothing_was_said(ran: tuple[Home, list[Said]]) -> None:
    assert [one for one in ran[1] if CANARY in one.out + one.err] == []


def test_no_column_of_any_table_holds_one(ran: tuple[Home, list[Said]]) -> None:
    for database in (ran[0].path / "warehouse.duckdb", ran[0].published):
        assert cells_with_canary(database) == []


def cells_with_canary(database: Path) -> list[tuple[str, str]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND data_type = 'VARCHAR'"
        ).fetchall()
        assert len(found) > 30
        holds = "SELECT count(*) FROM {} WHERE contains({}, $1)"
        return [
            (table, column)
            for table, column in found
            if connection.execute(holds.format(table, column), [CANARY]).fetchall() != [(0,)]
        ]


def test_no_file_holds_one(ran: tuple[Home, list[Said]]) -> None:
    home = ran[0]
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
        connection.execute("VACUUM")
        connection.execute("CHECKPOINT")
    files = [path for path in home.path.rglob("*") if path.is_file() and home.path / "inbox" not in path.parents]
    assert any(path.is_relative_to(home.path / "dagster") for path in files)
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
