"""Accounting of the SIP proxies OpenSIPS and Kamailio: lines of db_flatstore, and exports of whole calls (CDRs).

Specifications: the modules acc and db_flatstore of both (table `acc`), Kamailio's table `acc_cdrs`, OpenSIPS' CDR
columns of `acc`. What both formats share: docs/formats/opensips.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import PART, Assembled, Read
from transforms.mediation.records import FIELDS, with_all_fields
from transforms.mediation.sip_calls import SipCalls, columns_of
from transforms.mediation.sip_words import dialog, is_extension, moment, number, status
from transforms.mediation.source import Source
from transforms.mediation.text_lines import NOT_UTF8, UNREADABLE
from transforms.mediation.values import said, shape
from transforms.tables.vocabulary import UNSTATED

CORE = ("method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time")
"""The columns that the module acc always writes, in this order."""

COLUMNS = (*CORE, "request_type", "caller", "callee", "", "dialog")
"""A line where the settings state no template."""

_READ = (*CORE, "caller", "callee", "account")
METHODS = (
    *("INVITE", "BYE", "ACK", "CANCEL", "PRACK", "UPDATE", "INFO", "REFER", "MESSAGE"),
    *("OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH"),
)
_CHALLENGES = ("401", "407")
_MARK = r'\|flatstore"[0-9.]*$'
"""What CGRateS writes behind a line that it could not pair."""

_ANSWERED, _REFUSED, _ENDED = "INVITE", "INVITE refused", "BYE"
"""The parts of a call."""

_FILES = 2**32
"""Records of a file that a place, one number of file and record, can tell apart."""

_CONTENT = pl.Struct(dict.fromkeys(("code", "caller", "callee", "account"), pl.String()) | {"internal": pl.Boolean()})
_FIELD_TYPES: dict[str, pl.DataType] = {
    name: pl.Datetime("us", "UTC") if name == "started_at" else pl.String() for name in FIELDS
}


def is_accounting(head: str) -> bool:
    """Whether a text begins with a line of db_flatstore."""
    first = head.lstrip("\ufeff \t\r\n").split("\n", 1)[0].split("|")
    return len(first) >= len(CORE) and first[0] in METHODS


@dataclass
class SipAccounting:
    """Reads one file of either kind, which its first line tells: one that names columns is the header of CDRs."""

    source: Source
    records: int = 0
    _calls: SipCalls | None = None
    _begun: bool = False
    _names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._names = self.source.template or COLUMNS

    @property
    def problem(self) -> str | None:
        """What the header of an export of whole calls lacks."""
        return self._calls.lines.problem if self._calls is not None else None

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The records of the next lines. INVITE and BYE come as parts; whole calls come as fields."""
        lines = batch["line"]
        if not self._begun:
            lines = lines.slice(next((at for at, line in enumerate(lines) if line.strip("\ufeff \t\r")), len(lines)))
            if len(lines):
                self._begun = True
                names = columns_of(lines[0])
                self._calls = SipCalls(self.source, names) if names else None
                if not names:
                    lines = pl.concat([pl.Series([lines[0].removeprefix("\ufeff")], dtype=pl.String), lines.slice(1)])
        if self._calls is not None:
            found = self._calls.feed(lines, last=last)
            self.records = self._calls.records
            return found
        return self._read(lines)

    def _read(self, lines: pl.Series) -> Read:
        table = lines.alias("line").to_frame().with_columns(pl.col("line").str.strip_suffix("\r"))
        table = table.filter(pl.col("line").str.strip_chars(" \t") != "")
        table = table.with_row_index("record_number", offset=self.records + 1).cast({"record_number": pl.Int64})
        self.records += table.height
        if table["line"].str.contains('flatstore"', literal=True).any():
            table = table.with_columns(pl.col("line").str.replace(_MARK, ""))
        width = pl.col("line").str.count_matches("|", literal=True) + 1
        broken = pl.col("line").str.contains(NOT_UTF8, literal=True)
        bad = table.filter((width != len(self._names)) | broken)
        refused = bad.select(
            "record_number",
            pl.lit(None, pl.String).alias("record_id"),
            pl.lit("unreadable").alias("reason"),
            pl.when(broken)
            .then(pl.lit("the line is no UTF-8"))
            .otherwise(width.cast(pl.String) + pl.lit(f" fields, {len(self._names)} expected"))
            .alias("detail"),
        )
        rows = self._fields(table.join(bad, on="record_number", how="anti") if bad.height else table)
        rows = self._told(rows)
        wrong = rows.filter(pl.col("_wrong").is_not_null())
        usage = pl.col("_wrong").is_null() & pl.col("_part")
        parts = self._parts(rows.filter(usage))
        refused = pl.concat([refused, wrong.select(_refusal())]).sort("record_number")
        return Read(
            pl.DataFrame(schema={"record_number": pl.Int64, **_FIELD_TYPES}),
            refused.cast(UNREADABLE),  # type: ignore[arg-type]
            unbillable=rows.height - wrong.height - parts.height,
            parts=parts,
        )

    def _fields(self, table: pl.DataFrame) -> pl.DataFrame:
        """The columns `_READ`, of lines that have as many fields as the template."""
        named = [name if name in _READ else f"_{at}" for at, name in enumerate(self._names)]
        split = pl.col("line").str.split_exact("|", len(named) - 1)
        rows = table.select("record_number", split.struct.rename_fields(named).alias("fields")).unnest("fields")
        absent = [pl.lit(None, pl.String).alias(name) for name in _READ if name not in named]
        return rows.with_columns(said([name for name in named if name in _READ]), *absent).select(
            "record_number", *_READ
        )

    def _told(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`rows` with `at`, whether they are a `_part` of a call, and which column is `_wrong`."""
        method, code = pl.col("method"), pl.col("sip_code")
        named = "callid", "from_tag"
        final = code.str.contains("^[2-6][0-9][0-9]$") & ~code.is_in(_CHALLENGES)
        part = (method == "BYE") | ((method == "INVITE") & final)
        return rows.with_columns(moment(pl.col("time"), self.source.time_zone).alias("at")).with_columns(
            part.fill_null(False).alias("_part"),
            pl.when(~method.is_in(METHODS).fill_null(False))
            .then(pl.lit("method"))
            .when((method == "INVITE") & ~code.str.contains("^[1-6][0-9][0-9]$").fill_null(False))
            .then(pl.lit("sip_code"))
            .when(part & pl.any_horizontal(pl.col(named).is_null()))
            .then(pl.coalesce(pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in named))
            .when(part & pl.col("at").is_null())
            .then(pl.lit("time"))
            .alias("_wrong"),
        )

    def _parts(self, rows: pl.DataFrame) -> pl.DataFrame:
        country = self.source.country
        content = pl.struct(
            pl.col("sip_code").alias("code"),
            number(pl.col("caller"), country).alias("caller"),
            number(pl.col("callee"), country).alias("callee"),
            "account",
            is_extension(pl.col("callee"), self.source.extension_digits).alias("internal"),
        )
        answered = pl.col("sip_code").str.starts_with("2")
        part = pl.when(answered).then(pl.lit(_ANSWERED)).otherwise(pl.lit(_REFUSED)).alias("part")
        told = ("record_number", dialog().alias("event"))
        invite = rows.filter(pl.col("method") == "INVITE").select(
            *told, part, "at", content.struct.json_encode().alias("content")
        )
        bye = rows.filter(pl.col("method") == "BYE").select(
            *told, pl.lit(_ENDED).alias("part"), "at", pl.lit("{}").alias("content")
        )
        return pl.concat([invite, bye]).sort("record_number").cast(PART)  # type: ignore[arg-type]


_EXPECTED = {
    "method": "a method of SIP",
    "sip_code": "a code of SIP, three digits",
    "callid": "the Call-ID",
    "from_tag": "the tag of who called",
    "time": "seconds since 1970, or a date and time as 2026-10-01 08:15:00",
}


def _refusal() -> list[pl.Expr]:
    found = pl.coalesce(pl.when(pl.col("_wrong") == name).then(shape(pl.col(name))) for name in _EXPECTED)
    expected = pl.col("_wrong").replace_strict(_EXPECTED, return_dtype=pl.String)
    unreadable = pl.col("_wrong") == "method"
    return [
        pl.col("record_number"),
        pl.when(pl.col("from_tag").is_not_null()).then(dialog()).alias("record_id"),
        pl.when(unreadable).then(pl.lit("unreadable")).otherwise(pl.lit("bad_value")).alias("reason"),
        (pl.col("_wrong") + pl.lit(": expected ") + expected + pl.lit(", found ") + found).alias("detail"),
    ]


def assemble(parts: pl.DataFrame) -> Assembled:
    """Calls of INVITE and BYE: answered with the time between them, or refused; what has no other side waits.

    Of several INVITEs that were answered the first begins the call, the others are re-INVITEs within it; the first BYE
    ends it. A call is at the place of its last part.
    """
    order = pl.col("part").replace_strict({_ANSWERED: 0, _REFUSED: 1, _ENDED: 2}, return_dtype=pl.Int8)
    table = parts.with_columns(order.alias("order"), (pl.col("file_number").cast(pl.Int64) * _FILES).alias("place"))
    table = table.with_columns(pl.col("place") + pl.col("record_number"))
    table = table.sort("order", "at", "place").with_row_index("row")
    events = table.group_by("event").agg(
        pl.col("row").min(),
        pl.col("place").max(),
        pl.when(pl.col("part") == _ENDED).then("at").min().alias("end"),
    )
    first = table[events["row"]].select("order", pl.col("at").alias("start"), "content")
    calls = events.select("event", "place", "end").hstack(first)
    answered, ended = pl.col("order") == 0, pl.col("end").is_not_null()
    whole = pl.when(answered).then(ended).otherwise(~ended)
    left = calls.filter(~whole).select("event", answered.alias("answered"))
    missing = pl.when("answered").then(pl.lit("a call whose BYE is not there yet"))
    waiting = parts.join(left, on="event", how="inner").select(
        "file_number",
        "record_number",
        missing.otherwise(pl.lit("a call whose answered INVITE is not there yet")).alias("detail"),
    )
    return Assembled(_usage(calls.filter(whole)), waiting.sort("file_number", "record_number"))


def _usage(whole: pl.DataFrame) -> pl.DataFrame:
    says = pl.col("content").str.json_decode(_CONTENT).struct.unnest()
    calls = whole.select("event", "place", "start", "end", says).filter(~pl.col("internal")).sort("place")
    answered = pl.col("end").is_not_null()
    micros = (pl.col("end") - pl.col("start")).dt.total_microseconds()
    # Whole seconds, a begun one as one: what is negative stays so, and is refused.
    seconds = -(-micros).floordiv(1_000_000)
    said_here = {
        "record_id": pl.col("event"),
        "service": pl.lit("voice"),
        "direction": pl.lit(UNSTATED),
        "account_id": pl.col("account"),
        "from_number": pl.col("caller").fill_null("anonymous"),
        "to_number": pl.col("callee"),
        "started_at": pl.col("start"),
        "duration_seconds": pl.when(answered).then(seconds).otherwise(0).cast(pl.String),
        "status": status(pl.col("code")),
    }
    place = {
        "file_number": (pl.col("place") // _FILES).cast(pl.Int32),
        "record_number": pl.col("place") % _FILES,
    }
    return with_all_fields(calls.select(**place, **said_here), tuple(place))
