"""CGRateS: CSV export of CDRs, a row for every rating (`RunID`) of a call; one of them is billed.

Specification: docs/formats/cgrates.md. The cost that CGRateS computed is not read.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import polars as pl

from transforms.mediation.contract import PART, Assembled, Kind, Read, Reader
from transforms.mediation.records import with_all_fields
from transforms.mediation.source import Source
from transforms.mediation.telephone import is_extension, number_or_extension
from transforms.mediation.text_lines import CsvLines, Fields, lacking
from transforms.mediation.values import epoch, instant, local_instant
from transforms.tables.vocabulary import UNSTATED

NAME = "cgrates"
KINDS: tuple[Kind, ...] = ("csv",)
ONE_SUFFICES = True

COLUMNS = (
    "CGRID",
    "RunID",
    "ToR",
    "OriginID",
    "RequestType",
    "Direction",
    "Tenant",
    "Category",
    "Account",
    "Subject",
    "Destination",
    "SetupTime",
    "AnswerTime",
    "Usage",
)
"""The fields of a CDR in the order of the export; the cost and fields of one's own may follow."""

_NEEDED = (("CGRID", "OriginID"), ("Account", "Subject"), "Destination", ("SetupTime", "AnswerTime"), "Usage")
"""What a header must name, if there is one."""

_LEAST_NAMED = 4
"""So many columns of an export make a line a header; no record holds their names."""

_DIRECTION = COLUMNS.index("Direction")
_NARROWEST, _WIDEST = 13, 24
_PLACES = tuple(f"_{place}" for place in range(_WIDEST))
_NAMED = {name.lower(): name for name in COLUMNS}
_RUNS = ("*default", "default", "*rated", "*raw")
"""Which rating of a call counts: the first of these that is there, else the first of the others by its name."""
_UNBILLABLE = ("*data", "*monetary")
_SERVICE = {"*voice": "voice", "*sms": "sms"}
_NEVER = r"^0001-01-01"
_HAS_OFFSET = r"Z$|[0-9] ?[+-][0-9]{2}:?[0-9]{2}(?: |$)"
_KEPT = ("service", "direction", "account_id", "from_number", "to_number", "duration_seconds", "status", "segments")
_CONTENT = pl.Struct(dict.fromkeys(_KEPT, pl.String()))


@dataclass
class ExportLines:
    """The rows of an export, with a header or without."""

    source: Source
    lines: CsvLines | None = None
    header: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records if self.lines else 0

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The rows of the next lines: parts of calls and messages. Data traffic and calls between extensions are
        counted only; what is no call and no message is refused."""
        rows, unreadable = self._rows(batch["line"], last=last)
        inside = is_extension(pl.col("Destination"), self.source.extension_digits)
        told = rows.filter(~(pl.col("ToR").is_in(_UNBILLABLE).fill_null(False) | inside))
        answer_known = not self.header or "AnswerTime" in self.header
        fields = _fields(told, self.source, answer_known=answer_known)
        part = pl.col("record_id").is_not_null() & pl.col("service").is_in(("voice", "sms")).fill_null(False)
        parts = fields.filter(part).select(
            "record_number",
            pl.col("record_id").alias("event"),
            pl.col("_run").alias("part"),
            pl.col("started_at").alias("at"),
            pl.struct(_KEPT).struct.json_encode().alias("content"),
        )
        refused = with_all_fields(fields.filter(~part))
        return Read(refused, unreadable, rows.height - told.height, parts.select(list(PART)))

    def _rows(self, lines: pl.Series, *, last: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows by COLUMNS, and what is unreadable."""
        if self.lines is None and len(lines):
            names = _names(lines[0])
            self.header = _header(names)
            self.lines = _lines(names, self.header)
        found: Fields = (self.lines or _lines([], ())).feed(lines, last=last)
        rows = found.rows if self.header else _by_place(found.rows)
        if self.header and "ToR" not in self.header:
            rows = rows.with_columns(pl.lit("*voice").alias("ToR"))
        return rows, found.unreadable


def _names(line: str) -> list[str]:
    try:
        return next(csv.reader([line.removeprefix("\ufeff")]), [])
    except csv.Error:
        return []


def _lines(names: list[str], header: tuple[str, ...]) -> CsvLines:
    if header:
        lines = CsvLines(COLUMNS, shapes={len(names): list(header)}, before=1)
        missing = lacking(_NEEDED, header)
        lines.problem = f"line 1: {missing}" if missing else None
        return lines
    # A line fits one of the widths only; the likely one first saves the tries of the others.
    widths = sorted(range(_NARROWEST, _WIDEST + 1), key=lambda width: width != len(names))
    return CsvLines(_PLACES, shapes={width: list(_PLACES[:width]) for width in widths})


def _header(names: list[str]) -> tuple[str, ...]:
    """The columns that a first line names, in any case; none where it is a record."""
    known = [_NAMED.get(name.strip().rpartition(".")[2].lower(), "") for name in names]
    if len(set(known) - {""}) < _LEAST_NAMED:
        return ()
    return tuple(name if name and name not in known[:at] else f"_{at}" for at, name in enumerate(known))


def _by_place(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of an export without a header. Newer versions write no Direction, and all behind it a place earlier;
    there a moment stands where the older ones have the destination."""
    newer = pl.col(_PLACES[COLUMNS.index("Destination")]).str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}").fill_null(False)
    columns = [pl.col(_PLACES[at]).alias(name) for at, name in enumerate(COLUMNS[:_DIRECTION])]
    columns.append(pl.when(~newer).then(_PLACES[_DIRECTION]).alias("Direction"))
    for at, name in enumerate(COLUMNS[_DIRECTION + 1 :], start=_DIRECTION + 1):
        columns.append(pl.when(newer).then(_PLACES[at - 1]).otherwise(_PLACES[at]).alias(name))
    return rows.select("record_number", *columns)


def _fields(rows: pl.DataFrame, source: Source, *, answer_known: bool) -> pl.DataFrame:
    read = rows.with_columns(
        pl.col("ToR").replace_strict(_SERVICE, default=pl.col("ToR"), return_dtype=pl.String).alias("_service"),
        _seconds(pl.col("Usage")).alias("_seconds"),
        _moment(pl.col("SetupTime"), source.time_zone).alias("_setup"),
        _moment(pl.col("AnswerTime"), source.time_zone).alias("_answer"),
        pl.when(pl.col("Subject").str.contains(r"^\+?[0-9]+$")).then("Subject").otherwise("Account").alias("_caller"),
    )
    numbers = (source.country, source.extension_digits)
    voice, sms = pl.col("_service") == "voice", pl.col("_service") == "sms"
    return read.select(
        "record_number",
        pl.col("RunID").fill_null(_RUNS[0]).alias("_run"),
        pl.coalesce("CGRID", "OriginID").alias("record_id"),
        pl.col("_service").alias("service"),
        # `*out` says that the account pays, of calls in both directions; only `*in` was ever said of one of them.
        pl.when(pl.col("Direction") == "*in").then(pl.lit("inbound")).otherwise(pl.lit(UNSTATED)).alias("direction"),
        pl.col("Account").alias("account_id"),
        number_or_extension(pl.col("_caller"), *numbers).fill_null("anonymous").alias("from_number"),
        number_or_extension(pl.col("Destination"), *numbers).alias("to_number"),
        pl.coalesce("_setup", "_answer").alias("started_at"),
        pl.when(voice).then("_seconds").alias("duration_seconds"),
        pl.when(voice).then(_status(answer_known=answer_known)).alias("status"),
        pl.when(sms).then(pl.col("Usage").str.replace(r"^([0-9]+)n?s$", "$1")).alias("segments"),
    )


def _status(*, answer_known: bool) -> pl.Expr:
    """A call that used nothing was not answered. One that used something and has no answer is for nobody to guess."""
    none = (pl.col("_seconds") == "0").fill_null(False)
    answered = pl.col("_answer").is_not_null() if answer_known else pl.lit(True)
    unsaid = pl.when(pl.col("Usage").is_null()).then(pl.lit("no_answer")).otherwise(pl.lit("usage without an answer"))
    return pl.when(none).then(pl.lit("no_answer")).when(answered).then(pl.lit("answered")).otherwise(unsaid)


_WHOLE = r"^(?:([0-9]{1,6})h)?(?:([0-9]{1,8})m)?(?:([0-9]{1,9})(?:\.([0-9]{1,9}))?s)?$"
_PART = r"^[0-9]{1,6}(?:\.[0-9]{1,9})?(?:ms|us|µs|μs|ns)$"
_LEAST_NANOSECONDS = 1_000_000


def _seconds(usage: pl.Expr) -> pl.Expr:
    """Whole seconds of a Go duration (`1h2m`, `1m1.5s`, `250ms`) as text, a begun one counted.

    A bare number is nanoseconds. Below a millisecond it would be no call: it was written in seconds, or is wrong, and
    stays as it is with a word that makes it refused.
    """
    parts = usage.str.extract_groups(_WHOLE)
    hours, minutes, seconds = (parts.struct.field(n).cast(pl.Int64, strict=False).fill_null(0) for n in "123")
    begun = parts.struct.field("4").str.contains("[1-9]").fill_null(False).cast(pl.Int64)
    whole = hours * 3600 + minutes * 60 + seconds + begun
    bare = pl.when(usage.str.contains(r"^[0-9]{1,18}$")).then(usage).cast(pl.Int64, strict=False)
    return (
        pl.when((bare > 0) & (bare < _LEAST_NANOSECONDS))
        .then(usage + pl.lit(" without a unit"))
        .when(bare.is_not_null())
        .then(((bare + 999_999_999) // 1_000_000_000).cast(pl.String))
        .when(usage.str.contains(_PART))
        .then(usage.str.contains("[1-9]").cast(pl.Int64).cast(pl.String))
        .when(usage.str.contains(_WHOLE))
        .then(whole.cast(pl.String))
        .otherwise(usage)
    )


def _moment(text: pl.Expr, time_zone: str) -> pl.Expr:
    """`2026-10-05 08:42:25 +0000 UTC`, ISO 8601, or seconds since 1970, as UTC; a time without offset by the clocks of the
    source. Null for the zero time of Go, and for anything else."""
    told = pl.when(~text.str.contains(_NEVER)).then(text)
    iso = told.str.replace(r"^(\S+ \S+) ([+-][0-9]{4})(?: .*)?$", "$1$2")
    rare = pl.when(~told.str.contains(_HAS_OFFSET)).then(told)
    return pl.coalesce(instant(iso), epoch(rare), local_instant(rare.str.replace("T", " ", literal=True), time_zone))


def assemble(parts: pl.DataFrame) -> Assembled:
    """Of all ratings of a call the one that counts. A second row of that rating stands for itself, and is found to be a
    duplicate or in conflict, as any record that comes again."""
    rank = pl.col("part").replace_strict(
        dict(zip(_RUNS, "0123", strict=True)), default=pl.lit("9") + pl.col("part"), return_dtype=pl.String
    )
    chosen = parts.filter(rank == rank.min().over("event"))
    fields = chosen.select(
        "file_number",
        "record_number",
        pl.col("event").alias("record_id"),
        pl.col("event").alias("linked_id"),
        pl.col("at").alias("started_at"),
        pl.col("content").str.json_decode(_CONTENT).struct.unnest(),
    )
    waiting = parts.clear().select("file_number", "record_number", pl.lit("").alias("detail"))
    return Assembled(with_all_fields(fields, ("file_number", "record_number")), waiting)


def recognises(head: str) -> bool:
    """Whether a text begins with a row of the export, or with a header that names its columns."""
    first = head.split("\n", 1)[0]
    if _header(_names(first)):
        return "cgrid" in first.lower()
    return len(columns := first.split(",")) >= _NARROWEST and columns[2] in (*_SERVICE, *_UNBILLABLE)


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one export."""
    del kind
    return ExportLines(source)
