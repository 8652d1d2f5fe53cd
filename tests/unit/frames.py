"""Small frames for unit tests: all is said in them that a test does not care about. They check nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from transforms.rating.book import RatingBook
from transforms.tables import billing, prices, reference, usage
from transforms.tables.base import Table, types

D = Decimal
Row = dict[str, Any]


def frame(table: type[Table], defaults: Row, *rows: Row) -> pl.DataFrame:
    """Rows of `table`, each over `defaults`; a column that neither names is null."""
    return pl.DataFrame([defaults | row for row in rows], schema=types(table), orient="row")


def moment(text: str) -> datetime:
    """`2026-10-05 10:00` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def accounts(*rows: Row) -> pl.DataFrame:
    """Accounts; A is a French customer who pays afterwards in EUR, open since 2025."""
    return frame(
        reference.Accounts,
        {
            "account_id": "A",
            "name": "Customer",
            "email": "a@example.com",
            "country": "FR",
            "billing_mode": "postpaid",
            "payment_method": "direct_debit",
            "currency": "EUR",
            "opened_on": date(2025, 1, 1),
        },
        *(rows or ({},)),
    )


def numbers(*rows: Row) -> pl.DataFrame:
    """Numbers; +33184000001 is a French geographic number of A since 2025, not used for call tracking."""
    return frame(
        reference.Numbers,
        {
            "number": "+33184000001",
            "account_id": "A",
            "country": "FR",
            "number_class": "geographic",
            "call_tracking": False,
            "assigned_at": moment("2025-01-01"),
        },
        *rows,
    )


def credits(*rows: Row) -> pl.DataFrame:
    """Credits; a top-up of 100 EUR of A at noon on 2026-10-05."""
    return frame(
        reference.Credits,
        {
            "credit_id": "C1",
            "account_id": "A",
            "kind": "top_up",
            "amount": D("100"),
            "currency": "EUR",
            "credited_at": moment("2026-10-05 12:00"),
        },
        *rows,
    )


def price_lists(**currencies: str) -> pl.DataFrame:
    """Price lists and their currencies; default_eur in any case."""
    names = {"default_eur": "EUR"} | currencies
    return frame(prices.PriceLists, {}, *({"price_list": name, "currency": c} for name, c in names.items()))


FROM = {"price_list": "default_eur", "valid_from": date(2025, 1, 1)}
SECONDS = {"connection_fee": D(0), "first_increment": 1, "increment": 1}


def book(time_zone: str = "UTC", **tables: pl.DataFrame) -> RatingBook:
    """What rating looks up: France, its mobiles and the United States, at prices easy to reckon with."""
    usual = {
        "price_lists": price_lists(own="EUR"),
        "accounts": accounts(),
        "numbers": numbers({}),
        "destinations": destinations({"33": "France", "336": "France mobile", "1": "United States"}),
        "voice_outbound": voice_outbound(
            {"destination": "France", "price_per_minute": D("0.012")},
            {"destination": "France mobile", "price_per_minute": D("0.03")},
        ),
        "voice_inbound": voice_inbound({"price_per_minute": D("0.006")}),
        "sms_outbound": sms_outbound({"country": "FR", "price_per_segment": D("0.05")}),
        "sms_inbound": frame(prices.SmsInbound, FROM, {"price_per_message": D("0.01")}),
        "number_fees": fee_prices({}),
    }
    return RatingBook.build({**usual, **tables}, time_zone=time_zone)


COUNTRIES = {"France": "FR", "France mobile": "FR", "United States": "US"}


def destinations(prefixes: dict[str, str]) -> pl.DataFrame:
    """Destinations by prefix; one whose name is no country's is in France."""
    rows = [
        {"prefix": prefix, "destination": name, "country": COUNTRIES.get(name, "FR")}
        for prefix, name in prefixes.items()
    ]
    return frame(prices.Destinations, {}, *rows)


def voice_outbound(*rows: Row) -> pl.DataFrame:
    """Prices of outbound calls, by the second and without a connection fee."""
    return frame(prices.VoiceOutbound, FROM | SECONDS, *rows)


def voice_inbound(*rows: Row) -> pl.DataFrame:
    """Prices of inbound calls to French geographic numbers."""
    return frame(prices.VoiceInbound, FROM | SECONDS | {"country": "FR", "number_class": "geographic"}, *rows)


def sms_outbound(*rows: Row) -> pl.DataFrame:
    """Prices of a segment."""
    return frame(prices.SmsOutbound, FROM, *rows)


def fee_prices(*rows: Row) -> pl.DataFrame:
    """Fees of French geographic numbers: one euro for a whole month."""
    usual = {"country": "FR", "number_class": "geographic", "monthly_fee": D(1), "proration": "none"}
    return frame(prices.NumberFeePrices, FROM | usual, *rows)


def vat_rates(*rows: Row) -> pl.DataFrame:
    """French and German VAT."""
    since = {"valid_from": date(2025, 1, 1)}
    usual = ({"country": "FR", "rate": D("0.2")}, {"country": "DE", "rate": D("0.19")})
    return frame(prices.VatRates, since, *usual, *rows)


def records(*rows: Row) -> pl.DataFrame:
    """UsageRecords: answered calls of 83 s from +33184000001 to a French landline, in file 1."""
    usual = {
        "file_number": 1,
        "format": "standard",
        "service": "voice",
        "direction": "outbound",
        "own_number": "+33184000001",
        "other_number": "+33145000001",
        "started_at": moment("2026-10-05 10:00"),
        "status": "answered",
        "billable_seconds": 83,
    }
    placed = [{"record_number": place, "record_id": f"r{place}"} | row for place, row in enumerate(rows, start=1)]
    return frame(usage.UsageRecords, usual, *placed)


def rated(*rows: Row) -> pl.DataFrame:
    """RatedUsage: calls of 83 s to France, 0.0166 EUR each, on A's bill of 2026-10."""
    usual = {
        "format": "standard",
        "file_id": "f",
        "leg": "main",
        "account_id": "A",
        "service": "voice",
        "direction": "outbound",
        "own_number": "+33184000001",
        "other_number": "+33145000001",
        "started_at": moment("2026-10-05 10:00"),
        "usage_month": "2026-10",
        "billing_month": "2026-10",
        "status": "answered",
        "billable_seconds": 83,
        "billed_seconds": 83,
        "destination": "France",
        "country": "FR",
        "price_list": "default_eur",
        "price_valid_from": date(2025, 1, 1),
        "unit_price": D("0.012"),
        "connection_fee": D(0),
        "charge": D("0.0166"),
        "currency": "EUR",
    }
    named = [
        {"usage_id": f"standard:voice:r{place}", "record_id": f"r{place}", "record_number": place} | row
        for place, row in enumerate(rows, start=1)
    ]
    return frame(usage.RatedUsage, usual, *named)


def fees(*rows: Row) -> pl.DataFrame:
    """NumberFees: one euro for a French number of A in October 2026."""
    usual = {
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
        "monthly_fee": D(1),
        "amount": D(1),
        "currency": "EUR",
    }
    return frame(billing.NumberFees, usual, *rows)


def bills(*rows: Row) -> pl.DataFrame:
    """Bills: A owes 12 EUR for October 2026, 2 of them VAT, by bill 2026-000001, issued on 2026-11-02."""
    usual = {
        "billing_month": "2026-10",
        "account_id": "A",
        "bill_number": "2026-000001",
        "status": "issued",
        "billing_mode": "postpaid",
        "payment_method": "direct_debit",
        "currency": "EUR",
        "net_amount": D(10),
        "vat_rate": D("0.2"),
        "vat_rule": "domestic",
        "vat_amount": D(2),
        "gross_amount": D(12),
        "paid_from_balance": D(0),
        "total_owed": D(12),
        "issued_at": moment("2026-11-02 12:00"),
    }
    return frame(billing.Bills, usual, *rows)


def notes(*rows: Row) -> pl.DataFrame:
    """CorrectionNotes: 3 EUR of 2026-000001 are credited to A on 2026-11-20, half a euro of them VAT."""
    usual = {
        "billing_month": "2026-10",
        "account_id": "A",
        "note_number": "CN-2026-000001",
        "kind": "credit_note",
        "bill_number": "2026-000001",
        "reason": "wrong price",
        "billing_mode": "postpaid",
        "currency": "EUR",
        "net_amount": D("-2.5"),
        "vat_rate": D("0.2"),
        "vat_rule": "domestic",
        "vat_amount": D("-0.5"),
        "gross_amount": D(-3),
        "paid_from_balance": D(0),
        "total_owed": D(-3),
        "issued_at": moment("2026-11-20 12:00"),
    }
    return frame(billing.CorrectionNotes, usual, *rows)


def payments(*rows: Row) -> pl.DataFrame:
    """Payments: A pays 12 EUR for 2026-000001 on 2026-11-15."""
    usual = {
        "payment_id": "P1",
        "account_id": "A",
        "bill_number": "2026-000001",
        "amount": D(12),
        "currency": "EUR",
        "paid_at": moment("2026-11-15 09:00"),
    }
    return frame(reference.Payments, usual, *rows)
