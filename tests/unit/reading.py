"""How the tests of formats read lines: all at once or in small batches, with every record accounted for."""

from __future__ import annotations

from typing import Any

import polars as pl

from transforms.mediation.contract import Kind, Read
from transforms.mediation.formats import all_formats
from transforms.mediation.records import FIELDS
from transforms.mediation.source import Source


def read(name: str, kind: Kind, lines: list[str], source: Source | None = None, batch: int = 0) -> Read:
    """What the format `name` reads of the lines, `batch` at a time or all at once."""
    reader = all_formats()[name].reader(kind, source or Source())
    step = batch or max(1, len(lines))
    frame = pl.DataFrame({"line": lines}, schema={"line": pl.String})
    places = range(0, max(1, len(lines)), step)
    found = [reader.feed(frame.slice(at, step), last=at + step >= len(lines)) for at in places]
    parts = [one.parts for one in found if one.parts is not None]
    whole = Read(
        pl.concat([one.fields for one in found]),
        pl.concat([one.unreadable for one in found]),
        sum(one.unbillable for one in found),
        pl.concat(parts) if parts else None,
    )
    told = 0 if whole.parts is None else whole.parts.height
    assert reader.records == whole.fields.height + whole.unreadable.height + whole.unbillable + told
    assert whole.fields.columns == ["record_number", *FIELDS]
    return whole


def same(one: Read, other: Read) -> bool:
    """Whether two readings gave the same."""
    tables = [(one.fields, other.fields), (one.unreadable, other.unreadable)]
    if one.parts is not None and other.parts is not None:
        tables.append((one.parts, other.parts))
    return all(a.equals(b) for a, b in tables) and one.unbillable == other.unbillable


def said(record: dict[str, Any], *names: str) -> tuple[Any, ...]:
    """These fields of a record."""
    return tuple(record[name] for name in names)
