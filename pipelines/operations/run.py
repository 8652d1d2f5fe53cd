"""Runs the assets from the command line, in this process, over the same Dagster instance as the UI."""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from datetime import UTC, datetime
from typing import Any, NoReturn

import dagster as dg
import polars as pl
from sqlalchemy.exc import SQLAlchemyError

from pipelines.errors import BadInput, CallbillError, ControlFailed, Interrupted, LockHeld
from pipelines.operations.rebuild import rebuild_month
from pipelines.operations.recycle import months_to_run, open_suspense
from pipelines.operations.verify import verify_month
from pipelines.reference.consistency import read_price_tables, read_reference
from pipelines.reference.tariff import require_issued_tariff
from pipelines.settings import REPOSITORY, Installation, Month
from pipelines.stages.billing_months import issued_months
from pipelines.stages.correct import compare_month, correct_month
from pipelines.stages.issue import park_account
from pipelines.stages.load import load_reference_and_prices
from pipelines.stages.proof import put_document, require_known
from pipelines.stages.publish import catch_up, finish, publish
from pipelines.stages.reread import mend_records
from pipelines.storage.atomic_files import put
from pipelines.storage.audit import record
from pipelines.storage.month_files import scan
from pipelines.storage.opening import open_existing, open_warehouse
from pipelines.storage.session import Progress, Session, Silent
from pipelines.storage.unfinished import to_run
from pipelines.storage.warehouse import Warehouse, WarehouseLock
from transforms.billing.corrections import by_account

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
    with (installation.home / ".dagster.lock").open("w") as lock, _history(installation):
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings = folder / "dagster.yaml"
        if not settings.exists():
            beside = folder / ".dagster.yaml.new"
            beside.write_text(DAGSTER_YAML, encoding="utf-8")
            put(beside, settings)
        instance = dg.DagsterInstance.from_config(str(folder))
        instance.get_run_records(limit=1)
        instance.get_asset_keys()
        return instance


@contextmanager
def _history(installation: Installation) -> Iterator[None]:
    """Tells in a sentence where Dagster's own databases fail: on a full disk, most often."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _unwritten(installation, getattr(error, "orig", None) or error) from None


def _unwritten(installation: Installation, what: object) -> CallbillError:
    return CallbillError(f"{installation.dagster_home}: the run history cannot be written: {what}")


def _end_dead_runs(instance: dg.DagsterInstance, *, of_dagster: bool) -> None:
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


def run_month(
    installation: Installation, name: str, progress: Progress, *, wait_seconds: float | None = None
) -> dict[str, Any]:
    """The month end of `name`; returns the outcome. Raises LockHeld, BadInput or ControlFailed."""
    Month.parse(name, installation.settings)
    installation.home.mkdir(parents=True, exist_ok=True)
    prepare_environment(installation)
    with open_warehouse(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        catch_up(session)
        materialize(session, name)
        _run_others(session)
        from pipelines.operations.outcome import outcome

        return outcome(session, name)


def _run_others(session: Session) -> None:
    """Runs the months that a recycling had still to run when it ended, or was killed. What keeps one from it is told."""
    for name in sorted(to_run(session)):
        session.progress.warn(f"{name} is run as well: `callbill recycle` ended before it had run that month")
        try:
            materialize(session, name)
        except (BadInput, ControlFailed) as error:
            session.failure = None
            session.progress.warn(str(error))


def materialize(session: Session, name: str, job_name: str = "month_end") -> None:
    """Runs a job for one month in this process."""
    from pipelines.definitions import definitions
    from pipelines.orchestration.resources import handing

    # What they would tell, stages tell in sentences; a Ctrl-C makes a traceback of SQLAlchemy's pool.
    for logger in ("dagster", "sqlalchemy"):
        logging.getLogger(logger).setLevel(logging.CRITICAL + 1)
    instance = dagster_instance(session.installation)
    # Of its history it writes there itself, with all that could not be written.
    silent = redirect_stderr(io.StringIO())
    with silent, warnings.catch_warnings(), handing(session), _history(session.installation):
        warnings.simplefilter("ignore")
        _end_dead_runs(instance, of_dagster=False)
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
        return _unwritten(installation, history)
    return CallbillError(f"the run did not succeed: {result.dagster_run.status.value}")


def make_documents(
    installation: Installation, name: str, progress: Progress, *, wait_seconds: float | None = None
) -> dict[str, Any]:
    """Makes the files of what is issued of the month, and its payment files; returns how many of each kind there are,
    and where. Raises LockHeld, BadInput or NotMade."""
    Month.parse(name, installation.settings)
    prepare_environment(installation)
    with open_existing(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        catch_up(session)
        materialize(session, name, "make_documents")
        facts = warehouse.value("SELECT facts FROM manifest WHERE stage = 'documents' AND month = ?", [name])
        return {"month": name, **json.loads(facts)}


def correct_bills(
    installation: Installation,
    name: str,
    progress: Progress,
    *,
    issue: bool,
    reason: str,
    new_tariff: bool = False,
    wait_seconds: float | None = None,
) -> dict[str, Any]:
    """How the issued month would be billed today: `accounts` with what they were charged, what is right, and the
    difference; `lines` that differ; `lost` legs by reason. With `issue`, `notes` that make up for it are issued, and
    published. Raises LockHeld or BadInput, also where prices are other than those of the last issue and no `new_tariff`
    was agreed to."""
    Month.parse(name, installation.settings)
    with open_existing(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        prices = read_price_tables(installation)
        if not new_tariff:
            require_issued_tariff(session, name)
        tables = prices | read_reference(installation, prices)
        if issue:
            catch_up(session)
            require_known(session)
            load_reference_and_prices(session, name)
        found = compare_month(session, name, tables)
        result = {
            "month": name,
            "accounts": by_account(found.lines, found.bills).to_dicts(),
            "lines": found.lines.to_dicts(),
            "lost": found.lost,
        }
        if not issue:
            return result
        part = correct_month(session, name, tables, found, reason, datetime.now(UTC))
        put_document(session, name)
        publish(session, name)
        numbers = warehouse.month_files.part("correction_notes", name, part) if part else []
        return {**result, "notes": scan("correction_notes", numbers).collect().to_dicts()}


def hold_back(
    installation: Installation, month: str, account: str, reason: str, who: str, *, wait_seconds: float | None = None
) -> None:
    """Parks the account's bill of the month. Raises BadInput where it is issued, parked, or nobody's."""
    Month.parse(month, installation.settings)
    with open_warehouse(installation, Silent(), wait_seconds) as warehouse:
        session = Session(installation, warehouse)
        if not warehouse.value("SELECT 1 FROM accounts WHERE account_id = ?", [account]):
            raise BadInput(f"{account} is not in accounts.csv as it was last loaded")
        issued = issued_months(session)
        if month in issued.open_accounts and account not in issued.open_accounts[month]:
            raise BadInput(f"{month}:{account}: the month is issued, and this bill with it")
        if _held(warehouse, month, account):
            raise BadInput(f"{month}:{account} is parked already")
        with warehouse.transaction():
            park_account(session, month, account, reason, who, datetime.now(UTC))


def let_go(
    installation: Installation, month: str, account: str, reason: str, who: str, *, wait_seconds: float | None = None
) -> None:
    """Releases the account's bill of the month. Raises BadInput where it is not parked."""
    Month.parse(month, installation.settings)
    with open_warehouse(installation, Silent(), wait_seconds) as warehouse:
        session = Session(installation, warehouse)
        if not _held(warehouse, month, account):
            raise BadInput(f"{month}:{account} is not parked")
        with warehouse.transaction():
            warehouse.connection.execute(
                "UPDATE parked SET released_by = ?, release_reason = ?, released_at = ? "
                "WHERE billing_month = ? AND account_id = ? AND released_at IS NULL",
                [who, reason, datetime.now(UTC), month, account],
            )
            record(session, "release", month, f"{account}: {reason}", who)


def _held(warehouse: Warehouse, month: str, account: str) -> bool:
    query = "SELECT 1 FROM parked WHERE billing_month = ? AND account_id = ? AND released_at IS NULL"
    return bool(warehouse.value(query, [month, account]))


def verify_issued(installation: Installation, month: str, *, wait_seconds: float | None = None) -> dict[str, Any]:
    """Whether the issued month is as it was; see `verify_month`."""
    Month.parse(month, installation.settings)
    with open_existing(installation, Silent(), wait_seconds) as warehouse:
        return verify_month(Session(installation, warehouse), month)


def rebuild_issued(
    installation: Installation, month: str, progress: Progress, *, wait_seconds: float | None = None
) -> dict[str, Any]:
    """Whether the issued month comes out the same from its raw files and inputs; see `rebuild_month`."""
    Month.parse(month, installation.settings)
    with open_existing(installation, progress, wait_seconds) as warehouse:
        return rebuild_month(Session(installation, warehouse, progress), month)


def recycle_months(
    installation: Installation, progress: Progress, *, source: str | None = None, wait_seconds: float | None = None
) -> dict[str, Any]:
    """Reads again what was refused, or with `source` (a folder of the inbox) all of it that is on no issued bill; then runs
    the months again that have open suspense or other usage since. Returns what became of it. Raises LockHeld, BadInput
    or ControlFailed."""
    prepare_environment(installation)
    installation.home.mkdir(parents=True, exist_ok=True)
    with open_warehouse(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        catch_up(session)
        before = open_suspense(warehouse)
        mended = mend_records(session, source)
        for sentence in mended.problems:
            progress.warn(sentence)
        for name in months_to_run(session, before):
            materialize(session, name)
        finish(session)
        still = before.join(open_suspense(warehouse), on="key", how="semi")
        months = [
            {"month": name, "open_before": count, "open": left, "recycled": count - left}
            for (name,), rows in before.group_by("usage_month", maintain_order=True)
            for count, left in [(rows.height, still.filter(pl.col("usage_month") == name).height)]
        ]
        return {
            "open_before": before.height + mended.refused,
            "recycled": before.height - still.height + mended.mended,
            "read_again": {
                "files": mended.files,
                "refused_before": mended.refused,
                "mended": mended.mended,
                "problems": mended.problems,
            },
            "months": months,
        }


def serve_ui(installation: Installation, port: int) -> NoReturn:
    """Becomes `dagster dev` on loopback, its web server behind the guard: signals reach it, and its exit status is the
    command's."""
    installation.home.mkdir(parents=True, exist_ok=True)
    prepare_environment(installation)
    instance = dagster_instance(installation)
    lock = WarehouseLock(installation.home)
    with suppress(LockHeld):
        lock.acquire(wait_seconds=0)
        _end_dead_runs(instance, of_dagster=True)
        lock.release()
    instance.dispose()
    workspace = str(REPOSITORY / "workspace.yaml")
    # `dagster dev` warns of its successor `dg`, which is no part of the installation.
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    # Dagster's processes import from the folder they are started in, whatever happens to lie there.
    os.chdir(REPOSITORY)
    dagster = [sys.executable, "-m", "pipelines.orchestration.serving"]
    os.execv(sys.executable, [*dagster, "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)])
