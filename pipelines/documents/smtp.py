"""One e-mail over SMTP, step by step: what came of it, and at which step. Knows no warehouse and no document.

smtplib's own sendmail does not tell whether a connection was lost before or after the message was complete, and that
decides whether it may be sent again (RFC 5321, 4.2.5 and 6.1): the steps are done here one by one. All of smtplib's
errors are OSErrors, beside those of the socket.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipelines.documents.addresses import without_addresses
from pipelines.errors import BadInput

TIMEOUT_SECONDS = 30

_PIECE = 65_536
_WANTS_LOGIN = (530, 534, 535, 538)
"""Replies that are about the connection and not the message: authentication or encryption is asked for (RFC 4954)."""


@dataclass(frozen=True)
class Server:
    """Where e-mails are handed in. `context` checks the server's certificate; None: that of the system's authorities."""

    host: str
    port: int
    starttls: bool
    username: str = ""
    password: str = ""
    context: ssl.SSLContext | None = None
    timeout: float = TIMEOUT_SECONDS


@dataclass(frozen=True)
class Result:
    """What came of one attempt. `lost`: the connection broke over it."""

    state: Literal["sent", "retry", "failed", "unknown"]
    said: str
    lost: bool = False


class NotConnected(Exception):
    """The server cannot be used now; the words are for people. `lasting`: trying again at once is of no use."""

    def __init__(self, said: str, *, lasting: bool):
        super().__init__(said)
        self.lasting = lasting


def check(server: Server) -> None:
    """Raises BadInput where settings would send a password in clear, or cannot work."""
    if server.port == 465:
        raise BadInput(
            "[mail] port 465 speaks TLS from its first byte, which callbill does not: use 587 with starttls = true"
        )
    if server.username and not server.starttls and server.host not in ("localhost", "127.0.0.1", "::1"):
        raise BadInput("[mail] starttls is false and username is set: a password is not sent in clear to another host")


class Connection:
    """A connection over which e-mails go out one after the other. `open` before each `deliver`: it is done once, and again
    where the connection broke."""

    def __init__(self, server: Server):
        self._server = server
        self._smtp: smtplib.SMTP | None = None
        self._complete = False

    @property
    def in_doubt(self) -> Literal["retry", "unknown"]:
        """What becomes of the message at hand where `deliver` was cut off: unknown once its end may have gone out."""
        return "unknown" if self._complete else "retry"

    def open(self) -> None:
        """Connects, encrypts and logs in, unless that is done. Raises NotConnected."""
        if self._smtp is not None:
            return
        try:
            self._smtp = self._connected()
        except smtplib.SMTPResponseException as error:
            said = f"{error.smtp_code} {_text(error.smtp_error)}"
            raise NotConnected(without_addresses(said), lasting=error.smtp_code >= 500) from None
        except ssl.SSLCertVerificationError as error:
            raise NotConnected(
                f"the server's certificate is not trusted: {error.verify_message}", lasting=True
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            raise NotConnected(without_addresses(str(error)), lasting=True) from None
        except (OSError, ValueError) as error:
            raise NotConnected(_lost(error), lasting=False) from None

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        # With its host: smtplib checks the certificate against the one of its constructor.
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
        try:
            # The end of a message goes out by itself, and would wait for the reply to what went before (RFC 896).
            assert smtp.sock is not None
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            smtp.ehlo_or_helo_if_needed()
            if server.starttls:
                if not smtp.has_extn("starttls"):
                    raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS, and nothing is sent in clear")
                smtp.starttls(context=server.context or ssl.create_default_context())
                smtp.ehlo_or_helo_if_needed()
            if server.username:
                smtp.login(server.username, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def deliver(self, sender: str, recipient: str, content: bytes) -> Result:
        """Hands in one e-mail of plain addresses and ASCII `content`. The connection must be open.

        Raises NotConnected where the server wants another login before it takes anything: nothing was handed in then.
        """
        assert self._smtp is not None
        self._complete = False
        smtp, wire = self._smtp, on_the_wire(content)
        step = "MAIL"
        try:
            size = [f"size={len(wire)}"] if smtp.has_extn("size") else []
            if refused := self._refused(step, smtp.mail(sender, size)):
                return refused
            step = "RCPT"
            if refused := self._refused(step, smtp.rcpt(recipient)):
                return refused
            step = "DATA"
            if refused := self._refused(step, smtp.docmd("DATA"), good=3):
                return refused
            step = "message"
            # In pieces: the time limit of a socket is for all that is handed to it at once.
            for start in range(0, len(wire), _PIECE):
                smtp.send(wire[start : start + _PIECE])
        except OSError as error:
            self.close()
            return Result("retry", f"{step}: {_lost(error)}", lost=True)
        return self._end(smtp)

    def _end(self, smtp: smtplib.SMTP) -> Result:
        """The final dot, and what the server says to it."""
        self._complete = True
        try:
            smtp.send(b".\r\n")
            reply = smtp.getreply()
        except OSError as error:
            self.close()
            return Result("unknown", f"no reply to the whole message: {_lost(error)}", lost=True)
        if reply[0] // 100 == 2:
            return Result("sent", _said("", reply))
        if reply[0] // 100 in (4, 5):
            return self._refused("message", reply) or Result("sent", "")
        self.close()
        return Result("unknown", _said("message", reply), lost=True)

    def _refused(self, step: str, reply: tuple[int, bytes], good: int = 2) -> Result | None:
        """None where the reply is a `good` one. A refused message leaves the connection ready for the next."""
        code = reply[0]
        if code // 100 == good:
            return None
        if step == "MAIL" and code in _WANTS_LOGIN:
            self.close()
            raise NotConnected(_said(step, reply), lasting=True)
        broken = code == 421 or code // 100 not in (4, 5) or not self._reset(step)
        if broken:
            self.close()
        return Result("failed" if code // 100 == 5 else "retry", _said(step, reply), lost=broken)

    def _reset(self, step: str) -> bool:
        """Whether the server is ready for another message. After the message itself it is without being told."""
        if step == "message":
            return True
        try:
            return self._smtp is not None and self._smtp.rset()[0] == 250
        except OSError:
            return False

    def close(self) -> None:
        """Hangs up without another word: within DATA one would become part of the message."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def quit(self) -> None:
        """Says goodbye where nothing is under way."""
        if self._smtp is not None:
            with contextlib.suppress(OSError):
                self._smtp.quit()
            self.close()


@contextlib.contextmanager
def connection(server: Server) -> Iterator[Connection]:
    """A connection that is closed at the end of the block, with a goodbye where all went well. Raises BadInput."""
    check(server)
    made = Connection(server)
    try:
        yield made
        made.quit()
    finally:
        made.close()


def on_the_wire(content: bytes) -> bytes:
    """`content` as DATA carries it: lines end in CR LF and nothing else, the last one too, and a dot at the beginning of a
    line is doubled (RFC 5321, 4.5.2), so that no content can end the message."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    ended = lines if lines.endswith(b"\r\n") else lines + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended)


def _said(step: str, reply: tuple[int, bytes]) -> str:
    return without_addresses(f"{step}: {reply[0]} {_text(reply[1])}" if step else f"{reply[0]} {_text(reply[1])}")


def _text(said: bytes | str) -> str:
    return said if isinstance(said, str) else said.decode("utf-8", "replace")


def _lost(error: BaseException) -> str:
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "the server did not answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "the server closed the connection"
    if isinstance(error, smtplib.SMTPResponseException):
        return without_addresses(_text(error.smtp_error))
    return without_addresses((error.strerror if isinstance(error, OSError) else "") or str(error))
