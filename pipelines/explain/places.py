"""Where records stand: identifiers that name a place in a file, and the place of a record in words."""

from __future__ import annotations

import re

from pipelines.explain.raw import RawRecord, find_record
from pipelines.explain.sources import Sources
from pipelines.explain.words import Page, Row

_PLACE = re.compile(r"^(.+):(\d{1,17})$")


def place_of(sources: Sources, identifier: str) -> tuple[str, int]:
    """file_id and record number of an identifier PATH:NUMBER, where such a file is loaded; else ("", 0). Of several contents
    that came under one path the last one that has the record, as of a file that has grown."""
    if match := _PLACE.match(identifier):
        path = match[1].removeprefix(f"{sources.installation.home}/")
        file = sources.row(
            "SELECT file_id FROM usage_files WHERE path = $path ORDER BY file_id IN (SELECT file_id FROM rated_usage "
            "WHERE record_number = $number UNION ALL SELECT file_id FROM suspense WHERE record_number = $number) DESC, "
            "loaded_at DESC, bytes DESC",
            {"path": path, "number": int(match[2])},
        )
        if file:
            return file["file_id"], int(match[2])
    return "", 0


def say_place(page: Page, sources: Sources, row: Row) -> RawRecord | None:
    """The record's file, its number there and the line, which are also facts of the page."""
    file = sources.row("SELECT * FROM usage_files WHERE file_id = $id", {"id": row["file_id"]})
    raw = find_record(sources.installation, file, row["record_number"]) if file else None
    path = str(raw.path) if raw else file["path"] if file else "a file that is not published"
    page.say("file", path if raw else f"{path}, which is not there any more as it was loaded")
    page.say("", f"SHA-256 {row['file_id']}")
    at_line = f", line {raw.line} of the text" if raw and raw.line else ""
    page.say("record", f"number {row['record_number']}{at_line}")
    if raw and raw.event:
        _say_event(page, raw)
    page.facts["raw"] = {
        "path": path,
        "file_id": row["file_id"],
        "record_number": row["record_number"],
        "line": raw.line if raw else None,
    }
    if raw and raw.event:
        page.facts["raw"] |= {
            "event": raw.event,
            "told_by": [{"record_number": n, "part": part} for n, part in raw.told],
        }
    return raw


def _say_event(page: Page, raw: RawRecord) -> None:
    """The records of this file that tell the event; others may stand in other files."""
    told = ", ".join(f"{part} number {number}" for number, part in raw.told)
    page.say("event", f"{raw.event}, told by {told} of this file")
    if raw.read is None:
        page.say("", "its other records stand in other files, or have not come")
