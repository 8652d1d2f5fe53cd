"""Issued documents and payments become receivables, open items and the journal."""

from __future__ import annotations

import polars as pl

from pipelines.stages import Facts
from pipelines.storage.session import Session
from transforms.ledger import journal as entries
from transforms.ledger.receivables import allocated, documents, open_items, receivables

_BILL = (
    "billing_month",
    "account_id",
    "bill_number",
    "currency",
    "vat_amount",
    "paid_from_balance",
    "total_owed",
    "issued_at",
)
_NOTE = (*_BILL, "note_number", "kind")


def make_books(session: Session) -> Facts:
    """The books of all months, as issued documents and payments now are."""
    session.progress.stage("books")
    with session.warehouse.transaction():
        facts = keep_books(session)
        session.warehouse.note("books", None, facts)
    session.progress.advance(int(facts["receivables_rows"]))
    return facts


def keep_books(session: Session) -> Facts:
    """Makes receivables, open_items and journal anew from what is issued, posted and paid; returns their rows.

    Belongs into the transaction that changed any of it.
    """
    warehouse, settings = session.warehouse, session.installation.settings
    files, zone = warehouse.month_files, settings.billing.time_zone
    bills = files.scan("bills", issued=True).select(_BILL).collect()
    notes = files.scan("correction_notes", issued=True).select(_NOTE).collect()
    payments = session.table("payments")
    owed = documents(bills, notes)
    paid = allocated(payments, owed)
    before = warehouse.frame("SELECT document, due_on FROM open_items")
    tables = {
        "receivables": receivables(owed, paid),
        "open_items": open_items(owed, paid, before, payment_days=settings.issue.payment_days, time_zone=zone),
        "journal": entries.journal(
            [
                entries.billed(bills, _issued_lines(session), "bills"),
                *_of_notes(session, notes.with_columns(_month("issued_at", zone))),
                entries.topped_up(_top_ups(session)),
                entries.credited(_credits(session)),
                entries.paid(payments.with_columns(_month("paid_at", zone))),
            ]
        ),
    }
    for name, frame in tables.items():
        warehouse.replace(name, frame)
    return {f"{name}_rows": frame.height for name, frame in tables.items()}


def _month(column: str, zone: str) -> pl.Expr:
    """The month of a moment as billing_month: that in whose books it stands."""
    return pl.col(column).dt.convert_time_zone(zone).dt.strftime("%Y-%m").alias("billing_month")


def _issued_lines(session: Session) -> pl.DataFrame:
    """billing_month, currency, kind and amount: totals of the issued bill lines. An issue never changes, so that its
    lines are added up once and the totals kept."""
    warehouse = session.warehouse
    new = warehouse.connection.execute(
        "SELECT month, part FROM month_files ANTI JOIN (SELECT billing_month AS month, part FROM added_up) "
        "USING (month, part) WHERE table_name = 'bill_lines' AND part > 0 ORDER BY ALL"
    ).fetchall()
    for month, part in new:
        paths = warehouse.month_files.part("bill_lines", month, part)
        lines = pl.scan_parquet(paths).select("billing_month", "currency", "kind", pl.col("amount").cast(_WIDE))
        totals = lines.group_by("billing_month", "currency", "kind").agg(pl.col("amount").sum()).collect()
        warehouse.insert("line_totals", totals.with_columns(part=pl.lit(part, pl.Int32)))
        warehouse.connection.execute("INSERT INTO added_up VALUES (?, ?)", [month, part])
    return warehouse.frame("SELECT billing_month, currency, kind, amount FROM line_totals")


_WIDE = pl.Decimal(38, 4)


def _of_notes(session: Session, notes: pl.DataFrame) -> list[pl.DataFrame]:
    """Movements of credit and debit notes, in the month in which they were issued."""
    lines = session.warehouse.month_files.scan("correction_lines", issued=True)
    numbered = lines.select("note_number", "currency", pl.col("kind").alias("line_kind"), "amount")
    months = notes.select("note_number", "billing_month", "kind").lazy()
    dated = numbered.join(months, on="note_number").collect()
    found = []
    for kind in ("credit_note", "debit_note"):
        of_kind = dated.filter(pl.col("kind") == kind).with_columns(pl.col("line_kind").alias("kind"))
        found.append(entries.billed(notes.filter(pl.col("kind") == kind), of_kind, f"{kind}s"))
    return found


def _top_ups(session: Session) -> pl.DataFrame:
    """The receipts of top-ups that are posted, with the month with which they were."""
    return session.warehouse.frame(
        "SELECT p.month AS billing_month, r.currency, p.amount AS credited_amount, r.vat_amount, r.total_paid "
        "FROM posted_ledger p LEFT JOIN receipts r ON r.credit_id = p.reference WHERE p.kind = 'top_up'"
    )


def _credits(session: Session) -> pl.DataFrame:
    """Posted credits of other kinds, with the month with which they were posted."""
    kinds = ", ".join(f"'{kind}'" for kind in entries.COUNTERPART)
    return session.warehouse.frame(
        f"SELECT month AS billing_month, currency, kind, amount FROM posted_ledger WHERE kind IN ({kinds})"
    )
