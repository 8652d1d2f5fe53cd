"""Look-ups and arithmetic of rating on drawn values, held against the plainest way to find or compute them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.independent.money import round_half_away
from tests.independent.rating import billed_seconds_of
from transforms.billing.money import times, to_minor_unit
from transforms.rating.charge import billed_seconds, counted_charge, voice_charge
from transforms.rating.destinations import DestinationIndex
from transforms.rating.prices import PriceIndex

LONGEST = 2**31 - 1
CHARGE_LIMIT = Decimal(10) ** 8
"""A charge of 18 digits, 10 of them decimals, is below this."""

digits = st.text(st.sampled_from("0129"), min_size=1, max_size=14)
prefixes = st.builds(str.__add__, st.sampled_from("129"), st.just("") | digits)
prices = st.decimals(0, 10**12 - 1, places=6, allow_nan=False, allow_infinity=False)
small_prices = st.decimals(0, 1000, places=6, allow_nan=False, allow_infinity=False)
increments = st.sampled_from([1, 6, 30, 60, 3600]) | st.integers(1, 10**9)
durations = st.sampled_from([0, 1, 59, 60, 61, LONGEST]) | st.integers(0, LONGEST)


@st.composite
def decks(draw: st.DrawFn) -> tuple[dict[str, str], list[str]]:
    """Prefixes that mostly nest, with their destinations, and numbers beside, under and above them."""
    stems = draw(st.lists(prefixes, min_size=1, max_size=4))
    nested = [stem[:size] for stem in stems for size in range(1, len(stem) + 1)]
    chosen = draw(st.lists(st.sampled_from(nested) | prefixes, max_size=15))
    deck = {prefix: draw(st.sampled_from("ABC")) for prefix in chosen}
    numbers = st.builds(lambda stem, more: (stem + more)[:15], st.sampled_from(nested + chosen), st.just("") | digits)
    return deck, draw(st.lists(numbers | prefixes, min_size=1, max_size=20))


@settings(deadline=None)
@given(deck_and_numbers=decks())
@example(({}, ["1"]))
@example(({"33": "A", "3361": "B", "336199999999999": "C"}, ["33", "336", "3361", "336199999999999", "34", "1"]))
@example(({"1": "A", "10": "B", "100": "C"}, ["1", "10", "100", "1000", "101", "11"]))
def test_the_longest_prefix_is_found(deck_and_numbers: tuple[dict[str, str], list[str]]) -> None:
    deck, numbers = deck_and_numbers
    rows = [{"prefix": key, "destination": name, "country": name.lower()} for key, name in deck.items()]
    schema = dict.fromkeys(["prefix", "destination", "country"], pl.String)
    found = DestinationIndex.build(pl.DataFrame(rows, schema=schema)).find(pl.Series(["+" + n for n in numbers]))
    expected = []
    for number in numbers:
        matching = [prefix for prefix in deck if number.startswith(prefix)]
        name = deck[max(matching, key=len)] if matching else None
        expected.append((name, name and name.lower()))
    assert found.select("destination", "country").rows() == expected


@settings(deadline=None)
@given(
    rows=st.dictionaries(
        st.tuples(st.sampled_from(["own", "default"]), st.sampled_from("xyz"), st.integers(0, 6)),
        small_prices,
        max_size=15,
    ),
    asked=st.lists(
        st.tuples(st.sampled_from(["own", "default", None]), st.sampled_from("xyz?"), st.integers(0, 7)),
        min_size=1,
        max_size=10,
    ),
)
def test_the_price_in_force_is_found(
    rows: dict[tuple[str, str, int], Decimal], asked: list[tuple[str | None, str, int]]
) -> None:
    first = date(2026, 10, 1)
    lists = pl.DataFrame({"price_list": ["default", "own"], "list_id": [0, 1]})
    table = pl.DataFrame(
        [(name, key, first + timedelta(days=day), price) for (name, key, day), price in rows.items()],
        schema={"price_list": pl.String, "key": pl.String, "valid_from": pl.Date, "price": pl.Decimal(18, 6)},
        orient="row",
    )
    index = PriceIndex.build(table, ["key"], lists)
    key_ids = dict(index.keys.select("key", "key_id").rows())
    ids = {"default": 0, "own": 1, None: None}
    found = index.column(
        "price",
        index.find(
            [pl.Series([ids[name] for name, _, _ in asked], dtype=pl.Int64), pl.Series([0] * len(asked))],
            pl.Series([key_ids.get(key) for _, key, _ in asked], dtype=pl.Int64),
            pl.Series([first + timedelta(days=day) for _, _, day in asked]),
        ),
    )
    expected = []
    for own, key, on in asked:
        for name in (own, "default"):
            days = [day for list_name, row_key, day in rows if (list_name, row_key) == (name, key) and day <= on]
            if days:
                expected.append(rows[name, key, max(days)])  # type: ignore[index]
                break
        else:
            expected.append(None)
    assert found.to_list() == expected


@settings(deadline=None)
@given(seconds=durations, first=increments, increment=increments)
@example(seconds=LONGEST, first=1, increment=60)
def test_billed_seconds_are_whole_increments_or_none(seconds: int, first: int, increment: int) -> None:
    frame = pl.DataFrame(
        {"seconds": [seconds], "first": [first], "increment": [increment]},
        schema_overrides=dict.fromkeys(["seconds", "first", "increment"], pl.Int32),
    )
    expression = billed_seconds(pl.col("seconds"), pl.col("first"), pl.col("increment"))
    exact = billed_seconds_of(seconds, first, increment)
    assert frame.select(expression).item() == (exact if exact <= LONGEST else None)


@settings(deadline=None)
@given(price=prices | small_prices, fee=prices | small_prices, billed=durations)
@example(price=Decimal("0.012"), fee=Decimal(0), billed=83)
@example(price=Decimal("0.000001"), fee=Decimal(0), billed=1)
@example(price=Decimal(10) ** 12 - Decimal("0.000001"), fee=Decimal(10) ** 12 - Decimal("0.000001"), billed=LONGEST)
@example(price=Decimal(60), fee=Decimal(0), billed=99_999_999)
@example(price=Decimal(60), fee=Decimal(0), billed=100_000_000)
def test_a_call_is_charged_exactly_or_not_at_all(price: Decimal, fee: Decimal, billed: int) -> None:
    exact = round_half_away(Fraction(fee) + Fraction(price) * billed / 60, 10)
    frame = pl.DataFrame(
        {"price": [price], "fee": [fee], "billed": [billed]},
        schema={"price": pl.Decimal(18, 6), "fee": pl.Decimal(18, 6), "billed": pl.Int32},
    )
    charged_exactly_or_not_at_all(frame, voice_charge(pl.col("price"), pl.col("fee"), pl.col("billed")), exact)


@settings(deadline=None)
@given(price=prices | small_prices, count=st.integers(0, 255) | durations)
@example(price=Decimal(10) ** 12 - Decimal("0.000001"), count=LONGEST)
def test_messages_are_charged_exactly_or_not_at_all(price: Decimal, count: int) -> None:
    exact = round_half_away(Fraction(price) * count, 10)
    frame = pl.DataFrame({"price": [price], "count": [count]}, schema={"price": pl.Decimal(18, 6), "count": pl.Int32})
    charged_exactly_or_not_at_all(frame, counted_charge(pl.col("price"), pl.col("count")), exact)


def charged_exactly_or_not_at_all(frame: pl.DataFrame, expression: pl.Expr, exact: Decimal) -> None:
    """The charge is the exact one, or its type is too small for it and there is none."""
    charge = frame.select(expression.alias("charge"))
    assert charge.item() == (exact if exact < CHARGE_LIMIT else None)
    assert charge.schema["charge"] == pl.Decimal(18, 10)


UNITS = {"EUR": 2, "JPY": 0, "TND": 3}


@settings(deadline=None)
@given(
    value=st.decimals(-(10**14), 10**14, places=10, allow_nan=False, allow_infinity=False)
    | st.integers(-(10**9), 10**9).map(lambda units: Decimal(units) / 2000),
    currency=st.sampled_from(list(UNITS)),
)
def test_amounts_are_rounded_half_away_from_zero(value: Decimal, currency: str) -> None:
    frame = pl.DataFrame(
        {"value": [value], "currency": [currency]}, schema={"value": pl.Decimal(38, 10), "currency": pl.String}
    )
    exact = round_half_away(Fraction(value), UNITS[currency])
    expression = to_minor_unit(pl.col("value"), pl.col("currency"), UNITS)
    if abs(exact) >= Decimal(10) ** 14:
        with pytest.raises(pl.exceptions.InvalidOperationError):
            frame.select(expression)
    else:
        assert frame.select(expression).item() == exact


@settings(deadline=None)
@given(
    amount=st.decimals(-(10**14) + 1, 10**14 - 1, places=4, allow_nan=False, allow_infinity=False),
    rate=st.decimals(0, 1, places=4, allow_nan=False, allow_infinity=False),
    currency=st.sampled_from(list(UNITS)),
)
def test_vat_is_rounded_once(amount: Decimal, rate: Decimal, currency: str) -> None:
    frame = pl.DataFrame(
        {"amount": [amount], "rate": [rate], "currency": [currency]},
        schema={"amount": pl.Decimal(18, 4), "rate": pl.Decimal(6, 4), "currency": pl.String},
    )
    vat = frame.select(to_minor_unit(times(pl.col("amount"), pl.col("rate")), pl.col("currency"), UNITS)).item()
    assert vat == round_half_away(Fraction(amount) * Fraction(rate), UNITS[currency])
