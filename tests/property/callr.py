"""Draws events of CALLR: calls with their retries, messages in both forms, and events that are no usage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from tests.property.records import OTHER_NUMBERS, texts

FIRST_CALL = 240711945874
MESSAGE_STATUSES = ["delivered", "sent", "pending", "error", "failed", "expired", "remote-queued", "lost"]


@st.composite
def callr_events(draw: st.DrawFn, starts: st.SearchStrategy[datetime], own_numbers: list[str]) -> list[dict[str, Any]]:
    """Up to four events, some of them told again in the same words or in others."""
    events: list[dict[str, Any]] = []
    for index in range(draw(st.integers(0, 4))):
        own = draw(st.sampled_from(own_numbers))
        other = draw(st.sampled_from(OTHER_NUMBERS))
        start = draw(starts)
        kind = draw(st.sampled_from(["call", "call", "older", "newer"]))
        if kind == "call":
            event = draw(call(index, own, other, start))
            events.append(event)
            if draw(st.booleans()):
                events.append(event | {"id": f"evt{index}-again", "try": 1})
            if draw(st.integers(0, 4)) == 4:
                events.append(event | {"payload": event["payload"] | {"durationAnswered": 60}})
            if draw(st.integers(0, 4)) == 4:
                events.append(event | {"id": f"evt{index}-ping", "type": "v2.call.inbound.answered"})
        elif kind == "older":
            events.append(draw(older_message(index, own, other, start)))
        else:
            message = draw(newer_message(index, own, other, start))
            wrapped = {"id": f"evt{index}", "type": "v2.sms.outbound.sent", "payload": message}
            events.append(draw(st.sampled_from([message, wrapped])))
    return events


def written(moment: datetime) -> str:
    """A moment in milliseconds of UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@st.composite
def call(draw: st.DrawFn, index: int, own: str, other: str, start: datetime) -> dict[str, Any]:
    """The envelope of one ended call; an outbound one may name an inbound call, which may not be there."""
    direction = draw(st.sampled_from(["inbound", "outbound"]))
    caller, callee = (other, own) if direction == "inbound" else (own, other)
    payload: dict[str, Any] = {
        "direction": direction,
        "callid": FIRST_CALL + index,
        "callerNumber": draw(st.sampled_from([caller, caller, caller, "anonymous", "", None])),
        "callee": callee,
        "started": written(start),
        "status": draw(st.sampled_from(["answered"] * 4 + ["no-answer", "busy", "lost", ""])),
        "durationAnswered": draw(st.sampled_from([83, 0, 1, 61])),
        "durationBilled": 120,
    }
    if direction == "outbound":
        payload["callid_in"] = draw(st.sampled_from([FIRST_CALL, FIRST_CALL, None, 240711945000]))
    name = f"v2.call.{direction}.ended"
    return {
        "id": f"evt{index}",
        "at": written(start),
        "sid": "s1",
        "type": name,
        "try": 0,
        "payload": payload,
    }


@st.composite
def older_message(draw: st.DrawFn, index: int, own: str, other: str, start: datetime) -> dict[str, Any]:
    """One message of the older interface; its time is in whole seconds of UTC."""
    outbound = draw(st.booleans())
    message: dict[str, Any] = {
        "type": draw(st.sampled_from(["out", "OUT"] if outbound else ["in", "IN"])),
        "hash": f"sms{index}",
        "from": own if outbound else other,
        "to": other if outbound else own,
        "text": draw(st.just("") | texts()),
        "status": draw(st.sampled_from(MESSAGE_STATUSES)),
        "date_creation": start.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }
    if draw(st.booleans()):
        message["parts"] = draw(st.sampled_from([1, 2, 7]))
    return message


@st.composite
def newer_message(draw: st.DrawFn, index: int, own: str, other: str, start: datetime) -> dict[str, Any]:
    """One message of the newer interface."""
    outbound = draw(st.booleans())
    return {
        "sid": f"sms{index}",
        "direction": "outbound" if outbound else "inbound",
        "fromNumber": own if outbound else draw(st.sampled_from([other, "ACME", ""])),
        "toNumber": other if outbound else own,
        "status": draw(st.sampled_from(MESSAGE_STATUSES)),
        "encoding": draw(st.sampled_from(["gsm", "unicode", ""])),
        "bodyText": draw(st.none() | texts()),
        "parts": draw(st.sampled_from([0, 1, 3])),
        "createdAt": written(start),
    }
