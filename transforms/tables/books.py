"""The books: what postpaid customers owe, which documents are open, and the month-end totals as journal lines."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import AMOUNT_SCALE, Amount, Instant, Table
from transforms.tables.vocabulary import (
    DOCUMENT_KINDS,
    JOURNAL_ACCOUNTS,
    JOURNAL_DOCUMENTS,
    RECEIVABLE_KINDS,
)

Total = Annotated[pl.Decimal, 38, AMOUNT_SCALE]
"""A total of amounts of many documents."""

_CURRENCY = "Currency of every amount of the row, ISO 4217."
_MONEY = {"unit": "currency"}


class Receivables(Table):
    """What postpaid customers owe: issued bills and notes, and payments, with the balance after each."""

    _key: ClassVar = ("account_id", "entry_number")

    account_id: str = pa.Field(description="The account that owes.")
    entry_number: pl.Int32 = pa.Field(ge=1, description="Position of the entry in the account's statement, from 1.")
    posted_at: Instant = pa.Field(description="When the document was issued, or the payment made.")
    kind: str = pa.Field(isin=RECEIVABLE_KINDS, description="bill, credit_note, debit_note or payment.")
    reference: str = pa.Field(description="Number of the bill or note, or the payment_id.")
    document: str = pa.Field(
        nullable=True, description="The open item that the entry counts on; null for a payment that matches none."
    )
    amount: Amount = pa.Field(description="Owed: positive. Paid or credited: negative.", metadata=_MONEY)
    balance_after: Amount = pa.Field(
        description="Sum of the account's entries in this currency up to this one.", metadata=_MONEY
    )
    currency: str = pa.Field(description=_CURRENCY)


class OpenItems(Table):
    """Issued postpaid documents with what is paid of them, also once nothing is open."""

    _key: ClassVar = ("document",)

    document: str = pa.Field(unique=True, description="Number of the bill or note.")
    kind: str = pa.Field(isin=DOCUMENT_KINDS, description="bill, debit_note, or a credit_note that matches no bill.")
    account_id: str = pa.Field(description="The account that owes.")
    billing_month: str = pa.Field(description="Month billed or corrected, as 2026-10.")
    issued_at: Instant = pa.Field(description="When it was issued.")
    due_on: pl.Date = pa.Field(description="Last day on which it is not overdue, in the billing time zone.")
    amount: Amount = pa.Field(description="What the document says is owed.", metadata=_MONEY)
    corrected: Amount = pa.Field(description="Sum of the credit notes that name the bill.", metadata=_MONEY)
    paid: Amount = pa.Field(description="Sum of the account's payments that name the document.", metadata=_MONEY)
    open_amount: Amount = pa.Field(
        description="amount + corrected - paid; below zero where too much was paid.", metadata=_MONEY
    )
    currency: str = pa.Field(description=_CURRENCY)


class Journal(Table):
    """Month-end totals of what is issued, posted and paid, as lines of double entry."""

    _key: ClassVar = ("billing_month", "document", "currency", "account")

    billing_month: str = pa.Field(description="Month of the books, as 2026-10.")
    document: str = pa.Field(isin=JOURNAL_DOCUMENTS, description="The documents that are added up.")
    currency: str = pa.Field(description=_CURRENCY)
    account: str = pa.Field(isin=JOURNAL_ACCOUNTS, description="Account of the books; no customer's.")
    debit: Total = pa.Field(ge=0, description="Total on the debit side; 0 on a credit line.", metadata=_MONEY)
    credit: Total = pa.Field(ge=0, description="Total on the credit side; 0 on a debit line.", metadata=_MONEY)
