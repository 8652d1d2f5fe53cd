"""What closing a month leaves behind: who was held back, and who did what."""

from __future__ import annotations

from typing import ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import Instant, Table


class Parked(Table):
    """Bills that were held back when their month was issued, or are to be, and why."""

    _key: ClassVar = ("billing_month", "account_id", "parked_at")

    billing_month: str = pa.Field(description="Month of the bill, as 2026-10.")
    account_id: str = pa.Field(description="The account whose bill is held back.")
    reason: str = pa.Field(description="Why.")
    parked_by: str = pa.Field(description="Who held it back: a person, or callbill for its safety bounds.")
    parked_at: Instant = pa.Field(description="When.")
    released_by: str = pa.Field(nullable=True, description="Who let it go; null while it is held back.")
    release_reason: str = pa.Field(nullable=True, description="Why it was let go.")
    released_at: Instant = pa.Field(nullable=True, description="When it was let go.")


class Audit(Table):
    """What changed the books: append-only."""

    _key: ClassVar = ("entry_number",)

    entry_number: pl.Int64 = pa.Field(ge=1, unique=True, description="Position of the entry, from 1.")
    at: Instant = pa.Field(description="When.")
    who: str = pa.Field(description="The user of the system, or the person who was named.")
    action: str = pa.Field(
        description="run, issue, park, release, correct, collect, resend, recycle, write-off or reopen."
    )
    billing_month: str = pa.Field(nullable=True, description="The month it was about.")
    changed: str = pa.Field(description="What changed, in words.")
    version: str = pa.Field(description="Version of callbill.")
    inputs: str = pa.Field(description="SHA-256 over reference and price files as they were.")
