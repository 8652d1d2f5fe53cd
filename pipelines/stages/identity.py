"""What a file of the inbox is, told by its content: known, grown from a known one, or new; also where it was compressed since.

The content of a compressed file is that of its bytes as they lie, and a plain one of which it holds the beginning is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pipelines.inputs.inbox import InboxFile, is_parquet
from pipelines.inputs.raw_bytes import UNREADABLE, RawFile
from pipelines.inputs.raw_files import stem
from pipelines.inputs.unpacking import content_digests, is_packed
from pipelines.settings import Loading
from pipelines.storage.session import Session
from transforms.mediation.source import Source


@dataclass(frozen=True)
class NewFile:
    """A file to load, as it was hashed: its first bytes, their SHA-256, its `signature` before that, the content that it has
    `grown_from`, whether it is `packed`, and its `source` where that is not what the settings say now."""

    file: InboxFile
    file_id: str
    signature: tuple[int, int]
    grown_from: str | None = None
    source: Source | None = None
    packed: bool | None = None


@dataclass(frozen=True)
class LoadedContent:
    """A content that is loaded, or about to be. `told`: it has records. `packed`: None where that was not noted."""

    file_id: str
    bytes: int
    format: str
    grown_from: str | None
    packed: bool | None
    told: bool = True


Seen = dict[str, tuple[tuple[int, int], str]]
"""Signature and content by path."""


@dataclass
class KnownInbox:
    """What is known of the inbox: what was `seen` there and `refused`, what is `loaded` by its SHA-256, and what each path
    `holds` now. `moved`: contents whose name holds something else now; `gone`: those whose name is there no more, by format
    and by what such names keep when they are rotated. `plain`: formats of which something was loaded that was not
    compressed."""

    seen: Seen
    refused: Seen
    loaded: dict[str, LoadedContent]
    holds: dict[str, str] = field(default_factory=dict)
    moved: list[LoadedContent] = field(default_factory=list)
    gone: dict[tuple[str, str], list[LoadedContent]] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)

    @staticmethod
    def read(session: Session, there: Iterable[InboxFile]) -> KnownInbox:
        """As the warehouse has it, and the inbox."""
        rows = session.warehouse.connection.execute
        contents = rows(
            "SELECT f.file_id, f.bytes, f.format, b.file_id, f.packed, f.records > 0 OR f.grown_from IS NOT NULL "
            "FROM loaded_files f LEFT JOIN loaded_files b ON b.file_number = f.grown_from"
        ).fetchall()
        paths: dict[str, Seen] = {
            table: {
                path: ((size, changed), file_id)
                for path, size, changed, file_id in rows(
                    f"SELECT path, bytes, changed_ns, file_id FROM {table}"
                ).fetchall()
            }
            for table in ("seen_paths", "changed_files")
        }
        loaded = {file_id: LoadedContent(file_id, *facts) for file_id, *facts in contents}
        # What was seen and is not loaded, as a run that was killed may leave it, is not known.
        seen = {path: facts for path, facts in paths["seen_paths"].items() if facts[1] in loaded}
        inbox = KnownInbox(seen, paths["changed_files"], loaded)
        inbox.plain.update(one.format for one in loaded.values() if one.packed is not True)
        names = {file.name: file for file in there}
        for path, (signature, file_id) in seen.items():
            content = loaded[file_id]
            if path not in names:
                inbox.gone.setdefault((content.format, stem(path.rpartition("/")[2])), []).append(content)
            elif signature_of(names[path]) != signature:
                inbox.moved.append(content)
        return inbox

    def before(self, file: InboxFile) -> LoadedContent | None:
        """What was loaded from that name before."""
        return self.loaded.get(self.seen[file.name][1]) if file.name in self.seen else None

    def take(self, new: NewFile) -> NewFile:
        """It, which is about to be loaded."""
        content = LoadedContent(new.file_id, new.file.length, new.file.format, new.grown_from, new.packed)
        self.loaded[new.file_id] = content
        self.holds[new.file.name] = new.file_id
        if not new.packed:
            self.plain.add(new.file.format)
        return new

    def lies_elsewhere(self, content: LoadedContent, name: str) -> bool:
        """Whether the content, or what has grown from it, is in the inbox under another name than `name`."""
        for path, file_id in self.holds.items():
            found = self.loaded.get(file_id) if path != name else None
            while found is not None and found.file_id != content.file_id:
                found = self.loaded.get(found.grown_from) if found.grown_from else None
            if found is not None:
                return True
        return False

    def may_begin(self, file: InboxFile) -> list[LoadedContent]:
        """The contents with which the file may begin, the shortest first: what its own name held, or another name that holds
        something else now or is gone, as after `Master.csv` was moved to `Master.csv.1`."""
        name = file.name.rpartition("/")[2]
        gone = (self.gone.get((file.format, name[:end]), []) for end in range(1, len(name) + 1))
        others = [one for one in (*self.moved, *(one for found in gone for one in found)) if one.bytes and one.told]
        own = self.before(file)
        candidates = {*others, *([own] if own else [])}
        return sorted(
            (one for one in candidates if one.format == file.format), key=lambda one: (one.bytes, one.file_id)
        )


def identified(inbox: KnownInbox, file: InboxFile, limits: Loading) -> NewFile:
    """The file with its proof, and with what it has grown from. One that holds compressed what is loaded has the SHA-256 of
    that. Raises OSError and FileChanged."""
    candidates = inbox.may_begin(file)
    with file.open() as raw:
        signature, packed = raw.signature, is_packed(raw)
        shorter = [one for one in candidates if one.bytes < raw.size]
        proofs = {proof.size: proof for proof in raw.prove([*(one.bytes for one in shorter), raw.size])}
        proof = proofs[raw.size]
        new = NewFile(replace(file, size=raw.size, proof=proof), proof.sha256, signature, packed=packed)
        if new.file_id in inbox.loaded:
            return new
        starts = [one for one in shorter if proofs[one.bytes].sha256 == one.file_id]
        if packed and not starts:
            known, starts = _unpacked(inbox, raw, file.format, candidates, limits)
            new = replace(new, file_id=known or new.file_id)
        if starts and not is_parquet(raw):
            new = replace(new, grown_from=starts[-1].file_id)
    return new


def _unpacked(
    inbox: KnownInbox, raw: RawFile, form: str, candidates: list[LoadedContent], limits: Loading
) -> tuple[str | None, list[LoadedContent]]:
    """Which loaded content a compressed file holds, and with which `candidates` that begins. It is read through for that only
    where something was loaded that may have been compressed since."""
    if form not in inbox.plain:
        return None, []
    plain = [one for one in candidates if one.packed is not True]
    digests, whole = content_digests(raw, [one.bytes for one in plain], limits)
    known = inbox.loaded.get(whole or "")
    if known is not None and known.format == form:
        return known.file_id, []
    return None, [one for one in plain if digests.get(one.bytes) == one.file_id]


def signature_of(file: InboxFile) -> tuple[int, int] | None:
    """Its signature, None where it is gone or may not be looked at."""
    try:
        return file.signature()
    except UNREADABLE:
        return None


def remember_path(session: Session, new: NewFile) -> None:
    """Keeps the signature under which the path holds that content, if that is loaded."""
    execute = session.warehouse.connection.execute
    if session.warehouse.value("SELECT 1 FROM loaded_files WHERE file_id = ?", [new.file_id]):
        execute("DELETE FROM seen_paths WHERE path = ?", [new.file.name])
        execute("INSERT INTO seen_paths VALUES (?, ?, ?, ?)", [new.file.name, *new.signature, new.file_id])
