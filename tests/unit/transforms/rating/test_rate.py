"""One leg of usage gets its account, its price and its charge, or a reason why not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.unit.frames import (
    accounts,
    book,
    fee_prices,
    moment,
    numbers,
    records,
    voice_inbound,
    voice_outbound,
)
from transforms.mediation.legs import legs
from transforms.rating.book import RatingBook
from transforms.rating.rate import Rated, rate

D = Decimal
Row = dict[str, Any]
FILES = pl.DataFrame(
    {"file_number": [1], "file_id": ["f" * 64]}, schema={"file_number": pl.Int32, "file_id": pl.String}
)
BOOK = book()

OUT: Row = {}
IN: Row = {"direction": "inbound", "other_number": "anonymous"}
SMS_OUT: Row = {"service": "sms", "status": "sent", "billable_seconds": 0, "segments": 3}
SMS_IN: Row = SMS_OUT | IN | {"status": "received"}
UNKNOWN = "+881612345678"
STRANGER = "+33199999999"


def rate_all(*rows: Row, by: RatingBook = BOOK) -> Rated:
    return rate(legs(records(*rows)), by, files=FILES, month="2026-10", billing_month="2026-10")


def rated(row: Row, by: RatingBook = BOOK) -> Row:
    found = rate_all(row, by=by)
    assert found.suspended.is_empty(), found.suspended.to_dicts()
    return found.rated.to_dicts()[0]


def suspended(row: Row, by: RatingBook = BOOK) -> tuple[str, str]:
    found = rate_all(row, by=by)
    assert found.rated.is_empty()
    return found.suspended.select("reason", "detail").row(0)


@pytest.mark.parametrize(
    ("row", "charge", "unit_price", "destination", "country"),
    [
        pytest.param(OUT, "0.0166", "0.012", "France", "FR", id="outbound call, by destination"),
        pytest.param({"other_number": "+33639980001"}, "0.0415", "0.03", "France mobile", "FR", id="longest prefix"),
        pytest.param(IN, "0.0083", "0.006", None, "FR", id="inbound call, by the own number"),
        pytest.param(SMS_OUT, "0.15", "0.05", "France", "FR", id="outbound message, three segments"),
        pytest.param(SMS_IN, "0.01", "0.01", None, "FR", id="inbound message, once whatever its length"),
        pytest.param(SMS_IN | {"segments": None}, "0.01", "0.01", None, "FR", id="inbound message of no known length"),
    ],
)
def test_each_service_and_direction_has_its_price(
    row: Row, charge: str, unit_price: str, destination: str | None, country: str
) -> None:
    found = rated(row)
    assert (found["charge"], found["unit_price"]) == (D(charge), D(unit_price))
    assert (found["destination"], found["country"], found["currency"]) == (destination, country, "EUR")
    assert (found["price_list"], found["price_valid_from"]) == ("default_eur", date(2025, 1, 1))


def test_a_rated_leg_says_where_it_comes_from() -> None:
    found = rated(OUT | {"record_id": "c-7", "record_number": 12})
    assert (found["usage_id"], found["file_id"], found["record_number"]) == (
        "standard:voice:c-7",
        "f" * 64,
        12,
    )
    assert (found["usage_month"], found["billing_month"], found["account_id"]) == ("2026-10", "2026-10", "A")


def test_a_forwarded_call_is_two_charges_each_by_its_own_duration_and_price() -> None:
    call = IN | {"record_id": "c", "forwarded_to": "+33639980001", "forwarded_seconds": 60, "linked_id": "c"}
    columns = ("usage_id", "leg", "direction", "billable_seconds", "charge", "linked_id")
    assert rate_all(call).rated.select(columns).rows() == [
        ("standard:voice:c:forwarded", "forwarded", "outbound", 60, D("0.03"), "c"),
        ("standard:voice:c", "main", "inbound", 83, D("0.0083"), "c"),
    ]


def test_a_leg_that_has_no_price_is_suspended_and_the_other_is_charged() -> None:
    call = IN | {"forwarded_to": UNKNOWN, "forwarded_seconds": 60}
    found = rate_all(call)
    assert found.rated["leg"].to_list() == ["main"]
    assert found.suspended.select("leg", "reason").rows() == [("forwarded", "no_destination")]


@pytest.mark.parametrize(
    "row",
    [
        OUT | {"status": "no_answer", "billable_seconds": 0},
        OUT | {"billable_seconds": 0},
        IN | {"status": "busy", "billable_seconds": 0},
        SMS_OUT | {"status": "failed", "segments": None},
        SMS_OUT | {"status": "rejected"},
        SMS_IN | {"status": "failed"},
    ],
)
@pytest.mark.parametrize("place", [{}, {"other_number": UNKNOWN}, {"other_number": "+12125550142"}])
def test_what_costs_nothing_needs_neither_destination_nor_price(row: Row, place: Row) -> None:
    found = rated(row | place)
    assert (found["charge"], found["unit_price"], found["price_list"], found["price_valid_from"]) == (
        0,
        None,
        None,
        None,
    )
    assert (found["billed_seconds"], found["connection_fee"], found["currency"]) == (0, 0, "EUR")


def test_a_price_of_nothing_is_a_price() -> None:
    free = book(voice_outbound=voice_outbound({"destination": "France", "price_per_minute": D(0)}))
    found = rated(OUT, free)
    assert (found["charge"], found["unit_price"], found["billed_seconds"]) == (0, 0, 83)


def test_increments_and_connection_fee_come_with_the_price() -> None:
    row = {
        "destination": "France",
        "price_per_minute": D("0.06"),
        "connection_fee": D("0.1"),
        "first_increment": 60,
        "increment": 30,
    }
    found = rated(OUT, book(voice_outbound=voice_outbound(row)))
    assert (found["billed_seconds"], found["connection_fee"], found["charge"]) == (90, D("0.1"), D("0.19"))


ACCOUNT_UNKNOWN = "account_unknown"
SUSPENDED = [
    pytest.param(
        OUT | {"own_number": STRANGER},
        (ACCOUNT_UNKNOWN, "number +3319… is held by nobody at that moment of 2026-10-05"),
        id="a number that nobody holds",
    ),
    pytest.param(
        OUT | {"started_at": moment("2024-12-31 23:59:59")},
        (ACCOUNT_UNKNOWN, "number +3318… is held by nobody at that moment of 2024-12-31"),
        id="before the number was assigned",
    ),
    pytest.param(
        OUT | {"account_id": "Z"},
        (ACCOUNT_UNKNOWN, "the account stated is not in accounts.csv"),
        id="an account that does not exist",
    ),
    pytest.param(
        OUT | {"account_id": "A", "started_at": moment("2024-12-31 23:59:59")},
        (ACCOUNT_UNKNOWN, "the account is not open on 2024-12-31"),
        id="before the account was opened",
    ),
    pytest.param(
        OUT | {"other_number": UNKNOWN},
        ("no_destination", "no prefix of destinations.csv matches +8816…"),
        id="a call to nowhere",
    ),
    pytest.param(
        SMS_OUT | {"other_number": UNKNOWN},
        ("no_destination", "no prefix of destinations.csv matches +8816…"),
        id="a message to nowhere",
    ),
    pytest.param(
        OUT | {"other_number": "+12125550142"},
        ("no_price", "no voice price for United States in force on 2026-10-05"),
        id="a destination without a price",
    ),
    pytest.param(
        SMS_OUT | {"other_number": "+12125550142"},
        ("no_price", "no sms price for United States in force on 2026-10-05"),
        id="a country without a price",
    ),
    pytest.param(
        IN | {"own_number": STRANGER, "account_id": "A"},
        ("no_price", "no voice price for a number that nobody holds: +3319… in force on 2026-10-05"),
        id="a call to a number that nobody holds, the account stated",
    ),
    pytest.param(
        OUT | {"own_number": STRANGER, "other_number": UNKNOWN},
        (ACCOUNT_UNKNOWN, "number +3319… is held by nobody at that moment of 2026-10-05"),
        id="the account is asked first",
    ),
    pytest.param(
        OUT | {"own_number": STRANGER, "billable_seconds": 0},
        (ACCOUNT_UNKNOWN, "number +3319… is held by nobody at that moment of 2026-10-05"),
        id="even where nothing is charged",
    ),
]


@pytest.mark.parametrize(("row", "reason"), SUSPENDED)
def test_what_cannot_be_rated_waits_with_a_reason(row: Row, reason: tuple[str, str]) -> None:
    assert suspended(row) == reason


def test_a_class_of_numbers_without_a_price_is_named() -> None:
    mobile = book(numbers=numbers({"number_class": "mobile"}))
    assert suspended(IN, mobile) == ("no_price", "no voice price for FR mobile in force on 2026-10-05")


def test_a_price_that_begins_tomorrow_is_not_in_force() -> None:
    row = {"destination": "France", "price_per_minute": D("0.012"), "valid_from": date(2026, 10, 6)}
    late = book(voice_outbound=voice_outbound(row))
    assert suspended(OUT, late)[0] == "no_price"
    assert rated(OUT | {"started_at": moment("2026-10-06")}, late)["price_valid_from"] == date(2026, 10, 6)


def test_the_account_is_the_one_stated_or_the_holder_at_that_moment() -> None:
    at = moment("2026-10-05 12:00")
    moved = numbers({"released_at": moment("2026-10-05 11:00")}, {"account_id": "B", "assigned_at": at})
    two = book(numbers=moved, accounts=accounts({}, {"account_id": "B"}))
    assert rated(OUT, two)["account_id"] == "A"
    assert rated(OUT | {"started_at": moment("2026-10-05 11:00")}, two)["account_id"] == "A"
    assert rated(OUT | {"started_at": at}, two)["account_id"] == "B"
    assert suspended(OUT | {"started_at": moment("2026-10-05 11:30")}, two)[0] == ACCOUNT_UNKNOWN
    assert rated(OUT | {"started_at": moment("2026-10-05 11:30"), "account_id": "B"}, two)["account_id"] == "B"


@pytest.mark.parametrize(
    ("started", "is_open"),
    [
        ("2026-10-04 21:59:59", False),
        ("2026-10-04 22:00", True),
        ("2026-10-06 21:59:59", True),
        ("2026-10-06 22:00", False),
    ],
)
def test_an_account_is_open_on_its_first_and_last_day_in_the_billing_time_zone(started: str, is_open: bool) -> None:
    short = accounts({"opened_on": date(2026, 10, 5), "closed_on": date(2026, 10, 6)})
    found = rate_all(OUT | {"started_at": moment(started)}, by=book("Europe/Paris", accounts=short))
    assert found.rated.height == is_open
    assert found.suspended["reason"].to_list() == [] if is_open else [ACCOUNT_UNKNOWN]


def test_the_price_is_that_of_the_date_in_the_billing_time_zone() -> None:
    rows = (
        {"destination": "France", "price_per_minute": D(p), "valid_from": d}
        for p, d in (("0.06", date(2025, 1, 1)), ("0.12", date(2026, 10, 6)))
    )
    prices = voice_outbound(*rows)
    late_evening = OUT | {"started_at": moment("2026-10-05 22:30"), "billable_seconds": 60}
    assert rated(late_evening, book("UTC", voice_outbound=prices))["charge"] == D("0.06")
    assert rated(late_evening, book("Europe/Paris", voice_outbound=prices))["charge"] == D("0.12")


def test_an_inbound_call_is_priced_by_the_number_called_whoever_pays() -> None:
    foreign = numbers({}, {"number": "+12025550101", "account_id": "B", "country": "US"})
    prices = voice_inbound({"price_per_minute": D("0.006")}, {"country": "US", "price_per_minute": D("0.06")})
    two = book(numbers=foreign, voice_inbound=prices, accounts=accounts({}, {"account_id": "B"}))
    call = IN | {"own_number": "+12025550101", "billable_seconds": 60}
    assert (rated(call, two)["account_id"], rated(call, two)["charge"]) == ("B", D("0.06"))
    stated = rated(call | {"account_id": "A"}, two)
    assert (stated["account_id"], stated["country"], stated["charge"]) == ("A", "US", D("0.06"))


def test_the_own_list_is_asked_before_the_default() -> None:
    prices = voice_outbound(
        {"destination": "France", "price_per_minute": D("0.012")},
        {"destination": "France mobile", "price_per_minute": D("0.03")},
        {"destination": "France", "price_per_minute": D("0.006"), "price_list": "own"},
    )
    special = book(voice_outbound=prices, accounts=accounts({"price_list": "own"}))
    assert rated(OUT, special)["price_list"] == "own"
    assert rated({"other_number": "+33639980001"}, special)["price_list"] == "default_eur"


def test_every_leg_goes_somewhere_and_an_account_s_usage_lies_together() -> None:
    two = book(
        numbers=numbers({}, {"number": "+33184000002", "account_id": "B"}),
        accounts=accounts({}, {"account_id": "B"}),
        number_fees=fee_prices(),
    )
    rows = [
        OUT,
        {"own_number": "+33184000002"},
        IN,
        SMS_OUT | {"own_number": "+33184000002"},
        SMS_IN,
        {"own_number": STRANGER},
    ]
    found = rate_all(*rows, *rows, by=two)
    assert found.rated.height + found.suspended.height == 12
    assert found.rated["account_id"].to_list() == ["A"] * 6 + ["B"] * 4


def test_parts_of_the_usage_are_rated_as_the_whole_is() -> None:
    rows = [
        OUT,
        IN,
        SMS_OUT,
        SMS_IN,
        {"other_number": UNKNOWN},
        IN | {"forwarded_to": UNKNOWN, "forwarded_seconds": 5},
    ]
    both = legs(records(*rows))
    whole = rate(both, BOOK, files=FILES, month="2026-10", billing_month="2026-10")
    parts = [rate(part, BOOK, files=FILES, month="2026-10", billing_month="2026-10") for part in both.iter_slices(1)]
    key = ["record_number", "leg"]
    assert pl.concat([part.rated for part in parts]).sort(key).equals(whole.rated.sort(key))
    assert pl.concat([part.suspended for part in parts]).sort(key).equals(whole.suspended.sort(key))


def test_nothing_is_rated_as_nothing() -> None:
    found = rate_all()
    assert found.rated.is_empty()
    assert found.suspended.is_empty()
