"""Draws whole small worlds at the edges of the rules: months, zones, prices, holdings. Computes no bill."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.property.callr import callr_events
from tests.property.records import usage_records
from tests.property.world import Row, World, write_world

__all__ = ["World", "moments", "worlds", "write_world"]

MONTHS = ["2026-10", "2026-03", "2026-02", "2025-12", "2026-01"]
ZONES = ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/Los_Angeles"]
OFFSETS = [0, 120, -480, 330, 60]

CURRENCIES = {"EUR": 2, "USD": 2, "JPY": 0, "TND": 3}
COUNTRIES = ["FR", "DE", "BE", "IT", "US", "JP"]
VAT_NUMBERS = ["", "DE136695976", "FR40303265045", "BE0428759497", "IT00743110157", "DE123456789", "none"]

# Prefixes overlap on purpose; a number of +99... has no destination.
DESTINATIONS = [
    ("33", "France", "FR"),
    ("336", "France mobile", "FR"),
    ("337", "France mobile", "FR"),
    ("33612", "France mobile Alpha", "FR"),
    ("33800", "France freephone", "FR"),
    ("49", "Germany", "DE"),
    ("4915", "Germany mobile", "DE"),
    ("1", "North America", "US"),
    ("1242", "Bahamas", "BS"),
    ("81", "Japan", "JP"),
    ("216", "Tunisia", "TN"),
]
OWN_NUMBERS = [
    ("+33184000001", "FR", "geographic"),
    ("+33184000002", "FR", "geographic"),
    ("+33975000003", "FR", "national"),
    ("+4930000004", "DE", "geographic"),
    ("+12025550105", "US", "geographic"),
    ("+33612000006", "FR", "mobile"),
]
CLASSES = sorted({(country, number_class) for _, country, number_class in OWN_NUMBERS})
UNIT_PRICES = ["0.012000", "0", "0.000001", "0.0095", "0.333333", "1", "12.345678", "0.05", "0.005"]
FEES = ["0", "0.05", "0.000001", "0.1"]
INCREMENTS = [("", ""), ("1", "1"), ("60", "60"), ("30", "6"), ("1", "60"), ("60", "1")]
MONTHLY_FEES = ["1.000000", "0", "9.99", "0.333333", "15", "1000"]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a date of a zone, in UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def first_of(month: str, months_later: int = 0) -> date:
    """The first date of a month, or of one some months later or earlier."""
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + months_later
    return date(count // 12, count % 12 + 1, 1)


def days_near(month: str) -> list[date]:
    """Dates in and around a month where something may begin or end; the first of it comes first."""
    first, following = first_of(month), first_of(month, 1)
    near_first = [first + timedelta(days=days) for days in (0, 1, -1, -6, -7, -3, 9, 14)]
    near_last = [following + timedelta(days=days) for days in (-1, 0, -3, -7, 4)]
    return near_first + near_last + [first_of(month, -1), first_of(month, -1) + timedelta(days=14)]


@st.composite
def mostly(draw: st.DrawFn, usual: Any, others: list[Any]) -> Any:
    """The usual value six times of seven, else one of the others."""
    is_usual = draw(st.sampled_from([True] * 6 + [False])) or not others
    return usual if is_usual else draw(st.sampled_from(others))


@st.composite
def written(draw: st.DrawFn, moment: datetime) -> str:
    """A moment written in ISO 8601 with some offset; always the same moment."""
    if draw(st.booleans()):
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    minutes = draw(st.sampled_from(OFFSETS))
    return moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat()


@st.composite
def moments(draw: st.DrawFn, month: str, time_zone: str) -> datetime:
    """A moment in UTC, mostly in the month and often at the very edge of a date of the zone."""
    zone = ZoneInfo(time_zone)
    if draw(st.booleans()):
        edge = midnight(draw(st.sampled_from(days_near(month))), zone)
        return edge + draw(st.sampled_from([timedelta(0), timedelta(microseconds=-1), timedelta(seconds=1)]))
    start, end = midnight(first_of(month), zone), midnight(first_of(month, 1), zone)
    return start + timedelta(seconds=draw(st.integers(0, int((end - start).total_seconds()) - 1)))


@st.composite
def accounts(draw: st.DrawFn, month: str) -> list[Row]:
    """One to three accounts; the first days and last days of some lie in the month."""
    rows = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        mode = draw(st.sampled_from(["postpaid", "prepaid"]))
        methods = ["balance"] if mode == "prepaid" else ["direct_debit", "bank_transfer"]
        currency = draw(st.sampled_from(list(CURRENCIES)))
        default, own = f"default_{currency.lower()}", f"own_a{number}_{currency.lower()}"
        opened = draw(mostly(date(2025, 1, 1), days_near(month)))
        later = [day.isoformat() for day in days_near(month) if day >= opened]
        rows.append(
            {
                "account_id": f"A{number}",
                "name": f'Customer "{number}", Ltd',
                "email": f"customer{number}@example.com",
                "country": draw(st.sampled_from(COUNTRIES)),
                "vat_number": draw(st.sampled_from(VAT_NUMBERS)),
                "billing_mode": mode,
                "payment_method": draw(st.sampled_from(methods)),
                "currency": currency,
                "price_list": draw(st.sampled_from(["", default, own, own])),
                "opened_on": opened.isoformat(),
                "closed_on": draw(mostly("", later)),
            }
        )
    return rows


@st.composite
def numbers(draw: st.DrawFn, month: str, account_ids: list[str]) -> list[Row]:
    """Holdings of two to five numbers, one after another and never two at once.

    A moment of assignment is 08:30 UTC and one of release 09:00 UTC or the very moment of the next
    assignment: in every zone drawn here that is the same date as in UTC.
    """
    rows: list[Row] = []
    numbers_held = draw(st.lists(st.sampled_from(OWN_NUMBERS), min_size=2, max_size=5, unique=True))
    for number, country, number_class in numbers_held:
        days = st.lists(st.sampled_from(days_near(month)), max_size=draw(st.sampled_from([0, 0, 1, 2])), unique=True)
        first = draw(st.sampled_from([date(2025, 2, 1)] * 8 + [draw(st.sampled_from(days_near(month)))]))
        starts = sorted({first, *draw(days)})
        exact = [draw(st.booleans()) for _ in starts]
        for index, start in enumerate(starts):
            if index + 1 == len(starts):
                later = [day for day in days_near(month) if day >= start]
                release = draw(mostly("", [day.isoformat() for day in later]))
            else:
                following = starts[index + 1]
                before = following - timedelta(days=1)
                choices = [before.isoformat()] * 4 + [start.isoformat(), draw(written(at(before, 9, 0)))]
                if exact[index + 1]:
                    choices.append(draw(written(at(following, 8, 30))))
                release = draw(st.sampled_from(choices))
            rows.append(
                {
                    "number": number,
                    "account_id": draw(st.sampled_from(account_ids)),
                    "country": country,
                    "number_class": number_class,
                    "call_tracking": draw(st.sampled_from(["true", "false"])),
                    "assigned_at": draw(written(at(start, 8, 30))) if exact[index] else start.isoformat(),
                    "released_at": release,
                }
            )
    return rows


def at(day: date, hour: int, minute: int) -> datetime:
    """A time of a date in UTC."""
    return datetime.combine(day, time(hour, minute), UTC)


@st.composite
def credits(draw: st.DrawFn, month: str, time_zone: str, account_rows: list[Row]) -> list[Row]:
    """Up to five credits; only prepaid accounts top up. Amounts are in the minor unit of the currency."""
    rows = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        account = draw(st.sampled_from(account_rows))
        kinds = ["goodwill", "refund"]
        if account["billing_mode"] == "prepaid":
            kinds = ["top_up", "top_up", "opening_balance", *kinds]
        kind = draw(st.sampled_from(kinds))
        units = draw(st.sampled_from([10000, 1, 5, 1999, 33335, 250]))
        places = CURRENCIES[account["currency"]]
        amount = f"{units // 10**places}" + (f".{units % 10**places:0{places}d}" if places else "")
        rows.append(
            {
                "credit_id": f"C{number}",
                "account_id": account["account_id"],
                "kind": kind,
                "amount": "-" + amount if kind == "refund" else amount,
                "currency": account["currency"],
                "credited_at": draw(written(draw(moments(month, time_zone)))),
                "payment_reference": f"PAY-{number}",
            }
        )
    return rows


def tariff(price_lists: list[str], destinations: list[tuple[str, str, str]]) -> dict[str, dict[tuple[str, ...], Row]]:
    """The keys that a list may have a price for, table by table, each with the columns that name it."""
    names = sorted({destination for _, destination, _ in destinations})
    countries = sorted({country for _, _, country in destinations})
    keys: dict[str, list[Row]] = {
        "voice_outbound": [{"destination": name} for name in names],
        "voice_inbound": [{"country": country, "number_class": kind} for country, kind in CLASSES],
        "sms_outbound": [{"country": country} for country in countries],
        "sms_inbound": [{}],
        "number_fees": [{"country": country, "number_class": kind} for country, kind in CLASSES],
    }
    return {
        table: {
            (price_list, *key.values()): {"price_list": price_list} | key for price_list in price_lists for key in rows
        }
        for table, rows in keys.items()
    }


def priced(table: str, price: str, fee: str, increments: tuple[str, str], daily: bool) -> Row:
    """The columns of a price row beside its key."""
    if table in ("voice_outbound", "voice_inbound"):
        first_increment, increment = increments
        columns = {"price_per_minute": price, "connection_fee": fee}
        return columns | {"first_increment": first_increment, "increment": increment}
    if table == "number_fees":
        return {"monthly_fee": price, "proration": "daily" if daily else "none"}
    return {"price_per_segment" if table == "sms_outbound" else "price_per_message": price}


@st.composite
def price_tables(draw: st.DrawFn, month: str, account_rows: list[Row]) -> dict[str, list[Row]]:
    """Default and own lists, whole, with gaps or of a few rows, and with changes in the month."""
    defaults = sorted({f"default_{row['currency'].lower()}" for row in account_rows})
    own = sorted({row["price_list"] for row in account_rows} - {"", *defaults})
    lists = {name: name[-3:].upper() for name in defaults + own}
    destinations = draw(st.lists(st.sampled_from(DESTINATIONS), min_size=6, unique=True))
    keys = tariff(list(lists), destinations)
    rows: dict[tuple[str, tuple[str, ...], str], Row] = {}
    whole = draw(st.sets(st.sampled_from(list(keys))))
    for table, named in keys.items():
        for index, (key, columns) in enumerate(named.items()):
            if key[0] in defaults or table in whole:
                price = f"{index + 1}.5" if table == "number_fees" else f"0.0{10 + index}"
                base = priced(table, price, "0", ("1", "1"), index % 3 == 1)
                rows[table, key, "2025-01-01"] = columns | base | {"valid_from": "2025-01-01"}
    for gap in draw(st.lists(st.sampled_from(sorted(rows)), max_size=2, unique=True)):
        del rows[gap]
    days = ["2025-01-01", *(day.isoformat() for day in days_near(month))]
    for _ in range(draw(st.integers(0, 12))):
        table = draw(st.sampled_from(list(keys)))
        key = draw(st.sampled_from(list(keys[table])))
        day = draw(st.sampled_from(days))
        price = draw(st.sampled_from(MONTHLY_FEES if table == "number_fees" else UNIT_PRICES))
        fee, increments = draw(st.sampled_from(FEES)), draw(st.sampled_from(INCREMENTS))
        changed = priced(table, price, fee, increments, draw(st.booleans()))
        rows[table, key, day] = keys[table][key] | changed | {"valid_from": day}
    tables = {table: [row for (name, _, _), row in rows.items() if name == table] for table in keys}
    tables["price_lists"] = [{"price_list": name, "currency": currency} for name, currency in lists.items()]
    tables["destinations"] = [
        {"prefix": prefix, "destination": name, "country": country} for prefix, name, country in destinations
    ]
    tables["vat_rates"] = vat_rates(month)
    return tables


def vat_rates(month: str) -> list[Row]:
    """Rates of every EU country drawn, one of them changing on the last day of the month, and an idle one."""
    rates = {"FR": "0.2000", "DE": "0.1900", "BE": "0.2100", "IT": "0.2200", "JP": "0.1000"}
    last = first_of(month, 1) - timedelta(days=1)
    rows = [{"country": country, "rate": rate, "valid_from": "2025-01-01"} for country, rate in rates.items()]
    return [*rows, {"country": "DE", "rate": "0.1650", "valid_from": last.isoformat()}]


@st.composite
def worlds(draw: st.DrawFn, *, max_records: int = 25, time_zone: str | None = None, callr: bool = True) -> World:
    """A whole world of one month, valid as reference data; its raw records may be anything."""
    month = draw(st.sampled_from(MONTHS))
    zone = time_zone or draw(st.sampled_from(ZONES))
    account_rows = draw(accounts(month))
    account_ids = [row["account_id"] for row in account_rows]
    number_rows = draw(numbers(month, account_ids))
    own_numbers = sorted({row["number"] for row in number_rows})
    starts = moments(month, zone)
    events: list[dict[str, Any]] = draw(callr_events(starts, own_numbers)) if callr else []
    return World(
        month=month,
        months_before=draw(st.sampled_from([(), (first_of(month, -1).strftime("%Y-%m"),)])),
        time_zone=zone,
        seller_country=draw(st.sampled_from(["FR", "DE"])),
        accounts=account_rows,
        numbers=number_rows,
        credits=draw(credits(month, zone, account_rows)),
        prices=draw(price_tables(month, account_rows)),
        records=draw(usage_records(starts, written, own_numbers, account_ids, max_records)),
        callr=events,
    )
