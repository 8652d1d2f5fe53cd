"""Which files of the inbox are new, which have grown, and which were changed otherwise and are refused (docs/inputs.md).

A file is known by its content. One that begins with what was loaded from its name before has grown: what is known of it
is left out. What stood half at its old end is taken back, unless it is billed already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pipelines import file_totals
from pipelines.inbox import InboxFile, read
from pipelines.session import Session
from pipelines.sources import source_of, why_not_read
from transforms.mediation.formats import Format, Read
from transforms.mediation.source import Source


@dataclass(frozen=True)
class NewFile:
    """A file to load: its first bytes as they were hashed, its `signature` before that, the number of the file that it has
    `grown_from`, and its `source` where that is not what the settings say now."""

    file: InboxFile
    file_id: str
    signature: tuple[int, int]
    grown_from: int | None = None
    source: Source | None = None


@dataclass(frozen=True)
class _Content:
    """A content that is loaded."""

    number: int
    bytes: int
    format: str
    grown_from: int | None


@dataclass
class _Inbox:
    """What is known of the inbox: `seen` signature and content by path, `refused` the same, `loaded` by content; and what
    each path `holds` now."""

    seen: dict[str, tuple[tuple[int, int], str]]
    refused: dict[str, tuple[tuple[int, int], str]]
    loaded: dict[str, _Content]
    holds: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def read(session: Session) -> _Inbox:
        """As the warehouse has it."""
        rows = session.warehouse.connection.execute
        paths = {
            table: {
                path: ((size, changed), file_id)
                for path, size, changed, file_id in rows(
                    f"SELECT path, bytes, changed_ns, file_id FROM {table}"
                ).fetchall()
            }
            for table in ("seen_paths", "changed_files")
        }
        contents = rows("SELECT file_id, file_number, bytes, format, grown_from FROM loaded_files").fetchall()
        return _Inbox(
            paths["seen_paths"], paths["changed_files"], {file_id: _Content(*facts) for file_id, *facts in contents}
        )

    def before(self, file: InboxFile) -> _Content | None:
        """What was loaded from that name before."""
        return self.loaded.get(self.seen[file.name][1]) if file.name in self.seen else None

    def lies_elsewhere(self, content: _Content, name: str) -> bool:
        """Whether the content, or what has grown from it, is in the inbox under another name than `name`."""
        by_number = {found.number: found for found in self.loaded.values()}
        for path, file_id in self.holds.items():
            found = self.loaded.get(file_id) if path != name else None
            while found is not None and found.number != content.number:
                found = by_number.get(found.grown_from) if found.grown_from else None
            if found is not None:
                return True
        return False


def new_files(session: Session, files: list[InboxFile], formats: Mapping[str, Format]) -> Iterator[NewFile]:
    """The files whose content was not loaded before; those that were changed last, and only where their old content lies
    in the inbox under another name: else they are refused, which is told."""
    inbox = _Inbox.read(session)
    touched = [file for file in files if file.name in inbox.seen and _signature(file) != inbox.seen[file.name][0]]
    changed: list[NewFile] = []
    for file in files:
        signature = _signature(file)
        if signature is None:
            continue
        if file.name in inbox.seen and inbox.seen[file.name][0] == signature:
            inbox.holds[file.name] = inbox.seen[file.name][1]
            continue
        if why_not := why_not_read(session.installation, file):
            session.progress.warn(why_not)
            continue
        file = replace(file, size=signature[0])
        if file.name in inbox.refused and inbox.refused[file.name][0] == signature:
            changed.append(NewFile(file, inbox.refused[file.name][1], signature))
            continue
        try:
            new = _identified(inbox, file, signature, touched, formats[file.format])
        except (PermissionError, FileNotFoundError) as error:
            session.progress.warn(f"{file.path}: not loaded: {error.strerror or error}")
            continue
        if new.file_id in inbox.loaded:
            inbox.holds[file.name] = new.file_id
            remember_path(session, new)
        elif new.grown_from is None and _is_changed(inbox, file):
            changed.append(new)
        else:
            yield _taken(inbox, new)
    refused = []
    for new in changed:
        before = inbox.before(new.file)
        if new.file_id in inbox.loaded:
            remember_path(session, new)
        elif before is None or inbox.lies_elsewhere(before, new.file.name):
            yield _taken(inbox, new)
        else:
            refused.append(new)
    _refuse(session, inbox, refused, formats)


def _signature(file: InboxFile) -> tuple[int, int] | None:
    try:
        return file.signature()
    except FileNotFoundError:
        return None


def _taken(inbox: _Inbox, new: NewFile) -> NewFile:
    number = 1 + max((found.number for found in inbox.loaded.values()), default=0)
    inbox.loaded[new.file_id] = _Content(number, new.file.length, new.file.format, new.grown_from)
    inbox.holds[new.file.name] = new.file_id
    return new


def _is_changed(inbox: _Inbox, file: InboxFile) -> bool:
    before = inbox.before(file)
    return before is not None and before.format == file.format


def _identified(
    inbox: _Inbox, file: InboxFile, signature: tuple[int, int], touched: list[InboxFile], form: Format
) -> NewFile:
    """The file with its SHA-256, and what it has grown from: what its own name held, or another name that holds something
    else now, as after `Master.csv` was moved to `Master.csv.1` and begun again."""
    candidates = {
        (content.bytes, inbox.seen[other.name][1]): content
        for other in (*touched, file)
        for content in [inbox.before(other)]
        if content is not None and content.format == file.format and content.bytes < file.length
        if other.name == file.name or content.bytes
    }
    sizes = sorted({size for size, _ in candidates} | {file.length})
    digests = dict(zip(sizes, file.digests(sizes), strict=True))
    starts = [content for (size, file_id), content in sorted(candidates.items()) if digests[size] == file_id]
    if starts and read(file, form.KINDS)[0] == "columns":
        starts = []
    return NewFile(file, digests[file.length], signature, starts[-1].number if starts else None)


def remember_path(session: Session, new: NewFile) -> None:
    """Keeps the signature under which the path holds that content."""
    execute = session.warehouse.connection.execute
    execute("DELETE FROM seen_paths WHERE path = ?", [new.file.name])
    execute("INSERT INTO seen_paths VALUES (?, ?, ?, ?)", [new.file.name, *new.signature, new.file_id])


def _refuse(session: Session, inbox: _Inbox, refused: list[NewFile], formats: Mapping[str, Format]) -> None:
    """Makes `refused` the files that are refused, with a sentence for each."""
    execute = session.warehouse.connection.execute
    known = {
        (path, file_id): rows
        for path, file_id, *rows in execute(
            "SELECT path, file_id, records, first_seen_at FROM changed_files ORDER BY path"
        ).fetchall()
    }
    with session.warehouse.transaction():
        execute("DELETE FROM changed_files")
        for new in refused:
            name, file_id = new.file.name, new.file_id
            try:
                records, since = known.pop((name, file_id), None) or (
                    count_records(session, new.file, formats[new.file.format]),
                    datetime.now(UTC),
                )
            except FileNotFoundError:
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


def known_records(session: Session, number: int, form: Format) -> int:
    """How many records of the loaded file are settled: whatever is appended to it, they are read the same."""
    facts = "SELECT settled, path, bytes FROM loaded_files WHERE file_number = ?"
    ((settled, path, size),) = session.warehouse.connection.execute(facts, [number]).fetchall()
    if settled is not None:
        return int(settled)
    # It was loaded by a version of callbill that did not note it.
    file = InboxFile(session.installation.home / path, path, form.NAME, size)
    kind, batches = read(file, form.KINDS, session.installation.settings.load)
    reader = form.reader(kind, source_of(session.installation, file))
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
