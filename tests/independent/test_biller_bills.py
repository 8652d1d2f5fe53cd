"""The independent biller's fees, bills, VAT, receipts and ledger against figures worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.independent.small_home import ACCOUNT, CALL, NUMBER, OWN, SmallHome, only

PREPAID = "A1,Customer,a@example.com,FR,,prepaid,balance,EUR,,2025-01-01,"


@pytest.fixture
def small(tmp_path: Path) -> SmallHome:
    return SmallHome(tmp_path)


def tracked(assigned_at: str, released_at: str = "", number: str = OWN) -> str:
    """A row of a number used for call tracking."""
    return f"{number},A1,FR,geographic,true,{assigned_at},{released_at}"


@pytest.mark.parametrize(
    ("assigned_at", "released_at", "october", "november"),
    [
        ("2026-10-01", "", (24, 7, "1"), (30, 0, "1")),
        ("2026-10-01", "2026-10-07", None, None),  # released on the last day of its free week
        ("2026-10-01", "2026-10-08", (1, 7, "1"), None),
        ("2026-10-24", "", (1, 7, "1"), (30, 0, "1")),
        ("2026-10-25", "", None, (30, 0, "1")),  # the week ends with the month
        ("2026-10-29", "", None, (26, 4, "1")),
        ("2026-10-29", "2026-11-04", None, None),
        ("2026-09-20", "2026-10-01", (1, 0, "1"), None),
    ],
)
def test_the_free_week(
    small: SmallHome,
    assigned_at: str,
    released_at: str,
    october: tuple[int, int, str] | None,
    november: tuple[int, int, str] | None,
) -> None:
    small.numbers([tracked(assigned_at, released_at)])
    tables = small.bill("2026-11", months_before=["2026-10"])
    found = {
        row["billing_month"]: (row["chargeable_days"], row["free_days"], str(row["amount"].normalize()))
        for row in tables.number_fees
    }
    expected = {"2026-10": october, "2026-11": november}
    assert found == {month: fee for month, fee in expected.items() if fee is not None}


def test_only_the_first_tracked_number_has_a_free_week(small: SmallHome) -> None:
    small.numbers(
        [
            tracked("2026-10-10"),
            tracked("2026-10-10", number="+33184000000"),  # the smaller number of the same day
            f"+33184000002,A1,FR,geographic,false,2026-10-02,{'2026-10-04'}",
        ]
    )
    fees = {row["number"]: (row["chargeable_days"], row["free_days"]) for row in small.bill().number_fees}
    assert fees == {OWN: (22, 0), "+33184000000": (15, 7), "+33184000002": (3, 0)}


def test_a_daily_fee_and_the_price_of_the_first_chargeable_day(small: SmallHome) -> None:
    small.prices(
        {
            "number_fees": [
                "default_eur,FR,geographic,3.000000,daily,2026-10-08",
                "default_eur,FR,geographic,9.000000,daily,2026-10-09",
            ]
        }
    )
    small.numbers([tracked("2026-10-01")])
    tables = small.bill()
    fee = only(tables.number_fees)
    assert (fee["monthly_fee"], fee["amount"]) == (Decimal(3), Decimal("2.3225806452"))  # 3 * 24 / 31
    line = only(tables.bill_lines)
    assert (line["quantity"], line["unit"], line["unit_price"], line["amount"]) == (
        1,
        "months",
        Decimal(3),
        Decimal("2.32"),
    )
    assert (line["kind"], line["number"], line["events"]) == ("number_fee", OWN, 1)


def test_a_number_without_a_price_is_suspended(small: SmallHome) -> None:
    small.numbers([NUMBER.replace("geographic", "mobile")])
    row = only(small.bill().suspense)
    assert (row["format"], row["record_id"], row["reason"]) == ("numbers", OWN, "no_price")


def test_lines_are_rounded_and_the_net_is_their_sum(small: SmallHome) -> None:
    small.prices(
        {
            "voice_outbound": [
                "default_eur,France mobile,0.050000,0,1,1,2025-01-01",
                "default_eur,France,0.120000,0,1,1,2026-10-20",
                "default_eur,North America,0,0,1,1,2025-01-01",
            ]
        }
    )
    small.records(
        CALL | {"duration_seconds": "25"},  # 0.005
        CALL | {"duration_seconds": "1", "started_at": "2026-10-20T00:00:00Z"},  # 0.002
        CALL | {"duration_seconds": "6", "to_number": "+33612345678"},  # 0.005
        CALL | {"duration_seconds": "6", "to_number": "+12025550123"},  # 0
        CALL | {"duration_seconds": "25"},
    )
    tables = small.bill()
    lines = [
        (row["line_number"], row["destination"], row["events"], row["quantity"], row["amount"])
        for row in tables.bill_lines
    ]
    assert lines == [
        (1, "France", 2, 50, Decimal("0.01")),
        (2, "France", 1, 1, Decimal("0.00")),
        (3, "France mobile", 1, 6, Decimal("0.01")),
        (4, "North America", 1, 6, Decimal("0.00")),
        (5, None, 1, 1, Decimal("1.00")),
    ]
    bill = only(tables.bills)
    assert bill["net_amount"] == Decimal("1.02")
    assert (bill["vat_rule"], bill["vat_rate"], bill["vat_amount"]) == (
        "domestic",
        Decimal("0.2"),
        Decimal("0.20"),
    )
    assert (bill["gross_amount"], bill["total_owed"], bill["paid_from_balance"]) == (
        Decimal("1.22"),
        Decimal("1.22"),
        0,
    )
    assert (bill["status"], bill["bill_number"], bill["issued_at"]) == ("draft", None, None)


@pytest.mark.parametrize(
    ("country", "vat_number", "rule", "vat_amount"),
    [
        ("FR", "DE136695976", "domestic", "0.20"),
        ("DE", "", "eu_consumer", "0.19"),
        ("DE", "DE123456789", "eu_consumer", "0.19"),  # its check digit is wrong
        ("DE", "FR40303265045", "eu_consumer", "0.19"),  # of the seller's own country
        ("DE", "DE136695976", "reverse_charge", "0"),
        ("BE", "BE0428759497", "reverse_charge", "0"),
        ("US", "", "outside_eu", "0"),
        ("JP", "DE136695976", "outside_eu", "0"),
    ],
)
def test_vat(small: SmallHome, country: str, vat_number: str, rule: str, vat_amount: str) -> None:
    small.accounts([ACCOUNT.replace(",FR,,", f",{country},{vat_number},")])
    bill = only(small.bill().bills)
    assert (bill["vat_rule"], bill["vat_amount"]) == (rule, Decimal(vat_amount))


def test_the_vat_rate_is_that_of_the_last_day_and_of_the_credits_day(small: SmallHome) -> None:
    small.prices({"vat_rates": ["FR,0.2500,2026-10-31"]})
    assert only(small.bill().bills)["vat_amount"] == Decimal("0.25")
    small.accounts([PREPAID])
    small.credits(
        [
            "C1,A1,top_up,10.00,EUR,2026-10-30T22:59:59Z,",
            "C2,A1,top_up,10.00,EUR,2026-10-30T23:00:00Z,",
        ]
    )
    tables = small.bill(time_zone="Europe/Paris")
    assert [row["total_paid"] for row in tables.receipts] == [Decimal("12.00"), Decimal("12.50")]


def test_minor_units_on_a_bill(small: SmallHome) -> None:
    small.accounts([ACCOUNT.replace("EUR", "JPY"), ACCOUNT.replace("EUR", "TND").replace("A1", "A2")])
    small.prices(
        {
            "price_lists": ["default_jpy,JPY", "default_tnd,TND"],
            "voice_outbound": [
                "default_jpy,France,1.5,0,1,1,2025-01-01",
                "default_tnd,France,0.0125,0,1,1,2025-01-01",
            ],
            "number_fees": ["default_jpy,FR,geographic,0,none,2025-01-01"],
        }
    )
    small.records(CALL | {"duration_seconds": "60"}, CALL | {"duration_seconds": "60", "account_id": "A2"})
    yen, dinar = small.bill().bills
    assert (str(yen["net_amount"]), str(yen["vat_amount"])) == ("2", "0")
    assert (str(dinar["net_amount"]), str(dinar["vat_amount"])) == ("0.013", "0.003")  # 0.0026


def test_receipts_and_the_ledger(small: SmallHome) -> None:
    small.accounts([PREPAID])
    small.credits(
        [
            "C3,A1,goodwill,1.00,EUR,2026-10-05T10:00:00Z,",
            "C2,A1,top_up,20.00,EUR,2026-10-05T10:00:00Z,",
            "C1,A1,opening_balance,0.50,EUR,2026-10-01T00:00:00Z,",
            "C4,A1,top_up,5.00,EUR,2026-10-05T12:00:01+02:00,",
        ]
    )
    small.records(
        CALL | {"duration_seconds": "25", "started_at": "2026-10-05T09:59:59.999999Z"},  # 0.005
        CALL | {"duration_seconds": "25", "started_at": "2026-10-05T10:00:00Z"},
        CALL | {"duration_seconds": "25", "started_at": "2026-10-05T10:00:01Z"},
    )
    tables = small.bill()
    receipts = [(row["credit_id"], row["vat_amount"], row["balance_after"]) for row in tables.receipts]
    # 20.50 - 0.005 = 20.495, and 26.50 - 0.010; VAT is not in the balance
    assert receipts == [
        ("C2", Decimal("4.00"), Decimal("20.50")),
        ("C4", Decimal("1.00"), Decimal("26.49")),
    ]
    bill = only(tables.bills)
    assert (bill["net_amount"], bill["paid_from_balance"], bill["total_owed"], bill["vat_rule"]) == (
        Decimal("1.02"),
        Decimal("1.02"),
        0,
        "charged_at_top_up",
    )
    ledger = [(row["entry_number"], row["reference"], row["amount"], row["balance_after"]) for row in tables.ledger]
    assert ledger == [
        (1, "C1", Decimal("0.50"), Decimal("0.50")),
        (2, "C3", Decimal("1.00"), Decimal("1.50")),
        (3, "C2", Decimal("20.00"), Decimal("21.50")),
        (4, "C4", Decimal("5.00"), Decimal("26.50")),
        (5, "2026-10", Decimal("-1.02"), Decimal("25.48")),
    ]
    assert tables.ledger[-1]["posted_at"] == datetime(2026, 10, 31, 23, 59, 59, 999999, UTC)


@pytest.mark.parametrize(
    ("zone", "first"), [("UTC", "29.99"), ("Europe/Paris", "28.99"), ("America/New_York", "29.99")]
)
def test_a_receipt_after_an_issue_counts_the_bill(small: SmallHome, zone: str, first: str) -> None:
    small.accounts([PREPAID])
    small.credits(
        [
            "C1,A1,goodwill,10.00,EUR,2026-09-05T10:00:00Z,",
            "C2,A1,top_up,20.00,EUR,2026-09-30T22:30:00Z,",
            "C3,A1,top_up,5.00,EUR,2026-10-01T04:30:00Z,",
        ]
    )
    small.records(CALL | {"duration_seconds": "50", "started_at": "2026-09-15T10:00:00Z"})  # 0.01
    tables = small.bill(months_before=["2026-09"], time_zone=zone, issued=[("2026-09", "A1")])
    # In Paris C2 lies behind September and its fee of 1.00 as well; in the other two before it.
    assert [row["balance_after"] for row in tables.receipts] == [Decimal(first), Decimal("33.99")]


def test_who_gets_a_bill(small: SmallHome) -> None:
    def account(account_id: str, opened_on: str, closed_on: str) -> str:
        return f"{account_id},X,x@example.com,FR,,postpaid,bank_transfer,EUR,,{opened_on},{closed_on}"

    small.accounts(
        [
            account("A1", "2025-01-01", "2026-09-30"),  # closed, but it still holds its number
            account("A2", "2025-01-01", "2026-09-30"),
            account("A3", "2025-01-01", "2026-10-01"),
            account("A4", "2026-10-31", ""),
            account("A5", "2026-11-01", ""),
        ]
    )
    bills = [(row["account_id"], row["net_amount"]) for row in small.bill().bills]
    assert bills == [("A1", Decimal("1.00")), ("A3", 0), ("A4", 0)]
