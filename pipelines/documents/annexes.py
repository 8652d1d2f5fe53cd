"""Legs as the annex of a document itemises them, their moments in the billing time zone `zone`; none where there are no rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.documents.model import Change, ItemisedLeg


def records(rows: pl.DataFrame | None, zone: ZoneInfo) -> tuple[ItemisedLeg, ...]:
    """The legs `rows` (RatedUsage)."""
    if rows is None:
        return ()
    return tuple(_record(row, zone) for row in rows.iter_rows(named=True))


def changes(rows: pl.DataFrame | None, zone: ZoneInfo) -> tuple[Change, ...]:
    """The legs `rows` of a note (of `changed_legs`)."""
    if rows is None:
        return ()
    return tuple(
        Change(_record(row, zone), row["charge_before"], row["charge_now"], row["difference"])
        for row in rows.iter_rows(named=True)
    )


def _record(row: dict[str, Any], zone: ZoneInfo) -> ItemisedLeg:
    started: datetime = row["started_at"].astimezone(zone)
    quantity, unit = row["billed_seconds"], "seconds"
    if row["service"] == "sms":
        inbound = row["direction"] == "inbound"
        quantity, unit = (1, "messages") if inbound else (row["segments"] or 0, "segments")
    return ItemisedLeg(
        started_at=started,
        service=row["service"],
        direction=row["direction"],
        own_number=row["own_number"],
        other_number=row["other_number"],
        destination=row["destination"] or "",
        country=row["country"] or "",
        quantity=quantity,
        unit=unit,
        charge=row["charge"],
    )
