"""Top-ups become receipts, and credits and bills the ledger."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from pipelines.month_files import scan
from pipelines.reference import require_vat_rates
from pipelines.session import Session
from pipelines.stages import Facts
from pipelines.stages.rate import is_current, rated_batches, usage_months
from transforms.ledger.entries import ledger
from transforms.ledger.receipts import numbered, receipts, usage_before


def make_receipts(session: Session) -> Facts:
    """Receipts of every top-up that is known and has none yet. A receipt once made never changes."""
    session.progress.stage("receipts")
    warehouse = session.warehouse
    new = warehouse.frame("SELECT * FROM credits ANTI JOIN receipts USING (credit_id) WHERE kind = 'top_up'")
    if new.height:
        accounts, rates = session.accounts(), session.table("vat_rates")
        zone = session.installation.settings.billing.time_zone
        days = new.select(
            "account_id", pl.col("credited_at").dt.convert_time_zone(zone).dt.date().alias("day")
        ).unique()
        for (day,), part in days.group_by("day"):
            require_vat_rates(session.installation, accounts.join(part, on="account_id", how="semi"), rates, day)
        no_bills = new.select("credit_id").with_columns(pl.lit(None, pl.Decimal(38, 10)).alias("billed"))
        drafts = receipts(
            new,
            session.table("credits"),
            _used(session, new),
            no_bills,
            accounts,
            rates,
            time_zone=zone,
            seller_country=session.seller_country,
            minor_units=session.minor_units,
        )
        last = warehouse.frame(
            "SELECT split_part(receipt_number, '-', 2)::INTEGER AS year, "
            "max(split_part(receipt_number, '-', 3)::BIGINT) AS last FROM receipts GROUP BY 1"
        )
        with warehouse.transaction():
            warehouse.insert("receipts", numbered(drafts, last, time_zone=zone))
            warehouse.note("receipts", None, {"new": drafts.height})
    session.progress.advance(new.height)
    return {"new": new.height, "rows": int(warehouse.value("SELECT count(*) FROM receipts"))}


def _used(session: Session, new: pl.DataFrame) -> pl.DataFrame:
    """Charges that started before each of the `new` credits, of all usage that is loaded.

    Months whose rated usage is up to date are read; other months up to the latest credit are rated for this alone.
    """
    files = session.warehouse.month_files
    until = new["credited_at"].max()
    current: list[str] = []
    others: list[str] = []
    for month in usage_months(session, until):
        (current if is_current(session, month) else others).append(month)
    parts = [usage_before(new, files.scan("rated_usage", current))]
    for month in others:
        for _, batch in rated_batches(session, session.month(month), only=_CREDITED):
            parts.append(usage_before(new, batch.rated.lazy()))
    return pl.concat(parts).group_by("credit_id").agg(pl.col("used").sum())


_CREDITED = """(
    account_id IN (SELECT account_id FROM credits WHERE kind = 'top_up')
    OR own_number IN (SELECT number FROM numbers WHERE account_id IN (SELECT account_id FROM credits WHERE kind = 'top_up'))
)"""


def make_ledger(session: Session, name: str) -> Facts:
    """The ledger of all accounts, with the bills of the month and those of other months that were published."""
    session.progress.stage("ledger")
    bills = scan("bills", session.warehouse.month_files.publication("bills", name))
    prepaid = bills.filter(pl.col("billing_mode") == "prepaid").collect()
    months = sorted(prepaid["billing_month"].unique())
    ends = {month: session.month(month).ends for month in months}
    frame = ledger(session.table("credits"), _closed(prepaid, ends))
    with session.warehouse.transaction():
        session.warehouse.replace("ledger", frame)
        session.warehouse.note("ledger", None, {"rows": frame.height, "months": months})
    session.progress.advance(frame.height)
    below = frame.group_by("account_id").agg(pl.col("balance_after").last()).filter(pl.col("balance_after") < 0)
    return {"rows": frame.height, "accounts_below_zero": below.height}


def _closed(bills: pl.DataFrame, ends: dict[str, datetime]) -> pl.DataFrame:
    """`bills` with closed_at, the last moment of their month."""
    last_moment = pl.DataFrame(
        {"billing_month": list(ends), "_ends": list(ends.values())},
        schema={"billing_month": pl.String, "_ends": pl.Datetime("us", "UTC")},
    ).with_columns((pl.col("_ends") - pl.duration(microseconds=1)).alias("closed_at"))
    return bills.join(last_moment, on="billing_month", how="left", maintain_order="left")
