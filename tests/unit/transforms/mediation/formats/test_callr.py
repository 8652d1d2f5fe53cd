"""CALLR's webhooks and SMS objects become the fields of usage records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.unit.transforms.mediation.formats.reading import read_lines
from transforms.mediation.contract import Read
from transforms.mediation.formats import all_formats
from transforms.mediation.records import FIELDS, mediate
from transforms.mediation.source import Source

SAMPLE = Path(__file__).parents[4] / "samples" / "callr.jsonl"

INBOUND = {
    "direction": "inbound",
    "callid": 261008000001,
    "callerNumber": "+33639980030",
    "callee": "+33261910042",
    "started": "2026-10-08T09:00:00.107Z",
    "status": "answered",
    "durationTotal": 151,
    "durationAnswered": 149,
    "durationBilled": 180,
}
OUTBOUND = INBOUND | {"direction": "outbound", "callid": 261008000003, "callid_in": 261008000001}
OLD_SMS = {
    "type": "out",
    "hash": "7C3A",
    "from": "+33639980001",
    "to": "+33639980040",
    "text": "hello",
    "status": "delivered",
    "date_creation": "2026-10-08 09:30:00",
    "parts": 2,
}
NEW_SMS = {
    "sid": "S1",
    "direction": "inbound",
    "fromNumber": "+33639980040",
    "toNumber": "+33639980001",
    "status": "delivered",
    "encoding": "gsm",
    "bodyText": "hi",
    "parts": 1,
    "createdAt": "2026-10-08T09:30:00.123Z",
}
NAMED = ("record_id", "service", "direction", "from_number", "to_number", "started_at", "status")


def webhook(payload: Any, event: str | None = None) -> dict[str, Any]:
    event = event or f"v2.call.{payload['direction']}.ended"
    return {
        "id": "e1",
        "at": "2026-10-08T09:02:31Z",
        "sid": "flow",
        "type": event,
        "try": 0,
        "payload": payload,
    }


def read(*objects: Any) -> Read:
    """What the lines give; every record goes somewhere, and once."""
    lines = [item if isinstance(item, str) else json.dumps(item) for item in objects]
    reader = all_formats()["callr"].reader("json", Source())
    found = reader.feed(pl.DataFrame({"line": lines}), last=True)
    assert found.fields.columns == ["record_number", *FIELDS]
    assert reader.records == len(lines) == found.fields.height + found.unreadable.height + found.unbillable
    return found


def one(item: Any) -> dict[str, Any]:
    return read(item).fields.to_dicts()[0]


def test_a_call_is_billed_by_its_answered_seconds() -> None:
    fields = one(webhook(INBOUND))
    assert {name: fields[name] for name in (*NAMED, "duration_seconds", "linked_id")} == {
        "record_id": "261008000001",
        "service": "voice",
        "direction": "inbound",
        "from_number": "+33639980030",
        "to_number": "+33261910042",
        "started_at": "2026-10-08T09:00:00.107Z",
        "status": "answered",
        "duration_seconds": "149",
        "linked_id": "261008000001",
    }


def test_an_outbound_call_is_tied_to_the_inbound_call_it_forwards() -> None:
    assert one(webhook(OUTBOUND))["linked_id"] == "261008000001"
    other_name = {**OUTBOUND, "callid_in": "", "callidIn": 7}
    assert one(webhook(other_name))["linked_id"] == "7"
    assert one(webhook(INBOUND | {"direction": "outbound"}))["linked_id"] is None


@pytest.mark.parametrize("caller", [None, ""])
def test_a_withheld_number_is_anonymous(caller: str | None) -> None:
    assert one(webhook(INBOUND | {"callerNumber": caller}))["from_number"] == "anonymous"
    assert one(webhook(OUTBOUND | {"callerNumber": caller}))["from_number"] is None
    assert one(NEW_SMS | {"fromNumber": caller})["from_number"] == "anonymous"


def test_the_event_names_the_direction_where_the_call_does_not() -> None:
    payload = INBOUND | {"direction": None}
    assert one(webhook(payload, "v2.call.outbound.ended"))["direction"] == "outbound"
    assert one(webhook(payload, "v2.call.inbound.ended"))["direction"] == "inbound"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("answered", "answered"),
        ("ANSWERED", "answered"),
        ("no-answer", "no_answer"),
        ("no_answer", "no_answer"),
        ("missed", "no_answer"),
        ("cancelled", "no_answer"),
        ("busy", "busy"),
        ("failed", "failed"),
        ("congestion", "failed"),
        ("on hold", "on hold"),
        ("", None),
    ],
)
def test_statuses_of_calls(word: str, status: str | None) -> None:
    assert one(webhook(INBOUND | {"status": word}))["status"] == status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("created", "sent"),
        ("pending", "sent"),
        ("remote-queued", "sent"),
        ("expired", "sent"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("received", "received"),
        ("error", "rejected"),
        ("failed", "failed"),
        ("lost", "lost"),
    ],
)
def test_statuses_of_messages(word: str, status: str) -> None:
    assert one(OLD_SMS | {"status": word})["status"] == status


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-10-08T09:00:00.107Z", "2026-10-08T09:00:00.107Z"),
        ("2026-10-08 09:00:00", "2026-10-08 09:00:00Z"),
        ("2026-10-08T09:00:00.1", "2026-10-08T09:00:00.1Z"),
        ("2026-10-08T11:00:00+02:00", "2026-10-08T11:00:00+02:00"),
        ("1791450000107", "2026-10-08T09:00:00.107Z"),
        (1791450000107, "2026-10-08T09:00:00.107Z"),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_moments_are_in_utc(written: Any, moment: str | None) -> None:
    assert one(webhook(INBOUND | {"started": written}))["started_at"] == moment


def test_a_message_of_the_older_interface() -> None:
    fields = one(OLD_SMS)
    assert [fields[name] for name in NAMED] == [
        "7C3A",
        "sms",
        "outbound",
        "+33639980001",
        "+33639980040",
        "2026-10-08 09:30:00Z",
        "delivered",
    ]
    assert (fields["text"], fields["segments"], fields["encoding"]) == ("hello", "2", None)


@pytest.mark.parametrize("item", [NEW_SMS, webhook(NEW_SMS, "v2.sms.inbound.received")], ids=["bare", "webhook"])
def test_a_message_of_the_newer_interface(item: dict[str, Any]) -> None:
    fields = one(item)
    assert [fields[name] for name in NAMED] == [
        "S1",
        "sms",
        "inbound",
        "+33639980040",
        "+33639980001",
        "2026-10-08T09:30:00.123Z",
        "delivered",
    ]
    assert (fields["text"], fields["segments"], fields["encoding"]) == ("hi", "1", "gsm7")


def test_fields_that_are_written_empty_are_missing_but_for_the_text() -> None:
    fields = one(OLD_SMS | {"hash": "", "id": "I", "date_creation": "", "date_sent": "2026-10-08 09:30:01", "text": ""})
    assert (fields["record_id"], fields["started_at"], fields["text"]) == ("I", "2026-10-08 09:30:01Z", "")


def test_no_parts_are_no_number_of_segments() -> None:
    assert one(OLD_SMS | {"parts": 0})["segments"] is None


@pytest.mark.parametrize(
    "item",
    [
        webhook({"callid": 1}, "v2.call.inbound.started"),
        webhook({}, "v2.media.ended"),
        webhook(None, "v2.call.inbound.started"),
    ],
    ids=["a call that begins", "another event", "an event without a payload"],
)
def test_an_event_that_reports_no_usage_is_counted_and_nothing_else(item: dict[str, Any]) -> None:
    found = read(item, webhook(INBOUND))
    assert (found.unbillable, found.fields["record_number"].to_list()) == (1, [2])


@pytest.mark.parametrize(
    ("item", "detail"),
    [
        (webhook(None, "v2.call.inbound.ended"), "record_id: expected a name of the record, found ''"),
        ({"type": "v2.call.outbound.ended"}, "record_id: expected a name of the record, found ''"),
        (webhook({}, "v2.call.inbound.ended"), "record_id: expected a name of the record, found ''"),
        ({}, "record_id: expected a name of the record, found ''"),
        ({"hash": "x", "type": "sideways"}, "direction: expected inbound or outbound, found 'xxxxxxxx'"),
        (OLD_SMS | {"encoding": "latin"}, "encoding: expected gsm7 or ucs2, found 'xxxxx'"),
    ],
)
def test_an_object_of_no_known_shape_is_refused_once(item: dict[str, Any], detail: str) -> None:
    found = mediate(read(item).fields)
    assert found.refused.select("record_number", "reason", "detail").rows() == [(1, "bad_value", detail)]


@pytest.mark.parametrize("line", ['{"payload":"x"}', '{"payload":[]}'])
def test_a_payload_of_another_shape_is_a_bad_value(line: str) -> None:
    assert read(line).unreadable.select("reason", "detail").rows() == [("bad_value", "payload: an object is expected")]


def test_the_sample() -> None:
    found = read(*SAMPLE.read_text(encoding="utf-8").splitlines())
    records = mediate(found.fields).records
    assert (found.unbillable, found.unreadable.height) == (1, 0)
    columns = (
        "record_number",
        "record_id",
        "direction",
        "status",
        "billable_seconds",
        "segments",
        "linked_id",
    )
    assert records.select(columns).rows() == [
        (2, "261008000001", "inbound", "answered", 149, None, "261008000001"),
        (3, "261008000002", "outbound", "no_answer", 0, None, "261008000001"),
        (4, "261008000003", "outbound", "answered", 119, None, "261008000001"),
        (5, "261008000003", "outbound", "answered", 119, None, "261008000001"),
        (6, "7C3A9E01D2F4", "outbound", "delivered", 0, 1, None),
        (7, "7C3A9E01D2F5", "outbound", "sent", 0, 2, None),
        (8, "7C3A9E01D2F6", "outbound", "rejected", 0, 1, None),
        (9, "7C3A9E01D2F7", "inbound", "received", 0, 1, None),
    ]


ENVELOPES = [webhook(INBOUND), webhook(OUTBOUND), OLD_SMS, NEW_SMS]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ENVELOPES),
        json.dumps(ENVELOPES, indent=4),
        json.dumps({"offset": 0, "total": 4, "hasMore": False, "hits": ENVELOPES}),
        json.dumps({"jsonrpc": "2.0", "id": 1, "result": ENVELOPES}, indent=1),
        "\n".join(json.dumps(item, indent=2) for item in ENVELOPES),
    ],
    ids=[
        "array in a line",
        "array over lines",
        "page of the REST interface",
        "answer of JSON-RPC",
        "written over lines",
    ],
)
def test_arrays_and_pages_are_read_as_lines_are(text: str) -> None:
    whole = read(*ENVELOPES).fields
    for size in (1, 7, 1000):
        assert read_lines("callr", "json", text.split("\n"), size=size).fields.equals(whole)


def test_messages_of_webhooks_bear_the_prefix_or_not() -> None:
    assert one(webhook(NEW_SMS, "sms.mo")) == one(webhook(NEW_SMS, "v2.sms.inbound.received"))


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (webhook({"number": "+33199000020"}, "did.assigned"), ("+33199000020", "assigned", 2)),
        (webhook({"number": "+33199000020"}, "v2.did.unassigned"), ("+33199000020", "unassigned", 2)),
        (webhook({"e164": "33199000020"}, "did.assigned"), ("+33199000020", "assigned", 2)),
        (webhook({"number": "", "intlNumber": "+33 1 99 00 00 20"}, "did.assigned"), ("+33199000020", "assigned", 2)),
        (
            webhook({"number": "+33199000020", "assigned": "2026-10-01T08:05:00Z"}, "did.assigned"),
            ("+33199000020", "assigned", 5),
        ),
        (
            webhook({"number": "+33199000020", "assigned": "2026-10-01 08:05:00"}, "did.unassigned"),
            ("+33199000020", "unassigned", 2),
        ),
        (
            {"type": "did.assigned", "number": "+33199000020", "at": "2026-10-08T09:02:31Z"},
            ("+33199000020", "assigned", 2),
        ),
    ],
)
def test_a_number_event_is_no_usage_and_tells_of_a_number(event: dict[str, Any], told: tuple[str, str, int]) -> None:
    found = read(webhook(INBOUND), event)
    assert (found.unbillable, found.numbers is not None) == (1, True)
    ((record, number, change, at),) = found.numbers.rows() if found.numbers is not None else []
    assert (record, number, change, at.minute) == (2, *told)


@pytest.mark.parametrize("payload", [None, {}, {"number": "none"}, {"number": "0199000020"}])
def test_a_number_event_that_names_no_number_is_no_usage_and_tells_nothing(payload: Any) -> None:
    found = read(webhook(payload, "did.assigned"))
    assert found.unbillable == 1
    assert found.numbers is not None
    assert found.numbers.is_empty()


def test_it_is_recognised() -> None:
    recognises = all_formats()["callr"].recognises
    assert recognises(SAMPLE.read_text(encoding="utf-8")[:4096])
    assert recognises(json.dumps([webhook(INBOUND)], indent=2))
    assert not recognises('{"record_id": "1", "type": "voice"}')
