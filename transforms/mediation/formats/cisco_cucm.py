"""Cisco Unified Communications Manager: CDR flat files, a line of names, a line of SQL types, then a line a call.

Specification: docs/formats/cisco_cucm.md, after the Call Detail Records Administration Guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import Kind, Read, Reader
from transforms.mediation.interfaces import spelling
from transforms.mediation.records import with_all_fields
from transforms.mediation.source import Source
from transforms.mediation.telephone import is_extension, number_or_extension
from transforms.mediation.text_lines import CsvLines
from transforms.mediation.values import epoch
from transforms.tables.vocabulary import UNSTATED

NAME = "cisco_cucm"
KINDS: tuple[Kind, ...] = ("csv",)

COLUMNS = (
    "cdrRecordType",
    "globalCallID_callManagerId",
    "globalCallID_callId",
    "globalCallId_ClusterID",
    "origLegCallIdentifier",
    "destLegIdentifier",
    "dateTimeOrigination",
    "dateTimeConnect",
    "dateTimeDisconnect",
    "duration",
    "callingPartyNumber",
    "originalCalledPartyNumber",
    "finalCalledPartyNumber",
    "outpulsedCallingPartyNumber",
    "outpulsedCalledPartyNumber",
    "origDeviceName",
    "destDeviceName",
    "origCause_value",
    "destCause_value",
    "mobileCallType",
)
"""The columns that are read; a file may have others, and need not have all."""

_OTHER_NAMES = {"destlegcallidentifier": "destLegIdentifier"}
"""Some tables of Cisco's guide, and what was made by them, name the other leg as the first is named."""

_REQUIRED = (
    "cdrRecordType",
    "globalCallID_callManagerId",
    "globalCallID_callId",
    "origLegCallIdentifier",
    "destLegIdentifier",
    "dateTimeOrigination",
    "dateTimeConnect",
    ("duration", "dateTimeDisconnect"),
    "callingPartyNumber",
    ("originalCalledPartyNumber", "finalCalledPartyNumber"),
)
_OF_QUALITY = frozenset(("callIdentifier",))
"""The column of a CMR file for the leg; such a file has none of the calls' own."""

_TYPES = re.compile(r'^\ufeff?"?(?:INTEGER|VARCHAR|UNIQUEIDENTIFIER)\b', re.IGNORECASE)
_PHONE = r"^(?i:(?:SEP|ATA)[0-9A-F]{12}|(?:AN|VGP)[0-9A-F]{10,13}|(?:CSF|BOT|TCT|TAB|CIPC)[\w.-]+)$"
"""How CUCM names telephones: what they are, and their address or their user; gateways and trunks have other names."""

_UNANSWERED = {
    "0": "no_answer",
    "16": "no_answer",
    "17": "busy",
    "18": "no_answer",
    "19": "no_answer",
    "20": "no_answer",
    "31": "no_answer",
}
"""How a call ended that was not connected, by its cause; by any other it failed."""


@dataclass
class CucmLines:
    """The lines of a CDR file."""

    source: Source
    lines: CsvLines = field(
        default_factory=lambda: CsvLines(
            COLUMNS,
            _REQUIRED,
            others=True,
            skipped=1,
            skipped_if=_TYPES,
            spelled=spelling(COLUMNS, _OTHER_NAMES),
            unless=_OF_QUALITY,
        )
    )

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The calls of the next lines. Quality records, calls between extensions or between telephones of the cluster,
        and a receiver that was lifted and put back without a number are counted only."""
        found = self.lines.feed(batch["line"], last=last)
        numbers = ("callingPartyNumber", "originalCalledPartyNumber", "finalCalledPartyNumber")
        # A directory number in E.164 is a pattern for CUCM, which writes its plus as \\+.
        rows = found.rows.with_columns(pl.col(numbers).str.strip_prefix("\\")).with_columns(
            pl.coalesce("originalCalledPartyNumber", "finalCalledPartyNumber").alias("_dialled"),
            pl.coalesce("finalCalledPartyNumber", "originalCalledPartyNumber").alias("_reached"),
            (pl.col("dateTimeConnect").fill_null("0") != "0").alias("_connected"),
            _is_one_of("origDeviceName", self.source.inbound).alias("_inbound"),
        )
        inside = is_extension(pl.col("_dialled"), self.source.extension_digits) & is_extension(
            pl.col("_reached"), self.source.extension_digits
        )
        # Between two telephones, whatever their numbers look like; with a mobile phone as one of them the call left.
        mobile = pl.col("mobileCallType").fill_null("0") != "0"
        within = _is_phone("origDeviceName") & _is_phone("destDeviceName") & ~mobile
        no_call = pl.col("_dialled").is_null() & ~pl.col("_connected")
        other = pl.col("cdrRecordType").is_in(("0", "2")).fill_null(False)
        calls = rows.filter(~(other | no_call | ((inside | within) & ~pl.col("_inbound"))))
        return Read(_fields(calls, self.source), found.unreadable, unbillable=rows.height - calls.height)


def _is_phone(device: str) -> pl.Expr:
    return pl.col(device).str.contains(_PHONE).fill_null(False)


def _is_one_of(name: str, names: tuple[str, ...]) -> pl.Expr:
    return pl.col(name).is_in(names).fill_null(False) if names else pl.lit(False)


def _fields(calls: pl.DataFrame, source: Source) -> pl.DataFrame:
    digits = source.extension_digits
    final = pl.col("finalCalledPartyNumber")
    # Of an extension the number that it shows outside, and of a number dialled the one that was sent to the trunk.
    shown = is_extension(pl.col("callingPartyNumber"), digits) & pl.col("outpulsedCallingPartyNumber").is_not_null()
    caller = pl.when(shown).then("outpulsedCallingPartyNumber").otherwise("callingPartyNumber")
    phone = _is_phone("destDeviceName")
    sent = pl.when(phone).then("_reached").otherwise(pl.coalesce("outpulsedCalledPartyNumber", "_reached"))
    held = ~is_extension(pl.col("_dialled"), digits)
    went_on = final.str.contains(r"^[+0-9]").fill_null(False) & ~phone & ~is_extension(final, digits)
    read = calls.with_columns(
        _number(pl.col("_dialled"), source).alias("_dialled"),
        _number(pl.col("_reached"), source).alias("_reached"),
        _number(sent, source).alias("_sent"),
        _number(caller, source).alias("_caller"),
        (held | pl.col("_inbound")).alias("_held"),
        went_on.alias("_went_on"),
    ).with_columns(((pl.col("_dialled") != pl.col("_reached")).fill_null(False) & pl.col("_held")).alias("_moved"))
    call = pl.col("globalCallID_callManagerId") + "-" + pl.col("globalCallID_callId")
    linked = pl.coalesce(pl.col("globalCallId_ClusterID") + "-" + call, call)
    forwarded = pl.col("_moved") & pl.col("_went_on")
    fields = read.select(
        "record_number",
        (linked + "-" + pl.col("origLegCallIdentifier") + "-" + pl.col("destLegIdentifier")).alias("record_id"),
        pl.when(pl.col("cdrRecordType") == "1").then(pl.lit("voice")).otherwise("cdrRecordType").alias("service"),
        pl.when("_inbound").then(pl.lit("inbound")).otherwise(pl.lit(UNSTATED)).alias("direction"),
        pl.col("_caller").fill_null("anonymous").alias("from_number"),
        pl.when(pl.col("_moved") | pl.col("_inbound")).then("_dialled").otherwise("_sent").alias("to_number"),
        epoch(pl.col("dateTimeOrigination")).alias("started_at"),
        _duration().alias("duration_seconds"),
        _status().alias("status"),
        linked.alias("linked_id"),
        pl.when(forwarded).then("_sent").alias("forwarded_to"),
        # The caller was connected when the number forwarded to answered: both legs are told by the same two moments.
        pl.when(forwarded).then(_duration()).alias("forwarded_seconds"),
    )
    return with_all_fields(fields)


def _number(text: pl.Expr, source: Source) -> pl.Expr:
    return number_or_extension(text, source.country, source.extension_digits)


def _duration() -> pl.Expr:
    connected, ended = (
        pl.when(pl.col("duration").is_null()).then(name).cast(pl.Int64, strict=False)
        for name in ("dateTimeConnect", "dateTimeDisconnect")
    )
    return pl.coalesce("duration", (ended - connected).cast(pl.String))


def _status() -> pl.Expr:
    cause = pl.coalesce(pl.when(pl.col("destCause_value") != "0").then("destCause_value"), "origCause_value")
    unanswered = cause.fill_null("0").replace_strict(_UNANSWERED, default=pl.lit("failed"), return_dtype=pl.String)
    return pl.when("_connected").then(pl.lit("answered")).otherwise(unanswered)


def recognises(head: str) -> bool:
    """Whether the first line names CUCM's columns."""
    first = head.split("\n", 1)[0].lower()
    return '"cdrrecordtype"' in first or "globalcallid_callmanagerid" in first


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one CDR file."""
    del kind
    return CucmLines(source)
