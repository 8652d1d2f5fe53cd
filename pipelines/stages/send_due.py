"""Sends what is due of the outbox over the server of [mail]: which server, as whom, with which password."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from pipelines.documents.addresses import plain_address
from pipelines.documents.smtp import TIMEOUT_SECONDS, Server
from pipelines.errors import BadInput
from pipelines.settings import Settings
from pipelines.stages.send import Sent, send
from pipelines.storage.session import Session

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
