"""How a record was read, whose it is, which price it met and what came out."""

from __future__ import annotations

from decimal import Decimal

from pipelines.explain.places import place_of, say_place
from pipelines.explain.raw import RawRecord
from pipelines.explain.sources import Sources, account_name, at_line
from pipelines.explain.words import (
    Page,
    Row,
    arithmetic,
    billed_seconds,
    counted,
    exact,
    moment,
    money,
    nothing_charged,
    remark,
)
from pipelines.reference.csv_tables import LINE

PRICES: dict[tuple[str, str], tuple[str, tuple[str, ...], str]] = {
    ("voice", "outbound"): ("voice_outbound", ("destination",), "price_per_minute"),
    ("voice", "inbound"): ("voice_inbound", ("country", "number_class"), "price_per_minute"),
    ("sms", "outbound"): ("sms_outbound", ("country",), "price_per_segment"),
    ("sms", "inbound"): ("sms_inbound", (), "price_per_message"),
}
"""By service and direction: the price table, the columns that choose its row, and the column of the price."""

LINE_COLUMNS = (
    "billing_month",
    "account_id",
    "service",
    "direction",
    "country",
    "usage_month",
    "destination",
    "unit_price",
    "currency",
)
"""What the records of one bill line share."""

_MANY = 20


def find_rated(sources: Sources, identifier: str) -> list[Row]:
    """The rated legs that `identifier` names, by usage_id, record_id, or PATH:NUMBER of their record: as they were billed,
    and as corrections rated them again."""
    query = (
        "SELECT * FROM (FROM corrected_usage UNION ALL BY NAME FROM rated_usage) "
        f"WHERE {{}} ORDER BY usage_id, note_number NULLS FIRST LIMIT {_MANY}"
    )
    file, number = place_of(sources, identifier)
    if file:
        return sources.rows(
            query.format("file_id = $file AND record_number = $number"), {"file": file, "number": number}
        )
    return sources.rows(query.format("usage_id = $id OR record_id = $id"), {"id": identifier})


def explain_record(sources: Sources, row: Row) -> Page:
    """The steps from the raw record to the charge of one rated leg, and the bill line it stands on."""
    page = Page(facts={"type": "record", **row})
    kind = f"{row['direction']} {'call' if row['service'] == 'voice' else 'message'}"
    second = ", forwarded" if row["leg"] == "forwarded" else ""
    again = f", rated again for {row['note_number']}" if row["note_number"] else ""
    page.title(
        f"record {row['usage_id']}: {kind}{second} of account {row['account_id']}, "
        f"{exact(row['charge'])} {row['currency']}{again}"
    )
    page.section("Raw record")
    raw = say_place(page, sources, row)
    _say_reading(page, sources, row, raw)
    page.section("Account")
    account = sources.account(row["account_id"])
    page.say("account", account_name(account, row["account_id"]))
    _say_why_account(page, sources, row, raw)
    if row["unit_price"] is None:
        page.section("Charge")
        page.say("charge", f"{nothing_charged(row)}; it stands on no bill line and needs no price")
        page.facts["arithmetic"] = None
    else:
        page.section("Price")
        price = _say_price(page, sources, row, account)
        page.section("Charge")
        _say_charge(page, row, price)
    _say_bill_line(page, sources, row)
    _say_other_legs(page, sources, row)
    return page


def _say_reading(page: Page, sources: Sources, row: Row, raw: RawRecord | None) -> None:
    """How the fields of the record were read: what stands in the file beside what is kept."""
    written = raw.written if raw and raw.read else {}
    own, other = ("from_number", "to_number") if row["direction"] == "outbound" else ("to_number", "from_number")
    if row["leg"] == "forwarded":
        own, other = "to_number", "forwarded_to"
    for name, value, meaning in (
        (own, row["own_number"], "the customer's own"),
        (other, row["other_number"], "the other party"),
    ):
        page.say(name, f"{_read(written.get(name), value)}: {meaning}")
    page.say(
        "started_at",
        _read(written.get("started_at"), moment(row["started_at"], sources.installation.settings.zone)),
    )
    if row["usage_month"] != row["billing_month"]:
        page.say("", f"usage of {row['usage_month']}, which came late and is billed in {row['billing_month']}")
    page.say("status", row["status"])
    if row["service"] == "voice":
        name = "forwarded_seconds" if row["leg"] == "forwarded" else "duration_seconds"
        page.say("duration", _duration(row, written.get(name)))
    elif row["direction"] == "outbound" and row["segments"] is not None:
        how = "stated by the source" if "segments" in written else "counted from its encoding and length"
        if raw and raw.from_text:
            how = "counted from its text, which is not kept"
        page.say("length", counted(row["segments"], "segment") + (f", {how}" if written else ""))


def _duration(row: Row, written: str | None) -> str:
    if row["status"] != "answered":
        return "0 s, as the call was not answered"
    fraction = written is not None and Decimal(written) != row["billable_seconds"]
    up = ", rounded up to whole seconds" if fraction else ""
    return f"{_read(written, str(row['billable_seconds']))} s{up}"


def _read(written: str | None, value: str) -> str:
    return value if written is None or written == value else f"{written} read as {value}"


def _say_why_account(page: Page, sources: Sources, row: Row, raw: RawRecord | None) -> None:
    holding = sources.holding(row["own_number"], row["started_at"])
    stated = raw is not None and raw.stated_account
    if stated:
        page.say("why", "the record states the account")
    if holding and holding["account_id"] == row["account_id"]:
        since = moment(holding["assigned_at"], sources.installation.settings.zone)
        held = f"{row['own_number']} was held by it at that moment: {at_line('numbers', holding)}, since {since}"
        page.say("number" if stated else "why", held)
        why = "stated" if stated else "held"
    else:
        holder = f"by {holding['account_id']}: {at_line('numbers', holding)}" if holding else "by nobody in numbers.csv"
        page.say("number", f"{row['own_number']} was held at that moment {holder}")
        why = "stated" if stated else "unknown"
    page.facts["account"] = {"account_id": row["account_id"], "why": why, "line": holding and holding[LINE]}


def _say_price(page: Page, sources: Sources, row: Row, account: Row | None) -> Row | None:
    """What chose the price, and its row in the price tables; returns that row."""
    table, key, column = PRICES[row["service"], row["direction"]]
    if row["direction"] == "outbound":
        _say_destination(page, sources, row)
    elif row["service"] == "voice":
        holding = sources.holding(row["own_number"], row["started_at"])
        what = f"{row['country']} {row['number_class']}"
        page.say("number called", f"{row['own_number']} is {what}: {at_line('numbers', holding)}")
    values = {name: row[name] for name in key}
    price = sources.line_of(table, price_list=row["price_list"], valid_from=row["price_valid_from"], **values)
    page.say("price row", f"{at_line(table, price)} ({sources.path(table)})")
    page.say("price list", f"{row['price_list']}: {sources.why_list(account, row['price_list'], row['currency'])}")
    page.say("valid from", f"{row['price_valid_from']}, in force when it started")
    unit = column.removeprefix("price_per_")
    fee = f", connection fee {exact(row['connection_fee'])}" if row["connection_fee"] else ""
    page.say("price", f"{exact(row['unit_price'])} {row['currency']} a {unit}{fee}")
    if price and price[column] != row["unit_price"]:
        page.say("", f"the row says {exact(price[column])} now: rows of prices are added, never edited")
    page.facts["price"] = {
        "file": str(sources.path(table)),
        "line": price and price[LINE],
        "price_list": row["price_list"],
        "valid_from": row["price_valid_from"],
        "unit_price": row["unit_price"],
        "connection_fee": row["connection_fee"],
        "first_increment": price and price.get("first_increment"),
        "increment": price and price.get("increment"),
    }
    return price


def _say_destination(page: Page, sources: Sources, row: Row) -> None:
    found = sources.prefix_of(row["other_number"])
    page.say("destination", f"{row['destination']} ({row['country']})")
    if found and (found["destination"], found["country"]) == (row["destination"], row["country"]):
        page.say(
            "prefix",
            f"{found['prefix']}, the longest that {row['other_number']} begins with: {at_line('destinations', found)}",
        )
    else:
        page.say("prefix", "destinations.csv leads elsewhere now than when the record was rated")
        found = None
    page.facts["destination"] = {
        "destination": row["destination"],
        "country": row["country"],
        "prefix": found and found["prefix"],
        "file": str(sources.path("destinations")),
        "line": found and found[LINE],
    }


def _say_charge(page: Page, row: Row, price: Row | None) -> None:
    if row["service"] == "voice" and price:
        steps = billed_seconds(row["billable_seconds"], price["first_increment"], price["increment"])
        page.say("increments", steps)
        page.facts["increments"] = steps
        if not steps.endswith(f" {row['billed_seconds']} s"):
            page.say("", f"charged were {row['billed_seconds']} s: the row had other increments then")
    page.say("charge", arithmetic(row))
    page.facts["arithmetic"] = arithmetic(row)
    if note := remark(row):
        page.say("", note)


def _say_bill_line(page: Page, sources: Sources, row: Row) -> None:
    page.facts["bill_line"] = None
    if row["unit_price"] is None:
        return
    page.section("Bill")
    if row["note_number"]:
        page.say("note", f"{row['note_number']}, which corrects {row['billing_month']}:{row['account_id']}")
        return
    same = (f"{'kind' if name == 'service' else name} IS NOT DISTINCT FROM ${name}" for name in LINE_COLUMNS)
    values = {name: row[name] for name in LINE_COLUMNS}
    line = sources.row(f"SELECT * FROM bill_lines WHERE {' AND '.join(same)}", values)
    if line is None:
        page.say("line", f"none: the bill of {row['billing_month']} is not published")
        return
    page.facts["bill_line"] = f"{line['billing_month']}:{line['account_id']}:{line['line_number']}"
    many = "the only record of it" if line["events"] == 1 else f"one of {line['events']:,} records of it"
    page.say("line", f"{page.facts['bill_line']}, {money(line['amount'], line['currency'])}: {many}")


def _say_other_legs(page: Page, sources: Sources, row: Row) -> None:
    if row["linked_id"] is None:
        return
    others = sources.rows(
        "SELECT usage_id, direction, other_number, charge, currency FROM rated_usage "
        "WHERE linked_id = $linked AND account_id = $account AND usage_id <> $id ORDER BY usage_id LIMIT 10",
        {"linked": row["linked_id"], "account": row["account_id"], "id": row["usage_id"]},
    )
    page.facts["other_legs"] = [other["usage_id"] for other in others]
    if others:
        page.section("Other legs of the call")
        for other in others:
            page.say(
                "leg",
                f"{other['usage_id']}, {other['direction']}, {exact(other['charge'])} {other['currency']}",
            )
