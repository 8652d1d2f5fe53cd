"""Raw records for the tests of the shell: all follows from the arguments, nothing from chance or the clock.

What the records come to is not said here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

SIX_MONTHS = ("2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09")

COLUMNS = ["record_id", "service", "direction", "account_id", "from_number", "to_number", "started_at"]
COLUMNS += ["duration_seconds", "status", "linked_id", "forwarded_to", "forwarded_seconds"]
COLUMNS += ["text", "encoding", "text_length", "segments"]

OWN = ("+33184000001", "+33184000002", "+33184000003", "+33184000004", "+12125550101")
OTHERS = ("+33639980001", "+33145000001", "+442079460123", "+12025550142", "+33639980777")

CALL = {
    "record_id": "c1",
    "service": "voice",
    "direction": "outbound",
    "from_number": OWN[2],
    "to_number": OTHERS[1],
    "started_at": "2026-04-05T10:00:00Z",
    "duration_seconds": "83",
}
MESSAGE = CALL | {"record_id": "m1", "service": "sms", "duration_seconds": "", "text": "hello"}


def standard_records(month: str, count: int, name: str = "s") -> Iterator[dict[str, str]]:
    """`count` calls and messages of a month; every service and direction is among them."""
    start = datetime.fromisoformat(f"{month}-01T00:30:00+00:00")
    step = timedelta(days=27) / max(count, 1)
    for place in range(count):
        own, other = OWN[place % 5], OTHERS[place // 5 % 5]
        record = {"record_id": f"{name}-{month}-{place}", "started_at": (start + place * step).isoformat()}
        record |= _kind(place)
        ends = (own, other) if record["direction"] == "outbound" else (other, own)
        yield record | {"from_number": ends[0], "to_number": ends[1]}


def _kind(place: int) -> dict[str, str]:
    match place % 7:
        case 0:
            seconds = {"duration_seconds": f"{place % 90}", "forwarded_seconds": f"{place % 60}"}
            forwarded = {"linked_id": f"L{place}", "forwarded_to": OTHERS[place % 5]}
            return {"service": "voice", "direction": "inbound"} | seconds | forwarded
        case 1:
            return {"service": "sms", "direction": "inbound", "text": f"answer {place}", "status": "received"}
        case 2:
            text = "Bonjour " + "é€ç"[place % 3] * (place % 170)
            return {"service": "sms", "direction": "outbound", "text": text}
        case 3:
            unanswered = {"duration_seconds": "0", "status": "no_answer"}
            return {"service": "voice", "direction": "outbound"} | unanswered
        case _:
            return {
                "service": "voice",
                "direction": "outbound",
                "duration_seconds": f"{1 + place * 37 % 1800}",
            }


def callr_events(month: str, calls: int) -> Iterator[dict[str, Any]]:
    """`calls` tracked calls of CALLR, each with the outbound call that forwards it, and a message."""
    start = datetime.fromisoformat(f"{month}-02T08:00:00+00:00").astimezone(UTC)
    for place in range(calls):
        began = start + timedelta(hours=7 * place)
        callid = int(f"{month[2:4]}{month[5:]}{place:06}")
        yield callr_call(callid, began, 40 + place)
        yield callr_call(callid + 500_000, began, 30 + place, callid_in=callid)
        yield callr_message(f"m-{month}-{place}", began)


def callr_call(callid: int, started: datetime, seconds: int, *, callid_in: int | None = None) -> dict[str, Any]:
    """The webhook of a call that has ended: outbound where it names the inbound call that it forwards."""
    outbound = callid_in is not None
    ends = (OWN[0], OTHERS[4]) if outbound else (OTHERS[0], OWN[0])
    payload = {
        "direction": "outbound" if outbound else "inbound",
        "callid": callid,
        "callerNumber": ends[0],
        "callee": ends[1],
        "started": f"{started:%Y-%m-%dT%H:%M:%S}.000Z",
        "status": "answered",
        "durationAnswered": seconds,
        "durationBilled": -(-seconds // 60) * 60,
    }
    named = {"callid_in": callid_in} if outbound else {}
    event = f"v2.call.{payload['direction']}.ended"
    return {"id": f"e{callid}", "type": event, "payload": payload | named}


def callr_message(sid: str, sent: datetime, text: str = "Rappel") -> dict[str, Any]:
    """An SMS object of a message that was delivered."""
    return {
        "sid": sid,
        "direction": "out",
        "from": OWN[1],
        "to": OTHERS[0],
        "text": text,
        "status": "delivered",
        "parts": 1,
        "createdAt": f"{sent:%Y-%m-%d %H:%M:%S}",
    }
