"""Where the records of each file went: every one is counted once, also where one of its two legs waits or was recycled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.bookkeeping import APRIL, rows, run
from tests.pipelines.homes import Home, copy_of, make_home
from tests.pipelines.traffic import CALL, OTHERS, OWN

NOWHERE = "+99912345678"
UNPRICED = "+33639980042"
"""A number of A1 of a class for which no inbound call has a price."""

FORWARDED = CALL | {"direction": "inbound", "from_number": OTHERS[0], "to_number": OWN[0]}
FORWARDED |= {"forwarded_to": OTHERS[1], "forwarded_seconds": "60"}
LEGS = {
    "both rated": {},
    "forwarded waits": {"forwarded_to": NOWHERE},
    "inbound waits": {"to_number": UNPRICED},
    "neither rated": {"to_number": UNPRICED, "forwarded_to": NOWHERE},
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a file for each of LEGS, each with a call beside it, and one with what is refused and what comes again."""
    home = make_home(tmp_path_factory.mktemp("files"))
    home.add("numbers", f"{UNPRICED},A1,FR,mobile,false,2026-02-01,")
    for name, told in LEGS.items():
        home.usage(f"{name}.csv", [CALL | {"record_id": f"beside {name}"}, FORWARDED | told | {"record_id": name}])
    again = CALL | {"record_id": "beside both rated"}
    home.usage("other.csv", [CALL | {"duration_seconds": "much"}, again])
    run(home, APRIL)
    return home


def counts(home: Home) -> dict[str, tuple[int, ...]]:
    """records, usage_records, suspended, duplicates and unbillable of each file."""
    found = rows(home, "SELECT path, records, usage_records, suspended, duplicates, unbillable FROM usage_files")
    return {Path(path).stem: tuple(numbers) for path, *numbers in found}


def test_a_forwarded_call_is_suspended_only_where_neither_of_its_legs_is_rated(original: Home) -> None:
    waiting = rows(
        original, "SELECT record_id, leg FROM suspense WHERE format = 'standard' AND state = 'open' ORDER BY ALL"
    )
    assert waiting == [
        ("c1", "main"),
        ("forwarded waits", "forwarded"),
        ("inbound waits", "main"),
        ("neither rated", "forwarded"),
        ("neither rated", "main"),
    ]
    assert counts(original) == {
        "both rated": (2, 2, 0, 0, 0),
        "forwarded waits": (2, 2, 0, 0, 0),
        "inbound waits": (2, 2, 0, 0, 0),
        "neither rated": (2, 1, 1, 0, 0),
        "other": (2, 0, 1, 1, 0),
    }


def test_what_was_recycled_is_usage_like_any_other(original: Home, tmp_path: Path) -> None:
    home = copy_of(original, tmp_path)
    home.add("voice_inbound", "default_eur,FR,mobile,0.006000,0,1,1,2025-01-01")
    home.add("destinations", "999,Nowhere,FR")
    home.add("voice_outbound", "default_eur,Nowhere,0.010000,0,1,1,2025-01-01")
    run(home, APRIL)
    states = "SELECT state, count(*) FROM suspense WHERE format = 'standard' GROUP BY 1 ORDER BY 1"
    assert rows(home, states) == [("open", 1), ("recycled", 4)]
    assert counts(home) == dict.fromkeys(LEGS, (2, 2, 0, 0, 0)) | {"other": (2, 0, 1, 1, 0)}
