"""Reference files, price tables and raw usage into the warehouse; each usage file once per content, wholly or not at all."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import polars as pl

from pipelines.inputs.file_sequence import missing_files
from pipelines.inputs.inbox import Batch, find_files, read
from pipelines.inputs.raw_bytes import HELD_BYTES, UNREADABLE, FileChanged, not_loaded
from pipelines.inputs.raw_files import Loaded
from pipelines.inputs.sources import source_of
from pipelines.overlap import prefetch, write_behind
from pipelines.reference import consistency
from pipelines.settings import SETTINGS_FILE
from pipelines.stages import Facts
from pipelines.stages.assemble import NEW_FILES, assemble_events
from pipelines.stages.duplicate_search import repeated_events
from pipelines.stages.file_versions import known_records, new_files, only_new, take_back
from pipelines.stages.identity import NewFile, remember_path
from pipelines.storage import file_totals
from pipelines.storage.catalogue import PRICE_TABLES, REFERENCE, in_warehouse
from pipelines.storage.kept_inputs import keep
from pipelines.storage.session import Session
from transforms.mediation import records
from transforms.mediation.contract import Format, Read, Reader, header_problem, lines_read
from transforms.mediation.duplicates import find_duplicates
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source
from transforms.tables.base import assert_contract, conform, empty
from transforms.tables.usage import EventParts, NumberEvents, RefusedRecords, UsageRecords

COMMIT_ROWS = 2_000_000
"""Small files share a transaction up to about so many records."""

INPUT_TABLES = (*REFERENCE, *map(in_warehouse, PRICE_TABLES))
"""The tables of the warehouse that hold reference and price files."""


def load_reference_and_prices(session: Session, name: str) -> Facts:
    """Reads accounts, numbers, credits, payments and the price tables, and replaces them in the warehouse together.

    Raises BadInput before anything is written, also where the month `name` would lack a VAT rate.
    """
    session.progress.stage("reference and prices")
    prices = consistency.read_price_tables(session.installation)
    found = consistency.read_reference(session.installation, prices)
    credits = found.frames["credits"]
    receipts = session.warehouse.frame("SELECT * FROM receipts")
    consistency.unchanged_credits(receipts, session.table("posted_ledger"), credits, session.installation)
    valid = consistency.valid_vat_numbers(found.frames["accounts"], session.seller_country)
    consistency.enough_vat_rates(
        session.installation, found.frames["accounts"], valid, prices.frames["vat_rates"], session.month(name)
    )
    frames = {**found.frames, **{in_warehouse(name): frame for name, frame in prices.frames.items()}}
    settings = session.installation.settings_file
    contents = (prices | found).contents | {SETTINGS_FILE: settings.read_bytes() if settings.exists() else None}
    sha256 = keep(session.installation, contents)
    with session.warehouse.transaction():
        for name, frame in frames.items():
            session.warehouse.replace(name, frame)
        session.warehouse.replace("valid_vat_numbers", valid)
        session.warehouse.note("reference_and_prices", None, sha256)
    rows = {name: frame.height for name, frame in frames.items()}
    session.progress.advance(sum(rows.values()))
    return {f"{name}_rows": count for name, count in rows.items()}


def load_usage(session: Session) -> Facts:
    """Loads the files of the inbox whose content is new, in the order of their paths; of one that has grown its new
    records. Tells of what is not loaded, and of file numbers that are missing."""
    session.progress.stage("load usage")
    formats = all_formats()
    files, strange = find_files(session.installation, formats)
    for sentence in strange:
        session.progress.warn(sentence)
    facts: Facts = {"new_files": 0, "records": 0, "refused": 0}
    for group in _groups(new_files(session, files, formats)):
        for records_in, refused in _load_group(session, group, formats):
            facts["new_files"] = int(facts["new_files"]) + 1
            facts["records"] = int(facts["records"]) + records_in
            facts["refused"] = int(facts["refused"]) + refused
    for sentence in missing_files(session):
        session.progress.warn(sentence)
    return facts


def _load_group(session: Session, group: list[NewFile], formats: Mapping[str, Format]) -> list[tuple[int, int]]:
    """Loads files in one transaction; records and refused ones of each that was loaded. One that is not what it was when it
    was hashed is told, waits for the next run, and takes no other with it."""
    done = []
    try:
        with session.warehouse.transaction():
            for new in group:
                try:
                    done.append(_load_file(session, new, formats[new.file.format]))
                except UNREADABLE as error:
                    # A small file is proven before anything of it is inserted. A large one has the transaction alone.
                    if new.file.length > HELD_BYTES:
                        raise
                    session.progress.warn(not_loaded(new.file.path, error))
    except UNREADABLE as error:
        session.progress.warn(not_loaded(group[0].file.path, error))
        return []
    return done


def load_again(session: Session, files: Sequence[NewFile]) -> None:
    """Loads these files, in this order, and compares their records."""
    formats = all_formats()
    for group in _groups(iter(files)):
        with session.warehouse.transaction():
            for new in group:
                _load_file(session, new, formats[new.file.format])
    compare_records(session)


@dataclass(frozen=True)
class Piece:
    """A piece of a file: how many records it has, and UsageRecords, RefusedRecords and EventParts of them."""

    records: int
    usage: pl.DataFrame
    refused: pl.DataFrame
    parts: pl.DataFrame


def read_again(session: Session, loaded: Loaded, form: Format, source: Source) -> Iterator[Piece]:
    """What a loaded file holds, as `source` has it read; of one that has grown, what is behind the file before. Writes
    nothing."""
    assert loaded.file is not None
    known = 0 if loaded.grown_from is None else known_records(session, loaded.grown_from, form, loaded.file)
    kind, batches = read(loaded.file, form.KINDS, session.installation.settings.load)
    reader = form.reader(kind, source)
    before, number = known, loaded.number
    for part, damage, _, _ in prefetch(_parts(batches, reader)):
        if part is not None:
            fresh, _ = only_new(part, known) if known else (part, 0)
            seen = max(reader.records, known)
            yield Piece(seen - before, *_mediate(fresh, number, form.NAME), _parts_of_events(fresh, number, form.NAME))
            before = seen
        if damage:
            yield Piece(1, empty(UsageRecords), _damaged(number, reader.records + 1, damage), empty(EventParts))


def _groups(files: Iterator[NewFile]) -> Iterator[list[NewFile]]:
    """Files that share a transaction: small ones, or one that is large, as that is proven only while it is loaded."""
    group: list[NewFile] = []
    size = 0
    for new in files:
        if new.file.length > HELD_BYTES:
            yield from filter(None, (group, [new]))
            group, size = [], 0
            continue
        group.append(new)
        size += new.file.length
        if size > COMMIT_ROWS * 100 or len(group) >= 200:
            yield group
            group, size = [], 0
    if group:
        yield group


def _load_file(session: Session, new: NewFile, form: Format) -> tuple[int, int]:
    """Loads one file; returns its records and how many were refused. Belongs into a transaction."""
    warehouse, file = session.warehouse, new.file
    number = (warehouse.value("SELECT max(file_number) FROM loaded_files") or 0) + 1
    # What it has grown from may have been kept from being loaded a moment ago; then all of it is new.
    grown_from = warehouse.value("SELECT file_number FROM loaded_files WHERE file_id = ?", [new.grown_from])
    known = 0 if grown_from is None else known_records(session, grown_from, form, file)
    kind, batches = read(file, form.KINDS, session.installation.settings.load)
    try:
        source = new.source or source_of(session.installation, file)
    except ValueError as error:
        # What describes it is other than a moment ago.
        raise FileChanged(file.path, str(error)) from None
    reader = form.reader(kind, source)
    refused = unbillable = kept = damaged = parts = settled = left_out = 0
    lines = None
    with write_behind() as later:
        for part, damage, counted, before in prefetch(_parts(batches, reader)):
            lines, settled = counted, before
            if part is not None:
                unbillable += part.unbillable
                session.progress.advance(part.unbillable)
            if part is not None and not part.is_empty:
                fresh, passed = only_new(part, known) if known else (part, 0)
                usage, refusals = _mediate(fresh, number, form.NAME)
                waiting = _parts_of_events(fresh, number, form.NAME)
                later(partial(_insert, session, usage, refusals, waiting))
                if fresh.numbers is not None:
                    later(
                        partial(
                            session.warehouse.insert, "number_events", _number_events(fresh.numbers, number, form.NAME)
                        )
                    )
                main = refusals.filter(pl.col("leg") == "main").height
                refused += main
                kept += usage.height
                parts += waiting.height
                left_out += passed
                session.progress.advance(usage.height + main + waiting.height)
            if damage:
                damaged = 1
                lost = _damaged(number, reader.records + 1, damage)
                later(partial(_insert, session, empty(UsageRecords), lost, empty(EventParts)))
    seen = reader.records + damaged
    gone = left_out + kept + refused + unbillable + parts + damaged
    if seen != gone:
        raise AssertionError(f"{file.path}: {seen} records came in, {gone} went on")
    if reader.records < known:
        # It is read otherwise than it was, by other settings or another version: all of it is compared then.
        warehouse.connection.execute("DELETE FROM refused_records WHERE file_number = ?", [number])
        file_totals.recount(warehouse.connection, f"SELECT {number} AS file_number")
        return _load_file(session, replace(new, grown_from=None), form)
    # Of the known records, those that were not left out as something else are unbillable.
    seen, unbillable = seen - known, unbillable - (known - left_out)
    if grown_from is not None:
        take_back(session, grown_from, known, number)
    warehouse.connection.execute(
        "INSERT INTO loaded_files BY NAME SELECT ? AS file_number, ? AS file_id, ? AS path, ? AS format, ? AS bytes, "
        "? AS records, ? AS unbillable, ?::TIMESTAMPTZ AS loaded_at, false AS compared, ? AS source, "
        "? AS grown_from, ? AS settled, ? AS lines, ? AS lines_read, true AS totalled, ? AS packed",
        [
            *(number, new.file_id, file.name, form.NAME, file.length if file.unpacked is None else file.unpacked),
            *(seen, unbillable, datetime.now(UTC), source.as_text(), grown_from, settled),
            *(lines, None if lines is None or (damaged and kind == "columns") else lines_read(reader), new.packed),
        ],
    )
    remember_path(session, new)
    problem = header_problem(reader)
    if problem is not None and seen:
        session.progress.warn(
            f"{file.name}: no record of it is read: {problem}. Records in suspense for it: {seen:,}. Where the settings "
            "are wrong, mend them and run callbill recycle; where the file is, put it in with the right header under "
            "another name, and write these off"
        )
    return seen, refused + damaged


def _parts(batches: Iterator[Batch], reader: Reader) -> Generator[tuple[Read | None, str | None, int | None, int]]:
    """What `reader` reads of each batch, what is wrong with the rest of the file, and its lines; the two come last. With
    them, how many records came before the last batch: what is appended to the file does not change them."""
    for batch in batches:
        settled = reader.records
        part = reader.feed(batch.frame, last=batch.last) if batch.frame.width else None
        yield part, batch.damage, batch.lines, settled


def _insert(session: Session, usage: pl.DataFrame, refused: pl.DataFrame, parts: pl.DataFrame) -> None:
    session.warehouse.insert("usage_records", usage)
    session.warehouse.insert("refused_records", refused)
    session.warehouse.insert("event_parts", parts)


def _parts_of_events(part: Read, number: int, form: str) -> pl.DataFrame:
    if part.parts is None:
        return empty(EventParts)
    facts = {"file_number": number, "format": form, "state": "waiting"}
    return assert_contract(EventParts, conform(EventParts, part.parts, facts))


def _number_events(told: pl.DataFrame, number: int, form: str) -> pl.DataFrame:
    return assert_contract(NumberEvents, conform(NumberEvents, told, {"file_number": number, "format": form}))


def _mediate(part: Read, number: int, form: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    mediated = records.mediate(part.fields)
    usage = records.as_usage_records(mediated.records, file_number=number, format_name=form)
    unreadable = part.unreadable.with_columns(pl.lit("main").alias("leg"), pl.lit(None, pl.String).alias("account_id"))
    refused = pl.concat([mediated.refused, unreadable.select(mediated.refused.columns)])
    return (
        assert_contract(UsageRecords, usage),
        assert_contract(RefusedRecords, conform(RefusedRecords, refused, {"file_number": number})),
    )


def _damaged(number: int, position: int, why: str) -> pl.DataFrame:
    row = pl.DataFrame({"record_number": [position]})
    detail = f"{why}: what stands from this record on cannot be read"
    facts = {"file_number": number, "leg": "main", "reason": "unreadable", "detail": detail}
    return conform(RefusedRecords, row, facts)


def compare_records(session: Session) -> Facts:
    """Finds the records of newly loaded files that repeat an earlier record, and those that contradict one."""
    session.progress.stage("find duplicates")
    warehouse = session.warehouse
    found = 0
    with warehouse.transaction():
        assemble_events(session)
        new = int(warehouse.value(f"SELECT count(*) FROM usage_records WHERE {NEW_FILES}"))
        for candidates in repeated_events(session, NEW_FILES):
            repeated = find_duplicates(candidates, behind=("known",))
            with warehouse.lent("found_now", repeated):
                fresh = warehouse.frame(
                    "SELECT * FROM found_now ANTI JOIN duplicates USING (file_number, record_number)"
                )
            warehouse.insert("duplicates", fresh)
            found += fresh.height
        warehouse.connection.execute("UPDATE loaded_files SET compared = true WHERE NOT compared")
    return {"compared": new, "repeated": found}
