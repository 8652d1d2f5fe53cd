"""FreeSWITCH `mod_cdr_csv`: a line a call, its columns by the template of cdr_csv.conf.xml.

Specification: docs/formats/freeswitch_csv.md. Without a template in the settings it is `example`, the default of FreeSWITCH.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from transforms.mediation.contract import Kind, Read, Reader
from transforms.mediation.freeswitch import NEEDED, VARIABLES, usage_of
from transforms.mediation.source import Source
from transforms.mediation.text_lines import CsvLines

NAME = "freeswitch_csv"
KINDS: tuple[Kind, ...] = ("csv",)

EXAMPLE = (
    "caller_id_name",
    "caller_id_number",
    "destination_number",
    "context",
    "start_stamp",
    "answer_stamp",
    "end_stamp",
    "duration",
    "billsec",
    "hangup_cause",
    "uuid",
    "bleg_uuid",
    "accountcode",
    "read_codec",
    "write_codec",
)
"""The columns of the template `example`."""


@dataclass
class TemplateLines:
    """Lines written by one template."""

    source: Source
    told: tuple[str, ...]
    lines: CsvLines

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.lines.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The calls of the next lines; calls between extensions and second looks at a call are counted only."""
        line = batch["line"]
        if line.str.contains('", ', literal=True).any():
            # Some of the templates that come with FreeSWITCH write a blank behind a comma.
            line = line.str.replace_all(r'",[ ]+"', '","')
        found = self.lines.feed(line, last=last)
        fields, unbillable = usage_of(found.rows, self.source, self.lines.named or self.told)
        return Read(fields, found.unreadable, unbillable)


def recognises(head: str) -> bool:
    """Whether the first line has the columns of the template `example`."""
    stamp = r'"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}"'
    uuid = r'"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"'
    text = r'"[^"]*"'
    columns = [text] * 4 + [stamp, rf'(?:""|{stamp})', stamp, text, text, '"[A-Z_0-9]*"', uuid, text]
    return re.match(r"\s*" + ",".join(columns), head) is not None


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file, by the template of the source."""
    del kind
    named = source.template or EXAMPLE
    columns = [name if name not in named[:place] else f"_{place}" for place, name in enumerate(named)]
    lines = CsvLines(VARIABLES, NEEDED, shapes={len(columns): columns})
    missing = next((group for group in NEEDED if not set(group) & set(columns)), None)
    if missing:
        lines.problem = f"the template of the settings holds none of {', '.join(missing)}"
    return TemplateLines(source, tuple(columns), lines)
