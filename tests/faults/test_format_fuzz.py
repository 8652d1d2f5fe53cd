"""Usage files of every format, broken at random: nothing raises, every record is accounted for, no text gets out.

Seeded: a file is made anew by its seed alone. `pytest tests/faults/test_format_fuzz.py --mutations 100000 -n 2`
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from pipelines.inputs.inbox import Batch, InboxFile, read
from tests.faults.mutations import mutate
from tests.sample_files import Sample, samples
from tests.support import scratch
from transforms.mediation.contract import AssemblingFormat, Read, lines_read
from transforms.mediation.parts import assemble_parts
from transforms.mediation.records import as_usage_records, mediate
from transforms.tables.base import assert_contract, conform
from transforms.tables.usage import Duplicates, EventParts, RefusedRecords, UsageRecords

SHARES = 20
"""The tests among which the files are divided, so that several processes can run them."""

JUDGED = 25
"""Files whose records go through mediation together."""

PLACES = 1_000_000_000
"""More than a file has records."""

FILE_BYTES = 1_000_000
"""No broken file is larger."""

TEXT = re.compile(r"^[a-zA-Z]{4,}$")


def test_broken_files_are_accounted_for(share: int, pytestconfig: pytest.Config) -> None:
    files = -(-pytestconfig.getoption("--mutations") // SHARES)
    seeds = range(share * files, (share + 1) * files)
    for start in range(seeds.start, seeds.stop, JUDGED):
        break_and_read(range(start, min(start + JUDGED, seeds.stop)))


@dataclass(frozen=True)
class Given:
    """What a broken file gave its reader: `fields`, `unreadable` and `parts`, batch by batch."""

    seed: int
    sample: Sample
    reads: list[Read]

    def __str__(self) -> str:
        return f"the file of seed {self.seed}, made of {self.sample}"


def break_and_read(seeds: Sequence[int]) -> None:
    """Reads the broken files of these seeds; their records are judged together, which takes a tenth of the time."""
    given = []
    with scratch() as folder:
        for seed in seeds:
            draw, sample = random.Random(seed), None
            try:
                sample, path = broken_file(folder, draw)
                given.append(Given(seed, sample, account_for(path, sample, draw)))
            except BaseException as error:
                error.add_note(f"the file of seed {seed}, made of {sample}")
                raise
    try:
        judge(given)
    except BaseException:
        for one in given:
            try:
                judge([one])
            except BaseException as error:
                error.add_note(str(one))
                raise
        raise


def broken_file(folder: Path, draw: random.Random) -> tuple[Sample, Path]:
    """A file that was a sample, and which."""
    good = _good()
    sample = draw.choice(good)
    others = [item.path.read_bytes() for item in good if item.form is sample.form]
    path = folder / "file"
    path.write_bytes(mutate(draw, sample.path.read_bytes(), others)[:FILE_BYTES])
    return sample, path


_good = cache(samples)


def account_for(path: Path, sample: Sample, draw: random.Random) -> list[Read]:
    """What the file gives, read as loading does, in batches drawn at random; its records and lines are counted."""
    kind, batches = read(InboxFile(path, path.name, sample.form.NAME), sample.form.KINDS)
    reader = sample.form.reader(kind, sample.source)
    lines, damaged = None, False
    found: list[Read] = []
    for batch in (part for whole in batches for part in _cut_up(whole, draw)):
        lines, damaged = batch.lines, damaged or batch.damage is not None
        if batch.frame.width:
            found.append(reader.feed(batch.frame, last=batch.last))
    numbers = [part for read in found for part in (read.fields, read.unreadable, read.parts) if part is not None]
    together = [number for part in numbers for number in part["record_number"].to_list()]
    assert len(together) + sum(read.unbillable for read in found) == reader.records
    assert len(together) == len(set(together)), "a record number stands twice"
    assert all(1 <= number <= reader.records for number in together)
    read_of_them = None if damaged and kind == "columns" else lines_read(reader)
    assert None in (lines, read_of_them) or lines == read_of_them, "lines that no record or header accounts for"
    return found


def judge(given: list[Given]) -> None:
    """Puts the records of all these files through mediation: each is usage or refused. Each file has a number."""
    by_type: dict[pl.DataType, list[pl.DataFrame]] = {}
    for number, one in enumerate(given, start=1):
        place = (pl.col("record_number") + number * PLACES).alias("record_number")
        for part in (item.fields.with_columns(place) for item in one.reads if item.fields.height):
            by_type.setdefault(part.schema["started_at"], []).append(part)
    for frames in by_type.values():
        fields = pl.concat(frames)
        mediated = mediate(fields)
        assert_contract(UsageRecords, as_usage_records(mediated.records, file_number=1, format_name="fuzz"))
        refused = mediated.refused.filter(pl.col("leg") == "main")
        _contract_of_refused(mediated.refused)
        together = pl.concat([mediated.records["record_number"], refused["record_number"]])
        assert together.sort().equals(fields["record_number"].sort())
        _tells_nothing(fields, mediated.refused)
    unreadable = [part.unreadable for one in given for part in one.reads if part.unreadable.height]
    if unreadable:
        facts = (pl.lit("main").alias("leg"), pl.lit(None, pl.String).alias("account_id"))
        _contract_of_refused(pl.concat(unreadable).with_columns(facts))
    _assemble_each(given)


def _contract_of_refused(refused: pl.DataFrame) -> None:
    assert_contract(RefusedRecords, conform(RefusedRecords, refused, {"file_number": 1}))


def _assemble_each(given: list[Given]) -> None:
    """The events of each format that has such, of all its files together, as parts come in several."""
    for form in {id(one.sample.form): one.sample.form for one in given}.values():
        parts = [
            conform(EventParts, part.parts, {"file_number": number, "format": form.NAME, "state": "waiting"})
            for number, one in enumerate(given, start=1)
            for part in one.reads
            if one.sample.form is form and part.parts is not None and part.parts.height
        ]
        if parts:
            _assemble(assert_contract(EventParts, pl.concat(parts)), form)


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
    place = ("file_number", "record_number")
    assert whole.states.select(place).sort(place).equals(parts.select(place).sort(place))
    stand = pl.concat([whole.usage.select(place), whole.refused.select(place)])
    assert stand.join(parts, on=place, how="anti").is_empty()


def _tells_nothing(fields: pl.DataFrame, refused: pl.DataFrame) -> None:
    """No word of a message's text stands in what is told of a refused record, or is kept of a part."""
    texts = fields.filter(pl.col("record_number").is_in(refused["record_number"].implode()))["text"].drop_nulls()
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
