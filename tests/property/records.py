"""Draws raw usage records at the edges of the rules, good, broken and repeated. Knows no prices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.property.world import Broken, Row

OTHER_NUMBERS = [
    "+33145000001",
    "+33612345678",
    "+33799000002",
    "+33800123456",
    "+4930123456",
    "+491512345678",
    "+12025550123",
    "+12425550123",
    "+81312345678",
    "+21671123456",
    "+99912345678",
    "+331234567890123",
]
NAMES = ["anonymous", "ACME, Paris", "Société"]
UNHELD = "+33199999999"
DURATIONS = ["83", "1", "0", "5", "6", "7", "29", "30", "31", "59", "60", "61", "3599", "3601", "86399"]
DURATIONS += ["83.2", "0.001", "59.999", "60.0", "0.0"]
LENGTHS = [0, 1, 66, 67, 68, 69, 70, 71, 133, 134, 135, 152, 153, 154, 158, 159, 160, 161, 306, 307, 459, 460]

FAULTS: list[Row] = [
    {"record_id": ""},
    {"service": ""},
    {"service": "fax"},
    {"direction": "sideways"},
    {"direction": ""},
    {"from_number": ""},
    {"to_number": ""},
    {"started_at": ""},
    {"started_at": "soon"},
    {"started_at": "2026-10-05T10:00:00"},
    {"started_at": "2026-02-30T10:00:00Z"},
    {"status": "perhaps"},
]
VOICE_FAULTS: list[Row] = [
    {"duration_seconds": value} for value in ("", "-1", "1e3", "2147483648", "a minute")
]
FORWARD_FAULTS: list[Row] = [
    {"forwarded_to": "reception"},
    {"forwarded_to": "+0033145"},
    {"forwarded_seconds": ""},
    {"forwarded_seconds": "-5"},
]
NUMBER_FAULTS = ["+", "0145000001", "+33 1 45", "+3314500000112345", "reception", "tel:+33145000001"]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text of at least one character, close to where one segment more begins."""
    plain, special = draw(
        st.sampled_from(
            [
                ("a", "€"),
                ("a", "{"),
                ("à", "^"),
                ("\n", "|"),
                ("Δ", '"'),
                ("ç", "é"),
                ("a", "ф"),
                ("ф", "😀"),
                ("a", "😀"),
                ("`", "€"),
                (",", '"'),
            ]
        )
    )
    length = max(1, draw(st.sampled_from(LENGTHS)) + draw(st.integers(-2, 2)))
    characters = [plain] * length
    for _ in range(draw(st.integers(0, 4))):
        near = draw(st.sampled_from([0, 32, 65, 66, 67, 132, 133, 151, 152, 153, 159, 304, length - 1]))
        characters[min(near, length - 1)] = special
    return "".join(characters)


@st.composite
def restyled(draw: st.DrawFn, number: str) -> str:
    """A telephone number written in one of the three ways."""
    return draw(st.sampled_from(["+", "00", ""])) + number.removeprefix("+")


@st.composite
def usage_record(
    draw: st.DrawFn,
    starts: st.SearchStrategy[datetime],
    written: Callable[[datetime], st.SearchStrategy[str]],
    own_numbers: list[str],
    account_ids: list[str],
) -> Row:
    """One good record without its record_id; whether it has an account and a price is not known here."""
    direction = draw(st.sampled_from(["outbound", "inbound"]))
    own = draw(restyled(draw(st.sampled_from([*own_numbers * 6, UNHELD]))))
    other = draw(restyled(draw(st.sampled_from(OTHER_NUMBERS))))
    if direction == "inbound":
        other = draw(st.sampled_from([other, other, *NAMES]))
    sender, recipient = (own, other) if direction == "outbound" else (other, own)
    record = {
        "service": draw(st.sampled_from(["voice", "sms"])),
        "direction": direction,
        "account_id": draw(st.sampled_from([*[""] * 6, *account_ids * 2, "NOBODY"])),
        "from_number": sender,
        "to_number": recipient,
        "started_at": draw(written(draw(starts))),
        "linked_id": draw(st.sampled_from(["", "", "call-1"])),
    }
    part = draw(call_columns(direction)) if record["service"] == "voice" else draw(message_columns())
    return record | part


@st.composite
def call_columns(draw: st.DrawFn, direction: str) -> Row:
    """Status and duration of a call, and of its forwarded leg if it has one."""
    status = draw(st.sampled_from(["", "answered", "answered", "no_answer", "busy", "failed"]))
    answered = status in ("", "answered")
    durations = st.sampled_from(DURATIONS if answered else ["", "0", "60"])
    columns = {"status": status, "duration_seconds": draw(durations)}
    if direction == "inbound" and draw(st.booleans()):
        columns["forwarded_to"] = draw(restyled(draw(st.sampled_from(OTHER_NUMBERS))))
        columns["forwarded_seconds"] = draw(st.sampled_from(DURATIONS if answered else ["", "0"]))
    return columns


@st.composite
def message_columns(draw: st.DrawFn) -> Row:
    """Status and length of a message: stated segments, a text, an encoding with a length, several or none."""
    columns = {"status": draw(st.sampled_from(["", "sent", "delivered", "received", "failed", "rejected"]))}
    kind = draw(st.sampled_from(["text", "text", "text", "length", "segments", "both", "half", "none"]))
    if kind in ("segments", "both"):
        columns["segments"] = draw(st.sampled_from(["1", "2", "3", "255"]))
    if kind in ("text", "both"):
        columns["text"] = draw(texts())
    if kind in ("length", "half"):
        columns["encoding"] = draw(st.sampled_from(["gsm7", "ucs2"]))
    if kind == "length":
        columns["text_length"] = str(draw(st.sampled_from(LENGTHS)))
    return columns


@st.composite
def fault_of(draw: st.DrawFn, record: Row) -> Row:
    """The columns that make a good record bad; at least one of its legs then is."""
    answered = record["service"] == "voice" and record["status"] in ("", "answered")
    faults = list(FAULTS)
    if answered and record.get("forwarded_to"):
        faults += FORWARD_FAULTS
    elif answered:
        faults += VOICE_FAULTS
    own = "from_number" if record["direction"] == "outbound" else "to_number"
    faults += [{own: number} for number in NUMBER_FAULTS]
    if record["direction"] == "outbound":
        faults += [{"to_number": number} for number in NUMBER_FAULTS]
    return draw(st.sampled_from(faults))


def is_repeatable(record: Row) -> bool:
    """Whether a good record also has a length, so that a repetition of it is a duplicate and nothing else."""
    lengths = [record.get("segments"), record.get("text"), record.get("text_length")]
    return record["service"] == "voice" or any(lengths)


@st.composite
def usage_records(
    draw: st.DrawFn,
    starts: st.SearchStrategy[datetime],
    written: Callable[[datetime], st.SearchStrategy[str]],
    own_numbers: list[str],
    account_ids: list[str],
    max_records: int,
) -> list[Row | Broken]:
    """Good records, some made bad, some repeated word for word or with other content, and broken lines.

    A call and a message may have the same record_id. Only good records are repeated, and their repetitions
    stand later.
    """
    records: list[Row | Broken] = []
    repeatable = []
    counts = {"voice": 0, "sms": 0}
    for _ in range(draw(st.integers(0, max_records))):
        record = draw(usage_record(starts, written, own_numbers, account_ids))
        counts[record["service"]] += 1
        record["record_id"] = f"r{counts[record['service']]}"
        if draw(st.integers(0, 7)) == 7:
            records.append(record | draw(fault_of(record)))
            continue
        records.append(record)
        if is_repeatable(record):
            repeatable.append(record)
    if repeatable:
        for index in draw(st.lists(st.integers(0, len(repeatable) - 1), max_size=2)):
            records.append(dict(repeatable[index]))
        for index in draw(st.lists(st.integers(0, len(repeatable) - 1), max_size=1)):
            records.append(with_other_content(repeatable[index]))
    for index, kind in enumerate(draw(st.lists(st.sampled_from(["few", "many"]), max_size=2))):
        position = draw(st.integers(0, len(records)))
        records.insert(position, Broken("few" if kind == "few" else "many", f"broken-{index}"))
    return records


def with_other_content(record: Row) -> Row:
    """The same event as it is told by someone whose clock is a second late."""
    later = datetime.fromisoformat(record["started_at"]) + timedelta(seconds=1)
    return record | {"started_at": later.isoformat()}


@st.composite
def callr_events(
    draw: st.DrawFn, starts: st.SearchStrategy[datetime], own_numbers: list[str]
) -> list[dict[str, Any]]:
    """Up to four events of CALLR: calls with their retries, messages, and events that are no usage."""
    events: list[dict[str, Any]] = []
    for index in range(draw(st.integers(0, 4))):
        own = draw(st.sampled_from(own_numbers))
        other = draw(st.sampled_from(OTHER_NUMBERS))
        start = draw(starts)
        if draw(st.booleans()):
            events.append(draw(callr_message(index, own, other, start)))
            continue
        event = draw(callr_call(index, own, other, start))
        events.append(event)
        if draw(st.booleans()):
            events.append(event | {"id": f"evt{index}-again", "try": 1})
        if draw(st.integers(0, 4)) == 4:
            events.append(event | {"id": f"evt{index}-ping", "type": "v2.call.inbound.answered"})
    return events


@st.composite
def callr_call(draw: st.DrawFn, index: int, own: str, other: str, start: datetime) -> dict[str, Any]:
    """The envelope of one ended call."""
    direction = draw(st.sampled_from(["inbound", "outbound"]))
    caller, callee = (other, own) if direction == "inbound" else (own, other)
    started = start.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    payload: dict[str, Any] = {
        "direction": direction,
        "callid": 240711945874 + index,
        "callerNumber": caller,
        "callee": callee,
        "started": started,
        "status": draw(st.sampled_from(["answered", "answered", "no-answer"])),
        "durationAnswered": draw(st.sampled_from([83, 0, 1, 61])),
        "durationBilled": 120,
    }
    if direction == "outbound":
        payload["callid_in"] = 240711945000
    name = f"v2.call.{direction}.ended"
    return {"id": f"evt{index}", "at": started, "sid": "s1", "type": name, "try": 0, "payload": payload}


@st.composite
def callr_message(draw: st.DrawFn, index: int, own: str, other: str, start: datetime) -> dict[str, Any]:
    """One message of CALLR; its time is in whole seconds of UTC."""
    outbound = draw(st.booleans())
    message: dict[str, Any] = {
        "type": draw(st.sampled_from(["out", "OUT"] if outbound else ["in", "IN"])),
        "hash": f"sms{index}",
        "from": own if outbound else other,
        "to": other if outbound else own,
        "text": draw(texts()),
        "status": draw(st.sampled_from(["delivered", "sent", "pending", "error", "failed", "expired"])),
        "date_creation": start.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }
    if draw(st.booleans()):
        message["parts"] = draw(st.sampled_from([1, 2, 7]))
    return message
