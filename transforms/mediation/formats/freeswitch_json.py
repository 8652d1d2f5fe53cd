"""FreeSWITCH `mod_json_cdr` (and `mod_format_cdr`): JSON bodies, one a line or written over many.

Specification: docs/formats/freeswitch_json.md. Values may be percent-encoded, which is the module's default.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from transforms.mediation.contract import Kind, Read, Reader
from transforms.mediation.freeswitch import PROFILE, VARIABLES, usage_of, variables_of
from transforms.mediation.json_texts import JsonTexts
from transforms.mediation.source import Source

NAME = "freeswitch_json"
KINDS: tuple[Kind, ...] = ("json",)

_CALLFLOW = pl.Struct({"caller_profile": pl.Struct(dict.fromkeys(PROFILE, pl.String()))})
_SCHEMA = pl.Struct({"variables": pl.Struct(dict.fromkeys(VARIABLES, pl.String())), "callflow": pl.List(_CALLFLOW)})


@dataclass
class JsonBodies:
    """Bodies, of which each tells a leg of a call."""

    source: Source
    texts: JsonTexts = field(default_factory=lambda: JsonTexts(_SCHEMA))

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.texts.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The calls of the next lines; calls between extensions and second looks at a call are counted only."""
        found = self.texts.feed(batch["line"], last=last)
        # The first profile of a call is written last: what the caller dialled, before the dial plan sent it elsewhere.
        first = pl.col("callflow").list.last().struct.field("caller_profile")
        told = found.rows.select(
            "record_number",
            pl.col("variables").struct.unnest(),
            *(first.struct.field(n).alias(f"_{n}") for n in PROFILE),
        )
        fields, unbillable = usage_of(variables_of(told), self.source)
        return Read(fields, found.unreadable, unbillable)


def recognises(head: str) -> bool:
    """Whether a text begins with one of the bodies."""
    return head.lstrip().startswith("{") and '"core-uuid"' in head and "switchname" in head


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file."""
    del kind
    return JsonBodies(source)
