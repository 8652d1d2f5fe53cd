"""A real SMTP server on loopback that can refuse, stall and hang up at every step, and counts what it took."""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

STEPS = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "body", "dot", "reply")
"""Where a fault can strike. dot: the whole message came, and is not taken; reply: it is taken, and nobody told."""

WAYS = {
    "connect": ("drop", "stall", "4xx"),
    "EHLO": ("drop", "stall", "4xx"),
    "MAIL": ("drop", "stall", "4xx", "5xx", "421"),
    "RCPT": ("drop", "stall", "4xx", "5xx", "421"),
    "DATA": ("drop", "stall", "4xx", "5xx", "421"),
    "body": ("drop", "stall"),
    "dot": ("drop", "stall", "4xx", "5xx", "421", "nonsense"),
    "reply": ("drop", "stall"),
}
FAULTS = [f"{step} {way}" for step, ways in WAYS.items() for way in ways]

_REPLIES = {
    "4xx": "451 try again later, <jane@example.com>",
    "5xx": "550 no such user <jane@example.com>",
    "421": "421 going down",
    "nonsense": "??? what",
}

Plan = Callable[[str], str | None]
"""The fault of a connection ("connection") or a message ("message"), as in FAULTS; None for none."""


@dataclass
class Mailbox:
    """A server's address, and what it took: messages by Message-ID, how often each, and the faults that struck."""

    port: int = 0
    plan: Plan = lambda _what: None
    taken: list[bytes] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    logins: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    @property
    def delivered(self) -> Counter[str]:
        """How often each message was taken, by Message-ID."""
        return Counter(str(message["Message-ID"]) for message in self.messages)

    @property
    def messages(self) -> list[EmailMessage]:
        """The messages, read."""
        return [message_from_bytes(content, policy=POLICY) for content in self.taken]


def at(*faults: str | None) -> Plan:
    """A plan: the faults one message or connection after the other, in this order, and none after them."""
    waiting = list(faults)

    def plan(what: str) -> str | None:
        of_connection = bool(waiting) and (waiting[0] or "").split(" ")[0] in ("connect", "EHLO")
        return waiting.pop(0) if waiting and of_connection == (what == "connection") else None

    return plan


def at_random(seed: int, share: float) -> Plan:
    """A plan in which so large a share of messages meets a fault, and three times that of connections."""
    rng = random.Random(seed)
    of_connection = [fault for fault in FAULTS if fault.startswith(("connect", "EHLO"))]
    others = [fault for fault in FAULTS if fault not in of_connection]

    def plan(what: str) -> str | None:
        faults, often = (of_connection, 3 * share) if what == "connection" else (others, share)
        return rng.choice(faults) if rng.random() < often else None

    return plan


class _Faulty(SMTP):
    """aiosmtpd's server with faults. The plan is asked once a connection and once a message."""

    def __init__(self, box: Mailbox, transports: list[Any], **options: Any):
        super().__init__(_Taking(), hostname="mail.example", **options)
        self.box, self._fault, self._transports = box, "", transports

    async def strikes(self, step: str) -> str | None:
        """The reply of the fault at hand, where it is at this step; None where it is not. Empty after a hang-up."""
        where, _, way = self._fault.partition(" ")
        if where != step:
            return None
        self.box.struck[self._fault] += 1
        self._fault = ""
        if way == "drop":
            self.transport.abort()
        elif way == "stall":
            while not self.transport.is_closing():
                await asyncio.sleep(0.02)
        return _REPLIES.get(way, "")

    async def _struck(self, step: str) -> bool:
        """Whether the fault at hand is at this step, which is then over."""
        reply = await self.strikes(step)
        if reply:
            await self.push(reply)
            if step == "connect" or reply.startswith("421"):
                self.transport.close()
        return reply is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transports.append(transport)
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        self.box.connections += 1
        self._fault = self.box.plan("connection") or ""
        if not await self._struck("connect"):
            await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:
        if not await self._struck("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_HELO(self, _hostname: str) -> None:
        self.transport.abort()

    async def smtp_MAIL(self, arg: str) -> None:
        self._fault = self.box.plan("message") or ""
        if not await self._struck("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str) -> None:
        if not await self._struck("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        if await self._struck("DATA"):
            return
        if self._fault.startswith("body"):
            await self.push("354 go on")
            await self._struck("body")
            return
        await super().smtp_DATA(arg)


class _Taking:
    """What becomes of a message that has come."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        reply = await server.strikes("dot")
        if reply is not None:
            return reply or "250 nobody listens"
        server.box.taken.append(envelope.original_content)
        server.box.encrypted.append(session.ssl is not None)
        await server.strikes("reply")
        return "250 taken"


class _Loop:
    """A thread with a loop of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.transports: list[Any] = []
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def close(self) -> None:
        self.run(self._cancel())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _cancel(self) -> None:
        for transport in self.transports:
            transport.abort()
        # Their sockets are closed by the loop, one turn later.
        await asyncio.sleep(0.01)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def mail_server(
    plan: Plan | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    login: tuple[bytes, bytes] | None = None,
    port: int = 0,
) -> Iterator[Mailbox]:
    """A server for the length of the block; with `tls` it wants STARTTLS, with `login` a user and password."""
    box, thread = Mailbox(), _Loop()
    if plan:
        box.plan = plan

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        box.logins.append(data.password)
        return AuthResult(success=(data.login, data.password) == login, handled=False)

    def factory() -> _Faulty:
        with warnings.catch_warnings():
            # It warns of a login without encryption, which is what some tests are about.
            warnings.simplefilter("ignore")
            return _Faulty(
                box,
                thread.transports,
                loop=thread.loop,
                tls_context=tls,
                require_starttls=tls is not None,
                auth_required=login is not None,
                auth_require_tls=tls is not None,
                authenticator=authenticate if login else None,
            )

    async def listen() -> asyncio.Server:
        return await thread.loop.create_server(factory, "127.0.0.1", port)

    server = thread.run(listen())
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        thread.loop.call_soon_threadsafe(server.close)
        thread.close()
