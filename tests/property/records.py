"""Draws raw usage records in callbill's own columns: good, broken and repeated, at the edges of the rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

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
VOICE_FAULTS: list[Row] = [{"duration_seconds": value} for value in ("", "-1", "1e3", "2147483648", "a minute")]
FORWARD_FAULTS: list[Row] = [
    {"forwarded_to": "reception"},
    {"forwarded_to": "+0033145"},
    {"forwarded_seconds": ""},
    {"forwarded_seconds": "-5"},
    {"forwarded_to": "", "forwarded_seconds": "7"},
    {"forwarded_to": "", "forwarded_seconds": "a while"},
]
MESSAGE_FAULTS: list[Row] = [
    {"segments": "0"},
    {"segments": "1.5"},
    {"segments": "1000000000"},
    {"encoding": "latin1"},
    {"text_length": "-1"},
]
CHANGES = {
    "account_id": ["", "A1"],
    "status": ["", "answered", "no_answer", "sent", "failed"],
    "duration_seconds": ["", "0", "60", "60.0", "59.5"],
    "linked_id": ["", "call-1", "r1"],
    "forwarded_to": ["", "+33145000001", "0033145000001"],
    "forwarded_seconds": ["", "0", "60"],
    "segments": ["", "1", "2"],
    "encoding": ["", "gsm7", "ucs2"],
    "text_length": ["", "1", "70"],
}
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
                ("a", "\n"),
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
    own = draw(restyled(draw(st.sampled_from([*own_numbers * 10, UNHELD]))))
    other = draw(restyled(draw(st.sampled_from(OTHER_NUMBERS))))
    if direction == "inbound":
        other = draw(st.sampled_from([other, other, *NAMES]))
    sender, recipient = (own, other) if direction == "outbound" else (other, own)
    record = {
        "service": draw(st.sampled_from(["voice", "sms"])),
        "direction": direction,
        "account_id": draw(st.sampled_from([*[""] * 8, *account_ids * 4, "NOBODY"])),
        "from_number": sender,
        "to_number": recipient,
        "started_at": draw(written(draw(starts))),
        "linked_id": draw(st.sampled_from(["", "", "call-1", "r1"])),
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
        columns["forwarded_seconds"] = draw(st.sampled_from(DURATIONS if answered else ["", "0", "60"]))
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
    """The columns that make a good record bad; at least one of its legs then is, or it was bad already."""
    voice, inbound = record["service"] == "voice", record["direction"] == "inbound"
    faults = FAULTS + (VOICE_FAULTS if voice else MESSAGE_FAULTS)
    faults += FORWARD_FAULTS if voice and inbound else [{"forwarded_to": "+33145000001"}]
    own = "from_number" if record["direction"] == "outbound" else "to_number"
    faults += [{own: number} for number in NUMBER_FAULTS]
    if not inbound:
        faults += [{"to_number": number} for number in NUMBER_FAULTS]
    return draw(st.sampled_from(faults))


@st.composite
def usage_records(
    draw: st.DrawFn,
    starts: st.SearchStrategy[datetime],
    written: Callable[[datetime], st.SearchStrategy[str]],
    own_numbers: list[str],
    account_ids: list[str],
    max_records: int,
) -> list[Row | Broken]:
    """Good records, some made bad, some repeated word for word or with a change, and broken lines.

    A call and a message may have the same record_id. Repetitions stand later.
    """
    records: list[Row] = []
    counts = {"voice": 0, "sms": 0}
    for _ in range(draw(st.integers(0, 3) | st.integers(max_records // 2, max_records))):
        record = draw(usage_record(starts, written, own_numbers, account_ids))
        counts[record["service"]] += 1
        record["record_id"] = f"r{counts[record['service']]}"
        if draw(st.integers(0, 7)) == 7:
            record |= draw(fault_of(record))
        records.append(record)
    if records:
        records += [
            record | draw(change_of(record)) if draw(st.booleans()) else dict(record)
            for record in draw(st.lists(st.sampled_from(records), max_size=3))
        ]
    lines: list[Row | Broken] = list(records)
    for index in range(draw(st.integers(0, 2))):
        broken = Broken(draw(st.sampled_from(["few", "many"])), f"broken-{index}")
        lines.insert(draw(st.integers(0, len(lines))), broken)
    return lines


@st.composite
def change_of(draw: st.DrawFn, record: Row) -> Row:
    """The columns in which somebody else tells the same event: in other words, or otherwise."""
    column = draw(st.sampled_from([*CHANGES, "started_at", "to_number", "text", "fault"]))
    if column == "fault":
        return draw(fault_of(record))
    if column == "started_at":
        try:
            later = datetime.fromisoformat(record["started_at"]) + timedelta(seconds=draw(st.integers(0, 1)))
            return {"started_at": later.astimezone(UTC).isoformat()}
        except ValueError:
            return {"started_at": "2026-10-05T10:00:00Z"}
    if column == "to_number":
        return {"to_number": "00" + record["to_number"].removeprefix("00").removeprefix("+")}
    if column == "text":
        return {"text": draw(texts())}
    return {column: draw(st.sampled_from(CHANGES[column]))}
