"""What Dagster hands to the assets: a session with the warehouse open for the length of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from pipelines.errors import CallbillError, Interrupted, describe, is_interruption
from pipelines.settings import Installation
from pipelines.stages.publish import catch_up
from pipelines.storage.session import Session, Silent
from pipelines.storage.warehouse import Warehouse

RUN_WAITS_SECONDS = 6 * 3600
"""A run started in Dagster waits so long for one before it; backfills queue many."""


_handed: ContextVar[Session | None] = ContextVar("handed", default=None)


@contextmanager
def handing(session: Session) -> Iterator[None]:
    """Runs within the block use `session`, which somebody else opened and will close."""
    token = _handed.set(session)
    try:
        yield
    finally:
        _handed.reset(token)


class SessionResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The open warehouse. Empty paths mean $CALLBILL_HOME and $CALLBILL_PRICE_TABLES, or their defaults."""

    home: str = ""
    price_tables: str = ""
    _session: Session | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[SessionResource]:
        """Takes the lock and opens the warehouse for the run, and closes it whatever happens."""
        handed = _handed.get()
        if handed is not None:
            self._session = handed
            yield self
            return
        log = context.log

        class Log(Silent):
            def warn(self, sentence: str) -> None:
                if log:
                    log.warning(sentence)

        with _readable():
            installation = Installation.find(self.home or None, self.price_tables or None)
            warehouse = Warehouse.open(installation, wait_seconds=RUN_WAITS_SECONDS)
        with warehouse:
            self._session = Session(installation, warehouse, Log())
            with _readable():
                catch_up(self._session)
            yield self
            self._session = None

    @property
    def session(self) -> Session:
        """The session of the run."""
        assert self._session is not None
        return self._session

    @contextmanager
    def running(self) -> Iterator[Session]:
        """The session for one stage; what stopped it is kept for the command line and shown as a plain failure."""
        warehouse = self.session.warehouse
        before = warehouse.commits
        try:
            yield self.session
        except Exception as error:  # noqa: BLE001
            # Dagster would show the traceback, and data within it.
            failure = _for_people(error, kept=warehouse.commits > before)
            # The first is the cause of those that follow it.
            self.session.failure = self.session.failure or failure
            raise dg.Failure(description=str(failure), allow_retries=False) from None


def _for_people(error: Exception, *, kept: bool) -> CallbillError:
    """`error`, or a sentence in its place: only what the system says of files and memory is quoted, as data never is.
    `kept`: the stage had committed something before."""
    if isinstance(error, CallbillError):
        return error
    if is_interruption(error):
        return Interrupted()
    stage = dg.OpExecutionContext.get().op.name
    state = "what it had finished stays, and the next run goes on from there" if kept else "nothing of it was kept"
    return CallbillError(f"stage {stage} stopped, {state}: {describe(error)}")


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except CallbillError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


def metadata(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts of a stage as Dagster metadata; `rows` under the name that Dagster charts."""
    return {("dagster/row_count" if name == "rows" else name): value for name, value in facts.items()}
