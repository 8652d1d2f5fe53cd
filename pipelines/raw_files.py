"""The raw files that were loaded, found again in the inbox by their content, whatever their name is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.inbox import InboxFile, find_content, find_files
from pipelines.session import Session
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
    by_name = {file.name: [file] for file in there}
    found = []
    for number, path, form, sha256, size, source, grown_from, grown in rows:
        wanted = (path, form, size, sha256)
        match = find_content(by_name.get(path, []), *wanted) or find_content(there, *wanted)
        kept = Source.from_text(source) if source else None
        found.append(Loaded(number, path, sha256, match, kept, grown_from, grown))
    return found
