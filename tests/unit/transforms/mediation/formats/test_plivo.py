"""Plivo's detail records become the fields of usage records, as JSON and as CSV."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.transforms.mediation.formats.reading import outcomes, read_lines, refusals
from transforms.mediation.contract import Read
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source

SAMPLES = Path(__file__).parents[4] / "samples"

CALL = {
    "call_uuid": "call-0001",
    "parent_call_uuid": None,
    "call_direction": "inbound",
    "from_number": "+33639980030",
    "to_number": "33261910042",
    "initiation_time": "2026-10-08 14:30:00+05:30",
    "answer_time": "2026-10-08 14:30:05+05:30",
    "end_time": "2026-10-08 14:45:29+05:30",
    "bill_duration": 924,
    "billed_duration": 960,
    "call_duration": 924,
    "hangup_cause_name": "Normal Hangup",
    "hangup_cause_code": 4000,
    "total_amount": "0.13600",
}
CHILD = CALL | {"call_uuid": "call-0002", "parent_call_uuid": "call-0001", "call_direction": "outbound"}
MESSAGE = {
    "message_uuid": "mess-0003",
    "message_direction": "outbound",
    "from_number": "+33639980001",
    "to_number": "33639980040",
    "message_state": "delivered",
    "message_type": "sms",
    "message_time": "2026-10-08 15:30:00.123456+05:30",
    "units": 2,
}
CALL_HEADER = (
    "Call UUID,Parent call UUID,From number,To number,Call direction,End time,Initiation time,Answer time,"
    "Call duration,Billed duration,Call rate,Hangup cause,Hangup cause code,Call leg"
)
MESSAGE_HEADER = (
    "Message UUID,From,To,To Country ISO2,Direction,Message Time,Status,Error Code,Units,Rate Per Unit (USD)"
)


def read(*objects: Any) -> Read:
    return read_lines("plivo", "json", [item if isinstance(item, str) else json.dumps(item) for item in objects])


def one(item: Any) -> dict[str, Any]:
    return read(item).fields.to_dicts()[0]


def rows(*lines: str, time_zone: str = "Asia/Kolkata") -> Read:
    return read_lines("plivo", "csv", list(lines), source=Source(time_zone=time_zone))


def test_a_call_is_billed_by_its_seconds_and_not_by_plivos_increments() -> None:
    fields = one(CALL)
    assert {name: value for name, value in fields.items() if value is not None} == {
        "record_number": 1,
        "record_id": "call-0001",
        "service": "voice",
        "direction": "inbound",
        "from_number": "+33639980030",
        "to_number": "33261910042",
        "started_at": datetime(2026, 10, 8, 9, tzinfo=UTC),
        "duration_seconds": "924",
        "status": "answered",
        "linked_id": "call-0001",
    }


@pytest.mark.parametrize(
    ("bill", "billed", "call", "seconds"),
    [
        (924, 960, 930, "924"),
        (None, 960, 924, "924"),
        (960, None, 924, "924"),
        (960, None, None, "960"),
        (None, 960, None, None),
        (0, 0, 0, "0"),
    ],
)
def test_which_duration(bill: int | None, billed: int | None, call: int | None, seconds: str | None) -> None:
    """Of a trunk's records, which have no billed_duration, bill_duration holds the increments."""
    item = CALL | {"bill_duration": bill, "billed_duration": billed, "call_duration": call}
    assert one(item)["duration_seconds"] == seconds


def test_an_answered_call_without_a_duration_is_refused() -> None:
    item = {name: value for name, value in CALL.items() if not name.endswith("duration")} | {"billed_duration": 60}
    assert refusals(read(item)) == [
        ("bad_value", "duration_seconds: expected seconds of an answered call, found ''"),
    ]


def test_a_child_is_tied_to_its_parent_and_an_outbound_call_of_its_own_to_nothing() -> None:
    assert one(CHILD)["linked_id"] == "call-0001"
    assert one(CHILD | {"parent_call_uuid": ""})["linked_id"] is None


@pytest.mark.parametrize(
    ("answered", "seconds", "cause", "code", "status"),
    [
        ("2026-10-08 14:30:05+05:30", 0, "Normal Hangup", 4000, "answered"),
        (None, 12, "Normal Hangup", 4000, "answered"),
        (None, 0, "No Answer", 3000, "no_answer"),
        (None, 0, "Ring Timeout Reached", 6010, "no_answer"),
        (None, 0, "Canceled", 1000, "no_answer"),
        (None, 0, "Busy Line", 3010, "busy"),
        (None, 0, "Invalid Destination Address", 2000, "failed"),
        (None, 0, "Network Error", 5010, "failed"),
        (None, 0, None, None, "no_answer"),
    ],
)
def test_a_call_is_answered_where_it_has_a_moment_or_seconds(
    answered: str | None, seconds: int, cause: str | None, code: int | None, status: str
) -> None:
    item = CALL | {"answer_time": answered, "hangup_cause_name": cause, "hangup_cause_code": code}
    assert one(item | dict.fromkeys(("bill_duration", "call_duration"), seconds))["status"] == status


def test_a_call_to_an_endpoint_is_no_telephone_call() -> None:
    assert read(CHILD | {"to_number": "sip:anna@phone.plivo.com"}).unbillable == 1
    assert outcomes(read(CALL | {"from_number": "sip:anna@phone.plivo.com"})) == {1: "voice 0001"}
    assert one(CALL | {"from_number": None})["from_number"] == "anonymous"


def test_a_message() -> None:
    fields = one(MESSAGE)
    assert {name: value for name, value in fields.items() if value is not None} == {
        "record_number": 1,
        "record_id": "mess-0003",
        "service": "sms",
        "direction": "outbound",
        "from_number": "+33639980001",
        "to_number": "33639980040",
        "started_at": datetime(2026, 10, 8, 10, 0, 0, 123456, tzinfo=UTC),
        "status": "delivered",
        "segments": "2",
    }


@pytest.mark.parametrize(
    ("direction", "state", "status"),
    [
        ("outbound", "sent", "sent"),
        ("outbound", "delivered", "delivered"),
        ("outbound", "undelivered", "sent"),
        ("outbound", "failed", "failed"),
        ("outbound", "rejected", "rejected"),
        ("outbound", "lost", "lost"),
        ("outbound", None, "not stated"),
        ("inbound", "received", "received"),
        ("inbound", "delivered", "received"),
        ("inbound", "undelivered", "received"),
        ("inbound", "failed", "failed"),
    ],
)
def test_states_of_messages(direction: str, state: str | None, status: str) -> None:
    assert one(MESSAGE | {"message_direction": direction, "message_state": state})["status"] == status


def test_a_message_that_is_not_over_counts_only() -> None:
    assert read(MESSAGE | {"message_state": "queued"}).unbillable == 1


@pytest.mark.parametrize(("units", "segments"), [(0, None), ("0", None), (None, None), (3, "3")])
def test_no_units_are_no_number_of_segments(units: Any, segments: str | None) -> None:
    assert one(MESSAGE | {"units": units})["segments"] == segments


@pytest.mark.parametrize("kind", ["mms", "whatsapp"])
def test_what_is_no_sms_is_refused_and_not_rated_as_one(kind: str) -> None:
    assert [reason for reason, _ in refusals(read(MESSAGE | {"message_type": kind}))] == ["bad_value"]
    assert one(MESSAGE | {"message_type": None})["service"] == "sms"


def test_the_rows_of_the_console_are_by_its_clocks() -> None:
    call = (
        "call-0001,,33639980030,33261910042,inbound,2026-10-08 14:45:29,2026-10-08 14:30:00,2026-10-08 14:30:05,"
        "924,960,0.0085,Normal Hangup,4000,A"
    )
    expected = one(CALL) | {"from_number": "33639980030"}
    assert rows(CALL_HEADER, call).fields.to_dicts() == [expected]
    assert rows(CALL_HEADER.lower(), call, time_zone="UTC").fields["started_at"].to_list() == [
        datetime(2026, 10, 8, 14, 30, tzinfo=UTC)
    ]
    message = "mess-0003,+33639980001,33639980040,FR,outbound,2026-10-08 15:30:00.123456,delivered,000,2,0.003"
    assert rows(MESSAGE_HEADER, message).fields.to_dicts() == [one(MESSAGE)]


def test_a_redacted_number() -> None:
    line = "call-0001,,{},{},{},,2026-10-08 14:30:00,2026-10-08 14:30:05,924,960,0.0085,Normal Hangup,4000,A"
    found = rows(
        CALL_HEADER,
        line.format("336399XXXX", "33261910042", "inbound"),
        line.format("33261910042", "336399XXXX", "outbound"),
    )
    assert outcomes(found) == {1: "voice 0001", 2: "bad_value"}


def test_a_header_of_other_columns_makes_every_row_unreadable() -> None:
    assert rows("a,b", "1,2").unreadable["reason"].to_list() == ["unreadable"]


def test_pages_arrays_and_lines_are_the_same_in_batches_of_any_size() -> None:
    items = [CALL, CHILD, MESSAGE]
    whole = read(*items).fields
    texts = [
        json.dumps({"api_id": "x", "meta": {"limit": 20}, "objects": items}),
        json.dumps({"objects": items}, indent=2),
        json.dumps(items, indent=4),
    ]
    for text in texts:
        lines = text.split("\n")
        for size in (1, 3, 1000):
            assert read_lines("plivo", "json", lines, size=size).fields.equals(whole), (text[:20], size)


def test_a_broken_line_is_refused_alone() -> None:
    assert outcomes(read(CALL, '{"call_uuid": "', {}, CHILD)) == {
        1: "voice 0001",
        2: "unreadable",
        3: "bad_value",
        4: "voice 0002",
    }


def test_the_samples() -> None:
    calls = read_lines("plivo", "json", (SAMPLES / "plivo_calls.json").read_text(encoding="utf-8").split("\n"))
    assert (outcomes(calls), calls.unbillable) == (
        {1: "voice 0001", 2: "voice 0002", 3: "voice 0003", 4: "voice 0003"},
        1,
    )
    messages = read_lines("plivo", "csv", (SAMPLES / "plivo_messages.csv").read_text(encoding="utf-8").split("\n"))
    assert (outcomes(messages), messages.unbillable) == ({1: "sms 0011", 2: "sms 0012"}, 1)


def test_it_is_recognised() -> None:
    recognises = all_formats()["plivo"].recognises
    for name in ("plivo_calls.json", "plivo_messages.csv"):
        assert recognises((SAMPLES / name).read_text(encoding="utf-8")[:4096])
    assert recognises(CALL_HEADER)
    assert not recognises("record_id,service,direction,from_number,to_number,started_at")
    assert not recognises('[{"sid": "CA1"}]')
