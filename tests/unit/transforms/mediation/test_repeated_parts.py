"""Parts of events: what is a repeat, what comes too late, what is left for the format to assemble."""

from __future__ import annotations

from typing import Any

import polars as pl

from transforms.mediation.contract import Assembled
from transforms.mediation.parts import assemble_parts
from transforms.mediation.records import FIELDS
from transforms.tables.base import conform
from transforms.tables.usage import EventParts


def parts(*rows: tuple[int, int, str, str, str, str]) -> pl.DataFrame:
    names = ("file_number", "record_number", "event", "part", "content", "state")
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return conform(EventParts, frame, {"format": "f", "at": None})


def assemble(given: pl.DataFrame) -> Assembled:
    """An event with a BYE is whole, at the place of its BYE."""
    said: dict[str, Any] = {
        "record_id": pl.col("event"),
        "service": pl.lit("voice"),
        "direction": pl.lit("outbound"),
        "from_number": pl.lit("+33639980001"),
        "to_number": pl.lit("+33639980040"),
        "started_at": pl.lit("2026-10-01T00:00:00Z"),
        "duration_seconds": pl.lit("1"),
    }
    ended = given.filter(pl.col("part") == "BYE")
    fields = ended.select(
        "file_number", "record_number", *(said.get(name, pl.lit(None, pl.String)).alias(name) for name in FIELDS)
    )
    left = given.join(ended, on="event", how="anti")
    return Assembled(fields, left.select("file_number", "record_number", pl.lit("waits").alias("detail")))


def states(*rows: tuple[int, int, str, str, str, str]) -> list[tuple[int, int, str]]:
    return sorted(assemble_parts(parts(*rows), assemble, format_name="f").states.rows())


def test_the_last_part_stands_for_the_usage() -> None:
    assert states((1, 1, "a", "INVITE", "{}", "waiting"), (1, 2, "a", "BYE", "{}", "waiting")) == [
        (1, 1, "told"),
        (1, 2, "usage"),
    ]


def test_the_same_part_again_is_a_duplicate_of_the_first() -> None:
    found = assemble_parts(
        parts(
            (2, 1, "a", "INVITE", "{}", "waiting"),
            (1, 7, "a", "INVITE", "{}", "waiting"),
            (1, 8, "a", "INVITE", "other", "waiting"),
            (1, 9, "b", "INVITE", "{}", "waiting"),
        ),
        assemble,
        format_name="f",
    )
    assert found.duplicates.select(
        "file_number", "record_number", "first_file_number", "first_record_number"
    ).rows() == [(2, 1, 1, 7)]
    assert sorted(found.states.rows()) == [(1, 7, "waiting"), (1, 8, "waiting"), (1, 9, "waiting"), (2, 1, "repeated")]


def test_what_comes_after_the_event_was_whole_is_a_repeat_or_a_contradiction() -> None:
    whole = ((1, 1, "a", "INVITE", "{}", "told"), (1, 2, "a", "BYE", "{}", "usage"))
    found = assemble_parts(
        parts(*whole, (2, 1, "a", "BYE", "{}", "waiting"), (2, 2, "a", "BYE", "other", "waiting")),
        assemble,
        format_name="f",
    )
    assert sorted(found.states.rows()) == [(2, 1, "repeated"), (2, 2, "refused")]
    assert found.refused.select("record_number", "record_id", "reason").rows() == [(2, "a", "conflicting_duplicate")]
    assert found.usage.is_empty()
