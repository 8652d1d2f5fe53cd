"""Number fees, bill lines, bills and VAT of one month. What one usage record costs is said in rating."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from stdnum.eu import vat

from tests.independent.calendar import days_of
from tests.independent.money import is_held, to_charge, to_minor, total
from tests.independent.reference import Account, Holding, Reference

Row = dict[str, Any]

EU = {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT"}
EU |= {"LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
KINDS = ["voice", "sms", "number_fee"]


def number_fees(month: str, reference: Reference) -> tuple[list[Row], list[Row]]:
    """The fees of every number held in the month, and the numbers without one, with their first row and the reason."""
    fees, without_price = [], []
    for account in reference.accounts:
        own = [holding for holding in reference.holdings if holding.account_id == account.account_id]
        for number in sorted({holding.number for holding in own}):
            fee = number_fee(month, account, number, reference)
            if isinstance(fee, str):
                first = next(holding for holding in own if holding.number == number)
                row = reference.holdings.index(first) + 1
                found = {"account_id": account.account_id, "number": number, "row": row, "reason": fee}
                without_price.append(found)
            elif fee is not None:
                fees.append(fee)
    return fees, without_price


def number_fee(month: str, account: Account, number: str, reference: Reference) -> Row | str | None:
    """One fee; None where no day is chargeable, the reason where there is no price or it is too large."""
    holdings = [
        holding
        for holding in reference.holdings
        if holding.account_id == account.account_id and holding.number == number
    ]
    free_week = free_days(account, reference)
    chargeable, free = [], []
    for day in days_of(month):
        holding = next((holding for holding in holdings if holding.held_on(day)), None)
        if holding is not None and (number, day) in free_week:
            free.append(day)
        elif holding is not None:
            chargeable.append((day, holding))
    if not chargeable:
        return None
    first_day, first_holding = chargeable[0]
    price = reference.price(
        "number_fees",
        account,
        first_day,
        country=first_holding.country,
        number_class=first_holding.number_class,
    )
    if price is None:
        return "no_price"
    monthly_fee = price.decimal("monthly_fee")
    amount = Fraction(monthly_fee)
    if price.row["proration"] == "daily":
        amount = amount * len(chargeable) / len(days_of(month))
    if not is_held(to_charge(amount)):
        return "bad_value"
    return {
        "billing_month": month,
        "account_id": account.account_id,
        "number": number,
        "country": first_holding.country,
        "number_class": first_holding.number_class,
        "chargeable_days": len(chargeable),
        "free_days": len(free),
        "monthly_fee": monthly_fee,
        "amount": to_charge(amount),
        "currency": account.currency,
    }


def free_days(account: Account, reference: Reference) -> set[tuple[str, date]]:
    """The seven free dates of the first number that an account ever used for call tracking."""
    tracked: list[Holding] = [
        holding for holding in reference.holdings if holding.account_id == account.account_id and holding.call_tracking
    ]
    if not tracked:
        return set()
    first = min(tracked, key=lambda holding: (holding.start(), holding.number))
    return {(first.number, first.first_day() + timedelta(days=days)) for days in range(7)}


def bill_lines(month: str, account: Account, rated: list[Row], fees: list[Row]) -> list[Row]:
    """The lines of one account's bill: grouped usage, then one for each number fee."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rated:
        if row["account_id"] != account.account_id or row["usage_month"] != month:
            continue
        if row["unit_price"] is None:
            continue
        key = (row["service"], row["direction"], row["country"], row["destination"], row["unit_price"])
        groups.setdefault(key, []).append(row)
    lines = []
    for (service, direction, country, destination, unit_price), rows in groups.items():
        unit, quantity = quantity_of(service, direction, rows)
        amount = to_minor(total([row["charge"] for row in rows]), account.currency)
        lines.append(
            line(month, account, service, amount)
            | {"direction": direction, "country": country, "destination": destination, "events": len(rows)}
            | {"quantity": quantity, "unit": unit, "unit_price": unit_price}
        )
    for fee in fees:
        if fee["account_id"] == account.account_id:
            amount = to_minor(Fraction(fee["amount"]), account.currency)
            lines.append(
                line(month, account, "number_fee", amount)
                | {"country": fee["country"], "number": fee["number"]}
                | {"events": 1, "quantity": 1, "unit": "months", "unit_price": fee["monthly_fee"]}
            )
    lines.sort(key=line_order)
    for number, row in enumerate(lines, start=1):
        row["line_number"] = number
    return lines


def line(month: str, account: Account, kind: str, amount: Decimal) -> Row:
    """A line with what every line has."""
    return {
        "billing_month": month,
        "account_id": account.account_id,
        "line_number": 0,
        "kind": kind,
        "direction": None,
        "country": None,
        "destination": None,
        "number": None,
        "usage_month": month,
        "events": 0,
        "quantity": 0,
        "unit": "",
        "unit_price": Decimal(0),
        "amount": amount,
        "currency": account.currency,
    }


def line_order(row: Row) -> tuple[Any, ...]:
    """The order of lines on a bill."""
    texts = [row[name] or "" for name in ("direction", "country", "destination", "number")]
    return KINDS.index(row["kind"]), *texts, row["unit_price"]


def quantity_of(service: str, direction: str, rows: list[Row]) -> tuple[str, int]:
    """The unit of a usage line and how many of it were charged."""
    if service == "voice":
        return "seconds", sum(row["billed_seconds"] for row in rows)
    if direction == "outbound":
        return "segments", sum(row["segments"] for row in rows)
    return "messages", len(rows)


def bill(month: str, account: Account, lines: list[Row], seller_country: str, reference: Reference) -> Row | None:
    """The account's draft bill; None where it was not open on any day and has nothing to bill."""
    days = days_of(month)
    if not lines and not any(account.open_on(day) for day in days):
        return None
    net = total([row["amount"] for row in lines])
    prepaid = account.billing_mode == "prepaid"
    if prepaid:
        rule, rate = "charged_at_top_up", Decimal(0)
    else:
        rule, rate = vat_of(account, days[-1], seller_country, reference)
    vat_amount = to_minor(net * Fraction(rate), account.currency)
    net_amount = to_minor(net, account.currency)
    gross = net_amount + vat_amount
    return {
        "billing_month": month,
        "account_id": account.account_id,
        "bill_number": None,
        "status": "draft",
        "billing_mode": account.billing_mode,
        "payment_method": account.payment_method,
        "currency": account.currency,
        "net_amount": net_amount,
        "vat_rate": rate,
        "vat_rule": rule,
        "vat_amount": vat_amount,
        "gross_amount": gross,
        "paid_from_balance": net_amount if prepaid else to_minor(Fraction(0), account.currency),
        "total_owed": to_minor(Fraction(0), account.currency) if prepaid else gross,
        "issued_at": None,
    }


def vat_of(account: Account, day: date, seller_country: str, reference: Reference) -> tuple[str, Decimal]:
    """The VAT rule and rate of a document of a day for an account."""
    if account.country == seller_country:
        return "domestic", reference.vat_rate(seller_country, day)
    if account.country not in EU:
        return "outside_eu", Decimal(0)
    if is_business_elsewhere(account.vat_number, seller_country):
        return "reverse_charge", Decimal(0)
    return "eu_consumer", reference.vat_rate(account.country, day)


def is_business_elsewhere(vat_number: str, seller_country: str) -> bool:
    """Whether a VAT number is valid and of an EU country other than the seller's."""
    if not vat_number or not vat.is_valid(vat_number):
        return False
    country = vat.compact(vat_number)[:2]
    country = "GR" if country == "EL" else country
    return country in EU and country != seller_country
