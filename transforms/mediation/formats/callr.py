"""CALLR: call webhooks (`v2.call.inbound.ended`, `v2.call.outbound.ended`), SMS objects and number events, as JSON.

Specification: docs/formats/callr.md. A call is billed by `durationAnswered`: `durationBilled` holds the carrier's
own increments. An outbound call names the inbound call it forwards in `callid_in`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import Kind, Read, Reader
from transforms.mediation.json_texts import JsonTexts
from transforms.mediation.records import with_all_fields
from transforms.mediation.source import Source
from transforms.mediation.values import e164, instant, said, standard_word

NAME = "callr"
KINDS: tuple[Kind, ...] = ("json",)

_PAYLOAD = (
    "direction",
    "callid",
    "callid_in",
    "callidIn",
    "callerNumber",
    "callee",
    "started",
    "status",
    "durationAnswered",
)
_MESSAGE = (
    "sid",
    "hash",
    "direction",
    "type",
    "from",
    "fromNumber",
    "to",
    "toNumber",
    "text",
    "bodyText",
    "status",
    "encoding",
    "parts",
    "createdAt",
    "date_creation",
    "sentAt",
    "date_sent",
    "date_received",
)
_NUMBER = ("number", "e164", "did", "phoneNumber", "intlNumber", "intl_number", "assigned", "unassigned")
_TOP = tuple(dict.fromkeys(("id", "at", *_MESSAGE, *_NUMBER)))
_IN_PAYLOAD = dict.fromkeys((*_PAYLOAD, *_MESSAGE, *_NUMBER), pl.String())
_SCHEMA = pl.Struct({**dict.fromkeys(_TOP, pl.String()), "payload": pl.Struct(_IN_PAYLOAD)})
_PAGES = ("hits", "result")

_CALL_STATUS = {
    "answered": "answered",
    "no-answer": "no_answer",
    "noanswer": "no_answer",
    "no_answer": "no_answer",
    "missed": "no_answer",
    "cancelled": "no_answer",
    "canceled": "no_answer",
    "busy": "busy",
    "failed": "failed",
    "error": "failed",
    "congestion": "failed",
}
_SMS_STATUS = {
    "created": "sent",
    "pending": "sent",
    "sent": "sent",
    "remote-queued": "sent",
    "expired": "sent",
    "delivered": "delivered",
    "received": "received",
    "error": "rejected",
    "failed": "failed",
}
_DIRECTION = {"in": "inbound", "inbound": "inbound", "out": "outbound", "outbound": "outbound"}
_ENCODING = {"gsm": "gsm7", "gsm7": "gsm7", "unicode": "ucs2", "ucs2": "ucs2"}

_EVENT = pl.col("type").fill_null("")
_IS_CALL = _EVENT.str.contains(r"^v2\.call\.(?:in|out)bound\.ended$")
_BARE = pl.col("payload").is_null()
_CHANGE = _EVENT.str.extract(r"^(?:v2\.)?did\.(assigned|unassigned)$")
_IS_MESSAGE = _EVENT.str.contains(r"^(?:v2\.)?sms\.") | (_BARE & ~_EVENT.str.starts_with("v2.") & _CHANGE.is_null())
_TEXTS = ("text", "bodyText")


def _moment(text: pl.Expr) -> pl.Expr:
    """CALLR's times are UTC: `2026-10-01 08:00:00` without a word about it, ISO 8601, or epoch milliseconds."""
    epoch = text.str.contains(r"^[0-9]{12,14}$")
    milliseconds = pl.when(epoch).then(text).cast(pl.Int64, strict=False)
    from_epoch = pl.from_epoch(milliseconds, time_unit="ms").dt.to_string("%Y-%m-%dT%H:%M:%S%.3fZ")
    naive = text.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.]+$")
    return pl.when(epoch).then(from_epoch).when(naive).then(text + "Z").otherwise(text)


def _calls(objects: pl.DataFrame) -> pl.DataFrame:
    call = (
        objects.filter(_IS_CALL)
        .select("record_number", pl.col("type").alias("_event"), pl.col("payload").struct.unnest())
        .with_columns(said(_PAYLOAD))
    )
    outbound = pl.col("_event").str.contains("outbound", literal=True)
    direction = pl.coalesce("direction", pl.when(outbound).then(pl.lit("outbound")).otherwise(pl.lit("inbound")))
    inbound_call = pl.coalesce("callid_in", "callidIn")
    return call.select(
        "record_number",
        pl.col("callid").alias("record_id"),
        pl.lit("voice").alias("service"),
        standard_word(direction, _DIRECTION).alias("direction"),
        pl.coalesce("callerNumber", pl.when(~outbound).then(pl.lit("anonymous"))).alias("from_number"),
        pl.col("callee").alias("to_number"),
        _moment(pl.col("started")).alias("started_at"),
        pl.col("durationAnswered").alias("duration_seconds"),
        standard_word(pl.col("status"), _CALL_STATUS).alias("status"),
        pl.when(outbound).then(inbound_call).otherwise(pl.col("callid")).alias("linked_id"),
    )


def _messages(objects: pl.DataFrame) -> pl.DataFrame:
    plain = objects.filter(_IS_MESSAGE & _BARE).select("record_number", *_MESSAGE)
    wrapped = objects.filter(_IS_MESSAGE & ~_BARE).select("record_number", pl.col("payload").struct.unnest())
    message = pl.concat([plain, wrapped.select(plain.columns)]).with_columns(
        said([name for name in _MESSAGE if name not in _TEXTS])
    )
    way = standard_word(pl.coalesce("direction", "type"), _DIRECTION)
    return message.select(
        "record_number",
        pl.coalesce("sid", "hash").alias("record_id"),
        pl.lit("sms").alias("service"),
        way.alias("direction"),
        pl.coalesce("from", "fromNumber", pl.when(way == "inbound").then(pl.lit("anonymous"))).alias("from_number"),
        pl.coalesce("to", "toNumber").alias("to_number"),
        _moment(pl.coalesce("createdAt", "date_creation", "sentAt", "date_sent", "date_received")).alias("started_at"),
        standard_word(pl.col("status"), _SMS_STATUS).alias("status"),
        pl.coalesce("text", "bodyText").alias("text"),
        standard_word(pl.col("encoding"), _ENCODING).alias("encoding"),
        pl.when(pl.col("parts") != "0").then(pl.col("parts")).alias("segments"),
    )


def _numbers(objects: pl.DataFrame) -> pl.DataFrame:
    """The number events that name a number and a moment; another one tells nothing that could be used."""
    told = objects.filter(_CHANGE.is_not_null())
    names = [name for name in _NUMBER if name not in _CHANGES]
    places = [(pl.col(name), pl.col("payload").struct.field(name)) for name in names]
    number = pl.coalesce(e164(place.str.replace_all(r"[ .()-]", "")) for pair in places for place in pair)
    moments = {change: pl.coalesce(pl.col("payload").struct.field(change), change, "at") for change in _CHANGES}
    at = pl.when(_CHANGE == "assigned").then(moments["assigned"]).otherwise(moments["unassigned"])
    events = told.select(
        "record_number", number.alias("number"), _CHANGE.alias("change"), instant(_moment(at)).alias("at")
    )
    return events.drop_nulls()


_CHANGES = ("assigned", "unassigned")


@dataclass
class CallrObjects:
    """Texts that hold webhooks and SMS objects."""

    lines: JsonTexts = field(default_factory=lambda: JsonTexts(_SCHEMA, _PAGES))

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The records of the next lines; webhooks that report no usage, such as a call's start, are counted only."""
        found = self.lines.feed(batch["line"], last=last)
        # An SMS object may carry its name as `id`; in an envelope that is the webhook's.
        objects = found.rows.with_columns(
            pl.coalesce(said(["sid"]), pl.when(_BARE).then(pl.coalesce(said(["hash"]), "id"))).alias("sid")
        )
        fields = pl.concat([_calls(objects), _messages(objects)], how="diagonal").sort("record_number")
        neither = objects.filter(~_IS_CALL & ~_IS_MESSAGE)
        return Read(
            with_all_fields(fields),
            found.unreadable,
            unbillable=neither.height,
            numbers=_numbers(neither),
        )


def recognises(head: str) -> bool:
    """Whether a text begins with one of CALLR's envelopes."""
    return bool(re.match(r"\s*[\[{]", head)) and bool(re.search(r'"type"\s*:\s*"(?:v2\.|did\.(?:un)?assigned")', head))


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file of CALLR's."""
    del kind, source
    return CallrObjects()
