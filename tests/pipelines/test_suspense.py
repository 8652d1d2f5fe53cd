"""`callbill suspense` and `callbill write-off`: what waits, what it may be worth, and what a person gives up."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.pipelines.command import Said, call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.switch import recycle
from tests.pipelines.traffic import CALL, MESSAGE
from tests.support import run_stages

MONTH = "2026-04"
NOWHERE = CALL | {"record_id": "nowhere", "to_number": "+99912345678"}
STRANGER = CALL | {"record_id": "stranger", "from_number": "+33184000009"}
BROKEN = CALL | {"record_id": "broken", "duration_seconds": "much"}
BY = ("--because", "not worth the time", "--by", "Ann")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one good call and three records that wait, each for another reason."""
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL, NOWHERE, STRANGER, BROKEN])
    run_stages(home.path, home.price_tables, [MONTH])
    return home


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(query).fetchall()


def states(home: Home) -> list[tuple[Any, ...]]:
    return rows(home, "SELECT record_number, reason, state FROM suspense ORDER BY record_number, leg")


def write_off(home: Home, *arguments: str) -> Said:
    return call("write-off", *arguments, *BY, *home.arguments)


def run(home: Home) -> None:
    run_stages(home.path, home.price_tables, [MONTH])


def test_what_waits_by_reason_with_an_estimate(home: Home) -> None:
    said = call("suspense", "--json", *home.arguments)
    assert said.status == 0
    found = {row["reason"]: row for row in said.result["reasons"]}
    assert said.result["open"] == 3
    assert {name: row["records"] for name, row in found.items()} == {
        "no_destination": 1,
        "account_unknown": 1,
        "bad_value": 1,
    }
    # 83 s at 0.012 a minute are 0.0166: the one outbound call there is.
    assert found["no_destination"]["at_risk"] == {"EUR": "0.02"}
    assert found["account_unknown"]["at_risk"] == {"EUR": "0.02"}
    assert (found["bad_value"]["at_risk"], found["bad_value"]["no_estimate"]) == ({}, 1)
    assert all(row["oldest_days"] == row["newest_days"] == 0 for row in found.values())
    text = call("suspense", *home.arguments).out
    assert "at risk, estimated" in text
    assert "1 of them without an estimate" in text


def test_currencies_are_not_added(home: Home) -> None:
    american = {"from_number": "+12125550101", "to_number": "+99912345678"}
    home.usage(
        "b.csv", [CALL | {"record_id": "u1", "from_number": "+12125550101"}, CALL | american | {"record_id": "u2"}]
    )
    run(home)
    found = {row["reason"]: row for row in call("suspense", "--json", *home.arguments).result["reasons"]}
    # 83 s at 0.013 a minute are 0.01798.
    assert found["no_destination"]["at_risk"] == {"EUR": "0.02", "USD": "0.02"}


def test_an_estimate_is_the_average_of_like_legs_and_exact(home: Home) -> None:
    home.usage(
        "b.csv", [CALL | {"record_id": f"l{n}", "duration_seconds": seconds} for n, seconds in ((1, "6000"), (2, "0"))]
    )
    home.usage("c.csv", [NOWHERE | {"record_id": f"n{n}"} for n in range(2)])
    run(home)
    said = call("suspense", "--reason", "no_destination", "--records", "--json", *home.arguments).result
    each = (Decimal("0.0166") + Decimal("1.2") + 0) / 3
    assert said["reasons"][0]["at_risk"] == {"EUR": str((3 * each).quantize(Decimal("0.01")))}
    assert {row["at_risk"] for row in said["records"]} == {str(each.quantize(Decimal("0.01")))}


def test_filters_and_records(home: Home) -> None:
    said = call("suspense", "--records", "--json", *home.arguments).result
    (record,) = (row for row in said["records"] if row["reason"] == "bad_value")
    assert (record["path"], record["record_number"], record["line"], record["leg"]) == (
        "inbox/standard/a.csv",
        4,
        5,
        "main",
    )
    assert [row["line"] for row in said["records"]] == [3, 4, 5]
    text = call("suspense", "--records", *home.arguments).out
    assert "inbox/standard/a.csv:2, line 3, A2, about 0.02 EUR" in text
    assert "no prefix of destinations.csv matches +9991…" in text
    for asked, count in (("--account", 1), ("--month", 2), ("--reason", 1)):
        value = {"--account": "A2", "--month": MONTH, "--reason": "bad_value"}[asked]
        assert call("suspense", asked, value, "--json", *home.arguments).result["open"] == count
    assert call("suspense", "--account", "A1", *home.arguments).out == "nothing is in open suspense\n"
    for number in ("99912345678", "33184000009", "much"):
        assert number not in text
        assert number not in str(said)


def test_nothing_published(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    said = call("suspense", *home.arguments)
    assert said.status == 2
    assert "run a month first" in said.err


def test_a_record_that_is_written_off_stays_so_when_a_price_comes(home: Home) -> None:
    said = write_off(home, "inbox/standard/a.csv:2", "--json")
    assert said.result == {
        "written_off": 1,
        "reopened": 0,
        "already": 0,
        "by_reason": [{"reason": "no_destination", "records": 1}],
    }
    assert states(home) == [
        (2, "no_destination", "written_off"),
        (3, "account_unknown", "open"),
        (4, "bad_value", "open"),
    ]
    home.add("destinations", "999,Nowhere,FR")
    home.add("voice_outbound", "default_eur,Nowhere,0.010000,0,1,1,2025-01-01")
    recycle(home)
    assert states(home)[0] == (2, "no_destination", "written_off")
    assert rows(home, "SELECT record_id FROM rated_usage") == [("c1",)]
    assert rows(home, "SELECT records, usage_records, suspended FROM usage_files") == [(4, 1, 3)]


def test_a_refused_record_that_is_written_off(home: Home) -> None:
    file_id = rows(home, "SELECT file_id FROM usage_files")[0][0]
    assert write_off(home, f"{file_id[:8]}:4:main").status == 0
    assert states(home)[2] == (4, "bad_value", "written_off")
    assert recycle(home)["read_again"]["refused_before"] == 0
    run(home)
    assert states(home)[2] == (4, "bad_value", "written_off")
    assert rows(home, "SELECT records, usage_records, suspended FROM usage_files") == [(4, 1, 3)]


def test_a_conflicting_record_and_a_number_fee(home: Home) -> None:
    home.usage("b.csv", [CALL | {"duration_seconds": "84"}])
    home.prices("number_fees", "price_list,country,number_class,monthly_fee,proration,valid_from\n")
    run(home)
    assert write_off(home, "--reason", "conflicting_duplicate").out.startswith("1 records written off")
    fees = write_off(home, "--reason", "no_price", "--account", "A2", "--json").result
    assert fees["written_off"] == 1
    home.prices(
        "number_fees",
        "price_list,country,number_class,monthly_fee,proration,valid_from\n"
        "default_eur,FR,geographic,1.000000,none,2025-01-01\n",
    )
    recycle(home)
    assert rows(home, "SELECT account_id, count(*) FROM number_fees WHERE account_id IN ('A2', 'A3') GROUP BY 1") == [
        ("A3", 1)
    ]
    assert rows(home, "SELECT reason, record_id FROM suspense WHERE state = 'written_off' ORDER BY 1") == [
        ("conflicting_duplicate", "c1"),
        ("no_price", "+33184000003"),
    ]


def test_it_is_kept_who_wrote_off_what_and_why(home: Home) -> None:
    write_off(home, "inbox/standard/a.csv:2", "inbox/standard/a.csv:3")
    assert rows(home, "SELECT action, who, changed FROM audit ORDER BY entry_number DESC LIMIT 1") == [
        (
            "write-off",
            "Ann",
            "1 account_unknown, 1 no_destination (inbox/standard/a.csv:2, inbox/standard/a.csv:3): not worth the time",
        )
    ]
    assert rows(
        home, "SELECT record_number, reason, because, written_off_by, reopened_at FROM write_offs ORDER BY 1"
    ) == [
        (2, "no_destination", "not worth the time", "Ann", None),
        (3, "account_unknown", "not worth the time", "Ann", None),
    ]


def test_undone_it_waits_again_and_is_rated(home: Home) -> None:
    write_off(home, "--month", MONTH)
    home.add("destinations", "999,Nowhere,FR")
    home.add("voice_outbound", "default_eur,Nowhere,0.010000,0,1,1,2025-01-01")
    run(home)
    said = write_off(home, "--reason", "no_destination", "--undo", "--json")
    assert (said.result["reopened"], said.result["written_off"]) == (1, 0)
    assert call("run", MONTH, "--json", *home.arguments).status == 0
    assert states(home)[:2] == [(2, "no_destination", "recycled"), (3, "account_unknown", "written_off")]
    assert rows(home, "SELECT action FROM audit WHERE who = 'Ann' ORDER BY entry_number") == [
        ("write-off",),
        ("reopen",),
    ]


def test_wrong_calls(home: Home) -> None:
    for arguments, sentence in (
        ((), "name the records as FILE:RECORD"),
        (("inbox/standard/a.csv:1",), "inbox/standard/a.csv:1: no record of that name is open"),
        (("a.csv",), "a.csv is no FILE:RECORD"),
        (("inbox/standard/a.csv:2", "--undo"), "no record of that name is written off"),
    ):
        said = write_off(home, *arguments)
        assert (said.status, sentence in said.err) == (2, True), said
    assert call("write-off", "inbox/standard/a.csv:2", "--because", " ", "--by", "Ann", *home.arguments).status == 2
    assert {state for _, _, state in states(home)} == {"open"}


def test_an_issued_month_is_not_corrected_for_what_is_written_off(home: Home) -> None:
    write_off(home, "--month", MONTH)
    assert call("run", MONTH, *home.arguments).status == 0
    assert call("issue", MONTH, "--yes", *home.arguments).status == 0
    home.add("numbers", "+33184000009,A2,FR,geographic,false,2026-05-01,")
    home.edit(
        "numbers", "+33184000009,A2,FR,geographic,false,2026-05-01,", "+33184000009,A2,FR,geographic,false,2026-04-05,"
    )
    result = call("correct", MONTH, "--new-tariff", "--json", *home.arguments).result
    assert [line["kind"] for line in result["lines"]] == ["number_fee"]
    assert call("rebuild", MONTH, *home.arguments).status == 0


def test_messages_wait_as_messages(home: Home) -> None:
    home.usage("b.csv", [MESSAGE, MESSAGE | {"record_id": "m2", "to_number": "+99912345678"}])
    run(home)
    columns = "record_id, service, direction, destination"
    assert rows(home, f"SELECT {columns} FROM suspense WHERE record_id IN ('m2', 'stranger', 'broken') ORDER BY 1") == [
        ("broken", None, None, None),
        ("m2", "sms", "outbound", None),
        ("stranger", "voice", "outbound", "France"),
    ]
    at_risk = call("suspense", "--reason", "no_destination", "--json", *home.arguments).result["reasons"][0]["at_risk"]
    assert at_risk == {"EUR": "0.07"}


def test_the_destination_of_what_waits_is_that_of_the_longest_prefix(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    home.add("destinations", "336399,France special,FR")
    called = {
        "a": ("+33145000001", "France"),
        "b": ("+33612345678", "France mobile"),
        "c": ("+33639980001", "France special"),
        "d": ("+12025550142", "United States"),
        "e": ("+99912345678", None),
    }
    came_in = {"direction": "inbound", "from_number": "+33639980001", "to_number": "+33184000009"}
    home.usage(
        "a.csv",
        [*(STRANGER | {"record_id": name, "to_number": to} for name, (to, _) in called.items()), CALL | came_in],
    )
    run(home)
    assert rows(home, "SELECT record_id, destination FROM suspense ORDER BY 1") == [
        *((name, destination) for name, (_, destination) in sorted(called.items()) if name < "c1"),
        ("c1", None),
        *((name, destination) for name, (_, destination) in sorted(called.items()) if name > "c1"),
    ]


def test_the_same_said_again_is_no_error_and_writes_nothing_off_twice(home: Home) -> None:
    names = ("inbox/standard/a.csv:2", "inbox/standard/a.csv:4")
    assert write_off(home, names[0]).status == 0
    said = write_off(home, *names, "--json")
    assert (said.status, said.result["written_off"], said.result["already"]) == (0, 1, 1)
    said = write_off(home, *names)
    assert (said.status, said.out) == (0, "0 records written off\n  2 were written off already\n")
    assert write_off(home, "--month", MONTH, "--reason", "no_destination").out == "0 records written off\n"
    assert rows(home, "SELECT count(*) FROM write_offs") == [(2,)]
    assert write_off(home, *names, "--undo").status == 0
    said = write_off(home, *names, "--undo")
    assert (said.status, said.out) == (0, "0 records wait again\n  2 waited already\n")
    assert rows(home, "SELECT count(*) FROM write_offs WHERE reopened_at IS NOT NULL") == [(2,)]


def test_what_was_not_published_any_command_publishes(home: Home) -> None:
    """A write-off that was killed behind its COMMIT, as the next command finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.operations.write_off.finish", lambda _session: None)
        write_off(home, "inbox/standard/a.csv:2")
    assert states(home)[0] == (2, "no_destination", "open")
    said = write_off(home, "inbox/standard/a.csv:9")
    assert (said.status, "no record of that name is open" in said.err) == (2, True)
    assert states(home)[0] == (2, "no_destination", "written_off")
