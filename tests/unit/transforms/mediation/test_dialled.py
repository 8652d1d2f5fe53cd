"""Numbers as switches write them, whatever digits they are of."""

from __future__ import annotations

import pytest

from transforms.mediation.telephone import as_e164


@pytest.mark.parametrize(
    ("spelled", "country", "number"),
    [
        ("06 39 98 00 18", "FR", "+33639980018"),
        ("0033639980018", "FR", "+33639980018"),
        ("34688886392", "FR", "+34688886392"),
        # Digits that begin like a country's code and are too short for any number of that country.
        ("211474", "RU", "+7211474"),
        ("anonymous", "FR", None),
    ],
)
def test_a_number(spelled: str, country: str, number: str | None) -> None:
    assert as_e164(spelled, country) == number
