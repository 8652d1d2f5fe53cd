"""Reads lines as a format does, at once or in batches, and makes sure that every record goes somewhere, and once."""

from __future__ import annotations

from typing import Any

import polars as pl

from transforms.mediation.contract import Kind, Read
from transforms.mediation.formats import all_formats
from transforms.mediation.records import FIELDS, mediate
from transforms.mediation.source import Source


def read_lines(form: str, kind: Kind, lines: list[str], *, size: int = 1000, source: Source | None = None) -> Read:
    """What the lines give, fed in batches of `size`."""
    reader = all_formats()[form].reader(kind, source or Source())
    parts = [
        reader.feed(pl.DataFrame({"line": lines[at : at + size]}), last=at + size >= len(lines))
        for at in range(0, max(len(lines), 1), size)
    ]
    fields = pl.concat([part.fields for part in parts])
    unreadable = pl.concat([part.unreadable for part in parts])
    unbillable = sum(part.unbillable for part in parts)
    assert fields.columns == ["record_number", *FIELDS]
    assert reader.records == fields.height + unreadable.height + unbillable
    numbers = [part.numbers for part in parts if part.numbers is not None]
    return Read(fields, unreadable, unbillable, numbers=pl.concat(numbers) if numbers else None)


def outcomes(found: Read) -> dict[int, str]:
    """Each record that became usage or was refused, by its number: the usage's name, or the reason."""
    mediated = mediate(found.fields)
    usage = {row["record_number"]: f"{row['service']} {row['record_id'][-4:]}" for row in mediated.records.to_dicts()}
    refused = pl.concat(
        [mediated.refused.select("record_number", "reason"), found.unreadable.select("record_number", "reason")]
    )
    return dict(sorted((usage | dict(refused.rows())).items()))


def refusals(found: Read) -> list[Any]:
    """Reason and detail of what mediation refuses."""
    return mediate(found.fields).refused.select("reason", "detail").rows()
