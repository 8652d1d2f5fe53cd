"""What the numbers in the names of loaded files say: [source.*] sequence. A file that is missing is told, not waited for."""

from __future__ import annotations

from pipelines.storage.session import Session
from transforms.mediation.file_numbers import Numbering, numbering

_MOST = 10
"""Gaps or files that one sentence names."""


def missing_files(session: Session) -> list[str]:
    """Sentences about the files of each source that numbers them: gaps, repeats, and names without a number."""
    sources = session.installation.settings.sources
    if not any(source.sequence for source in sources.values()):
        return []
    # Of a file that has grown the last version counts, and of a name the files in the order in which they came.
    loaded = session.warehouse.connection.execute(
        "SELECT path FROM loaded_files WHERE file_number NOT IN "
        "(SELECT grown_from FROM loaded_files WHERE grown_from IS NOT NULL) ORDER BY file_number"
    ).fetchall()
    names: dict[str, list[str]] = {}
    for (path,) in loaded:
        folders = path.split("/")[1:-1]
        sections = ("/".join(folders[:end]) for end in range(len(folders), 0, -1))
        section = next((name for name in sections if name in sources), None)
        if section is not None and sources[section].sequence:
            names.setdefault(section, []).append(path)
    found: list[str] = []
    for section, paths in sorted(names.items()):
        source = sources[section]
        # A name may stand in several folders: the pattern looks at the name alone.
        by_name = [path.rpartition("/")[2] for path in paths]
        found += _sentences(section, numbering(by_name, source.sequence, source.sequence_last))
    return found


def _sentences(section: str, said: Numbering) -> list[str]:
    found = []
    if said.gaps:
        spans = [f"{first}" if first == last else f"{first} to {last}" for first, last in said.gaps]
        found.append(f"inbox/{section}: files are missing: number {_listed(spans)}")
    if said.repeats:
        repeats = [f"{number} ({', '.join(names[:_MOST])})" for number, names in said.repeats]
        found.append(f"inbox/{section}: files of different content bear one number: {_listed(repeats)}")
    if said.nameless:
        found.append(f"inbox/{section}: no number of the sequence in the name of {_listed(said.nameless)}")
    return found


def _listed(items: list[str]) -> str:
    more = len(items) - _MOST
    return ", ".join(items[:_MOST]) + (f" and {more} more" if more > 0 else "")
