"""Turns raw records into usage records with their legs, or says why not. Knows no prices and no accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.independent.calendar import parse_moment
from tests.independent.inputs import USAGE_COLUMNS, Raw
from tests.independent.segments import segments_of_length, segments_of_text

NUMBER = re.compile(r"(?:\+|00)?([1-9][0-9]{1,14})")
DURATION = re.compile(r"[0-9]+(?:\.[0-9]+)?")
WHOLE = re.compile(r"[0-9]+")
LONGEST = 2147483647

STATUSES = {
    "voice": ("answered", "no_answer", "busy", "failed"),
    "sms": ("sent", "delivered", "received", "failed", "rejected"),
}
CALLR_CALLS = {"v2.call.inbound.ended": "inbound", "v2.call.outbound.ended": "outbound"}


@dataclass(frozen=True)
class Leg:
    """One billable direction of a usage record; `reason` where the leg itself can't be rated."""

    leg: str
    direction: str
    own_number: str
    other_number: str
    billable_seconds: int | None
    segments: int | None
    reason: str | None


@dataclass(frozen=True)
class Usage:
    """One usage record: what its legs share, its legs, and the content by which a repetition is known."""

    record_id: str
    service: str
    account_id: str | None
    linked_id: str | None
    started_at: datetime
    charged: bool
    legs: list[Leg]
    content: tuple[object, ...]


@dataclass(frozen=True)
class Refused:
    """A raw record that gives no usage record: its reason, and its record_id where it has one."""

    reason: str
    record_id: str | None


def mediate(raw: Raw) -> Usage | Refused | None:
    """The usage record of a raw record, or why there is none, or None for an event that is no usage."""
    if raw.fields is None:
        return Refused("unreadable", None)
    fields: dict[str, Any] | None = raw.fields
    if raw.format == "callr":
        if is_no_usage(raw.fields):
            return None
        fields = from_callr(raw.fields)
    if fields is None:
        return Refused("bad_value", None)
    try:
        return usage_of({name: text_of(name, fields.get(name)) for name in USAGE_COLUMNS})
    except ValueError:
        return Refused("bad_value", record_id_of(fields))


def record_id_of(fields: dict[str, Any]) -> str | None:
    """The record_id of a record that is bad otherwise."""
    try:
        return text_of("record_id", fields.get("record_id"))
    except ValueError:
        return None


def text_of(name: str, value: Any) -> str | None:
    """A field's value as text; None where it is missing. Only the empty text of a message is a value."""
    if value is None or (value == "" and name != "text"):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    raise ValueError(f"{name} is no text and no number")


def is_no_usage(event: dict[str, Any]) -> bool:
    """Whether an event of CALLR is one of those that nobody is billed for."""
    kind = event.get("type")
    return isinstance(kind, str) and kind.startswith("v2.") and kind not in CALLR_CALLS


def from_callr(event: dict[str, Any]) -> dict[str, Any] | None:
    """An event of CALLR in the columns of callbill's own format; None where it is of no known shape."""
    kind = event.get("type")
    if not isinstance(kind, str):
        return None
    if kind.lower() in ("in", "out"):
        return {
            "record_id": event.get("hash") or event.get("id") or event.get("sid"),
            "service": "sms",
            "direction": "inbound" if kind.lower() == "in" else "outbound",
            "from_number": event.get("from"),
            "to_number": event.get("to"),
            "started_at": moment_of_callr(event.get("date_creation")),
            "status": {"error": "rejected", "failed": "failed"}.get(str(event.get("status")).lower(), "sent"),
            "text": event.get("text"),
            "segments": event.get("parts"),
        }
    call = event.get("payload")
    if kind not in CALLR_CALLS or not isinstance(call, dict):
        return None
    inbound = CALLR_CALLS[kind] == "inbound"
    return {
        "record_id": call.get("callid"),
        "service": "voice",
        "direction": CALLR_CALLS[kind],
        "from_number": call.get("callerNumber"),
        "to_number": call.get("callee"),
        "started_at": call.get("started"),
        "duration_seconds": call.get("durationAnswered"),
        "status": "answered" if call.get("status") == "answered" else "no_answer",
        "linked_id": call.get("callid") if inbound else call.get("callid_in"),
    }


def moment_of_callr(value: Any) -> Any:
    """CALLR writes the creation of a message in UTC without saying so."""
    if isinstance(value, str) and re.fullmatch(r"[0-9-]{10} [0-9:]{8}", value):
        return value.replace(" ", "T") + "Z"
    return value


def usage_of(fields: dict[str, str | None]) -> Usage:
    """The usage record of the fields; a ValueError where all of it is incomplete or senseless."""
    record_id, service, direction = fields["record_id"], fields["service"], fields["direction"]
    from_number, to_number, start = fields["from_number"], fields["to_number"], fields["started_at"]
    started_at = parse_moment(start or "")
    if record_id is None or from_number is None or to_number is None or started_at is None:
        raise ValueError("a required field is missing")
    if service not in STATUSES or direction not in ("inbound", "outbound"):
        raise ValueError("no service or no direction")
    status = fields["status"] or STATUSES[service][0]
    if status not in STATUSES[service]:
        raise ValueError("no status of this service")
    own, other = (from_number, to_number) if direction == "outbound" else (to_number, from_number)
    if NUMBER.fullmatch(own) is None or (direction == "outbound" and NUMBER.fullmatch(other) is None):
        raise ValueError("no telephone number")
    charged = status == "answered" if service == "voice" else status not in ("failed", "rejected")
    if service == "voice":
        legs = [voice_leg("main", direction, own, other, fields["duration_seconds"], charged)]
        if direction == "inbound":
            legs += forwarded_legs(own, fields["forwarded_to"], fields["forwarded_seconds"], charged)
    else:
        legs = [sms_leg(direction, own, other, fields, charged)]
    content = tuple(canonical(name, fields[name]) for name in USAGE_COLUMNS)
    return Usage(
        record_id, service, fields["account_id"], fields["linked_id"], started_at, charged, legs, content
    )


def voice_leg(leg: str, direction: str, own: str, other: str, duration: str | None, charged: bool) -> Leg:
    """One leg of a call; its seconds are 0 where it was not answered."""
    reason = None
    seconds: int | None = 0
    if duration is not None or charged:
        seconds = whole_seconds(duration)
        reason = "bad_value" if seconds is None else None
    if not charged and seconds is not None:
        seconds = 0
    return Leg(leg, direction, with_plus(own), with_plus(other), seconds, None, reason)


def forwarded_legs(own: str, target: str | None, duration: str | None, charged: bool) -> list[Leg]:
    """The outbound leg of a forwarded call, if there is one: from the called number to the recipient."""
    if target is None:
        if duration is None or whole_seconds(duration) == 0:
            return []
        return [Leg("forwarded", "outbound", with_plus(own), "", None, None, "bad_value")]
    leg = voice_leg("forwarded", "outbound", own, target, duration, charged)
    if NUMBER.fullmatch(target) is None:
        leg = Leg("forwarded", "outbound", with_plus(own), target, None, None, "bad_value")
    return [leg]


def sms_leg(direction: str, own: str, other: str, fields: dict[str, str | None], charged: bool) -> Leg:
    """The one leg of a message; only a charged outbound one needs its number of segments."""
    segments = segments_of(fields["segments"], fields["text"], fields["encoding"], fields["text_length"])
    needed = charged and direction == "outbound"
    reason = "sms_length_unknown" if needed and segments is None else None
    return Leg("main", direction, with_plus(own), with_plus(other), None, segments, reason)


def segments_of(stated: str | None, text: str | None, encoding: str | None, length: str | None) -> int | None:
    """The stated segments, else those of the text, else those of encoding and length; None without any."""
    if stated is not None:
        if WHOLE.fullmatch(stated) is None or int(stated) == 0:
            raise ValueError("segments")
        return int(stated)
    if text is not None:
        return segments_of_text(text)
    if encoding is not None and encoding not in ("gsm7", "ucs2"):
        raise ValueError("encoding")
    if length is not None and WHOLE.fullmatch(length) is None:
        raise ValueError("text_length")
    if encoding is None or length is None:
        return None
    return segments_of_length(encoding, int(length))


def whole_seconds(duration: str | None) -> int | None:
    """A duration in whole seconds, a fraction rounded up; None where it is none."""
    if duration is None or DURATION.fullmatch(duration) is None:
        return None
    whole, _, fraction = duration.partition(".")
    seconds = int(whole) + (1 if fraction.strip("0") else 0)
    return seconds if seconds <= LONGEST else None


def with_plus(number: str) -> str:
    """A telephone number as `+` and its digits; anything else as it is."""
    found = NUMBER.fullmatch(number)
    return "+" + found.group(1) if found else number


def canonical(name: str, value: str | None) -> object:
    """A field's value in the one form that makes two ways to write it equal."""
    if value is None:
        return None
    if name in ("from_number", "to_number", "forwarded_to"):
        return with_plus(value)
    if name == "started_at":
        return parse_moment(value)
    if name in ("duration_seconds", "forwarded_seconds"):
        return whole_seconds(value)
    return value
