"""Twilio: calls and messages as its REST API, its bulk export (JSON) and its console (CSV) write them.

Specification: docs/formats/twilio.md, after Twilio's pages on the Call and the Message resource.
"""

from __future__ import annotations

import re
from functools import partial

import polars as pl

from transforms.mediation.contract import Kind, Reader
from transforms.mediation.interfaces import BILLABLE, interface_records
from transforms.mediation.source import Source
from transforms.mediation.values import instant, local_instant, moment, rfc_2822, standard_word
from transforms.tables.vocabulary import UNSTATED

NAME = "twilio"
KINDS: tuple[Kind, ...] = ("csv", "json")
PARENT_MAY_BE_NO_USAGE = True

KNOWN = (
    "sid",
    "parent_call_sid",
    "from",
    "to",
    "status",
    "direction",
    "start_time",
    "date_created",
    "duration",
    "date_sent",
    "body",
    "num_segments",
    "num_media",
)
_OTHER_NAMES = {
    "callsid": "sid",
    "messagesid": "sid",
    "smssid": "sid",
    "smsmessagesid": "sid",
    "sentdate": "date_sent",
    "messagesegments": "num_segments",
    "segments": "num_segments",
}

_CALL_STATUS = {
    "completed": "answered",
    "no-answer": "no_answer",
    "no answer": "no_answer",
    "canceled": "no_answer",
    "cancelled": "no_answer",
    "busy": "busy",
    "failed": "failed",
}
_SMS_STATUS = {
    "sent": "sent",
    "undelivered": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "received": "received",
    "failed": "failed",
    "canceled": "rejected",
    "cancelled": "rejected",
}
_NOT_FINAL = (
    *("queued", "initiated", "ringing", "in-progress", "in progress"),
    *("accepted", "scheduled", "sending", "receiving"),
)
_DIRECTION = {
    "inbound": "inbound",
    "incoming": "inbound",
    "trunking-originating": "inbound",
    "outbound": "outbound",
    "outbound-api": "outbound",
    "outbound-dial": "outbound",
    "outbound-call": "outbound",
    "outbound-reply": "outbound",
    "outgoing": "outbound",
    "outgoing api": "outbound",
    "outgoing dial": "outbound",
    "outgoing reply": "outbound",
    "trunking-terminating": "outbound",
}

_CALL = pl.col("sid").str.starts_with("CA")
_MESSAGE = pl.col("sid").str.contains("^(?:SM|MM)")
_CONFERENCE = pl.col("sid").str.starts_with("CF").fill_null(False)
_TIED_TO_CALLS = pl.any_horizontal(pl.col("start_time", "duration", "parent_call_sid").is_not_null())
_TIED_TO_MESSAGES = pl.any_horizontal(pl.col("date_sent", "body", "num_segments", "num_media").is_not_null())
_NO_TELEPHONE = r"^(?i)(?:sips?|client|conference|conf|app|sim|queue):"
_OTHER_SERVICE = r"^(?i)([a-z]+):"


def _numbers(records: pl.DataFrame) -> pl.DataFrame:
    """The telephone number of an address of a SIP trunk, `sip:+33199001234@example.pstn.twilio.com`, in its place."""
    trunk = pl.col("direction").str.starts_with("trunking").fill_null(False)
    if not records.select(trunk.any()).item():
        return records
    number = r"^(?i:sips?):(\+[1-9][0-9]{1,14})@"
    return records.with_columns(
        pl.when(trunk).then(pl.coalesce(pl.col(end).str.extract(number), end)).otherwise(end).alias(end)
        for end in ("from", "to")
    )


def _usage(records: pl.DataFrame, *, time_zone: str) -> pl.DataFrame:
    records = _numbers(records.with_columns(pl.col("status", "direction").str.to_lowercase()))
    is_call = pl.coalesce(
        pl.when(_CALL).then(True), pl.when(_MESSAGE).then(False), pl.when(_TIED_TO_CALLS).then(True), pl.lit(False)
    )
    is_message = ~is_call & (_MESSAGE.fill_null(False) | _TIED_TO_MESSAGES)
    other_service = pl.coalesce(pl.col("to", "from").str.extract(_OTHER_SERVICE)).str.to_lowercase()
    inbound = pl.col("direction").is_in(("inbound", "incoming", "trunking-originating"))
    no_caller = pl.when(inbound.fill_null(False)).then(pl.lit("anonymous"))
    status = pl.col("status").fill_null("not stated")
    started = (
        pl.when(is_call)
        .then(pl.coalesce("start_time", "date_created"))
        .otherwise(pl.coalesce("date_sent", "date_created", "start_time"))
    )
    to_telephone = ~pl.col("to").str.contains(_NO_TELEPHONE).fill_null(False)
    from_nobody = pl.col("to").is_null() & pl.col("from").str.contains(_NO_TELEPHONE).fill_null(False)
    return records.select(
        "record_number",
        (~status.is_in(_NOT_FINAL) & to_telephone & ~from_nobody & ~_CONFERENCE).alias(BILLABLE),
        pl.col("sid").alias("record_id"),
        pl.when(is_call)
        .then(pl.lit("voice"))
        .when(is_message)
        .then(
            pl.coalesce(
                pl.when(pl.col("num_media").str.contains("^0*[1-9]")).then(pl.lit("mms")),
                other_service,
                pl.lit("sms"),
            )
        )
        .alias("service"),
        pl.coalesce(standard_word(pl.col("direction"), _DIRECTION), pl.when(is_call).then(pl.lit(UNSTATED))).alias(
            "direction"
        ),
        pl.coalesce("from", no_caller).alias("from_number"),
        pl.col("to").alias("to_number"),
        moment(started, rfc_2822, instant, partial(_other_spelling, time_zone=time_zone)).alias("started_at"),
        pl.col("duration").alias("duration_seconds"),
        pl.when(is_call)
        .then(standard_word(status, _CALL_STATUS))
        .otherwise(standard_word(status, _SMS_STATUS))
        .alias("status"),
        pl.when(is_call).then(pl.coalesce("parent_call_sid", pl.when(inbound).then(pl.col("sid")))).alias("linked_id"),
        pl.when(~is_call).then(pl.col("body")).alias("text"),
        pl.when(~is_call & ~pl.col("num_segments").str.contains("^0+$")).then(pl.col("num_segments")).alias("segments"),
    )


def _other_spelling(text: pl.Expr, *, time_zone: str) -> pl.Expr:
    """`2026-10-01 08:00:00 UTC` and `08:00:00 UTC 2026-10-01`; without a word about it, the clocks of `time_zone`."""
    turned = text.str.replace(r"^([0-9:]{8}) ([A-Za-z]+ )?([0-9]{4}-[0-9]{2}-[0-9]{2})$", "${3} ${1} ${2}")
    stated = turned.str.replace(r" *(?:UTC|GMT) *$", "Z")
    return pl.coalesce(
        instant(stated),
        local_instant(stated.str.strip_chars_end(" ").str.replace("T", " ", literal=True), time_zone),
    )


def recognises(head: str) -> bool:
    """Whether a text begins with Twilio's names: a `sid` of theirs in JSON, or a header of theirs in CSV."""
    if re.match(r"\s*[\[{]", head):
        return bool(re.search(r'"sid"\s*:\s*"(?:CA|SM|MM)[0-9a-f]{32}"', head))
    header = re.sub(r"[^a-z0-9,]", "", head.split("\n", 1)[0].lower()).split(",")
    return {"from", "to", "status"} <= set(header) and bool(
        {"sid", "callsid", "messagesid", "smsmessagesid"} & set(header)
    )


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file of Twilio's."""
    return interface_records(
        kind,
        partial(_usage, time_zone=source.time_zone),
        known=KNOWN,
        required=("sid", "from", "to", "status", ("start_time", "date_created", "date_sent")),
        pages=("calls", "messages"),
        others=_OTHER_NAMES,
    )
