"""The sample files of every format, found by their names. Knows nothing of what is right.

`<format>.csv`, `<format>_live.csv`; `switch.json` is one of the format `switch_json`.

A sample that needs settings has `<sample>.source.toml` beside it, one that needs a description `<sample>.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.inputs.inbox import InboxFile, read
from transforms.mediation.contract import Format, Kind, Read
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source

SAMPLES = Path(__file__).parent / "samples"
_NO_SAMPLES = (".toml", ".md")
_DEFAULTS: dict[str, Any] = {"time_zone": "Europe/Paris", "country": "FR"}


@dataclass(frozen=True)
class Sample:
    """A sample file, its format and its source."""

    path: Path
    form: Format
    source: Source

    def __str__(self) -> str:
        return self.path.name


def samples() -> list[Sample]:
    """Every sample of a format that is there, in the order of their names."""
    formats = all_formats()
    found = []
    for path in sorted(SAMPLES.iterdir()):
        of_its_kind = f"{path.stem}_{path.suffix[1:]}"
        names = [name for name in formats if path.name.startswith((f"{name}.", f"{name}_")) or name == of_its_kind]
        if names and path.is_file() and path.suffix not in _NO_SAMPLES:
            found.append(Sample(path, formats[max(names, key=len)], source_of_sample(path)))
    return found


def source_of_sample(path: Path) -> Source:
    """What is known of the source of a sample."""
    settings, description = path.with_suffix(".source.toml"), path.with_suffix(".toml")
    stated = tomllib.loads(settings.read_text("utf-8")) if settings.exists() else {}
    unknown = set(stated) - {item.name for item in fields(Source)}
    assert not unknown, f"{settings}: {unknown}"
    table = tomllib.loads(description.read_text("utf-8")) if description.exists() else {}
    lists = {name: tuple(stated[name]) for name in ("inbound", "template") if name in stated}
    return Source(**{**_DEFAULTS, **stated, **lists, "table": table})


def read_file(path: Path, form: Format, source: Source) -> tuple[list[Read], int, int]:
    """What a file gives, batch by batch, the records its reader counted, and 1 where the file is damaged."""
    kind, batches = read(InboxFile(path, path.name, form.NAME), form.KINDS)
    reader = form.reader(kind, source)
    found, damaged = [], 0
    for batch in batches:
        if batch.frame.width:
            found.append(reader.feed(batch.frame, last=batch.last))
        damaged += batch.damage is not None
    return found, reader.records, damaged


def read_lines(lines: list[str], kind: Kind, form: Format, source: Source) -> tuple[Read, int]:
    """What lines that are fed at once give, and the records its reader counted."""
    reader = form.reader(kind, source)
    return reader.feed(pl.DataFrame({"line": lines}, schema={"line": pl.String}), last=True), reader.records
