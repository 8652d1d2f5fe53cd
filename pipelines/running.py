"""Runs the assets from the command line, in this process, over the same Dagster instance as the UI."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.errors import CallbillError
from pipelines.session import Progress, Session
from pipelines.settings import REPOSITORY, Installation, Month
from pipelines.warehouse import Warehouse

DAGSTER_YAML = """\
# Written by callbill. One run at a time: the warehouse has one writer.
concurrency:
  runs:
    max_concurrent_runs: 1
telemetry:
  enabled: false
"""


def dagster_instance(installation: Installation) -> dg.DagsterInstance:
    """The Dagster instance in HOME/dagster, made once: two processes that made it at the same time would break it."""
    folder = installation.dagster_home
    folder.mkdir(parents=True, exist_ok=True)
    with (installation.home / ".dagster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings = folder / "dagster.yaml"
        if not settings.exists():
            settings.write_text(DAGSTER_YAML, encoding="utf-8")
        instance = dg.DagsterInstance.from_config(str(folder))
        instance.get_run_records(limit=1)
        instance.get_asset_keys()
        return instance


def _environment(installation: Installation) -> None:
    """Dagster's definitions find the installation by the environment, in this process and those it starts."""
    os.environ["CALLBILL_HOME"] = str(installation.home)
    os.environ["CALLBILL_PRICE_TABLES"] = str(installation.price_tables)
    os.environ["DAGSTER_HOME"] = str(installation.dagster_home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"


def run_month(
    installation: Installation, name: str, progress: Progress, *, wait_seconds: float | None = None
) -> dict[str, Any]:
    """The month end of `name`; returns the outcome. Raises LockHeld, BadInput or ControlFailed."""
    Month.parse(name, installation.settings)
    installation.home.mkdir(parents=True, exist_ok=True)
    _environment(installation)
    with _open(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        _materialize(session, name)
        from pipelines.outcome import outcome

        return outcome(session, name)


def _open(installation: Installation, progress: Progress, wait_seconds: float | None) -> Warehouse:
    def waiting(holder: str) -> None:
        progress.warn(f"waiting for {holder}, which holds the warehouse")

    return Warehouse.open(installation, wait_seconds=wait_seconds, waiting=waiting)


def _materialize(session: Session, name: str) -> None:
    """Runs the job `month_end` for one month in this process."""
    from pipelines.definitions import definitions
    from pipelines.resources import handing

    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with warnings.catch_warnings(), handing(session):
        warnings.simplefilter("ignore")
        result = definitions(session.installation, name).resolve_job_def("month_end").execute_in_process(
            partition_key=name,
            instance=dagster_instance(session.installation),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
    if session.failure is not None:
        raise session.failure
    if not result.success:
        raise CallbillError(_first_failure(result))


def _first_failure(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.error is not None:
            error = event.step_failure_data.error
            cause = error.cause or error
            return f"stage {event.step_key} stopped, nothing of it was kept: {cause.message.strip()}"
    return "the run did not succeed"


def recycle_months(installation: Installation, progress: Progress, *, wait_seconds: float | None = None) -> dict[str, Any]:
    """Runs the months again that have open suspense for want of reference data; returns what became of it."""
    _environment(installation)
    installation.home.mkdir(parents=True, exist_ok=True)
    with _open(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        before = _open_suspense(warehouse)
        months = []
        for name, count in before.items():
            _materialize(session, name)
            still = _open_suspense(warehouse).get(name, 0)
            months.append({"month": name, "open_before": count, "open": still, "recycled": count - still})
        return {
            "open_before": sum(before.values()),
            "recycled": sum(month["recycled"] for month in months),
            "months": months,
        }


def _open_suspense(warehouse: Warehouse) -> dict[str, int]:
    rows = warehouse.connection.execute(
        "SELECT usage_month, count(*) FROM suspense WHERE state = 'open' AND usage_month IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    return dict(rows.fetchall())


def serve_ui(installation: Installation, port: int) -> int:
    """Runs `dagster dev` on loopback until it is ended; returns its exit status."""
    installation.home.mkdir(parents=True, exist_ok=True)
    _environment(installation)
    dagster_instance(installation).dispose()
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-w", str(REPOSITORY / "workspace.yaml")]
    try:
        return subprocess.call([*command, "-h", "127.0.0.1", "-p", str(port)])
    except KeyboardInterrupt:
        return 0
