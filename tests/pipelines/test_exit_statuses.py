"""What each exit status of the contract says, and what it leaves behind."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.version import described
from tests.pipelines.command import call
from tests.pipelines.homes import SHIPPED, Home, make_home
from tests.pipelines.traffic import CALL, callr_call
from tests.support import run_stages

MONTH = "2026-04"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one call."""
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL])
    return home


@pytest.fixture
def run_before(home: Home) -> Home:
    """A home whose month was run and published."""
    run_stages(home.path, home.price_tables, [MONTH])
    return home


def warehouse(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables of the warehouse."""
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in sorted(names)}


class TestWrongCalls:
    @pytest.mark.parametrize(
        "month",
        ["2026-13", "2026-1", "26-04", "2026-04-01", "April", "", "２０２６-04", "2026-04\n", "9999-12"],
    )
    def test_no_month(self, home: Home, month: str) -> None:
        said = call("run", *home.arguments, "--", month)
        assert said.status == 2
        assert said.err.startswith("callbill: ")
        assert "months are written as 2026-10" in said.err
        assert not (home.path / "warehouse.duckdb").exists()

    def test_month_before_the_first(self, home: Home) -> None:
        said = call("run", "2026-03", *home.arguments)
        assert said.status == 2
        assert "2026-03 lies before the first month of this installation, 2026-04" in said.err

    @pytest.mark.parametrize("arguments", [["run"], ["run", MONTH, "--wait", "-1"], ["bill"], ["run", MONTH, "--jsn"]])
    def test_arguments(self, arguments: list[str]) -> None:
        said = call(*arguments)
        assert (said.status, said.out) == (2, "")
        assert "Usage: " in said.err

    def test_help(self) -> None:
        said = call("--help")
        assert said.status == 0
        assert "Exit status: 0 done" in said.out


class TestUnusableInputs:
    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            ('[billing]\ntimezone = "UTC"\n', "unknown key 'timezone' in [billing]"),
            ("[bills]\n", "unknown section [bills]"),
            ('[billing]\ntime_zone = "Paris"\n', "'Paris' is no time zone"),
            ('[billing]\nmonth_end_day = "2"\n', "a whole number is expected"),
            ("[billing]\nmonth_end_day = 31\n", "31 is no day from 1 to 28"),
            ("[billing\n", "cannot be read"),
        ],
    )
    def test_settings(self, home: Home, settings: str, sentence: str) -> None:
        home.settings(settings)
        said = call("run", MONTH, *home.arguments)
        assert (said.status, said.out) == (2, "")
        assert sentence in said.err
        assert str(home.path / "callbill.toml") in said.err

    @pytest.mark.parametrize(
        ("table", "old", "new", "sentence"),
        [
            ("voice_outbound", "France,0.012000", "France,0.o12", "line 2, column price_per_minute"),
            ("vat_rates", "FR,0.2000,2025-01-01\n", "", "no rate of FR"),
            ("accounts", "A2,Garage", "A1,Garage", "line 3, column account_id"),
            ("numbers", "+33184000003,A2", "+33184000003,A9", "an account of accounts.csv"),
            ("credits", "50.00,EUR", "50.00,USD", "the currency of the account"),
        ],
    )
    def test_a_broken_table_stops_before_anything_is_written(
        self, run_before: Home, table: str, old: str, new: str, sentence: str
    ) -> None:
        home = run_before
        home.usage("b.csv", [CALL | {"record_id": "c2"}])
        before, published = warehouse(home), home.published.read_bytes()
        home.edit(table, old, new)
        said = call("run", MONTH, *home.arguments)
        assert (said.status, said.out) == (2, "")
        assert sentence in said.err
        assert f"{table}.csv" in said.err
        assert warehouse(home) == before
        assert home.published.read_bytes() == published

    def test_no_accounts(self, tmp_path: Path) -> None:
        said = call("run", MONTH, "--home", str(tmp_path / "new"), "--price-tables", str(SHIPPED / "prices"))
        assert said.status == 2
        assert "there is no accounts.csv in" in said.err

    def test_a_file_that_is_no_warehouse(self, home: Home) -> None:
        (home.path / "warehouse.duckdb").write_text("no database\n" * 9)
        said = call("run", MONTH, *home.arguments)
        assert (said.status, said.out) == (2, "")
        assert "cannot be opened as callbill's warehouse" in said.err

    def test_home_is_a_file(self, tmp_path: Path) -> None:
        place = tmp_path / "file"
        place.touch()
        said = call("run", MONTH, "--home", str(place), "--price-tables", str(SHIPPED / "prices"))
        assert said.status == 2
        assert "Traceback" not in said.err

    def test_home_cannot_be_written(self, home: Home) -> None:
        (home.path / "warehouse.lock").mkdir()
        said = call("run", MONTH, *home.arguments)
        assert said.status == 2
        assert said.err.startswith("callbill: ")
        assert "warehouse.lock" in said.err


class TestControls:
    def test_one_that_fails_keeps_everything_from_being_published(self, run_before: Home) -> None:
        home = run_before
        published = home.published.read_bytes()
        alone = callr_call(7_000_001, datetime(2026, 4, 9, tzinfo=UTC), 33, callid_in=6_999_999)
        home.callr("alone.jsonl", [alone])
        said = call("run", MONTH, *home.arguments)
        assert (said.status, said.out) == (1, "")
        assert said.err.startswith("callbill: control forwarded_legs failed for 2026-04: ")
        assert home.published.read_bytes() == published
        self.another_month_leaves_it_as_it_was(home)
        self.what_was_missing_mends_it(home)

    def another_month_leaves_it_as_it_was(self, home: Home) -> None:
        assert call("run", "2026-05", *home.arguments).status == 0
        with duckdb.connect(str(home.published), read_only=True) as connection:
            usage = connection.execute("SELECT record_id FROM rated_usage").fetchall()
            months = connection.execute("SELECT DISTINCT billing_month FROM bills ORDER BY 1").fetchall()
        assert usage == [("c1",)]
        assert months == [("2026-04",), ("2026-05",)]

    def what_was_missing_mends_it(self, home: Home) -> None:
        home.callr("late.jsonl", [callr_call(6_999_999, datetime(2026, 4, 9, tzinfo=UTC), 40)])
        assert call("run", MONTH, *home.arguments).status == 0
        with duckdb.connect(str(home.published), read_only=True) as connection:
            usage = connection.execute("SELECT record_id FROM rated_usage ORDER BY 1").fetchall()
        assert usage == [("6999999",), ("7000001",), ("c1",)]

    def test_a_missing_call_may_be_the_one_that_could_not_be_read(self, home: Home) -> None:
        legs = [callr_call(number, datetime(2026, 4, 9, tzinfo=UTC), 33, callid_in=1) for number in (2, 3)]
        home.raw("callr/cut.jsonl", '{"type": "call.inbound_hungup", "data": {"callid": 1,\n')
        home.callr("alone.jsonl", legs[:1])
        assert call("run", MONTH, *home.arguments).status == 0
        home.callr("another.jsonl", legs[1:])
        assert call("run", MONTH, *home.arguments).status == 1

    def test_one_that_fails_publishes_nothing_at_all(self, home: Home) -> None:
        home.callr("alone.jsonl", [callr_call(2, datetime(2026, 4, 9, tzinfo=UTC), 33, callid_in=1)])
        said = call("run", MONTH, "--json", *home.arguments)
        assert (said.status, said.out) == (1, "")
        assert not home.published.exists()


class TestRuns:
    def test_json(self, run_before: Home) -> None:
        said = call("run", MONTH, "--json", *run_before.arguments)
        assert (said.status, said.err) == (0, "")
        assert said.result["month"] == MONTH
        assert said.result["files"] == {"files": 1, "records": 1, "duplicates": 0}
        assert said.result["usage"][0]["charges"] == "0.0166000000"
        assert said.result["suspense"] == []

    def test_for_people(self, run_before: Home) -> None:
        said = call("run", MONTH, *run_before.arguments)
        assert (said.status, said.err) == (0, "")
        assert "2026-04: 1 records in 1 files, 0 duplicates" in said.out
        assert re.search(r"voice +outbound +1 +0\.0166000000 +EUR", said.out)
        assert f"Published: {run_before.published}" in said.out

    def test_a_month_that_lies_ahead(self, home: Home) -> None:
        assert call("run", "2199-12", "--json", *home.arguments).status == 0


class TestFaults:
    """Errors of callbill itself: a line that says where, and nothing of the data."""

    def test_in_a_stage(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object) -> None:
            raise ValueError("+33140000001")

        monkeypatch.setattr("pipelines.stages.bill.make_lines", broken)
        said = call("run", MONTH, *home.arguments)
        assert (said.status, said.out) == (2, "")
        assert "stage bill_lines stopped, nothing of it was kept: a fault of callbill itself" in said.err
        assert "ValueError at test_exit_statuses.py:" in said.err
        assert f" (callbill {described()})" in said.err
        assert "+33140000001" not in said.err
        assert "Traceback" not in said.err

    def test_elsewhere(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object) -> None:
            raise KeyError("+33140000001")

        monkeypatch.setattr("pipelines.operations.check.check_inputs", broken)
        said = call("check", *home.arguments)
        assert (said.status, said.out) == (2, "")
        assert said.err.startswith("callbill: a fault of callbill itself, please report this line: KeyError at ")
        assert "+33140000001" not in said.err
