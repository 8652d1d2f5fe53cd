"""Who seller and customers were when a document was issued: from the files that HOME/kept holds of that day."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, partial
from pathlib import Path

import polars as pl

from pipelines import registries
from pipelines.documents.model import Party, Seller
from pipelines.errors import BadInput
from pipelines.reference.csv_tables import LINE, read_table
from pipelines.settings import SETTINGS_FILE, Installation, Settings, read_settings
from pipelines.storage.kept_inputs import sound
from pipelines.storage.session import Session
from transforms.billing.vat import EU
from transforms.tables.base import Table, empty
from transforms.tables.reference import Accounts, ExchangeRates

CENTS = Decimal("0.01")


@dataclass(frozen=True)
class InputsAtIssue:
    """Settings, accounts (Accounts) and exchange rates (ExchangeRates) as they were; and what reads the rates as they are,
    which raises BadInput: few documents need them."""

    settings: Settings
    accounts: pl.DataFrame
    rates: pl.DataFrame
    rates_today: Callable[[], pl.DataFrame]

    def with_gone(self, earlier: pl.DataFrame) -> InputsAtIssue:
        """The same, with those accounts of `earlier` (Accounts) that are in it no more."""
        gone = earlier.join(self.accounts, on="account_id", how="anti")
        return replace(self, accounts=pl.concat([self.accounts, gone]))

    @property
    def vat_currency(self) -> str:
        """The currency in which the seller declares VAT; empty where it is that of each document."""
        seller = self.settings.seller
        return seller.vat_currency or ("EUR" if seller.country in EU else "")

    def seller(self, language: str) -> Seller:
        """The seller, with the wording of `language`."""
        known = self.settings.seller
        return Seller(
            party=seller_party(self.settings),
            iban=known.iban,
            bic=known.bic,
            creditor_id=known.creditor_id,
            vat_currency=self.vat_currency,
            legal={key: text for key, text in asdict(self.settings.legal(language)).items() if text},
            accent=self.settings.documents.accent,
        )

    def declared(self, vat: Decimal, currency: str, day: date) -> tuple[Decimal | None, Decimal | None]:
        """The exchange rate on `day` and `vat` in the currency in which the seller declares it; None where it is the
        same, or where no VAT is charged. Raises BadInput where no rate is in force.

        It is told beside the VAT, as Article 230 of Directive 2006/112/EC asks, and added to nothing. A rate that was
        not known then is looked up among those of today.
        """
        if not vat or not self.vat_currency or self.vat_currency == currency:
            return None, None
        rate = _in_force(self.rates, currency, day) or _in_force(self.rates_today(), currency, day)
        if rate is None:
            raise BadInput(
                f"its VAT must be told in {self.vat_currency} as well, and reference/exchange_rates.csv has no rate of "
                f"{currency} in force on {day}: add one, and run it again"
            )
        return rate, (vat / rate).quantize(CENTS, ROUND_HALF_UP)


def _in_force(rates: pl.DataFrame, currency: str, day: date) -> Decimal | None:
    known = rates.filter((pl.col("currency") == currency) & (pl.col("valid_from") <= day)).sort("valid_from")
    return known["rate"][-1] if known.height else None


def inputs_at_issue(session: Session, inputs: Mapping[str, str]) -> InputsAtIssue:
    """The inputs by their SHA-256 in HOME/kept, as an issue's proof names them. Raises BadInput where one is gone."""
    settings = Settings()
    if sha256 := inputs.get(SETTINGS_FILE):
        settings = read_settings(sound(session.installation, sha256, SETTINGS_FILE))
    if not settings.seller.name:
        # Months may have been issued before anybody said who the seller is.
        settings = session.installation.settings
    if not settings.seller.name:
        raise BadInput(no_seller(session.installation))
    frames = {}
    for name, table in {"accounts": Accounts, "exchange_rates": ExchangeRates}.items():
        frames[name] = empty(table)
        if sha256 := inputs.get(name):
            frames[name] = _read(sound(session.installation, sha256, f"{name}.csv"), table, settings)
    return InputsAtIssue(settings, frames["accounts"], frames["exchange_rates"], cache(partial(_rates_today, session)))


def no_seller(installation: Installation) -> str:
    """The sentence where nobody issues documents."""
    return f"{installation.settings_file}: [seller] name is missing: documents say who issues them"


def knowing(session: Session, was: InputsAtIssue, accounts: pl.Series, before: datetime) -> InputsAtIssue:
    """`was`, with those of `accounts` that its accounts.csv has no more as they were at the last issue before that moment
    that knew them: a note of a customer who is gone names who was billed. Whom none knew stays unknown."""
    issues = session.warehouse.connection.execute(
        "SELECT document FROM issues WHERE issued_at < ? ORDER BY issued_at DESC", [before]
    ).fetchall()
    for (proof,) in issues:
        if accounts.is_in(was.accounts["account_id"].implode()).all():
            break
        try:
            was = was.with_gone(inputs_at_issue(session, json.loads(proof)["inputs"]).accounts)
        except BadInput:
            # An older issue might know another address: who cannot be read is not guessed.
            break
    return was


def today(session: Session) -> InputsAtIssue:
    """The inputs as they lie in HOME now. Raises BadInput where accounts.csv cannot be read, or names no seller."""
    if not session.installation.settings.seller.name:
        raise BadInput(no_seller(session.installation))
    accounts = _read(session.installation.reference / "accounts.csv", Accounts, session.installation.settings)
    rates = cache(partial(_rates_today, session))
    return InputsAtIssue(session.installation.settings, accounts, empty(ExchangeRates), rates)


def _rates_today(session: Session) -> pl.DataFrame:
    path = session.installation.reference / "exchange_rates.csv"
    return _read(path, ExchangeRates, session.installation.settings)


def _read(path: Path, table: type[Table], settings: Settings) -> pl.DataFrame:
    read = read_table(path, table, settings.zone)
    if read.problems:
        raise BadInput(read.problems)
    return read.frame.drop(LINE)


def inputs_now(session: Session) -> dict[str, str]:
    """The inputs that the warehouse holds now, by the SHA-256 under which HOME/kept has them."""
    facts = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'")
    return json.loads(facts) if facts else {}


def seller_party(settings: Settings) -> Party:
    """The seller of the settings."""
    known = settings.seller
    return Party(
        name=known.name,
        country=known.country,
        address=known.address,
        postcode=known.postcode,
        city=known.city,
        vat_number=known.vat_number,
        vat_number_valid=registries.is_valid_vat_number(known.vat_number),
        registration=known.registration,
        email=known.email,
    )


def require_account(row: Mapping[str, object]) -> None:
    """Raises BadInput where `row`, with the columns of Accounts, is of an account that was not found."""
    if row["country"] is None:
        raise BadInput(
            "its account is not in accounts.csv, neither as it was then nor today: put it back there, and run it again"
        )


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
        vat_number_valid=registries.is_valid_vat_number(text("vat_number")),
        registration=text("registration"),
        email=text("email"),
    )
