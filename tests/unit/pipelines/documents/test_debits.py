"""The direct debit file: what it says is what was to be debited, whatever names are made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from pipelines.documents.bank_text import sepa_text
from pipelines.documents.debits import Debit, debtor_name, direct_debits, require_same
from pipelines.settings import Seller

SELLER = Seller(name="Télécom & Fils", iban="FR76 3000 6000 0112 3456 7890 189", creditor_id="DE98ZZZ09999999999")
AT = datetime(2026, 5, 2, 12, 34, 56, tzinfo=UTC)
DEBIT = Debit(
    "2026-000001",
    "A1",
    "Ann",
    "DE89370400440532013000",
    "M-1",
    date(2026, 1, 5),
    Decimal("12.3400"),
    date(2026, 5, 11),
)
HOSTILE = (
    "<script>alert(1)</script>",
    "]]><Dbtr><Nm>x</Nm></Dbtr><![CDATA[",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>&b;",
    "&lt;&amp;&#0;",
    "=HYPERLINK(1)",
    "@SUM(A1)",
    "-1+2",
    "+1+2",
    "a;=1+1",
    'say "hi", then leave',
    "line\nbreak",
    "line\r\nbreak",
    "\ttab",
    "nul\x00nul",
    "bell\x07\x1b[31m",
    "\u202egnp.exe",
    "a\u2028b\u2029c",
    "\ufeffbom",
    "\ud7ff\ue000\ufffd",
    "日本電信電話",
    "Ко Ростелеком",
    "شركة",
    "חברה",
    "บริษัท",
    "😀😀",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "Łódź Ñandú ß Æ Ø Ð Þ",
    "Ｆｕｌｌ　ｗｉｄｔｈ",
    "e\u0301" * 40,
    "x" * 500,
    "é" * 500,
    "///",
    "/a//b/",
    " ",
    "",
    ".",
    "----",
    "''''",
    "%s%s%n{0}${x}#{x}",
    "../../etc/passwd",
    "C:\\windows\\system32",
    "'; DROP TABLE collections; --",
    "{{7*7}}",
    "{% raw %}",
    "`rm -rf /`",
    "$(reboot)",
    "| calc.exe",
    "\\u0000",
    "\\x41",
    "null",
    "None",
    "NaN",
    "0",
    "1e309",
    "ﬁ ligature",
    "№ 5 ™ © ® € £ ¥",
    "½ ² ³",
    "a_b@c#d*e=f",
    "[brackets] {braces}",
    "a" * 69 + "/" + "b",
)


def made(debits: list[Debit], seller: Seller = SELLER, scheme: str = "CORE") -> Any:
    return etree.fromstring(direct_debits("direct-debits-2026-04-1", debits, seller, scheme=scheme, created_at=AT))


def texts(root: Any, *names: str) -> list[str]:
    return [node.text for name in names for node in root.iter(f"{{*}}{name}")]


def test_what_stands_in_it() -> None:
    root = made([DEBIT])
    assert texts(root, "MsgId", "CreDtTm", "PmtInfId") == [
        "direct-debits-2026-04-1",
        "2026-05-02T12:34:56",
        "direct-debits-2026-04-1-1",
    ]
    assert texts(root, "EndToEndId", "InstdAmt", "MndtId", "DtOfSgntr", "Ustrd") == [
        *("2026-000001", "12.34", "M-1", "2026-01-05", "2026-000001 Telecom + Fils"),
    ]
    assert texts(root, "SeqTp", "ReqdColltnDt", "IBAN") == [
        *("RCUR", "2026-05-11", "FR7630006000011234567890189", "DE89370400440532013000"),
    ]
    assert texts(root, "NbOfTxs", "CtrlSum") == ["1", "1", "12.34", "12.34"]
    assert [node.get("Ccy") for node in root.iter("{*}InstdAmt")] == ["EUR"]


def test_settings_of_the_seller() -> None:
    root = made([DEBIT], replace(SELLER, bic="agrifrpp"), "B2B")
    assert texts(root, "BICFI") == ["AGRIFRPP"]
    assert [node.findtext("{*}Cd") for node in root.iter("{*}LclInstrm")] == ["B2B"]


def test_one_payment_a_day_of_collection() -> None:
    later = replace(DEBIT, document="2026-000002", due_on=date(2026, 5, 12), amount=Decimal("0.01"))
    again = replace(DEBIT, document="2026-000003", amount=Decimal("999999999.99"))
    root = made([again, later, DEBIT])
    payments = [(texts(p, "ReqdColltnDt"), texts(p, "EndToEndId"), texts(p, "CtrlSum")) for p in root.iter("{*}PmtInf")]
    assert payments == [
        (["2026-05-11"], ["2026-000001", "2026-000003"], ["1000000012.33"]),
        (["2026-05-12"], ["2026-000002"], ["0.01"]),
    ]
    assert texts(root, "NbOfTxs") == ["3", "2", "1"]
    assert texts(root, "CtrlSum")[0] == "1000000012.34"


def test_the_same_bytes_in_whatever_order() -> None:
    debits = [replace(DEBIT, document=f"2026-{n:06}", due_on=date(2026, 5, 11 + n % 3)) for n in range(20)]
    options: dict[str, Any] = {"scheme": "CORE", "created_at": AT}
    assert direct_debits("d", debits, SELLER, **options) == direct_debits("d", debits[::-1], SELLER, **options)


def test_ten_thousand() -> None:
    debits = [replace(DEBIT, document=f"2026-{n:06}", amount=Decimal(n) / 100) for n in range(1, 10_001)]
    root = made(debits)
    assert texts(root, "NbOfTxs", "CtrlSum") == ["10000", "10000", "500050.00", "500050.00"]
    assert len(set(texts(root, "EndToEndId"))) == 10_000


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "1000000000.00"])
def test_amounts_that_no_debit_has(amount: str) -> None:
    with pytest.raises(AssertionError, match="2026-000001 cannot be debited"):
        made([replace(DEBIT, amount=Decimal(amount))])


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_sellers_of_all_kinds(text: str) -> None:
    root = made([replace(DEBIT, name=text, account_id="A1")], replace(SELLER, name=f"S{text}"))
    (name,) = (node.findtext("{*}Nm") for node in root.iter("{*}Dbtr"))
    assert name == debtor_name(text, "A1")
    assert len(root.findall(".//{*}DrctDbtTxInf")) == 1
    for shown in texts(root, "Nm", "Ustrd"):
        assert shown.isascii()
        assert not set(shown) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")
        assert "//" not in shown
        assert shown == shown.strip("/ ")
        assert 1 <= len(shown) <= 140


def test_there_are_sixty() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Müller & Söhne", "Muller + Sohne"),
        ("Ко", "Ko"),
        ("a_b  c", "a-b c"),
        ("😀", ""),
        ("...", ""),
        ("/a//b/", "a/b"),
        ("abcdef", "abcd"),
        ("abc/ef", "abc"),
    ],
)
def test_letters_of_banks(text: str, latin: str) -> None:
    assert sepa_text(text, 4 if text.startswith("abc") else 70) == latin


def test_a_name_without_letters_is_the_account() -> None:
    assert (debtor_name("😀", "A1"), debtor_name("", "😀")) == ("A1", "NOTPROVIDED")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<InstdAmt Ccy="EUR">12.34<', b'<InstdAmt Ccy="EUR">12.35<'),
        (b"<EndToEndId>2026-000001<", b"<EndToEndId>2026-000002<"),
        (b"<ReqdColltnDt>2026-05-11<", b"<ReqdColltnDt>2026-05-12<"),
        (b"DE89370400440532013000", b"DE89370400440532013001"),
        (b"<CtrlSum>12.34<", b"<CtrlSum>12.35<"),
        (b"<NbOfTxs>1<", b"<NbOfTxs>2<"),
        (b"<SeqTp>RCUR<", b"<SeqTp>XXXX<"),
    ],
)
def test_a_file_that_says_something_else_is_seen(old: bytes, new: bytes) -> None:
    content = direct_debits("d", [DEBIT], SELLER, scheme="CORE", created_at=AT)
    require_same(content, [DEBIT])
    assert old in content
    with pytest.raises(AssertionError, match="the payment file"):
        require_same(content.replace(old, new, 1), [DEBIT])
