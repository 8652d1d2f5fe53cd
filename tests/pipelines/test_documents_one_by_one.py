"""Documents and payment files are made one by one: whatever is wrong with one, the others are made, and it is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.documents import gather, rendering
from pipelines.documents.gather import Gathered
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.billed import APRIL, FRANCE, FROM_APRIL, MOBILE, account, bill_numbers, billed_home, documents
from tests.pipelines.command import call
from tests.pipelines.homes import Home
from tests.pipelines.test_documents import close, manifest
from tests.support import scratch

IBAN = "FR1420041010050500013M02606"
FAULT = "a fault of callbill itself, please report this line: "


def pages(home: Home) -> set[str]:
    """The documents of April that have their PDF."""
    return {row["document"] for row in manifest(home) if row["form"] == "pdf"}


@pytest.fixture(scope="module")
def many() -> Iterator[Home]:
    """A home with six bills, three credit and three debit notes, and three receipts, of April."""
    with scratch() as folder:
        accounts = [account(name) for name in ("C1", "C2", "C3", "D1", "D2", "D3")]
        accounts.append(account("P1", "prepaid,balance,EUR"))
        calls = {f"{kind}{place}": (to, "6000") for kind, to in (("C", FRANCE), ("D", MOBILE)) for place in (1, 2, 3)}
        top_ups = tuple(f"T{day},P1,top_up,10.00,EUR,2026-04-1{day}T10:00:00Z," for day in (1, 2, 3))
        home = billed_home(folder, accounts, calls, top_ups)
        close(home, APRIL)
        home.add("voice_outbound", "default_eur,France,0.010000,0,1,1,2026-04-01")
        home.add("voice_outbound", "default_eur,France mobile,0.050000,0,1,1,2026-04-01")
        assert call("correct", APRIL, "--new-tariff", "--issue", *home.arguments).status == 0
        yield home


class TestOneOfEveryKind:
    """One of several bills, credit notes, debit notes and receipts cannot be made."""

    def test_the_others_are_made_and_it_is_named(self, many: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        home, right = many, rendering.forms
        bad = {bill_numbers(home)["D2"], "CN-2026-000002", "DN-2026-000002", "R-2026-000002"}
        every = {f"{kind}-2026-00000{place}" for kind in ("CN", "DN", "R") for place in (1, 2, 3)}
        every |= set(bill_numbers(home).values())

        def forms(gathered: Gathered, fonts: Path | None = None) -> dict[str, bytes]:
            if gathered.number in bad:
                raise RuntimeError("a call to +33639980001 cannot be set")
            return right(gathered, fonts)

        with monkeypatch.context() as patched:
            patched.setattr(rendering, "forms", forms)
            said = documents(home)
        lines = said.err.splitlines()
        assert (said.status, said.out) == (1, "")
        assert {line.removeprefix("callbill: ").split(" of ")[0] for line in lines} == bad
        assert all(f"cannot be made: {FAULT}RuntimeError at " in line for line in lines)
        assert "+336" not in said.err
        assert pages(home) == every - bad
        whole = documents(home)
        assert (whole.status, whole.err) == (0, "")
        assert pages(home) == every

    def test_what_cannot_be_gathered_is_one_of_many_as_well(self, many: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        home = many
        with Warehouse.open(home.installation) as warehouse:
            warehouse.connection.execute("DELETE FROM documents WHERE kind = 'receipt' OR kind = 'bill'")
            # Croatia's currency until 2022, which lists of today have no more.
            warehouse.connection.execute("UPDATE receipts SET currency = 'HRK' WHERE receipt_number = 'R-2026-000002'")
        right, bad = gather.payment_of, bill_numbers(home)["D2"]

        def payment(issue: Any, row: dict[str, Any], facts: Any) -> Any:
            assert row.get("bill_number") != bad
            return right(issue, row, facts)

        monkeypatch.setattr(gather, "payment_of", payment)
        said = documents(home)
        first, second = said.err.splitlines()
        assert said.status == 1
        assert first.startswith(f"callbill: {bad} of D2 cannot be made: {FAULT}AssertionError at ")
        assert second == (
            "callbill: R-2026-000002 of P1 cannot be made: its currency, HRK, has no minor unit in ISO 4217 as this version of "
            "callbill knows it"
        )
        assert pages(home) == {
            *bill_numbers(home).values(),
            *(f"{kind}-2026-00000{place}" for kind in ("CN", "DN", "R") for place in (1, 2, 3)),
        } - {bad, "R-2026-000002"}


class TestPaymentFiles:
    """One of the payment files cannot be written, or is no more what it was."""

    @pytest.fixture
    def issued(self, tmp_path: Path) -> Home:
        """C1 is debited, D1 is not."""
        debited = account("C1", "postpaid,direct_debit,EUR", more=f",{IBAN},M-C1,2026-01-01")
        calls = {"C1": (FRANCE, "6000"), "D1": (FRANCE, "6000")}
        home = billed_home(tmp_path, [debited, account("D1")], calls)
        close(home, APRIL)
        return home

    @pytest.mark.parametrize(
        ("file", "writer"),
        [
            ("direct-debits-2026-04-1.xml", "pipelines.documents.debits.direct_debits"),
            ("open-items-2026-04-1.csv", "pipelines.documents.open_items.open_items_csv"),
        ],
    )
    def test_the_other_and_all_documents_are_made(
        self, file: str, writer: str, issued: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home, folder = issued, issued.path / "documents" / APRIL

        def broken(*_: Any, **__: Any) -> bytes:
            raise AssertionError(f"{IBAN} is no IBAN")

        with monkeypatch.context() as patched:
            patched.setattr(writer, broken)
            said = documents(home)
        assert said.status == 1
        assert said.err.startswith(f"callbill: {folder / file} cannot be written: {FAULT}AssertionError at ")
        assert (said.err.count("\n"), IBAN in said.err) == (1, False)
        assert [path.name == file for path in folder.glob("*-1.*")] == [False]
        assert pages(home) == set(bill_numbers(home).values())
        assert documents(home).status == 0
        assert (folder / file).exists()

    def test_one_that_was_changed_keeps_nothing_else_from_being_made(self, issued: Home) -> None:
        home, folder = issued, issued.path / "documents" / APRIL
        assert documents(home).status == 0
        changed, others = folder / "direct-debits-2026-04-1.xml", [folder / "open-items-2026-04-1.csv"]
        others.append(folder / "bills" / f"{bill_numbers(home)['D1']}.pdf")
        content = changed.read_bytes()
        changed.write_bytes(b"mine")
        for path in others:
            path.unlink()
        said = documents(home)
        assert said.status == 1
        assert said.err == f"callbill: {changed} was changed since it was written: it is no more what was decided\n"
        assert all(path.exists() for path in others)
        changed.write_bytes(content)
        assert documents(home).status == 0


class TestInputs:
    """Inputs of then or of today cannot be read: what needs nothing of them is made."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> Home:
        """April is issued with a bill in EUR, and one in USD whose VAT needs a rate."""
        accounts = [account("A1"), account("A2", "postpaid,bank_transfer,USD")]
        home = billed_home(tmp_path, accounts, {"A1": (FRANCE, "6000"), "A2": (FRANCE, "6000")})
        close(home, APRIL)
        return home

    def test_a_file_of_today_that_cannot_be_read(self, home: Home) -> None:
        rates = home.path / "reference" / "exchange_rates.csv"
        home.reference("exchange_rates", "currency,rate,valid_from\nUSD,dear,2026-01-01\n")
        said = documents(home)
        refused = (
            f"{bill_numbers(home)['A2']} of A2 cannot be made: exchange_rates.csv: line 2, column rate: found 'dear', "
        )
        assert said.status == 1
        assert said.err.startswith(f"callbill: {refused}")
        assert pages(home) == {bill_numbers(home)["A1"]}
        rates.unlink()
        home.settings(FROM_APRIL.replace('name = "Exemple Télécom SAS"\n', ""))
        (home.path / "documents" / APRIL / "bills" / f"{bill_numbers(home)['A1']}.pdf").unlink()
        said = documents(home)
        assert said.status == 1
        nobody, missing = said.err.splitlines()
        assert nobody == (
            f"callbill: {home.path}/callbill.toml: [seller] name is missing: documents say who issues them"
        )
        assert "has no rate of USD in force" in missing
        assert (home.path / "documents" / APRIL / "bills" / f"{bill_numbers(home)['A1']}.pdf").exists()

    def test_a_lost_file_of_other_templates_keeps_nothing_else_from_being_made(self, home: Home) -> None:
        home.reference("exchange_rates", "currency,rate,valid_from\nUSD,1.25,2026-01-01\n")
        assert documents(home).status == 0
        numbers = bill_numbers(home)
        with Warehouse.open(home.installation) as warehouse:
            warehouse.connection.execute(
                "UPDATE documents SET sha256 = 'other', template_version = 'older' WHERE document = ?", [numbers["A1"]]
            )
        folder = home.path / "documents" / APRIL / "bills"
        for number in numbers.values():
            (folder / f"{number}.pdf").unlink()
        said = documents(home)
        assert said.status == 1
        assert f"{numbers['A1']} of A1 cannot be made: documents/{APRIL}/bills/{numbers['A1']}." in said.err
        assert said.err.count("\n") == 1
        assert (folder / f"{numbers['A2']}.pdf").exists()
