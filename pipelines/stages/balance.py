"""Top-ups become receipts, and credits and bills the ledger."""

from __future__ import annotations

import polars as pl

from pipelines.reference.consistency import require_vat_rates
from pipelines.stages import Facts
from pipelines.stages.billing_months import issued_months
from pipelines.stages.outbox import queue
from pipelines.stages.rate import is_current, rated_batches, usage_months
from pipelines.storage.month_files import scan
from pipelines.storage.number_series import advance
from pipelines.storage.session import Session
from transforms.ledger.entries import ledger
from transforms.ledger.receipts import numbered, receipts, usage_before
from transforms.tables.base import MONEY


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
        drafts = receipts(
            new,
            session.table("credits"),
            _used(session, new),
            _billed(session, new),
            accounts,
            rates,
            time_zone=zone,
            seller_country=session.seller_country,
            minor_units=session.minor_units,
        )
        settings = session.installation.settings.issue
        last = warehouse.frame("SELECT year, last FROM number_series WHERE series = 'receipts'")
        made = numbered(drafts, last, time_zone=zone, prefix=settings.receipt_prefix, first=settings.first_receipt)
        with warehouse.transaction():
            warehouse.insert("receipts", made)
            queue(session, "receipt", made)
            for (year,), part in made.group_by(pl.col("credited_at").dt.convert_time_zone(zone).dt.year()):
                given = part["receipt_number"].str.extract(r"(\d+)$").cast(pl.Int64)
                advance(session, "receipts", str(year), int(str(given.max())))
            warehouse.note("receipts", None, {"new": drafts.height})
    session.progress.advance(new.height)
    return {"new": new.height, "rows": int(warehouse.value("SELECT count(*) FROM receipts"))}


def _billed(session: Session, new: pl.DataFrame) -> pl.DataFrame:
    """credit_id and billed: the issued bills of months that ended before each of the `new` credits, and the notes that
    were issued before it."""
    bills = _issued_before(session, new, "bills", pl.col("paid_from_balance"))
    notes = (
        session.warehouse.month_files.scan("correction_notes", issued=True)
        .join(new.lazy().select("credit_id", "account_id", "credited_at"), on="account_id")
        .filter(pl.col("issued_at") < pl.col("credited_at"))
        .select("credit_id", pl.col("paid_from_balance").cast(MONEY).alias("amount"))
        .collect()
    )
    return pl.concat([bills, notes]).group_by("credit_id").agg(pl.col("amount").sum().alias("billed"))


def _issued_before(session: Session, new: pl.DataFrame, table: str, amount: pl.Expr) -> pl.DataFrame:
    """credit_id and `amount` of every row of issued months that ended before a credit of its account."""
    parts = [pl.DataFrame(schema={"credit_id": pl.String, "amount": MONEY})]
    for month in issued_months(session).open_accounts:
        later = new.filter(pl.col("credited_at") >= session.month(month).ends).select("credit_id", "account_id").lazy()
        rows = session.warehouse.month_files.scan(table, [month], issued=True)
        parts.append(
            rows.join(later, on="account_id").select("credit_id", amount.cast(MONEY).alias("amount")).collect()
        )
    return pl.concat(parts)


def _used(session: Session, new: pl.DataFrame) -> pl.DataFrame:
    """Charges that started before each of the `new` credits, of all usage that is loaded, but for what stands on issued
    bills of months that ended before the credit.

    Months whose rated usage is up to date are read; other months up to the latest credit are rated for this alone.
    """
    files = session.warehouse.month_files
    until = new["credited_at"].max()
    current: list[str] = []
    others: list[str] = []
    for month in usage_months(session, until):
        (current if is_current(session, month) else others).append(month)
    parts = [usage_before(new, files.scan("rated_usage", current, issued=False))]
    for month in issued_months(session).open_accounts:
        during = new.filter(pl.col("credited_at") < session.month(month).ends)
        parts.append(usage_before(during, files.scan("rated_usage", [month], issued=True)))
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
    prepaid = bills.filter((pl.col("billing_mode") == "prepaid") & (pl.col("status") != "issued")).collect()
    months = sorted(prepaid["billing_month"].unique())
    frame = ledger(session.table("credits"), with_closing(session, prepaid), posted_ledger(session))
    with session.warehouse.transaction():
        session.warehouse.replace("ledger", frame)
        session.warehouse.note("ledger", None, {"rows": frame.height, "months": months})
    session.progress.advance(frame.height)
    below = frame.group_by("account_id").agg(pl.col("balance_after").last()).filter(pl.col("balance_after") < 0)
    return {"rows": frame.height, "accounts_below_zero": below.height}


def posted_ledger(session: Session) -> pl.DataFrame:
    """The entries that stand for good: those of issued months."""
    return session.warehouse.frame(
        "SELECT * EXCLUDE (month, part) FROM posted_ledger ORDER BY account_id, entry_number"
    )


def rebuild_ledger(session: Session) -> None:
    """The ledger with what is posted now; drafts of all months stand behind it. Belongs into the transaction."""
    warehouse = session.warehouse
    drafts = warehouse.month_files.scan("bills", issued=False).filter(pl.col("billing_mode") == "prepaid").collect()
    frame = ledger(session.table("credits"), with_closing(session, drafts), posted_ledger(session))
    warehouse.replace("ledger", frame)


def with_closing(session: Session, bills: pl.DataFrame) -> pl.DataFrame:
    """`bills` with closed_at, the last moment of their month."""
    ends = {month: session.month(month).ends for month in bills["billing_month"].unique()}
    last_moment = pl.DataFrame(
        {"billing_month": list(ends), "_ends": list(ends.values())},
        schema={"billing_month": pl.String, "_ends": pl.Datetime("us", "UTC")},
    ).with_columns((pl.col("_ends") - pl.duration(microseconds=1)).alias("closed_at"))
    return bills.join(last_moment, on="billing_month", how="left", maintain_order="left")
