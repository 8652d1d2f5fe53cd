"""Direct debits of accounts outside the EEA, from accounts.csv to the file, the bill and what `check` says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from lxml import etree

import pipelines.stages.collect
from pipelines.errors import BadInput
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_collect import APRIL, SETTINGS, collect, contents, issue
from tests.pipelines.test_issue import run
from tests.pipelines.traffic import CALL

ACCOUNTS = """\
account_id,name,email,country,vat_number,billing_mode,payment_method,currency,price_list,opened_on,address,postcode,city,iban,bic,mandate_reference,mandate_signed_on
S1,Uhrenhaus,s1@example.com,CH,,postpaid,direct_debit,EUR,,2026-01-01,"Seestrasse 12
3. Stock",8002,Zürich,CH5604835012345678009,KBZHCHZZ80A,M-1,2026-01-05
S2,Teahouse,s2@example.com,GB,,postpaid,direct_debit,EUR,,2026-01-01,,,,GB33BUKB20201555555555,,M-2,2026-01-05
S3,Bäckerei,s3@example.com,DE,,postpaid,direct_debit,EUR,,2026-01-01,,,,DE89370400440532013000,,M-3,2026-01-05
"""
WHY = "it has no address and no city in accounts.csv, which a debit from or to an account outside the EEA must state"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = make_home(tmp_path)
    home.settings(SETTINGS)
    home.reference("accounts", ACCOUNTS)
    numbers = {"S1": "+33184000001", "S2": "+33184000002", "S3": "+33184000003"}
    head = "number,account_id,country,number_class,call_tracking,assigned_at,released_at\n"
    held = (f"{number},{account},FR,geographic,false,2026-02-01,\n" for account, number in numbers.items())
    home.reference("numbers", head + "".join(held))
    (home.path / "reference" / "credits.csv").unlink()
    home.usage("a.csv", [CALL | {"record_id": name, "from_number": number} for name, number in numbers.items()])
    run(home, APRIL)
    issue(home)
    return home


def test_the_address_stands_in_the_file_or_the_account_is_not_debited(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = call("check", "--json", *home.arguments)
    (told,) = (warning for warning in said.result["warnings"] if "cannot be debited" in warning)
    assert f"S2: {WHY}" in told
    assert "S1" not in told
    with monkeypatch.context() as patched:
        patched.setattr(pipelines.stages.collect, "put", _killed)
        with pytest.raises(BadInput, match="killed"):
            collect(home)
    # What the file says was fixed before it was written, and does not change with accounts.csv.
    home.edit("accounts", "Zürich", "Bern")
    collect(home)
    xml, text = contents(home).values()
    debits = list(etree.fromstring(xml).iter("{*}DrctDbtTxInf"))
    address = [
        [(etree.QName(part).localname, part.text) for part in item.iterfind(".//{*}PstlAdr/*")] for item in debits
    ]
    street = [("StrtNm", "Seestrasse 12, 3. Stock"), ("PstCd", "8002"), ("TwnNm", "Zurich"), ("Ctry", "CH")]
    assert address == [street, []]
    assert [item.findtext("{*}DbtrAgt/{*}FinInstnId/{*}BICFI") for item in debits] == ["KBZHCHZZ80A", None]
    (listed,) = csv.DictReader(text.decode().splitlines())
    assert (listed["account_id"], listed["reason"]) == ("S2", WHY)


def _killed(_beside: Path, _place: Path) -> None:
    raise BadInput("killed")
