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
        number="2026-000123",
        currency="EUR",
        sum_of_lines=Decimal("88.76"),
        net=Decimal("88.76"),
        vat=Decimal("17.75"),
        gross=Decimal("106.51"),
        paid=Decimal("0.00"),
        due=Decimal("106.51"),
        lines=tuple(map(Decimal, ("36.86", "1.38", "5.88", "1.14", "20.21", "19.78", "0.14", "1.90", "1.47"))),
    )


@FORMS
def test_what_a_credit_note_gives_back_is_positive(make: Callable[[Document], bytes]) -> None:
    found = read_back(make(credit_note()))
    assert (found.gross, found.due, found.lines) == (
        Decimal("7.37"),
        Decimal("7.37"),
        (Decimal("36.86"), Decimal("-30.72")),
    )


@FORMS
def test_vat_in_the_seller_s_currency(make: Callable[[Document], bytes]) -> None:
    found = read_back(make(examples()["dollars_in_france"]))
    assert (found.currency, found.vat, found.vat_declared) == ("USD", Decimal("17.75"), Decimal("16.37"))


@FORMS
def test_a_cent_more_is_seen(make: Callable[[Document], bytes]) -> None:
    for cents in (b"36.86", b"88.76", b"17.75", b"106.51"):
        more = f"{Decimal(cents.decode()) + Decimal('0.01')}".encode()
        changed = make(document()).replace(b">" + cents + b"<", b">" + more + b"<")
        assert read_back(changed) != expected(document())


@FORMS
def test_what_is_not_there_is_named(make: Callable[[Document], bytes]) -> None:
    gone = make(document()).replace(b"PayableAmount", b"Payable")
    with pytest.raises(ValueError, match=r"the e-invoice has no .*PayableAmount"):
        read_back(gone)
