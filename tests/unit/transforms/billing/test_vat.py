"""Which VAT rule applies, and the rate it brings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from tests.unit.frames import vat_rates
from transforms.billing.vat import EU, rates_on, vat_rule, with_rate

D = Decimal


def rule(country: str, has_vat_number: bool, seller: str = "FR") -> str:
    frame = pl.DataFrame({"country": [country], "valid": [has_vat_number]})
    return str(frame.select(vat_rule(pl.col("country"), pl.col("valid"), seller)).item())


@pytest.mark.parametrize(
    ("country", "has_vat_number", "seller", "expected"),
    [
        pytest.param("FR", False, "FR", "domestic", id="consumer at home"),
        pytest.param("FR", True, "FR", "domestic", id="business at home"),
        pytest.param("DE", True, "FR", "reverse_charge", id="business elsewhere in the EU"),
        pytest.param("DE", False, "FR", "eu_consumer", id="consumer elsewhere in the EU"),
        pytest.param("GR", True, "FR", "reverse_charge", id="Greece, whose numbers begin with EL"),
        pytest.param("US", False, "FR", "outside_eu", id="America"),
        pytest.param("GB", False, "FR", "outside_eu", id="the United Kingdom has left"),
        pytest.param("CH", True, "FR", "outside_eu", id="Switzerland, whatever the number"),
        pytest.param("US", False, "US", "domestic", id="a seller outside the EU at home"),
        pytest.param("FR", False, "US", "outside_eu", id="a seller outside the EU charges none in it"),
        pytest.param("FR", True, "US", "outside_eu", id="neither to a business"),
    ],
)
def test_rules(country: str, has_vat_number: bool, seller: str, expected: str) -> None:
    assert rule(country, has_vat_number, seller) == expected


def test_the_union_has_27_members() -> None:
    assert len(EU) == 27
    assert {rule(country, False) for country in EU - {"FR"}} == {"eu_consumer"}


RATES = vat_rates({"country": "FR", "rate": D("0.25"), "valid_from": date(2026, 11, 1)})


@pytest.mark.parametrize(
    ("day", "rates"),
    [
        (date(2024, 12, 31), {}),
        (date(2025, 1, 1), {"DE": D("0.19"), "FR": D("0.2")}),
        (date(2026, 10, 31), {"DE": D("0.19"), "FR": D("0.2")}),
        (date(2026, 11, 1), {"DE": D("0.19"), "FR": D("0.25")}),
    ],
)
@pytest.mark.parametrize("table", [RATES, RATES.reverse()], ids=["oldest first", "newest first"])
def test_a_rate_is_in_force_until_the_next(day: date, rates: dict[str, Decimal], table: pl.DataFrame) -> None:
    assert dict(rates_on(table, day).iter_rows()) == rates


def test_of_three_rates_in_no_order_the_latest_that_is_in_force_applies() -> None:
    changes = [(date(2026, 7, 1), "0.16"), (date(2027, 1, 1), "0.21"), (date(2025, 7, 1), "0.17")]
    table = vat_rates(*({"country": "DE", "rate": D(rate), "valid_from": day} for day, rate in changes))
    assert dict(rates_on(table, date(2026, 12, 31)).iter_rows())["DE"] == D("0.16")


@pytest.mark.parametrize(
    ("country", "vat_rule", "rate"),
    [
        ("FR", "domestic", "0.2"),
        ("DE", "eu_consumer", "0.19"),
        ("DE", "reverse_charge", "0"),
        ("US", "outside_eu", "0"),
        ("FR", "charged_at_top_up", "0"),
    ],
)
def test_only_a_taxed_rule_brings_a_rate(country: str, vat_rule: str, rate: str) -> None:
    documents = pl.DataFrame({"country": [country], "vat_rule": [vat_rule]})
    assert with_rate(documents, rates_on(RATES, date(2026, 10, 31)))["vat_rate"].to_list() == [D(rate)]


def test_a_taxed_country_without_a_rate_has_none_rather_than_nought() -> None:
    documents = pl.DataFrame({"country": ["ES"], "vat_rule": ["eu_consumer"]})
    assert with_rate(documents, rates_on(RATES, date(2026, 10, 31)))["vat_rate"].to_list() == [None]
