"""Which prices stand out, and which do not: by hand, one rule a test."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.unit.frames import D
from transforms.rating.outliers import off_country, off_currency, off_default, off_predecessor

SINCE = date(2026, 10, 1)
Price = tuple[str, str, str, str]
EUR, USD = "default_eur", "default_usd"


def rows(*prices: Price, country: str = "FR") -> pl.DataFrame:
    """Prices as (list, destination, first day, price), one a line from line 2 on."""
    return pl.DataFrame(
        [
            (name, place, country, date.fromisoformat(day), D(price), line)
            for line, (name, place, day, price) in enumerate(prices, start=2)
        ],
        schema={
            "price_list": pl.String,
            "destination": pl.String,
            "country": pl.String,
            "valid_from": pl.Date,
            "price": pl.Decimal(18, 6),
            "line": pl.Int64,
        },
        orient="row",
    )


def lines(found: pl.DataFrame) -> list[tuple[int, int]]:
    return found.select("line", "other_line").rows()


def in_turn(*prices: str, last: str = "2026-10-01") -> pl.DataFrame:
    """One price after the other, a year apart, the last one from `last` on."""
    days = [f"{2026 - n}-01-01" for n in range(len(prices) - 1, 0, -1)]
    return rows(*((EUR, "France", day, price) for day, price in zip([*days, last], prices, strict=True)))


@pytest.mark.parametrize(
    ("prices", "found"),
    [
        (("0.012", "0.12"), [(3, 2)]),
        (("0.012", "0.119999"), []),
        (("0.12", "0.012"), [(3, 2)]),
        (("0.12", "0.012001"), []),
        (("0", "0.012"), []),
        (("0.012", "0"), []),
        (("0.012", "0.011", "0.12"), [(4, 3)]),
        (("0.12", "0.012", "0.012"), []),
        (("0.012", "0.12", "0.0119"), []),
        (("0.12", "0.012", "0.121"), []),
        (("0.012", "0.12", "0.0012"), [(4, 3)]),
        (("100000000000", "999999999999"), []),
        (("99999999999", "999999999999"), [(3, 2)]),
    ],
)
def test_a_price_ten_times_its_predecessor(prices: tuple[str, ...], found: list[tuple[int, int]]) -> None:
    assert lines(off_predecessor(in_turn(*prices), ["destination"], SINCE)) == found


def test_what_is_found_is_told_with_both_prices() -> None:
    (found,) = off_predecessor(in_turn("0.012", "0.5"), ["destination"], SINCE).to_dicts()
    assert found == {"line": 3, "price": D("0.5"), "other_line": 2, "other_price": D("0.012")}


def test_a_predecessor_is_of_the_same_list_and_key_whatever_the_order_of_rows() -> None:
    found = rows(
        (EUR, "France", "2026-11-01", "0.12"),
        (USD, "France", "2025-01-01", "9"),
        (EUR, "Germany", "2026-10-01", "9"),
        (EUR, "France", "2025-01-01", "0.012"),
    )
    assert lines(off_predecessor(found, ["destination"], SINCE)) == [(2, 5)]


def test_a_price_is_looked_at_while_it_is_in_force() -> None:
    def since(day: str) -> list[tuple[int, int]]:
        prices = rows(*((EUR, "France", f"2026-{m}-01", p) for m, p in (("01", "0.01"), ("02", "0.1"), ("10", "0.2"))))
        return lines(off_predecessor(prices, ["destination"], date.fromisoformat(day)))

    assert since("2026-09-30") == [(3, 2)]
    assert since("2026-10-01") == []


def test_tables_without_a_key_besides_the_list() -> None:
    prices = in_turn("0.01", "0.1").drop("destination", "country")
    own = prices.with_columns(price_list=pl.lit("own"), price=pl.lit(D("2")), line=pl.col("line") + 10).head(1)
    assert lines(off_predecessor(prices, [], SINCE)) == [(3, 2)]
    assert lines(off_default(pl.concat([prices, own]), [], LISTS, SINCE)) == [(12, 3)]


LISTS = pl.DataFrame({"price_list": ["own", EUR, "pounds"], "default": [EUR, EUR, "default_gbp"]})


@pytest.mark.parametrize(
    ("price", "found"), [("0.12", [(3, 2)]), ("0.1", []), ("0.0012", [(3, 2)]), ("0.0013", []), ("0", [])]
)
def test_a_price_ten_times_the_default(price: str, found: list[tuple[int, int]]) -> None:
    prices = rows(
        (EUR, "France", "2025-01-01", "0.012"),
        ("own", "France", "2025-01-01", price),
        ("own", "Germany", "2025-01-01", price),
        ("pounds", "France", "2025-01-01", price),
    )
    assert lines(off_default(prices, ["destination"], LISTS, SINCE)) == found


def test_it_is_held_against_the_default_of_its_first_day() -> None:
    prices = rows(
        (EUR, "France", "2025-01-01", "0.012"),
        (EUR, "France", "2026-11-15", "0.12"),
        ("own", "France", "2025-01-01", "0.012"),
        ("own", "France", "2026-11-14", "0.12"),
    )
    assert lines(off_default(prices, ["destination"], LISTS, SINCE)) == [(5, 2)]
    later = prices.with_columns(pl.col("valid_from").replace(date(2026, 11, 14), date(2026, 11, 15)))
    assert lines(off_default(later, ["destination"], LISTS, SINCE)) == []


def two_currencies(*more: Price, first: str = "0.10") -> pl.DataFrame:
    """Three prices in euros and a hundred times as many of another currency."""
    usual = [("France", first), ("Germany", "0.20"), ("Spain", "0.30")]
    euros = [(EUR, place, "2025-01-01", price) for place, price in usual]
    others = [
        (USD, place, "2025-01-01", price) for place, price in (("France", "10"), ("Germany", "20"), ("Spain", "30"))
    ]
    return rows(*euros, *others, *more)


def test_a_price_five_times_that_of_another_currency() -> None:
    def found(prices: pl.DataFrame) -> list[tuple[int, int]]:
        return lines(off_currency(prices, ["destination"], [EUR, USD], SINCE))

    assert found(two_currencies()) == []
    # 0.30 and 20 are in the middle then: 0.75 is 5 times what 10 comes to.
    assert found(two_currencies(first="0.75")) == [(2, 5)]
    assert found(two_currencies(first="0.749999")) == []
    assert found(two_currencies(first="0")) == []


def test_two_prices_alone_say_nothing_of_a_currency() -> None:
    few = two_currencies().filter(pl.col("destination") != "Spain")
    assert lines(off_currency(few, ["destination"], [EUR, USD], SINCE)) == []
    assert lines(off_currency(two_currencies(), ["destination"], [EUR], SINCE)) == []


def test_a_later_price_is_held_against_the_other_currency() -> None:
    def found(price: str) -> list[tuple[int, int]]:
        prices = two_currencies((USD, "Germany", "2026-12-01", price))
        return lines(off_currency(prices, ["destination"], [EUR, USD], SINCE))

    # Of four pairs 0.20 and 30 are in the middle where it is dear, 0.20 and 20 where it is cheap.
    assert found("150") == [(3, 8)]
    assert found("149.999999") == []
    assert found("4") == [(3, 8)]
    assert found("4.000001") == []


def country(*prices: str, day: str = "2025-01-01") -> list[tuple[int, int]]:
    beside = rows(*((EUR, f"place {n}", day, price) for n, price in enumerate(prices)))
    return lines(off_country(beside, ["destination"], SINCE))


@pytest.mark.parametrize(
    ("prices", "found"),
    [
        (("0.01", "0.1"), [(3, 2)]),
        (("0.01", "0.099999"), []),
        (("0.01", "0.02", "0.2"), [(4, 3)]),
        (("0.01", "0.02", "0.199999"), []),
        (("0.01", "0.1", "0.2"), [(2, 3)]),
        (("0.01", "0.1", "1"), [(2, 3), (4, 3)]),
        (("0.01", "0.5", "0.5"), [(2, 3)]),
        (("0.01", "0.01", "0.5"), [(4, 3)]),
        (("0", "0.1"), []),
        (("0", "0.01", "0.1"), [(4, 3)]),
        (("0", "0.01", "0.5", "0.5"), [(3, 4)]),
        (("0.1",), []),
        ((), []),
    ],
)
def test_a_price_ten_times_all_others_of_its_country(prices: tuple[str, ...], found: list[tuple[int, int]]) -> None:
    assert country(*prices) == found
    assert country(*prices, day="2026-12-01") == found


def test_neighbours_share_list_and_country() -> None:
    one = rows((EUR, "France", "2025-01-01", "0.01"), (USD, "France mobile", "2025-01-01", "1"))
    other = rows((EUR, "Germany", "2025-01-01", "0.5"), country="DE").with_columns(line=pl.lit(9, pl.Int64))
    assert lines(off_country(pl.concat([one, other]), ["destination"], SINCE)) == []


def test_neighbours_are_in_force_together() -> None:
    prices = rows(
        (EUR, "France", "2025-01-01", "0.01"),
        (EUR, "France", "2026-11-01", "0.05"),
        (EUR, "France mobile", "2026-11-01", "0.1"),
        (EUR, "France premium", "2026-12-01", "1"),
    )
    assert lines(off_country(prices, ["destination"], SINCE)) == [(5, 4)]
    early = prices.with_columns(pl.col("valid_from").replace(date(2026, 12, 1), date(2026, 10, 15)))
    assert lines(off_country(early, ["destination"], SINCE)) == [(5, 2)]


def test_what_several_lists_say_is_meant() -> None:
    prices = [
        (name, place, "2025-01-01", p) for name in (EUR, USD) for place, p in (("France", "0.01"), ("Special", "1"))
    ]
    assert lines(off_country(rows(*prices), ["destination"], SINCE)) == []
    assert lines(off_country(rows(*prices[:3]), ["destination"], SINCE)) == [(3, 2)]


def test_a_destination_in_two_countries_is_told_once() -> None:
    prices = rows((EUR, "A", "2025-01-01", "0.01"), (EUR, "B", "2025-01-01", "1"))
    both = pl.concat([prices, prices.with_columns(country=pl.lit("DE"))])
    assert lines(off_country(both, ["destination"], SINCE)) == [(3, 2)]


def test_a_destination_in_two_countries_is_looked_at_in_both() -> None:
    prices = rows((EUR, "A", "2025-01-01", "0.01"), (EUR, "B", "2025-01-01", "1"))
    abroad = prices.tail(1).with_columns(country=pl.lit("DE"))
    assert lines(off_country(pl.concat([prices, abroad]), ["destination"], SINCE)) == [(3, 2)]
    assert lines(off_country(pl.concat([abroad, prices]), ["destination"], SINCE)) == [(3, 2)]
