"""Events that several records tell: a toy format whose event is a `begin` and an `end`."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from transforms.mediation.contract import Assembled
from transforms.mediation.parts import Whole, assemble_parts
from transforms.mediation.records import FIELDS
from transforms.tables.base import conform
from transforms.tables.usage import EventParts

MORNING = datetime(2026, 10, 1, 8, tzinfo=UTC)
NUMBERS = {"from_number": "+33184000001", "to_number": "+33639980001"}


def toy(parts: pl.DataFrame) -> Assembled:
    """An event is whole when its end is there, which stands for it; several begins are one."""
    begins = parts.filter(pl.col("part") == "begin").group_by("event").agg(pl.col("at").min().alias("started_at"))
    ends = parts.filter(pl.col("part") == "end").unique("event", keep="first", maintain_order=True)
    found = ends.join(begins, on="event", how="inner", maintain_order="left").select(
        "file_number",
        "record_number",
        pl.col("event").alias("record_id"),
        "started_at",
        (pl.col("at") - pl.col("started_at")).dt.total_seconds().cast(pl.String).alias("duration_seconds"),
    )
    constants = {"service": "voice", "direction": "outbound", **NUMBERS}
    fields = found.with_columns(pl.lit(constants.get(n), pl.String).alias(n) for n in FIELDS if n not in found.columns)
    waiting = parts.join(found, left_on="event", right_on="record_id", how="anti")
    return Assembled(fields, waiting.select("file_number", "record_number", pl.lit("waits").alias("detail")))


def part(place: tuple[int, int], event: str, what: str, seconds: int, state: str = "waiting") -> dict[str, object]:
    at = MORNING + timedelta(seconds=seconds)
    numbers = dict(zip(("file_number", "record_number"), place, strict=True))
    return {**numbers, "format": "toy", "event": event, "part": what, "at": at, "content": "{}", "state": state}


def assembled(*parts: dict[str, object], one_suffices: bool = False) -> Whole:
    frame = conform(EventParts, pl.DataFrame(list(parts), schema_overrides={"at": pl.Datetime("us", "UTC")}))
    return assemble_parts(frame, toy, format_name="toy", one_suffices=one_suffices)


def states(whole: Whole) -> dict[tuple[int, int], str]:
    return {(row[0], row[1]): row[2] for row in whole.states.rows()}


def test_the_last_record_stands_for_the_event_and_the_others_are_told() -> None:
    found = assembled(part((1, 1), "a", "begin", 0), part((2, 1), "a", "end", 83))
    (usage,) = found.usage.to_dicts()
    assert (usage["file_number"], usage["record_number"], usage["record_id"]) == (2, 1, "a")
    assert (usage["format"], usage["billable_seconds"], usage["started_at"]) == ("toy", 83, MORNING)
    assert states(found) == {(1, 1): "told", (2, 1): "usage"}


def test_what_is_not_whole_waits() -> None:
    found = assembled(part((1, 1), "a", "begin", 0), part((1, 2), "b", "end", 5))
    assert found.usage.is_empty()
    assert states(found) == {(1, 1): "waiting", (1, 2): "waiting"}


def test_the_same_again_is_a_duplicate_whether_the_event_was_whole_or_not() -> None:
    found = assembled(
        part((1, 1), "a", "begin", 0, "told"),
        part((1, 2), "a", "end", 83, "usage"),
        part((2, 1), "a", "end", 83),
        part((2, 2), "b", "begin", 0),
        part((2, 3), "b", "begin", 0),
    )
    assert found.usage.is_empty()
    assert states(found) == {(2, 1): "repeated", (2, 2): "waiting", (2, 3): "repeated"}
    assert found.duplicates.rows() == [(2, 1, 1, 2, False), (2, 3, 2, 2, False)]


def test_another_end_of_an_event_that_was_whole_is_suspended() -> None:
    found = assembled(
        part((1, 1), "a", "begin", 0, "told"), part((1, 2), "a", "end", 83, "usage"), part((2, 1), "a", "end", 84)
    )
    (refused,) = found.refused.to_dicts()
    assert (refused["file_number"], refused["record_number"]) == (2, 1)
    assert (refused["reason"], refused["record_id"]) == ("conflicting_duplicate", "a")
    assert states(found) == {(2, 1): "refused"}


def test_where_every_part_tells_all_a_late_one_contradicts_only_its_own_kind() -> None:
    known = (part((1, 1), "a", "begin", 0, "told"), part((1, 2), "a", "end", 83, "usage"))
    late = (part((2, 1), "a", "end", 84), part((2, 2), "a", "other", 84), part((2, 3), "a", "end", 83))
    found = assembled(*known, *late, one_suffices=True)
    assert states(found) == {(2, 1): "refused", (2, 2): "told", (2, 3): "repeated"}
    assert found.usage.is_empty()


def test_an_event_that_makes_no_sense_is_refused_at_its_last_record() -> None:
    found = assembled(part((1, 1), "a", "begin", 10), part((1, 2), "a", "end", 0))
    assert found.usage.is_empty()
    assert found.refused.select("record_number", "reason", "detail").rows() == [
        (2, "bad_value", "duration_seconds: expected seconds, 0 or more, found '-99'")
    ]
    assert states(found) == {(1, 1): "told", (1, 2): "refused"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_records_changes_nothing(order: tuple[int, ...]) -> None:
    what = [("a", "begin", 0), ("a", "end", 83), ("b", "begin", 5), ("b", "end", 9)]
    found = assembled(*(part((1, at), *what[index]) for at, index in enumerate(order, start=1)))
    seconds = dict(found.usage.select("record_id", "billable_seconds").rows())
    assert seconds == {"a": 83, "b": 4}
