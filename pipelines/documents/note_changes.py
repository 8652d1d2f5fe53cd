"""What notes change: the legs that they rated beside those that were charged before, by the bill or by an earlier note."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipelines.storage.month_files import MonthFiles, scan
from transforms.billing.changes import astray, changed_legs, itemised_changes, line_rounding
from transforms.billing.corrections import NOTE
from transforms.billing.money import MinorUnits
from transforms.tables.base import columns
from transforms.tables.usage import RatedUsage

_USAGE = list(columns(RatedUsage))


@dataclass(frozen=True)
class Noted:
    """What `notes` change, by their numbers, which stand in the column account_id: the legs (of `changed_legs`), the rows of
    their CSVs (of `itemised_changes`), account_id and rounding; and the notes whose legs do not tell what their lines do."""

    legs: pl.DataFrame
    csv: pl.DataFrame
    rounding: pl.DataFrame
    astray: frozenset[str]

    def counted(self, notes: pl.DataFrame) -> pl.DataFrame:
        """`notes` with the number of legs that each changes as `_records`."""
        counts = self.legs.group_by(note_number="account_id").agg(pl.len().alias("_records"))
        joined = notes.drop("_records").join(counts, on="note_number", how="left", maintain_order="left")
        return joined.with_columns(pl.col("_records").fill_null(0))


def noted(before: pl.DataFrame, now: pl.DataFrame, lines: pl.DataFrame, zone: str, minor_units: MinorUnits) -> Noted:
    """What leads from the legs `before` to those `now` (RatedUsage), with the `lines` of the notes (CorrectionLines)."""
    lines = lines.with_columns(account_id="note_number")
    legs = changed_legs(before, now)
    rounding = line_rounding(legs, lines)
    wrong = astray(before, now, lines, minor_units)
    csv = itemised_changes(legs, lines, rounding, time_zone=zone)
    return Noted(legs, csv, rounding, frozenset(wrong["account_id"]))


def charged_before(files: MonthFiles, month: str, part: int, notes: pl.DataFrame) -> pl.DataFrame:
    """The legs (RatedUsage; account_id names the note) for which the accounts of `notes` (CorrectionNotes), which that part
    of the month holds, had been charged before: by their latest earlier notes, else by their bills."""
    left, found = notes.select(*NOTE, "note_number"), []
    for earlier in reversed(files.issued_parts("correction_notes", month)):
        if earlier >= part:
            continue
        last = scan("correction_notes", files.part("correction_notes", month, earlier)).select(*NOTE, _of="note_number")
        mine = last.join(left.lazy(), on=NOTE, how="inner").select("_of", "note_number").collect()
        usage = scan("corrected_usage", files.part("corrected_usage", month, earlier)).rename({"note_number": "_of"})
        found.append(_of_notes(usage, mine, ["_of"]))
        left = left.join(mine, on="note_number", how="anti")
    bills = scan("rated_usage", files.paths("rated_usage", [month], issued=True))
    return pl.concat([*found, _of_notes(bills, left, NOTE)])


def _of_notes(usage: pl.LazyFrame, notes: pl.DataFrame, key: list[str] | tuple[str, ...]) -> pl.DataFrame:
    """The legs that `notes` name by `key`, under the number of the note."""
    first = key[0]
    between = (pl.col(first) >= notes[first].min()) & (pl.col(first) <= notes[first].max())
    mine = usage.filter(between).join(notes.lazy(), on=key, how="inner")
    return mine.with_columns(account_id="note_number").select(_USAGE).collect()
