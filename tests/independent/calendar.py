"""Days, months and instants in the billing time zone. What they mean for a bill is said elsewhere."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
)


def parse_moment(text: str) -> datetime | None:
    """An ISO 8601 moment with its offset as a moment in UTC (whole microseconds); None where it is none."""
    found = MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    microseconds = ((fraction or "") + "000000")[:6]
    hours_minutes = "+0000" if offset == "Z" else offset.replace(":", "").ljust(5, "0")
    shift = timedelta(hours=int(hours_minutes[1:3]), minutes=int(hours_minutes[3:5]))
    if int(hours_minutes[1:3]) > 23 or int(hours_minutes[3:5]) > 59:
        return None
    if hours_minutes[0] == "-":
        shift = -shift
    try:
        clock = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), int(microseconds), UTC
        )
        return clock - shift
    except (ValueError, OverflowError):
        return None


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The date on which the moment lies in the billing time zone."""
    return moment.astimezone(zone).date()


def local_month(moment: datetime, zone: ZoneInfo) -> str:
    """The month ('2026-10') in which the moment lies in the billing time zone."""
    return local_date(moment, zone).strftime("%Y-%m")


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a date in the billing time zone, in UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def days_of(month: str) -> list[date]:
    """Every date of a month, in order."""
    day = date.fromisoformat(month + "-01")
    days = []
    while day.strftime("%Y-%m") == month:
        days.append(day)
        day += timedelta(days=1)
    return days


def last_moment(month: str, zone: ZoneInfo) -> datetime:
    """The last microsecond of a month in the billing time zone, in UTC."""
    return midnight(days_of(month)[-1] + timedelta(days=1), zone) - timedelta(microseconds=1)
