"""One event is billed once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.frames import moment, records
from transforms.mediation.duplicates import EVENT, find_duplicates
from transforms.tables.base import types
from transforms.tables.usage import UsageRecords

SAME: dict[str, Any] = {"record_id": "x"}


def found(*rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    """(file, record), (file, record) of the first, conflicting."""
    return [((a, b), (c, d), conflicting) for a, b, c, d, conflicting in find_duplicates(records(*rows)).rows()]


def test_the_same_content_again_is_a_duplicate_of_the_first() -> None:
    assert found(SAME, {}, SAME, SAME | {"file_number": 2}) == [
        ((1, 3), (1, 1), False),
        ((2, 4), (1, 1), False),
    ]


def test_the_first_is_first_by_file_and_position_whatever_the_order_of_rows() -> None:
    rows = records(SAME | {"file_number": 2, "record_number": 1}, SAME | {"file_number": 1, "record_number": 9})
    assert find_duplicates(rows).row(0) == (2, 1, 1, 9, False)
    assert find_duplicates(rows.reverse()).row(0) == (2, 1, 1, 9, False)


def test_other_content_under_the_same_name_conflicts_and_what_follows_is_held_against_the_first() -> None:
    assert found(SAME, SAME | {"billable_seconds": 84}, SAME, SAME | {"billable_seconds": 84}) == [
        ((1, 2), (1, 1), True),
        ((1, 3), (1, 1), False),
        ((1, 4), (1, 1), True),
    ]


DIFFERENT: dict[str, Any] = {
    "direction": "inbound",
    "account_id": "A",
    "own_number": "+33184000009",
    "other_number": "+33145000009",
    "started_at": moment("2026-10-05 10:01"),
    "status": "busy",
    "billable_seconds": 84,
    "segments": 2,
    "text_length": 5,
    "linked_id": "L",
    "forwarded_to": "+33639980001",
    "forwarded_seconds": 3,
}


@pytest.mark.parametrize("column", DIFFERENT)
def test_every_column_that_is_kept_is_compared(column: str) -> None:
    assert found(SAME, SAME | {column: DIFFERENT[column]}) == [((1, 2), (1, 1), True)]
    assert found(SAME | {column: DIFFERENT[column]}, SAME) == [((1, 2), (1, 1), True)]


def test_no_column_was_forgotten_above() -> None:
    assert set(DIFFERENT) == set(types(UsageRecords)) - {*EVENT, "file_number", "record_number"}


@pytest.mark.parametrize("other", [{"format": "callr"}, {"service": "sms"}, {"record_id": "y"}])
def test_another_format_service_or_name_is_another_event(other: dict[str, Any]) -> None:
    assert found(SAME, SAME | other) == []
