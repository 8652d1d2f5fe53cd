"""The raw files that were loaded, found again in the inbox by their content, whatever their name is now, and whether they
were compressed since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.inputs.inbox import InboxFile, find_files
from pipelines.inputs.raw_bytes import UNREADABLE
from pipelines.inputs.unpacking import content_digests, is_packed
from pipelines.settings import Loading
from pipelines.storage.session import Session
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source


@dataclass(frozen=True)
class Loaded:
    """A file as it was loaded. `file` is where it lies now, under the name it was loaded with, None where it is gone;
    `source` as its records were read, None where that was not kept; `grown_from` the number of the file that it goes on
    from, and `grown` whether another goes on from it."""

    number: int
    name: str
    sha256: str
    file: InboxFile | None
    source: Source | None
    grown_from: int | None
    grown: bool

    def missing(self) -> str:
        """That it is gone, for people."""
        return f"{self.name}: not in the inbox any more with the content that was loaded (SHA-256 {self.sha256[:16]})"


def find_again(session: Session, which: str, parameters: Sequence[object] = ()) -> list[Loaded]:
    """The loaded files for which the SQL condition holds, in the order in which they were loaded."""
    rows = session.warehouse.connection.execute(
        "SELECT file_number, path, format, file_id, bytes, source, grown_from, "
        "file_number IN (SELECT grown_from FROM loaded_files WHERE grown_from IS NOT NULL) AS grown "
        f"FROM loaded_files WHERE {which} ORDER BY file_number",
        list(parameters),
    ).fetchall()
    if not rows:
        return []
    there, _ = find_files(session.installation, all_formats())
    contents = [Content(path, form, size, sha256) for _, path, form, sha256, size, *_ in rows]
    matches = find_contents(there, contents, session.installation.settings.load)
    found = []
    for (number, path, _, sha256, _, source, grown_from, grown), match in zip(rows, matches, strict=True):
        kept = Source.from_text(source) if source else None
        found.append(Loaded(number, path, sha256, match, kept, grown_from, grown))
    return found


class Content(NamedTuple):
    """What was loaded from `path` (below the home folder): its format, how many bytes it had, and their SHA-256."""

    path: str
    form: str
    size: int
    sha256: str


def find_contents(there: Sequence[InboxFile], contents: Sequence[Content], limits: Loading) -> list[InboxFile | None]:
    """For each of `contents` which of the files `there` has it, proven: the one of its name; or one of its format that has
    its size, or has grown since and begins with it, or was compressed since and holds it, in its folder or with the beginning
    of its name. None where there is none. Each file is read once for all that it may have."""
    found: dict[Content, InboxFile] = {}
    waiting: dict[str, list[Content]] = {}
    for content in contents:
        waiting.setdefault(content.path, []).append(content)
    for file in there:
        if file.name in waiting:
            found.update(held_by(file, waiting[file.name], limits))
    missing = {content for content in contents if content not in found}
    for near in (_of_its_size, _is_near):
        for file in there if missing else []:
            if candidates := near(file, missing):
                found.update(held_by(file, candidates, limits))
                missing.difference_update(found)
    return [found.get(content) for content in contents]


def _of_its_size(file: InboxFile, contents: Iterable[Content]) -> list[Content]:
    try:
        length = file.length
    except UNREADABLE:
        return []
    return [content for content in contents if (file.format, length) == (content.form, content.size)]


def _is_near(file: InboxFile, contents: Iterable[Content]) -> list[Content]:
    folder, _, name = file.name.rpartition("/")

    def near(path: str) -> bool:
        beside, _, other = path.rpartition("/")
        return beside == folder or name.startswith(stem(other))

    return [content for content in contents if content.form == file.format and near(content.path)]


def stem(name: str) -> str:
    """What the name of a file keeps when it is rotated: `Master` of `Master.csv`, which becomes `Master.csv.1` or
    `Master-20261130.csv`, and `Master.csv` of that."""
    return name.rpartition(".")[0] or name


def held_by(file: InboxFile, contents: Iterable[Content], limits: Loading) -> dict[Content, InboxFile]:
    """Which of `contents` the file begins with, or holds compressed."""
    found = {}
    try:
        with file.open() as raw:
            packed, whole = is_packed(raw), raw.size
            fitting = sorted((one for one in contents if one.size <= whole or packed), key=lambda one: one.size)
            sizes = [one.size for one in fitting if one.size <= whole]
            proofs = {proof.size: proof for proof in raw.prove([*sizes, *([whole] if packed else [])])}
            digests = content_digests(raw, [one.size for one in fitting], limits)[0] if packed else {}
    except UNREADABLE:
        return {}
    for one in fitting:
        if one.size in proofs and proofs[one.size].sha256 == one.sha256:
            found[one] = InboxFile(file.path, one.path, one.form, one.size, proofs[one.size])
        elif digests.get(one.size) == one.sha256:
            found[one] = InboxFile(file.path, one.path, one.form, whole, proofs[whole], one.size)
    return found
