"""Turns raw records into usage records with their legs, or says why not. Knows no prices and no accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Any

from tests.independent.calendar import parse_moment
from tests.independent.callr import from_callr
from tests.independent.inputs import USAGE_COLUMNS, Raw
from tests.independent.segments import length_of_text, segments_of_length, segments_of_text

NUMBER = re.compile(r"(?:\+|00)?([1-9][0-9]{1,14})")
DURATION = re.compile(r"[0-9]+(?:\.[0-9]+)?")
WHOLE = re.compile(r"[0-9]{1,9}")
LONGEST = 2147483647

STATUSES = {
    "voice": ("answered", "no_answer", "busy", "failed"),
    "sms": ("sent", "delivered", "received", "failed", "rejected"),
}


@dataclass(frozen=True)
class Leg:
    """One billable direction of a usage record; `reason` where the leg itself can't be rated.

    A message has 0 seconds, a call no segments.
    """

    leg: str
    direction: str
    own_number: str
    other_number: str
    billable_seconds: int
    segments: int | None
    reason: str | None = None


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


class UnknownLength(Exception):
    """A charged outbound message of which nothing tells the number of segments."""


def mediate(raw: Raw) -> Usage | Refused | None:
    """The usage record of a raw record, or why there is none, or None for an event that is no usage."""
    if raw.fields is None:
        return Refused("unreadable", None)
    fields = from_callr(raw.fields) if raw.format == "callr" else raw.fields
    if fields is None:
        return None
    try:
        return usage_of({name: text_of(name, fields.get(name)) for name in USAGE_COLUMNS})
    except ValueError:
        return Refused("bad_value", record_id_of(fields))
    except UnknownLength:
        return Refused("sms_length_unknown", record_id_of(fields))


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


def usage_of(fields: dict[str, str | None]) -> Usage:
    """The usage record of the fields; a ValueError where they are incomplete or senseless.

    A forwarded leg that is senseless is refused by itself, since the other leg is billed all the same.
    """
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
    target = fields["forwarded_to"]
    if target is not None and (service, direction) != ("voice", "inbound"):
        raise ValueError("only an inbound call is forwarded")
    charged = status == "answered" if service == "voice" else status not in ("failed", "rejected")
    length = None
    if service == "voice":
        legs = [Leg("main", direction, with_plus(own), with_plus(other), main_seconds(fields, charged), None)]
        if direction == "inbound":
            legs += forwarded_legs(own, target, fields["forwarded_seconds"], charged)
    else:
        segments, length = segments_and_length(fields, charged and direction == "outbound")
        legs = [Leg("main", direction, with_plus(own), with_plus(other), 0, segments)]
    linked_id = fields["linked_id"] or (record_id if target is not None else None)
    account_id = fields["account_id"]
    content = (account_id, started_at, status, length, linked_id, *legs)
    return Usage(record_id, service, account_id, linked_id, started_at, charged, legs, content)


def main_seconds(fields: dict[str, str | None], answered: bool) -> int:
    """The seconds of a call, which an answered one must have; those of another are the ringing: 0."""
    duration = fields["duration_seconds"]
    seconds = 0 if duration is None else whole_seconds(duration)
    if seconds is None or (answered and duration is None):
        raise ValueError("no duration")
    return seconds if answered else 0


def forwarded_legs(own: str, target: str | None, duration: str | None, answered: bool) -> list[Leg]:
    """The outbound leg of a forwarded call, if there is one: from the called number to the recipient."""
    seconds = 0 if duration is None else whole_seconds(duration)
    if target is None and seconds == 0:
        return []
    missing = seconds is None or (answered and duration is None)
    if target is None or NUMBER.fullmatch(target) is None or missing:
        return [Leg("forwarded", "outbound", with_plus(own), "", 0, None, "bad_value")]
    return [Leg("forwarded", "outbound", with_plus(own), with_plus(target), seconds if answered else 0, None)]


def segments_and_length(fields: dict[str, str | None], needed: bool) -> tuple[int | None, int | None]:
    """Segments and length of a message: the stated segments, else the text's, else by encoding and length."""
    stated, stated_length = whole(fields["segments"]), whole(fields["text_length"])
    text, encoding = fields["text"], fields["encoding"]
    if encoding not in (None, "gsm7", "ucs2"):
        raise ValueError("encoding")
    if needed and stated == 0:
        raise ValueError("no segment")
    segments = stated
    if segments is None and text is not None:
        segments = segments_of_text(text)
    elif segments is None and encoding is not None and stated_length is not None:
        segments = segments_of_length(encoding, stated_length)
    if needed and segments is None:
        raise UnknownLength
    return segments, stated_length if text is None else length_of_text(text)


def whole(text: str | None) -> int | None:
    """A count as a whole number, None where it is missing; a ValueError where it is none."""
    if text is None:
        return None
    if WHOLE.fullmatch(text) is None:
        raise ValueError(text)
    return int(text)


def whole_seconds(duration: str) -> int | None:
    """A duration in whole seconds, a fraction rounded up; None where it is none."""
    if DURATION.fullmatch(duration) is None:
        return None
    seconds = ceil(Decimal(duration))
    return seconds if seconds <= LONGEST else None


def with_plus(number: str) -> str:
    """A telephone number as `+` and its digits; anything else as it is."""
    found = NUMBER.fullmatch(number)
    return "+" + found.group(1) if found else number
