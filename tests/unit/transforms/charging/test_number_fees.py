"""Monthly fees of numbers: which days are chargeable, which are free, and what they cost."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.unit.frames import accounts, book, fee_prices, moment, numbers
from transforms.charging.number_fees import Fees, free_weeks, number_fees
from transforms.rating.book import RatingBook

D = Decimal
Row = dict[str, Any]


def charge(*rows: Row, month: str = "2026-10", by: RatingBook | None = None) -> Fees:
    year, number = int(month[:4]), int(month[5:])
    last = date(year, number, monthrange(year, number)[1])
    return number_fees(numbers(*rows), by or book(), month=month, first=date(year, number, 1), last=last)


def days(*rows: Row, month: str = "2026-10", by: RatingBook | None = None) -> list[tuple[int, int]]:
    """Chargeable and free days of each fee."""
    return charge(*rows, month=month, by=by).fees.select("chargeable_days", "free_days").rows()


def tracked(assigned: str, released: str | None = None) -> Row:
    """A number used for call tracking; a release is the last moment of that date."""
    end = moment(f"{released} 23:59:59.999999") if released else None
    return {"call_tracking": True, "assigned_at": moment(assigned), "released_at": end}


def test_a_number_that_is_held_all_month_costs_its_whole_fee() -> None:
    assert charge({}).fees.to_dicts() == [
        {
            "billing_month": "2026-10",
            "account_id": "A",
            "number": "+33184000001",
            "country": "FR",
            "number_class": "geographic",
            "chargeable_days": 31,
            "free_days": 0,
            "price_list": "default_eur",
            "price_valid_from": date(2025, 1, 1),
            "proration": "none",
            "monthly_fee": D("1.000000"),
            "amount": D("1.0000000000"),
            "currency": "EUR",
        }
    ]


@pytest.mark.parametrize(
    ("assigned", "released", "chargeable"),
    [
        pytest.param("2026-10-31", None, 1, id="assigned on the last day"),
        pytest.param("2026-10-15", None, 17, id="assigned in the middle"),
        pytest.param("2026-09-01", "2026-10-01", 1, id="released on the first day"),
        pytest.param("2026-10-10", "2026-10-10", 1, id="assigned and released on one day"),
        pytest.param("2026-10-10", "2026-10-12", 3, id="both days included"),
    ],
)
def test_one_day_makes_the_whole_fee(assigned: str, released: str | None, chargeable: int) -> None:
    row = tracked(assigned, released) | {"call_tracking": False}
    found = charge(row).fees
    assert found.select("chargeable_days", "amount").rows() == [(chargeable, 1)]


@pytest.mark.parametrize(("assigned", "released"), [("2026-11-01", None), ("2026-09-01", "2026-09-30")])
def test_a_number_that_is_not_held_in_the_month_costs_nothing(assigned: str, released: str | None) -> None:
    assert days(tracked(assigned, released) | {"call_tracking": False}) == []


@pytest.mark.parametrize(
    ("assigned", "released", "month", "expected"),
    [
        pytest.param("2026-10-01", None, "2026-10", [(24, 7)], id="from the first day of the month"),
        pytest.param("2026-10-10", None, "2026-10", [(15, 7)], id="in the middle"),
        pytest.param("2026-10-24", None, "2026-10", [(1, 7)], id="one chargeable day is left"),
        pytest.param("2026-10-25", None, "2026-10", [], id="the free week ends with the month"),
        pytest.param("2026-10-28", None, "2026-10", [], id="the free week crosses the month end: first month"),
        pytest.param("2026-10-28", None, "2026-11", [(27, 3)], id="the free week crosses the month end: second month"),
        pytest.param("2026-10-31", None, "2026-11", [(24, 6)], id="one free day in the first month, six in the second"),
        pytest.param("2026-10-10", "2026-10-16", "2026-10", [], id="released on the last free day"),
        pytest.param("2026-10-10", "2026-10-17", "2026-10", [(1, 7)], id="released the day after"),
        pytest.param("2026-10-10", "2026-10-10", "2026-10", [], id="released at once"),
        pytest.param("2026-10-28", "2026-11-03", "2026-11", [], id="released within the week, in the next month"),
        pytest.param("2026-10-28", "2026-11-04", "2026-11", [(1, 3)], id="released behind the week, in the next month"),
        pytest.param("2026-10-10", None, "2026-11", [(30, 0)], id="the month after"),
        pytest.param("2028-02-26", None, "2028-03", [(28, 3)], id="over the end of a leap February"),
    ],
)
def test_the_first_tracked_number_is_free_for_a_week(
    assigned: str, released: str | None, month: str, expected: list[tuple[int, int]]
) -> None:
    assert days(tracked(assigned, released), month=month) == expected


def test_only_the_first_tracked_number_of_an_account_has_a_free_week() -> None:
    second = tracked("2026-10-02") | {"number": "+33184000000"}
    third = {"number": "+33184000003", "assigned_at": moment("2026-10-01")}
    found = charge(tracked("2026-10-01"), second, third).fees
    assert found.select("number", "chargeable_days", "free_days").rows() == [
        ("+33184000000", 30, 0),
        ("+33184000001", 24, 7),
        ("+33184000003", 31, 0),
    ]


def test_of_two_numbers_assigned_at_one_moment_the_lower_is_the_first() -> None:
    second = tracked("2026-10-01") | {"number": "+33184000000"}
    found = charge(tracked("2026-10-01"), second).fees
    assert dict(found.select("number", "free_days").rows()) == {"+33184000000": 7, "+33184000001": 0}


def test_the_first_number_remains_the_first_when_it_is_long_gone() -> None:
    gone = tracked("2025-03-01", "2025-04-30") | {"number": "+33184000009"}
    assert days(gone, tracked("2026-10-01")) == [(31, 0)]


def test_a_number_that_moves_is_the_first_of_its_new_account_too() -> None:
    second = tracked("2026-10-11") | {"account_id": "B"}
    both = book(accounts=accounts({}, {"account_id": "B"}))
    found = charge(tracked("2026-10-01", "2026-10-10"), second, by=both).fees
    assert found.select("account_id", "chargeable_days", "free_days").rows() == [("A", 3, 7), ("B", 14, 7)]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(("2026-10-01", "2026-10-03"), ("2026-10-05", None), [(24, 6)], id="back within the free week"),
        pytest.param(("2026-10-01", "2026-10-09"), ("2026-10-20", None), [(14, 7)], id="back behind the free week"),
        pytest.param(("2026-10-01", "2026-10-09"), ("2026-10-10", None), [(24, 7)], id="back the next day"),
        pytest.param(("2026-10-01", "2026-10-02"), ("2026-10-04", "2026-10-07"), [], id="twice within the free week"),
    ],
)
def test_two_holdings_of_one_number_make_one_fee(
    first: tuple[str, str], second: tuple[str, str | None], expected: list[tuple[int, int]]
) -> None:
    assert days(tracked(*first), tracked(*second)) == expected


def test_a_day_on_which_a_number_ends_and_begins_again_counts_once() -> None:
    row = {
        "call_tracking": False,
        "assigned_at": moment("2026-10-01"),
        "released_at": moment("2026-10-10 10:00"),
    }
    again = {"call_tracking": False, "assigned_at": moment("2026-10-10 15:00")}
    assert days(row, again) == [(31, 0)]


@pytest.mark.parametrize(("zone", "expected"), [("UTC", []), ("Europe/Paris", [(1, 0)]), ("Pacific/Honolulu", [])])
def test_days_are_those_of_the_billing_time_zone(zone: str, expected: list[tuple[int, int]]) -> None:
    row = {"assigned_at": moment("2026-10-31 22:30"), "released_at": moment("2026-10-31 23:30")}
    in_november = days(row, month="2026-11", by=book(zone))
    assert in_november == expected


DAILY = book(number_fees=fee_prices({"proration": "daily"}))


@pytest.mark.parametrize(
    ("month", "chargeable", "amount"),
    [
        ("2026-02", 28, "1"),
        ("2026-02", 1, "0.0357142857"),
        ("2026-02", 27, "0.9642857143"),
        ("2024-02", 29, "1"),
        ("2024-02", 10, "0.3448275862"),
        ("2026-04", 30, "1"),
        ("2026-04", 1, "0.0333333333"),
        ("2026-04", 20, "0.6666666667"),
        ("2026-10", 31, "1"),
        ("2026-10", 1, "0.0322580645"),
        ("2026-10", 21, "0.6774193548"),
    ],
)
def test_a_fee_by_the_day_is_its_share_of_the_month(month: str, chargeable: int, amount: str) -> None:
    row = {"assigned_at": moment(f"{month}-01"), "released_at": moment(f"{month}-{chargeable:02} 12:00")}
    by = book(
        accounts=accounts({"opened_on": date(2020, 1, 1)}),
        number_fees=fee_prices({"proration": "daily", "valid_from": date(2020, 1, 1)}),
    )
    found = charge(row, month=month, by=by).fees
    assert found.select("chargeable_days", "amount", "proration").rows() == [(chargeable, D(amount), "daily")]


def test_free_days_are_no_share_of_the_month() -> None:
    found = charge(tracked("2026-10-22"), by=DAILY).fees
    assert found.select("chargeable_days", "free_days", "amount").rows() == [(3, 7, D("0.0967741935"))]


@pytest.mark.parametrize(
    ("assigned", "fee"),
    [
        pytest.param("2026-10-01", "2", id="the first chargeable day lies behind the change"),
        pytest.param("2026-09-30", "1", id="it lies before the change"),
        pytest.param("2026-09-01", "1", id="held all month"),
    ],
)
def test_the_fee_is_that_of_the_first_chargeable_day(assigned: str, fee: str) -> None:
    risen = book(number_fees=fee_prices({}, {"monthly_fee": D(2), "valid_from": date(2026, 10, 8)}))
    assert charge(tracked(assigned), by=risen).fees["monthly_fee"].to_list() == [D(fee)]


def test_the_own_list_is_asked_before_the_default() -> None:
    special = fee_prices({}, {"price_list": "own", "monthly_fee": D("0.5")})
    by = book(accounts=accounts({"price_list": "own"}), number_fees=special)
    assert charge({}, by=by).fees.select("price_list", "amount").rows() == [("own", D("0.5"))]


def test_a_number_without_a_fee_in_force_waits() -> None:
    found = charge({"number_class": "mobile"}, {"number": "+33184000002"})
    assert found.fees["number"].to_list() == ["+33184000002"]
    detail = "no monthly fee for FR mobile in force on 2026-10-01 (number +3318…)"
    assert found.unpriced.rows() == [("+33184000001", "A", "no_price", detail)]


@pytest.mark.parametrize("proration", ["none", "daily"])
def test_a_fee_that_no_charge_holds_waits(proration: str) -> None:
    large = {"monthly_fee": D("100000000"), "proration": proration}
    held = {"number_class": "mobile", "monthly_fee": D("99999999.999999"), "proration": proration}
    by = book(number_fees=fee_prices(large, held))
    found = charge({}, {"number": "+33184000002", "number_class": "mobile"}, by=by)
    assert found.fees.select("number", "amount").rows() == [("+33184000002", D("99999999.999999"))]
    detail = (
        "the monthly fee of 100000000.000000 EUR for FR geographic is 100,000,000 or more, which is more than a charge "
        "holds (number +3318…)"
    )
    assert found.unpriced.rows() == [("+33184000001", "A", "bad_value", detail)]


def test_of_a_fee_that_no_charge_holds_some_days_may_be_charged() -> None:
    by = book(number_fees=fee_prices({"monthly_fee": D("310000000"), "proration": "daily"}))
    row = tracked("2026-10-23") | {"call_tracking": False}
    assert charge(row, by=by).fees["amount"].to_list() == [D("90000000")]


def test_free_days_alone_need_no_fee() -> None:
    found = charge(tracked("2026-10-28") | {"number_class": "mobile"})
    assert found.fees.is_empty()
    assert found.unpriced.is_empty()


def test_a_fee_of_nothing_is_a_fee() -> None:
    free = book(number_fees=fee_prices({"monthly_fee": D(0)}))
    assert charge({}, by=free).fees["amount"].to_list() == [0]


def test_free_weeks_are_dates_of_the_billing_time_zone() -> None:
    rows = numbers({"call_tracking": True, "assigned_at": moment("2026-10-24 22:30")})
    expected = [("A", "+33184000001", date(2026, 10, 25), date(2026, 10, 31))]
    assert free_weeks(rows, "Europe/Paris").rows() == expected


def test_without_numbers_there_are_no_fees() -> None:
    assert charge().fees.is_empty()


def test_accounts_are_charged_in_any_grouping_alike() -> None:
    both = book(accounts=accounts({}, {"account_id": "B"}))
    mine, other = tracked("2026-10-10"), tracked("2026-10-12") | {"account_id": "B", "number": "+33184000002"}
    apart = pl.concat([charge(row, by=both).fees for row in (mine, other)])
    assert charge(other, mine, by=both).fees.equals(apart)
