"""Reference files, price tables and raw usage into the warehouse; each usage file once per content, wholly or not at all."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

import polars as pl

from pipelines import reference
from pipelines.behind import one_ahead, one_behind
from pipelines.catalogue import PRICE_TABLES, REFERENCE, in_warehouse
from pipelines.inbox import Batch, InboxFile, find_files, read
from pipelines.kept import keep
from pipelines.session import Session
from pipelines.settings import SETTINGS_FILE
from pipelines.sources import source_of, why_not_read
from pipelines.stages import Facts
from pipelines.stages.assemble import NEW_FILES, assemble_events
from pipelines.stages.repeated import repeated_events
from transforms.mediation import records
from transforms.mediation.duplicates import find_duplicates
from transforms.mediation.formats import Format, Read, Reader, all_formats, lines_read
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
    prices = reference.read_price_tables(session.installation)
    found = reference.read_reference(session.installation, prices)
    credits = found.frames["credits"]
    receipts = session.warehouse.frame("SELECT * FROM receipts")
    reference.unchanged_credits(receipts, session.table("posted_ledger"), credits, session.installation)
    valid = reference.valid_vat_numbers(found.frames["accounts"], session.seller_country)
    reference.enough_vat_rates(
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
    """Loads the files of the inbox whose content is new, in the order of their paths."""
    session.progress.stage("load usage")
    formats = all_formats()
    files, strange = find_files(session.installation, formats)
    for sentence in strange:
        session.progress.warn(sentence)
    facts: Facts = {"new_files": 0, "records": 0, "refused": 0}
    for group in _groups(_new_files(session, files)):
        with session.warehouse.transaction():
            for file, file_id in group:
                source = source_of(session.installation, file)
                records_in, refused = _load_file(session, file, file_id, formats[file.format], source)
                facts["new_files"] = int(facts["new_files"]) + 1
                facts["records"] = int(facts["records"]) + records_in
                facts["refused"] = int(facts["refused"]) + refused
    return facts


def load_again(session: Session, files: Sequence[tuple[InboxFile, str, Source]]) -> None:
    """Loads these files, each with its SHA-256 and as the source it was loaded from, in this order, and compares their
    records."""
    formats = all_formats()
    sources = {file_id: source for _, file_id, source in files}
    for group in _groups((file, file_id) for file, file_id, _ in files):
        with session.warehouse.transaction():
            for file, file_id in group:
                _load_file(session, file, file_id, formats[file.format], sources[file_id])
    compare_records(session)


def _new_files(session: Session, files: list[InboxFile]) -> Iterator[tuple[InboxFile, str]]:
    """The files whose content was not loaded before, with their SHA-256."""
    warehouse = session.warehouse
    seen = {
        path: (size, changed)
        for path, size, changed in warehouse.connection.execute(
            "SELECT path, bytes, changed_ns FROM seen_paths"
        ).fetchall()
    }
    loaded = {row[0] for row in warehouse.connection.execute("SELECT file_id FROM loaded_files").fetchall()}
    for file in files:
        if seen.get(file.name) == file.signature():
            continue
        if why_not := why_not_read(session.installation, file):
            session.progress.warn(why_not)
            continue
        file_id = file.sha256()
        if file_id in loaded:
            _remember_path(session, file, file_id)
        else:
            loaded.add(file_id)
            yield file, file_id


def _groups(files: Iterator[tuple[InboxFile, str]]) -> Iterator[list[tuple[InboxFile, str]]]:
    """Files that share a transaction: many small ones, or one large."""
    group: list[tuple[InboxFile, str]] = []
    size = 0
    for file, file_id in files:
        group.append((file, file_id))
        size += file.path.stat().st_size
        if size > COMMIT_ROWS * 100 or len(group) >= 200:
            yield group
            group, size = [], 0
    if group:
        yield group


def _remember_path(session: Session, file: InboxFile, file_id: str) -> None:
    size, changed = file.signature()
    session.warehouse.connection.execute("DELETE FROM seen_paths WHERE path = ?", [file.name])
    session.warehouse.connection.execute(
        "INSERT INTO seen_paths VALUES (?, ?, ?, ?)", [file.name, size, changed, file_id]
    )


def _load_file(session: Session, file: InboxFile, file_id: str, form: Format, source: Source) -> tuple[int, int]:
    """Loads one file; returns its records and how many were refused. Belongs into a transaction."""
    warehouse = session.warehouse
    number = (warehouse.value("SELECT max(file_number) FROM loaded_files") or 0) + 1
    kind, batches = read(file, form.KINDS)
    reader = form.reader(kind, source)
    refused = unbillable = kept = damaged = parts = 0
    lines = None
    with one_behind() as later:
        for part, damage, counted in one_ahead(_parts(batches, reader)):
            lines = counted
            if part is not None:
                usage, refusals = _mediate(part, number, form.NAME)
                waiting = _parts_of_events(part, number, form.NAME)
                later(partial(_insert, session, usage, refusals, waiting))
                if part.numbers is not None:
                    later(
                        partial(
                            session.warehouse.insert, "number_events", _number_events(part.numbers, number, form.NAME)
                        )
                    )
                main = refusals.filter(pl.col("leg") == "main").height
                refused += main
                kept += usage.height
                unbillable += part.unbillable
                parts += waiting.height
                session.progress.advance(usage.height + main + part.unbillable + waiting.height)
            if damage:
                damaged = 1
                lost = _damaged(number, reader.records + 1, damage)
                later(partial(_insert, session, empty(UsageRecords), lost, empty(EventParts)))
    seen = reader.records + damaged
    if seen != kept + refused + unbillable + parts + damaged:
        gone = kept + refused + unbillable + parts + damaged
        raise AssertionError(f"{file.path}: {seen} records came in, {gone} went on")
    warehouse.connection.execute(
        "INSERT INTO loaded_files BY NAME SELECT ? AS file_number, ? AS file_id, ? AS path, ? AS format, ? AS bytes, "
        "? AS records, ? AS unbillable, ?::TIMESTAMPTZ AS loaded_at, false AS compared, ? AS source, ? AS lines, "
        "? AS lines_read, true AS totalled",
        [
            *(number, file_id, file.name, form.NAME, file.path.stat().st_size),
            *(seen, unbillable, datetime.now(UTC), source.as_text()),
            *(lines, None if lines is None or (damaged and kind == "columns") else lines_read(reader)),
        ],
    )
    _remember_path(session, file, file_id)
    return seen, refused + damaged


def _parts(batches: Iterator[Batch], reader: Reader) -> Generator[tuple[Read | None, str | None, int | None]]:
    """What `reader` reads of each batch, what is wrong with the rest of the file, and its lines; the two come last."""
    for batch in batches:
        yield reader.feed(batch.frame, last=batch.last) if batch.frame.width else None, batch.damage, batch.lines


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
            repeated = find_duplicates(candidates)
            with warehouse.lent("found_now", repeated):
                fresh = warehouse.frame(
                    "SELECT * FROM found_now ANTI JOIN duplicates USING (file_number, record_number)"
                )
            warehouse.insert("duplicates", fresh)
            found += fresh.height
        warehouse.connection.execute("UPDATE loaded_files SET compared = true WHERE NOT compared")
    return {"compared": new, "repeated": found}
