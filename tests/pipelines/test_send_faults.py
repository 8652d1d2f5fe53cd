"""E-mails against a server that refuses, stalls and hangs up at every step: each is delivered once, or reported."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.stages.send import ATTEMPTS_MAX, pause
from pipelines.stages.send_due import send_due
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.mail_server import FAULTS, Mailbox, at, at_random, mail_server
from tests.pipelines.homes import Home
from tests.pipelines.letterbox import MAIL, Clock, deliver, mail_home, outbox, receipts, receive
from tests.support import scratch
from transforms.tables.vocabulary import MAIL_STATES


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A server without faults."""
    with mail_server() as box:
        yield box


@pytest.fixture(scope="module")
def two() -> Iterator[Home]:
    """A home with two receipts to send to nobody; tests copy it."""
    with scratch() as folder:
        yield filled(folder, 1, 2)


@pytest.fixture
def home(two: Home, box: Mailbox) -> Iterator[Home]:
    """A home with two receipts to send to `box`."""
    with scratch() as folder:
        shutil.copytree(two.path, folder / "home")
        home = Home(folder / "home", two.price_tables)
        home.settings(MAIL.format(port=box.port) + "starttls = false\n")
        yield home


def filled(folder: Path, port: int, count: int) -> Home:
    """A home with so many receipts to send."""
    home = mail_home(folder, port)
    with Warehouse.open(home.installation) as warehouse:
        receive(Session(home.installation, warehouse), receipts(range(1, count + 1)))
    return home


def states(home: Home) -> list[str]:
    return [row["state"] for row in outbox(home)]


AFTER = {
    **dict.fromkeys(FAULTS, "retry"),
    **{fault: "sent" for fault in FAULTS if fault.startswith(("connect", "EHLO"))},
    **{fault: "failed" for fault in FAULTS if fault.endswith("5xx")},
    **dict.fromkeys(("reply drop", "reply stall", "dot drop", "dot stall", "dot nonsense"), "unknown"),
    # The message is so small that its end is sent before it is known that nobody listens.
    **dict.fromkeys(("body drop", "body stall"), "unknown"),
}
"""What becomes of an e-mail after a fault; a connection that fails once is made again."""


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault(fault: str, box: Mailbox, home: Home) -> None:
    box.plan = at(fault)
    clock = Clock()
    done = deliver(home, clock, timeout=0.3)
    assert box.struck == {fault: 1}
    first, second = outbox(home)
    assert (first["state"], second["state"]) == (AFTER[fault], "sent"), first["said"]
    assert "jane" not in str(first["said"])
    assert done.left == (AFTER[fault] == "retry")
    clock.forward(hours=1)
    deliver(home, clock)
    expected = AFTER[fault].replace("retry", "sent")
    assert states(home) == [expected, "sent"]
    taken = expected == "sent" or fault.startswith("reply")
    assert box.delivered == Counter({second["message_id"]: 1} | ({first["message_id"]: 1} if taken else {}))


def test_a_thousand_receipts(box: Mailbox) -> None:
    with scratch() as folder:
        home = filled(folder, box.port, 1000)
        box.plan = at_random(7, 0.12)
        clock, runs, left = Clock(), 0, 1000
        with Warehouse.open(home.installation) as warehouse:
            while left:
                left = send_due(Session(home.installation, warehouse), now=clock, timeout=0.2).left
                clock.forward(minutes=30)
                runs += 1
                assert runs < 300, "it does not come to an end"
        rows = outbox(home)
    delivered = box.delivered
    assert max(delivered.values()) == 1
    often = {state: {delivered[row["message_id"]] for row in rows if row["state"] == state} for state in MAIL_STATES}
    assert often == {state: set() for state in MAIL_STATES} | {"sent": {1}, "failed": {0}, "unknown": {0, 1}}
    assert set(delivered) <= {row["message_id"] for row in rows}
    assert set(box.struck) == set(FAULTS)
    assert runs > 5


def test_tried_for_some_days_and_then_given_up(box: Mailbox, tmp_path: Path) -> None:
    home = filled(tmp_path, box.port, 1)
    box.plan = lambda what: "RCPT 4xx" if what == "message" else None
    clock, waits = Clock(), []
    for attempt in range(1, ATTEMPTS_MAX):
        assert deliver(home, clock).retry == 1
        (row,) = outbox(home)
        assert (row["state"], row["attempts"]) == ("retry", attempt)
        assert row["said"] == "RCPT: 451 try again later, <j***@example.com>"
        waits.append((row["next_attempt_at"] - clock.now).total_seconds() / 60)
        clock.forward(minutes=waits[-1] - 0.1)
        assert deliver(home, clock).retry == 0
        clock.forward(minutes=0.1)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]
    assert deliver(home, clock).failed == 1
    (row,) = outbox(home)
    assert (row["state"], row["attempts"], row["next_attempt_at"]) == ("failed", ATTEMPTS_MAX, None)
    assert row["said"].startswith("given up after 12 attempts: RCPT: 451")
    assert pause(1000).days == 1


@pytest.mark.parametrize(
    ("what", "fault", "said"),
    [
        ("connection", "connect 4xx", "451 try again later, <j***@example.com>"),
        ("connection", "EHLO drop", "the server closed the connection"),
        ("message", "MAIL drop", "MAIL: the server closed the connection"),
    ],
)
def test_a_server_that_is_of_no_use_is_left_alone(
    what: str, fault: str, said: str, box: Mailbox, tmp_path: Path
) -> None:
    home = filled(tmp_path, box.port, 10)
    box.plan = lambda asked: fault if asked == what else None
    done = deliver(home)
    assert (done.sent, done.retry, done.stopped, box.connections) == (0, 10, said, 3)
    burnt = 3 if "MAIL" in said else 0
    rows = outbox(home)
    assert done.left == 10
    assert [row["attempts"] for row in rows] == [1] * burnt + [0] * (10 - burnt)
    assert {(row["state"], row["said"]) for row in rows} == {("retry", said)}
    box.plan = at()
    assert deliver(home).sent == 0
    clock = Clock()
    clock.forward(minutes=5)
    assert deliver(home, clock).sent == 10


def test_nobody_listens(tmp_path: Path) -> None:
    with mail_server() as gone:
        port = gone.port
    home = filled(tmp_path, port, 2)
    done = deliver(home)
    assert (done.retry, done.stopped) == (2, "Connection refused")


def test_one_connection_for_all(box: Mailbox, tmp_path: Path) -> None:
    home = filled(tmp_path, box.port, 30)
    box.plan = at(*[None] * 10, "RCPT 5xx", None, "MAIL 4xx", "DATA 5xx", "dot 5xx", "dot 4xx")
    done = deliver(home)
    assert (done.sent, done.failed, done.retry) == (25, 3, 2)
    assert box.connections == 1
