"""What Dagster sees: the asset graph as it is written down in asset_graph.txt, the schedule, the sensor.

After a change that is meant: `python -m tests.pipelines.test_definitions` writes asset_graph.txt anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from pipelines.controls.month import CONTROLS
from pipelines.definitions import callbill, definitions
from pipelines.orchestration.assets.common import monthly
from pipelines.orchestration.resources import handing
from pipelines.settings import Billing, Installation, Mail, Settings
from pipelines.storage.catalogue import WAREHOUSE
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL

GRAPH = Path(__file__).with_name("asset_graph.txt")


def defined(settings: Settings | None = None) -> dg.Definitions:
    """The definitions of an installation that need not exist."""
    return definitions(Installation(Path("/nowhere"), Path("/nowhere"), settings or Settings()))


def graph_text() -> str:
    """The asset graph in words, one asset a paragraph."""
    graph = defined().resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        lines += [
            f"{node.group_name} / {key.to_user_string()}",
            f"    from   {', '.join(sorted(parent.to_user_string() for parent in node.parent_keys)) or '-'}",
            f"    kinds  {', '.join(sorted(node.kinds))}",
        ]
    return "\n".join(lines) + "\n"


REPORTS = {"legs_orphaned", "legs_longer"}
"""Controls that name records for somebody to look at, and keep no month from being published."""


class TestAssets:
    def test_the_graph_is_as_written_down(self) -> None:
        assert graph_text() == GRAPH.read_text("utf-8")

    def test_every_control_is_a_check_that_blocks_but_for_those_that_report(self) -> None:
        graph = defined().resolve_asset_graph()
        checks = {key.name: graph.get_check_spec(key) for key in graph.asset_check_keys}
        assert set(checks) == {control.name for control in CONTROLS}
        for control in CONTROLS:
            assert checks[control.name].blocking == (control.name not in REPORTS)
            assert checks[control.name].description == control.says

    def test_every_table_shows_its_columns_with_their_meaning(self) -> None:
        graph = defined().resolve_asset_graph()
        for key in graph.get_all_asset_keys() - {dg.AssetKey("published"), dg.AssetKey("issued")}:
            schema = graph.get(key).metadata["dagster/column_schema"]
            assert all(column.description and column.type for column in schema.columns), key
            table = WAREHOUSE.get(key.to_user_string())
            assert table is None or [column.name for column in schema.columns] == list(table.to_schema().columns)

    def test_all_are_monthly_described_and_owned(self) -> None:
        graph = defined().resolve_asset_graph()
        for key in graph.get_all_asset_keys():
            assert graph.get(key).partitions_def == monthly(Billing()), key
            assert graph.get(key).description, key
            assert graph.get(key).owners == ["team:billing"], key

    def test_it_loads_as_dagster_loads_it(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CALLBILL_HOME", str(home.path))
        loaded = callbill()
        dg.Definitions.validate_loadable(loaded)
        assert loaded.executor == dg.in_process_executor
        months = loaded.resolve_job_def("month_end").partitions_def
        assert months is not None
        assert months.get_first_partition_key() == "2026-04"


class TestMonths:
    def test_up_to_the_month_at_hand(self) -> None:
        keys = monthly(Billing()).get_partition_keys(current_time=datetime(2026, 10, 31, 23, 59, tzinfo=UTC))
        assert keys[0] == "2025-01"
        assert keys[-1] == "2026-10"

    def test_the_month_begins_in_the_billing_time_zone(self) -> None:
        months = monthly(Billing(time_zone="Pacific/Auckland"))
        assert months.get_partition_keys(datetime(2026, 10, 31, 10, 59, tzinfo=UTC))[-1] == "2026-10"
        assert months.get_partition_keys(datetime(2026, 10, 31, 11, 1, tzinfo=UTC))[-1] == "2026-11"

    def test_further_where_one_is_asked_for(self) -> None:
        assert monthly(Billing(), "2199-12").has_partition_key("2199-12")
        assert not monthly(Billing()).has_partition_key("2199-12")


class TestSchedule:
    def test_on_by_default_on_day_and_hour_of_the_settings(self) -> None:
        billing = Billing(time_zone="Europe/Paris", month_end_day=3, month_end_hour=5)
        schedule = defined(Settings(billing=billing)).resolve_schedule_def("month_end_schedule")
        assert schedule.cron_schedule == "0 5 3 * *"
        assert schedule.execution_timezone == "Europe/Paris"
        assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING

    @pytest.mark.parametrize(
        ("zone", "moment", "month"),
        [
            ("UTC", datetime(2026, 11, 2, 4, tzinfo=UTC), "2026-10"),
            ("UTC", datetime(2027, 1, 2, 4, tzinfo=UTC), "2026-12"),
            ("Europe/Paris", datetime(2026, 3, 1, 0, tzinfo=ZoneInfo("Europe/Paris")), "2026-02"),
            ("Pacific/Auckland", datetime(2026, 9, 30, 11, tzinfo=UTC), "2026-09"),
            ("America/Los_Angeles", datetime(2026, 11, 1, 6, tzinfo=UTC), "2026-09"),
        ],
    )
    def test_it_asks_for_the_month_that_has_ended(self, zone: str, moment: datetime, month: str) -> None:
        found = defined(Settings(billing=Billing(time_zone=zone)))
        with dg.build_schedule_context(
            repository_def=found.get_repository_def(), scheduled_execution_time=moment
        ) as context:
            tick = found.resolve_schedule_def("month_end_schedule").evaluate_tick(context)
        assert tick.run_requests is not None
        assert [(run.run_key, run.partition_key) for run in tick.run_requests] == [(month, month)]


class TestSending:
    @pytest.mark.parametrize(("host", "status"), [("", "STOPPED"), ("mail.example.com", "RUNNING")])
    def test_every_quarter_of_an_hour_where_there_is_a_server(self, host: str, status: str) -> None:
        schedule = defined(Settings(mail=Mail(host=host))).resolve_schedule_def("send_schedule")
        assert schedule.cron_schedule == "*/15 * * * *"
        assert schedule.default_status == dg.DefaultScheduleStatus[status]
        assert schedule.job_name == "send"

    def test_not_while_a_run_waits(self) -> None:
        found = defined()
        with dg.instance_for_test() as instance:
            assert self.asked(found, instance) == 1
            run = instance.create_run_for_job(found.resolve_job_def("send"), status=dg.DagsterRunStatus.STARTED)
            assert self.asked(found, instance) == 0
            instance.report_run_canceled(run)
            assert self.asked(found, instance) == 1

    def asked(self, found: dg.Definitions, instance: dg.DagsterInstance) -> int:
        """How many runs a tick asks for."""
        with dg.build_schedule_context(
            instance=instance,
            repository_def=found.get_repository_def(),
            scheduled_execution_time=datetime(2026, 11, 2, 4, tzinfo=UTC),
        ) as context:
            return len(found.resolve_schedule_def("send_schedule").evaluate_tick(context).run_requests or [])

    def test_the_job_sends(self, home: Home) -> None:
        with Warehouse.open(home.installation) as warehouse:
            session = Session(home.installation, warehouse)
            with handing(session):
                done = definitions(home.installation).resolve_job_def("send").execute_in_process()
        assert done.success
        (facts,) = [
            event.step_output_data.metadata for event in done.all_events if event.event_type_value == "STEP_OUTPUT"
        ]
        assert facts["left"].value == 0
        assert "is not set" in facts["stopped"].value


class TestSensor:
    def test_off_until_somebody_starts_it(self) -> None:
        sensor = defined().resolve_sensor_def("new_usage_files")
        assert sensor.default_status == dg.DefaultSensorStatus.STOPPED

    def test_it_asks_for_a_run_when_files_came(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CALLBILL_HOME", str(home.path))
        assert self.asked(None) == ([], None)
        home.usage("a.csv", [CALL])
        runs, cursor = self.asked(None)
        assert len(runs) == 1
        assert self.asked(cursor) == ([], cursor)
        home.usage(".b.csv", [CALL | {"record_id": "c2"}])
        assert self.asked(cursor) == ([], cursor)
        home.usage("b.csv", [CALL | {"record_id": "c2"}])
        more, _ = self.asked(cursor)
        assert len(more) == 1
        assert more[0].run_key != runs[0].run_key
        assert more[0].partition_key == runs[0].partition_key
        assert more[0].partition_key < f"{datetime.now(UTC):%Y-%m}"

    def asked(self, cursor: str | None) -> tuple[list[dg.RunRequest], str | None]:
        """The runs that a tick asks for, and the cursor it leaves."""
        found = defined()
        with dg.build_sensor_context(cursor=cursor, repository_def=found.get_repository_def()) as context:
            tick = found.resolve_sensor_def("new_usage_files").evaluate_tick(context)
        return list(tick.run_requests or []), tick.cursor


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without usage."""
    return make_home(tmp_path)


if __name__ == "__main__":
    GRAPH.write_text(graph_text(), encoding="utf-8")
