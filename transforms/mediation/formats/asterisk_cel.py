"""Asterisk's channel events as `cel_custom` writes them: the legs of a call, each with its own duration.

Specification: docs/formats/asterisk_cel.md; columns: the mapping in cel_custom.conf.sample, events: cel.conf of Asterisk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.cel_calls import CONTENT, PLACE, calls_of, whole_events
from transforms.mediation.contract import Assembled, Kind, Read, Reader
from transforms.mediation.dial_strings import peer
from transforms.mediation.records import FIELDS
from transforms.mediation.source import Source
from transforms.mediation.switch_clock import with_moment
from transforms.mediation.text_lines import CsvLines
from transforms.mediation.values import epoch, instant, shape

NAME = "asterisk_cel"
KINDS: tuple[Kind, ...] = ("csv",)

_COLUMNS = (
    *("eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context"),
    *("channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer"),
    *("userfield", "userdeftype", "eventextra"),
)
_MARKS = frozenset(("eventtype", "eventtime"))
_NEEDED = (
    *(
        "eventtype",
        "eventtime",
        "cid_num",
        "exten",
        "context",
        "channame",
        "appname",
        "appdata",
        "uniqueid",
        "linkedid",
    ),
)
"""What a header must name, if there is one."""

_SHAPES = {width: list(_COLUMNS[:width]) for width in (20, 19, 18, 17)}
"""What the narrower mappings leave out stands behind the last column that is read."""

_NO_FIELDS = pl.DataFrame(schema={"record_number": pl.Int64, **dict.fromkeys(FIELDS, pl.String)})

_TELLING = ("CHAN_START", "ANSWER", "HANGUP", "CHAN_END", "LINKEDID_END", "BRIDGE_START", "BRIDGE_ENTER", "APP_START")
_OTHERS = (
    *("BRIDGE_END", "BRIDGE_EXIT", "BRIDGE_UPDATE", "APP_END", "PARK_START", "PARK_END", "BLINDTRANSFER"),
    *("ATTENDEDTRANSFER", "TRANSFER", "HOOKFLASH", "3WAY_START", "3WAY_END", "CONF_ENTER", "CONF_EXIT", "CONF_START"),
    *("CONF_END", "PICKUP", "FORWARD", "LOCAL_OPTIMIZE", "LOCAL_OPTIMIZE_BEGIN", "STREAM_BEGIN", "STREAM_END", "DTMF"),
    "USER_DEFINED",
)
_BESIDE = pl.col("eventtype").is_in(_OTHERS) | (
    pl.col("userdeftype").is_not_null() & ~pl.col("eventtype").is_in(_TELLING)
)


def _content(source: Source) -> pl.Expr:
    """What a call is put together from: the columns CONTENT, and what the settings say of the channel."""
    targets = pl.col("appdata").str.extract(r"^([^,|]*)").str.replace_all(r"/[^/@&:]*:[^/@&]*@", "/")
    comes_in = pl.col("context").is_in(source.inbound) | peer(pl.col("channame")).is_in(source.inbound)
    found = {
        "channel": pl.col("uniqueid"),
        "name": pl.col("channame"),
        "caller": pl.col("cid_num"),
        "exten": pl.col("exten"),
        "dnid": pl.col("cid_dnid"),
        "dials": pl.when(pl.col("appname") == "Dial").then(targets),
        "peer": pl.col("peer"),
        "account": pl.col("accountcode"),
        "comes_in": comes_in.fill_null(False),
        "digits": pl.lit(source.extension_digits, pl.Int64),
        "country": pl.lit(source.country),
    }
    return pl.struct([value.alias(name) for name, value in found.items()]).struct.json_encode()


def _refused(rows: pl.DataFrame) -> pl.DataFrame:
    """What is wrong with rows that tell no event: the first of its columns that has no sense."""
    wrong = (
        pl.when(pl.col("_moment").is_null())
        .then(pl.lit("eventtime: expected seconds since 1970 or a date and time, found ") + shape(pl.col("eventtime")))
        .when(pl.col("linkedid").is_null() | pl.col("uniqueid").is_null())
        .then(pl.lit("linkedid, uniqueid: expected the names of the call and of the channel, found none"))
        .otherwise(pl.lit("eventtype: expected an event of cel.conf, found ") + shape(pl.col("eventtype")))
    )
    return rows.select(
        "record_number",
        pl.col("linkedid").alias("record_id"),
        pl.lit("bad_value").alias("reason"),
        wrong.alias("detail"),
    )


@dataclass
class EventLines:
    """Reads the events of one file."""

    source: Source
    lines: CsvLines = field(default_factory=lambda: CsvLines(_COLUMNS, _NEEDED, shapes=_SHAPES, marks=_MARKS))

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The events of the next lines as parts of calls; events that tell nothing of a leg are counted only."""
        found = self.lines.feed(batch["line"], last=last)
        zone, time = self.source.time_zone, pl.col("eventtime")
        local = with_moment(found.rows, "eventtime", zone, channel="uniqueid", written="%Y-%m-%d %H:%M:%S%.f")
        rows = local.filter(~_BESIDE.fill_null(False)).with_columns(
            pl.coalesce(epoch(time), "_moment", instant(time)).alias("_moment")
        )
        told = (
            pl.col("eventtype").is_in(_TELLING)
            & pl.all_horizontal(pl.col("_moment", "uniqueid", "linkedid").is_not_null())
        ).fill_null(False)
        parts = rows.filter(told).select(
            "record_number",
            pl.col("linkedid").alias("event"),
            pl.col("eventtype").alias("part"),
            pl.col("_moment").alias("at"),
            _content(self.source).alias("content"),
        )
        unreadable = pl.concat([found.unreadable, _refused(rows.filter(~told))])
        return Read(_NO_FIELDS, unreadable, unbillable=found.rows.height - rows.height, parts=parts)


def assemble(parts: pl.DataFrame) -> Assembled:
    """The legs of the calls that have ended."""
    rows = (
        parts.with_columns(pl.col("content").str.json_decode(CONTENT).alias("_content"))
        .drop("content")
        .unnest("_content")
    )
    whole = whole_events(rows)
    ended, open_ = rows.join(whole, on="event", how="semi"), rows.join(whole, on="event", how="anti")
    waiting = open_.select(
        *PLACE,
        pl.lit("the call has not ended: neither LINKEDID_END nor the CHAN_END of each channel is there").alias(
            "detail"
        ),
    )
    return Assembled(calls_of(ended), waiting)


def recognises(head: str) -> bool:
    """Whether a text begins with a channel event, or with a header that names its columns."""
    line = head.removeprefix("\ufeff").partition("\n")[0]
    names = {name.strip().strip('"').lower() for name in line.split(",")}
    event = "|".join((*_TELLING, *_OTHERS))
    return {"eventtype", "eventtime", "linkedid"} <= names or re.match(
        rf'"?(?:{event})"?,"?[0-9]{{4}}', line
    ) is not None


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file of events."""
    del kind
    return EventLines(source)
