"""What e-invoices need of the seller, told before bills are numbered as well as when one cannot be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

import polars as pl

from pipelines.documents.einvoice.parties import NOWHERE, UNTAXED, siren_of, vat_identifier
from pipelines.documents.einvoice.words import printable
from pipelines.documents.inputs_at_issue import buyer, seller_party
from pipelines.documents.model import Party
from pipelines.settings import Settings

FRENCH_NOTES = (("PMT", "recovery_fee"), ("PMD", "late_payment"), ("AAB", "early_payment"))
"""Subjects of the three notes that French businesses must give each other (BR-FR-05), and their wording in settings."""


def of_seller(seller: Party, vat_rule: str) -> Iterator[str]:
    """What an e-invoice under `vat_rule` needs of `seller` and lacks, to be read behind `an e-invoice`."""
    if not printable(seller.name):
        yield "needs the seller's name ([seller] name)"
    if vat_rule in UNTAXED:
        if not printable(seller.registration) and not vat_identifier(seller):
            yield "needs the seller's number in its register ([seller] registration)"
    elif not vat_identifier(seller):
        yield "with VAT or reverse charge needs the seller's VAT number ([seller] vat_number)"
    if seller.country in ("", NOWHERE):
        yield "needs the country of the seller"


def of_french_seller(seller: Party, legal: Mapping[str, str], language: str) -> Iterator[str]:
    """What an e-invoice between French businesses needs as well; `legal`: the wording in `language`."""
    if not siren_of(seller):
        yield "to a French business needs the seller's SIREN or SIRET ([seller] registration)"
    for _, key in FRENCH_NOTES:
        if not printable(legal.get(key, "")):
            yield f"to a French business needs the wording [legal_{language}] {key}"


def seller_needs(settings: Settings, bills: pl.DataFrame) -> list[str]:
    """What documents of `bills` (vat_rule, and the columns of Accounts) need of the seller and the settings lack, a
    sentence each."""
    seller = seller_party(settings)
    if not printable(seller.name):
        return ["documents need the seller's name ([seller] name)"]
    needs = [need for rule in bills["vat_rule"].unique().sort() for need in of_seller(seller, rule)]
    if seller.country == "FR":
        for language in _languages_of_french_businesses(settings, bills):
            needs += of_french_seller(seller, asdict(settings.legal(language)), language)
    return [f"an e-invoice {need}" for need in dict.fromkeys(needs)]


def _languages_of_french_businesses(settings: Settings, bills: pl.DataFrame) -> Iterable[str]:
    told = pl.col("registration").is_not_null() | pl.col("vat_number").is_not_null()
    rows = bills.filter((pl.col("country") == "FR") & told).iter_rows(named=True)
    return sorted({row["language"] or settings.documents.language for row in rows if siren_of(buyer(row))})
