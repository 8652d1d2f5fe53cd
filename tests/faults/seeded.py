"""Faults of one record each, drawn by a number: the record of a raw file, or a row of the warehouse, that is dropped,
doubled, altered or moved to another file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.stages.publish import USAGE_FILES
from pipelines.storage import catalogue
from pipelines.storage.session import Session
from tests.pipelines.homes import Home
from transforms.tables.base import types

RAW = ("usage_records", "refused_records", "duplicates", "event_parts")
TABLES = (*RAW, "suspense", "rated_usage")
KINDS = ("dropped", "doubled", "altered", "moved")
COUNTED = ("bytes", "lines", "records", "usage_records", "duplicates", "unbillable", "seconds", "segments")
"""Totals of a file that a person would compare; beside them stands the SHA-256 of its content."""

_FREE = {"suspense": ("state",), "rated_usage": (), **dict.fromkeys(RAW, ())}
"""Columns that may change without a fault: suspense is written off."""


@dataclass(frozen=True)
class Fault:
    """A fault in a row of the warehouse, as SQL over `table`."""

    table: str
    what: str
    statement: str


def totals(session: Session) -> dict[str, dict[str, Any]]:
    """The totals of each file by its path."""
    rows = session.warehouse.frame(USAGE_FILES).iter_rows(named=True)
    return {row["path"]: {name: row[name] for name in ("file_id", *COUNTED)} for row in rows}


def differing(clean: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> set[str]:
    """The names of totals that are not those of the clean run."""
    found = {"files"} if set(clean) != set(now) else set()
    return found | {
        name for path in set(clean) & set(now) for name in clean[path] if clean[path][name] != now[path][name]
    }


# --- raw files ---


@contextmanager
def raw_fault(draw: random.Random, home: Home) -> Iterator[str]:
    """Within the block one record of the inbox is dropped, doubled, altered or moved; says which."""
    paths = sorted(path for path in (home.path / "inbox").rglob("*") if path.suffix in (".csv", ".jsonl"))
    path, other = draw.sample(paths, 2)
    while path.suffix != other.suffix or path.parent.parts[-1:] != other.parent.parts[-1:]:
        path, other = draw.sample(paths, 2)
    before = {place: place.read_bytes() for place in (path, other)}
    first = int(path.suffix == ".csv")
    lines = before[path].splitlines(keepends=True)
    at = draw.randrange(first, len(lines))
    kind = draw.choice(KINDS)
    try:
        if kind == "altered":
            lines[at] = _altered_line(draw, lines[at])
        elif kind == "doubled":
            lines.insert(draw.randrange(first, len(lines) + 1), lines[at])
        else:
            gone = lines.pop(at)
            if kind == "moved":
                there = before[other].splitlines(keepends=True)
                there.insert(draw.randrange(first, len(there) + 1), gone)
                other.write_bytes(b"".join(there))
        path.write_bytes(b"".join(lines))
        yield f"{kind} {path.name}:{at + 1}"
    finally:
        for place, content in before.items():
            place.write_bytes(content)


def _altered_line(draw: random.Random, line: bytes) -> bytes:
    """One letter or digit of the line is another one."""
    places = [at for at, byte in enumerate(line) if chr(byte).isalnum()]
    at = draw.choice(places)
    letters = b"0123456789" if chr(line[at]).isdigit() else b"abcdefghijklmnopqrstuvwxyz"
    return line[:at] + bytes([draw.choice([letter for letter in letters if letter != line[at]])]) + line[at + 1 :]


# --- rows of the warehouse ---


def row_fault(draw: random.Random, frames: dict[str, pl.DataFrame], files: pl.DataFrame, table: str) -> Fault:
    """A fault in one row of `table`. `files`: file_number and file_id."""
    frame = frames[table]
    at = draw.randrange(frame.height)
    row = frame.row(at, named=True)
    kind = draw.choice(KINDS)
    of_file = "file_number" if "file_number" in row else "file_id"
    if kind == "dropped":
        return Fault(table, kind, f"DELETE FROM {table} WHERE {_only(row)}")
    if kind == "doubled":
        return Fault(table, kind, f"INSERT INTO {table} SELECT * FROM {table} WHERE {_only(row)}")
    if kind == "moved":
        other = draw.choice([value for value in files[of_file] if value != row[of_file]])
        return Fault(table, kind, f"UPDATE {table} SET {of_file} = {_literal(other)} WHERE {_only(row)}")
    names = [name for name in frame.columns if name not in (*_FREE[table], of_file)]
    name = draw.choice(names)
    value = _literal(_another(draw, frame[name], row[name]))
    sql = catalogue.sql_type(types(table_class(table))[name])
    return Fault(table, f"{kind} {name}", f'UPDATE {table} SET "{name}" = {value}::{sql} WHERE {_only(row)}')


def table_class(name: str) -> Any:
    """The class of a table of the warehouse."""
    return catalogue.PUBLISHED_MONTHLY.get(name) or catalogue.WAREHOUSE[name]


def _only(row: dict[str, Any]) -> str:
    """A condition that holds for this row alone, whole as it is."""
    return " AND ".join(f'"{name}" IS NOT DISTINCT FROM {_literal(value)}' for name, value in row.items())


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return catalogue.quoted(value)
    return f"TIMESTAMPTZ '{value.isoformat()}'" if isinstance(value, datetime) else f"'{value}'"


_SOMETHING: dict[Any, Any] = {
    pl.String: "x",
    pl.Int32: 1,
    pl.Int64: 1,
    pl.Decimal: 1,
    pl.Date: date(2026, 4, 1),
    pl.Datetime: datetime(2026, 4, 1, tzinfo=UTC),
}
"""A value where a column holds none at all."""


def _another(draw: random.Random, column: pl.Series, value: Any) -> Any:
    """Another value of the column: one that stands in another row, or one a little off."""
    others = [item for item in column.unique().to_list() if item != value]
    if others and draw.random() < 0.5:
        return draw.choice(others)
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
    if isinstance(value, datetime):
        return value + timedelta(seconds=1)
    if value is None:
        return draw.choice(others) if others else _SOMETHING[column.dtype.base_type()]
    return value + (timedelta(days=1) if column.dtype == pl.Date else 1)


@contextmanager
def rated_fault(session: Session, fault: Fault, month: str, *, in_place: bool) -> Iterator[None]:
    """Within the block the month's rated usage has the fault: in its file as it lies there, or as if rating had written
    it so. Belongs into a transaction that is rolled back."""
    files = session.warehouse.month_files
    path = files.paths("rated_usage", [month])[0]
    content = path.read_bytes()
    path.chmod(0o600)
    beside = duckdb.connect()
    beside.execute("SET TimeZone = 'UTC'")
    beside.execute(f"CREATE TABLE rated_usage AS FROM read_parquet('{path}')")
    assert beside.execute(fault.statement).fetchall()[0][0] == 1
    frame = beside.sql("FROM rated_usage").pl()
    beside.close()
    try:
        if in_place:
            _write(frame, path)
            yield
        else:
            with files.writing("rated_usage", month) as writer:
                writer.write(frame)
                files.name(files.finish(writer, "rated_usage", month))
            yield
    finally:
        path.write_bytes(content)


def _write(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", compression_level=1)
