"""The outbox is filled in the transaction that makes the document: receipts, bills and notes, one row each."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.stages import outbox as stage
from pipelines.stages.email_documents import EmailDocuments
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.mail_server import mail_server
from tests.pipelines.bookkeeping import APRIL, calling_home, issue, rows, run
from tests.pipelines.command import call
from tests.pipelines.homes import Home
from tests.pipelines.letterbox import MAIL, deliver, make_pdfs, outbox, receipts

MESSAGE_ID = re.compile(r"<([A-Za-z0-9-]+)\.[0-9a-f]{12}@example\.com>\Z")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with calls in April, of a seller with an address."""
    home = calling_home(tmp_path)
    home.settings(MAIL.format(port=1) + "starttls = false\n")
    return home


def by_kind(home: Home, kind: str) -> list[dict[str, Any]]:
    return [row for row in outbox(home) if row["kind"] == kind]


class TestFilling:
    def test_receipts(self, home: Home) -> None:
        before = datetime.now(UTC)
        run(home, APRIL)
        made = rows(home, "SELECT receipt_number, account_id FROM receipts ORDER BY 1")
        queued = outbox(home)
        assert [(row["document"], row["account_id"]) for row in queued] == made != []
        for row in queued:
            found = MESSAGE_ID.match(row["message_id"])
            assert found is not None
            assert found[1] == row["document"]
            assert row["recipient"] == f"{row['account_id'].lower()}@example.com"
            assert before < row["created_at"] == row["changed_at"] < datetime.now(UTC)
            assert (row["kind"], row["state"], row["attempts"]) == ("receipt", "pending", 0)
            for name in ("accounts_sha256", "settings_sha256"):
                assert (home.path / "kept" / row[name]).exists()
        run(home, APRIL)
        assert outbox(home) == queued

    def test_a_receipt_lies_in_the_month_of_its_credit_in_the_billing_time_zone(self, home: Home) -> None:
        home.settings('[billing]\nfirst_month = "2026-04"\ntime_zone = "Pacific/Auckland"\n')
        home.add("credits", "C9,A1,top_up,7.00,EUR,2026-04-30T12:30:00Z,")
        run(home, APRIL)
        (number,) = rows(home, "SELECT receipt_number FROM receipts WHERE credit_id = 'C9'")[0]
        (row,) = [row for row in outbox(home) if row["document"] == number]
        assert row["billing_month"] == "2026-05"
        assert row["message_id"].endswith("@callbill.invalid>")

    def test_bills_and_notes(self, home: Home) -> None:
        run(home, APRIL)
        assert by_kind(home, "bill") == []
        issue(home, APRIL)
        issued = rows(home, "SELECT bill_number, account_id, issued_at FROM bills ORDER BY 1")
        bills = by_kind(home, "bill")
        assert [(row["document"], row["account_id"], row["created_at"]) for row in bills] == issued != []
        assert {(row["billing_month"], row["state"]) for row in bills} == {(APRIL, "pending")}
        home.add("voice_outbound", "default_eur,France,0.090000,0,1,1,2026-04-02")
        assert call("correct", APRIL, "--new-tariff", "--issue", *home.arguments).status == 0
        noted = rows(home, "SELECT note_number, kind, account_id, issued_at FROM correction_notes ORDER BY 1")
        notes = [row for row in outbox(home) if row["kind"].endswith("note")]
        assert [(row["document"], row["kind"], row["account_id"], row["created_at"]) for row in notes] == noted != []
        assert len({row["message_id"] for row in outbox(home)}) == len(outbox(home))
        before = outbox(home)
        assert call("rebuild", APRIL, *home.arguments).status == 0
        assert outbox(home) == before

    def test_the_same_message_id_wherever_it_is_made(self, home: Home, tmp_path: Path) -> None:
        other = calling_home(tmp_path / "other")
        other.settings(MAIL.format(port=2) + "starttls = false\n")
        for each in (home, other):
            run(each, APRIL)
        assert [row["message_id"] for row in outbox(home)] == [row["message_id"] for row in outbox(other)]

    def test_nothing_without_the_transaction(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        run(home, APRIL)
        before = outbox(home)

        def fail(*_: object, **__: object) -> None:
            raise OSError("full")

        monkeypatch.setattr("pipelines.stages.issue.add_entry", fail)
        with pytest.raises(OSError, match="full"):
            issue(home, APRIL)
        assert outbox(home) == before

    def test_an_error_of_its_query_is_told_as_it_is(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stage, "_QUEUE", "SELECT nothing_there, $domain, $accounts, $settings, $rates FROM _queued")
        queued = pl.DataFrame({"document": ["R-1"]})
        monkeypatch.setattr(stage, "_rows", lambda _session, _kind, frame: frame)
        with Warehouse.open(home.installation) as warehouse:
            session = Session(home.installation, warehouse)
            with pytest.raises(duckdb.BinderException, match="nothing_there"), warehouse.transaction():
                stage.queue(session, "receipt", queued)

    def test_a_message_id_of_strange_numbers(self, home: Home) -> None:
        run(home, APRIL)
        names = ["a b/../é", "a b/../è", "<x@y>", "\r\nBcc: x", "", "." * 200]
        frame = receipts(range(len(names))).with_columns(pl.Series("receipt_number", names))
        with Warehouse.open(home.installation) as warehouse:
            stage.queue(Session(home.installation, warehouse), "receipt", frame)
            found = warehouse.frame("SELECT message_id FROM outbox")["message_id"].to_list()
        assert len(set(found)) == len(found)
        for name in found:
            assert re.fullmatch(r"<[A-Za-z0-9-]*\.[0-9a-f]{12}@example\.com>", name)
            assert len(name) < 100

    def test_many(self, home: Home) -> None:
        run(home, APRIL)
        frame = receipts(range(1, 3)).select(pl.all().repeat_by(50_000).explode())
        frame = frame.with_columns(pl.format("N{}", pl.int_range(pl.len())).alias("receipt_number"))
        with Warehouse.open(home.installation) as warehouse:
            session = Session(home.installation, warehouse)
            with warehouse.transaction():
                stage.queue(session, "receipt", frame)
            assert warehouse.value("SELECT count(*) FROM outbox WHERE document LIKE 'N%'") == 100_000


class TestWhatTheyTell:
    def test_the_figures_of_each_document(self, home: Home) -> None:
        run(home, APRIL)
        issue(home, APRIL)
        home.add("voice_outbound", "default_eur,France,0.090000,0,1,1,2026-04-02")
        call("correct", APRIL, "--new-tariff", "--issue", "--reason", "wrong price", *home.arguments)
        with Warehouse.open(home.installation) as warehouse:
            session = Session(home.installation, warehouse)
            queued = warehouse.frame("SELECT * FROM outbox")
            told = EmailDocuments(session).of(queued).values()
            due = dict(warehouse.connection.execute("SELECT document, due_on FROM open_items").fetchall())
        documents = {document.number: document for document in told if not isinstance(document, str)}
        assert len(documents) == queued.height
        for number, gross, owed, method in rows(
            home, "SELECT bill_number, gross_amount, total_owed, payment_method FROM bills"
        ):
            bill = documents[number]
            assert (bill.gross_amount, bill.total_owed, bill.kind) == (gross, owed, "bill")
            assert bill.period[1].day == 30
            assert bill.payment.method == (method if owed else "balance")
            assert bill.payment.due_on == (due[number] if method == "bank_transfer" and owed else None)
        for number, gross, bill_number in rows(
            home, "SELECT note_number, gross_amount, bill_number FROM correction_notes"
        ):
            note = documents[number]
            assert (note.gross_amount, note.corrects, note.reason) == (gross, bill_number, "wrong price")
        for number, net, total, balance in rows(
            home, "SELECT receipt_number, credited_amount, total_paid, balance_after FROM receipts"
        ):
            receipt = documents[number]
            assert (receipt.net_amount, receipt.gross_amount, receipt.balance_after) == (net, total, balance)
            assert receipt.net_amount.as_tuple().exponent == -2
            assert receipt.seller.party.name == "Téléphonie, Exemple"

    def test_a_debit_as_its_payment_file_has_it(self, home: Home) -> None:
        run(home, APRIL)
        issue(home, APRIL)
        with Warehouse.open(home.installation) as warehouse:
            session = Session(home.installation, warehouse)
            warehouse.connection.execute(
                "INSERT INTO collections BY NAME SELECT billing_month, document, account_id, 'direct_debit' AS method, "
                "open_amount AS amount, currency, DATE '2026-05-12' AS due_on, 'M-7' AS mandate_reference "
                "FROM open_items WHERE account_id = 'A2'"
            )
            queued = warehouse.frame("SELECT * FROM outbox WHERE kind = 'bill' AND account_id = 'A2'")
            (bill,) = EmailDocuments(session).of(queued).values()
        assert not isinstance(bill, str)
        assert (bill.payment.method, str(bill.payment.due_on), bill.payment.mandate_reference) == (
            "direct_debit",
            "2026-05-12",
            "M-7",
        )
        assert bill.total_owed > Decimal(0)

    def test_all_are_sent(self, home: Home) -> None:
        run(home, APRIL)
        issue(home, APRIL)
        home.add("voice_outbound", "default_eur,France,0.090000,0,1,1,2026-04-02")
        assert call("correct", APRIL, "--new-tariff", "--issue", *home.arguments).status == 0
        with Warehouse.open(home.installation) as warehouse:
            make_pdfs(Session(home.installation, warehouse))
        with mail_server() as box:
            home.settings(MAIL.format(port=box.port) + "starttls = false\n")
            assert deliver(home).sent == len(outbox(home)) == len(box.taken)
        assert {str(message["Subject"]).split()[0] for message in box.messages} >= {"Receipt", "Bill", "Debit"}
