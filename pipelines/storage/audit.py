"""The audit trail: who changed what, when, by which command; rows are added and never touched again."""

from __future__ import annotations

import getpass
import hashlib
from datetime import UTC, datetime

from pipelines.storage.session import Session
from pipelines.version import VERSION, commit


def add_entry(session: Session, action: str, month: str | None, changed: str, who: str | None = None) -> None:
    """Adds an entry. Belongs into the transaction of what it tells of."""
    warehouse = session.warehouse
    inputs = warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'")
    warehouse.connection.execute(
        "INSERT INTO audit BY NAME SELECT (SELECT coalesce(max(entry_number), 0) + 1 FROM audit) AS entry_number, "
        '? AS at, ? AS who, ? AS action, ? AS billing_month, ? AS changed, ? AS version, ? AS inputs, ? AS "commit"',
        [
            datetime.now(UTC),
            who or _user(),
            action,
            month,
            changed,
            VERSION,
            hashlib.sha256(str(inputs).encode()).hexdigest(),
            commit() or None,
        ],
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
