"""Figures read back from e-invoices, by the figures that stand in the text."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from pipelines.documents.einvoice.reading import Totals, expected, read_back
from pipelines.documents.einvoice.xml import factur_x, ubl
from pipelines.documents.model import Document
from tests.documents import credit_note, document, examples

FORMS = pytest.mark.parametrize("make", [factur_x, ubl])


@FORMS
def test_a_bill(make: Callable[[Document], bytes]) -> None:
    assert read_back(make(document())) == Totals(
        number="2026-000042",
        currency="EUR",
        sum_of_lines=Decimal("30.93"),
        net=Decimal("30.93"),
        vat=Decimal("6.19"),
        gross=Decimal("37.12"),
        paid=Decimal("0.00"),
        due=Decimal("37.12"),
        lines=tuple(map(Decimal, ("16.44", "1.52", "1.44", "0.50", "8.71", "2.00", "0.32"))),
    )


@FORMS
def test_what_a_credit_note_gives_back_is_positive(make: Callable[[Document], bytes]) -> None:
    found = read_back(make(credit_note()))
    assert (found.gross, found.due, found.lines) == (
        Decimal("4.93"),
        Decimal("4.93"),
        (Decimal("16.44"), Decimal("-12.33")),
    )


@FORMS
def test_vat_in_the_seller_s_currency(make: Callable[[Document], bytes]) -> None:
    found = read_back(make(examples()["dollars_in_france"]))
    assert (found.currency, found.vat, found.vat_declared) == ("USD", Decimal("6.19"), Decimal("5.71"))


@FORMS
def test_a_cent_more_is_seen(make: Callable[[Document], bytes]) -> None:
    for cents in (b"16.44", b"30.93", b"6.19", b"37.12"):
        more = f"{Decimal(cents.decode()) + Decimal('0.01')}".encode()
        changed = make(document()).replace(b">" + cents + b"<", b">" + more + b"<")
        assert read_back(changed) != expected(document())


@FORMS
def test_what_is_not_there_is_named(make: Callable[[Document], bytes]) -> None:
    gone = make(document()).replace(b"PayableAmount", b"Payable")
    with pytest.raises(ValueError, match=r"the e-invoice has no .*PayableAmount"):
        read_back(gone)
