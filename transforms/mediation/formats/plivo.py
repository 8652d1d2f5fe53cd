"""Plivo: call and message detail records as its API (JSON) and its console (CSV) write them.

Specification: docs/formats/plivo.md, after Plivo's pages on the Call and the Message object and on exported records.
"""

from __future__ import annotations

import re
from functools import partial

import polars as pl

from transforms.mediation.contract import Kind, Reader
from transforms.mediation.interfaces import BILLABLE, interface_records
from transforms.mediation.source import Source
from transforms.mediation.values import instant, local_instant, moment

NAME = "plivo"
KINDS: tuple[Kind, ...] = ("csv", "json")
PARENT_MAY_BE_NO_USAGE = True

KNOWN = (
    "call_uuid",
    "parent_call_uuid",
    "message_uuid",
    "from_number",
    "to_number",
    "call_direction",
    "message_direction",
    "direction",
    "initiation_time",
    "answer_time",
    "end_time",
    "call_duration",
    "bill_duration",
    "billed_duration",
    "hangup_cause_name",
    "hangup_cause_code",
    "message_time",
    "message_state",
    "message_type",
    "units",
)
_OTHER_NAMES = {
    "from": "from_number",
    "to": "to_number",
    "hangupcause": "hangup_cause_name",
    "time": "message_time",
    "status": "message_state",
    "messagestatus": "message_state",
}

_SMS_STATUS = {
    "sent": "sent",
    "undelivered": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "received": "received",
    "failed": "failed",
    "rejected": "rejected",
}
_NOT_FINAL = ("queued",)
_DIRECTION = ("call_direction", "message_direction", "direction")

_CALL = pl.col("call_uuid").is_not_null()
_MESSAGE = ~_CALL & pl.col("message_uuid").is_not_null()
_NO_TELEPHONE = r"^(?i)sips?:"


def _usage(records: pl.DataFrame, *, time_zone: str) -> pl.DataFrame:
    records = records.with_columns(
        pl.coalesce(_DIRECTION).str.to_lowercase().alias("direction"),
        pl.col("message_state").str.to_lowercase().fill_null("not stated"),
    )
    inbound = (pl.col("direction") == "inbound").fill_null(False)
    state = pl.col("message_state").replace_strict(_SMS_STATUS, default=pl.col("message_state"), return_dtype=pl.String)
    kind = pl.col("message_type").str.to_lowercase().fill_null("sms")
    to_telephone = ~pl.col("to_number").str.contains(_NO_TELEPHONE).fill_null(False)
    over = ~pl.col("message_state").is_in(_NOT_FINAL)
    started = pl.when(_CALL).then("initiation_time").otherwise("message_time")
    return records.select(
        "record_number",
        pl.when(_CALL).then(to_telephone).otherwise(over).alias(BILLABLE),
        pl.coalesce("call_uuid", "message_uuid").alias("record_id"),
        pl.when(_CALL).then(pl.lit("voice")).when(_MESSAGE).then(kind).alias("service"),
        "direction",
        pl.coalesce("from_number", pl.when(inbound).then(pl.lit("anonymous"))).alias("from_number"),
        "to_number",
        moment(started, instant, partial(_without_offset, time_zone=time_zone)).alias("started_at"),
        pl.when(_CALL).then(_seconds()).alias("duration_seconds"),
        pl.when(_CALL)
        .then(_call_status())
        # What a customer's application did with a message that came in is no matter of its charge.
        .when(inbound & (state != "failed"))
        .then(pl.lit("received"))
        .otherwise(state)
        .alias("status"),
        pl.when(_CALL)
        .then(pl.coalesce("parent_call_uuid", pl.when(inbound).then(pl.col("call_uuid"))))
        .alias("linked_id"),
        pl.when(_MESSAGE & ~pl.col("units").str.contains("^0+$")).then(pl.col("units")).alias("segments"),
    )


def _seconds() -> pl.Expr:
    """The seconds of a call as they were: `bill_duration` where the increments stand beside it in `billed_duration`."""
    real = pl.when(pl.col("billed_duration").is_not_null()).then(pl.col("bill_duration"))
    return pl.coalesce(real, "call_duration", "bill_duration")


def _call_status() -> pl.Expr:
    """A call has no status: one that was answered has a moment when it was, or seconds."""
    some_seconds = _seconds().str.contains(r"[1-9]").fill_null(False)
    cause = pl.col("hangup_cause_name").fill_null("")
    return (
        pl.when(pl.col("answer_time").is_not_null() | some_seconds)
        .then(pl.lit("answered"))
        .when(cause.str.contains("(?i)busy"))
        .then(pl.lit("busy"))
        .when(
            ~cause.str.contains("(?i)no answer|timeout|cancel|reject|hangup")
            & pl.col("hangup_cause_code").str.contains("^[25-9]").fill_null(False)
        )
        .then(pl.lit("failed"))
        .otherwise(pl.lit("no_answer"))
    )


def _without_offset(text: pl.Expr, *, time_zone: str) -> pl.Expr:
    """A time as the console shows it, by the clocks of its setting."""
    return local_instant(text.str.replace("T", " ", literal=True), time_zone, "%Y-%m-%d %H:%M:%S%.f")


def recognises(head: str) -> bool:
    """Whether a text begins with Plivo's names, in JSON or in a CSV header."""
    if re.match(r"\s*[\[{]", head):
        return ('"call_uuid"' in head and '"from_number"' in head) or (
            '"message_uuid"' in head and '"message_state"' in head
        )
    header = re.sub(r"[^a-z0-9,]", "", head.split("\n", 1)[0].lower()).split(",")
    return bool({"calluuid", "messageuuid"} & set(header))


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file of Plivo's."""
    return interface_records(
        kind,
        partial(_usage, time_zone=source.time_zone),
        known=KNOWN,
        required=(
            ("call_uuid", "message_uuid"),
            "from_number",
            "to_number",
            ("call_direction", "message_direction", "direction"),
            ("initiation_time", "message_time"),
        ),
        pages=("objects",),
        others=_OTHER_NAMES,
    )
