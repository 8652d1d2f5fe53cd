"""E-mails whose sending is killed at every step, and begun again: none goes out twice, and none is lost without a word."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.faults.victims import Moment, run, send
from tests.mail_server import Mailbox, mail_server
from tests.pipelines.homes import Home
from tests.pipelines.letterbox import mail_home, outbox, receipts, receive
from tests.support import scratch

MOMENTS = [
    *(Moment(when, place) for place in ("smtplib:SMTP.connect", "smtplib:SMTP.ehlo") for when in ("before", "after")),
    *(Moment(when, f"smtplib:SMTP.{step}") for step in ("mail", "rcpt", "docmd") for when in ("before", "after")),
    Moment("before", "pipelines.documents.smtp:on_the_wire"),
    Moment("before", "pipelines.documents.smtp:Connection._end"),
    Moment("after", "pipelines.documents.smtp:Connection._end"),
    Moment("before", "pipelines.stages.send:_Run._send"),
    Moment("before", "pipelines.stages.send:_Run._finish"),
    Moment("after", "pipelines.stages.send:_Run._finish"),
    Moment("before", "pipelines.stages.send:_Run._put"),
    Moment("after", "pipelines.stages.send:_Run._put"),
    Moment("before", "pipelines.stages.send:_report_cut_off"),
    Moment("after", "pipelines.stages.send:_report_cut_off"),
    Moment("before", "smtplib:SMTP.quit"),
]
CUT_OFF = {
    "after mail": 0,
    "before mail": 0,
    "before rcpt": 0,
    "after rcpt": 0,
    "before docmd": 0,
    "after docmd": 0,
    "before smtp:on_the_wire": 0,
    "before _end": 0,
    "after _end": 1,
    "before _finish": 1,
    "after _put": 0,
}
"""Moments at which an e-mail is under way, and how often it arrives. At all others none is in doubt."""


def test_every_moment_in_doubt_is_one_at_which_it_is_killed() -> None:
    assert CUT_OFF.keys() <= set(map(str, MOMENTS))


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A server."""
    with mail_server() as box:
        yield box


@pytest.fixture
def home(box: Mailbox) -> Iterator[Home]:
    """A home with three receipts to send."""
    with scratch() as folder:
        home = mail_home(folder, box.port)
        with Warehouse.open(home.installation) as warehouse:
            receive(Session(home.installation, warehouse), receipts(range(1, 4)))
        yield home


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_at(moment: Moment, home: Home, box: Mailbox) -> None:
    assert run(home, moment, task=send) == -signal.SIGKILL
    assert run(home, task=send) == 0
    assert run(home, task=send) == 0
    rows = outbox(home)
    often = CUT_OFF.get(str(moment))
    expected = ["sent", "sent", "sent"] if often is None else ["unknown", "sent", "sent"]
    assert [row["state"] for row in rows] == expected
    assert [box.delivered[row["message_id"]] for row in rows] == [1 if often is None else often, 1, 1]


def test_killed_after_each_email(home: Home, box: Mailbox) -> None:
    moment = Moment("after", "pipelines.stages.send:_Run._finish")
    for arrived in (1, 2, 3):
        assert run(home, moment, task=send) == -signal.SIGKILL
        assert sorted(box.delivered.values()) == [1] * arrived
    assert run(home, moment, task=send) == 0
    assert {row["state"] for row in outbox(home)} == {"sent"}
