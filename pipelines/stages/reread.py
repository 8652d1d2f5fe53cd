"""Records read again from their raw files: those that were refused, or all of a source that stand on no issued bill.

What is read then stands at the same file and position as before; nothing is loaded twice. Which records were read again,
when, and by which settings, is kept, so that an issue can be made again as it was (docs/adr/0016-read-again.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from pipelines.inputs.raw_files import Loaded, find_again
from pipelines.inputs.sources import source_of
from pipelines.stages.load import read_again
from pipelines.stages.replace_records import (
    NEW,
    OUTSIDE,
    choose,
    leave,
    leave_refused,
    prepare,
    put_in_place,
    take_whole,
)
from pipelines.storage.audit import add_entry
from pipelines.storage.session import Session
from pipelines.storage.unfinished import must_publish
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source


@dataclass
class Reread:
    """What reading again came to: records and legs that had been `refused`, how many of them are `mended`, the `files`
    read, and `problems` as sentences."""

    refused: int = 0
    mended: int = 0
    files: int = 0
    problems: list[str] = field(default_factory=list)


def reread_records(session: Session, folder: str | None = None) -> Reread:
    """Reads again what was refused, with the settings of today; with `folder` of the inbox (`asterisk`, `asterisk/paris`)
    all records of its files that stand on no issued bill and are not written off.

    One transaction. A file that is gone, or has other records by these settings, is told, and its records stay.
    """
    session.progress.stage("read again")
    if folder is None and not session.warehouse.value("SELECT 1 FROM refused_records LIMIT 1"):
        return Reread()
    with session.warehouse.transaction():
        choose(session, folder)
        found = Reread(refused=_count(session, "taken_refused"))
        files = find_again(session, _OF_FILES)
        sources: dict[int, Source] = {}
        for loaded in files:
            if loaded.file is None:
                found.problems.append(loaded.missing())
                leave(session, loaded.number)
                continue
            try:
                sources[loaded.number] = source_of(session.installation, loaded.file)
            except ValueError as error:
                found.problems.append(f"{loaded.name}: {error}")
                leave(session, loaded.number)
        there = [loaded for loaded in files if loaded.number in sources]
        _read(session, there, sources, found, whole_files=folder is not None)
        if folder is None:
            leave_refused(session)
        put_in_place(session)
        _note(session, sources)
        found.files = len(there)
        found.mended = found.refused - _count(session, f"taken_refused SEMI JOIN refused_records USING ({_LEG})")
        if found.mended or folder is not None:
            which = f"all of {folder} that is on no issued bill" if folder else "what was refused"
            said = f"{which} read again in {found.files} files; {found.mended} of {found.refused} refused are mended"
            add_entry(session, "recycle", None, said)
            if session.installation.published.exists():
                must_publish(session)
    return found


_OF_FILES = "file_number IN (SELECT file_number FROM taken UNION SELECT file_number FROM taken_legs)"
_LEG = "file_number, record_number, leg"


def repeat_readings(then: Session, readings: pl.DataFrame, places: pl.DataFrame, files: Sequence[Loaded]) -> None:
    """Reads again in the warehouse `then` what was read again in another: `readings` (reading, file_number, read_at,
    source) in their order, each its `places` (reading, file_number, record_number, leg)."""
    by_number = {loaded.number: loaded for loaded in files}
    for number in readings["reading"].unique().sort():
        mine, here = readings.filter(pl.col("reading") == number), places.filter(pl.col("reading") == number)
        sources = {file: Source.from_text(source) for file, source in mine.select("file_number", "source").iter_rows()}
        with then.warehouse.transaction():
            prepare(then)
            for leg, table in (("main", "taken"), ("forwarded", "taken_legs")):
                then.warehouse.insert(table, here.filter(pl.col("leg") == leg).select("file_number", "record_number"))
            _read(then, [by_number[file] for file in sources], sources, Reread(), whole_files=True)
            put_in_place(then)
            then.warehouse.insert("readings", mine)
            then.warehouse.insert("read_again", here)


def _count(session: Session, table: str) -> int:
    return int(session.warehouse.value(f"SELECT count(*) FROM {table}"))


def _read(
    session: Session, files: Sequence[Loaded], sources: dict[int, Source], found: Reread, *, whole_files: bool
) -> None:
    """Reads the places that are taken into the tables NEW. With `whole_files` places that report no usage are taken as
    well where all others are, so that a file may have another number of records than before."""
    warehouse, formats = session.warehouse, all_formats()
    for loaded in files:
        assert loaded.file is not None
        places = warehouse.frame(
            "SELECT DISTINCT record_number FROM (FROM taken UNION ALL FROM taken_legs) WHERE file_number = ?",
            [loaded.number],
        )
        before, unbillable = warehouse.connection.execute(
            "SELECT records, unbillable FROM loaded_files WHERE file_number = ?", [loaded.number]
        ).fetchall()[0]
        # Of a file that has grown, or goes on from another, single records are known again, not their number.
        alone = loaded.grown_from is None and not loaded.grown
        whole = alone and (whole_files or not unbillable) and not warehouse.value(OUTSIDE, {"file": loaded.number})
        records = 0
        form = formats[loaded.file.format]
        for piece in read_again(session, loaded, form, sources[loaded.number]):
            records += piece.records
            for table, frame in zip(NEW.values(), (piece.usage, piece.refused, piece.parts), strict=True):
                mine = frame if whole else frame.join(places, on="record_number", how="semi", maintain_order="left")
                warehouse.insert(table, mine)
            session.progress.advance(piece.records)
        if records == before:
            continue
        if whole:
            take_whole(session, loaded.number, max(records, before))
            warehouse.connection.execute(
                "UPDATE loaded_files SET records = ? WHERE file_number = ?", [records, loaded.number]
            )
        else:
            found.problems.append(
                f"{loaded.name}: has {records:,} records as it would be read now, and had {before:,}: left as it is"
            )
            leave(session, loaded.number)


def _note(session: Session, sources: dict[int, Source]) -> None:
    """Keeps what was read again, and how. Belongs into the transaction."""
    warehouse = session.warehouse
    reading = 1 + int(warehouse.value("SELECT coalesce(max(reading), 0) FROM readings"))
    warehouse.connection.execute(
        "INSERT INTO read_again SELECT ?, file_number, record_number, 'main' FROM taken "
        "UNION ALL SELECT ?, file_number, record_number, 'forwarded' FROM taken_legs",
        [reading, reading],
    )
    now = datetime.now(UTC)
    for number, source in sources.items():
        warehouse.connection.execute(
            "INSERT INTO readings SELECT ?, ?, ?, ? WHERE ? IN (SELECT file_number FROM read_again WHERE reading = ?)",
            [reading, number, now, source.as_text(), number, reading],
        )
