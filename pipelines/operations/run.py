"""`callbill run`: the month end of one month, and of those that a recycling had still to run."""

from __future__ import annotations

from typing import Any

from pipelines.errors import BadInput, ControlFailed
from pipelines.operations.materialize import materialize
from pipelines.orchestration.instance import prepare_environment
from pipelines.settings import Installation, Month
from pipelines.stages.publish import catch_up
from pipelines.storage.opening import open_warehouse
from pipelines.storage.session import Progress, Session
from pipelines.storage.unfinished import to_run


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
