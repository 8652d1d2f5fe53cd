"""Payment files of an issued month: each document debited once or listed, and the same bytes however often they are made."""

from __future__ import annotations

import csv
import hashlib
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from lxml import etree

import pipelines.stages.collect
from pipelines.definitions import definitions
from pipelines.errors import BadInput
from pipelines.orchestration.instance import dagster_instance
from pipelines.stages.collect import collect_month
from pipelines.stages.issue import issue_month
from pipelines.stages.publish import publish
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL
from tests.support import read_published, run_month

APRIL = "2026-04"
IBAN, OTHER_IBAN = "FR7630006000011234567890189", "DE89370400440532013000"
SETTINGS = f"""
[billing]
first_month = "2026-04"
time_zone = "Europe/Paris"
[seller]
name = "Télécom & Fils"
iban = "{IBAN}"
bic = "AGRIFRPP"
creditor_id = "DE98ZZZ09999999999"
vat_number = "FR44732829320"
[issue]
payment_days = 9
"""
ACCOUNTS = """\
account_id,name,email,country,vat_number,billing_mode,payment_method,currency,price_list,opened_on,closed_on,iban,mandate_reference,mandate_signed_on
A1,Boulangerie,a1@example.com,FR,,prepaid,balance,EUR,,2026-01-01,,,,
A2,Müller & Söhne,a2@example.com,FR,,postpaid,direct_debit,EUR,,2026-01-01,,de89 3704 0044 0532 0130 00,M-2,2026-01-05
A3,Werkstatt,a3@example.com,DE,,postpaid,bank_transfer,EUR,,2026-01-01,,,,
A4,=HYPERLINK(1),a4@example.com,US,,postpaid,direct_debit,USD,,2026-01-01,,,,
A5,Fleuriste,a5@example.com,FR,,postpaid,direct_debit,EUR,,2026-01-01,,FR14 2004 1010 0505 0001 3M02 606,M-5,2026-01-05
A6,"Sans; mandat",a6@example.com,FR,,postpaid,direct_debit,EUR,,2026-01-01,,FR1420041010050500013M02606,,2026-01-05
"""
NUMBERS = {"A2": "+33184000003", "A3": "+33184000004", "A4": "+12125550101", "A5": "+33184000006", "A6": "+33184000007"}
FIRST_FILES = ["direct-debits-2026-04-1.xml", "open-items-2026-04-1.csv"]


class Clock(datetime):
    """A clock that stands; `hour_now` sets it."""

    hour_now = 12

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime(2026, 5, 2, cls.hour_now, tzinfo=tz)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose postpaid accounts each have a call in April, seen on 2 May 2026, a Saturday."""
    for module in (pipelines.stages.collect, pipelines.stages.issue):
        monkeypatch.setattr(module, "datetime", Clock)
    monkeypatch.setattr(Clock, "hour_now", 12)
    home = make_home(tmp_path)
    home.settings(SETTINGS)
    home.reference("accounts", ACCOUNTS)
    home.add("numbers", "+33184000007,A6,FR,geographic,false,2026-02-01,")
    home.usage(
        "a.csv",
        [
            CALL | {"record_id": account, "from_number": number, "duration_seconds": "600"}
            for account, number in NUMBERS.items()
        ],
    )
    return home


def close(home: Home, *parked: str) -> None:
    """Runs and issues April but for the parked."""
    with Warehouse.open(home.installation) as warehouse:
        run_month(Session(home.installation, warehouse), APRIL)
    for account in parked:
        assert call("park", APRIL, account, "--reason", "doubt", "--by", "Ann", *home.arguments).status == 0
    issue(home)


def issue(home: Home) -> None:
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        issue_month(session, APRIL)
        publish(session, APRIL)


def collect(home: Home) -> dict[str, int | str]:
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        facts = collect_month(session, APRIL)
        publish(session, APRIL)
        return facts


def contents(home: Home) -> dict[str, bytes]:
    """The payment files."""
    return {path.name: path.read_bytes() for path in sorted((home.path / "documents" / APRIL).glob("*"))}


def debited(content: bytes) -> dict[str, tuple[str, str, str, str]]:
    """Of each debit, by its end-to-end id: amount, name, IBAN, day. The file follows its XSD."""
    root = etree.fromstring(content)
    with (files("sepaxml") / "schemas" / "pain.008.001.08.xsd").open("rb") as file:
        etree.XMLSchema(etree.parse(file)).assertValid(root)
    found = {}
    for payment in root.iter("{*}PmtInf"):
        for item in payment.iter("{*}DrctDbtTxInf"):
            found[item.findtext(".//{*}EndToEndId")] = (
                item.findtext("{*}InstdAmt"),
                item.findtext("{*}Dbtr/{*}Nm"),
                item.findtext(".//{*}IBAN"),
                payment.findtext("{*}ReqdColltnDt"),
            )
    return found


def listed(content: bytes) -> list[dict[str, str]]:
    """The rows of an open-items list."""
    return list(csv.DictReader(content.decode().splitlines()))


def number_of(home: Home, account: str) -> str:
    bills = read_published(home.path)["bills"]
    return str(bills.filter(account_id=account)["bill_number"].item())


def test_each_document_is_debited_or_listed(home: Home) -> None:
    close(home)
    assert collect(home) == {"direct_debits": 2, "open_items": 3}
    assert list(contents(home)) == FIRST_FILES
    xml, text = contents(home).values()
    owed = {row["account_id"]: row for row in read_published(home.path)["open_items"].to_dicts()}
    assert debited(xml) == {
        owed["A2"]["document"]: (f"{owed['A2']['amount']:.2f}", "Muller + Sohne", OTHER_IBAN, "2026-05-11"),
        owed["A5"]["document"]: (
            f"{owed['A5']['amount']:.2f}",
            "Fleuriste",
            "FR1420041010050500013M02606",
            "2026-05-11",
        ),
    }
    rows = listed(text)
    assert [(row["account_id"], row["payment_method"], row["reason"]) for row in rows] == [
        ("A3", "bank_transfer", ""),
        ("A4", "direct_debit", "its currency is USD, and direct debits are in EUR"),
        ("A6", "direct_debit", "it has no mandate_reference in accounts.csv"),
    ]
    assert rows[1]["name"] == "'=HYPERLINK(1)"
    assert rows[0] == {
        "document": owed["A3"]["document"],
        "kind": "bill",
        "account_id": "A3",
        "name": "Werkstatt",
        "issued_on": "2026-05-02",
        "due_on": "2026-05-11",
        "amount": f"{owed['A3']['amount']:.2f}",
        "open_amount": f"{owed['A3']['amount']:.2f}",
        "currency": "EUR",
        "payment_method": "bank_transfer",
        "reason": "",
    }


def test_again_is_the_same_and_debits_nothing_twice(home: Home) -> None:
    close(home)
    collect(home)
    once, fixed = contents(home), read_published(home.path)
    assert collect(home) == {"direct_debits": 0, "open_items": 0}
    assert contents(home) == once
    for path in (home.path / "documents" / APRIL).iterdir():
        path.unlink()
    Clock.hour_now = 20
    assert collect(home) == {"direct_debits": 0, "open_items": 0}
    assert contents(home) == once
    again = read_published(home.path)
    assert all(again[name].equals(fixed[name]) for name in ("collections", "documents"))


def test_the_table_of_documents_names_the_files(home: Home) -> None:
    close(home)
    collect(home)
    rows = read_published(home.path)["documents"].to_dicts()
    told = [(row["document"], row["kind"], row["account_id"], row["form"], row["path"]) for row in rows]
    assert told == [
        ("direct-debits-2026-04-1", "direct_debits", None, "xml", "2026-04/direct-debits-2026-04-1.xml"),
        ("open-items-2026-04-1", "open_items", None, "csv", "2026-04/open-items-2026-04-1.csv"),
    ]
    for row, content in zip(rows, contents(home).values(), strict=True):
        assert (row["bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert row["template_version"]


def test_what_is_published_masks_the_iban(home: Home) -> None:
    close(home)
    collect(home)
    rows = read_published(home.path)["collections"].to_dicts()
    assert [row["iban"] for row in rows if row["method"] == "direct_debit"] == ["DE89...3000", "FR14...2606"]
    assert {row["iban"] for row in rows if row["method"] == "bank_transfer"} == {None}


def test_a_bill_that_was_parked_has_a_file_of_its_own(home: Home) -> None:
    close(home, "A5")
    assert collect(home) == {"direct_debits": 1, "open_items": 3}
    first = contents(home)
    assert call("release", APRIL, "A5", "--reason", "sound", "--by", "Ann", *home.arguments).status == 0
    issue(home)
    assert collect(home) == {"direct_debits": 1, "open_items": 0}
    assert list(contents(home)) == [FIRST_FILES[0], "direct-debits-2026-04-2.xml", FIRST_FILES[1]]
    assert contents(home).items() >= first.items()
    assert set(debited(contents(home)["direct-debits-2026-04-2.xml"])) == {number_of(home, "A5")}


def test_only_what_is_open_is_debited(home: Home) -> None:
    close(home)
    owed = {row["account_id"]: row for row in read_published(home.path)["open_items"].to_dicts()}
    home.reference(
        "payments",
        "payment_id,account_id,bill_number,amount,currency,paid_at\n"
        f"P1,A2,{owed['A2']['document']},0.01,EUR,2026-05-02T10:00:00Z\n"
        f"P2,A5,{owed['A5']['document']},{owed['A5']['amount']:.2f},EUR,2026-05-02T10:00:00Z\n"
        f"P3,A3,{owed['A3']['document']},0.02,EUR,2026-05-02T10:00:00Z\n",
    )
    assert collect(home) == {"direct_debits": 1, "open_items": 3}
    xml, text = contents(home).values()
    left = owed["A2"]["amount"] - Decimal("0.01")
    assert {document: debit[0] for document, debit in debited(xml).items()} == {owed["A2"]["document"]: f"{left:.2f}"}
    row = listed(text)[0]
    assert Decimal(row["amount"]) - Decimal(row["open_amount"]) == Decimal("0.02")


def test_a_credit_note_lowers_the_debit(home: Home) -> None:
    close(home)
    before = {row["account_id"]: row["amount"] for row in read_published(home.path)["open_items"].to_dicts()}
    home.add("voice_outbound", "default_eur,France,0.005000,0,1,1,2026-04-01")
    assert call("correct", APRIL, "--new-tariff", "--issue", *home.arguments).status == 0
    items = read_published(home.path)["open_items"].to_dicts()
    open_now = {row["document"]: row["open_amount"] for row in items if row["account_id"] in ("A2", "A5")}
    collect(home)
    assert all(0 < amount < before["A2"] for amount in open_now.values())
    amounts = {document: debit[0] for document, debit in debited(contents(home)[FIRST_FILES[0]]).items()}
    assert amounts == {document: f"{amount:.2f}" for document, amount in open_now.items()}


def test_a_credit_of_all_leaves_nothing_to_debit(home: Home) -> None:
    close(home)
    home.add("voice_outbound", "default_eur,France,0.000000,0,1,1,2026-04-01")
    home.add("number_fees", "default_eur,FR,geographic,0.000000,none,2026-04-01")
    assert call("correct", APRIL, "--new-tariff", "--issue", *home.arguments).status == 0
    assert collect(home) == {"direct_debits": 0, "open_items": 1}
    assert list(contents(home)) == ["open-items-2026-04-1.csv"]


def test_a_debit_note_is_debited_by_itself(home: Home) -> None:
    close(home)
    collect(home)
    first = contents(home)
    home.add("voice_outbound", "default_eur,France,0.600000,0,1,1,2026-04-01")
    assert call("correct", APRIL, "--new-tariff", "--issue", *home.arguments).status == 0
    assert collect(home) == {"direct_debits": 2, "open_items": 2}
    assert contents(home).items() > first.items()
    assert set(debited(contents(home)["direct-debits-2026-04-2.xml"])) == {"DN-2026-000001", "DN-2026-000003"}
    assert {row["kind"] for row in listed(contents(home)["open-items-2026-04-2.csv"])} == {"debit_note"}


CHANGED = {
    "another way": ("direct_debit,EUR,,2026-01-01,,FR14 2", "bank_transfer,EUR,,2026-01-01,,FR14 2"),
    "wrong digits": ("FR14 2004 1010 0505 0001 3M02 606", "FR14 2004 1010 0505 0001 3M02 607"),
    "signed later": ("M-5,2026-01-05", "M-5,2026-05-03"),
}
REASONS = {
    "another way": "its account pays by bank_transfer now",
    "wrong digits": "the IBAN FR14...2607 has wrong check digits",
    "signed later": "the mandate was signed on 2026-05-03, after the day of issue, 2026-05-02",
}


@pytest.mark.parametrize("change", CHANGED)
def test_accounts_are_as_they_are_when_the_file_is_made(home: Home, change: str) -> None:
    close(home)
    home.edit("accounts", *CHANGED[change])
    assert collect(home) == {"direct_debits": 1, "open_items": 4}
    rows = {row["account_id"]: row["reason"] for row in listed(contents(home)[FIRST_FILES[1]])}
    assert rows["A5"] == REASONS[change]


def test_what_was_billed_for_transfer_is_not_debited(home: Home) -> None:
    close(home)
    mandate = f"{OTHER_IBAN},M-3,2026-01-05"
    home.edit("accounts", "bank_transfer,EUR,,2026-01-01,,,,", f"direct_debit,EUR,,2026-01-01,,{mandate}")
    collect(home)
    row = listed(contents(home)[FIRST_FILES[1]])[0]
    assert (row["account_id"], row["reason"]) == ("A3", "its bill says that it is paid by bank_transfer")


def test_without_a_creditor_nobody_is_debited(home: Home) -> None:
    home.settings(SETTINGS.replace("DE98ZZZ09999999999", ""))
    close(home)
    assert collect(home) == {"direct_debits": 0, "open_items": 5}
    rows = {row["account_id"]: row["reason"] for row in listed(contents(home)["open-items-2026-04-1.csv"])}
    assert rows["A2"] == "[seller] creditor_id in callbill.toml is missing"


def test_a_file_that_was_changed_is_told_and_left(home: Home) -> None:
    close(home)
    collect(home)
    place = home.path / "documents" / APRIL / FIRST_FILES[0]
    place.write_bytes(b"mine")
    with pytest.raises(BadInput, match=r"direct-debits-2026-04-1\.xml was changed since it was written"):
        collect(home)
    assert place.read_bytes() == b"mine"


def test_a_file_that_would_come_out_otherwise_is_not_written(home: Home) -> None:
    close(home)
    collect(home)
    place = home.path / "documents" / APRIL / FIRST_FILES[0]
    place.unlink()
    home.settings(SETTINGS.replace("Télécom", "Telekom"))
    with pytest.raises(BadInput, match="cannot be written as it was"):
        collect(home)
    assert not place.exists()


def test_an_old_warehouse_debits_nothing_again(home: Home) -> None:
    close(home)
    before = (home.path / "warehouse.duckdb").read_bytes()
    collect(home)
    files = contents(home)
    (home.path / "warehouse.duckdb").write_bytes(before)
    with pytest.raises(BadInput, match="is a payment file that the warehouse does not know"):
        collect(home)
    assert contents(home) == files
    with Warehouse.open(home.installation) as warehouse:
        assert warehouse.value("SELECT count(*) FROM collections") == 0


def test_a_month_that_is_not_issued_has_nothing_to_collect(home: Home) -> None:
    with Warehouse.open(home.installation) as warehouse:
        run_month(Session(home.installation, warehouse), APRIL)
    assert collect(home) == {"direct_debits": 0, "open_items": 0}
    assert contents(home) == {}


def test_dagster_makes_them_of_an_issued_month(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    close(home)
    monkeypatch.setenv("CALLBILL_HOME", str(home.path))
    monkeypatch.setenv("CALLBILL_PRICE_TABLES", str(home.price_tables))
    job = definitions(home.installation).resolve_job_def("make_documents")
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dagster_instance(home.installation) as instance:
        made = job.execute_in_process(
            partition_key=APRIL, instance=instance, asset_selection=[dg.AssetKey("collections")], run_config=quiet
        )
    assert made.success
    assert list(contents(home)) == FIRST_FILES
