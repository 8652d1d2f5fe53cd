"""One document as all its forms are made from: the PDF, the e-invoice inside it, UBL, the e-mail.

Plain values without a warehouse behind them, so that they go to worker processes and come out the same on every
rendering. Amounts are Decimals with as many digits as the currency's minor unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Kind = Literal["bill", "credit_note", "debit_note", "receipt"]


@dataclass(frozen=True)
class Party:
    """Seller or customer as they were when the document was made. What is unknown is empty."""

    name: str
    country: str
    """ISO 3166-1 alpha-2, or a region of the numbering plans (XK)."""
    address: str = ""
    """Street lines, separated by line breaks; of a seller maybe the whole postal address."""
    postcode: str = ""
    city: str = ""
    vat_number: str = ""
    vat_number_valid: bool = False
    """Whether its check digits are right, in whatever country of the EU."""
    registration: str = ""
    """Number in the company register; in France SIREN or SIRET."""
    email: str = ""


@dataclass(frozen=True)
class Seller:
    """The seller and how it is paid."""

    party: Party
    iban: str = ""
    bic: str = ""
    creditor_id: str = ""
    vat_currency: str = ""
    """Currency in which VAT is declared; empty: that of the document."""
    legal: dict[str, str] = field(default_factory=dict)
    """Wording of settings in the document's language, by key of [legal_en]."""
    accent: str = "#0b5f7a"


@dataclass(frozen=True)
class Line:
    """A line as it stands on the bill (BillLines, CorrectionLines)."""

    number: int
    kind: str
    """voice, sms, number_fee or adjustment."""
    direction: str
    country: str
    destination: str
    telephone: str
    """The number whose fee it is, with +."""
    usage_month: str
    events: int
    quantity: int
    unit: str
    """seconds, segments, messages or months."""
    unit_price: Decimal
    """Per minute, segment, message or month; up to six decimals."""
    amount: Decimal
    chargeable_days: int | None = None
    free_days: int | None = None


@dataclass(frozen=True)
class ItemisedLeg:
    """A leg as the annex itemises it."""

    started_at: datetime
    """In the billing time zone."""
    service: str
    direction: str
    own_number: str
    other_number: str
    destination: str
    country: str
    quantity: int
    unit: str
    """seconds, segments or messages."""
    charge: Decimal
    """Ten decimals."""


@dataclass(frozen=True)
class Change:
    """A leg whose charge a note changes, that came or that went."""

    record: ItemisedLeg
    """As it is now; as it was, where it is no longer charged for."""
    before: Decimal | None
    """What it was charged before; None where it was not."""
    now: Decimal | None
    """What it is charged now; None where it is not any more."""
    difference: Decimal
    """Now less before."""


@dataclass(frozen=True)
class Entry:
    """A movement of the customer's balance (prepaid) or of what it owes (postpaid)."""

    posted_on: date
    kind: str
    """top_up, opening_balance, refund, goodwill, bill, adjustment; bill, credit_note, debit_note, payment."""
    reference: str
    """Number of the receipt, bill or note; id of the credit or payment."""
    amount: Decimal
    balance_after: Decimal


@dataclass(frozen=True)
class Statement:
    """From one balance to the next: the movements since the document before, this one the last of them."""

    opening: Decimal
    entries: tuple[Entry, ...]
    closing: Decimal


@dataclass(frozen=True)
class Payment:
    """How it is paid: from the balance, debited under a mandate, or by transfer."""

    method: Literal["balance", "direct_debit", "bank_transfer"]
    due_on: date | None = None
    """Day of the debit, last day for the transfer; None where nothing is owed."""
    mandate_reference: str = ""
    debtor_iban: str = ""
    """Masked: its first four and last four characters are shown."""


@dataclass(frozen=True)
class Document:
    """A bill, note or receipt.

    On a credit note amounts are negative, as in correction_notes: net_amount + vat_amount = gross_amount is given back.
    """

    kind: Kind
    number: str
    issued_on: date
    """In the billing time zone; of a receipt the day of the credit."""
    language: str
    """en or fr."""
    account_id: str
    billing_mode: Literal["prepaid", "postpaid"]
    currency: str
    digits: int
    """Of the currency's minor unit."""
    seller: Seller
    buyer: Party
    period: tuple[date, date]
    """First and last day billed; of a receipt twice the day of the credit."""
    lines: tuple[Line, ...]
    net_amount: Decimal
    vat_rate: Decimal
    """As a fraction: 0.2000."""
    vat_rule: str
    """domestic, reverse_charge, eu_consumer, outside_eu or charged_at_top_up."""
    vat_amount: Decimal
    gross_amount: Decimal
    paid_amount: Decimal
    """Paid already: from the balance, or by the top-up."""
    total_owed: Decimal
    payment: Payment
    exchange_rate: Decimal | None = None
    """Units of the document's currency for one of the seller's VAT currency, on the day of issue."""
    vat_amount_declared: Decimal | None = None
    """The VAT in the seller's VAT currency, where that is another and VAT is charged; rounded to cents."""
    statement: Statement | None = None
    spend_per_day: tuple[Decimal, ...] = ()
    """Charges of usage by day of the period, ten decimals; empty where there are none."""
    forwarded: bool = False
    """Whether a tracked call on it was forwarded, which makes it two charges."""
    records: int = 0
    """Legs that the document charges for or shows; of a note, those whose charge it changes."""
    annex: tuple[ItemisedLeg, ...] = ()
    """The legs of a bill, where they are few enough."""
    changes: tuple[Change, ...] = ()
    """The legs of a note, where they are few enough."""
    rounding: Decimal = Decimal(0)
    """Of a note: what its lines of usage come to beyond the differences of its legs, as lines are rounded."""
    corrects: str = ""
    """Number of the bill that a note corrects; empty where there was none."""
    corrects_issued_on: date | None = None
    reason: str = ""
    """Why it was corrected."""
    payment_reference: str = ""
    """Of a receipt: the credit_id of the top-up."""
    balance_after: Decimal | None = None
    """Of a receipt: the customer's balance after the credit."""
