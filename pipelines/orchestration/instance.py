"""Dagster's instance of an installation, in HOME/dagster: made once, its history written, its dead runs marked."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from sqlalchemy.exc import SQLAlchemyError

from pipelines.errors import CallbillError
from pipelines.orchestration.history import History
from pipelines.settings import Installation
from pipelines.storage.atomic_files import put_content

DAGSTER_YAML = """\
# Written by callbill. One run of Dagster's at a time: the warehouse has one writer. Runs of the command line do not
# count here, so that one that was killed keeps nothing from running; they take turns by the warehouse's lock.
concurrency:
  runs:
    tag_concurrency_limits:
      - key: dagster/code_location
        value: callbill
        limit: 1
telemetry:
  enabled: false
nux:
  enabled: false
# The stages print nothing; capturing that would take two processes a run, and the terminal from the progress display.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


def dagster_instance(installation: Installation) -> dg.DagsterInstance:
    """The Dagster instance in HOME/dagster, made once: two processes that made it at the same time would break it."""
    folder = installation.dagster_home
    folder.mkdir(parents=True, exist_ok=True)
    with (installation.home / ".dagster.lock").open("w") as lock, writing_history(installation):
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings = folder / "dagster.yaml"
        if not settings.exists():
            put_content(DAGSTER_YAML.encode(), settings)
        kept = {"module": History.__module__, "class": History.__name__, "config": {"base_dir": str(folder)}}
        reference = InstanceRef.from_dir(str(folder), overrides={"storage": {"custom": kept}})
        instance = dg.DagsterInstance.from_ref(reference)
        instance.get_run_records(limit=1)
        instance.get_asset_keys()
        return instance


@contextmanager
def writing_history(installation: Installation) -> Iterator[None]:
    """Tells in a sentence where Dagster's own databases fail: on a full disk, most often."""
    try:
        yield
    except SQLAlchemyError as error:
        raise unwritten(installation, getattr(error, "orig", None) or error) from None


def unwritten(installation: Installation, what: object) -> CallbillError:
    """What Dagster's databases could not write, as an error for people."""
    return CallbillError(f"{installation.dagster_home}: the run history cannot be written: {what}")


def end_dead_runs(instance: dg.DagsterInstance, *, of_dagster: bool) -> None:
    """Marks as failed what Dagster believes to run and cannot: runs of the command line, and Dagster's own `of_dagster`.

    Only for who holds the warehouse's lock: no run of the command line lives without it.
    """
    active = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=active)):
        if of_dagster or "dagster/code_location" not in run.tags:
            instance.report_run_failed(run, "the process of this run is gone: it was killed, or the machine stopped")


def prepare_environment(installation: Installation) -> None:
    """Dagster's definitions find the installation by the environment, in this process and those it starts."""
    os.environ["CALLBILL_HOME"] = str(installation.home)
    if installation.tariff is not None:
        os.environ["CALLBILL_PRICE_TABLES"] = str(installation.tariff)
    os.environ["DAGSTER_HOME"] = str(installation.dagster_home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
