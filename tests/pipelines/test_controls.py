"""Each control of files and legs finds what it is there for, names it, and finds nothing in a month that is sound."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.errors import ControlFailed
from pipelines.stages.control import control_month, require_passed
from pipelines.stages.issue import issue_month
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home, make_home
from tests.pipelines.tampering import tamper
from tests.pipelines.traffic import CALL, MESSAGE, OTHERS, OWN, callr_call
from tests.support import Published, run_month, run_stages
from transforms.mediation.formats import all_formats

MONTH = "2026-04"
PLACE = "inbox/standard/a.csv"
INBOUND = CALL | {"direction": "inbound", "from_number": OTHERS[0], "to_number": OWN[0], "linked_id": "L1"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A month that was run: usage, a suspended and a refused record, a duplicate, a forwarded call."""
    home = make_home(tmp_path_factory.mktemp("sound"))
    forwarded = INBOUND | {"record_id": "i1", "forwarded_to": OTHERS[4], "forwarded_seconds": "60"}
    nowhere = CALL | {"record_id": "s1", "to_number": "+9991"}
    home.usage("a.csv", [CALL, MESSAGE, forwarded, nowhere, {"record_id": "y"}])
    home.usage("b.csv", [CALL, CALL | {"record_id": "c2", "account_id": "A1"}])
    run_stages(home.path, home.price_tables, [MONTH])
    return home


@pytest.fixture
def session(sound: Home, tmp_path: Path) -> Iterator[Session]:
    """A session over a copy of it."""
    shutil.copytree(sound.path, tmp_path / "home")
    home = Home(tmp_path / "home", sound.price_tables)
    with Warehouse.open(home.installation) as warehouse:
        yield Session(home.installation, warehouse)


def failed(session: Session) -> dict[str, str]:
    """The controls that fail now, each with its findings."""
    rows = control_month(session, MONTH).filter(~pl.col("passed"))
    return dict(rows.select("control", "findings").iter_rows())


def test_nothing_is_found_where_nothing_is_wrong(session: Session) -> None:
    controls = control_month(session, MONTH)
    assert controls.filter((pl.col("difference") != 0) | (pl.col("findings") != "")).is_empty()


@pytest.mark.parametrize(
    ("control", "statement", "finding"),
    [
        (
            "files_add_up",
            "UPDATE loaded_files SET lines = lines + 1 WHERE file_number = 1",
            f"{PLACE}: lines 6, 7 were loaded",
        ),
        (
            "files_add_up",
            "UPDATE loaded_files SET records = 6 WHERE file_number = 1",
            f"{PLACE}: records 5, 6 were loaded",
        ),
        (
            "files_add_up",
            "DELETE FROM usage_records WHERE record_id = 'm1'",
            (
                f"{PLACE}: records 4, 5 were loaded; {PLACE}: segments 0, 1 were loaded; "
                f"{PLACE}: usage_records rows 3, 4 were loaded"
            ),
        ),
        (
            "files_add_up",
            "UPDATE usage_records SET billable_seconds = 82 WHERE record_id = 'i1'",
            f"{PLACE}: seconds 308, 309 were loaded",
        ),
        (
            "records_unaltered",
            "UPDATE usage_records SET own_number = '+33184000005' WHERE record_id = 's1'",
            "usage_records",
        ),
        ("records_unaltered", "UPDATE refused_records SET reason = 'unreadable'", "refused_records"),
        ("records_unaltered", "UPDATE duplicates SET conflicting = true", "inbox/standard/b.csv: duplicates"),
        ("records_unaltered", "DELETE FROM duplicates", "inbox/standard/b.csv: duplicates"),
        (
            "legs_unaltered",
            "UPDATE usage_records SET other_number = '+33145000009' WHERE record_id = 'm1'",
            f"{PLACE}:2",
        ),
        ("legs_unaltered", "UPDATE usage_records SET forwarded_seconds = 61 WHERE record_id = 'i1'", f"{PLACE}:3"),
        (
            "legs_unaltered",
            "UPDATE usage_records SET account_id = 'A2' WHERE record_id = 'c2'",
            "inbox/standard/b.csv:2",
        ),
        ("legs_unaltered", "UPDATE numbers SET account_id = 'A1' WHERE number = '+33184000003'", f"{PLACE}:1"),
        ("legs_unaltered", "DELETE FROM suspense", f"{PLACE}:4"),
        ("month_as_rated", "UPDATE suspense SET reason = 'no_price'", "suspense"),
        (
            "month_as_rated",
            "UPDATE month_files SET sha256 = 'other' WHERE table_name = 'rated_usage'",
            "rated_usage",
        ),
        ("files_as_written", "UPDATE month_files SET sha256 = 'other' WHERE table_name = 'bills'", "bills"),
    ],
)
def test_a_control_finds_what_was_done_to_a_record(
    session: Session, control: str, statement: str, finding: str
) -> None:
    session.warehouse.connection.execute(statement)
    found = failed(session)
    assert control in found
    assert finding in found[control]
    with pytest.raises(ControlFailed, match=f"control {control} failed for {MONTH}: .*"):
        require_passed(session, MONTH)


def test_a_rated_leg_that_is_moved_to_another_account_is_named(session: Session) -> None:
    tamper(session, MONTH, "UPDATE draft_rated_usage SET account_id = 'A1' WHERE record_id = 'm1'")
    assert f"{PLACE}:2" in failed(session)["legs_unaltered"]


def test_what_was_loaded_by_an_older_version_is_not_held_to_totals_it_never_had(session: Session) -> None:
    execute = session.warehouse.connection.execute
    execute("UPDATE loaded_files SET totalled = NULL, lines = NULL, lines_read = NULL")
    execute("DELETE FROM file_totals")
    assert failed(session) == {}


def test_fingerprints_of_another_way_of_hashing_are_not_compared(session: Session) -> None:
    execute = session.warehouse.connection.execute
    execute("UPDATE file_totals SET hashed = 1, fingerprint = 2")
    execute(
        "UPDATE manifest SET facts = replace(facts, '\"suspense\": \"', '\"suspense\": \"1') WHERE stage = 'rated_usage'"
    )
    assert failed(session) == {}


def test_late_usage_is_held_to_its_records_as_well(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL])
    run_stages(home.path, home.price_tables, [MONTH])
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        issue_month(session, MONTH)
        home.usage("late.csv", [CALL | {"record_id": "late", "started_at": "2026-04-09T10:00:00Z"}])
        assert run_month(session, "2026-05")["passed"].all()
        assert warehouse.value("SELECT count(*) FROM rated_usage WHERE billing_month = '2026-05'") == 1
        warehouse.connection.execute("UPDATE usage_records SET linked_id = 'x' WHERE record_id = 'late'")
        rows = control_month(session, "2026-05").filter(~pl.col("passed"))
        findings = dict(rows.select("control", "findings").iter_rows())
    assert findings["late_legs_unaltered"] == "inbox/standard/late.csv:1"


def calls(tmp_path: Path, *records: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The controls of a month of these records that found anything."""
    home = make_home(tmp_path)
    home.usage("a.csv", records)
    with Warehouse.open(home.installation) as warehouse:
        rows = run_month(Session(home.installation, warehouse), MONTH).filter(pl.col("difference") != 0)
    return {row["control"]: row for row in rows.iter_rows(named=True)}


TRACKED = INBOUND | {"record_id": "i1", "forwarded_to": OTHERS[4], "forwarded_seconds": "60"}
OUT = CALL | {
    "record_id": "o1",
    "from_number": OWN[0],
    "to_number": OTHERS[4],
    "linked_id": "L1",
    "duration_seconds": "61",
}


class TestPairs:
    def test_a_leg_told_twice_would_be_billed_twice(self, tmp_path: Path) -> None:
        found = calls(tmp_path, TRACKED, OUT)
        assert set(found) == {"legs_doubled"}
        assert (found["legs_doubled"]["passed"], found["legs_doubled"]["findings"]) == (False, "standard:voice:o1")

    def test_also_where_it_names_the_record_of_the_call(self, tmp_path: Path) -> None:
        assert set(calls(tmp_path, TRACKED | {"linked_id": "L2"}, OUT | {"linked_id": "i1"})) == {"legs_doubled"}

    @pytest.mark.parametrize(
        "other",
        [
            {"to_number": OTHERS[1]},
            {"duration_seconds": "0", "status": "no_answer"},
            {"started_at": "2026-04-05T10:02:24Z"},
            {"started_at": "2026-04-05T09:58:58Z"},
        ],
        ids=["to another number", "not answered", "afterwards", "before"],
    )
    def test_another_leg_of_the_call_is_no_double(self, tmp_path: Path, other: dict[str, str]) -> None:
        assert calls(tmp_path, TRACKED, OUT | other) == {}

    def test_a_leg_that_was_found_to_repeat_a_record_is_not_told_again(self, tmp_path: Path) -> None:
        assert set(calls(tmp_path, TRACKED, OUT, OUT)) == {"legs_doubled"}

    @pytest.mark.parametrize(("seconds", "told"), [("85", False), ("86", True)])
    def test_a_leg_longer_than_its_call_is_told_and_does_not_block(
        self, tmp_path: Path, seconds: str, told: bool
    ) -> None:
        within = TRACKED | {"record_id": "i2", "linked_id": "L2", "forwarded_seconds": seconds}
        alone = TRACKED | {"forwarded_to": "", "forwarded_seconds": ""}
        found = calls(tmp_path, alone, OUT | {"duration_seconds": seconds}, within)
        assert set(found) == ({"legs_longer"} if told else set())
        if told:
            row = found["legs_longer"]
            assert (row["passed"], row["difference"]) == (True, 2)
            assert row["findings"] == "standard:voice:i2:forwarded; standard:voice:o1"

    def test_an_orphan_is_named(self, tmp_path: Path) -> None:
        home = make_home(tmp_path)
        home.callr("alone.jsonl", [callr_call(2, datetime(2026, 4, 9, tzinfo=UTC), 33, callid_in=1)])
        found: Published = run_stages(home.path, home.price_tables, [MONTH], may_fail=["forwarded_legs"])
        assert [(row["control"], row["findings"]) for row in found.failed] == [("forwarded_legs", "callr:voice:2")]
        orphans = found.tables["controls"].filter(control="legs_orphaned").row(0, named=True)
        assert (orphans["passed"], orphans["difference"], orphans["findings"]) == (True, 1, "callr:voice:2")

    def test_of_a_format_whose_legs_may_name_a_call_that_is_no_usage_none_is_an_orphan(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(all_formats()["callr"], "PARENT_MAY_BE_NO_USAGE", True, raising=False)
        home = make_home(tmp_path)
        home.callr("alone.jsonl", [callr_call(2, datetime(2026, 4, 9, tzinfo=UTC), 33, callid_in=1)])
        orphans = run_stages(home.path, home.price_tables, [MONTH]).tables["controls"].filter(control="legs_orphaned")
        assert orphans["findings"].to_list() == [""]

    def test_of_many_the_first_twenty_are_named(self, tmp_path: Path) -> None:
        home = make_home(tmp_path)
        start = datetime(2026, 4, 9, tzinfo=UTC)
        events = [callr_call(100 + n, start + timedelta(hours=n), 33, callid_in=n) for n in range(1, 31)]
        home.callr("alone.jsonl", events)
        found = run_stages(home.path, home.price_tables, [MONTH], may_fail=["forwarded_legs"])
        named = found.failed[0]["findings"].split("; ")
        assert (len(named), named[0], found.failed[0]["difference"]) == (20, "callr:voice:101", 30)


def test_what_each_file_came_to_is_published(sound: Home, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    home.raw("standard/a.csv", (sound.path / "inbox/standard/a.csv").read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    home.usage("c.parquet", [MESSAGE | {"record_id": "p1", "segments": "3", "text": ""}])
    found = run_stages(home.path, home.price_tables, [MONTH])
    shown = found.tables["usage_files"].select("path", "lines", "records", "seconds", "segments").sort("path")
    assert shown.rows() == [(PLACE, 6, 5, 309, 1), ("inbox/standard/c.parquet", 1, 1, 0, 3)]
