"""What format a file has, told by reading it as each that it might be: `callbill sniff`. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import polars as pl

from pipelines.errors import BadInput
from pipelines.inputs.inbox import Batch, InboxFile, read
from pipelines.inputs.sources import source_of
from pipelines.settings import Installation
from transforms.mediation.contract import AssemblingFormat, Format, header_problem
from transforms.mediation.formats import all_formats
from transforms.mediation.parts import assemble_parts
from transforms.mediation.records import as_usage_records, mediate
from transforms.mediation.values import shape
from transforms.privacy import masked_number
from transforms.tables.base import conform
from transforms.tables.usage import EventParts

READ_LINES = 20_000
"""So many lines of a file, or rows of a Parquet file, are read."""

HEAD_CHARACTERS = 4096


@dataclass(frozen=True)
class Sniffed:
    """What a file is when it is read as one format. `usage`: UsageRecords in the order of the file; `refused`:
    record_number, reason, detail; `incomplete`: records of events that are not whole in what was read; `problem`: why
    none of its records can be read as that."""

    form: Format
    recognised: bool
    records: int
    usage: pl.DataFrame
    refused: pl.DataFrame
    unbillable: int
    told: int
    incomplete: int
    beginning_only: bool
    problem: str | None = None

    def rank(self) -> tuple[int, int, bool]:
        """In thousandths of its records: how many became usage or stand in one, and how many were read at all."""
        records = max(self.records, 1)
        good = self.usage["record_number"].n_unique() + self.told + self.incomplete
        return good * 1000 // records, (good + self.unbillable) * 1000 // records, self.recognised


def sniff_file(
    installation: Installation, path: Path, form: str | None, shown: int, *, show_numbers: bool = False
) -> dict[str, Any]:
    """What the file is: `format`, `also_possible` formats that read it as well, counts of its records, the refused ones by
    reason, the `problem` of its header where it has one, the first `shown` as usage, and where to put it. Raises BadInput
    where no format reads any of it."""
    formats = all_formats()
    if form is not None and form not in formats:
        raise BadInput(f"there is no format {form}; callbill knows {', '.join(sorted(formats))}")
    tried = [formats[form]] if form else list(formats.values())
    found = [_read_as(installation, path, one) for one in tried]
    if form is None:
        recognised = [one for one in found if one.recognised and one.records]
        found = recognised or [one for one in found if one.rank()[0] > 0]
    found.sort(key=Sniffed.rank, reverse=True)
    if not found:
        raise BadInput(
            f"{path}: no format that callbill knows ({', '.join(sorted(formats))}) reads a record of it; any CSV can be "
            "described as format table, see docs/formats/table.md"
        )
    if form is None and all(one.problem for one in found):
        sentences = [f"{path}: no record of it is read as {one.form.NAME}: {one.problem}" for one in found]
        raise BadInput(sentences)
    best = found[0]
    as_good = [one.form.NAME for one in found[1:] if one.rank()[:2] == best.rank()[:2] and best.rank()[1]]
    reasons = best.refused.group_by("reason", "detail", maintain_order=True).len("records")
    return {
        "file": str(path),
        "format": best.form.NAME,
        "asked": form is not None,
        "also_possible": sorted(as_good),
        "beginning_only": best.beginning_only,
        "records": best.records,
        "usage": best.usage["record_number"].n_unique(),
        "refused": best.refused["record_number"].n_unique(),
        "unbillable": best.unbillable + best.told,
        "incomplete": best.incomplete,
        "problem": best.problem,
        "reasons": reasons.sort("records", descending=True, maintain_order=True).head(REASONS_MAX).to_dicts(),
        "shown": _shown(best.usage.head(shown), show_numbers=show_numbers),
        "put_into": str(installation.inbox / best.form.NAME),
    }


REASONS_MAX = 10


def _read_as(installation: Installation, path: Path, form: Format) -> Sniffed:
    """The beginning of the file read as that format, with the settings of its folder."""
    file = InboxFile(path, f"{installation.inbox.name}/{form.NAME}/{path.name}", form.NAME)
    kind, batches = read(file, form.KINDS)
    batch = next(batches, None)
    if batch is None or not batch.frame.width:
        return _nothing(form)
    head = ""
    if "line" in batch.frame.columns:
        head = "\n".join(batch.frame["line"].head(100).to_list())[:HEAD_CHARACTERS]
    if not batch.last:
        batch = _with_end(batch, next(batches, None))
    frame = batch.frame.head(READ_LINES)
    last = batch.last and batch.damage is None and frame.height == batch.frame.height
    try:
        reader = form.reader(kind, source_of(installation, file))
    except ValueError:
        # What would describe it is not there, or unsound.
        return _nothing(form)
    got = reader.feed(frame, last=last)
    mediated = mediate(got.fields)
    usage = as_usage_records(mediated.records, file_number=1, format_name=form.NAME)
    refused = [mediated.refused.filter(pl.col("leg") == "main"), got.unreadable]
    told = incomplete = 0
    if got.parts is not None and got.parts.height:
        facts = {"file_number": 1, "format": form.NAME, "state": "waiting"}
        parts = conform(EventParts, got.parts, facts)
        one_suffices = getattr(form, "ONE_SUFFICES", False)
        assemble = cast(AssemblingFormat, form).assemble
        whole = assemble_parts(parts, assemble, format_name=form.NAME, one_suffices=one_suffices)
        usage = pl.concat([usage, whole.usage]).sort("record_number")
        refused.append(whole.refused.filter(pl.col("leg") == "main"))
        incomplete = whole.states.filter(pl.col("state") == "waiting").height
        told = whole.states.filter(pl.col("state").is_in(["told", "repeated"])).height
    columns = ("record_number", "reason", "detail")
    return Sniffed(
        form,
        form.recognises(head) if head else kind == "columns" and usage.height > 0,
        reader.records,
        usage,
        pl.concat([part.select(columns) for part in refused]).sort("record_number"),
        got.unbillable,
        told,
        incomplete,
        beginning_only=not last,
        problem=header_problem(reader),
    )


def _with_end(batch: Batch, following: Batch | None) -> Batch:
    """The first batch, with what follows where that is the end of the file: nothing, or a line that has no end."""
    if following is None:
        return replace(batch, last=True)
    if not following.last or following.damage is not None:
        return batch
    frames = [frame for frame in (batch.frame, following.frame) if frame.width]
    return replace(following, frame=pl.concat(frames))


def _nothing(form: Format) -> Sniffed:
    usage = as_usage_records(pl.DataFrame(schema={"record_number": pl.Int64}), file_number=1, format_name=form.NAME)
    refused = pl.DataFrame(schema={"record_number": pl.Int64, "reason": pl.String, "detail": pl.String})
    return Sniffed(form, False, 0, usage, refused, 0, 0, 0, False)


def _shown(usage: pl.DataFrame, *, show_numbers: bool) -> Sequence[dict[str, Any]]:
    """Records as a person reads them; who called first, whichever of the two is the customer."""
    inbound = pl.col("direction") == "inbound"
    number = {
        name: pl.col(name)
        if show_numbers
        else pl.when(pl.col(name).str.starts_with("+")).then(masked_number(pl.col(name))).otherwise(shape(pl.col(name)))
        for name in ("own_number", "other_number", "forwarded_to")
    }
    quantity = (
        pl.when(pl.col("service") == "voice")
        .then(pl.format("{} s", "billable_seconds"))
        .otherwise(pl.format("{} segments", pl.col("segments").fill_null(0)))
    )
    return usage.select(
        record=pl.col("record_number"),
        service="service",
        direction="direction",
        **{
            "from": pl.when(inbound).then(number["other_number"]).otherwise(number["own_number"]),
            "to": pl.when(inbound).then(number["own_number"]).otherwise(number["other_number"]),
        },
        started=pl.col("started_at").dt.to_string("%Y-%m-%d %H:%M:%SZ"),
        quantity=quantity,
        status="status",
        forwarded_to=number["forwarded_to"],
        name="record_id",
    ).to_dicts()
