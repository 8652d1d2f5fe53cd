"""Fields become usage records or are refused: every rule, and nothing of what was refused is shown."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.unit.frames import moment
from transforms.mediation.records import FIELDS, LEG_RULES, RULES, Mediated, as_usage_records, mediate
from transforms.tables.base import assert_contract
from transforms.tables.usage import UsageRecords

Fields = dict[str, str | None]

CALL: Fields = {
    "record_id": "r1",
    "service": "voice",
    "direction": "outbound",
    "from_number": "+33184000001",
    "to_number": "+33145000001",
    "started_at": "2026-10-05T10:00:00Z",
    "duration_seconds": "83",
}
RECEIVED = CALL | {"direction": "inbound", "from_number": "+33145000001", "to_number": "+33184000001"}
FORWARDED = RECEIVED | {"forwarded_to": "+33639980001", "forwarded_seconds": "60"}
MESSAGE = CALL | {"service": "sms", "duration_seconds": None, "text": "hello"}
ARRIVED = RECEIVED | {"service": "sms", "duration_seconds": None}


def mediated(*records: Fields) -> Mediated:
    rows = [{"record_number": place, **record} for place, record in enumerate(records, start=1)]
    schema = {"record_number": pl.Int64, **dict.fromkeys(FIELDS, pl.String)}
    return mediate(pl.DataFrame(rows, schema=schema, orient="row"))


def record(fields: Fields) -> dict[str, Any]:
    found = mediated(fields)
    assert found.refused.is_empty(), found.refused.to_dicts()
    return found.records.to_dicts()[0]


def test_a_call_becomes_a_usage_record() -> None:
    assert record(CALL | {"account_id": "A", "linked_id": "L", "started_at": "2026-10-05T12:00:00+02:00"}) == {
        "record_number": 1,
        "record_id": "r1",
        "service": "voice",
        "direction": "outbound",
        "account_id": "A",
        "own_number": "+33184000001",
        "other_number": "+33145000001",
        "started_at": moment("2026-10-05 10:00"),
        "status": "answered",
        "billable_seconds": 83,
        "segments": None,
        "text_length": None,
        "linked_id": "L",
        "forwarded_to": None,
        "forwarded_seconds": None,
    }


def test_the_own_number_is_the_sender_s_outbound_and_the_recipient_s_inbound() -> None:
    out, into = record(CALL), record(RECEIVED)
    assert (out["own_number"], out["other_number"]) == ("+33184000001", "+33145000001")
    assert (into["own_number"], into["other_number"]) == ("+33184000001", "+33145000001")


@pytest.mark.parametrize(
    ("party", "shown"),
    [
        ("0033145000001", "+33145000001"),
        ("33145000001", "+33145000001"),
        ("anonymous", "anonymous"),
        ("36105", "+36105"),
        ("InfoColis", "InfoColis"),
        ("0145", "0145"),
    ],
)
def test_the_other_party_of_an_inbound_record_may_be_anything(party: str, shown: str) -> None:
    assert record(RECEIVED | {"from_number": party})["other_number"] == shown
    assert record(ARRIVED | {"from_number": party})["other_number"] == shown


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 83),
        ({"status": "answered"}, 83),
        ({"duration_seconds": "83.01"}, 84),
        ({"duration_seconds": "0"}, 0),
        ({"status": "no_answer"}, 0),
        ({"status": "busy"}, 0),
        ({"status": "failed", "duration_seconds": None}, 0),
    ],
)
def test_only_an_answered_call_has_billable_seconds(changes: Fields, seconds: int) -> None:
    assert record(CALL | changes)["billable_seconds"] == seconds


@pytest.mark.parametrize(
    ("changes", "segments", "length"),
    [
        pytest.param({}, 1, 5, id="the text is counted"),
        pytest.param({"text": "a" * 161}, 2, 161, id="a long text"),
        pytest.param({"text": ""}, 1, 0, id="the empty text"),
        pytest.param({"segments": "3"}, 3, 5, id="segments that are stated stand above the text"),
        pytest.param({"text": None, "segments": "3"}, 3, None, id="segments alone"),
        pytest.param({"text": None, "encoding": "ucs2", "text_length": "71"}, 2, 71, id="encoding and length"),
        pytest.param({"text": "hi", "encoding": "ucs2", "text_length": "71"}, 1, 2, id="the text stands above them"),
        pytest.param({"text": None, "status": "failed"}, None, None, id="failed: no length needed"),
        pytest.param({"text": None, "status": "rejected", "segments": "0"}, 0, None, id="rejected: no segments"),
    ],
)
def test_segments_come_from_the_best_source_there_is(changes: Fields, segments: int | None, length: int | None) -> None:
    found = record(MESSAGE | changes)
    assert (found["segments"], found["text_length"], found["billable_seconds"]) == (segments, length, 0)


def test_an_inbound_message_needs_no_length() -> None:
    assert record(ARRIVED)["segments"] is None


@pytest.mark.parametrize(
    ("changes", "leg"),
    [
        pytest.param({}, ("r1", "+33639980001", 60), id="answered"),
        pytest.param({"linked_id": "L"}, ("L", "+33639980001", 60), id="a link that is stated stands"),
        pytest.param({"forwarded_to": "0033639980001"}, ("r1", "+33639980001", 60), id="written otherwise"),
        pytest.param({"forwarded_seconds": "59.2"}, ("r1", "+33639980001", 60), id="a begun second"),
        pytest.param({"forwarded_seconds": "0"}, ("r1", "+33639980001", 0), id="rung in vain"),
        pytest.param(
            {"status": "no_answer", "forwarded_seconds": None}, ("r1", "+33639980001", 0), id="never answered"
        ),
        pytest.param({"forwarded_to": None, "forwarded_seconds": None}, (None, None, None), id="not forwarded"),
        pytest.param({"forwarded_to": None, "forwarded_seconds": "0"}, (None, None, None), id="not forwarded, 0 s"),
    ],
)
def test_a_forwarded_call_names_its_second_leg(changes: Fields, leg: tuple[str | None, ...]) -> None:
    found = record(FORWARDED | changes)
    assert (found["linked_id"], found["forwarded_to"], found["forwarded_seconds"]) == leg


REFUSED = [
    (CALL, {"record_id": None}, "bad_value", "record_id: expected a name of the record, found ''"),
    (CALL, {"service": None}, "bad_value", "service: expected voice or sms, found ''"),
    (CALL, {"service": "Voice"}, "bad_value", "service: expected voice or sms, found 'xxxxx'"),
    (CALL, {"direction": "out"}, "bad_value", "direction: expected inbound or outbound, found 'xxx'"),
    (CALL, {"direction": None}, "bad_value", "direction: expected inbound or outbound, found ''"),
    (
        CALL,
        {"started_at": "2026-10-05T10:00:00"},
        "bad_value",
        (
            "started_at: expected a date and time with its offset, as 2026-10-01T08:15:00+02:00, "
            "found '9999-99-99x99:99:99'"
        ),
    ),
    (
        CALL,
        {"status": "sent"},
        "bad_value",
        "status: expected answered, no_answer, busy or failed, found 'xxxx'",
    ),
    (
        MESSAGE,
        {"status": "answered"},
        "bad_value",
        "status: expected sent, delivered, received, failed or rejected, found 'xxxxxxxx'",
    ),
    (
        CALL,
        {"from_number": "0184000001"},
        "bad_value",
        "from_number: expected the customer's own number, E.164, found '9999999999'",
    ),
    (
        CALL,
        {"from_number": None},
        "bad_value",
        "from_number: expected the customer's own number, E.164, found ''",
    ),
    (
        CALL,
        {"to_number": "anonymous"},
        "bad_value",
        "to_number: expected the number called, E.164, found 'xxxxxxxxx'",
    ),
    (MESSAGE, {"to_number": None}, "bad_value", "to_number: expected the number called, E.164, found ''"),
    (
        RECEIVED,
        {"to_number": "+0"},
        "bad_value",
        "to_number: expected the customer's own number, E.164, found '+9'",
    ),
    (RECEIVED, {"from_number": None}, "bad_value", "from_number: expected the other party, found ''"),
    (
        CALL,
        {"duration_seconds": "-83"},
        "bad_value",
        "duration_seconds: expected seconds, 0 or more, found '-99'",
    ),
    (
        CALL,
        {"duration_seconds": "2147483648"},
        "bad_value",
        "duration_seconds: expected seconds, 0 or more, found '9999999999'",
    ),
    (
        CALL,
        {"duration_seconds": "1:23", "status": "busy"},
        "bad_value",
        "duration_seconds: expected seconds, 0 or more, found '9:99'",
    ),
    (
        CALL,
        {"duration_seconds": None},
        "bad_value",
        "duration_seconds: expected seconds of an answered call, found ''",
    ),
    (
        CALL,
        {"forwarded_to": "+33639980001"},
        "bad_value",
        "forwarded_to: expected nothing: only an inbound call is forwarded, found '+99999999999'",
    ),
    (
        ARRIVED,
        {"forwarded_to": "+33639980001"},
        "bad_value",
        "forwarded_to: expected nothing: only an inbound call is forwarded, found '+99999999999'",
    ),
    (
        CALL,
        {"direction": "unstated", "from_number": None},
        "bad_value",
        "from_number: expected who called, found ''",
    ),
    (MESSAGE, {"segments": "two"}, "bad_value", "segments: expected a number of segments, found 'xxx'"),
    (MESSAGE, {"segments": "0"}, "bad_value", "segments: expected at least one segment, found '9'"),
    (MESSAGE, {"encoding": "latin1"}, "bad_value", "encoding: expected gsm7 or ucs2, found 'xxxxx9'"),
    (
        MESSAGE,
        {"text_length": "-5"},
        "bad_value",
        "text_length: expected a length in septets or UTF-16 units, found '-9'",
    ),
    (
        MESSAGE,
        {"text": None},
        "sms_length_unknown",
        "segments: expected segments, text, or encoding with text_length, found ''",
    ),
    (
        MESSAGE,
        {"text": None, "encoding": "gsm7"},
        "sms_length_unknown",
        "segments: expected segments, text, or encoding with text_length, found ''",
    ),
    (
        MESSAGE,
        {"text": None, "text_length": "9"},
        "sms_length_unknown",
        "segments: expected segments, text, or encoding with text_length, found ''",
    ),
]


@pytest.mark.parametrize(("usual", "changes", "reason", "detail"), REFUSED)
def test_each_rule_refuses_with_a_reason(usual: Fields, changes: Fields, reason: str, detail: str) -> None:
    found = mediated(usual | {"account_id": "A"} | changes, usual)
    assert found.refused.to_dicts() == [
        {
            "record_number": 1,
            "leg": "main",
            "record_id": changes.get("record_id", "r1"),
            "reason": reason,
            "detail": detail,
            "account_id": "A",
        }
    ]
    assert found.records["record_number"].to_list() == [2]


def test_every_rule_is_shown_by_a_case() -> None:
    said = {(detail.partition(", found ")[0], reason) for _, _, reason, detail in REFUSED}
    assert said == {(f"{rule.column}: expected {rule.expected}", rule.reason) for rule in RULES}


def test_the_first_rule_that_applies_names_the_reason() -> None:
    found = mediated(MESSAGE | {"text": None, "started_at": "soon", "to_number": "x"})
    assert found.refused["reason"].to_list() == ["bad_value"]
    assert found.refused["detail"][0].startswith("started_at")


REFUSED_LEGS = [
    (
        {"forwarded_to": "0639980001"},
        "forwarded_to: expected the number forwarded to, E.164, found '9999999999'",
    ),
    (
        {"forwarded_to": None},
        "forwarded_to: expected the number forwarded to, as forwarded_seconds says it was answered, found ''",
    ),
    ({"forwarded_seconds": "-1"}, "forwarded_seconds: expected seconds, 0 or more, found '-9'"),
    (
        {"forwarded_seconds": None},
        "forwarded_seconds: expected seconds of the forwarded leg of an answered call, found ''",
    ),
]


@pytest.mark.parametrize(("changes", "detail"), REFUSED_LEGS)
def test_a_refused_leg_leaves_the_call_itself_standing(changes: Fields, detail: str) -> None:
    found = mediated(FORWARDED | changes)
    assert found.refused.select("leg", "reason", "detail").rows() == [("forwarded", "bad_value", detail)]
    standing = found.records.to_dicts()[0]
    assert (standing["billable_seconds"], standing["forwarded_to"], standing["forwarded_seconds"]) == (
        83,
        None,
        None,
    )


@pytest.mark.parametrize("seconds", ["60", "0", "-1", "1:00"])
@pytest.mark.parametrize("usual", [CALL, MESSAGE, ARRIVED], ids=["call", "message", "arrived"])
def test_seconds_of_a_leg_mean_nothing_where_no_call_came_in(usual: Fields, seconds: str) -> None:
    found = record(usual | {"forwarded_seconds": seconds})
    assert (found["forwarded_to"], found["forwarded_seconds"]) == (None, None)


def test_every_rule_of_legs_is_shown_by_a_case() -> None:
    said = {detail.partition(", found ")[0] for _, detail in REFUSED_LEGS}
    assert said == {f"{rule.column}: expected {rule.expected}" for rule in LEG_RULES}


def test_a_refused_call_takes_its_leg_with_it() -> None:
    found = mediated(FORWARDED | {"duration_seconds": "-1", "forwarded_seconds": "-1"})
    assert found.refused["leg"].to_list() == ["main"]
    assert found.records.is_empty()


SECRET = "+33698765432"


@pytest.mark.parametrize("field", [name for name in FIELDS if name not in ("record_id", "account_id")])
@pytest.mark.parametrize(
    "usual",
    [CALL, RECEIVED, FORWARDED, MESSAGE, ARRIVED],
    ids=["call", "received", "forwarded", "message", "arrived"],
)
def test_what_is_kept_of_a_refused_record_never_holds_a_value(usual: Fields, field: str) -> None:
    value = f"ring {SECRET} now"
    refused = mediated(usual | {field: value}).refused
    assert not any(SECRET[1:] in str(cell) or "ring" in str(cell) for row in refused.rows() for cell in row)


CANARY = "Canary"


def test_the_text_of_a_message_goes_no_further() -> None:
    text = f"{CANARY}, see you at the harbour"
    broken = [changes for usual, changes, _, _ in REFUSED if usual is MESSAGE and "text" not in changes]
    found = mediated(*(MESSAGE | {"text": text} | changes for changes in [{}, *broken]), CALL | {"text": text})
    assert found.records.height == 2
    assert found.refused.height == len(broken)
    kept = [str(cell) for frame in (found.records, found.refused) for row in frame.rows() for cell in row]
    assert not any(CANARY in cell for cell in kept)
    assert "text" not in found.records.columns


def test_records_fit_the_contract_of_their_table() -> None:
    frame = as_usage_records(mediated(CALL, FORWARDED, MESSAGE, ARRIVED).records, file_number=7, format_name="standard")
    assert assert_contract(UsageRecords, frame)["file_number"].to_list() == [7] * 4


def test_nothing_becomes_nothing() -> None:
    found = mediated()
    assert found.records.is_empty()
    assert found.refused.is_empty()
