"""Accounts, numbers, credits and prices, and the questions asked of them. No charge is computed here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.independent.calendar import local_date, midnight, parse_moment
from tests.independent.inputs import read_price_tables, read_reference
from tests.independent.mediation import with_plus


@dataclass(frozen=True)
class Account:
    """One row of accounts.csv; dates are dates of the billing time zone."""

    account_id: str
    country: str
    vat_number: str
    billing_mode: str
    payment_method: str
    currency: str
    price_list: str
    opened_on: date
    closed_on: date | None

    def open_on(self, day: date) -> bool:
        """Whether the account is open on a date; the day it closes is its last."""
        return self.opened_on <= day and (self.closed_on is None or day <= self.closed_on)


@dataclass(frozen=True)
class Holding:
    """One row of numbers.csv: a number in the hands of one account, from a date or moment to another."""

    number: str
    account_id: str
    country: str
    number_class: str
    call_tracking: bool
    assigned_at: date | datetime
    released_at: date | datetime | None
    zone: ZoneInfo

    def start(self) -> datetime:
        """The first moment of the holding."""
        if isinstance(self.assigned_at, datetime):
            return self.assigned_at
        return midnight(self.assigned_at, self.zone)

    def holds_at(self, moment: datetime) -> bool:
        """Whether the number is held at a moment."""
        if moment < self.start():
            return False
        if isinstance(self.released_at, datetime):
            return moment <= self.released_at
        return self.released_at is None or local_date(moment, self.zone) <= self.released_at

    def first_day(self) -> date:
        """The date of the assignment."""
        return local_date(self.start(), self.zone)

    def held_on(self, day: date) -> bool:
        """Whether the number is held on a date; those of assignment and release count."""
        released = self.released_at
        last = local_date(released, self.zone) if isinstance(released, datetime) else released
        return self.first_day() <= day and (last is None or day <= last)


@dataclass(frozen=True)
class Credit:
    """One row of credits.csv; the amount is net and signed."""

    credit_id: str
    account_id: str
    kind: str
    amount: Decimal
    currency: str
    credited_at: datetime


@dataclass(frozen=True)
class Price:
    """A price row in force: the list it stands in, its first day and its columns as text."""

    price_list: str
    valid_from: date
    row: dict[str, str]

    def decimal(self, column: str) -> Decimal:
        """A price as a decimal; an empty one is 0."""
        return Decimal(self.row[column] or "0")

    def whole(self, column: str) -> int:
        """An increment in seconds; an empty one is 1."""
        return int(self.row[column] or "1")


@dataclass(frozen=True)
class Reference:
    """Everything looked up while rating and billing, in the order of the files; and what one record may last and cost
    at most (0: anything)."""

    zone: ZoneInfo
    accounts: list[Account]
    holdings: list[Holding]
    credits: list[Credit]
    prices: dict[str, list[dict[str, str]]]
    record_seconds: int = 2678400
    record_amount: int = 0

    def account(self, account_id: str) -> Account | None:
        """The account of this id, if there is one."""
        for account in self.accounts:
            if account.account_id == account_id:
                return account
        return None

    def holding(self, number: str, moment: datetime) -> Holding | None:
        """Who holds a number at a moment; where a release and an assignment meet, the later holder."""
        found = None
        for holding in self.holdings:
            if holding.number != number or not holding.holds_at(moment):
                continue
            if found is None or holding.start() > found.start():
                found = holding
        return found

    def destination(self, number: str) -> dict[str, str] | None:
        """The row of destinations with the longest prefix of a number; `number` with its `+`."""
        found = None
        for row in self.prices["destinations"]:
            if not number.removeprefix("+").startswith(row["prefix"]):
                continue
            if found is None or len(row["prefix"]) > len(found["prefix"]):
                found = row
        return found

    def price(self, table: str, account: Account, day: date, **key: str) -> Price | None:
        """The row of a key in force on a day: of the account's own list, else of its currency's default."""
        default = "default_" + account.currency.lower()
        for price_list in (account.price_list or default, default):
            found = None
            for row in self.prices[table]:
                valid_from = date.fromisoformat(row["valid_from"])
                if row["price_list"] != price_list or any(row[name] != value for name, value in key.items()):
                    continue
                if valid_from <= day and (found is None or valid_from > found.valid_from):
                    found = Price(price_list, valid_from, row)
            if found is not None:
                return found
        return None

    def vat_rate(self, country: str, day: date) -> Decimal:
        """The standard rate of a country in force on a day; it must be there."""
        found = None
        for row in self.prices["vat_rates"]:
            if row["country"] != country or date.fromisoformat(row["valid_from"]) > day:
                continue
            if found is None or row["valid_from"] > found["valid_from"]:
                found = row
        if found is None:
            raise ValueError(f"vat_rates has no rate of {country} in force on {day}")
        return Decimal(found["rate"])


def load_reference(home: Path, price_tables: Path, zone: ZoneInfo) -> Reference:
    """The reference files and price tables as values; holdings that overlap are an error."""
    tables = read_reference(home)
    accounts = [
        Account(
            row["account_id"],
            row["country"],
            row["vat_number"],
            row["billing_mode"],
            row["payment_method"],
            row["currency"],
            row["price_list"],
            date.fromisoformat(row["opened_on"]),
            date.fromisoformat(row["closed_on"]) if row["closed_on"] else None,
        )
        for row in tables["accounts"]
    ]
    holdings = [
        Holding(
            with_plus(row["number"]),
            row["account_id"],
            row["country"],
            row["number_class"],
            row["call_tracking"] == "true",
            day_or_moment(row["assigned_at"]),
            day_or_moment(row["released_at"]) if row["released_at"] else None,
            zone,
        )
        for row in tables["numbers"]
    ]
    refuse_overlaps(holdings)
    received = [
        Credit(
            row["credit_id"],
            row["account_id"],
            row["kind"],
            Decimal(row["amount"]),
            row["currency"],
            moment_of(row["credited_at"]),
        )
        for row in tables["credits"]
    ]
    return Reference(zone, accounts, holdings, received, read_price_tables(price_tables))


def day_or_moment(text: str) -> date | datetime:
    """A date, or a moment with its offset."""
    return date.fromisoformat(text) if len(text) == len("2026-10-01") else moment_of(text)


def moment_of(text: str) -> datetime:
    """A moment with its offset, which must be one."""
    moment = parse_moment(text)
    if moment is None:
        raise ValueError(f"{text!r} is no moment with an offset")
    return moment


def refuse_overlaps(holdings: list[Holding]) -> None:
    """Two holdings of one number may meet in one instant, and share no other."""
    for one in holdings:
        for other in holdings:
            if one is other or one.number != other.number:
                continue
            if one.start() == other.start():
                raise ValueError(f"{one.number} is assigned twice at {one.start()}")
            meets = one.released_at == other.start()
            if one.start() < other.start() and one.holds_at(other.start()) and not meets:
                raise ValueError(f"{one.number} is still held when it is assigned at {other.start()}")
