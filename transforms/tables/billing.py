"""Bills and what stands on them, receipts, and the ledger of customers' balances."""

from __future__ import annotations

from typing import ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import Amount, Charge, ChargeSum, Instant, Price, Rate, Table
from transforms.tables.usage import RatedUsage
from transforms.tables.vocabulary import (
    BILL_STATUSES,
    BILLING_MODES,
    CREDIT_KINDS,
    DIRECTIONS,
    LINE_KINDS,
    NOTE_KINDS,
    PAYMENT_METHODS,
    UNITS,
    VAT_RULES,
)

_MONTH = "Month billed, as 2026-10."
_CURRENCY = "Currency of every amount of the row, ISO 4217."
_MONEY = {"unit": "currency"}


class NumberFees(Table):
    """Monthly fees of numbers with at least one chargeable day in the month."""

    _key: ClassVar = ("billing_month", "account_id", "number")

    billing_month: str = pa.Field(description=_MONTH)
    account_id: str = pa.Field(description="The account charged.")
    number: str = pa.Field(description="The number, E.164 with +.")
    country: str = pa.Field(description="Country of the number.")
    number_class: str = pa.Field(description="Class of the number.")
    chargeable_days: pl.Int32 = pa.Field(
        ge=1, le=31, description="Days held that are not free.", metadata={"unit": "days"}
    )
    free_days: pl.Int32 = pa.Field(ge=0, le=7, description="Days held within the free week.", metadata={"unit": "days"})
    price_list: str = pa.Field(description="List of the fee used.")
    price_valid_from: pl.Date = pa.Field(description="Day from which the fee used is in force.")
    proration: str = pa.Field(description="none: whole months; daily: by chargeable days.")
    monthly_fee: Price = pa.Field(ge=0, description="Fee of one calendar month.", metadata=_MONEY)
    amount: Charge = pa.Field(ge=0, description="Fee charged, rounded once to ten decimals.", metadata=_MONEY)
    currency: str = pa.Field(description=_CURRENCY)


class BillLines(Table):
    """The lines of bills: usage by price, one line per number fee, adjustments."""

    _key: ClassVar[tuple[str, ...]] = ("billing_month", "account_id", "line_number")

    billing_month: str = pa.Field(description=_MONTH)
    account_id: str = pa.Field(description="The account billed.")
    line_number: pl.Int32 = pa.Field(ge=1, description="Position of the line on its bill, from 1.")
    kind: str = pa.Field(isin=LINE_KINDS, description="voice, sms, number_fee or adjustment.")
    direction: str = pa.Field(nullable=True, isin=DIRECTIONS, description="inbound or outbound; null for fees.")
    country: str = pa.Field(nullable=True, description="Country that decides the price.")
    destination: str = pa.Field(nullable=True, description="Destination of outbound usage.")
    number: str = pa.Field(nullable=True, description="The number whose monthly fee this is.")
    usage_month: str = pa.Field(description="Month of the usage; another than billing_month when it came late.")
    events: pl.Int64 = pa.Field(ge=1, description="Legs, messages or fees in the line.")
    quantity: pl.Int64 = pa.Field(ge=0, description="Sum of what is charged, in `unit`.")
    unit: str = pa.Field(isin=UNITS, description="seconds, segments, messages or months.")
    unit_price: Price = pa.Field(description="Price per minute, segment, message or month.", metadata=_MONEY)
    charge: ChargeSum = pa.Field(description="Sum of the charges before rounding.", metadata=_MONEY)
    amount: Amount = pa.Field(description="The line: its charges, rounded once to the minor unit.", metadata=_MONEY)
    currency: str = pa.Field(description=_CURRENCY)


class Bills(Table):
    """One bill an account and month, also where nothing stands on it."""

    _key: ClassVar = ("billing_month", "account_id")

    billing_month: str = pa.Field(description=_MONTH)
    account_id: str = pa.Field(description="The account billed.")
    bill_number: str = pa.Field(nullable=True, description="Number of the issued bill; null while it is a draft.")
    status: str = pa.Field(isin=BILL_STATUSES, description="draft, issued or parked.")
    billing_mode: str = pa.Field(isin=BILLING_MODES, description="prepaid or postpaid.")
    payment_method: str = pa.Field(isin=PAYMENT_METHODS, description="How it is paid.")
    currency: str = pa.Field(description=_CURRENCY)
    net_amount: Amount = pa.Field(description="Sum of the bill's lines.", metadata=_MONEY)
    vat_rate: Rate = pa.Field(description="Rate applied, as a fraction.")
    vat_rule: str = pa.Field(isin=VAT_RULES, description="Why that rate.")
    vat_amount: Amount = pa.Field(description="VAT, rounded once to the minor unit.", metadata=_MONEY)
    gross_amount: Amount = pa.Field(description="Net amount and VAT.", metadata=_MONEY)
    paid_from_balance: Amount = pa.Field(description="Prepaid: the net amount. Postpaid: 0.", metadata=_MONEY)
    total_owed: Amount = pa.Field(description="Prepaid: 0, always. Postpaid: net amount and VAT.", metadata=_MONEY)
    issued_at: Instant = pa.Field(nullable=True, description="When it was issued; null while it is a draft.")


class Receipts(Table):
    """One receipt a top-up, made when the top-up is first known and never changed."""

    _key: ClassVar = ("receipt_number",)

    receipt_number: str = pa.Field(unique=True, description="Number of the receipt.")
    credit_id: str = pa.Field(unique=True, description="The top-up it acknowledges.")
    account_id: str = pa.Field(description="The account credited.")
    credited_at: Instant = pa.Field(description="When the credit took effect.")
    credited_amount: Amount = pa.Field(description="Net amount added to the balance.", metadata=_MONEY)
    vat_rate: Rate = pa.Field(description="Rate applied, as a fraction.")
    vat_rule: str = pa.Field(isin=VAT_RULES, description="Why that rate.")
    vat_amount: Amount = pa.Field(description="VAT on top of the credit, rounded once.", metadata=_MONEY)
    total_paid: Amount = pa.Field(description="Credited amount and VAT.", metadata=_MONEY)
    balance_after: Amount = pa.Field(
        description="Credits so far, less issued bills, less usage not yet on an issued bill.", metadata=_MONEY
    )
    currency: str = pa.Field(description=_CURRENCY)


class Ledger(Table):
    """Movements of customers' balances: credits, and the bills paid from them."""

    _key: ClassVar = ("account_id", "entry_number")

    account_id: str = pa.Field(description="The account whose balance moves.")
    entry_number: pl.Int32 = pa.Field(ge=1, description="Position of the entry in the account's ledger, from 1.")
    posted_at: Instant = pa.Field(description="When it took effect; a bill at the last moment of its month.")
    kind: str = pa.Field(isin=(*CREDIT_KINDS, "bill", "adjustment"), description="What moved the balance.")
    reference: str = pa.Field(description="credit_id, or the bill's number (its month while it is a draft).")
    amount: Amount = pa.Field(description="Signed movement.", metadata=_MONEY)
    balance_after: Amount = pa.Field(description="Sum of the account's entries up to this one.", metadata=_MONEY)
    currency: str = pa.Field(description=_CURRENCY)


class CorrectedUsage(RatedUsage):
    """The legs of corrected accounts as a correction rated them: what a credit or debit note follows from."""

    _key: ClassVar[tuple[str, ...]] = ("billing_month", "note_number", "usage_id")

    note_number: str = pa.Field(description="The note of the account that the leg belongs to.")


class CorrectionLines(BillLines):
    """The lines of credit and debit notes: what was charged is taken back, what is right is charged."""

    _key: ClassVar[tuple[str, ...]] = ("billing_month", "note_number", "line_number")

    note_number: str = pa.Field(description="The note on which the line stands.")
    line_number: pl.Int32 = pa.Field(ge=1, description="Position of the line on its note, from 1.")
    events: pl.Int64 = pa.Field(description="Legs, messages or fees more or less.")
    quantity: pl.Int64 = pa.Field(description="What is charged more or less, in `unit`.")


class CorrectionNotes(Table):
    """Credit and debit notes: the only way in which what an issued bill says is ever changed."""

    _key: ClassVar = ("note_number",)

    billing_month: str = pa.Field(description="Month of the bill that is corrected.")
    account_id: str = pa.Field(description="The account.")
    note_number: str = pa.Field(unique=True, description="Number of the note, from the series of its kind.")
    kind: str = pa.Field(isin=NOTE_KINDS, description="credit_note: less is owed; debit_note: more.")
    bill_number: str = pa.Field(nullable=True, description="The bill that is corrected; null where there was none.")
    reason: str = pa.Field(description="Why, as the customer reads it.")
    billing_mode: str = pa.Field(isin=BILLING_MODES, description="prepaid or postpaid.")
    currency: str = pa.Field(description=_CURRENCY)
    net_amount: Amount = pa.Field(description="Sum of the note's lines; negative on a credit note.", metadata=_MONEY)
    vat_rate: Rate = pa.Field(description="Rate of the bill, as a fraction.")
    vat_rule: str = pa.Field(isin=VAT_RULES, description="Why that rate.")
    vat_amount: Amount = pa.Field(description="VAT, rounded once to the minor unit.", metadata=_MONEY)
    gross_amount: Amount = pa.Field(description="Net amount and VAT.", metadata=_MONEY)
    paid_from_balance: Amount = pa.Field(description="Prepaid: the net amount. Postpaid: 0.", metadata=_MONEY)
    total_owed: Amount = pa.Field(description="Prepaid: 0. Postpaid: net amount and VAT.", metadata=_MONEY)
    issued_at: Instant = pa.Field(description="When it was issued.")
