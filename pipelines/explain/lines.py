"""How a bill line came about: the charges it adds up and their rounding, or the days and fee of a number."""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.explain.records import LINE_COLUMNS
from pipelines.explain.sources import OF_BILL, Sources, account_name, at_line
from pipelines.explain.words import FAULT, Page, Row, arithmetic, counted, exact, moment, money, rounding
from pipelines.reference.csv_tables import LINE
from pipelines.settings import Month
from transforms.charging.number_fees import free_weeks

FIRST_RECORDS = 20
"""Records of a line that are shown."""


def what(line: Row) -> str:
    """What a line charges for: `outbound calls to France mobile (FR)`."""
    if line["kind"] == "number_fee":
        return f"monthly fee of {line['number']} ({line['country']})"
    if line["kind"] == "adjustment":
        return "adjustment"
    name = {"voice": "calls", "sms": "messages"}[line["kind"]]
    place = line["destination"]
    if line["direction"] == "inbound":
        return f"inbound {name} to numbers of {line['country']}"
    return f"outbound {name} to {place} ({line['country']})" if place else f"outbound {name} to {line['country']}"


def price_of(line: Row) -> str:
    """`0.012000 EUR/min`."""
    unit = {"seconds": "min", "segments": "segment", "messages": "message", "months": "month"}[line["unit"]]
    return f"{exact(line['unit_price'])} {line['currency']}/{unit}"


def line_id(line: Row) -> str:
    """`2026-10:A0001:3`."""
    return f"{line['billing_month']}:{line['account_id']}:{line['line_number']}"


def explain_line(sources: Sources, line: Row) -> Page:
    """The steps from charges to the amount of one bill line."""
    page = Page(facts={"type": "bill_line", "id": line_id(line), **line})
    page.title(f"bill line {line_id(line)}: {what(line)}, {money(line['amount'], line['currency'])}")
    page.section("Bill")
    page.say("account", account_name(sources.account(line["account_id"]), line["account_id"]))
    bill = sources.row(
        f"SELECT bill_number, status FROM bills WHERE {OF_BILL}",
        {"month": line["billing_month"], "account": line["account_id"]},
    )
    if bill:
        page.say("bill", f"{line['billing_month']}:{line['account_id']}, {bill['bill_number'] or bill['status']}")
    if line["kind"] == "number_fee":
        _say_fee(page, sources, line)
    elif line["kind"] != "adjustment":
        _say_usage(page, line)
    page.section("Amount")
    page.say(
        "amount",
        f"sum {exact(line['charge'])} -> {money(line['amount'], line['currency'])} ({rounding(line['currency'])})",
    )
    if line["kind"] in ("voice", "sms"):
        _say_records(page, sources, line)
    return page


def _say_usage(page: Page, line: Row) -> None:
    page.section("Usage")
    late = f" of {line['usage_month']}, which came late" if line["usage_month"] != line["billing_month"] else ""
    page.say("usage", f"{what(line)}{late}, at {price_of(line)}")
    page.say("records", f"{line['events']:,} with something to charge")
    page.say("quantity", counted(line["quantity"], line["unit"].removesuffix("s")))


_RECORDS = f"FROM rated_usage WHERE {' AND '.join(f'{name} IS NOT DISTINCT FROM ${name}' for name in LINE_COLUMNS)}"


def _say_records(page: Page, sources: Sources, line: Row) -> None:
    """The first records of a line of usage, and whether all of them are its sum."""
    values = {**{name: line[name] for name in LINE_COLUMNS if name != "service"}, "service": line["kind"]}
    total = sources.rows(f"SELECT count(*) AS events, sum(charge) AS charge {_RECORDS}", values)[0]
    records = sources.rows(f"SELECT * {_RECORDS} ORDER BY started_at, usage_id LIMIT {FIRST_RECORDS}", values)
    if (total["events"], total["charge"]) != (line["events"], line["charge"]):
        page.say(
            "",
            f"but its records are {total['events']}, with a sum of {total['charge']}: {FAULT}",
        )
    some = f"Its first {FIRST_RECORDS} records" if line["events"] > FIRST_RECORDS else "Its records"
    page.section(f"{some}, by the moment they started")
    zone = sources.installation.settings.zone
    page.table([(row["usage_id"], moment(row["started_at"], zone), arithmetic(row)) for row in records])
    page.facts["records"] = [
        {
            "usage_id": row["usage_id"],
            "started_at": row["started_at"],
            "arithmetic": arithmetic(row),
            "charge": row["charge"],
        }
        for row in records
    ]


def _say_fee(page: Page, sources: Sources, line: Row) -> None:
    """The days, the price row and the proration of a number's fee (billing rule 5)."""
    page.section("Number")
    fee = sources.row(
        f"SELECT * FROM number_fees WHERE {OF_BILL} AND number = $number",
        {"month": line["billing_month"], "account": line["account_id"], "number": line["number"]},
    )
    if fee is None:
        page.say("number", f"{line['number']}: its fee is not published")
        return
    month = Month(line["billing_month"], sources.installation.settings.zone)
    days_in_month = month.last.day
    page.say("number", f"{fee['number']}, {fee['country']} {fee['number_class']}")
    _say_holdings(page, sources, line, month)
    held = fee["chargeable_days"] + fee["free_days"]
    page.say(
        "days held",
        f"{held} of the {days_in_month} days of {line['billing_month']}, first and last day included",
    )
    _say_free_week(page, sources, fee)
    page.say("chargeable", counted(fee["chargeable_days"], "day"))
    page.section("Fee")
    price = sources.line_of(
        "number_fees",
        price_list=fee["price_list"],
        country=fee["country"],
        number_class=fee["number_class"],
        valid_from=fee["price_valid_from"],
    )
    page.say("price row", f"{at_line('number_fees', price)} ({sources.path('number_fees')})")
    account = sources.account(line["account_id"])
    page.say("price list", f"{fee['price_list']}: {sources.why_list(account, fee['price_list'], fee['currency'])}")
    page.say("valid from", f"{fee['price_valid_from']}, in force on the number's first chargeable day of the month")
    charged = f"{exact(fee['amount'])} {fee['currency']}"
    if fee["proration"] == "none":
        page.say("proration", "none: the whole fee for a month with at least one chargeable day")
        steps = f"1 month x {exact(fee['monthly_fee'])} {fee['currency']} = {charged}"
    else:
        page.say("proration", "daily: by chargeable days")
        monthly = f"{exact(fee['monthly_fee'])} {fee['currency']}/month"
        steps = f"{fee['chargeable_days']} days x {monthly} / {days_in_month} = {charged}"
    page.say("fee", steps)
    page.facts["number_fee"] = {**fee, "line": price and price[LINE], "arithmetic": steps}


def _say_holdings(page: Page, sources: Sources, line: Row, month: Month) -> None:
    holdings = (
        sources.table("numbers")
        .filter(pl.col("number") == line["number"], pl.col("account_id") == line["account_id"])
        .filter(
            pl.col("assigned_at") < month.ends,
            pl.col("released_at").is_null() | (pl.col("released_at") >= month.starts),
        )
    )
    for holding in holdings.sort("assigned_at").iter_rows(named=True):
        until = f"until {moment(holding['released_at'], month.zone)}" if holding["released_at"] else "and is held still"
        page.say(
            "held",
            f"from {moment(holding['assigned_at'], month.zone)} {until}: {at_line('numbers', holding)}",
        )


def _say_free_week(page: Page, sources: Sources, fee: Row) -> None:
    zone = sources.installation.settings.billing.time_zone
    mine = sources.table("numbers").filter(pl.col("account_id") == fee["account_id"]).drop(LINE)
    weeks = free_weeks(mine, zone).filter(pl.col("number") == fee["number"])
    if weeks.is_empty():
        page.say("free week", "none: this is not the first number that the account uses for call tracking")
        return
    first, last = (weeks.item(0, name) for name in ("free_from", "free_to"))
    assert isinstance(first, date)
    page.say("free week", f"{first} to {last}, as the account's first number for call tracking")
    page.say("", f"{counted(fee['free_days'], 'day')} of it in this month")
