"""A forwarded call is two legs."""

from __future__ import annotations

from tests.unit.frames import records
from transforms.mediation.legs import legs

SHOWN = (
    "record_id",
    "leg",
    "direction",
    "own_number",
    "other_number",
    "status",
    "billable_seconds",
    "linked_id",
)
CALLED = {"record_id": "in", "direction": "inbound", "other_number": "anonymous", "linked_id": "L"}
TARGET = {"forwarded_to": "+33639980001", "forwarded_seconds": 60}


def test_a_call_that_is_not_forwarded_is_one_leg() -> None:
    found = legs(records({}, CALLED))
    assert found["leg"].to_list() == ["main", "main"]
    assert not {"forwarded_to", "forwarded_seconds"} & set(found.columns)


def test_the_second_leg_goes_out_from_the_number_that_was_called() -> None:
    assert legs(records(CALLED | TARGET)).select(SHOWN).rows() == [
        ("in", "main", "inbound", "+33184000001", "anonymous", "answered", 83, "L"),
        ("in", "forwarded", "outbound", "+33184000001", "+33639980001", "answered", 60, "L"),
    ]


def test_a_target_that_rang_in_vain_is_a_leg_of_nothing() -> None:
    second = legs(records(CALLED | TARGET | {"forwarded_seconds": 0})).to_dicts()[1]
    assert (second["status"], second["billable_seconds"]) == ("no_answer", 0)


def test_nothing_has_no_legs() -> None:
    assert legs(records()).is_empty()
