"""callbill send, outbox and resend: settings, encryption and login, what waits, what fails, what is sent again."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import BadInput
from pipelines.stages.outbox import NO_ADDRESS
from pipelines.stages.send import CUT_OFF
from pipelines.stages.send_due import PASSWORD
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.mail_server import Mailbox, at, mail_server
from tests.pipelines import letterbox
from tests.pipelines.command import call
from tests.pipelines.homes import Home
from tests.pipelines.letterbox import (
    APRIL,
    MAIL,
    Clock,
    deliver,
    mail_home,
    make_pdfs,
    outbox,
    pdf_of,
    receipts,
    receive,
)

TLS = Path(__file__).with_name("tls")
FIRST, SECOND = "R-2026-000001", "R-2026-000002"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A server without encryption and login."""
    with mail_server() as box:
        yield box


@pytest.fixture
def home(box: Mailbox, tmp_path: Path) -> Home:
    """A home with two receipts to send: of A5, which reads French, and of A1."""
    return filled(tmp_path, box.port)


def filled(folder: Path, port: int, more: str = "starttls = false\n", **options: Any) -> Home:
    home = mail_home(folder, port, more)
    receiving(home, range(1, 3), **options)
    return home


def receiving(home: Home, numbers: range, **options: Any) -> None:
    with Warehouse.open(home.installation) as warehouse:
        receive(Session(home.installation, warehouse), receipts(numbers), **options)


def change(home: Home, statement: str) -> None:
    with Warehouse.open(home.installation) as warehouse:
        warehouse.connection.execute(statement)


def states(home: Home) -> list[str]:
    return [row["state"] for row in outbox(home)]


class TestWhatIsSent:
    def test_the_receipt_with_its_pdf(self, home: Home, box: Mailbox) -> None:
        done = call("send", *home.arguments)
        assert (done.status, done.err) == (0, "")
        assert done.out == "2 sent, 0 to be tried again, 0 failed, 0 unknown; 0 left to send\n"
        french, english = sorted(box.messages, key=lambda message: str(message["Subject"]))[::-1]
        if "Receipt" in str(french["Subject"]):
            french, english = english, french
        assert english["Subject"] == f"Receipt {SECOND} - Téléphonie, Exemple"
        assert french["Subject"] == f"Reçu {FIRST} - Téléphonie, Exemple"
        assert [english["To"], french["To"]] == ["a1@example.com", "a5@example.com"]
        assert [address.addr_spec for address in english["From"].addresses] == ["billing@example.com"]
        body, attached = english.iter_parts()
        for line in ("Credited amount: €12.00", "VAT: €2.40", "Total paid: €14.40", "Updated balance: €1,236.00"):
            assert line in body.get_content()
        assert attached.get_filename() == f"{SECOND}.pdf"
        assert attached.get_content() == pdf_of(SECOND)
        row = outbox(home)[0]
        assert french["Message-ID"] == row["message_id"]
        assert french["Date"].datetime == row["created_at"].replace(microsecond=0)
        assert (row["state"], row["attempts"], row["said"], row["next_attempt_at"]) == ("sent", 1, "250 taken", None)

    def test_once(self, home: Home, box: Mailbox) -> None:
        assert [call("send", "--json", *home.arguments).result["sent"] for _ in range(3)] == [2, 0, 0]
        assert len(box.taken) == 2

    def test_the_same_bytes_on_every_attempt(self, home: Home, box: Mailbox) -> None:
        box.plan = at("reply drop", "reply drop")
        deliver(home)
        first = sorted(box.taken)
        assert states(home) == ["unknown", "unknown"]
        home.settings(MAIL.format(port=box.port).replace("Téléphonie", "Another") + "starttls = false\n")
        home.edit("accounts", "2026-08-15,fr", "2026-08-15,en")
        resend(home, FIRST, SECOND)
        deliver(home)
        assert sorted(box.taken[2:]) == first

    def test_the_oldest_first(self, home: Home, box: Mailbox) -> None:
        change(home, f"UPDATE outbox SET created_at = created_at - INTERVAL 1 DAY WHERE document = '{SECOND}'")
        deliver(home)
        assert [str(message["Subject"]).split()[1] for message in box.messages] == [SECOND, FIRST]


class TestSettings:
    def test_without_a_host_nothing_is_sent(self, home: Home, box: Mailbox) -> None:
        home.settings('[billing]\nfirst_month = "2026-04"\n')
        said = call("send", *home.arguments)
        assert said.status == 0
        assert "2 left to send" in said.out
        assert said.err == f"callbill: [mail] host of {home.path}/callbill.toml is not set: nothing is sent\n"
        assert (states(home), box.connections) == (["pending", "pending"], 0)

    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            (
                'host = "h"\nfrom = "a@b.c"\nusername = "u"\n',
                "[mail] username is set and $CALLBILL_MAIL_PASSWORD is not: nothing is sent without the password",
            ),
            ('host = "h"\n', "[mail] from of callbill.toml: it is not set, and nothing is sent without one"),
            (
                'host = "h"\nfrom = "A <a@b.c>"\n',
                (
                    "[mail] from of callbill.toml: 'A <a@b.c>' is no plain e-mail address such as billing@example.com, "
                    "and nothing is sent without one"
                ),
            ),
            (
                'host = "h"\nfrom = "a@b.c"\nport = 465\n',
                "[mail] port 465 speaks TLS from its first byte, which callbill does not: use 587 with starttls = true",
            ),
        ],
    )
    def test_unusable(self, settings: str, sentence: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(PASSWORD, raising=False)
        home.settings(f'[billing]\nfirst_month = "2026-04"\n[mail]\n{settings}')
        said = call("send", *home.arguments)
        assert (said.status, said.err) == (2, f"callbill: {sentence}\n")
        assert states(home) == ["pending", "pending"]

    def test_a_password_is_not_sent_in_clear(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(PASSWORD, "secret")
        home.settings(
            '[billing]\nfirst_month = "2026-04"\n[mail]\nhost = "h"\nfrom = "a@b.c"\nusername = "u"\nstarttls = false\n'
        )
        with pytest.raises(BadInput, match="a password is not sent in clear"):
            deliver(home)

    def test_before_any_run(self, tmp_path: Path) -> None:
        for command in (["send"], ["outbox"], ["resend", "1", "--reason", "x", "--by", "y"]):
            said = call(*command, "--home", str(tmp_path / "none"))
            assert (said.status, said.err.endswith("nothing was ever run here\n")) == (2, True)


class TestEncryption:
    @pytest.fixture
    def context(self) -> ssl.SSLContext:
        """Trusts the server of these tests and nobody else."""
        return ssl.create_default_context(cafile=TLS / "cert.pem")

    @pytest.fixture
    def secure(self) -> Iterator[Mailbox]:
        """A server that wants STARTTLS and a login."""
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
        with mail_server(tls=tls, login=(b"biller", b"sec ret")) as box:
            yield box

    @pytest.fixture
    def home(self, secure: Mailbox, tmp_path: Path) -> Home:
        """A home that logs in there."""
        return filled(tmp_path, secure.port, 'username = "biller"\n')

    def test_with_login(
        self, home: Home, secure: Mailbox, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PASSWORD, "sec ret")
        assert deliver(home, context=context).sent == 2
        assert (secure.logins, secure.encrypted) == ([b"sec ret"], [True, True])

    def test_wrong_password(
        self, home: Home, secure: Mailbox, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PASSWORD, "wrong")
        done = deliver(home, context=context)
        assert (done.sent, done.retry, secure.taken) == (0, 2, [])
        assert done.stopped is not None
        assert done.stopped.startswith("535 ")
        assert set(secure.logins) == {b"wrong"}
        assert [(row["state"], row["attempts"]) for row in outbox(home)] == [("retry", 0), ("retry", 0)]

    def test_a_login_that_was_not_told(self, home: Home, secure: Mailbox, context: ssl.SSLContext) -> None:
        home.settings(MAIL.format(port=secure.port))
        done = deliver(home, context=context)
        assert (done.stopped, secure.taken) == ("MAIL: 530 5.7.0 Authentication required", [])
        assert [(row["state"], row["attempts"]) for row in outbox(home)] == [("retry", 0), ("retry", 0)]

    def test_a_certificate_that_nobody_signed(
        self, home: Home, secure: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PASSWORD, "sec ret")
        done = deliver(home)
        assert done.stopped is not None
        assert done.stopped.startswith("the server's certificate is not trusted: self")
        assert (secure.taken, secure.logins, secure.connections) == ([], [], 1)

    def test_a_certificate_of_another(
        self, home: Home, secure: Mailbox, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PASSWORD, "sec ret")
        home.settings(MAIL.format(port=secure.port).replace("127.0.0.1", "localhost") + 'username = "biller"\n')
        done = deliver(home, context=context)
        assert done.stopped is not None
        assert "not valid for 'localhost'" in done.stopped
        assert (secure.taken, secure.logins) == ([], [])

    def test_a_server_without_starttls_gets_nothing(self, box: Mailbox, tmp_path: Path) -> None:
        home = filled(tmp_path / "clear", box.port, "")
        done = deliver(home)
        assert done.stopped == "the server offers no STARTTLS, and nothing is sent in clear"
        assert (box.taken, box.connections) == ([], 1)


class TestWhatWaits:
    def test_for_its_document(self, box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # Without a VAT number of the seller no e-invoice of a receipt can be made.
        monkeypatch.setattr(letterbox, "MAIL", letterbox.MAIL.replace('vat_number = "FR44732829320"\n', ""))
        home = filled(tmp_path, box.port, documents=False)
        said = call("send", *home.arguments)
        assert said.out.splitlines()[1] == "2 wait for their document"
        assert states(home) == ["pending", "pending"]
        assert box.connections == 0
        done = deliver(home, make=make_pdfs)
        assert (done.sent, done.waiting) == (2, 0)

    def test_for_a_file_that_is_not_there(self, home: Home) -> None:
        (home.path / "documents" / APRIL / f"{FIRST}.pdf").unlink()
        done = deliver(home)
        assert (done.sent, done.waiting, done.left) == (1, 1, 1)
        assert states(home) == ["pending", "sent"]

    def test_until_it_is_due(self, home: Home) -> None:
        change(home, "UPDATE outbox SET state = 'retry', next_attempt_at = '2030-01-01 00:00:01+00'")
        clock = Clock()
        assert deliver(home, clock).sent == 0
        clock.forward(seconds=1)
        assert deliver(home, clock).sent == 2


class TestWhatFails:
    def test_a_file_that_was_changed(self, home: Home) -> None:
        path = home.path / "documents" / APRIL / f"{FIRST}.pdf"
        path.write_bytes(path.read_bytes() + b" ")
        assert deliver(home).failed == 1
        assert outbox(home)[0]["said"] == f"{path} was changed after it was made, and is not sent"
        assert states(home) == ["failed", "sent"]

    @pytest.mark.parametrize(
        "address", ["nobody", "A1 <a1@example.com>", "a1@example.com\r\nRCPT TO:<eve@example.net>"]
    )
    def test_an_address_that_is_none(self, address: str, home: Home, box: Mailbox) -> None:
        with Warehouse.open(home.installation) as warehouse:
            warehouse.connection.execute("UPDATE outbox SET recipient = ? WHERE document = ?", [address, FIRST])
        assert deliver(home).failed == 1
        row = outbox(home)[0]
        assert (row["state"], row["attempts"]) == ("failed", 0)
        assert "is no e-mail address" in row["said"]
        assert len(box.taken) == 1

    @pytest.mark.parametrize("harm", ["gone", "changed"])
    def test_settings_as_they_were_that_are_lost(self, harm: str, home: Home) -> None:
        place = home.path / "kept" / outbox(home)[0]["settings_sha256"]
        if harm == "gone":
            place.unlink()
        else:
            place.write_text("[seller]\nname = 'Eve'\n", encoding="utf-8")
        assert deliver(home).failed == 2
        assert str(place) in outbox(home)[0]["said"]

    def test_a_run_that_was_killed(self, home: Home) -> None:
        change(home, f"UPDATE outbox SET state = 'sending', attempts = 1 WHERE document = '{FIRST}'")
        done = deliver(home)
        assert (done.sent, done.unknown) == (1, 1)
        assert (outbox(home)[0]["state"], outbox(home)[0]["said"]) == ("unknown", CUT_OFF)
        assert deliver(home).unknown == 0

    @pytest.mark.parametrize(("place", "state"), [("rcpt", "retry"), ("getreply", "unknown")])
    def test_interrupted(
        self, place: str, state: str, home: Home, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import smtplib

        harmless = getattr(smtplib.SMTP, place)

        def interrupted(smtp: smtplib.SMTP, *arguments: str) -> Any:
            if place == "rcpt" or len(box.taken) > 0:
                raise KeyboardInterrupt
            reply = harmless(smtp, *arguments)
            if reply[0] == 250 and reply[1] == b"taken":
                raise KeyboardInterrupt
            return reply

        monkeypatch.setattr(smtplib.SMTP, place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            deliver(home)
        assert states(home) == [state, "pending"]


def resend(home: Home, *numbers: str) -> Any:
    return call("resend", *numbers, "--reason", "asked for it", "--by", "Ann", *home.arguments)


class TestResend:
    @pytest.mark.parametrize("state", ["failed", "unknown", "retry"])
    def test_it_goes_again(self, state: str, home: Home) -> None:
        change(home, f"UPDATE outbox SET state = '{state}', attempts = 12, said = 'x', next_attempt_at = '2099-01-01'")
        assert deliver(home).sent == 0
        said = resend(home, FIRST)
        assert (said.status, said.out) == (0, f"{FIRST} is to be sent; callbill send sends it\n")
        assert (states(home), outbox(home)[0]["attempts"]) == (["pending", state], 0)
        with Warehouse.open(home.installation) as warehouse:
            (entry,) = warehouse.frame("SELECT * FROM audit").to_dicts()
        assert (entry["action"], entry["who"], entry["billing_month"]) == ("resend", "Ann", APRIL)
        assert entry["changed"] == (f"e-mail about {FIRST}: {state} after 12 attempts, to be sent again: asked for it")
        assert deliver(home).sent == 1

    def test_refused(self, home: Home, box: Mailbox) -> None:
        assert resend(home, FIRST).err == f"callbill: {FIRST} waits to be sent already\n"
        assert resend(home, "R-9").err == "callbill: R-9: there is no e-mail about such a document\n"
        deliver(home)
        said = resend(home, FIRST)
        assert (said.status, said.err) == (2, f"callbill: {FIRST} was sent; --again sends it once more\n")
        assert resend(home, FIRST, "--again").status == 0
        assert deliver(home).sent == 1
        assert sorted(box.delivered.values()) == [1, 2]

    def test_all_or_none(self, home: Home) -> None:
        change(home, "UPDATE outbox SET state = 'failed'")
        assert resend(home, FIRST, SECOND, "R-9").status == 2
        assert states(home) == ["failed", "failed"]

    def test_to_the_address_of_now(self, box: Mailbox, tmp_path: Path) -> None:
        home = mail_home(tmp_path, box.port)
        home.edit("accounts", "a5@example.com", "")
        receiving(home, range(1, 3))
        row = outbox(home)[0]
        assert (row["recipient"], row["state"], row["said"]) == ("", "failed", NO_ADDRESS)
        assert deliver(home).sent == 1
        assert "has no e-mail address" in resend(home, FIRST).err
        change(home, "UPDATE accounts SET email = 'new@example.com' WHERE account_id = 'A5'")
        assert resend(home, FIRST).status == 0
        deliver(home)
        assert "new@example.com" in [str(message["To"]) for message in box.messages]


class TestOutbox:
    def test_list(self, home: Home, box: Mailbox) -> None:
        box.plan = at("RCPT 4xx")
        deliver(home)
        said = call("outbox", *home.arguments)
        assert said.out.splitlines() == [
            f"{FIRST}  A5  a***@example.com  retry  1 attempt, again from 2030-01-01 00:05 UTC",
            "  RCPT: 451 try again later, <j***@example.com>",
            f"{SECOND}  A1  a***@example.com  sent  1 attempt",
            "  250 taken",
        ]
        found = call("outbox", "--state", "sent", "--json", *home.arguments).result
        assert [row["document"] for row in found["emails"]] == [SECOND]
        assert found["emails"][0]["recipient"] == "a***@example.com"
        assert call("outbox", "--state", "failed", *home.arguments).out == "no e-mails\n"
