"""Payment files of an issued month: each document debited once or listed, and the same bytes however often they are made."""

from __future__ import annotations

import csv
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

import pipelines.stages.collect
from pipelines.session import Session
from pipelines.stages.collect import collect_month
from pipelines.stages.issue import issue_month
from pipelines.stages.publish import publish
from pipelines.warehouse import Warehouse
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
    """A clock that stands."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime(2026, 5, 2, 12, tzinfo=tz)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose postpaid accounts each have a call in April, seen on 2 May 2026, a Saturday."""
    for module in (pipelines.stages.collect, pipelines.stages.issue):
        monkeypatch.setattr(module, "datetime", Clock)
    home = make_home(tmp_path)
    home.settings(SETTINGS)
    home.reference("accounts", ACCOUNTS)
    home.add("numbers", "+33184000007,A6,FR,geographic,false,2026-02-01,")
    home.usage(
        "a.csv",
        [CALL | {"record_id": account, "from_number": number} for account, number in NUMBERS.items()],
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
