"""The reference files of an installation: accounts, numbers, credits and payments, as they stand in its CSVs."""

from __future__ import annotations

from typing import ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import Amount, Instant, Price, Table
from transforms.tables.vocabulary import BILLING_MODES, CREDIT_KINDS, LANGUAGES, PAYMENT_METHODS


class Accounts(Table):
    """The customers: who is billed, how, and in which currency."""

    _key: ClassVar = ("account_id",)

    account_id: str = pa.Field(str_length={"min_value": 1}, unique=True, description="The customer's account.")
    name: str = pa.Field(description="Name on the bill.")
    email: str = pa.Field(description="Where receipts and notices go.")
    country: str = pa.Field(description="Country of the customer, ISO 3166-1 alpha-2; decides the VAT rule.")
    vat_number: str = pa.Field(nullable=True, description="VAT identification number, if the customer has one.")
    billing_mode: str = pa.Field(
        isin=BILLING_MODES, description="prepaid: paid from a balance; postpaid: paid by bill."
    )
    payment_method: str = pa.Field(isin=PAYMENT_METHODS, description="balance, direct_debit or bank_transfer.")
    currency: str = pa.Field(description="Currency of every amount of this account, ISO 4217.")
    price_list: str = pa.Field(nullable=True, description="The account's own price list; empty: the default list.")
    opened_on: pl.Date = pa.Field(description="First day of the account, in the billing time zone.")
    closed_on: pl.Date = pa.Field(nullable=True, description="Last day of the account; empty while it is open.")
    language: str = pa.Field(
        nullable=True, isin=LANGUAGES, description="Language of its documents; empty: that of [documents] language."
    )
    address: str = pa.Field(nullable=True, description="Street lines of its postal address.")
    postcode: str = pa.Field(nullable=True, description="Postal code.")
    city: str = pa.Field(nullable=True, description="City.")
    registration: str = pa.Field(
        nullable=True, description="Number in the company register of its country; in France the SIREN or SIRET."
    )
    iban: str = pa.Field(nullable=True, description="Account that direct debits are drawn on.")
    bic: str = pa.Field(nullable=True, description="BIC of the bank of that account, where that lies outside the EEA.")
    mandate_reference: str = pa.Field(nullable=True, description="Reference of its SEPA direct debit mandate.")
    mandate_signed_on: pl.Date = pa.Field(nullable=True, description="Day on which the mandate was signed.")


class Numbers(Table):
    """Telephone numbers and who held them when. One row a holding: a number that moves has two."""

    _key: ClassVar = ("number", "assigned_at")

    number: str = pa.Field(str_matches=r"^\+[1-9][0-9]{1,14}$", description="The number, E.164 with +.")
    account_id: str = pa.Field(description="The account that holds it.")
    country: str = pa.Field(description="Country whose inbound price and monthly fee apply.")
    number_class: str = pa.Field(description="Class within the country: geographic, mobile, toll_free ...")
    call_tracking: bool = pa.Field(description="Whether the number is used for call tracking.")
    assigned_at: Instant = pa.Field(description="First moment of the holding.")
    released_at: Instant = pa.Field(nullable=True, description="Last moment of the holding; empty while it is held.")


class Credits(Table):
    """Credits of accounts: top-ups, opening balances, refunds and goodwill. Never edited, only added to."""

    _key: ClassVar = ("credit_id",)

    credit_id: str = pa.Field(unique=True, description="The credit's own name.")
    account_id: str = pa.Field(description="The account credited.")
    kind: str = pa.Field(isin=CREDIT_KINDS, description="top_up, opening_balance, refund or goodwill.")
    amount: Amount = pa.Field(description="Net amount, signed, without VAT.", metadata={"unit": "currency"})
    currency: str = pa.Field(description="Currency of the amount, ISO 4217; the account's own.")
    credited_at: Instant = pa.Field(description="When the credit took effect.")
    payment_reference: str = pa.Field(nullable=True, description="The payment it came from.")


class Payments(Table):
    """Payments received for postpaid bills."""

    _key: ClassVar = ("payment_id",)

    payment_id: str = pa.Field(unique=True, description="The payment's own name.")
    account_id: str = pa.Field(description="The account that paid.")
    bill_number: str = pa.Field(nullable=True, description="The bill it pays.")
    amount: Amount = pa.Field(description="Amount paid.", metadata={"unit": "currency"})
    currency: str = pa.Field(description="Currency of the amount, ISO 4217.")
    paid_at: Instant = pa.Field(description="When it was paid.")


class ExchangeRates(Table):
    """What VAT is told at in the seller's currency on documents in another: units of `currency` for one of it."""

    _key: ClassVar = ("currency", "valid_from")

    currency: str = pa.Field(description="Currency of documents, ISO 4217.")
    rate: Price = pa.Field(gt=0, description="Units of the currency for one unit of the currency VAT is declared in.")
    valid_from: pl.Date = pa.Field(description="First day on which the rate holds.")
