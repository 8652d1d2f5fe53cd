"""Documents of a month: made once of what was issued, the same on every rendering, and told when they cannot be."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pikepdf
import pytest

from pipelines.documents.einvoice.reading import read_back
from pipelines.errors import BadInput, CallbillError
from pipelines.operations.verify import verify_month
from pipelines.stages import Facts
from pipelines.stages.documents import NotMade, make_documents
from pipelines.stages.issue import issue_month
from pipelines.stages.publish import publish, publish_again
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL
from tests.support import run_month

APRIL, MAY = "2026-04", "2026-05"
SETTINGS = """\
[billing]
first_month = "2026-03"
time_zone = "Europe/Paris"

[issue]
suspense_percent = 100
median_multiple = 1000

[seller]
name = "Exemple Télécom SAS"
address = "12 rue de l'Exemple"
postcode = "75002"
city = "Paris"
vat_number = "FR44732829320"
registration = "732829320"
iban = "FR7699999000010000000012337"
bic = "EXMPFRPPXXX"
creditor_id = "FR72ZZZ123456"
email = "billing@example.com"
"""
ACCOUNTS = """\
account_id,name,email,country,vat_number,billing_mode,payment_method,currency,price_list,opened_on,language,address,iban,mandate_reference,mandate_signed_on
A1,Boulangerie,a1@example.com,FR,,prepaid,balance,EUR,,2026-01-01,fr,1 rue X,,,
A2,Garage,a2@example.com,FR,,postpaid,direct_debit,EUR,,2026-01-01,,,FR1420041010050500013M02606,M-A2,2026-01-01
A3,Werkstatt,a3@example.com,DE,,postpaid,bank_transfer,EUR,own,2026-01-01,,,,,
A4,Shop,a4@example.com,US,,postpaid,bank_transfer,USD,,2026-01-01,,,,,
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose April is issued: a tracked call that was forwarded, a call and a message of others."""
    return issued_home(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same with the documents of April; nobody changes it."""
    home = issued_home(tmp_path_factory.mktemp("documents"))
    make(home)
    return home


def issued_home(folder: Path) -> Home:
    home = home_of_seller(folder)
    home.usage("a.csv", _CALLS)
    close(home, "2026-03", APRIL)
    return home


def home_of_seller(folder: Path, zone: str = "Europe/Paris") -> Home:
    """A home that can make documents, without usage."""
    home = make_home(folder)
    home.settings(SETTINGS.replace("Europe/Paris", zone))
    home.reference("accounts", ACCOUNTS)
    home.reference("numbers", (home.path / "reference/numbers.csv").read_text().replace(*_LAST_NUMBER))
    home.reference("credits", (home.path / "reference/credits.csv").read_text().replace(*_LAST_CREDIT))
    return home


def close(home: Home, *months: str) -> None:
    """Runs and issues months."""
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        for month in months:
            assert run_month(session, month)["passed"].all()
            issue_month(session, month)
            publish(session, month)


def make(home: Home, month: str = APRIL) -> Facts:
    """Makes the documents of a month."""
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        try:
            return make_documents(session, month)
        finally:
            publish_again(session)


_LAST_NUMBER = ("+33184000006,A5,FR,geographic,false,2026-02-01,2026-08-15\n", "")
_LAST_CREDIT = ("C3,A5,opening_balance,5.00,EUR,2026-03-31T10:00:00Z,\n", "")
_CALLS = (
    CALL,
    CALL
    | {
        "record_id": "forwarded",
        "direction": "inbound",
        "from_number": "=cmd|' /C calc'!A0",
        "to_number": "+33184000001",
        "forwarded_to": "+33639980017",
        "forwarded_seconds": "41",
    },
    CALL | {"record_id": "may", "from_number": "+33184000001", "started_at": "2026-05-05T10:00:00Z"},
    CALL | {"record_id": "c3", "from_number": "+33184000003", "started_at": "2026-04-30T22:30:00Z"},
)


def manifest(home: Home, month: str = APRIL) -> list[dict[str, str]]:
    with (home.path / "documents" / month / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def tree(home: Home) -> dict[str, bytes]:
    root = home.path / "documents"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def published(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(query).fetchall()


def number_of(home: Home, account: str) -> str:
    return str(
        published(home, f"SELECT bill_number FROM bills WHERE account_id = '{account}' AND billing_month = '{APRIL}'")[
            0
        ][0]
    )


def text_of(pdf: bytes) -> str:
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_every_bill_has_its_files_and_each_its_line_in_the_manifest(made: Home) -> None:
    home = made
    bills = published(home, f"SELECT bill_number, account_id FROM bills WHERE billing_month = '{APRIL}' ORDER BY 1")
    assert len(bills) == 4
    listed = {(row["document"], row["form"]): row for row in manifest(home) if row["kind"] == "bill"}
    for number, account in bills:
        for form in ("pdf", "ubl"):
            row = listed.pop((number, form))
            content = (home.path / "documents" / row["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == row["sha256"]
            assert (row["account_id"], int(row["bytes"])) == (account, len(content))
    with_usage = {number for number, account in bills if account in ("A1", "A2")}
    assert set(listed) == {(number, "csv") for number in with_usage}
    told = published(home, "SELECT billing_month, document, form, sha256 FROM documents ORDER BY ALL")
    assert set(told) == {(row["billing_month"], row["document"], row["form"], row["sha256"]) for row in manifest(home)}


def test_the_e_invoice_inside_and_the_one_beside_tell_the_bill_to_the_cent(made: Home) -> None:
    home = made
    rows = published(
        home,
        "SELECT bill_number, net_amount, vat_amount, gross_amount, paid_from_balance, total_owed FROM bills "
        f"WHERE billing_month = '{APRIL}'",
    )
    for number, *amounts in rows:
        folder = home.path / "documents" / APRIL / "bills"
        with pikepdf.open(folder / f"{number}.pdf") as pdf:
            assert pdf.check_pdf_syntax() == []
            inside = pdf.attachments["factur-x.xml"].get_file().read_bytes()
        for xml in (inside, (folder / f"{number}.xml").read_bytes()):
            told = read_back(xml)
            assert [told.net, told.vat, told.gross, told.paid, told.due] == amounts
            assert told.number == number


def test_made_again_nothing_is_touched(home: Home) -> None:
    make(home)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in _made(home)}
    make(home)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in _made(home)} == before


def _made(home: Home) -> list[Path]:
    folder = home.path / "documents" / APRIL
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "manifest.csv"]


def test_a_lost_or_changed_file_comes_back_as_it_was_whatever_has_changed_since(home: Home) -> None:
    make(home)
    before = tree(home)
    lost, changed = number_of(home, "A2"), number_of(home, "A1")
    folder = home.path / "documents" / APRIL / "bills"
    (folder / f"{lost}.pdf").unlink()
    (folder / f"{changed}.xml").write_bytes(b"<torn/>")
    home.edit("accounts", "A2,Garage,", "A2,Another name,")
    home.settings(SETTINGS.replace("Exemple Télécom SAS", "Renamed SA"))
    home.reference(
        "payments", f"payment_id,account_id,bill_number,amount,currency,paid_at\nP1,A2,{lost},0.05,EUR,2026-05-01\n"
    )
    home.add("credits", "C9,A1,goodwill,1.00,EUR,2026-04-15T10:00:00Z,")
    close(home, MAY)
    make(home)
    assert tree(home) == before


def test_what_comes_out_otherwise_is_not_put_in_its_place(home: Home) -> None:
    make(home)
    number = number_of(home, "A2")
    path = home.path / "documents" / APRIL / "bills" / f"{number}.pdf"
    path.unlink()
    with Warehouse.open(home.installation) as warehouse:
        warehouse.connection.execute(
            "UPDATE documents SET sha256 = 'other', template_version = 'older' WHERE document = ? AND form = 'pdf'",
            [number],
        )
    with pytest.raises(
        CallbillError, match=r"was lost or changed, and cannot be made as it was: .* by templates older"
    ) as said:
        make(home)
    assert f"documents/{APRIL}/bills/{number}.pdf" in str(said.value)
    assert not path.exists()


def test_verify_looks_at_every_file(home: Home) -> None:
    make(home)
    folder = home.path / "documents" / APRIL / "bills"
    assert verified(home) == []
    gone, other = folder / f"{number_of(home, 'A2')}.xml", folder / f"{number_of(home, 'A1')}.pdf"
    gone.unlink()
    other.write_bytes(other.read_bytes().replace(b"2026", b"2027", 1))
    found = verified(home)
    assert [finding.partition(" is ")[0] for finding in found] == [str(other), str(gone)]
    assert "is not as it was made" in found[0]
    assert "is missing" in found[1]


def verified(home: Home) -> list[str]:
    with Warehouse.open(home.installation) as warehouse:
        return list(verify_month(Session(home.installation, warehouse), APRIL)["findings"])


def test_all_records_stand_in_the_csv_and_none_begins_a_formula(made: Home) -> None:
    home = made
    number = number_of(home, "A1")
    with (home.path / "documents" / APRIL / "bills" / f"{number}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    legs = published(
        home, f"SELECT sum(charge), count(*) FROM rated_usage WHERE account_id = 'A1' AND billing_month = '{APRIL}'"
    )
    assert (sum(Decimal(row["charge"]) for row in rows), len(rows)) == legs[0]
    others = [row["other_number"] for row in rows]
    assert "'=cmd|' /C calc'!A0" in others
    assert "+33639980017" in others
    assert {row["started_at"][-5:] for row in rows} == {"+0200"}


def test_the_page_says_what_the_bill_says(made: Home) -> None:
    home = made
    folder = home.path / "documents" / APRIL / "bills"
    prepaid = text_of((folder / f"{number_of(home, 'A1')}.pdf").read_bytes())
    assert "Facture" in prepaid
    debited = text_of((folder / f"{number_of(home, 'A2')}.pdf").read_bytes())
    assert "M-A2" in debited
    assert "FR14" in debited
    assert "0050500013M" not in debited


def test_the_command_makes_receipts_in_the_month_of_their_credit_and_bills_that_name_them(home: Home) -> None:
    said = call("documents", "2026-03", *home.arguments, "--json")
    assert (said.status, said.err) == (0, "")
    assert json.loads(said.out)["receipt"] == 1
    folder = home.path / "documents" / "2026-03"
    receipt = text_of((folder / "receipts" / "R-2026-000001.pdf").read_bytes())
    assert "120,00" in receipt
    query = "SELECT bill_number FROM bills WHERE account_id = 'A1' AND billing_month = '2026-03'"
    assert "R-2026-000001" in text_of((folder / "bills" / f"{published(home, query)[0][0]}.pdf").read_bytes())
    again = call("documents", APRIL, *home.arguments)
    assert (again.status, again.err) == (0, "")
    assert again.out.startswith(f"{APRIL}: 4 bills, 1 direct debit file, 1 list of open items; ")


def test_a_credit_note_is_made_like_a_bill(home: Home) -> None:
    home.prices("voice_outbound", (home.price_tables / "voice_outbound.csv").read_text().replace(",0.0", ",0.00"))
    said = call("correct", APRIL, "--new-tariff", "--issue", *home.arguments)
    assert said.status == 0, said.err
    found = make(home)
    notes = published(home, "SELECT note_number, gross_amount FROM correction_notes WHERE kind = 'credit_note'")
    assert found["credit_note"] == len(notes) > 0
    for number, gross in notes:
        folder = home.path / "documents" / APRIL / "notes"
        assert read_back((folder / f"{number}.xml").read_bytes()).gross == -gross
        assert (folder / f"{number}.pdf").exists()
        assert (folder / f"{number}.csv").exists()


def test_a_month_without_anything_to_make_says_so(made: Home) -> None:
    with pytest.raises(BadInput, match="2026-05 is not issued and has no receipts"):
        make(made, "2026-05")


def test_vat_in_another_currency_needs_a_rate_and_the_others_are_made(home: Home) -> None:
    home.edit("accounts", "A4,Shop,a4@example.com,US,", "A4,Shop,a4@example.com,FR,")
    close(home, MAY)
    with pytest.raises(NotMade, match=r"of A4 cannot be made: its VAT must be told in EUR as well") as said:
        make(home, MAY)
    assert said.value.exit_status == 1
    assert len({row["document"] for row in manifest(home, MAY) if row["kind"] == "bill"}) == 3
    home.reference("exchange_rates", "currency,rate,valid_from\nUSD,1.25,2026-01-01\n")
    assert make(home, MAY)["bill"] == 4


def test_without_a_seller_nothing_is_made(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.settings(SETTINGS.replace('name = "Exemple Télécom SAS"\n', ""))
    with monkeypatch.context() as before_it_was_asked_for:
        before_it_was_asked_for.setattr("pipelines.stages.issue.seller_needs", lambda *_: [])
        close(home, MAY)
    with pytest.raises(BadInput, match=r"\[seller\] name is missing"):
        make(home, MAY)
    home.settings(SETTINGS)
    assert make(home, MAY)["bill"] == 4


def test_worker_processes_make_the_same_files(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    make(home)
    alone = tree(home)
    for path in _made(home):
        path.unlink()
    monkeypatch.setattr("pipelines.documents.rendering.FEW", 1)
    monkeypatch.setattr("pipelines.documents.rendering.CHUNK", 1)
    home.settings(f"{SETTINGS}[documents]\nprocesses = 2\n")
    with Warehouse.open(home.installation) as warehouse:
        warehouse.connection.execute("DELETE FROM documents WHERE kind = 'bill'")
        make_documents(Session(home.installation, warehouse), APRIL)
    made = tree(home)
    assert {name: made[name] for name in made if "bills/" in name} == {
        name: alone[name] for name in alone if "bills/" in name
    }
