"""The outbox as commands and Dagster see it: send what is due, list it, put a row back."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines.documents.addresses import masked, plain_address
from pipelines.documents.smtp import TIMEOUT_SECONDS, Server
from pipelines.errors import BadInput
from pipelines.settings import Installation, Settings
from pipelines.stages.documents import make_receipt_documents
from pipelines.stages.send import Sent, send
from pipelines.storage.audit import record
from pipelines.storage.opening import open_existing
from pipelines.storage.session import Progress, Session

PASSWORD = "CALLBILL_MAIL_PASSWORD"


def mail_server(
    settings: Settings, *, context: ssl.SSLContext | None = None, timeout: float = TIMEOUT_SECONDS
) -> Server | None:
    """The server of [mail], with the password of the environment; None without a host. Raises BadInput where the
    password is missing."""
    mail = settings.mail
    if not mail.host:
        return None
    password = os.environ.get(PASSWORD, "")
    if mail.username and not password:
        raise BadInput(f"[mail] username is set and ${PASSWORD} is not: nothing is sent without the password")
    return Server(mail.host, mail.port, mail.starttls, mail.username, password, context, timeout)


def mail_sender(settings: Settings) -> str:
    """The address that e-mails come from. Raises BadInput where neither [mail] from nor [seller] email is one."""
    text = settings.mail.sender or settings.seller.email
    sender = plain_address(text)
    if sender is None:
        found = f"'{text}' is no plain e-mail address such as billing@example.com" if text else "it is not set"
        raise BadInput(f"[mail] from of callbill.toml: {found}, and nothing is sent without one")
    return sender


def send_due(
    session: Session,
    *,
    context: ssl.SSLContext | None = None,
    timeout: float = TIMEOUT_SECONDS,
    now: Callable[[], datetime] | None = None,
    make: Callable[[Session], None] | None = None,
) -> Sent:
    """Sends what is due over the server of [mail]; see `stages.send.send`. Without [mail] host nothing is sent, and it says
    so. `context` checks the server's certificate in place of the system's authorities. Raises BadInput."""
    settings = session.installation.settings
    server = mail_server(settings, context=context, timeout=timeout)
    sender = mail_sender(settings) if server else ""
    done = send(session, server, sender, now or _now, make)
    if server is None:
        done.stopped = f"[mail] host of {session.installation.settings_file} is not set: nothing is sent"
    return done


def _now() -> datetime:
    return datetime.now(UTC)


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
    return [{**row, "recipient": masked(row["recipient"])} for row in rows.to_dicts()]


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
            [address or before, _now(), message_id],
        )
        other = ", to another address" if address and address != before else ""
        what = f"e-mail about {number}: {state} after {attempts} attempts, to be sent again{other}: {reason}"
        record(session, "resend", month, what, who)
