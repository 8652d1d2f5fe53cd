"""Runs a Dagster job for one month in this process, over the same instance as the UI."""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import redirect_stderr

import dagster as dg

from pipelines.errors import CallbillError, Interrupted
from pipelines.orchestration.instance import dagster_instance, end_dead_runs, unwritten, writing_history
from pipelines.settings import Installation
from pipelines.storage.session import Session


def materialize(session: Session, name: str, job_name: str = "month_end") -> None:
    """Runs a job for one month in this process."""
    from pipelines.definitions import definitions
    from pipelines.orchestration.resources import handing

    # What they would tell, stages tell in sentences; a Ctrl-C makes a traceback of SQLAlchemy's pool.
    for logger in ("dagster", "sqlalchemy"):
        logging.getLogger(logger).setLevel(logging.CRITICAL + 1)
    # Of its history it writes there itself, with all that could not be written.
    silent = redirect_stderr(io.StringIO())
    with (
        dagster_instance(session.installation) as instance,
        silent,
        warnings.catch_warnings(),
        handing(session),
        writing_history(session.installation),
    ):
        warnings.simplefilter("ignore")
        end_dead_runs(instance, of_dagster=False)
        job = definitions(session.installation, name).resolve_job_def(job_name)
        result = job.execute_in_process(
            partition_key=name,
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
    if session.failure is not None:
        raise session.failure
    if not result.success:
        raise _reason(session.installation, result)


_OF_SQLITE = ("OperationalError", "DatabaseError")


def _reason(installation: Installation, result: dg.ExecuteInProcessResult) -> BaseException:
    """What made a run stop outside of its stages: a person's Ctrl-C, Dagster's history, or Dagster itself."""
    history = None
    for event in result.all_events:
        error = event.step_failure_data.error if event.is_step_failure else None
        error = event.job_failure_data.error if event.is_run_failure else error
        while error is not None:
            if error.cls_name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt"):
                return Interrupted()
            if error.cls_name in _OF_SQLITE and not error.cause:
                history = error.message.strip().partition(": ")[2]
            error = error.cause or error.context
    if result.dagster_run.status in (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED):
        return Interrupted()
    if history:
        return unwritten(installation, history)
    return CallbillError(f"the run did not succeed: {result.dagster_run.status.value}")
