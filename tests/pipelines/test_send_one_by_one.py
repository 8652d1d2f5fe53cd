"""E-mails go one by one: whatever is wrong with one, or with a document that is missing, all others go, and it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.documents import smtp
from pipelines.stages import email_documents
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.mail_server import Mailbox, mail_server
from tests.pipelines.billed import APRIL, FRANCE, FROM_APRIL, account, bill_numbers, billed_home, documents
from tests.pipelines.command import call
from tests.pipelines.homes import Home
from tests.pipelines.letterbox import deliver, mail_home, outbox, receipts, receive
from tests.pipelines.test_documents import close
from tests.support import run_month

FIRST, SECOND, THIRD = (f"R-2026-00000{place}" for place in (1, 2, 3))
FAULT = "a fault of callbill itself, please report this line: "
MAIL = '[mail]\nhost = "127.0.0.1"\nport = {port}\nfrom = "billing@example.com"\nstarttls = false\n'


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A server without faults."""
    with mail_server() as box:
        yield box


@pytest.fixture
def home(box: Mailbox, tmp_path: Path) -> Home:
    """A home with three receipts to send, and their PDFs."""
    home = mail_home(tmp_path, box.port)
    with Warehouse.open(home.installation) as warehouse:
        receive(Session(home.installation, warehouse), receipts(range(1, 4)))
    return home


def subjects(box: Mailbox) -> set[str]:
    """The numbers of the documents that were delivered."""
    return {next(word for word in str(message["Subject"]).split() if "2026-" in word) for message in box.messages}


class TestOneOfThree:
    """The e-mail in the middle cannot be sent."""

    def test_its_document_cannot_be_told(self, home: Home, box: Mailbox) -> None:
        with Warehouse.open(home.installation) as warehouse:
            warehouse.connection.execute(f"UPDATE receipts SET currency = 'HRK' WHERE receipt_number = '{SECOND}'")
        done = deliver(home)
        assert (done.sent, done.failed, done.stopped) == (2, 1, None)
        assert subjects(box) == {FIRST, THIRD}
        said = outbox(home)[1]["said"]
        assert said == "its currency, HRK, has no minor unit in ISO 4217 as this version of callbill knows it"

    def test_its_file_cannot_be_read(self, home: Home, box: Mailbox) -> None:
        path = home.path / "documents" / APRIL / f"{SECOND}.pdf"
        path.unlink()
        path.mkdir()
        assert deliver(home).failed == 1
        assert subjects(box) == {FIRST, THIRD}
        assert outbox(home)[1]["said"] == f"{path} cannot be read: Is a directory"

    def test_it_breaks_what_hands_it_in(self, home: Home, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
        right = smtp.on_the_wire

        def broken(content: bytes) -> bytes:
            if SECOND.encode() in content:
                raise ValueError("jane@example.com")
            return right(content)

        monkeypatch.setattr(smtp, "on_the_wire", broken)
        done = deliver(home)
        assert (done.sent, done.retry, done.stopped) == (2, 1, None)
        assert subjects(box) == {FIRST, THIRD}
        row = outbox(home)[1]
        assert (row["state"], row["attempts"]) == ("retry", 1)
        assert row["said"].startswith(f"{FAULT}ValueError at ")


def without_documents(folder: Path, box: Mailbox, *top_ups: str, settings: str = FROM_APRIL) -> Home:
    """A home with those top-ups of P1 (EUR) and P2 (USD), run and not issued."""
    accounts = [account("P1", "prepaid,balance,EUR"), account("P2", "prepaid,balance,USD")]
    home = billed_home(folder, accounts, {}, top_ups)
    home.settings(settings + MAIL.format(port=box.port))
    with Warehouse.open(home.installation) as warehouse:
        assert run_month(Session(home.installation, warehouse), APRIL)["passed"].all()
    return home


def top_up(place: int, day: str, owner: str = "P1", currency: str = "EUR") -> str:
    return f"C{place},{owner},top_up,10.00,{currency},{day}T10:00:00Z,"


class TestMissingDocuments:
    """`send` makes the receipts that are missing; one of them cannot be made."""

    def test_a_top_up_of_before_the_first_month(self, box: Mailbox, tmp_path: Path) -> None:
        home = without_documents(tmp_path, box, top_up(1, "2026-02-10"), top_up(2, "2026-04-10"))
        said = call("send", *home.arguments)
        assert (said.status, said.err) == (0, "")
        assert said.out == "2 sent, 0 to be tried again, 0 failed, 0 unknown; 0 left to send\n"
        assert subjects(box) == {FIRST, SECOND}
        assert (home.path / "documents" / "2026-02" / "receipts" / f"{FIRST}.pdf").exists()
        assert {row["billing_month"] for row in outbox(home)} == {"2026-02", APRIL}

    def test_files_of_today_that_cannot_be_read(self, box: Mailbox, tmp_path: Path) -> None:
        dollars = top_up(2, "2026-04-11", "P2", "USD")
        home = without_documents(tmp_path, box, top_up(1, "2026-04-10"), dollars, top_up(3, "2026-04-12"))
        home.reference("accounts", "account_id\n")
        home.reference("exchange_rates", "currency,rate,valid_from\nUSD,dear,2026-01-01\n")
        said = call("send", *home.arguments)
        assert said.status == 0
        assert said.out == (
            "2 sent, 0 to be tried again, 0 failed, 0 unknown; 1 left to send\n1 wait for their document\n"
        )
        assert subjects(box) == {FIRST, THIRD}
        assert f"{SECOND} cannot be made: exchange_rates.csv: line 2, column rate: found 'dear'" in said.err
        assert "callbill: accounts.csv: line 1: column 'name' is missing" in said.err

    @pytest.mark.parametrize("harm", ["kept", "seller", "templates"])
    def test_others_that_cannot_be_made(self, harm: str, box: Mailbox, tmp_path: Path) -> None:
        home = without_documents(tmp_path, box, top_up(1, "2026-04-10"))
        assert call("send", *home.arguments).status == 0
        lines = HARM[harm](home)
        said = call("send", *home.arguments)
        assert said.status == 0
        assert subjects(box) == {FIRST, THIRD}
        assert said.out.startswith("1 sent, ")
        assert all(line in said.err for line in lines)


def _run_with(home: Home, place: int) -> None:
    home.add("credits", top_up(place, f"2026-04-1{place}"))
    with Warehouse.open(home.installation) as warehouse:
        assert run_month(Session(home.installation, warehouse), APRIL)["passed"].all()


def _kept_is_gone(home: Home) -> list[str]:
    """SECOND was made under other accounts, which are lost."""
    home.edit("accounts", "Shop P1", "Shop Neuf")
    _run_with(home, 2)
    home.edit("accounts", "Shop Neuf", "Shop P1")
    _run_with(home, 3)
    lost = home.path / "kept" / outbox(home)[1]["accounts_sha256"]
    lost.unlink()
    return [f"{SECOND} cannot be made: {lost} is missing: accounts.csv as it was then cannot be read any more"]


def _nobody_issued(home: Home) -> list[str]:
    """SECOND was made when nobody was the seller, and nobody is now."""
    settings = (home.path / "callbill.toml").read_text()
    home.settings(settings.replace('name = "Exemple Télécom SAS"\n', ""))
    _run_with(home, 2)
    home.settings(settings)
    _run_with(home, 3)
    home.settings(settings.replace('name = "Exemple Télécom SAS"\n', ""))
    return [f"{SECOND} cannot be made: {home.path}/callbill.toml: [seller] name is missing"]


def _made_by_others(home: Home) -> list[str]:
    """FIRST, which was sent, is lost and comes out otherwise; SECOND is there and of no interest."""
    _run_with(home, 2)
    _run_with(home, 3)
    with Warehouse.open(home.installation) as warehouse:
        warehouse.connection.execute("UPDATE documents SET sha256 = 'x', template_version = 'older'")
        warehouse.connection.execute(f"UPDATE outbox SET state = 'sent' WHERE document = '{SECOND}'")
    (home.path / "documents" / APRIL / "receipts" / f"{FIRST}.pdf").unlink()
    return [f"{FIRST} cannot be made: documents/{APRIL}/receipts/{FIRST}.", "was lost or changed, and cannot be made"]


HARM: dict[str, Callable[[Home], list[str]]] = {
    "kept": _kept_is_gone,
    "seller": _nobody_issued,
    "templates": _made_by_others,
}


class TestBills:
    """E-mails about bills and notes."""

    def test_one_that_cannot_be_told(self, box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home = billed_home(tmp_path, [account(name) for name in ("A1", "A2", "A3")], {})
        home.settings(FROM_APRIL + MAIL.format(port=box.port))
        close(home, APRIL)
        assert documents(home).status == 0
        bills, right = bill_numbers(home), email_documents.without_lines

        def broken(*arguments: Any) -> Any:
            assert arguments[3]["account_id"] != "A2"
            return right(*arguments)

        monkeypatch.setattr(email_documents, "without_lines", broken)
        done = call("send", "--json", *home.arguments).result
        assert (done["sent"], done["failed"], done["stopped"]) == (2, 1, None)
        assert subjects(box) == {bills["A1"], bills["A3"]}
        assert outbox(home)[1]["said"].startswith(f"{FAULT}AssertionError at ")

    def test_without_an_e_invoice_and_to_who_is_gone(self, box: Mailbox, tmp_path: Path) -> None:
        gone = account("A1", more="fr,,,")
        dinars = account("T1", "postpaid,bank_transfer,TND", country="US")
        home = billed_home(tmp_path, [gone, dinars], {"A1": (FRANCE, "6000"), "T1": (FRANCE, "60")})
        home.settings(FROM_APRIL + MAIL.format(port=box.port))
        home.add("price_lists", "default_tnd,TND")
        home.add("voice_outbound", "default_tnd,France,0.255,0,1,1,2025-01-01")
        close(home, APRIL)
        home.edit("accounts", f"{gone}\n", "")
        assert call("correct", APRIL, "--new-tariff", "--issue", *home.arguments).status == 0
        assert documents(home).status == 0
        done = call("send", "--json", *home.arguments).result
        assert (done["sent"], done["failed"], done["left"]) == (3, 0, 0)
        note = next(message for message in box.messages if "CN-2026-000001" in str(message["Subject"]))
        assert (note["To"], str(note["Subject"]).split()[0]) == ("a1@example.com", "Avoir")
        assert any("0.255" in str(message.get_body().get_content()) for message in box.messages)
