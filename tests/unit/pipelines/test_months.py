"""Where months begin and end: in the billing zone, told in UTC as all moments of frames are."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipelines.settings import Month


@pytest.mark.parametrize(
    ("zone", "starts", "ends"),
    [
        ("UTC", (2026, 10, 1), (2026, 11, 1)),
        ("Europe/Paris", (2026, 9, 30, 22), (2026, 10, 31, 23)),
        ("America/New_York", (2026, 10, 1, 4), (2026, 11, 1, 4)),
        ("Asia/Kolkata", (2026, 9, 30, 18, 30), (2026, 10, 31, 18, 30)),
    ],
)
def test_a_month_begins_and_ends_in_its_zone(zone: str, starts: tuple[int, ...], ends: tuple[int, ...]) -> None:
    month = Month("2026-10", ZoneInfo(zone))
    assert month.starts == datetime(*starts, tzinfo=UTC)  # type: ignore[misc, arg-type]
    assert month.ends == datetime(*ends, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "America/New_York", "Pacific/Auckland"])
def test_moments_of_frames_are_compared_with_a_month_of_any_zone(zone: str) -> None:
    month = Month("2026-10", ZoneInfo(zone))
    middle = pl.Series("at", [datetime(2026, 10, 15, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC")).to_frame()
    assert middle.filter(pl.col("at") >= month.starts, pl.col("at") < month.ends).height == 1


def test_a_month_begins_where_its_midnight_is_left_out() -> None:
    # Clocks of Asunción went from 00:00 to 01:00 on 1 October 2017.
    assert Month("2017-10", ZoneInfo("America/Asuncion")).starts == datetime(2017, 10, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "following"), [("2026-01", "2026-02"), ("2026-12", "2027-01"), ("2028-02", "2028-03")]
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "America/New_York"])
def test_the_month_after_a_month(zone: str, name: str, following: str) -> None:
    month = Month(name, ZoneInfo(zone))
    assert month.following == following
    assert Month(following, month.zone).starts == month.ends
