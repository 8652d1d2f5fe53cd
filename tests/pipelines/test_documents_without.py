"""Documents that lack something which others have: an e-invoice that can tell them, a customer in accounts.csv, a month."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest

from tests.pipelines.billed import APRIL, FRANCE, FROM_APRIL, account, bill_numbers, billed_home, documents, text_of
from tests.pipelines.command import Said, call
from tests.pipelines.homes import Home
from tests.pipelines.test_documents import close, manifest, published
from tests.support import scratch

MARCH, MAY = "2026-03", "2026-05"


def test_a_receipt_of_before_the_first_month_is_made_with_any_month(tmp_path: Path) -> None:
    top_ups = "C1,P1,top_up,20.00,EUR,2026-03-15T10:00:00Z,", "C2,P1,top_up,30.00,EUR,2026-04-15T10:00:00Z,"
    home = billed_home(tmp_path, [account("P1", "prepaid,balance,EUR")], {}, top_ups)
    close(home, APRIL)
    said = documents(home)
    assert (said.status, said.err) == (0, "")
    assert (said.result["receipt"], said.result["bill"]) == (1, 1)
    for month, number in ((MARCH, "R-2026-000001"), (APRIL, "R-2026-000002")):
        assert (home.path / "documents" / month / "receipts" / f"{number}.pdf").exists()
        assert {row["document"] for row in manifest(home, month) if row["kind"] == "receipt"} == {number}


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Home, Said]]:
    """Bills over 0.255 TND, 0.0255 CLF, 26 JPY, 0.01 EUR and of nothing; a credit note in TND; a receipt over 20.125
    TND. And what the making of the documents said."""
    with scratch() as folder:
        currencies = {"T1": "TND", "C1": "CLF", "J1": "JPY", "E1": "EUR", "T2": "TND"}
        accounts = [
            account(name, f"postpaid,bank_transfer,{currency}", country="US") for name, currency in currencies.items()
        ]
        accounts.append(account("P1", "prepaid,balance,TND", country="US"))
        calls = dict.fromkeys(("T1", "C1", "J1", "E1"), (FRANCE, "60"))
        top_up = "C1,P1,top_up,20.125,TND,2026-04-15T10:00:00Z,"
        home = billed_home(folder, accounts, calls, (top_up,))
        for currency, price in (("tnd", "0.255"), ("clf", "0.0255"), ("jpy", "25.5")):
            home.add("price_lists", f"default_{currency},{currency.upper()}")
            home.add("voice_outbound", f"default_{currency},France,{price},0,1,1,2025-01-01")
        close(home, APRIL)
        home.add("voice_outbound", "default_tnd,France,0.251,0,1,1,2026-04-01")
        assert call("correct", APRIL, "--new-tariff", "--issue", *home.arguments).status == 0
        yield home, documents(home)


@pytest.fixture(scope="module")
def corrected() -> Iterator[Home]:
    """A1 and A2 have bills of April; then A1 is gone, a price is lower, and both have credit notes."""
    with scratch() as folder:
        gone = account("A1", more="fr,,,")
        calls = {"A1": (FRANCE, "6000"), "A2": (FRANCE, "6000")}
        home = billed_home(folder, [gone, account("A2")], calls)
        close(home, APRIL)
        home.edit("accounts", f"{gone}\n", "")
        home.add("voice_outbound", "default_eur,France,0.010000,0,1,1,2026-04-01")
        assert call("correct", APRIL, "--new-tariff", "--issue", *home.arguments).status == 0
        yield home


class TestFinerCurrencies:
    """EN 16931 knows two decimals; accounts are billed in what their currency has."""

    def test_what_no_e_invoice_can_tell_is_made_without_one_and_named(self, made: tuple[Home, Said]) -> None:
        home, said = made
        bills, finer = bill_numbers(home), "an e-invoice allows two decimals (EN 16931), but its amounts in"
        assert said.status == 0
        assert sorted(said.err.splitlines()) == sorted(
            f"callbill: {document} has no e-invoice: {finer} {why}"
            for document, why in (
                (f"{bills['T1']} of T1", "TND have three"),
                (f"{bills['C1']} of C1", "CLF have four"),
                ("CN-2026-000001 of T1", "TND have three"),
                ("R-2026-000001 of P1", "TND have three"),
            )
        )
        told = said.result
        assert (told["bill"], told["refused"], told["without_e_invoice"]) == (6, 0, 4)

    def test_each_has_its_page_and_its_records(self, made: tuple[Home, Said]) -> None:
        home, bills = made[0], bill_numbers(made[0])
        forms: dict[str, set[str]] = {}
        for row in manifest(home):
            forms.setdefault(row["document"], set()).add(row["form"])
        assert forms[bills["T1"]] == forms[bills["C1"]] == forms["CN-2026-000001"] == {"pdf", "csv"}
        assert forms["R-2026-000001"] == {"pdf"}
        assert forms[bills["J1"]] == forms[bills["E1"]] == {"pdf", "ubl", "csv"}
        assert forms[bills["T2"]] == {"pdf", "ubl"}
        folder = home.path / "documents" / APRIL / "bills"
        for name, amount in (("T1", "0.255"), ("C1", "0.0255"), ("J1", "26")):
            content = (folder / f"{bills[name]}.pdf").read_bytes()
            assert amount in text_of(content)
            with pikepdf.open(io.BytesIO(content)) as pdf:
                assert pdf.check_pdf_syntax() == []
                assert ("factur-x.xml" in pdf.attachments) is (name == "J1")

    def test_again_nothing_is_made_and_nothing_is_wrong(self, made: tuple[Home, Said]) -> None:
        home = made[0]
        before = manifest(home)
        said = call("documents", APRIL, *home.arguments)
        assert (said.status, said.err, manifest(home)) == (0, "", before)
        assert "; 4 without an e-invoice; " in said.out
        assert call("verify", APRIL, *home.arguments).status == 0


class TestGoneCustomers:
    """A customer is no more in accounts.csv when its bill is corrected."""

    def test_the_e_mail_about_the_note_goes_where_the_bill_went(self, corrected: Home) -> None:
        listed = call("outbox", "--json", *corrected.arguments).result["emails"]
        assert {(row["account_id"], row["kind"], row["state"]) for row in listed} == {
            (name, kind, "pending") for name in ("A1", "A2") for kind in ("bill", "credit_note")
        }

    def test_the_note_names_who_was_billed(self, corrected: Home) -> None:
        home = corrected
        proof = json.loads((home.path / "issued" / f"{APRIL}.json").read_text())["issues"][0]
        kept = home.path / "kept" / proof["inputs"]["accounts"]
        notes = dict(published(home, "SELECT account_id, note_number FROM correction_notes"))
        kept.rename(kept.with_suffix(".away"))
        said = documents(home)
        assert said.status == 1
        assert f"{notes['A1']} of A1 cannot be made: its account is not in accounts.csv, neither as it was" in said.err
        # The bills lack accounts.csv of their own day; of these nothing is guessed.
        assert said.err.count("is missing: accounts.csv as it was then cannot be read any more") == 2
        assert {row["document"] for row in manifest(home)} == {notes["A2"], f"open-items-{APRIL}-1"}
        kept.with_suffix(".away").rename(kept)
        said = documents(home)
        assert (said.status, said.err) == (0, "")
        assert (said.result["credit_note"], said.result["bill"], said.result["refused"]) == (2, 2, 0)
        page = text_of((home.path / "documents" / APRIL / "notes" / f"{notes['A1']}.pdf").read_bytes())
        assert "Shop A1" in page
        assert "Avoir" in page

    def test_a_receipt_that_lacked_a_setting_is_made_when_its_customer_is_gone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone, credit = (
            account("P1", "prepaid,balance,EUR", country="US"),
            "C1,P1,top_up,20.00,EUR,2026-05-15T10:00:00Z,",
        )
        home = billed_home(tmp_path, [gone, account("A2")], {}, (credit,))
        home.settings(FROM_APRIL.replace('vat_number = "FR44732829320"\nregistration = "732829320"\n', ""))
        with monkeypatch.context() as before_it_was_asked_for:
            before_it_was_asked_for.setattr("pipelines.stages.issue.seller_needs", lambda *_: [])
            close(home, APRIL)
        assert "R-2026-000001 of P1 cannot be made: R-2026-000001: an e-invoice needs" in documents(home, MAY).err
        home.settings(FROM_APRIL)
        home.edit("credits", f"{credit}\n", "")
        home.edit("accounts", f"{gone}\n", "")
        said = documents(home, MAY)
        assert (said.status, said.err, said.result["receipt"]) == (0, "", 1)
