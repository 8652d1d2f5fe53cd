"""The QR code of a transfer says what the European Payments Council wants in it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines.documents.payment_box import box, transfer_payload
from pipelines.documents.tables import Writer
from tests.documents import document

IBAN = "FR76 3000 6000 0112 3456 7890 189"


def test_the_payload_of_a_transfer() -> None:
    said = transfer_payload("Allô Mesure", IBAN, "AGRIFRPP", Decimal("106.50"), "2026-000123")
    expected = "BCD\n002\n1\nSCT\nAGRIFRPP\nAllô Mesure\nFR7630006000011234567890189\nEUR106.50\n\n\n2026-000123"
    assert said == expected.encode()


@pytest.mark.parametrize(
    ("name", "iban", "bic", "amount", "text"),
    [
        ("", IBAN, "", "1.00", "x"),
        ("A", "", "", "1.00", "x"),
        ("A", "F" * 35, "", "1.00", "x"),
        ("A", IBAN, "AGRI", "1.00", "x"),
        ("A", IBAN, "", "0.00", "x"),
        ("A", IBAN, "", "1000000000.00", "x"),
        ("A", IBAN, "", "1.00", ""),
        ("é" * 70, IBAN, "", "1.00", "é" * 140),
    ],
)
def test_what_no_code_may_hold_has_none(name: str, iban: str, bic: str, amount: str, text: str) -> None:
    assert transfer_payload(name, iban, bic, Decimal(amount), text) is None


def test_the_code_is_in_the_box_of_a_transfer() -> None:
    bill = document()
    found = box(bill, Writer.of(bill))
    assert found["qr"].startswith("<svg")
    assert "reference 2026-000123" in found["qr_alt"]
