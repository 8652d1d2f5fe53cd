"""Who seller and customers were when a document was issued: from the files that HOME/kept holds of that day."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from pipelines import world
from pipelines.csv_tables import LINE, read_table
from pipelines.documents.model import Party, Seller
from pipelines.errors import BadInput
from pipelines.kept import sound
from pipelines.session import Session
from pipelines.settings import SETTINGS_FILE, Settings, read_settings
from transforms.billing.vat import EU
from transforms.tables.base import empty
from transforms.tables.reference import Accounts, ExchangeRates

CENTS = Decimal("0.01")


@dataclass(frozen=True)
class Then:
    """Settings, accounts (Accounts) and exchange rates (ExchangeRates) as they were."""

    settings: Settings
    accounts: pl.DataFrame
    rates: pl.DataFrame

    @property
    def vat_currency(self) -> str:
        """The currency in which the seller declares VAT; empty where it is that of each document."""
        seller = self.settings.seller
        return seller.vat_currency or ("EUR" if seller.country in EU else "")

    def seller(self, language: str) -> Seller:
        """The seller, with the wording of `language`."""
        known = self.settings.seller
        legal = {"en": self.settings.legal_en, "fr": self.settings.legal_fr}[language]
        party = Party(
            name=known.name,
            country=known.country,
            address=known.address,
            postcode=known.postcode,
            city=known.city,
            vat_number=known.vat_number,
            vat_number_valid=world.is_valid_vat_number(known.vat_number),
            registration=known.registration,
            email=known.email,
        )
        return Seller(
            party=party,
            iban=known.iban,
            bic=known.bic,
            creditor_id=known.creditor_id,
            vat_currency=self.vat_currency,
            legal={key: text for key, text in asdict(legal).items() if text},
            accent=self.settings.documents.accent,
        )

    def declared(self, vat: Decimal, currency: str, day: date) -> tuple[Decimal | None, Decimal | None]:
        """The exchange rate on `day` and `vat` in the currency in which the seller declares it; None where it is the
        same, or where no VAT is charged. Raises BadInput where no rate is in force.

        It is told beside the VAT, as Article 230 of Directive 2006/112/EC asks, and added to nothing.
        """
        if not vat or not self.vat_currency or self.vat_currency == currency:
            return None, None
        known = self.rates.filter((pl.col("currency") == currency) & (pl.col("valid_from") <= day)).sort("valid_from")
        if known.is_empty():
            raise BadInput(
                f"no rate of {currency} in force on {day} in reference/exchange_rates.csv as it was then: VAT must be "
                f"told in {self.vat_currency} as well"
            )
        rate = known["rate"][-1]
        return rate, (vat / rate).quantize(CENTS, ROUND_HALF_UP)


def then(session: Session, inputs: dict[str, str]) -> Then:
    """The inputs by their SHA-256 in HOME/kept, as an issue's proof names them. Raises BadInput where one is gone."""
    settings = Settings()
    if sha256 := inputs.get(SETTINGS_FILE):
        settings = read_settings(sound(session.installation, sha256, SETTINGS_FILE))
    frames = {}
    for name, table in {"accounts": Accounts, "exchange_rates": ExchangeRates}.items():
        frames[name] = empty(table)
        if sha256 := inputs.get(name):
            read = read_table(sound(session.installation, sha256, f"{name}.csv"), table, settings.zone)
            if read.problems:
                raise BadInput(read.problems)
            frames[name] = read.frame.drop(LINE)
    return Then(settings, frames["accounts"], frames["exchange_rates"])


def inputs_now(session: Session) -> dict[str, str]:
    """The inputs that the warehouse holds now, by the SHA-256 under which HOME/kept has them."""
    facts = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'")
    return json.loads(facts) if facts else {}


def buyer(row: dict[str, object]) -> Party:
    """The customer, from a row with the columns of Accounts."""

    def text(name: str) -> str:
        return str(row[name] or "")

    return Party(
        name=text("name") or text("account_id"),
        country=text("country"),
        address=text("address"),
        postcode=text("postcode"),
        city=text("city"),
        vat_number=text("vat_number"),
        vat_number_valid=world.is_valid_vat_number(text("vat_number")),
        registration=text("registration"),
        email=text("email"),
    )
