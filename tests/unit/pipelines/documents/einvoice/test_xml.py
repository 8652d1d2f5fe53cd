"""Both forms of every example: valid, the same on every making, and right to the cent when read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pipelines.documents.einvoice.parties import french_domestic
from pipelines.documents.einvoice.reading import expected, read_back
from pipelines.documents.einvoice.validation import Form, Validator
from pipelines.documents.einvoice.words import printable
from pipelines.documents.einvoice.xml import factur_x, ubl
from pipelines.documents.model import Document, Line
from tests.documents import (
    AMERICAN,
    DEBIT,
    FRENCH_BUSINESS,
    FRENCH_CONSUMER,
    GERMAN_BUSINESS,
    GERMAN_CONSUMER,
    KOSOVAR,
    credit_note,
    document,
    examples,
    fee,
    prepaid,
    sms,
    voice,
)
from tests.hostile import hostile_strings

MAKERS: dict[Form, Callable[[Document], bytes]] = {"cii": factur_x, "ubl": ubl}


def hold(validator: Validator, made: Document) -> None:
    for form, make in MAKERS.items():
        xml = make(made)
        assert validator.problems(xml, form, french_domestic(made)) == []
        assert read_back(xml) == expected(made)


@pytest.mark.parametrize("name", list(examples()))
def test_every_example_is_valid_and_reads_back(name: str, validator: Validator) -> None:
    hold(validator, examples()[name])


@pytest.mark.parametrize("form", ["cii", "ubl"])
def test_the_bytes_are_the_same_every_time(form: Form) -> None:
    for name, made in examples().items():
        assert MAKERS[form](made) == MAKERS[form](examples()[name])


def test_the_mandate_stands_in_both_forms() -> None:
    bill = document(payment=replace(DEBIT, mandate_reference="A&B<1>"))
    assert b"<ram:DirectDebitMandateID>A&amp;B&lt;1&gt;<" in factur_x(bill)
    found = etree.fromstring(ubl(bill)).find(".//{*}PaymentMandate/{*}ID")
    assert found is not None
    assert found.text == "A&B<1>"


def test_a_credit_note_is_a_ubl_credit_note() -> None:
    assert etree.QName(etree.fromstring(ubl(credit_note()))).localname == "CreditNote"


def hostile_bill(texts: list[str]) -> tuple[Document, list[str]]:
    """A bill with `texts`, each in a place of its own, and what must be found in its XML."""
    name, city, postcode, street, registration, destination, number, mandate, corrects, reason = texts
    buyer = replace(GERMAN_CONSUMER, name=name, city=city, postcode=postcode, address=street, registration=registration)
    lines = (voice(1, 600, "0.040000", "0.40", destination=destination),)
    made = document(
        lines,
        "0.1900",
        buyer=buyer,
        vat_rule="eu_consumer",
        number=number if printable(number) else "1",
        payment=replace(DEBIT, mandate_reference=mandate),
        corrects=corrects,
        reason=reason,
    )
    whole = [printable(text) for text in (name, city, postcode, registration, number, mandate, corrects)]
    return made, [text for text in whole if text]


def said(xml: bytes) -> list[str]:
    return [element.text or "" for element in etree.fromstring(xml).iter(etree.Element)]


@pytest.mark.parametrize("form", ["cii", "ubl"])
def test_hostile_strings_stay_text(form: Form, validator: Validator) -> None:
    for text in hostile_strings():
        made, whole = hostile_bill([text] * 10)
        xml = MAKERS[form](made)
        assert validator.schema_problems(xml, form) == []
        texts = said(xml)
        assert set(whole) <= set(texts)
        assert ({f"Outgoing calls: {printable(text)}", "Outgoing calls: France"} & set(texts)) != set()
        note = printable(text) if form == "cii" else f"#AAI#{printable(text)}"
        assert note in texts or not printable(text)
        assert read_back(xml) == expected(replace(made, number=printable(made.number)))


@pytest.mark.parametrize("form", ["cii", "ubl"])
def test_hostile_strings_break_no_rule(form: Form, validator: Validator) -> None:
    texts = hostile_strings()
    for start in range(0, len(texts), 10):
        made, _ = hostile_bill(texts[start : start + 10])
        assert validator.rule_problems(MAKERS[form](made), form, french=False) == []


cents = st.integers(-1_000_000, 1_000_000).map(lambda value: Decimal(value) / 100)
prices = st.integers(0, 10**7).map(lambda value: Decimal(value) / 10**6)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """A line of any kind, whose amount is what its price gives, or any other."""
    price, quantity = draw(prices), draw(st.integers(-100_000, 100_000))
    kind = draw(st.sampled_from([voice, sms, fee]))
    if kind is fee:
        line = fee(1, "+33144556677", str(price), str(draw(cents)))
    else:
        line = kind(1, quantity, str(price), str(draw(cents)))
    if draw(st.booleans()):
        base = 60 if line.unit == "seconds" else 1
        line = replace(line, amount=round(line.quantity * line.unit_price / base, 2))
    return replace(line, usage_month=draw(st.sampled_from(["2026-10", "2026-09"])))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document of any kind and VAT rule, in EUR or USD."""
    found = [replace(line, number=n) for n, line in enumerate(draw(st.lists(lines(), max_size=8)), 1)]
    buyer, rule, rate = draw(
        st.sampled_from(
            [
                (FRENCH_BUSINESS, "domestic", "0.2000"),
                (FRENCH_BUSINESS, "domestic", "0.0550"),
                (FRENCH_CONSUMER, "domestic", "0.2000"),
                (GERMAN_BUSINESS, "reverse_charge", "0.0000"),
                (GERMAN_CONSUMER, "eu_consumer", "0.1900"),
                (AMERICAN, "outside_eu", "0.0000"),
                (KOSOVAR, "charged_at_top_up", "0.0000"),
                (FRENCH_BUSINESS, "charged_at_top_up", "0.0000"),
            ]
        )
    )
    told = {"buyer": buyer, "vat_rule": rule, "language": draw(st.sampled_from(["en", "fr"]))}
    if draw(st.booleans()):
        declared = draw(cents) if Decimal(rate) else None
        told |= {"currency": "USD", "exchange_rate": Decimal("1.0842"), "vat_amount_declared": declared}
    if rule == "charged_at_top_up":
        return prepaid(lines=tuple(found), **told)
    if draw(st.booleans()):
        return replace(credit_note(rate=rate, **told), **_sums(document(tuple(found), rate, **told)))
    return document(tuple(found), rate, **told)


def _sums(made: Document) -> dict[str, object]:
    names = ("lines", "net_amount", "vat_amount", "gross_amount", "paid_amount", "total_owed")
    return {name: getattr(made, name) for name in names}


@settings(max_examples=30, deadline=None)
@given(made=documents())
def test_any_document_is_valid_and_reads_back(made: Document, validator: Validator) -> None:
    hold(validator, made)
