"""What is published of suspense beside its reasons, and what became of records that were given up."""

from __future__ import annotations

from typing import ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import Instant, Table
from transforms.tables.usage import Suspense
from transforms.tables.vocabulary import DIRECTIONS, LEGS, REASONS, SERVICES


class PublishedSuspense(Suspense):
    """What could not be billed yet, with the reason. Nothing leaves this table: rows change state."""

    service: str = pa.Field(nullable=True, isin=SERVICES, description="voice or sms, where the record could be read.")
    direction: str = pa.Field(
        nullable=True, isin=DIRECTIONS, description="Seen from the customer, where the record could be read."
    )
    destination: str = pa.Field(nullable=True, description="Destination of an outbound number, where it was found.")


class WriteOffs(Table):
    """Records, legs and number fees that were given up, by whom and why: they are not billed while they are."""

    _key: ClassVar = ("written_off_at", "file_id", "record_number", "leg", "usage_month")

    file_id: str = pa.Field(description="SHA-256 of the raw file.")
    format: str = pa.Field(description="Format of the record; numbers for a fee that has no price.")
    record_number: pl.Int64 = pa.Field(ge=1, description="Position of the record in its file, from 1.")
    leg: str = pa.Field(isin=LEGS, description="main or forwarded.")
    record_id: str = pa.Field(nullable=True, description="The source's own name of the event, or the number.")
    account_id: str = pa.Field(nullable=True, description="The account, where known.")
    usage_month: str = pa.Field(nullable=True, description="Month of the event, where it could be read.")
    reason: str = pa.Field(isin=REASONS, description="Why it waited.")
    because: str = pa.Field(description="Why it was given up.")
    written_off_by: str = pa.Field(description="Who decided it.")
    written_off_at: Instant = pa.Field(description="When.")
    reopened_by: str = pa.Field(nullable=True, description="Who let it wait again; null while it is given up.")
    reopened_at: Instant = pa.Field(nullable=True, description="When it was let wait again.")
