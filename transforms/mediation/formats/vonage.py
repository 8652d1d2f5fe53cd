"""Vonage (Nexmo): reports of VOICE-CALL, VOICE-FAILED and SMS, in CSV and in JSON as the Reports API returns them.

Specification: Vonage Reports API 3.1.4 and 2.2.2 (https://developer.vonage.com/en/api/reports), docs/formats/vonage.md.
Numbers have no plus, times are UTC; a row of SMS is one segment, unless its text or the settings say otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import Kind, LineReader, Read, Reader
from transforms.mediation.interfaces import spelling
from transforms.mediation.json_texts import JsonTexts
from transforms.mediation.records import with_all_fields
from transforms.mediation.source import Source
from transforms.mediation.text_lines import CsvLines
from transforms.mediation.values import instant, local_iso, said, standard_word

NAME = "vonage"
KINDS: tuple[Kind, ...] = ("csv", "json")

_BOTH = ("id", "direction", "from", "to", "status")
_CALL = ("call_id", "date_start", "duration", "status_code")
_MESSAGE = ("message_id", "date_received", "message_body", "concatenated", "udh", "dcs")
_OTHERS = ("asr_type", "call_date_start", "tts_type", "tts_level", "request_id", "leg_id", "provider", "channel")
"""What only the records of other products have: speech recognised or spoken in a call, Verify, Messages and so on."""

_COLUMNS = (*_BOTH, *_CALL, *_MESSAGE, *_OTHERS)
_PARTIES = ("direction", "from", "to")
_REQUIRED = (*_PARTIES, ("call_id", "message_id", "id"), ("date_start", "date_received"))
"""What a CSV of calls or of messages must name."""

A_ROW_IS_A_MESSAGE = "message"
"""Of `template` in the settings: a row of SMS is a whole message, whatever its length."""

_CALL_STATUS = {
    "answered": "answered",
    "completed": "answered",
    "machine": "answered",
    "busy": "busy",
    "timeout": "no_answer",
    "unanswered": "no_answer",
    "cancelled": "no_answer",
    "rejected": "failed",
    "failed": "failed",
}
_FAILED_STATUS = {"486": "busy", "600": "busy", "408": "no_answer", "480": "no_answer", "487": "no_answer"}
_SMS_STATUS = {
    **dict.fromkeys(("accepted", "acceptd", "buffered", "unknown", "expired", "deleted"), "sent"),
    **dict.fromkeys(("undelivered", "undeliv", "sent", "submitted"), "sent"),
    **dict.fromkeys(("delivered", "delivrd"), "delivered"),
    **dict.fromkeys(("rejected", "rejectd"), "rejected"),
    "failed": "failed",
    "received": "received",
}
_UDH = r"(?i)^0?(?:50003[0-9a-f]{2}|60804[0-9a-f]{4})[0-9a-f]{2}([0-9a-f]{2})$"
"""The header of a part of a message, 3GPP TS 23.040 9.2.3.24.1 and .8: reference, number of parts, this part. A
spreadsheet takes its leading zero away."""

_OTHER = pl.any_horizontal(pl.col(_OTHERS).is_not_null()) | (
    pl.col("call_id").is_not_null() & pl.all_horizontal(pl.col("direction", "from", "to").is_null())
)
_IS_MESSAGE = pl.any_horizontal(pl.col("message_id", "date_received").is_not_null())


def _moment(text: pl.Expr) -> pl.Expr:
    """UTC, whether written with its offset or without."""
    return pl.coalesce(instant(text), local_iso(text, "UTC"))


def _calls(rows: pl.DataFrame) -> pl.DataFrame:
    failed = standard_word(pl.col("status"), _CALL_STATUS) == "failed"
    return rows.select(
        "record_number",
        pl.coalesce("call_id", "id").alias("record_id"),
        pl.when(pl.any_horizontal(pl.col("call_id", "date_start").is_not_null()))
        .then(pl.lit("voice"))
        .alias("service"),
        pl.col("direction").str.to_lowercase(),
        _caller().alias("from_number"),
        pl.col("to").alias("to_number"),
        _moment(pl.col("date_start")).alias("started_at"),
        pl.col("duration").alias("duration_seconds"),
        pl.when(failed)
        .then(pl.col("status_code").replace_strict(_FAILED_STATUS, default="failed", return_dtype=pl.String))
        .otherwise(standard_word(pl.col("status"), _CALL_STATUS))
        .alias("status"),
    )


def _caller() -> pl.Expr:
    inbound = pl.col("direction").str.to_lowercase() == "inbound"
    return pl.coalesce("from", pl.when(inbound).then(pl.lit("anonymous")))


def _messages(rows: pl.DataFrame, *, row_is_message: bool) -> pl.DataFrame:
    part = pl.col("udh").str.extract(_UDH, 1)
    text = pl.col("message_body")
    unicode = pl.col("dcs") == "8"
    units = text.str.len_chars() + text.str.count_matches(r"[\x{10000}-\x{10FFFF}]")
    sole = pl.col("concatenated").str.to_lowercase() == "false"
    one = part.is_not_null() | (text.is_null() & (sole | pl.lit(not row_is_message)))
    return rows.select(
        "record_number",
        pl.concat_str("message_id", pl.lit(":") + part, ignore_nulls=True)
        .pipe(lambda named: pl.when(pl.col("message_id").is_not_null()).then(named).otherwise("id"))
        .alias("record_id"),
        pl.lit("sms").alias("service"),
        pl.col("direction").str.to_lowercase(),
        _caller().alias("from_number"),
        pl.col("to").alias("to_number"),
        _moment(pl.col("date_received")).alias("started_at"),
        standard_word(pl.col("status"), _SMS_STATUS).alias("status"),
        pl.when(one.fill_null(False)).then(pl.lit("1")).alias("segments"),
        pl.when(~unicode.fill_null(False)).then(text).alias("text"),
        pl.when(unicode).then(pl.lit("ucs2")).alias("encoding"),
        pl.when(unicode).then(units.cast(pl.String)).alias("text_length"),
    )


@dataclass
class VonageRecords:
    """Records of calls and of messages; those of other products are counted only."""

    lines: LineReader
    row_is_message: bool = field(default=False)

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The records of the next lines."""
        found = self.lines.feed(batch["line"], last=last)
        rows = found.rows.with_columns(said([name for name in _COLUMNS if name != "message_body"]))
        mine = rows.filter(~_OTHER)
        calls, messages = mine.filter(~_IS_MESSAGE), mine.filter(_IS_MESSAGE)
        fields = pl.concat(
            [_calls(calls), _messages(messages, row_is_message=self.row_is_message)], how="diagonal"
        ).sort("record_number")
        return Read(
            with_all_fields(fields),
            found.unreadable,
            unbillable=rows.height - mine.height,
        )


def recognises(head: str) -> bool:
    """Whether a text begins with the columns or the fields of a report of calls or of messages."""
    start = head.lstrip("\ufeff \t\r\n")
    names = set(re.findall(r'"(\w+)"\s*:', head) if start[:1] in ("{", "[") else re.split(r'[",\r\n]+', start[:2000]))
    either = {"call_id", "date_start"} <= names or {"message_id", "date_received"} <= names
    return either and {"account_id", *_PARTIES} <= names


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one report; `template = "${message}"` says that a row of SMS is a whole message."""
    row_is_message = A_ROW_IS_A_MESSAGE in source.template
    if kind == "json":
        schema = pl.Struct(dict.fromkeys(_COLUMNS, pl.String()))
        return VonageRecords(JsonTexts(schema, pages=("records",)), row_is_message)
    spelled = spelling(_COLUMNS, {})
    lines = CsvLines(_COLUMNS, _REQUIRED, others=True, spelled=spelled, unless=frozenset(_OTHERS))
    return VonageRecords(lines, row_is_message)
