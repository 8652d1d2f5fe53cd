"""That each checker really checks: every document here is broken, and refused for that."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines.documents.einvoice.validation import Form, Validator
from pipelines.documents.einvoice.xml import factur_x, ubl
from tests.documents import GERMAN_CONSUMER, LINES, credit_note, document

MAKERS = {"cii": factur_x, "ubl": ubl}


def broken(xml: bytes, old: str, new: str) -> bytes:
    assert old.encode() in xml
    return xml.replace(old.encode(), new.encode())


@pytest.mark.parametrize("form", ["cii", "ubl"])
def test_what_is_no_xml(form: str, validator: Validator) -> None:
    assert validator.problems(b"<a><b></a>", form, french=False)[0].startswith("XML: ")  # type: ignore[arg-type]


def test_the_xsd_refuses_an_unknown_element_and_a_missing_one(validator: Validator) -> None:
    xml = factur_x(document())
    assert any("Nom" in text for text in validator.problems(broken(xml, "ram:Name>", "ram:Nom>"), "cii", french=False))
    without = broken(ubl(document()), "<cbc:IssueDate>2026-11-02</cbc:IssueDate>", "")
    assert any("IssueDate" in text for text in validator.problems(without, "ubl", french=False))
    note = broken(ubl(credit_note()), "<cbc:ID>CN-2026-000003</cbc:ID>", "")
    assert any(text.startswith("XSD: ") for text in validator.problems(note, "ubl", french=False))


def test_invoice_and_credit_note_have_their_own_xsd(validator: Validator) -> None:
    xml = broken(ubl(document()), "InvoiceTypeCode", "CreditNoteTypeCode")
    assert validator.problems(xml, "ubl", french=False)[0].startswith("XSD: ")
    assert validator.problems(b"<x/>", "ubl", french=False)[0].startswith("XSD: ")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("<ram:GrandTotalAmount>106.51<", "<ram:GrandTotalAmount>106.52<", "BR-CO-15"),
        ("<ram:LineTotalAmount>36.86<", "<ram:LineTotalAmount>36.87<", "BR-CO-10"),
        ("<ram:DuePayableAmount>106.51<", "<ram:DuePayableAmount>0.00<", "BR-CO-16"),
        ("<ram:ID>2026-000123</ram:ID>", "<ram:ID/>", "BR-02"),
        # Codes, which the stylesheet looks up in its lists.
        ('unitCode="SEC"', 'unitCode="SEX"', "@unitCode"),
        ("<ram:InvoiceCurrencyCode>EUR<", "<ram:InvoiceCurrencyCode>EUX<", "InvoiceCurrencyCode"),
        ("<ram:CountryID>FR<", "<ram:CountryID>XK<", "CountryID"),
        ("<ram:SubjectCode>PMD<", "<ram:SubjectCode>QQQ<", "SubjectCode"),
        ("<ram:TypeCode>58<", "<ram:TypeCode>999<", "TypeCode"),
    ],
)
def test_the_rules_for_cii_refuse(old: str, new: str, rule: str, validator: Validator) -> None:
    found = validator.problems(broken(factur_x(document()), old, new), "cii", french=False)
    assert any(rule in text for text in found)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (
            '<cbc:TaxInclusiveAmount currencyID="EUR">106.51<',
            '<cbc:TaxInclusiveAmount currencyID="EUR">106.52<',
            "BR-CO-15",
        ),
        (
            '<cbc:LineExtensionAmount currencyID="EUR">36.86<',
            '<cbc:LineExtensionAmount currencyID="EUR">36.87<',
            "BR-CO-10",
        ),
        ("<cbc:ID>2026-000123</cbc:ID>", "<cbc:ID/>", "BR-02"),
        ('unitCode="SEC"', 'unitCode="SEX"', "BR-CL-23"),
        ("<cbc:IdentificationCode>FR<", "<cbc:IdentificationCode>XK<", "BR-CL-14"),
    ],
)
def test_the_rules_for_ubl_refuse(old: str, new: str, rule: str, validator: Validator) -> None:
    found = validator.problems(broken(ubl(document()), old, new), "ubl", french=False)
    assert any(text.startswith(rule) for text in found)


@pytest.mark.parametrize(
    ("form", "old", "new", "rule"),
    [
        ("cii", "<ram:SubjectCode>PMD<", "<ram:SubjectCode>AAI<", "BR-FR-05"),
        ("cii", "<ram:ID>S1</ram:ID>", "<ram:ID>X1</ram:ID>", "BR-FR-08"),
        ("cii", '<ram:ID schemeID="0002">987654324<', '<ram:ID schemeID="0002">98765432<', "BR-FR-10"),
        ("ubl", "#PMD#", "#AAI#", "BR-FR-05"),
        ("ubl", "<cbc:ProfileID>S1<", "<cbc:ProfileID>X1<", "BR-FR-08"),
        ("ubl", "<cbc:ID>2026-000123</cbc:ID>", "<cbc:ID>2026 000123</cbc:ID>", "BR-FR-02"),
    ],
)
def test_the_french_rules_refuse_what_others_do_not(
    form: str, old: str, new: str, rule: str, validator: Validator
) -> None:
    xml = broken(MAKERS[form](document()), old, new)
    assert any(text.startswith(rule) for text in validator.problems(xml, form, french=True))  # type: ignore[arg-type]
    assert validator.problems(xml, form, french=False) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["cii", "ubl"])
def test_one_of_a_shape_speaks_for_the_others(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    validator = Validator()
    monkeypatch.setattr(validator, "rule_problems", lambda *told: asked.append(told) or [])
    make = MAKERS[form]
    same = [document(number="2026-000001"), document(number="2026-000002", lines=(*LINES[:-1], LINES[-1], LINES[0]))]
    for made in (
        *same,
        document(buyer=GERMAN_CONSUMER),
        document(vat_amount_declared=Decimal("5.90"), currency="CHF"),
        document(LINES[:1]),
    ):
        assert validator.problems_by_shape(make(made), form, french=False) == []
    assert len(asked) == 4
    validator.problems_by_shape(make(same[0]), form, french=True)
    assert len(asked) == 5


def test_a_broken_shape_is_never_fine(validator: Validator) -> None:
    wrong = broken(factur_x(document()), 'unitCode="SEC"', 'unitCode="SEX"')
    assert validator.problems_by_shape(factur_x(document()), "cii", french=True) == []
    assert validator.problems_by_shape(wrong, "cii", french=True) != []
    assert validator.problems_by_shape(wrong, "cii", french=True) != []
    assert validator.problems_by_shape(b"<x/>", "cii", french=True)[0].startswith("XSD: ")
