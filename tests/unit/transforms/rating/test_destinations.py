"""The longest prefix wins, however deep the prefixes nest."""

from __future__ import annotations

import random

import polars as pl
import pytest

from tests.unit.frames import destinations
from transforms.rating.destinations import DestinationIndex

PREFIXES = {
    "1": "North America",
    "1242": "Bahamas",
    "33": "France",
    "336": "France mobile",
    "33612": "France mobile X",
    "336125": "France mobile Y",
    "339": "France special",
    "44": "United Kingdom",
    "4479": "United Kingdom mobile",
    "999999999999999": "The last number",
}
INDEX = DestinationIndex.build(destinations(PREFIXES))


def find(*numbers: str | None, index: DestinationIndex = INDEX) -> list[str | None]:
    return index.find(pl.Series(numbers, dtype=pl.String))["destination"].to_list()


@pytest.mark.parametrize(
    ("number", "destination"),
    [
        ("+33145000001", "France"),
        ("+33645000001", "France mobile"),
        ("+33612345678", "France mobile X"),
        ("+33612545678", "France mobile Y"),
        ("+33613000000", "France mobile"),
        ("+33611999999999", "France mobile"),
        ("+33700000000", "France"),
        ("+33999999999999", "France special"),
        ("+12425550101", "Bahamas"),
        ("+12435550101", "North America"),
        ("+447911123456", "United Kingdom mobile"),
        ("+442079460123", "United Kingdom"),
        ("+999999999999999", "The last number"),
        ("+999999999999998", None),
        ("+34911123456", None),
        ("+32000", None),
        ("+7", None),
        ("+55", None),
        (None, None),
    ],
)
def test_the_longest_prefix_wins(number: str | None, destination: str | None) -> None:
    assert find(number) == [destination]


@pytest.mark.parametrize(
    ("number", "destination"),
    [
        ("+33", "France"),
        ("+336", "France mobile"),
        ("+3361", "France mobile"),
        ("+33612", "France mobile X"),
        ("+124", "North America"),
        ("+12", "North America"),
        ("+447", "United Kingdom"),
        ("+99999999999999", None),
        ("+4", None),
    ],
)
def test_a_number_that_ends_before_a_prefix_is_not_under_it(number: str, destination: str | None) -> None:
    assert find(number) == [destination]
    assert find("+33145000001", number, "+33612345678") == ["France", destination, "France mobile X"]


def test_a_prefix_of_zeros_does_not_take_a_shorter_number() -> None:
    index = DestinationIndex.build(destinations({"33": "France", "33000": "France zeros"}))
    assert find("+33", "+330", "+3300", "+33000", "+330001", index=index) == ["France"] * 3 + ["France zeros"] * 2


def test_prefixes_may_end_where_others_begin() -> None:
    index = DestinationIndex.build(
        destinations({"331": "a", "332": "b", "33": "c", "3319": "d", "3320": "e", "34": "f"})
    )
    assert find("+3319", "+3320", "+3318", "+3321", "+3330", "+34", index=index) == [
        "d",
        "e",
        "a",
        "b",
        "c",
        "f",
    ]


def test_without_prefixes_nothing_is_found() -> None:
    index = DestinationIndex.build(destinations({}))
    found = index.find(pl.Series(["+33145000001", None]))
    assert found.rows() == [(None, None, None)] * 2


def test_nothing_is_looked_up_for_nothing() -> None:
    assert INDEX.find(pl.Series([], dtype=pl.String)).is_empty()


def test_a_destination_brings_its_country_and_one_id_for_all_its_prefixes() -> None:
    index = DestinationIndex.build(destinations({"1": "United States", "1907": "United States", "33": "France"}))
    found = index.find(pl.Series(["+12025550142", "+19075550142", "+33145000001"]))
    assert found["country"].to_list() == ["US", "US", "FR"]
    first, second, third = found["destination_id"]
    assert first == second != third


def test_it_agrees_with_trying_every_prefix() -> None:
    chance = random.Random(20261001)
    prefixes = {str(chance.randint(1, 10 ** chance.randint(1, 5))): str(n) for n in range(300)}
    index = DestinationIndex.build(destinations(prefixes))
    numbers = [str(chance.randint(1, 10 ** chance.randint(2, 8))) for _ in range(2000)]
    tried = [next((prefixes[n[:size]] for size in range(len(n), 0, -1) if n[:size] in prefixes), None) for n in numbers]
    assert find(*(f"+{number}" for number in numbers), index=index) == tried


def shadowed(*prefixes: str) -> list[str]:
    return DestinationIndex.build(destinations(dict.fromkeys(prefixes, "France"))).shadowed()["prefix"].to_list()


def ten(prefix: str) -> list[str]:
    return [f"{prefix}{digit}" for digit in range(10)]


def test_a_prefix_is_shadowed_when_all_ten_digits_behind_it_are_covered() -> None:
    assert shadowed("33", *ten("33")) == ["33"]
    assert shadowed("33", *ten("33")[:9]) == []
    assert shadowed("33", *ten("33")[1:]) == []
    assert shadowed("33") == []
    assert shadowed() == []


def test_shadows_reach_over_several_digits() -> None:
    assert shadowed("33", *ten("33")[:9], *ten("339")) == ["33"]
    assert shadowed("3", "33", *ten("3"), *ten("33"), *ten("335")) == ["3", "33", "335"]
    assert shadowed("33", *ten("33")[:9], *ten("339")[:9], *ten("3399")) == ["33"]
    assert shadowed("33", *ten("33")[:9], *ten("339")[:9], *ten("3399")[:9]) == []
    assert shadowed("99999999999999", *ten("99999999999999")) == ["99999999999999"]
