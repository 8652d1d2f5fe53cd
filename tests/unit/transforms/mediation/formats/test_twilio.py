"""Twilio's calls and messages become the fields of usage records, as JSON and as CSV."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.unit.transforms.mediation.formats.reading import outcomes, read_lines, refusals
from transforms.mediation.contract import Read
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source

SAMPLES = Path(__file__).parents[4] / "samples"

CALL = {
    "sid": f"CA{1:032x}",
    "parent_call_sid": None,
    "from": "+33639980030",
    "to": "+33261910042",
    "status": "completed",
    "direction": "inbound",
    "start_time": "Thu, 08 Oct 2026 09:00:00 +0000",
    "date_created": "Thu, 08 Oct 2026 08:59:59 +0000",
    "duration": "149",
    "price": "-0.00850",
    "subresource_uris": {"recordings": "x"},
}
CHILD = CALL | {
    "sid": f"CA{2:032x}",
    "parent_call_sid": CALL["sid"],
    "direction": "outbound-dial",
    "from": "+33261910042",
    "to": "+33639980031",
}
MESSAGE = {
    "sid": f"SM{3:032x}",
    "from": "+33639980001",
    "to": "+33639980040",
    "status": "delivered",
    "direction": "outbound-api",
    "body": "hello",
    "num_segments": "2",
    "num_media": "0",
    "date_sent": "Thu, 08 Oct 2026 10:00:01 +0000",
    "date_created": "Thu, 01 Oct 2026 10:00:00 +0000",
}


def read(*objects: Any) -> Read:
    return read_lines("twilio", "json", [item if isinstance(item, str) else json.dumps(item) for item in objects])


def one(item: Any) -> dict[str, Any]:
    return read(item).fields.to_dicts()[0]


def rows(*lines: str, time_zone: str = "UTC") -> Read:
    return read_lines("twilio", "csv", list(lines), source=Source(time_zone=time_zone))


def test_a_call() -> None:
    fields = one(CALL)
    assert {name: value for name, value in fields.items() if value is not None} == {
        "record_number": 1,
        "record_id": CALL["sid"],
        "service": "voice",
        "direction": "inbound",
        "from_number": "+33639980030",
        "to_number": "+33261910042",
        "started_at": datetime(2026, 10, 8, 9, tzinfo=UTC),
        "duration_seconds": "149",
        "status": "answered",
        "linked_id": CALL["sid"],
    }


def test_a_child_is_tied_to_its_parent_and_an_outbound_call_of_its_own_to_nothing() -> None:
    assert one(CHILD)["linked_id"] == CALL["sid"]
    assert one(CHILD | {"parent_call_sid": None, "direction": "outbound-api"})["linked_id"] is None


def test_a_message() -> None:
    fields = one(MESSAGE)
    assert {name: value for name, value in fields.items() if value is not None} == {
        "record_number": 1,
        "record_id": MESSAGE["sid"],
        "service": "sms",
        "direction": "outbound",
        "from_number": "+33639980001",
        "to_number": "+33639980040",
        "started_at": datetime(2026, 10, 8, 10, 0, 1, tzinfo=UTC),
        "status": "delivered",
        "text": "hello",
        "segments": "2",
    }


@pytest.mark.parametrize(
    ("word", "direction"),
    [
        ("inbound", "inbound"),
        ("trunking-originating", "inbound"),
        ("Incoming", "inbound"),
        ("outbound-api", "outbound"),
        ("outbound-dial", "outbound"),
        ("outbound-call", "outbound"),
        ("outbound-reply", "outbound"),
        ("trunking-terminating", "outbound"),
        ("Outgoing Dial", "outbound"),
        ("sideways", "sideways"),
        (None, "unstated"),
    ],
)
def test_directions(word: str | None, direction: str) -> None:
    assert one(CALL | {"direction": word})["direction"] == direction


def test_a_message_without_a_direction_is_refused() -> None:
    assert refusals(read(MESSAGE | {"direction": None})) == [
        ("bad_value", "direction: expected inbound or outbound, found ''")
    ]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("completed", "answered"),
        ("Completed", "answered"),
        ("no-answer", "no_answer"),
        ("canceled", "no_answer"),
        ("busy", "busy"),
        ("failed", "failed"),
        ("lost", "lost"),
        (None, "not stated"),
    ],
)
def test_statuses_of_calls(word: str | None, status: str) -> None:
    assert one(CALL | {"status": word})["status"] == status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("undelivered", "sent"),
        ("received", "received"),
        ("failed", "failed"),
        ("canceled", "rejected"),
        ("lost", "lost"),
    ],
)
def test_statuses_of_messages(word: str, status: str) -> None:
    assert one(MESSAGE | {"status": word})["status"] == status


def test_a_record_without_a_status_is_refused_and_not_taken_as_answered() -> None:
    found = read(CALL | {"status": None}, MESSAGE | {"status": ""})
    assert [reason for reason, _ in refusals(found)] == ["bad_value", "bad_value"]


@pytest.mark.parametrize("word", ["queued", "initiated", "ringing", "in-progress", "In Progress"])
def test_a_call_that_is_not_over_counts_only(word: str) -> None:
    assert (read(CALL | {"status": word}, CALL).unbillable, outcomes(read(CALL | {"status": word}, CALL))) == (
        1,
        {2: "voice 0001"},
    )


@pytest.mark.parametrize("word", ["queued", "accepted", "scheduled", "sending", "receiving"])
def test_a_message_that_is_not_over_counts_only(word: str) -> None:
    assert read(MESSAGE | {"status": word}).unbillable == 1


@pytest.mark.parametrize("to", ["sip:kevin@example.com", "SIPS:k@example.com", "client:anna", "conference:x"])
def test_a_call_to_what_is_no_telephone_counts_only(to: str) -> None:
    assert read(CHILD | {"to": to}).unbillable == 1


def test_a_call_of_an_application_to_twilio_itself_counts_only() -> None:
    assert read(CALL | {"from": "client:anna", "to": ""}).unbillable == 1
    assert refusals(read(CALL | {"to": ""})) == [
        ("bad_value", "to_number: expected the customer's own number, E.164, found ''")
    ]


def test_a_call_from_what_is_no_telephone_to_a_number_comes_in() -> None:
    assert outcomes(read(CALL | {"from": "client:anna"})) == {1: "voice 0001"}
    assert one(CALL | {"from": None})["from_number"] == "anonymous"
    assert one(CHILD | {"from": None})["from_number"] is None


def test_the_numbers_of_a_trunk_are_in_its_addresses() -> None:
    trunk = {"direction": "trunking-terminating", "to": "sip:+33639980034@example.pstn.twilio.com"}
    assert one(CHILD | trunk)["to_number"] == "+33639980034"
    origin = {"direction": "trunking-originating", "from": "sip:+33639980034@192.0.2.1:5060"}
    assert one(CALL | origin)["from_number"] == "+33639980034"
    assert read(CHILD | {"to": trunk["to"]}).unbillable == 1


@pytest.mark.parametrize(
    ("change", "service"),
    [
        ({"num_media": "1", "sid": f"MM{3:032x}"}, "mms"),
        ({"num_media": 10}, "mms"),
        ({"num_media": "0", "sid": f"MM{3:032x}"}, "sms"),
        ({"num_media": None}, "sms"),
        ({"to": "whatsapp:+33639980040", "from": "whatsapp:+33639980001"}, "whatsapp"),
        ({"sid": "HX1", "body": None}, "sms"),
        ({"sid": None}, "sms"),
    ],
)
def test_what_is_no_sms_is_refused_and_not_rated_as_one(change: dict[str, Any], service: str) -> None:
    assert one(MESSAGE | change)["service"] == service


def test_a_record_that_is_neither_call_nor_message() -> None:
    assert read({"sid": "CF1", "status": "completed", "friendly_name": "x"}).unbillable == 1
    assert refusals(read({"sid": "XX1", "status": "completed"})) == [
        ("bad_value", "service: expected voice or sms, found ''")
    ]


@pytest.mark.parametrize("segments", ["0", 0, "00", "", None])
def test_no_segments_are_no_number_of_segments(segments: Any) -> None:
    assert one(MESSAGE | {"num_segments": segments})["segments"] is None


def test_a_redacted_text_says_nothing_of_its_length() -> None:
    assert [reason for reason, _ in refusals(read(MESSAGE | {"num_segments": "0", "body": ""}))] == [
        "sms_length_unknown"
    ]


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("Thu, 08 Oct 2026 09:00:00 +0000", 9),
        ("8 Oct 2026 11:00:00 +0200", 9),
        ("Thu, 08 Oct 2026 09:00:00 GMT", 9),
        ("2026-10-08T09:00:00Z", 9),
        ("2026-10-08 09:00:00 UTC", 9),
        ("09:00:00 UTC 2026-10-08", 9),
        ("2026-10-08 09:00:00", 7),
        ("09:00:00 2026-10-08", 7),
        ("2026-10-08T09:00:00", 7),
        ("09:00:00 PDT 2026-10-08", None),
        ("Thu, 08 Oct 2026 09:00:60 +0000", None),
        ("tomorrow", None),
    ],
)
def test_moments(written: str, hour: int | None) -> None:
    """A time without a word about its zone is by the clocks of the source, here those of Paris."""
    header = "Sid,From,To,Status,Direction,Start Time,Duration"
    line = f'{CALL["sid"]},+33639980030,+33261910042,completed,inbound,"{written}",83'
    found = rows(header, line, time_zone="Europe/Paris")
    assert found.fields["started_at"].to_list() == [hour and datetime(2026, 10, 8, hour, tzinfo=UTC)]


def test_moments_of_all_forms_do_not_disturb_each_other() -> None:
    written = ["2026-10-08T09:00:00Z", "Thu, 08 Oct 2026 10:00:00 +0000", "soon", "2026-10-08 11:00:00"]
    found = read(*(CALL | {"start_time": item} for item in written))
    assert [value and value.hour for value in found.fields["started_at"]] == [9, 10, None, 11]


def test_a_call_that_never_began_has_the_moment_when_it_was_made() -> None:
    assert one(CALL | {"start_time": None})["started_at"].minute == 59


CONSOLE = "Call Sid,Type,Status,From,To,Direction,Start Time,End Time,Duration,Price"
LOG = "From,To,Body,Status,SentDate,ApiVersion,NumSegments,ErrorCode,AccountSid,Sid,Direction,Price,PriceUnit"


def test_both_spellings_of_a_header() -> None:
    line = f"{CALL['sid']},Phone,completed,+33639980030,+33261910042,inbound,2026-10-08 09:00:00 UTC,,149,-0.0085"
    assert rows(CONSOLE, line).fields.equals(read(CALL).fields)
    line = f"+33639980001,+33639980040,hello,delivered,2026-10-08T10:00:01Z,x,2,,A,{MESSAGE['sid']},outbound-api,-1,USD"
    assert rows(LOG, line).fields.equals(read(MESSAGE).fields)
    assert rows(LOG.upper(), line).fields.equals(read(MESSAGE).fields)
    assert rows("\ufeff" + LOG.replace("SentDate", "date_sent"), line).fields.equals(read(MESSAGE).fields)


def test_a_header_without_a_status_makes_every_row_unreadable() -> None:
    found = rows("Sid,From,To,Start Time", "CA1,1,2,", "CA2,1,2,")
    assert found.unreadable["detail"].unique().to_list() == ["line 1: column 'status' is missing"]


def test_a_text_over_several_lines_is_one_record() -> None:
    line = (
        f'+33639980001,+33639980040,"a, ""b""\nc",sent,2026-10-08T10:00:01Z,x,2,,A,{MESSAGE["sid"]},outbound-api,,USD'
    )
    found = rows(LOG, *line.split("\n"), "x,y")
    assert found.fields["text"].to_list() == ['a, "b"\nc']
    assert outcomes(found) == {1: "sms 0003", 2: "unreadable"}


def test_pages_arrays_and_lines_are_the_same_in_batches_of_any_size() -> None:
    items = [CALL, CHILD, MESSAGE | {"body": "caf\u00e9 \U0001f600"}]
    whole = read(*items).fields
    texts = [
        json.dumps({"calls": items, "page": 0}),
        json.dumps({"messages": items}, indent=2),
        json.dumps(items),
        json.dumps(items, indent=4),
        "\n".join(json.dumps(item, indent=1) for item in items),
    ]
    for text in texts:
        lines = text.split("\n")
        for size in (1, 3, 1000):
            assert read_lines("twilio", "json", lines, size=size).fields.equals(whole), (text[:20], size)


def test_a_broken_line_is_refused_alone() -> None:
    assert outcomes(read(CALL, '{"sid": "CA', CHILD)) == {1: "voice 0001", 2: "unreadable", 3: "voice 0002"}


def test_the_samples() -> None:
    calls = read_lines("twilio", "json", (SAMPLES / "twilio_calls.json").read_text(encoding="utf-8").split("\n"))
    assert (outcomes(calls), calls.unbillable) == ({1: "voice 00c1", 2: "voice 00c2", 3: "voice 00c3"}, 2)
    messages = read_lines("twilio", "csv", (SAMPLES / "twilio_messages.csv").read_text(encoding="utf-8").split("\n"))
    assert (outcomes(messages), messages.unbillable) == ({1: "sms 00d1", 2: "sms 00d2", 3: "bad_value"}, 1)


def test_it_is_recognised() -> None:
    recognises = all_formats()["twilio"].recognises
    for name in ("twilio_calls.json", "twilio_messages.csv"):
        assert recognises((SAMPLES / name).read_text(encoding="utf-8")[:4096])
    assert recognises(CONSOLE)
    assert not recognises('{"type":"v2.call.inbound.ended"}')
    assert not recognises("record_id,service,direction,from_number,to_number,started_at,status")


def test_no_records() -> None:
    assert rows(LOG).fields.is_empty()
    assert read_lines("twilio", "json", ['{"calls": [], "page": 0}']).fields.schema["record_number"] == pl.Int64
