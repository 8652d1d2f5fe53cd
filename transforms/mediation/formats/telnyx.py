"""Telnyx: detail records of calls and messages, as JSON of the API and as CSV of Mission Control's reports.

Specification: Telnyx API 2.0.0, /detail_records, /reports/mdrs and the CDR and MDR reports
(https://developers.telnyx.com/api-reference/detail-records/search-detail-records), docs/formats/telnyx.md.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import Kind, LineReader, Read, Reader
from transforms.mediation.json_texts import JsonTexts
from transforms.mediation.records import with_all_fields
from transforms.mediation.source import Source
from transforms.mediation.telephone import international
from transforms.mediation.text_lines import CsvLines
from transforms.mediation.values import instant, local_iso, said, standard_word

NAME = "telnyx"
KINDS: tuple[Kind, ...] = ("csv", "json")

_NAMES: dict[str, tuple[str, ...]] = {
    "record_type": ("record_type",),
    "id": ("id", "uuid", "telnyx_leg_id", "call_leg_id", "call_control_id", "sip_call_id"),
    "session": ("telnyx_session_id", "call_session_id"),
    "direction": ("direction",),
    "caller": ("cli", "originating_number", "origination_number"),
    "callee": ("cld", "terminating_number", "destination_number"),
    "started_utc": ("started_at", "start_timestamp_utc"),
    "started_local": ("start_timestamp", "start_time"),
    "answered": ("answered_at", "answer_timestamp"),
    "seconds": ("call_sec", "call_duration", "billed_sec", "billable_time"),
    "hangup": ("hangup_cause", "hangup_code"),
    "message_type": ("message_type",),
    "sent": ("created_at", "sent_at", "completed_at"),
    "status": ("status",),
    "parts": ("parts",),
    "text": ("message_body",),
}
"""What is read, and the fields that may hold it, as Telnyx has named them: the first that says something."""

_NEEDED = (
    *("direction", _NAMES["id"], _NAMES["caller"], _NAMES["callee"]),
    (*_NAMES["started_utc"], *_NAMES["started_local"], *_NAMES["sent"]),
)
"""What a CSV must name."""

_FIELDS = tuple(name for names in _NAMES.values() for name in names)
_CALL_TYPES = ("sip-trunking", "sip_trunking", "call", "call_detail_record", "cdr")
_MESSAGE_TYPES = ("messaging", "message_detail_record", "mdr_report", "mdr")
_OTHER_TYPES = (
    *("ai-voice-assistant", "amd", "amd_detail_record", "call-control", "conference", "conference_detail_record"),
    *("conference-participant", "conference_participant_detail_record", "embedding", "fax", "inference"),
    *("inference-speech-to-text", "media_storage", "media_storage_detail_record", "media-streaming"),
    *("noise-suppression", "recording", "sim_card_usage", "siprec-client", "speech-to-text", "stt"),
    *("text-to-speech", "tts", "verify", "verify_detail_record", "webrtc", "wireless"),
)
"""Records of what is neither a call nor a message, or that tell once more of a call which another record reports."""

_DIRECTION = {"inbound": "inbound", "incoming": "inbound", "outbound": "outbound", "outgoing": "outbound"}
_SMS_STATUS = {
    **dict.fromkeys(("queued", "sending", "sent", "expired", "delivery_unconfirmed", "dlr_unconfirmed"), "sent"),
    **dict.fromkeys(("dlr_timeout", "delivery_failed"), "sent"),
    "delivered": "delivered",
    **dict.fromkeys(("received", "webhook_delivered"), "received"),
    **dict.fromkeys(("gw_reject", "sending_failed"), "rejected"),
    **dict.fromkeys(("gw_timeout", "failed"), "failed"),
}
_UNANSWERED = {
    **dict.fromkeys(("user_busy", "486", "600", "17"), "busy"),
    **dict.fromkeys(("call_rejected", "not_found", "unallocated_number", "403", "404", "603"), "failed"),
    **dict.fromkeys(("500", "502", "503", "504", "network_out_of_order", "unspecified"), "failed"),
}
"""How a call ended that was not answered; any other word, and none, is no answer."""


def _moment(text: pl.Expr, time_zone: str) -> pl.Expr:
    """A time with its offset, or one by the clocks of `time_zone`."""
    return pl.coalesce(instant(text), local_iso(text, time_zone))


def _party(name: str, country: str) -> pl.Expr:
    inbound = standard_word(pl.col("direction"), _DIRECTION) == "inbound"
    number = international(pl.col(name), country)
    return pl.coalesce(number, pl.when(inbound).then(pl.lit("anonymous"))) if name == "caller" else number


def _calls(rows: pl.DataFrame, source: Source, *, tells_answer: bool) -> pl.DataFrame:
    lasted = pl.col("seconds").str.contains("[1-9]").fill_null(True)
    answered = (lasted & pl.col("answered").is_not_null()) if tells_answer else lasted
    ended = pl.col("hangup").str.to_lowercase().replace_strict(_UNANSWERED, default=None, return_dtype=pl.String)
    return rows.select(
        "record_number",
        pl.col("id").alias("record_id"),
        pl.lit("voice").alias("service"),
        standard_word(pl.col("direction"), _DIRECTION).alias("direction"),
        _party("caller", source.country).alias("from_number"),
        _party("callee", source.country).alias("to_number"),
        pl.coalesce(_moment(pl.col("started_utc"), "UTC"), _moment(pl.col("started_local"), source.time_zone)).alias(
            "started_at"
        ),
        pl.col("seconds").alias("duration_seconds"),
        pl.when(answered).then(pl.lit("answered")).otherwise(ended.fill_null("no_answer")).alias("status"),
        pl.col("session").alias("linked_id"),
    )


def _messages(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    kind = pl.col("message_type").str.to_lowercase()
    return rows.select(
        "record_number",
        pl.col("id").alias("record_id"),
        pl.coalesce(kind, pl.lit("sms")).alias("service"),
        standard_word(pl.col("direction"), _DIRECTION).alias("direction"),
        _party("caller", source.country).alias("from_number"),
        _party("callee", source.country).alias("to_number"),
        _moment(pl.col("sent"), source.time_zone).alias("started_at"),
        standard_word(pl.col("status"), _SMS_STATUS).alias("status"),
        pl.when(pl.col("parts") != "0").then("parts").alias("segments"),
        pl.col("text"),
    )


def _unknown(rows: pl.DataFrame) -> pl.DataFrame:
    """Records of a type that Telnyx' reference does not name: refused, as their service is neither voice nor sms."""
    return rows.select("record_number", pl.col("id").alias("record_id"), pl.col("record_type").alias("service"))


def plain_name(title: str) -> str:
    """The title of a column as the API names it: `Start Timestamp(UTC)` is `start_timestamp_utc`."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")


def titles(line: str) -> list[str]:
    """The plain names of a header's columns; none where the line is no CSV."""
    try:
        return [plain_name(title) for title in next(csv.reader([line.rstrip("\r")]), [])]
    except csv.Error:
        return []


@dataclass
class TelnyxRecords:
    """Records of calls and of messages; those of other products are counted only."""

    lines: LineReader
    source: Source
    has_header: bool
    tells_answer: bool = field(default=False)

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The records of the next lines."""
        lines = batch["line"]
        if self.has_header and len(lines):
            lines, self.has_header = self._with_plain_header(lines), False
        found = self.lines.feed(lines, last=last)
        rows = found.rows.with_columns(said([name for name in _FIELDS if name not in _NAMES["text"]])).select(
            "record_number", *(pl.coalesce(names).alias(name) for name, names in _NAMES.items())
        )
        kind = pl.col("record_type").str.to_lowercase()
        messages = kind.is_in(_MESSAGE_TYPES) | (kind.is_null() & pl.any_horizontal(_TELLS_MESSAGE))
        is_message = messages.fill_null(False)
        is_call = (~is_message & (kind.is_in(_CALL_TYPES) | kind.is_null())).fill_null(False)
        is_other = kind.is_in(_OTHER_TYPES).fill_null(False)
        parts = [
            _calls(rows.filter(is_call), self.source, tells_answer=self.tells_answer),
            _messages(rows.filter(is_message), self.source),
            _unknown(rows.filter(~is_call & ~is_message & ~is_other)),
        ]
        fields = pl.concat(parts, how="diagonal").sort("record_number")
        return Read(
            with_all_fields(fields),
            found.unreadable,
            unbillable=rows.height - fields.height,
        )

    def _with_plain_header(self, lines: pl.Series) -> pl.Series:
        names = titles(lines[0].removeprefix("\ufeff"))
        if not names:
            return lines
        self.tells_answer = any(name in names for name in _NAMES["answered"])
        header = io.StringIO()
        csv.writer(header, lineterminator="").writerow(names)
        return pl.concat([pl.Series([header.getvalue()], dtype=pl.String), lines.slice(1)])


_TELLS_MESSAGE = [pl.col(name).is_not_null() for name in ("message_type", "parts", "sent")]


def recognises(head: str) -> bool:
    """Whether a text begins with the columns of a report, or with detail records."""
    start = head.lstrip("\ufeff \t\r\n")
    if start[:1] in ("{", "["):
        names = set(re.findall(r'"(\w+)"\s*:', start))
        return "record_type" in names and {"cli", "cld"} <= names
    names = set(titles(start.split("\n", 1)[0]))
    both = all(any(name in names for name in _NAMES[party]) for party in ("caller", "callee"))
    return both and "direction" in names


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one report, or of pages of detail records."""
    if kind == "json":
        schema = pl.Struct(dict.fromkeys(_FIELDS, pl.String()))
        return TelnyxRecords(JsonTexts(schema, pages=("data",)), source, has_header=False)
    return TelnyxRecords(CsvLines(known=_FIELDS, required=_NEEDED, others=True), source, has_header=True)
