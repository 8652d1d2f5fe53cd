"""Debits of accounts outside the EEA: they state the debtor's address, or are none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from lxml import etree

from pipelines.documents.debits import Address, Debit, direct_debits, require_same
from pipelines.documents.mandates import refusals
from pipelines.settings import Seller
from transforms.tables.base import conform
from transforms.tables.reference import Accounts

SELLER = Seller(name="Télécom", iban="FR7630006000011234567890189", creditor_id="DE98ZZZ09999999999")
AT, ISSUED_ON = datetime(2026, 5, 2, 12, 34, 56, tzinfo=UTC), date(2026, 5, 2)
SWISS, BRITISH, GERMAN = "CH5604835012345678009", "GB33BUKB20201555555555", "DE89370400440532013000"
OUTSIDE = {
    "AD": "AD1400080001001234567890",
    "CH": SWISS,
    "GB": BRITISH,
    "GI": "GI56XAPO000001234567890",
    "MC": "MC5810096180790123456789085",
    "SM": "SM76P0854009812123456789123",
    "VA": "VA59001123000012345678",
}
WITHIN = {"DE": GERMAN, "IS": "IS750001121234563108962099", "LI": "LI7408806123456789012", "NO": "NO8330001234567"}
ACCOUNT = {
    "account_id": "A1",
    "name": "Ann",
    "email": "",
    "country": "CH",
    "billing_mode": "postpaid",
    "payment_method": "direct_debit",
    "currency": "EUR",
    "opened_on": date(2026, 1, 1),
    "address": "Seestrasse 12",
    "postcode": "8002",
    "city": "Zürich",
    "iban": SWISS,
    "mandate_reference": "M-1",
    "mandate_signed_on": date(2026, 1, 5),
}
WANTED = "in accounts.csv, which a debit from or to an account outside the EEA must state"
HOME = Address("Seestrasse 12\n3. Stock", "8002", "Zürich", "CH", "kbzh ch zz 80a")
DEBIT = Debit("2026-000001", "A1", "Ann", SWISS, "M-1", date(2026, 1, 5), Decimal("12.34"), date(2026, 5, 11), HOME)


def told(**changes: Any) -> str | None:
    """Why the account cannot be debited."""
    found = refusals(conform(Accounts, pl.DataFrame([ACCOUNT | changes])), SELLER, ISSUED_ON)
    return None if found.is_empty() else str(found["reason"].item())


def written(*debits: Debit) -> dict[str, dict[str, str]]:
    """Of each debit BIC and parts of the address, by their names in the file; direct_debits holds it against the XSD."""
    root = etree.fromstring(direct_debits("M", debits, SELLER, scheme="CORE", created_at=AT))
    found = {}
    for item in root.iter("{*}DrctDbtTxInf"):
        parts = {etree.QName(part).localname: part.text for part in item.iterfind("{*}Dbtr/{*}PstlAdr/*")}
        bic = item.findtext("{*}DbtrAgt/{*}FinInstnId/{*}BICFI")
        found[item.findtext(".//{*}EndToEndId")] = parts | ({"BICFI": bic} if bic else {})
    return found


@pytest.mark.parametrize("iban", OUTSIDE.values(), ids=OUTSIDE)
def test_an_account_outside_needs_an_address(iban: str) -> None:
    for number in (iban, f"{iban[:4].lower()} {iban[4:]}"):
        assert told(iban=number) is None
        assert told(iban=number, address=None, city=None) == f"it has no address and no city {WANTED}"
        assert told(iban=number, address="...") == f"it has no address {WANTED}"
        assert told(iban=number, city=" ") == f"it has no city {WANTED}"
        assert told(iban=number, postcode=None) is None
        assert told(iban=number, country="001") == "its country in accounts.csv is 001, which no postal address has"
        assert told(iban=number, bic="KBZHCHZZ80") == "its bic in accounts.csv is no BIC"


@pytest.mark.parametrize("iban", WITHIN.values(), ids=WITHIN)
def test_an_account_within_needs_none(iban: str) -> None:
    assert told(iban=iban, address=None, postcode=None, city=None, bic="?") is None


def test_every_account_needs_one_where_the_seller_is_outside() -> None:
    within = conform(Accounts, pl.DataFrame([ACCOUNT | {"iban": GERMAN, "city": None}]))
    assert refusals(within, SELLER, ISSUED_ON).is_empty()
    found = refusals(within, replace(SELLER, iban=BRITISH), ISSUED_ON)
    assert found["reason"].to_list() == [f"it has no city {WANTED}"]


def test_what_is_missing_of_others_comes_first() -> None:
    assert told(address=None, mandate_reference=None) == "it has no mandate_reference in accounts.csv"
    assert told(address=None, payment_method="bank_transfer") is None


def test_the_file_states_address_and_bic() -> None:
    plain = replace(DEBIT, document="2026-000002", iban=GERMAN, debtor=None)
    bare = replace(DEBIT, document="2026-000003", iban=BRITISH, debtor=Address("1 High St", "", "Leeds", "GB", ""))
    assert written(DEBIT, plain, bare) == {
        "2026-000001": {
            "StrtNm": "Seestrasse 12, 3. Stock",
            "PstCd": "8002",
            "TwnNm": "Zurich",
            "Ctry": "CH",
            "BICFI": "KBZHCHZZ80A",
        },
        "2026-000002": {},
        "2026-000003": {"StrtNm": "1 High St", "TwnNm": "Leeds", "Ctry": "GB"},
    }


@pytest.mark.parametrize("text", ["x" * 500, "<b>&amp;", "=1+1", "a\r\nb\x00", "日本橋 2-1", "Łódź//"])
def test_whatever_an_address_is_made_of(text: str) -> None:
    parts = written(replace(DEBIT, debtor=Address(text, text, text, "GB", "")))["2026-000001"]
    assert parts["Ctry"] == "GB"
    assert [len(parts[name]) <= most for name, most in (("StrtNm", 70), ("PstCd", 16), ("TwnNm", 35))] == [True] * 3


def test_a_file_with_another_address_is_not_what_was_to_be_debited() -> None:
    content = direct_debits("M", [DEBIT], SELLER, scheme="CORE", created_at=AT)
    require_same(content, [DEBIT])
    for other in (None, replace(HOME, city="Basel"), replace(HOME, bic="")):
        with pytest.raises(AssertionError, match="does not hold the debits"):
            require_same(content, [replace(DEBIT, debtor=other)])
