"""Asterisk's Master.csv, as `cdr_csv` writes it: 16 to 21 columns by configuration, with a header or without.

Specification: docs/formats/asterisk.md; columns and their order: cdr_csv.c and cdr.conf ([csv] loguniqueid,
loguserfield, newcdrcolumns) of Asterisk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import Kind, Read, Reader
from transforms.mediation.dial_strings import is_outside, numbers_dialled, peer, same_number
from transforms.mediation.records import with_all_fields
from transforms.mediation.source import Source
from transforms.mediation.switch_clock import with_moment
from transforms.mediation.telephone import international
from transforms.mediation.text_lines import CsvLines
from transforms.tables.vocabulary import UNSTATED

NAME = "asterisk"
KINDS: tuple[Kind, ...] = ("csv",)

_ALWAYS = (
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
)
_OPTIONAL = ("uniqueid", "userfield", "peeraccount", "linkedid", "sequence")
_COLUMNS = (*_ALWAYS, *_OPTIONAL)
_MARKS = frozenset(("dcontext", "lastapp", "disposition", "billsec"))
_NEEDED = (
    *("src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "billsec", "disposition"),
)
"""What a header must name, if there is one."""

_SHAPES = {width: list(_COLUMNS[:width]) for width in (21, 18, 17, 16)}

_DISPOSITION = {
    "ANSWERED": "answered",
    "NO ANSWER": "no_answer",
    "BUSY": "busy",
    "FAILED": "failed",
    "CONGESTION": "failed",
}
_ANSWERED = pl.col("disposition") == "ANSWERED"
_COSTS = (_ANSWERED & (pl.col("billsec") != "0")).fill_null(True)
_LOCAL = pl.col("channel").str.starts_with("Local/").fill_null(False)
_SECOND_HALF = pl.col("channel").str.ends_with(";2")
_CONSOLE = pl.col("channel").str.contains(r"^(?:Console|ALSA|OSS)/").fill_null(False)
_DIALPLANS_OWN = pl.col("dst").str.contains(r"^(?:[A-Za-z]|s-[A-Z]+|~~s~~)$").fill_null(True)
_DIALLED = pl.col("_dialled").is_not_null()
_OUTSIDE = is_outside(pl.col("_dialled")).fill_null(False)


def _with_wrong_starts(usage: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """`usage` with every start as text, where one is no moment: its refusal then shows what was found."""
    if usage["started_at"].null_count() == 0:
        return usage
    written = rows.select("record_number", "start")
    moment = pl.col("started_at").dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    return usage.join(written, on="record_number", how="left", maintain_order="left").with_columns(
        pl.coalesce(moment, "start").alias("started_at")
    )


def _name() -> pl.Expr:
    """What names a row for good: uniqueid and sequence, else all that tells rows of one call and one second apart."""
    counted = pl.format("{}:{}", "uniqueid", "sequence")
    call = pl.coalesce("uniqueid", pl.concat_str("channel", "src", "dst", separator=":", ignore_nulls=True))
    row = pl.concat_str(call, "start", "dstchannel", "lastapp", separator=":", ignore_nulls=True)
    return pl.when(pl.col("start").is_not_null() & pl.col("channel").is_not_null() | counted.is_not_null()).then(
        pl.coalesce(counted, row)
    )


def _seconds() -> pl.Expr:
    """`billsec`; of a row that contradicts itself, with more answered seconds than it lasted, nothing is believed."""
    answered, lasted = (pl.col(name).cast(pl.Int64, strict=False) for name in ("billsec", "duration"))
    contradiction = pl.format("{} of {}", "billsec", "duration")
    return pl.when(_ANSWERED & (answered > lasted)).then(contradiction).otherwise("billsec")


def _with_dialled(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the number behind `dstchannel`, where the row's last application is Dial."""
    dials = rows.filter(pl.col("lastapp") == "Dial", pl.col("dstchannel").is_not_null()).select(
        pl.col("record_number").alias("key"), pl.col("lastdata").alias("data"), pl.col("dstchannel").alias("channel")
    )
    found = numbers_dialled(dials).rename({"key": "record_number", "number": "_dialled"})
    return rows.join(found, on="record_number", how="left", maintain_order="left")


def _seen(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    """`rows` with what is told by the settings: `_extension` called, `_inside` the switch, `_comes_in` from outside."""
    extension = _extensions(source)
    named = pl.any_horizontal(pl.col("dcontext").is_in(source.inbound), peer(pl.col("channel")).is_in(source.inbound))
    comes_in = named.fill_null(False) if source.inbound else pl.lit(False)
    return with_moment(_with_dialled(rows), "start", source.time_zone, channel="uniqueid").with_columns(
        pl.col("dst").str.contains(extension).fill_null(False).alias("_extension"),
        (~comes_in & (pl.col("src").str.contains(extension).fill_null(False) | _CONSOLE)).alias("_inside"),
        comes_in.alias("_comes_in"),
    )


def _extensions(source: Source) -> str:
    """A pattern of extensions and of codes such as *97; of nothing, where the source has none."""
    return rf"^[*#]?[0-9]{{1,{source.extension_digits}}}$" if source.extension_digits else r"^\z."


def _international(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    """`rows` with the numbers `_from`, `_to` and `_number` (the one behind `dstchannel`) as E.164."""
    # src is who called by the line; what an extension showed to the other party is in clid.
    clid = pl.col("clid").str.extract(r"<([^>]+)>")
    outer = pl.when(pl.col("_inside") & ~clid.str.contains(_extensions(source))).then(clid)
    return rows.with_columns(
        international(pl.coalesce(outer, "src", clid), source.country).alias("_from"),
        international(pl.col("dst"), source.country).alias("_to"),
        international(pl.col("_dialled"), source.country).alias("_number"),
    )


def _usage(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    """The fields of the rows that are usage."""
    seen = _seen(rows, source)
    inner = _DIALPLANS_OWN | pl.col("_extension")
    # A telephone whose call goes through a Local channel: that channel's own row tells where it went.
    through_local = pl.col("_inside") & pl.col("dstchannel").str.starts_with("Local/").fill_null(False)
    within = ~_LOCAL & ~_DIALLED & ((inner & (pl.col("_inside") | ~_COSTS)) | through_local)
    no_usage = (_LOCAL & ~(_SECOND_HALF & _OUTSIDE)) | within
    goes_out = _LOCAL | (~pl.col("_comes_in") & _DIALLED & (inner | pl.col("_inside")))
    way = pl.when("_comes_in").then(pl.lit("inbound")).otherwise(pl.lit(UNSTATED))
    called = pl.when("_extension").then(pl.lit("extension ") + pl.col("dst")).otherwise("_to")
    forwards = ~goes_out & _OUTSIDE & ~same_number(pl.col("_number"), pl.col("_to")).fill_null(False)
    together = pl.col("answer") > pl.col("start")
    return _international(seen.filter(~no_usage), source).select(
        "record_number",
        _name().alias("record_id"),
        pl.lit("voice").alias("service"),
        pl.when(goes_out).then(pl.lit("outbound")).otherwise(way).alias("direction"),
        pl.col("accountcode").alias("account_id"),
        pl.coalesce("_from", pl.when(~goes_out).then(pl.lit("anonymous"))).alias("from_number"),
        pl.when(goes_out).then("_number").otherwise(called).alias("to_number"),
        pl.col("_moment").alias("started_at"),
        _seconds().alias("duration_seconds"),
        # Without a word for how it ended a row would count as answered.
        pl.col("disposition").replace(_DISPOSITION).fill_null("").alias("status"),
        pl.coalesce("linkedid", "uniqueid").alias("linked_id"),
        pl.when(forwards).then("_number").alias("forwarded_to"),
        pl.when(forwards & _ANSWERED & together).then("billsec").alias("forwarded_seconds"),
    )


@dataclass
class MasterLines:
    """Reads the rows of one Master.csv."""

    source: Source
    lines: CsvLines = field(default_factory=lambda: CsvLines(_COLUMNS, _NEEDED, shapes=_SHAPES, marks=_MARKS))

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The rows of the next lines; rows within the switch are counted only."""
        found = self.lines.feed(batch["line"], last=last)
        usage = with_all_fields(_with_wrong_starts(_usage(found.rows, self.source), found.rows))
        return Read(usage, found.unreadable, unbillable=found.rows.height - usage.height)


def recognises(head: str) -> bool:
    """Whether a text begins with a row of Master.csv, or with a header that names its columns."""
    line = head.removeprefix("\ufeff").partition("\n")[0]
    names = {name.strip().strip('"').lower() for name in line.split(",")}
    row = r'"?(?:ANSWERED|NO ANSWER|BUSY|FAILED|CONGESTION)"?,"?(?:DOCUMENTATION|BILLING|BILL|OMIT|IGNORE)"?(?:,|\s*$)'
    return names >= _MARKS or re.search(row, line) is not None


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one Master.csv."""
    del kind
    return MasterLines(source)
