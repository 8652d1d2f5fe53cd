"""Records whose source does not say which party is the customer: numbers.csv says it, as it is when they are rated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.homes import Home, make_home
from tests.support import Published, run_stages

HELD, OTHER_HELD, CLIENT, OUTSIDE = "+33184000001", "+33184000002", "+33639980001", "+33639980002"
CALL = {
    "service": "voice",
    "direction": "unstated",
    "started_at": "2026-04-10T09:00:00Z",
    "duration_seconds": "83",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def legs(published: Published) -> list[tuple[str, str, str, str, int]]:
    rows = published.rows("rated_usage")
    wanted = ("usage_id", "direction", "own_number", "other_number", "billed_seconds")
    return sorted(tuple(row[name] for name in wanted) for row in rows)


def run(home: Home, *records: dict[str, str]) -> Published:
    home.usage("calls.csv", records)
    return run_stages(home.path, home.price_tables, ["2026-04"])


def test_a_call_to_a_held_number_comes_in_and_every_other_goes_out(home: Home) -> None:
    found = run(
        home,
        CALL | {"record_id": "in", "from_number": CLIENT, "to_number": HELD},
        CALL | {"record_id": "out", "from_number": HELD, "to_number": CLIENT},
        CALL | {"record_id": "within", "from_number": HELD, "to_number": OTHER_HELD},
        CALL | {"record_id": "nameless", "from_number": "anonymous", "to_number": HELD},
    )
    assert legs(found) == [
        ("standard:voice:in", "inbound", HELD, CLIENT, 83),
        ("standard:voice:nameless", "inbound", HELD, "anonymous", 83),
        ("standard:voice:out", "outbound", HELD, CLIENT, 83),
        ("standard:voice:within", "outbound", HELD, OTHER_HELD, 83),
    ]


def test_what_an_incoming_call_was_put_through_to_is_a_leg_and_of_an_outgoing_one_it_is_not(home: Home) -> None:
    through = {"forwarded_to": OUTSIDE, "forwarded_seconds": "60"}
    found = run(
        home,
        CALL | through | {"record_id": "in", "from_number": CLIENT, "to_number": HELD},
        CALL | through | {"record_id": "out", "from_number": HELD, "to_number": CLIENT},
    )
    assert legs(found) == [
        ("standard:voice:in", "inbound", HELD, CLIENT, 83),
        ("standard:voice:in:forwarded", "outbound", HELD, OUTSIDE, 60),
        ("standard:voice:out", "outbound", HELD, CLIENT, 83),
    ]


def test_a_second_leg_of_unknown_length_waits_alone(home: Home) -> None:
    found = run(home, CALL | {"record_id": "in", "from_number": CLIENT, "to_number": HELD, "forwarded_to": OUTSIDE})
    assert legs(found) == [("standard:voice:in", "inbound", HELD, CLIENT, 83)]
    (waiting,) = found.rows("suspense")
    assert (waiting["leg"], waiting["reason"]) == ("forwarded", "bad_value")
    assert waiting["detail"] == "the source does not tell how long the forwarded leg lasted"
    (file,) = found.rows("usage_files")
    assert (file["records"], file["usage_records"], file["suspended"]) == (1, 1, 0)


def test_a_number_that_is_added_later_turns_the_call_round(home: Home) -> None:
    new = "+33184000009"
    before = run(home, CALL | {"record_id": "in", "from_number": CLIENT, "to_number": new})
    assert [(row["reason"], row["state"]) for row in before.rows("suspense")] == [("account_unknown", "open")]
    home.add("numbers", f"{new},A1,FR,geographic,false,2026-04-01,")
    after = run_stages(home.path, home.price_tables, ["2026-04"])
    assert legs(after) == [("standard:voice:in", "inbound", new, CLIENT, 83)]
    assert [row["state"] for row in after.rows("suspense")] == ["recycled"]
