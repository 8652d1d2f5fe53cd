"""Bills, notes and receipts as PDF: what stands on them, their standards, and that they are always the same bytes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pikepdf
import pytest
from fontTools.ttLib import TTFont

from pipelines.documents import pdf
from pipelines.documents.characters import font_files
from pipelines.documents.model import Document, Party
from tests import documents
from tests.unit.pipelines.documents.reading import figures, made, opened, pages, roles, squeezed, text, typesetter

XML = b'<?xml version="1.0" encoding="UTF-8"?>\r\n<a b="&amp;">\xc3\xa9</a>'
KINDS = {
    "transfer": documents.document(),
    "debit": documents.document(language="fr", payment=documents.DEBIT),
    "prepaid": documents.prepaid(language="fr"),
    "credit note": documents.credit_note(),
    "receipt": documents.receipt(language="fr"),
    "annex": documents.document(annex=documents.records(70)),
    "changes": documents.itemised_note(70),
    "nothing": documents.document((), statement=None, seller=documents.seller(legal={})),
}


@pytest.mark.parametrize("document", KINDS.values(), ids=KINDS)
def test_a_document_is_archivable_and_accessible(document: Document) -> None:
    with opened(made(document)) as read:
        assert str(read.docinfo["/CreationDate"]) == f"D:{document.issued_on:%Y%m%d}000000Z"
        with read.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"].endswith(document.number)
        assert read.Root.Lang == document.language
        assert bool(read.Root.MarkInfo.Marked)
        assert "/StructTreeRoot" in read.Root
        assert not read.check_pdf_syntax()


def test_the_parts_of_a_page_have_their_roles() -> None:
    found = roles(made(documents.document()))
    assert found["/H1"] == 1
    assert found["/H2"] == 5
    assert found["/Table"] == 6
    assert found["/TH"] == 6 * 5
    assert found["/Figure"] >= 2


def test_the_einvoice_is_attached_as_it_is() -> None:
    with opened(made(documents.document(), XML)) as read:
        attached = read.attachments["factur-x.xml"]
        assert attached.get_file().read_bytes() == XML
        assert attached.get_file().mime_type == "text/xml"
        assert str(attached.relationship) == "/Alternative"
        assert attached.description == "Factur-X"
    with opened(made(documents.document())) as read:
        assert not read.attachments


def test_the_same_document_is_always_the_same_bytes() -> None:
    first = made(documents.document(), XML)
    made(documents.receipt(language="fr"))
    assert made(documents.document(), XML) == first
    assert pdf.Typesetter().pdf(documents.document(), XML) == first
    assert made(documents.document(number="2026-000124"), XML) != first


def test_another_process_makes_the_same_bytes() -> None:
    code = (
        "import hashlib\nfrom pipelines.documents.pdf import Typesetter, TEMPLATE_VERSION\n"
        "from tests import documents\n"
        "print(TEMPLATE_VERSION, hashlib.sha256(Typesetter().pdf(documents.document(language='fr'), b'<a/>')).hexdigest())\n"
    )
    root = Path(__file__).parents[4]
    asked = [sys.executable, "-c", code]
    told = {subprocess.run(asked, cwd=root, capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert len(told) == 1
    assert told.pop().startswith(pdf.TEMPLATE_VERSION)


def test_further_fonts_show_what_the_package_cannot_and_are_another_version(tmp_path: Path) -> None:
    cherokee = documents.receipt(buyer=replace(documents.FRENCH_BUSINESS, name="ᏣᎳᎩ"))
    assert "Billed to \ufffd\ufffd\ufffd 8 place" in text(cherokee)
    with TTFont(pdf.FONTS / "NotoSansHebrew-Regular.ttf") as font:
        for table in font["cmap"].tables:
            table.cmap = {
                ord(character): name for character, name in zip("ᏣᎳᎩ", font.getGlyphOrder()[5:8], strict=True)
            }
        for record in font["name"].names:
            record.string = "Further"
        font.save(tmp_path / "Further.ttf")
    more = pdf.Typesetter(tmp_path)
    assert more.version != pdf.TEMPLATE_VERSION == typesetter().version
    assert "Billed to ᏣᎳᎩ 8 place" in " ".join(pages(more.pdf(cherokee, None)))


def test_fonts_lie_in_the_package_with_their_licence() -> None:
    assert len(font_files(pdf.FONTS)) == 11
    assert sum(path.stat().st_size for path in pdf.FONTS.iterdir()) < 3_000_000
    for name in ("Inter", "Noto"):
        assert "SIL OPEN FONT LICENSE" in (pdf.FONTS / f"OFL-{name}.txt").read_text(encoding="utf-8")


def test_a_bill_says_who_when_and_what() -> None:
    said = text(documents.document())
    for expected in (
        "Allô Mesure 24 rue du Faubourg Saint-Antoine 75012 Paris France",
        "Boulangerie Pérès & Fils 8 place de la République Bâtiment B 69002 Lyon France",
        "Registration number: 912 345 675 00017 VAT number: FR65912345675",
        "Number 2026-000123 Issue date 2 November 2026 Period October 2026 Customer account A0042",
        "Outgoing calls Calls Duration Per minute Amount (EUR) France mobile 1,243 51:12:00 0.0120 36.86",
        "France 88 2:42:05 0.0085 1.38",
        "Spain (usage of September 2026) 7 12:05 0.0940 1.14 Subtotal 45.26",
        "Incoming calls Calls Duration Per minute Amount (EUR) France 1,876 67:21:51 0.005 20.21",
        "Messages sent Messages Segments Per segment Amount (EUR) France mobile 388 412 0.048 19.78",
        "Messages received Messages Per message Amount (EUR) France 57 0.0025 0.14",
        "Phone numbers Free days Charged days Per month Amount (EUR) +33180140001 France 0 31 1.90 1.90",
        "+33180140002 France 7 24 1.90 1.47 Subtotal 3.37",
        "Total without VAT €88.76 VAT 20% €17.75 Total with VAT €106.51 Total owed €106.51 VAT of the seller's country.",
        "Previous balance 94.20 16 Oct 2026 Payment PAY-20261016-77 −94.20 0.00 2 Nov 2026 This bill 2026-000123 106.51",
        "New balance 106.51",
        "Why a forwarded call shows twice",
        "All 2,831 records of this document are itemised in its CSV file.",
        "Payable within 30 days of the date of the bill.",
        "Paris trade register 987 654 324.",
    ):
        assert expected in said, expected


def test_the_box_of_a_transfer() -> None:
    said = text(documents.document())
    assert "Total owed €106.51 Please transfer €106.51 by 2 December 2026. Payee Allô Mesure" in said
    assert "IBAN FR76 3000 6000 0112 3456 7890 189 BIC AGRIFRPP Reference 2026-000123 Due date 2 December 2026" in said
    assert any("€106.51 to Allô Mesure, IBAN FR76 3000" in alt for alt in figures(made(documents.document())))


@pytest.mark.parametrize(
    "document",
    [
        documents.examples()["american"],
        documents.document(seller=documents.seller(iban="")),
        documents.document(total_owed=Decimal("0.00"), paid_amount=Decimal("106.51")),
        documents.document(payment=documents.DEBIT),
        documents.prepaid(),
        documents.credit_note(),
    ],
    ids=["USD", "no IBAN", "nothing owed", "debit", "prepaid", "credit note"],
)
def test_there_is_a_code_to_pay_only_where_it_can_be_paid(document: Document) -> None:
    assert not any("QR" in alt for alt in figures(made(document)))


def test_the_box_of_a_debit_masks_the_account() -> None:
    said = text(documents.document(language="fr", payment=documents.DEBIT))
    assert "106,51 € seront prélevés le 16 novembre 2026." in said
    assert "Compte débité FR14 … 0606 Mandat MANDAT-2026-0042 Identifiant créancier FR72ZZZ123456" in said
    open_account = replace(documents.DEBIT, debtor_iban="FR1420041010050500013M02606")
    assert "0041010050" not in text(documents.document(language="fr", payment=open_account))


def test_the_box_of_a_prepaid_bill_owes_nothing() -> None:
    said = text(documents.prepaid())
    assert "Total owed €0.00 Paid from your balance: €88.76. Closing balance €32.64" in said
    assert "Opening balance 21.40 4 Oct 2026 Top-up R-2026-000311 50.00 71.40" in said
    assert "31 Oct 2026 This bill 2026-000123 −88.76 32.64 Closing balance 32.64" in said
    assert "Paid from your balance −€88.76 Total owed €0.00 Paid from prepaid credit." in said


def test_the_box_where_nothing_is_owed() -> None:
    nothing = documents.document(())
    assert "Total owed €0.00 Nothing is owed." in text(nothing)
    assert "Total owed −€3.00 This amount is in your favour." in text(documents.document(total_owed=Decimal("-3.00")))


def test_a_credit_note_names_its_bill_and_what_is_credited() -> None:
    said = text(documents.credit_note())
    assert "Corrects Bill 2026-000123 of 2 November 2026 Reason A wrong price of calls to France mobile." in said
    assert "Credited €7.37 This amount is deducted from what you owe." in said
    assert "Total without VAT −€6.14 VAT 20% −€1.23 Total with VAT −€7.37 Credited €7.37" in said
    assert "France mobile −1,243 −51:12:00 0.012 −36.86 France mobile 1,243 51:12:00 0.010 30.72" in said
    assert "Late payment" not in said


def test_a_debit_note_is_paid_like_a_bill() -> None:
    told = {"kind": "debit_note", "number": "DN-1", "corrects": "2026-000007", "reason": "Oubli."}
    note = documents.document(language="fr", payment=documents.DEBIT, **told)
    said = text(note)
    assert "Note de débit" in said
    assert "Rectifie Facture 2026-000007 Motif Oubli." in said
    assert "106,51 € seront prélevés le 16 novembre 2026." in said


def test_a_receipt_takes_one_page() -> None:
    read = pages(made(documents.receipt()))
    assert len(read) == 1
    for expected in (
        "Receipt From Allô Mesure",
        "Number R-2026-000358 Date 19 October 2026 Customer account A0042",
        "Thank you for your payment. Total paid €60.00 €50.00 of credit was added to your account.",
        "Your balance now €121.40 Payment reference C26100042",
        "Credit added €50.00 VAT 20% €10.00 Total paid €60.00 VAT of the seller's country.",
    ):
        assert expected in read[0], expected


def test_a_small_bill_takes_one_page() -> None:
    assert len(pages(made(documents.prepaid(lines=documents.LINES[:3])))) == 1


def test_a_long_bill_repeats_its_heads_and_counts_its_pages() -> None:
    read = pages(made(documents.document(documents.many_lines(200), statement=None)))
    assert len(read) >= 4
    assert all(said.endswith(f"Bill 2026-000123 Page {at} of {len(read)}") for at, said in enumerate(read, 1))
    assert all("Amount (EUR)" in said for said in read)
    assert all(f"Destination {at} " in " ".join(read) for at in range(1, 201))


def test_the_annex_itemises_every_record() -> None:
    said = text(documents.document(annex=documents.records(120), records=120))
    assert "Itemised records" in said
    assert "CSV" not in said
    assert "1 Oct 2026 08:47:05 Call out +33180140001 +33612340001 France mobile 1:08 0.0123" in said
    assert all(f"+3361234{at:04}" in said for at in range(120))


def test_vat_declared_in_another_currency() -> None:
    document = replace(
        documents.examples()["american"], exchange_rate=Decimal("1.082300"), vat_amount_declared=Decimal("16.40")
    )
    assert "VAT in EUR: €16.40 (1 EUR = 1.0823 USD)." in text(document)


@pytest.mark.parametrize("rule", ["domestic", "reverse_charge", "eu_consumer", "outside_eu", "charged_at_top_up"])
def test_every_vat_rule_is_said(rule: str) -> None:
    words = documents.seller(legal={rule: f"The rule of {rule}."})
    assert f"The rule of {rule}." in text(documents.document(vat_rule=rule, seller=words))


def test_currencies_of_no_and_of_three_decimals() -> None:
    yen = documents.document(currency="JPY", digits=0, total_owed=Decimal(12_345), lines=(), statement=None)
    assert "Total owed JP¥12,345" in text(yen)
    dinar = documents.document(currency="TND", digits=3, total_owed=Decimal("1.234"), lines=(), statement=None)
    assert "Total owed TND 1.234" in text(dinar).replace("\u00a0", " ")


def test_the_chart_has_words() -> None:
    alts = figures(made(documents.document()))
    assert (
        "Bar chart of what was spent on each day from 1 October 2026 to 31 October 2026. Most on 12 October 2026: €4.50."
        in alts
    )


def test_amounts_of_any_size_are_exact_and_whole() -> None:
    huge = Decimal("123456789012345678901234567890.12")
    document = replace(
        documents.document(),
        total_owed=huge,
        gross_amount=huge,
        net_amount=huge,
        lines=(documents.voice(1, 10**15, "123456789012.123456", str(huge)),),
    )
    said = text(document)
    assert squeezed(said).count("123,456,789,012,345,678,901,234,567,890.12") == 7
    assert "123,456,789,012.123456" in squeezed(said)


def test_what_is_unknown_leaves_no_trace() -> None:
    empty = Party(name="", country="")
    document = documents.document(
        number="",
        account_id="",
        buyer=empty,
        seller=documents.seller(party=empty, legal={}, iban="", bic="", creditor_id=""),
        period=(date(2026, 10, 5), date(2026, 10, 31)),
    )
    said = text(document)
    assert "5 Oct 2026 – 31 Oct 2026" in said
    assert "VAT number" not in said
    assert "None" not in said


def test_french_readers_find_countries_and_colons_as_they_write_them() -> None:
    said = text(documents.document(language="fr"))
    assert "N° de TVA : FR65912345675" in said
    assert "Allemagne mobile 31 1:02:34 0,0940 5,88" in said
    assert "Espagne (consommation de septembre 2026) 7 12:05" in said
    lines = (documents.voice(1, 60, "1", "1.00", country="DE", destination="Germany special services"),)
    assert "Allemagne · Germany special services 1 1:00" in text(documents.document(language="fr", lines=lines))


def test_only_fonts_of_the_package_are_used() -> None:
    assert {name.split()[0] for name in typesetter().families} == {"Inter", "Noto"}
    assert len(typesetter().families) == 10
    with opened(made(documents.document())) as read:
        names = {
            str(item.BaseFont) for item in read.objects if isinstance(item, pikepdf.Dictionary) and "/BaseFont" in item
        }
    assert {name.partition("+")[2].partition("-")[0] for name in names} == {"Inter"}
