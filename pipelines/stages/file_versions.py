"""Which files of the inbox are new, which have grown, and which were changed otherwise and are refused (docs/inputs.md).

A file is known by its content. One that begins with what was loaded from its name before has grown: what is known of it
is left out. What stood half at its old end is taken back, unless it is billed already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from pipelines.inputs.inbox import InboxFile, read
from pipelines.inputs.raw_bytes import UNREADABLE, FileChanged, not_loaded
from pipelines.inputs.raw_files import Content, held_by
from pipelines.inputs.sources import source_of, why_not_read
from pipelines.stages.identity import KnownInbox, NewFile, identified, remember_path
from pipelines.storage import file_totals
from pipelines.storage.session import Session
from transforms.mediation.contract import Format, Read


def new_files(session: Session, files: list[InboxFile], formats: Mapping[str, Format]) -> Iterator[NewFile]:
    """The files whose content was not loaded before; those that were changed last, and only where their old content lies
    in the inbox under another name: else they are refused, which is told."""
    inbox = KnownInbox.read(session, files)
    changed: list[NewFile] = []
    for file in files:
        try:
            signature = file.signature()
        except UNREADABLE as error:
            session.progress.warn(not_loaded(file.path, error))
            continue
        if file.name in inbox.seen and inbox.seen[file.name][0] == signature:
            inbox.holds[file.name] = inbox.seen[file.name][1]
            continue
        if file.name in inbox.refused and inbox.refused[file.name][0] == signature:
            changed.append(NewFile(replace(file, size=signature[0]), inbox.refused[file.name][1], signature))
            continue
        new = _identified(session, inbox, file)
        if new is None:
            continue
        if new.file_id in inbox.loaded:
            inbox.holds[file.name] = new.file_id
            remember_path(session, new)
        elif new.grown_from is None and _is_changed(inbox, file):
            changed.append(new)
        else:
            yield inbox.take(new)
    refused = []
    for new in changed:
        before = inbox.before(new.file)
        if new.file_id in inbox.loaded:
            remember_path(session, new)
        elif before is None or inbox.lies_elsewhere(before, new.file.name):
            # One that was refused before was not hashed now.
            proven = new if new.file.proof else _identified(session, inbox, replace(new.file, size=None))
            if proven is not None and proven.file_id not in inbox.loaded:
                yield inbox.take(proven)
        else:
            refused.append(new)
    _refuse(session, inbox, refused, formats)


def _identified(session: Session, inbox: KnownInbox, file: InboxFile) -> NewFile | None:
    """What the file is; None, which is told, where it cannot be read."""
    try:
        why_not = why_not_read(session.installation, file)
        new = None if why_not else identified(inbox, file, session.installation.settings.load)
    except UNREADABLE as error:
        why_not, new = not_loaded(file.path, error), None
    if why_not:
        session.progress.warn(why_not)
    return new


def _is_changed(inbox: KnownInbox, file: InboxFile) -> bool:
    before = inbox.before(file)
    return before is not None and before.format == file.format


def _refuse(session: Session, inbox: KnownInbox, refused: list[NewFile], formats: Mapping[str, Format]) -> None:
    """Makes `refused` the files that are refused, with a sentence for each."""
    execute = session.warehouse.connection.execute
    known = {
        (path, file_id): rows
        for path, file_id, *rows in execute(
            "SELECT path, file_id, records, first_seen_at FROM changed_files ORDER BY path"
        ).fetchall()
    }
    if not known and not refused:
        return
    with session.warehouse.transaction():
        execute("DELETE FROM changed_files")
        for new in refused:
            name, file_id = new.file.name, new.file_id
            try:
                records, since = known.pop((name, file_id), None) or (
                    count_records(session, new.file, formats[new.file.format]),
                    datetime.now(UTC),
                )
            except UNREADABLE as error:
                session.progress.warn(not_loaded(new.file.path, error))
                continue
            execute(
                "INSERT INTO changed_files VALUES (?, ?, ?, ?, ?, ?, ?::TIMESTAMPTZ)",
                [name, *new.signature, file_id, new.file.format, records, since],
            )
            session.progress.warn(
                f"{new.file.path}: refused: it was loaded with another content, which it does not go on from; give it "
                "that content back, or move this one to another name, where it is loaded as a file of its own"
            )
    for (name, file_id), (records, _) in known.items():
        if file_id not in inbox.loaded.keys() | {new.file_id for new in refused}:
            session.progress.warn(
                f"{session.installation.home / name}: the content that was refused, {records} records, is not in the "
                "inbox any more and was never loaded"
            )


def count_records(session: Session, file: InboxFile, form: Format) -> int:
    """How many records the file has, as loading it would count them."""
    kind, batches = read(file, form.KINDS, session.installation.settings.load)
    reader = form.reader(kind, source_of(session.installation, file))
    damaged = 0
    for batch in batches:
        if batch.frame.width:
            reader.feed(batch.frame, last=batch.last)
        damaged += batch.damage is not None
    return reader.records + damaged


def known_records(session: Session, number: int, form: Format, file: InboxFile) -> int:
    """How many records of the loaded file are settled: whatever is appended to it, they are read the same. `file` goes on
    from it."""
    facts = "SELECT settled, path, format, bytes, file_id FROM loaded_files WHERE file_number = ?"
    ((settled, *content),) = session.warehouse.connection.execute(facts, [number]).fetchall()
    if settled is not None:
        return int(settled)
    # It was loaded by a version of callbill that did not note it.
    limits = session.installation.settings.load
    begins = held_by(file, [Content(*content)], limits)
    if not begins:
        raise FileChanged(file.path)
    ((_, beginning),) = begins.items()
    kind, batches = read(beginning, form.KINDS, limits)
    reader = form.reader(kind, source_of(session.installation, beginning))
    for batch in batches:
        if not batch.last:
            reader.feed(batch.frame, last=False)
    return reader.records


def only_new(part: Read, known: int) -> tuple[Read, int]:
    """`part` without the first `known` records of the file; and how many were left out, the unbillable not among them."""
    frames = [part.fields, part.unreadable, *([] if part.parts is None else [part.parts])]
    fresh = [frame.filter(frame["record_number"] > known) for frame in frames]
    left_out = sum(frame.height for frame in frames) - sum(frame.height for frame in fresh)
    numbers = None if part.numbers is None else part.numbers.filter(part.numbers["record_number"] > known)
    return Read(fresh[0], fresh[1], part.unbillable, fresh[2] if len(fresh) > 2 else None, numbers), left_out


_PLACE = "(file_number, record_number)"


def take_back(session: Session, number: int, known: int, by: int) -> None:
    """Takes back the records of file `number` behind its first `known`: they stood at its end, may have been half, and
    file `by`, which has grown from it, has them whole. They count as unbillable from then on.

    What stands in a month that was issued before `by` came stays; the record of `by` is then compared with it as any
    other. Records that were judged by what is taken are judged again. Belongs into a transaction.
    """
    execute = session.warehouse.connection.execute
    mine = f"file_number = {number} AND record_number > {known}"
    execute(
        "CREATE OR REPLACE TEMP TABLE taken AS "
        + " UNION ".join(
            f"SELECT file_number, record_number FROM {table} WHERE {mine}"
            for table in ("usage_records", "refused_records", "event_parts")
        )
    )
    _leave_issued(session, mine, by)
    taken = int(session.warehouse.value("SELECT count(*) FROM taken"))
    if taken:
        _take(session, number, taken)
    execute("DROP TABLE taken")


def _leave_issued(session: Session, mine: str, by: int) -> None:
    months = "SELECT DISTINCT billing_month FROM issues WHERE last_file_number < ?"
    for (name,) in session.warehouse.connection.execute(months, [by]).fetchall():
        month = session.month(name)
        session.warehouse.connection.execute(
            f"""
            DELETE FROM taken WHERE {_PLACE} IN (
                SELECT {_PLACE} FROM usage_records WHERE {mine} AND started_at >= $starts AND started_at < $ends
                UNION ALL
                SELECT (p.file_number, p.record_number) FROM event_parts p JOIN event_parts o USING (format, event)
                JOIN usage_records u ON u.file_number = o.file_number AND u.record_number = o.record_number
                WHERE {mine.replace("file_number", "p.file_number").replace("record_number", "p.record_number")}
                AND u.started_at >= $starts AND u.started_at < $ends
            )
            """,
            {"starts": month.starts, "ends": month.ends},
        )


def _take(session: Session, number: int, taken: int) -> None:
    execute = session.warehouse.connection.execute
    execute(
        "CREATE OR REPLACE TEMP TABLE reopened AS SELECT file_number, record_number FROM event_parts "
        "SEMI JOIN (SELECT DISTINCT format, event FROM event_parts SEMI JOIN taken USING (file_number, record_number)) "
        "USING (format, event) UNION SELECT * FROM taken"
    )
    gone = f"IN (SELECT {_PLACE} FROM reopened)"
    execute(
        "UPDATE loaded_files SET compared = false WHERE file_number IN (SELECT file_number FROM reopened "
        "ANTI JOIN taken USING (file_number, record_number) UNION "
        f"SELECT file_number FROM duplicates WHERE (first_file_number, first_record_number) {gone})"
    )
    unmarked = f"{_PLACE} {gone} OR (first_file_number, first_record_number) {gone}"
    execute(f"CREATE OR REPLACE TEMP TABLE unmarked AS SELECT DISTINCT file_number FROM duplicates WHERE {unmarked}")
    execute(f"DELETE FROM duplicates WHERE {unmarked}")
    for table in ("usage_records", "refused_records"):
        execute(f"DELETE FROM {table} WHERE {_PLACE} {gone}")
    execute(f"DELETE FROM event_parts WHERE {_PLACE} IN (SELECT {_PLACE} FROM taken)")
    execute(f"UPDATE event_parts SET state = 'waiting' WHERE {_PLACE} {gone}")
    execute(
        "UPDATE suspense SET state = 'recycled' WHERE state = 'open' AND (file_id, record_number) IN (SELECT "
        "(f.file_id, r.record_number) FROM reopened r JOIN loaded_files f USING (file_number))"
    )
    execute("UPDATE loaded_files SET unbillable = unbillable + ? WHERE file_number = ?", [taken, number])
    file_totals.recount(
        session.warehouse.connection,
        "SELECT file_number FROM reopened UNION SELECT file_number FROM unmarked UNION SELECT file_number FROM taken",
    )
    execute("DROP TABLE unmarked")
    execute("DROP TABLE reopened")
