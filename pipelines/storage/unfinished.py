"""What a command has still to do behind its transaction: noted in the manifest with it, struck out when it is done. So
whoever comes next finds it where the command was killed. Nothing is done here (`stages.publish.finish` does)."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.storage.session import Session

_PUBLISH, _RUN = "to_publish", "to_run"


def must_publish(session: Session, month: str | None = None) -> None:
    """What is published is older than the warehouse: its small tables, with a `month` also what was issued of that, of
    which the proof may be missing. Belongs into the transaction."""
    session.warehouse.note(_PUBLISH, month, {})


def to_publish(session: Session) -> list[str | None]:
    """The months of `must_publish`, None among them where only small tables are meant."""
    return _months(session, _PUBLISH)


def must_run(session: Session, months: Iterable[str]) -> None:
    """Recycling has these months to run. Belongs into a transaction."""
    for month in sorted(set(months)):
        session.warehouse.note(_RUN, month, {})


def to_run(session: Session) -> set[str]:
    """The months, from the first of the settings on, that a recycling has still to run."""
    first = session.installation.settings.billing.first_month
    return {month for month in _months(session, _RUN) if month and month >= first}


def has_run(session: Session, month: str) -> None:
    """The month was run to its end: it is published, or a control keeps it from that. Belongs into the transaction."""
    session.warehouse.connection.execute("DELETE FROM manifest WHERE stage = ? AND month = ?", [_RUN, month])


def is_published(session: Session, month: str) -> None:
    """The published file has the small tables as the warehouse has them, and the month. Belongs into a transaction."""
    session.warehouse.connection.execute(
        "DELETE FROM manifest WHERE stage = ? AND coalesce(month = ?, true)", [_PUBLISH, month]
    )


def _months(session: Session, stage: str) -> list[str | None]:
    rows = session.warehouse.connection.execute("SELECT month FROM manifest WHERE stage = ? ORDER BY 1", [stage])
    return [row[0] for row in rows.fetchall()]
