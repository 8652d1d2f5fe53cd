"""One e-mail over SMTP: what goes over the wire cannot end before its end, and a long message goes whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.documents.smtp import Result, Server, connection
from tests.mail_server import Mailbox, at, mail_server

FROM, TO = "billing@example.com", "jane@example.org"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A server without faults."""
    with mail_server() as box:
        yield box


def deliver(box: Mailbox, *contents: bytes) -> list[Result]:
    results = []
    with connection(Server("127.0.0.1", box.port, starttls=False, timeout=10)) as smtp:
        for content in contents:
            smtp.open()
            results.append(smtp.deliver(FROM, TO, content))
    return results


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        (b"a\r\n.\r\nb\r\n", b"a\r\n.\r\nb\r\n"),
        (b".\r\n", b".\r\n"),
        (b"..a\r\n.b", b"..a\r\n.b\r\n"),
        (b"a\n.\nMAIL FROM:<eve@example.net>\n", b"a\r\n.\r\nMAIL FROM:<eve@example.net>\r\n"),
        (b"a\r.\rb", b"a\r\n.\r\nb\r\n"),
        (b"a\r\r\n.\n\r\nb", b"a\r\n\r\n.\r\n\r\nb\r\n"),
        (b"", b"\r\n"),
        (b"x" * 900 + b"\r\n" + b"%PDF" * 200, b"x" * 900 + b"\r\n" + b"%PDF" * 200 + b"\r\n"),
    ],
)
def test_content_does_not_end_the_message(content: bytes, taken: bytes, box: Mailbox) -> None:
    results = deliver(box, content, b"the next\r\n")
    assert [result.state for result in results] == ["sent", "sent"]
    assert box.taken == [taken, b"the next\r\n"]


def test_a_long_message(box: Mailbox) -> None:
    content = b"".join(b"%06d" % place * 10 + b"\r\n" for place in range(40_000))
    assert [result.state for result in deliver(box, content)] == ["sent"]
    assert box.taken == [content]


def test_one_that_is_larger_than_the_server_takes(box: Mailbox) -> None:
    content = b"x" * 70 + b"\r\n"
    too_long, fits = deliver(box, content * 500_000, content)
    assert (too_long.state, fits.state, len(box.taken)) == ("failed", "sent", 1)
    assert too_long.said.startswith("MAIL: 552")


def test_after_a_hang_up_it_connects_again(box: Mailbox) -> None:
    box.plan = at("RCPT drop", "reply drop")
    states = [result.state for result in deliver(box, b"a", b"b", b"c")]
    assert (states, box.connections) == (["retry", "unknown", "sent"], 3)
