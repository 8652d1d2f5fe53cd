"""Events of CALLR in the columns of callbill's own format. What the columns mean is said in mediation."""

from __future__ import annotations

import re
from typing import Any

CALLS = {"v2.call.inbound.ended": "inbound", "v2.call.outbound.ended": "outbound"}
CALL_STATUSES = {"answered": "answered", "no-answer": "no_answer", "busy": "busy", "failed": "failed"}
MESSAGE_STATUSES = {"error": "rejected", "failed": "failed", "delivered": "delivered"}
MESSAGE_STATUSES |= dict.fromkeys(("created", "pending", "sent", "remote-queued", "expired"), "sent")
DIRECTIONS = {"in": "inbound", "inbound": "inbound", "out": "outbound", "outbound": "outbound"}
ENCODINGS = {"gsm": "gsm7", "unicode": "ucs2"}


def from_callr(event: dict[str, Any]) -> dict[str, Any] | None:
    """The columns of an event; None where it is well-formed and nobody is billed for it."""
    kind = event.get("type")
    payload = event.get("payload")
    if isinstance(kind, str) and re.fullmatch(r"(v2\.)?did\.(un)?assigned", kind):
        return None
    if not isinstance(payload, dict):
        return message(event, event.get("hash") or event.get("id"))
    if kind in CALLS:
        return call(payload, CALLS[kind])
    if isinstance(kind, str) and kind.startswith(("v2.sms.", "sms.")):
        return message(payload, None)
    return None


def call(payload: dict[str, Any], direction: str) -> dict[str, Any]:
    """The columns of an ended call; it is billed by its answered seconds."""
    inbound = direction == "inbound"
    return {
        "record_id": payload.get("callid"),
        "service": "voice",
        "direction": direction,
        "from_number": payload.get("callerNumber") or ("anonymous" if inbound else None),
        "to_number": payload.get("callee"),
        "started_at": moment(payload.get("started")),
        "duration_seconds": payload.get("durationAnswered"),
        "status": translated(payload.get("status"), CALL_STATUSES),
        "linked_id": payload.get("callid") if inbound else payload.get("callid_in"),
    }


def message(fields: dict[str, Any], name: object) -> dict[str, Any]:
    """The columns of a message, in the words of either interface; `name` is its older name."""
    direction = translated(fields.get("direction") or fields.get("type"), DIRECTIONS)
    sender = fields.get("from") or fields.get("fromNumber")
    return {
        "record_id": fields.get("sid") or name,
        "service": "sms",
        "direction": direction,
        "from_number": sender or ("anonymous" if direction == "inbound" else None),
        "to_number": fields.get("to") or fields.get("toNumber"),
        "started_at": moment(fields.get("createdAt") or fields.get("date_creation")),
        "status": translated(fields.get("status"), MESSAGE_STATUSES),
        "text": fields["text"] if fields.get("text") is not None else fields.get("bodyText"),
        "encoding": translated(fields.get("encoding"), ENCODINGS),
        "segments": fields.get("parts") or None,
    }


def translated(word: Any, words: dict[str, str]) -> Any:
    """callbill's word for one of CALLR's; one that is not known stays as it is."""
    return words.get(word.lower(), word) if isinstance(word, str) else word


def moment(value: Any) -> Any:
    """The moments of CALLR are in UTC, some without saying so."""
    if isinstance(value, str) and re.fullmatch(r"[0-9-]{10} [0-9:]{8}", value):
        return value.replace(" ", "T") + "Z"
    return value
