"""What is seen of a number or an address that is masked."""

from __future__ import annotations

import polars as pl
import pytest

from transforms.privacy import masked_address, masked_iban, masked_number


@pytest.mark.parametrize(
    ("number", "found"),
    [("+33639980017", "+3363…"), ("112", "112…"), ("", "…"), (None, None)],
)
def test_of_a_telephone_number_its_first_five_characters(number: str | None, found: str | None) -> None:
    assert pl.select(masked_number(pl.lit(number, pl.String))).item() == found


@pytest.mark.parametrize(
    ("iban", "found"),
    [("FR1420041010050500013M02606", "FR14...2606"), ("NO9386011117947", "NO93...7947"), ("NO938601111794", "...")],
)
def test_of_an_iban_its_ends_where_they_hide_the_rest(iban: str, found: str) -> None:
    assert masked_iban(iban) == found


@pytest.mark.parametrize(
    ("address", "found"),
    [("jane@example.com", "j***@example.com"), ("", ""), ("nobody", "n***"), ("a@b@c", "a***@c"), ("@x", "***@x")],
)
def test_of_an_address_its_first_character_and_its_domain(address: str, found: str) -> None:
    assert masked_address(address) == found
