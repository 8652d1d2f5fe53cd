"""FreeSWITCH `mod_xml_cdr` (and `mod_format_cdr`): `<cdr>` documents, one a file or several one after the other.

Specification: docs/formats/freeswitch_xml.md. Values are percent-encoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import unescape

import polars as pl

from transforms.mediation.contract import Kind, Read, Reader
from transforms.mediation.freeswitch import PROFILE, VARIABLES, usage_of, variables_of
from transforms.mediation.source import Source
from transforms.mediation.xml_texts import XmlTexts

NAME = "freeswitch_xml"
KINDS: tuple[Kind, ...] = ("csv",)
"""Lines, whatever they hold: where a document ends is found here."""

_SLICE = 2_000


@dataclass
class XmlBodies:
    """Documents, of which each tells a leg of a call."""

    source: Source
    texts: XmlTexts = field(default_factory=lambda: XmlTexts("cdr"))

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.texts.records

    def feed(self, batch: pl.DataFrame, *, last: bool) -> Read:
        """The calls of the next lines; calls between extensions and second looks at a call are counted only."""
        found = self.texts.feed(batch["line"], last=last)
        told = pl.concat([_values(part) for part in found.rows.iter_slices(_SLICE)] or [_values(found.rows)])
        fields, unbillable = usage_of(variables_of(told), self.source)
        return Read(fields, found.unreadable, unbillable)


def _values(documents: pl.DataFrame) -> pl.DataFrame:
    """The values of sound documents: an element is found by its name, within the part of the document it belongs to."""
    document = pl.col("document")
    # The first profile of a call is written last: what the caller dialled, before the dial plan sent it elsewhere.
    first = document.str.split("<callflow").list.slice(1).list.last()
    parts = documents.select(
        "record_number",
        _within(document, "variables").alias("variables"),
        _within(first, "caller_profile").alias("profile"),
    )
    return parts.select(
        "record_number",
        *(_value("variables", name).alias(name) for name in VARIABLES),
        *(_value("profile", name).alias(f"_{name}") for name in PROFILE),
    )


def _within(text: pl.Expr, name: str) -> pl.Expr:
    """What stands between the first `<name>` and the next `</name>`."""
    behind = text.str.splitn(f"<{name}>", 2).struct.field("field_1")
    return behind.str.splitn(f"</{name}>", 2).struct.field("field_0")


def _value(part: str, name: str) -> pl.Expr:
    text = pl.col(part).str.extract(rf"<{name}>([^<]*)</{name}\s*>")
    return text.map_batches(_unescaped, return_dtype=pl.String, is_elementwise=True)


def _unescaped(text: pl.Series) -> pl.Series:
    """Text with its `&amp;` as `&`; few values have one."""
    left = text.filter(text.str.contains("&", literal=True).fill_null(False)).unique()
    return text.replace(left, pl.Series([unescape(one) for one in left], dtype=pl.String)) if len(left) else text


def recognises(head: str) -> bool:
    """Whether a text begins with one of the documents."""
    return "<cdr" in head.lstrip("\ufeff \t\r\n")[:200] and head.lstrip("\ufeff \t\r\n").startswith("<")


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file."""
    del kind
    return XmlBodies(source)
