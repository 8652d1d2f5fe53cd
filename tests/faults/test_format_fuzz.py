"""Usage files of every format, broken at random: nothing raises, every record is accounted for, no text gets out.

Seeded: a file is made anew by its seed alone. `pytest tests/faults/test_format_fuzz.py --mutations 100000 -n 2`
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from pipelines.inbox import Batch, InboxFile, read
from pipelines.stages import load
from tests.faults.mutations import mutate
from tests.sample_files import Sample, samples
from tests.support import scratch
from transforms.mediation.formats import AssemblingFormat, Read, lines_read
from transforms.mediation.parts import assemble_parts
from transforms.tables.base import assert_contract
from transforms.tables.usage import Duplicates, EventParts, RefusedRecords, UsageRecords

SHARES = 20
"""The tests among which the files are divided, so that several processes can run them."""

FILE_BYTES = 1_000_000
"""No broken file is larger."""

TEXT = re.compile(r"^[a-zA-Z]{4,}$")


def test_broken_files_are_accounted_for(share: int, pytestconfig: pytest.Config) -> None:
    files = -(-pytestconfig.getoption("--mutations") // SHARES)
    good = samples()
    with scratch() as folder:
        for number in range(share * files, (share + 1) * files):
            _one(folder, good, number)


def _one(folder: Path, good: list[Sample], seed: int) -> None:
    draw = random.Random(seed)
    sample = draw.choice(good)
    others = [item.path.read_bytes() for item in good if item.form is sample.form]
    content = mutate(draw, sample.path.read_bytes(), others)[:FILE_BYTES]
    path = folder / "file"
    path.write_bytes(content)
    try:
        account_for(path, sample, draw)
    except BaseException as error:
        error.add_note(f"the file of seed {seed}, made of {sample}")
        raise


def account_for(path: Path, sample: Sample, draw: random.Random) -> None:
    """Reads the file as loading does, in batches drawn at random, and counts its records at every step."""
    kind, batches = read(InboxFile(path, path.name, sample.form.NAME), sample.form.KINDS)
    reader = sample.form.reader(kind, sample.source)
    counted: Counter[str] = Counter()
    numbers: list[pl.Series] = []
    parts: list[pl.DataFrame] = []
    lines, damaged = None, False
    for batch in (part for whole in batches for part in _cut_up(whole, draw)):
        lines, damaged = batch.lines, damaged or batch.damage is not None
        if not batch.frame.width:
            continue
        found = reader.feed(batch.frame, last=batch.last)
        usage, refused = load._mediate(found, 1, sample.form.NAME)
        main = refused.filter(pl.col("leg") == "main")
        waiting = load._parts_of_events(found, 1, sample.form.NAME)
        assert usage.height + main.height == found.fields.height + found.unreadable.height
        counted["seen"] += usage.height + main.height + found.unbillable + waiting.height
        numbers += [usage["record_number"], main["record_number"], waiting["record_number"]]
        parts.append(waiting)
        _tells_nothing(found, refused)
    assert counted["seen"] == reader.records
    read_of_them = None if damaged and kind == "columns" else lines_read(reader)
    assert None in (lines, read_of_them) or lines == read_of_them, "lines that no record or header accounts for"
    together = pl.concat(numbers or [pl.Series([], dtype=pl.Int64)])
    assert together.n_unique() == together.len(), "a record number stands twice"
    assert together.is_empty() or (cast(int, together.min()) >= 1 and cast(int, together.max()) <= reader.records)
    if parts and sum(part.height for part in parts):
        _assemble(pl.concat(parts), sample.form)


def _cut_up(batch: Batch, draw: random.Random) -> list[Batch]:
    """A batch as several, as a large file comes."""
    height = batch.frame.height
    if height < 2 or draw.random() < 0.5:
        return [batch]
    cuts = sorted({0, *(draw.randrange(height) for _ in range(draw.randint(1, 3))), height})
    pieces = [batch.frame.slice(start, end - start) for start, end in pairwise(cuts)]
    ends = [False] * (len(pieces) - 1) + [batch.last]
    return [replace(batch, frame=piece, last=end) for piece, end in zip(pieces, ends, strict=True)]


def _assemble(parts: pl.DataFrame, form: Any) -> None:
    """Every part ends in one state; usage and refusals stand at parts."""
    whole = assemble_parts(parts, cast(AssemblingFormat, form).assemble, format_name=form.NAME)
    assert_contract(UsageRecords, whole.usage)
    assert_contract(RefusedRecords, whole.refused)
    assert_contract(Duplicates, whole.duplicates)
    assert_contract(EventParts, parts)
    assert whole.states["record_number"].sort().equals(parts["record_number"].sort())
    places = pl.concat([whole.usage["record_number"], whole.refused["record_number"]])
    assert places.is_in(parts["record_number"].implode()).all()


def _tells_nothing(found: Read, refused: pl.DataFrame) -> None:
    """No word of a message's text stands in what is told of a refused record, or is kept of a part."""
    texts = found.fields.filter(pl.col("record_number").is_in(refused["record_number"].implode()))["text"].drop_nulls()
    words = {word for text in texts for word in text.split() if TEXT.match(word) and word != "x" * len(word)}
    told = " ".join(refused["detail"].drop_nulls())
    for word in words - _OWN_WORDS:
        assert not re.search(rf"\b{word}\b", told), "a message's text stands in a detail"


_OWN_WORDS = {
    "expected",
    "found",
    "that",
    "with",
    "number",
    "status",
    "customer",
    "called",
    "from",
    "line",
    "text",
    "sent",
    "seconds",
    "answered",
    "failed",
    "received",
    "delivered",
    "rejected",
    "voice",
    "inbound",
    "outbound",
    "segments",
    "duration",
    "direction",
    "record",
    "name",
    "time",
    "date",
    "offset",
    "party",
    "other",
}
"""Words of the sentences themselves."""
