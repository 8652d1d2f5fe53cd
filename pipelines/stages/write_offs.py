"""Which legs and number fees are written off now: they are neither rated nor suspended anew while they are."""

from __future__ import annotations

import polars as pl

from pipelines.stages.billing_months import LEG
from pipelines.storage.session import Session


def drop_written_off(legs: pl.DataFrame, gone: pl.DataFrame) -> pl.DataFrame:
    """Those of `legs` (with the columns LEG) that are not `gone` (from `written_off_legs`), in their order."""
    return legs.join(gone, on=LEG, how="anti", maintain_order="left") if gone.height else legs


def written_off_legs(session: Session) -> pl.DataFrame:
    """LEG of every leg of usage that is written off."""
    return session.warehouse.frame(
        "SELECT DISTINCT f.file_number, w.record_number, w.leg FROM write_offs w JOIN loaded_files f USING (file_id) "
        "WHERE w.reopened_at IS NULL"
    )


def drop_written_off_fees(session: Session, month: str, fees: pl.DataFrame) -> pl.DataFrame:
    """Those of the month's `fees` (number, account_id) that are not written off, in their order."""
    gone = session.warehouse.frame(
        "SELECT DISTINCT record_id AS number, account_id FROM write_offs "
        "WHERE format = 'numbers' AND usage_month = ? AND reopened_at IS NULL",
        [month],
    )
    return fees.join(gone, on=["number", "account_id"], how="anti", maintain_order="left") if gone.height else fees
