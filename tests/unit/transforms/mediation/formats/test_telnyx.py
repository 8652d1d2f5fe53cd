"""Telnyx' detail records and reports become the fields of usage records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from transforms.mediation.contract import Kind, Read
from transforms.mediation.formats import all_formats
from transforms.mediation.formats.telnyx import plain_name
from transforms.mediation.records import FIELDS, mediate
from transforms.mediation.source import Source

SAMPLES = Path(__file__).parents[4] / "samples"
PARIS = Source(time_zone="Europe/Paris", country="FR")
CALL = {
    "record_type": "sip-trunking",
    "id": "t1",
    "telnyx_leg_id": "l1",
    "telnyx_session_id": "s1",
    "direction": "outbound",
    "cli": "+33639980001",
    "cld": "+33639980040",
    "started_at": "2026-10-08T09:00:10Z",
    "call_sec": 83,
    "billed_sec": 120,
}
MESSAGE = {
    "record_type": "message_detail_record",
    "uuid": "m1",
    "direction": "outbound",
    "cli": "+33639980001",
    "cld": "+33639980040",
    "created_at": "2026-07-01T00:00:00-06:00",
    "status": "DELIVERED",
    "parts": 2,
    "message_type": "SMS",
}
HEADER = (
    "Call Leg ID,Direction,Origination Number,Terminating Number,Start Timestamp,Answer Timestamp,Call Duration,"
    "Hangup Code"
)
ROW = "r1,outbound,+33639980001,0639980040,2026-10-10 10:00:00,2026-10-10 10:00:07,83,16"


def read(lines: Sequence[str], kind: Kind, size: int = 1000) -> Read:
    """What the lines give, fed in batches of `size`; every record goes somewhere, and once."""
    reader = all_formats()["telnyx"].reader(kind, PARIS)
    batches = [lines[at : at + size] for at in range(0, len(lines), size)]
    found = [reader.feed(pl.DataFrame({"line": batch}), last=batch is batches[-1]) for batch in batches]
    assert all(one.fields.columns == ["record_number", *FIELDS] for one in found)
    whole = Read(
        pl.concat([one.fields for one in found], how="vertical_relaxed"),
        pl.concat([one.unreadable for one in found]),
        sum(one.unbillable for one in found),
    )
    assert reader.records == whole.fields.height + whole.unreadable.height + whole.unbillable
    return whole


def records(*objects: dict[str, Any]) -> list[dict[str, Any]]:
    return read([json.dumps({"data": objects})], "json").fields.to_dicts()


def rows(*lines: str) -> list[dict[str, Any]]:
    return read([HEADER, *lines], "csv").fields.to_dicts()


def named(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in row.items() if value is not None and name not in ("record_number", "started_at")
    }


def test_a_call_is_as_long_as_it_was_and_not_as_telnyx_bills_it() -> None:
    (row,) = records(CALL)
    assert row["started_at"].isoformat() == "2026-10-08T09:00:10+00:00"
    assert named(row) == {
        "record_id": "t1",
        "service": "voice",
        "direction": "outbound",
        "from_number": "+33639980001",
        "to_number": "+33639980040",
        "duration_seconds": "83",
        "status": "answered",
        "linked_id": "s1",
    }


def test_a_message_has_its_parts() -> None:
    (row,) = records(MESSAGE)
    assert row["started_at"].isoformat() == "2026-07-01T06:00:00+00:00"
    assert named(row) == {
        "record_id": "m1",
        "service": "sms",
        "direction": "outbound",
        "from_number": "+33639980001",
        "to_number": "+33639980040",
        "status": "delivered",
        "segments": "2",
    }


@pytest.mark.parametrize("kind", ["sip-trunking", "call", "SIP-Trunking"])
def test_types_of_calls(kind: str) -> None:
    assert records(CALL | {"record_type": kind})[0]["service"] == "voice"


@pytest.mark.parametrize("kind", ["messaging", "message_detail_record", "mdr_report"])
def test_types_of_messages(kind: str) -> None:
    assert records(MESSAGE | {"record_type": kind})[0]["service"] == "sms"


@pytest.mark.parametrize("kind", ["call-control", "recording", "verify_detail_record", "ai-voice-assistant"])
def test_other_products_are_counted_only(kind: str) -> None:
    found = read([json.dumps({"data": [CALL, CALL | {"record_type": kind}]})], "json")
    assert (found.fields.height, found.unbillable) == (1, 1)


@pytest.mark.parametrize("odd", [MESSAGE | {"message_type": "MMS"}, CALL | {"record_type": "teleportation"}])
def test_what_is_neither_call_nor_sms_is_refused(odd: dict[str, Any]) -> None:
    refused = mediate(read([json.dumps(odd)], "json").fields).refused
    assert refused["detail"].str.starts_with("service: expected voice or sms").to_list() == [True]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, "no_answer"),
        ({"hangup_cause": "user_busy"}, "busy"),
        ({"hangup_cause": "originator_cancel"}, "no_answer"),
        ({"hangup_cause": "call_rejected"}, "failed"),
        ({"hangup_code": 486}, "busy"),
    ],
)
def test_a_call_of_no_seconds_was_not_answered(said: dict[str, Any], status: str) -> None:
    assert records(CALL | {"call_sec": 0, "billed_sec": 0} | said)[0]["status"] == status


def test_a_call_without_its_length_is_refused() -> None:
    found = mediate(read([json.dumps({n: v for n, v in CALL.items() if not n.endswith("_sec")})], "json").fields)
    assert found.refused["detail"].to_list() == ["duration_seconds: expected seconds of an answered call, found ''"]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("delivery_failed", "sent"),
        ("DLR_TIMEOUT", "sent"),
        ("GW_REJECT", "rejected"),
        ("sending_failed", "rejected"),
        ("FAILED", "failed"),
        ("received", "received"),
        ("teleported", "teleported"),
    ],
)
def test_status_of_a_message(word: str, status: str) -> None:
    assert records(MESSAGE | {"status": word})[0]["status"] == status


def test_who_called_may_be_unknown() -> None:
    inbound, outbound = records(CALL | {"direction": "incoming", "cli": None}, CALL | {"cli": ""})
    assert (inbound["from_number"], outbound["from_number"]) == ("anonymous", None)


def test_a_report_has_the_titles_of_the_portal() -> None:
    (row,) = rows(ROW)
    assert row["started_at"].isoformat() == "2026-10-10T08:00:00+00:00"
    assert (row["record_id"], row["to_number"], row["duration_seconds"], row["status"]) == (
        "r1", "+33639980040", "83", "answered",
    )  # fmt: skip


def test_a_report_that_tells_when_a_call_was_answered_tells_that_it_was_not() -> None:
    (row,) = rows("r2,outbound,+33639980001,+33639980040,2026-10-10 10:00:00,,17,486")
    assert row["status"] == "busy"
    without = HEADER.replace("Answer Timestamp,", "")
    found = read([without, "r2,outbound,+33639980001,+33639980040,2026-10-10 10:00:00,17,16"], "csv").fields
    assert found["status"].to_list() == ["answered"]


def test_the_time_in_utc_goes_before_the_local_one() -> None:
    header = HEADER.replace("Start Timestamp", "Start Timestamp(UTC),Start Timestamp")
    row = ROW.replace("2026-10-10 10:00:00", "2026-10-10 07:30:00,2026-10-10 10:00:00")
    assert read([header, row], "csv").fields["started_at"].to_list()[0].isoformat() == "2026-10-10T07:30:00+00:00"


def test_a_report_of_messages_names_their_text_nowhere_but_in_it() -> None:
    header = "uuid,direction,cli,cld,created_at,status,message_type,message_body"
    found = read([header, "m1,outbound,+33639980001,+33639980040,2026-10-09 10:00:00,delivered,SMS,secret"], "csv")
    (row,) = found.fields.to_dicts()
    assert [name for name, value in row.items() if value == "secret"] == ["text"]
    assert row["service"] == "sms"


def test_a_broken_line_is_refused_alone() -> None:
    found = read([HEADER, ROW, "r2,outbound", ROW.replace("r1", "r3")], "csv")
    assert found.unreadable["record_number"].to_list() == [2]
    found = read([json.dumps(CALL), '{"record_type": "call', json.dumps(CALL)], "json")
    assert found.unreadable["record_number"].to_list() == [2]


def test_a_report_without_a_header_is_refused() -> None:
    found = read([ROW, ROW], "csv")
    (detail,) = found.unreadable["detail"].to_list()
    assert detail.startswith("line 1: columns are missing: 'direction'; ")


def test_names_of_titles() -> None:
    assert plain_name(" Start Timestamp(UTC)") == "start_timestamp_utc"


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize(("name", "kind"), [("telnyx_calls.json", "json"), ("telnyx_report.csv", "csv")])
def test_small_batches_give_the_same(name: str, kind: Kind, size: int) -> None:
    lines = (SAMPLES / name).read_text(encoding="utf-8").split("\n")
    whole, parts = read(lines, kind), read(lines, kind, size=size)
    assert whole.fields.equals(parts.fields)
    assert whole.unreadable.equals(parts.unreadable)
    assert (whole.fields.height, whole.unbillable) == ((5, 1) if kind == "json" else (4, 0))


@pytest.mark.parametrize(
    ("head", "recognised"),
    [
        (json.dumps({"data": [CALL]}), True),
        (json.dumps(MESSAGE), True),
        (HEADER, True),
        ('{"data": [{"record_type": "verify"}]}', False),
        ("record_id,direction,from_number,to_number", False),
        ("", False),
    ],
)
def test_it_is_recognised(head: str, recognised: bool) -> None:
    assert all_formats()["telnyx"].recognises(head) is recognised


@pytest.mark.parametrize("header", ["direction,a\rb", "", "x" * 200_000])
def test_a_header_that_is_none_refuses_what_follows(header: str) -> None:
    found = read([header, ROW], "csv")
    (detail,) = found.unreadable["detail"].to_list()
    assert detail.startswith("line 1: columns are missing: 'direction'; ")
    assert not all_formats()["telnyx"].recognises(header)
