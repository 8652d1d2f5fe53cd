"""What leaves the house: files made of issued documents, how their amounts are collected, e-mails."""

from __future__ import annotations

from typing import ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import Amount, Instant, Table
from transforms.tables.vocabulary import (
    COLLECTION_METHODS,
    FILE_KINDS,
    FORMS,
    MAIL_KINDS,
    MAIL_STATES,
    PAYMENT_METHODS,
)


class Documents(Table):
    """Files that were made of issued documents, each once: what it is, where it lies, and the hash of its bytes."""

    _key: ClassVar = ("document", "form")

    billing_month: str = pa.Field(description="Month of HOME/documents in which it lies, as 2026-10.")
    document: str = pa.Field(description="Number of the bill, note or receipt; name of a payment file.")
    kind: str = pa.Field(
        isin=FILE_KINDS, description="bill, credit_note, debit_note, receipt, direct_debits, open_items."
    )
    account_id: str = pa.Field(nullable=True, description="The account it is for; null for payment files.")
    form: str = pa.Field(
        isin=FORMS,
        description="pdf (with Factur-X inside where there is an ubl), ubl (none where amounts have more than two decimals), "
        "csv (all records, or open items), xml (pain.008).",
    )
    path: str = pa.Field(description="Place of the file under HOME/documents.")
    bytes: pl.Int64 = pa.Field(ge=0, description="Size of the file.", metadata={"unit": "bytes"})
    sha256: str = pa.Field(description="SHA-256 of the file, in hexadecimal.")
    template_version: str = pa.Field(description="Version of what made it: templates, fonts and the libraries used.")


class Collections(Table):
    """How the amount of each issued postpaid document is collected, fixed when its payment file was first written."""

    _key: ClassVar = ("document",)

    billing_month: str = pa.Field(description="Month of the bill, as 2026-10.")
    document: str = pa.Field(unique=True, description="Number of the bill or debit note; the end-to-end id of a debit.")
    account_id: str = pa.Field(description="The account that owes.")
    name: str = pa.Field(description="Name of the account then; the account_id where there was none.")
    payment_method: str = pa.Field(
        isin=PAYMENT_METHODS, description="How the bill says it is paid; of a debit note, how the account paid then."
    )
    method: str = pa.Field(isin=COLLECTION_METHODS, description="direct_debit or bank_transfer.")
    reason: str = pa.Field(nullable=True, description="Why an account that pays by direct debit is not debited.")
    amount: Amount = pa.Field(gt=0, description="What was open then.", metadata={"unit": "currency"})
    currency: str = pa.Field(description="Currency of the amount, ISO 4217.")
    due_on: pl.Date = pa.Field(description="Day of the debit, or last day for the transfer.")
    mandate_reference: str = pa.Field(nullable=True, description="Mandate of the debit.")
    mandate_signed_on: pl.Date = pa.Field(nullable=True, description="Day on which the mandate was signed.")
    iban: str = pa.Field(nullable=True, description="Account debited; published without all but its country and end.")
    file: str = pa.Field(description="Name of the payment file in which it stands.")
    written_at: Instant = pa.Field(description="When that file was first written.")


class Outbox(Table):
    """E-mails about receipts, bills and notes, made in the transaction that made the document."""

    _key: ClassVar = ("document",)

    document: str = pa.Field(unique=True, description="Number of the receipt, bill or note that it is about.")
    kind: str = pa.Field(isin=MAIL_KINDS, description="receipt, bill, credit_note or debit_note.")
    billing_month: str = pa.Field(description="Month of HOME/documents in which the document lies.")
    account_id: str = pa.Field(description="The account.")
    recipient: str = pa.Field(
        description="E-mail address of the account then; of one that was in accounts.csv no more, that of its last e-mail."
    )
    message_id: str = pa.Field(unique=True, description="Message-ID of the e-mail, the same on every attempt.")
    state: str = pa.Field(isin=MAIL_STATES, description="pending, sending, sent, retry, failed or unknown.")
    attempts: pl.Int32 = pa.Field(ge=0, description="How often delivery was tried.")
    next_attempt_at: Instant = pa.Field(nullable=True, description="Not before; null where it is not tried again.")
    said: str = pa.Field(nullable=True, description="What the server said last, or why it could not be reached.")
    created_at: Instant = pa.Field(description="When the document was made.")
    changed_at: Instant = pa.Field(description="When the state was last changed.")
    accounts_sha256: str = pa.Field(description="accounts.csv as it was then, in HOME/kept.")
    settings_sha256: str = pa.Field(
        description="callbill.toml as it was then, in HOME/kept; empty where there was none."
    )
    rates_sha256: str = pa.Field(description="exchange_rates.csv as it was then, in HOME/kept; empty where none was.")
