"""Which legs wait since they are longer or dearer than a person lets pass, or than a charge holds."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.frames import book, sms_outbound, voice_outbound
from tests.unit.transforms.rating.test_rate import Row, rate_all, rated, suspended
from transforms.rating.book import RatingBook
from transforms.rating.bounds import UNBOUNDED, RecordBounds

DAY = 86_400
LONGEST = 2_147_483_647


def by(price: str = "0.012", bounds: RecordBounds = UNBOUNDED, **columns: object) -> RatingBook:
    """A book with one price a minute, and one a segment."""
    row: Row = {"destination": "France", "price_per_minute": Decimal(price), **columns}
    sms = sms_outbound({"country": "FR", "price_per_segment": Decimal(price)})
    found = book(voice_outbound=voice_outbound(row), sms_outbound=sms)
    return replace(found, bounds=bounds)


def call(seconds: int) -> Row:
    return {"billable_seconds": seconds}


def test_by_itself_a_call_may_last_a_month_and_cost_anything() -> None:
    assert RecordBounds() == RecordBounds(record_seconds=31 * DAY, record_amount=0)
    large = by("60000", RecordBounds())
    assert rated(call(DAY), large)["charge"] == Decimal(86_400_000)


def test_a_call_longer_than_the_bound_waits() -> None:
    at_most = by(bounds=RecordBounds(record_seconds=600))
    assert rated(call(600), at_most)["charge"] == Decimal("0.12")
    assert suspended(call(601), at_most) == (
        "bad_value",
        "lasts 601 s, and the bound is 600 s: if it is right, raise [bounds] record_seconds in callbill.toml and recycle",
    )


def test_a_charge_above_the_bound_waits() -> None:
    at_most = by("10", RecordBounds(record_seconds=0, record_amount=1000))
    assert rated(call(6000), at_most)["charge"] == Decimal(1000)
    assert suspended(call(6001), at_most) == (
        "bad_value",
        (
            "costs 1000.1666666667 EUR, and the bound is 1,000: if it is right, raise [bounds] record_amount in callbill.toml "
            "and recycle"
        ),
    )


def test_what_is_not_charged_is_held_to_no_bound() -> None:
    least = by("100", RecordBounds(record_seconds=1, record_amount=1))
    assert rated({"status": "no_answer", "billable_seconds": 0}, least)["charge"] == 0


def test_a_forwarded_leg_waits_by_itself() -> None:
    row = {"direction": "inbound", "billable_seconds": 60}
    forwarded = row | {"forwarded_to": "+33145000001", "forwarded_seconds": 601}
    found = rate_all(forwarded, by=by(bounds=RecordBounds(record_seconds=600)))
    assert found.rated["leg"].to_list() == ["main"]
    assert found.suspended.select("leg", "reason").rows() == [("forwarded", "bad_value")]


def test_an_account_is_looked_for_before_a_bound() -> None:
    assert suspended(call(601) | {"account_id": "?"}, by(bounds=RecordBounds(600)))[0] == "account_unknown"


@pytest.mark.parametrize(
    ("price", "seconds", "charge"),
    [
        ("60000", 86_400, Decimal(86_400_000)),
        ("60000", 99_999, Decimal(99_999_000)),
        ("60", 99_999_999, Decimal(99_999_999)),
        ("99999999.999999", 60, Decimal("99999999.999999")),
        ("0.012", LONGEST, Decimal("429496.7294")),
        ("999999999999.999999", 0, Decimal(0)),
    ],
)
def test_a_charge_that_the_type_holds_is_charged(price: str, seconds: int, charge: Decimal) -> None:
    assert rated(call(seconds), by(price))["charge"] == charge


@pytest.mark.parametrize(
    ("price", "seconds"), [("3", LONGEST), ("60000", 100_000), ("100000000", 60), ("999999999999.999999", LONGEST)]
)
def test_one_that_it_does_not_hold_waits_alone(price: str, seconds: int) -> None:
    found = rate_all(call(seconds), {"record_id": "r2", **call(0)}, by=by(price))
    assert found.rated["record_id"].to_list() == ["r2"]
    amount = f"{Decimal(price):.6f}"
    detail = f"costs 100,000,000 or more, which is more than a charge holds: {seconds} s at {amount} EUR a minute"
    assert found.suspended.select("reason", "detail").rows() == [("bad_value", detail)]


def test_a_connection_fee_alone_can_be_too_much() -> None:
    assert suspended(call(1), by(connection_fee=Decimal(100_000_000)))[0] == "bad_value"


def test_increments_that_make_too_many_seconds_wait() -> None:
    steps = by(first_increment=60, increment=60)
    assert suspended(call(LONGEST), steps) == (
        "bad_value",
        f"lasts {LONGEST} s, and in the increments of its price more than 2,147,483,647 s",
    )


def test_a_message_that_costs_too_much_waits() -> None:
    message = {"service": "sms", "billable_seconds": 0, "segments": 100, "status": "sent"}
    assert rated(message, by("999999.999999"))["charge"] == Decimal("99999999.9999")
    assert suspended(message, by("1000000")) == (
        "bad_value",
        "costs 100,000,000 or more, which is more than a charge holds: 100 segments at 1000000.000000 EUR each",
    )
