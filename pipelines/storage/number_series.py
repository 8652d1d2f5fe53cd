"""Gapless series of document numbers, one a kind of document and year (billing rule 8)."""

from __future__ import annotations

from pipelines.storage.session import Session


def next_number(session: Session, series: str, year: str, first: int) -> int:
    """The number that the next document of the series gets; `first` where it has none yet."""
    last = session.warehouse.value("SELECT last FROM number_series WHERE series = ? AND year = ?", [series, year])
    return first if last is None else int(last) + 1


def advance(session: Session, series: str, year: str, last: int) -> None:
    """The series stands at `last`. Belongs into the transaction that makes the documents."""
    execute = session.warehouse.connection.execute
    execute("DELETE FROM number_series WHERE series = ? AND year = ?", [series, year])
    execute("INSERT INTO number_series VALUES (?, ?, ?)", [series, year, last])
