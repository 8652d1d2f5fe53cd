"""Which VAT rule applies to a customer, and the rate it brings (billing rule 9)."""

from __future__ import annotations

from datetime import date

import polars as pl

EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())  # noqa: SIM905
"""Member states of the European Union, ISO 3166-1."""

_RATE = pl.Decimal(6, 4)
_ZERO = pl.lit("0").str.to_decimal(scale=4).cast(_RATE)
TAXED = ("domestic", "eu_consumer")


def vat_rule(country: pl.Expr, has_vat_number: pl.Expr, seller_country: str) -> pl.Expr:
    """domestic, reverse_charge, eu_consumer or outside_eu, by the customer's country and valid EU VAT number.

    A seller outside the EU charges VAT to its own country alone.
    """
    elsewhere_in_eu = country.is_in(sorted(EU)) if seller_country in EU else pl.lit(False)
    return (
        pl.when(country == seller_country)
        .then(pl.lit("domestic"))
        .when(elsewhere_in_eu & has_vat_number)
        .then(pl.lit("reverse_charge"))
        .when(elsewhere_in_eu)
        .then(pl.lit("eu_consumer"))
        .otherwise(pl.lit("outside_eu"))
    )


def rates_on(vat_rates: pl.DataFrame, day: date) -> pl.DataFrame:
    """country and vat_rate in force on `day`, from `vat_rates` (VatRates)."""
    return (
        vat_rates.filter(pl.col("valid_from") <= day)
        .sort("valid_from")
        .group_by("country", maintain_order=True)
        .agg(pl.col("rate").last().alias("vat_rate"))
        .sort("country")
    )


def with_rate(documents: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """`documents` (country, vat_rule) with vat_rate: the country's for a taxed rule, null where it has none, else 0."""
    return documents.join(rates, on="country", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("vat_rule").is_in(TAXED)).then(pl.col("vat_rate").cast(_RATE)).otherwise(_ZERO).alias("vat_rate")
    )
