"""When things happen in the example month: office hours, evenings, weekends, in the customer's own time zone.

What belongs here: drawing moments and writing them down. A moment is a number of milliseconds since the
clock's first hour, which lies a week before the month.
"""

import random
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

HOUR = 3_600_000
"""Milliseconds."""
BEFORE = 7
AFTER = 8
"""Days before the month and after it that the clock knows."""

_BUSY = (1, 1, 1, 1, 1, 2, 6, 18, 48, 86, 100, 92, 58, 62, 88, 94, 90, 72, 46, 30, 20, 12, 6, 3)
"""How busy each hour of a working day is; Saturday has a third of it, Sunday a seventh."""
_OF_THE_WEEK = (1.06, 1.08, 1.04, 1.02, 0.96, 0.33, 0.14)


def next_month(month: date) -> date:
    """Return the first day of the month after the one that begins on `month`."""
    return (month + timedelta(days=31)).replace(day=1)


class Clock:
    """Draws moments of one time zone and writes them in ISO 8601 with its offset."""

    def __init__(self, month: date, zone: str, *, zulu: bool = False) -> None:
        """Take the month's first day and an IANA zone whose offsets are whole hours; `zulu` writes Z."""
        self.origin = datetime.combine(month, datetime.min.time(), UTC) - timedelta(days=BEFORE)
        days = BEFORE + (next_month(month) - month).days + AFTER
        tz = ZoneInfo(zone)
        local = [(self.origin + timedelta(hours=hour)).astimezone(tz) for hour in range(days * 24)]
        weights = (_BUSY[at.hour] * _OF_THE_WEEK[at.weekday()] for at in local)
        self._prefix = [f"{at:%Y-%m-%dT%H:}" for at in local]
        self._suffix = ["Z" if zulu else at.isoformat()[-6:] for at in local]
        self._until = [0.0, *accumulate(weights)]

    def hour_of(self, moment: datetime) -> int:
        """Return the hour that `moment` lies in, within the hours that the clock knows."""
        hours = (moment - self.origin) // timedelta(hours=1)
        return min(max(hours, 0), len(self._prefix))

    def draw(self, rng: random.Random, first: int, end: int) -> int:
        """Return a moment in the hours from `first` up to, not including, `end`."""
        low, high = self._until[first], self._until[end]
        hour = bisect_right(self._until, low + rng.random() * (high - low)) - 1
        return min(max(hour, first), end - 1) * HOUR + int(rng.random() * HOUR)

    def iso(self, at: int) -> str:
        """Return the moment to the second."""
        hour, rest = divmod(at, HOUR)
        minute, rest = divmod(rest, 60_000)
        return f"{self._prefix[hour]}{minute:02d}:{rest // 1000:02d}{self._suffix[hour]}"

    def iso_milliseconds(self, at: int) -> str:
        """Return the moment to the millisecond."""
        hour, rest = divmod(at, HOUR)
        minute, rest = divmod(rest, 60_000)
        second, thousandth = divmod(rest, 1000)
        return f"{self._prefix[hour]}{minute:02d}:{second:02d}.{thousandth:03d}{self._suffix[hour]}"

    def plain(self, at: int) -> str:
        """Return the moment as `2026-10-01 08:00:00`, without a word about its zone."""
        return self.iso(at)[:19].replace("T", " ")
