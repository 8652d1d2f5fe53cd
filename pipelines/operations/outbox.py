"""The outbox as commands and Dagster see it: send what is due, list it, put a row back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines.errors import BadInput
from pipelines.settings import Installation
from pipelines.stages.documents import make_receipt_documents
from pipelines.stages.send_due import send_due
from pipelines.storage.audit import add_entry
from pipelines.storage.opening import open_existing
from pipelines.storage.session import Progress, Session
from transforms.privacy import masked_address


def send_outbox(installation: Installation, progress: Progress, *, wait_seconds: float | None = None) -> dict[str, Any]:
    """Makes the receipts that are not there yet, then sends what is due: how many e-mails were `sent`, are to `retry`,
    `failed` or are `unknown`, how many are `waiting` for their document, how many are `left`, and why it `stopped`.
    Raises LockHeld or BadInput."""
    with open_existing(installation, progress, wait_seconds) as warehouse:
        return send_due(Session(installation, warehouse, progress), make=make_receipt_documents).facts()


def list_outbox(
    installation: Installation, progress: Progress, state: str | None, *, wait_seconds: float | None = None
) -> list[dict[str, Any]]:
    """The rows of the outbox, or those of a state, the oldest first; recipients are masked. Raises LockHeld."""
    with open_existing(installation, progress, wait_seconds) as warehouse:
        rows = warehouse.frame(
            "SELECT document, kind, account_id, recipient, state, attempts, next_attempt_at, said, created_at, changed_at "
            "FROM outbox WHERE state = coalesce(?, state) ORDER BY created_at, document",
            [state],
        )
    return [{**row, "recipient": masked_address(row["recipient"])} for row in rows.to_dicts()]


def put_back(
    installation: Installation,
    numbers: Sequence[str],
    reason: str,
    who: str,
    *,
    again: bool,
    progress: Progress,
    wait_seconds: float | None = None,
) -> None:
    """Lets the e-mails about the documents of those numbers be sent once more, all or none of them: to the address that
    accounts.csv had when it was last loaded, under the Message-ID that they have. Their attempts are counted anew.

    Raises BadInput where there is none of a number, where it waits already, or where it was sent and not `again`.
    """
    with open_existing(installation, progress, wait_seconds) as warehouse, warehouse.transaction():
        session = Session(installation, warehouse)
        for number in dict.fromkeys(numbers):
            _put_back(session, number, reason, who, again)


def _put_back(session: Session, number: str, reason: str, who: str, again: bool) -> None:
    rows = session.warehouse.connection.execute(
        "SELECT message_id, state, attempts, o.billing_month, recipient, coalesce(trim(a.email), '') "
        "FROM outbox o LEFT JOIN accounts a USING (account_id) WHERE document = ?",
        [number],
    ).fetchall()
    if not rows:
        raise BadInput(f"{number}: there is no e-mail about such a document")
    for message_id, state, attempts, month, before, address in rows:
        if state == "pending":
            raise BadInput(f"{number} waits to be sent already")
        if state == "sent" and not again:
            raise BadInput(f"{number} was sent; --again sends it once more")
        if not (address or before):
            raise BadInput(f"{number}: the account has no e-mail address; put one into accounts.csv and run a month")
        session.warehouse.connection.execute(
            "UPDATE outbox SET state = 'pending', attempts = 0, next_attempt_at = NULL, recipient = ?, changed_at = ? "
            "WHERE message_id = ?",
            [address or before, datetime.now(UTC), message_id],
        )
        other = ", to another address" if address and address != before else ""
        what = f"e-mail about {number}: {state} after {attempts} attempts, to be sent again{other}: {reason}"
        add_entry(session, "resend", month, what, who)
