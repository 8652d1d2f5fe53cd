"""E-mails of the outbox go out, each once: `callbill send`.

What a row goes through is committed before and after each step, so that a run that is killed leaves at most the e-mail it
was at in doubt. That one is reported as unknown and never sent again by itself (docs/how-to/send-mail.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pipelines.documents.addresses import plain_address
from pipelines.documents.attaching import KB, MB, Limits, read_records
from pipelines.documents.mail import Envelope, file_name, message
from pipelines.documents.model import Document
from pipelines.documents.smtp import Connection, NotConnected, Result, Server, connection
from pipelines.errors import fault
from pipelines.stages.email_documents import EmailDocuments
from pipelines.storage.session import Session

ATTEMPTS_MAX = 12
FIRST_PAUSE = timedelta(minutes=5)
PAUSE_MAX = timedelta(hours=24)
FAILURES_MAX = 3
"""So many connections in a row that come to nothing, and the run stops."""

BATCH = 500
CUT_OFF = "the run that sent it was cut off: nobody knows whether it arrived"

DUE = "(state = 'pending' OR (state = 'retry' AND next_attempt_at <= ?))"

_WITH_PDF = f"""
SELECT o.*, d.path, d.sha256 AS pdf_sha256, c.path AS csv_path, c.sha256 AS csv_sha256
FROM outbox o JOIN documents d ON d.document = o.document AND d.kind = o.kind AND d.form = 'pdf'
LEFT JOIN documents c ON c.document = o.document AND c.kind = o.kind AND c.form = 'csv'
WHERE {DUE} ORDER BY o.created_at, o.message_id
"""
_WITHOUT = f"""
SELECT count(*) FROM outbox o
WHERE {DUE} AND NOT EXISTS (FROM documents d WHERE d.document = o.document AND d.kind = o.kind AND d.form = 'pdf')
"""


@dataclass
class Sent:
    """What a run came to: e-mails by their state now, and `waiting` for their document. `left`: pending and retry after
    it. `stopped`: why it did not go on, where it did not."""

    sent: int = 0
    retry: int = 0
    failed: int = 0
    unknown: int = 0
    waiting: int = 0
    left: int = 0
    stopped: str | None = None

    def count(self, state: str) -> None:
        """One more that has come to `state`."""
        setattr(self, state, getattr(self, state) + 1)

    def facts(self) -> dict[str, Any]:
        """By name."""
        return asdict(self)


def send(
    session: Session,
    server: Server | None,
    sender: str,
    now: Callable[[], datetime],
    make: Callable[[Session], None] | None = None,
) -> Sent:
    """Sends every e-mail that is due, the oldest first, from the address `sender`. `make` makes documents that are
    missing. Without a `server` nothing is sent, and it is only counted what waits.

    An e-mail goes once its PDF and its CSV are there with the bytes that table documents tells of. Raises BadInput where
    the server's settings cannot be used.
    """
    done = Sent()
    session.progress.stage("send")
    _report_cut_off(session, now(), done)
    if server is not None:
        if make is not None:
            make(session)
        due = session.warehouse.frame(_WITH_PDF, [now()])
        with connection(server) as smtp:
            _Run(session, smtp, sender, now, done).go(due)
    done.waiting += int(session.warehouse.value(_WITHOUT, [now()]))
    done.left = int(session.warehouse.value("SELECT count(*) FROM outbox WHERE state IN ('pending', 'retry')"))
    return done


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    return min(FIRST_PAUSE * 2 ** min(attempts - 1, ATTEMPTS_MAX), PAUSE_MAX)


def _report_cut_off(session: Session, now: datetime, done: Sent) -> None:
    """What a killed run was at becomes unknown."""
    connection = session.warehouse.connection
    with session.warehouse.transaction():
        rows = connection.execute(
            "UPDATE outbox SET state = 'unknown', said = ?, next_attempt_at = NULL, changed_at = ? WHERE state = 'sending'",
            [CUT_OFF, now],
        ).fetchall()
    done.unknown += rows[0][0]


class _Run:
    """One run over the due rows."""

    def __init__(self, session: Session, smtp: Connection, sender: str, now: Callable[[], datetime], done: Sent):
        self._session, self._smtp, self._sender, self._now, self._done = session, smtp, sender, now, done
        self._letters, self._began = EmailDocuments(session), now()
        mail = session.installation.settings.mail
        self._limits = Limits(mail.zip_above_kb * KB, mail.attach_mb * MB)
        self._failures = 0
        self._why = ""
        self._without_records = 0

    def go(self, due: pl.DataFrame) -> None:
        """Sends the e-mails of the rows `due` (Outbox, path and pdf_sha256 of the PDF, csv_path and csv_sha256 of the CSV), in
        their order."""
        try:
            self._go(due)
        finally:
            if self._without_records:
                one = self._without_records == 1
                self._session.progress.warn(
                    f"{self._without_records:,} CSV file{' is' if one else 's are'} larger than [mail] attach_mb and "
                    f"{'was' if one else 'were'} not attached; {'its e-mail says' if one else 'their e-mails say'} how to "
                    "ask for it"
                )

    def _go(self, due: pl.DataFrame) -> None:
        for part in due.iter_slices(BATCH):
            letters = self._letters.of(part)
            for row in part.iter_rows(named=True):
                content = self._content(row, letters[row["message_id"]])
                if content is not None and not (self._reached() and self._send(row, content)):
                    self._postpone(due)
                    return
                self._session.progress.advance(1)

    def _content(self, row: dict[str, Any], letter: Document | str) -> bytes | None:
        """The e-mail, or None where the row waits or has failed."""
        documents = self._session.installation.documents
        path = documents / row["path"]
        records, csv_sha256 = None, row["csv_sha256"]
        try:
            pdf = path.read_bytes()
            if row["csv_path"]:
                records, csv_sha256 = read_records(
                    documents / row["csv_path"], file_name(row["document"]), self._limits
                )
        except FileNotFoundError:
            self._done.waiting += 1
            return None
        except OSError as error:
            self._put(row, "failed", f"{path} cannot be read: {error.strerror}", attempts=row["attempts"])
            return None
        recipient = plain_address(row["recipient"])
        if recipient is None:
            why = "the recipient is no e-mail address that can be written to: mend it in accounts.csv"
        elif hashlib.sha256(pdf).hexdigest() != row["pdf_sha256"]:
            why = f"{path} was changed after it was made, and is not sent"
        elif csv_sha256 != row["csv_sha256"]:
            why = f"{documents / row['csv_path']} was changed after it was made, and is not sent"
        elif isinstance(letter, str):
            why = letter
        else:
            envelope = Envelope(self._sender, recipient, row["message_id"], row["created_at"])
            try:
                content = message(letter, envelope, pdf, records).as_bytes()
                self._without_records += records is not None and records.content is None
                return content
            except Exception as error:  # noqa: BLE001
                # One that cannot be written must not keep the others from going.
                why = fault(error)
        self._put(row, "failed", why, attempts=row["attempts"])
        return None

    def _reached(self) -> bool:
        """Whether the server can be used. Where it cannot, `stopped` says why."""
        while self._failures < FAILURES_MAX:
            try:
                self._smtp.open()
                return True
            except NotConnected as error:
                self._failed(error)
        self._done.stopped = self._why
        return False

    def _failed(self, error: NotConnected) -> None:
        self._failures = FAILURES_MAX if error.lasting else self._failures + 1
        self._why = str(error)

    def _send(self, row: dict[str, Any], content: bytes) -> bool:
        """One attempt. False where the server takes nothing from this connection: then it was none."""
        attempts = row["attempts"] + 1
        self._put(row, "sending", None, attempts=attempts, count=False)
        try:
            result = self._smtp.deliver(self._sender, plain_address(row["recipient"]) or "", content)
        except NotConnected as error:
            self._put(row, "retry", str(error), attempts=row["attempts"], again=self._began, count=False)
            self._done.stopped = str(error)
            return False
        except Exception as error:  # noqa: BLE001
            # Whatever is wrong with one, the others go, over another connection.
            result = Result(self._smtp.in_doubt, fault(error))
            self._smtp.close()
        except BaseException:
            # A person's Ctrl-C, most often: what is known is written down before it goes on.
            self._finish(row, Result(self._smtp.in_doubt, "interrupted"), attempts)
            raise
        self._finish(row, result, attempts)
        self._failures = self._failures + 1 if result.lost else 0
        self._why = result.said
        return True

    def _finish(self, row: dict[str, Any], result: Result, attempts: int) -> None:
        if result.state != "retry":
            self._put(row, result.state, result.said, attempts=attempts)
        elif attempts < ATTEMPTS_MAX:
            self._put(row, "retry", result.said, attempts=attempts, again=self._now() + pause(attempts))
        else:
            self._put(row, "failed", f"given up after {attempts} attempts: {result.said}", attempts=attempts)

    def _put(
        self,
        row: dict[str, Any],
        state: str,
        said: str | None,
        *,
        attempts: int,
        again: datetime | None = None,
        count: bool = True,
    ) -> None:
        """Commits the state of a row. By created_at DuckDB finds the part of the table to look into: without, each
        e-mail would read all there ever were."""
        with self._session.warehouse.transaction():
            changed = self._session.warehouse.connection.execute(
                "UPDATE outbox SET state = ?, said = ?, attempts = ?, next_attempt_at = ?, changed_at = ? "
                "WHERE created_at = ? AND message_id = ?",
                [state, said, attempts, again, self._now(), row["created_at"], row["message_id"]],
            ).fetchall()
            if changed != [(1,)]:
                raise AssertionError(f"{changed} rows of the outbox were to become {state}, not one")
        if count:
            self._done.count(state)

    def _postpone(self, due: pl.DataFrame) -> None:
        """What is left of the due rows waits a while; no attempt is counted, as none was made."""
        warehouse, now = self._session.warehouse, self._now()
        with warehouse.lent("_due", due.select("message_id")), warehouse.transaction():
            rows = warehouse.connection.execute(
                "UPDATE outbox SET state = 'retry', said = ?, next_attempt_at = ?, changed_at = ? "
                f"WHERE {DUE} AND message_id IN (FROM _due)",
                [self._done.stopped, now + FIRST_PAUSE, now, self._began],
            ).fetchall()
        self._done.retry += rows[0][0]
