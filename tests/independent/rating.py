"""The account, price and charge of one leg of a usage record. What a bill groups is said in billing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.independent.calendar import local_date, local_month
from tests.independent.mediation import LONGEST, Leg, Usage
from tests.independent.money import is_held, to_charge
from tests.independent.reference import Account, Price, Reference

Row = dict[str, Any]


def rate(usage: Usage, leg: Leg, reference: Reference) -> Row | str:
    """One row of rated usage (without its file), or the reason why there is none."""
    if leg.reason is not None:
        return leg.reason
    day = local_date(usage.started_at, reference.zone)
    account = account_of(usage, leg, day, reference)
    if account is None:
        return "account_unknown"
    if reference.record_seconds and leg.billable_seconds > reference.record_seconds:
        return "bad_value"
    to_charge_for = usage.charged and (usage.service == "sms" or leg.billable_seconds != 0)
    place = place_of(leg, usage, reference)
    price = None
    if to_charge_for:
        if leg.direction == "outbound" and place["destination"] is None:
            return "no_destination"
        price = price_of(usage, leg, place, account, day, reference)
        if price is None:
            return "no_price"
    billed_seconds, unit_price, charge = charge_of(usage.service, leg, price)
    if billed_seconds > LONGEST or not is_held(charge):
        return "bad_value"
    if reference.record_amount and charge > reference.record_amount:
        return "bad_value"
    return {
        "record_id": usage.record_id,
        "leg": leg.leg,
        "account_id": account.account_id,
        "service": usage.service,
        "direction": leg.direction,
        "own_number": leg.own_number,
        "other_number": leg.other_number,
        "started_at": usage.started_at,
        "usage_month": local_month(usage.started_at, reference.zone),
        "linked_id": usage.linked_id,
        "billable_seconds": leg.billable_seconds,
        "billed_seconds": billed_seconds,
        "segments": leg.segments,
        "destination": place["destination"],
        "country": place["country"],
        "price_list": price.price_list if price else None,
        "price_valid_from": price.valid_from if price else None,
        "unit_price": unit_price,
        "charge": charge,
        "currency": account.currency,
    }


def account_of(usage: Usage, leg: Leg, day: date, reference: Reference) -> Account | None:
    """The stated account, else the holder of the own number, if that account is open on the day."""
    account_id = usage.account_id
    if account_id is None:
        holding = reference.holding(leg.own_number, usage.started_at)
        account_id = holding.account_id if holding else ""
    account = reference.account(account_id)
    return account if account is not None and account.open_on(day) else None


def place_of(leg: Leg, usage: Usage, reference: Reference) -> dict[str, str | None]:
    """Destination and country of an outbound leg; country and class of the own number of an inbound one."""
    if leg.direction == "outbound":
        row = reference.destination(leg.other_number) or {}
        return {"destination": row.get("destination"), "country": row.get("country"), "number_class": None}
    holding = reference.holding(leg.own_number, usage.started_at)
    if holding is None:
        return {"destination": None, "country": None, "number_class": None}
    return {"destination": None, "country": holding.country, "number_class": holding.number_class}


def price_of(
    usage: Usage, leg: Leg, place: dict[str, str | None], account: Account, day: date, reference: Reference
) -> Price | None:
    """The price row in force for a charged leg on the day it started."""
    country = place["country"] or ""
    if usage.service == "voice" and leg.direction == "outbound":
        return reference.price("voice_outbound", account, day, destination=place["destination"] or "")
    if usage.service == "voice":
        number_class = place["number_class"]
        if number_class is None:
            return None
        return reference.price("voice_inbound", account, day, country=country, number_class=number_class)
    if leg.direction == "outbound":
        return reference.price("sms_outbound", account, day, country=country)
    return reference.price("sms_inbound", account, day)


def charge_of(service: str, leg: Leg, price: Price | None) -> tuple[int, Decimal | None, Decimal]:
    """Billed seconds (of a call), unit price and charge; without a price there was nothing to charge."""
    if price is None:
        return 0, None, Decimal(0)
    if service == "voice":
        seconds = billed_seconds_of(leg.billable_seconds, price.whole("first_increment"), price.whole("increment"))
        unit_price = price.decimal("price_per_minute")
        charge = Fraction(price.decimal("connection_fee")) + Fraction(unit_price) * seconds / 60
        return seconds, unit_price, to_charge(charge)
    if leg.direction == "outbound":
        unit_price = price.decimal("price_per_segment")
        return 0, unit_price, to_charge(Fraction(unit_price) * (leg.segments or 0))
    unit_price = price.decimal("price_per_message")
    return 0, unit_price, to_charge(Fraction(unit_price))


def billed_seconds_of(seconds: int, first_increment: int, increment: int) -> int:
    """The seconds charged for an answered call: none for 0 s, else the first increment, then whole steps."""
    if seconds == 0:
        return 0
    billed = first_increment
    steps = -(-max(0, seconds - first_increment) // increment)
    return billed + steps * increment
