"""The statement on a bill: what moved the account since the bill before, kept as it was when the bill was issued."""

from __future__ import annotations

import polars as pl

from pipelines.storage.session import Session

_KEEP = """
    INSERT INTO bill_statements
    WITH moved AS (
        SELECT b.document, e.* FROM issued_now b JOIN (
            SELECT 'postpaid' AS billing_mode, account_id, currency, posted_at, kind, reference, amount FROM receivables
            UNION ALL
            SELECT 'prepaid', account_id, currency, posted_at, kind, reference, amount FROM posted_ledger
        ) e USING (billing_mode, account_id, currency)
        WHERE b.billing_mode = 'prepaid' OR e.posted_at <= b.issued_at
    ),
    shown AS (
        SELECT *, EXISTS (
            FROM bill_statements s WHERE s.account_id = moved.account_id AND s.kind = moved.kind
            AND s.reference = moved.reference
        ) AS before FROM moved
    )
    SELECT document, account_id, 0 AS position, NULL AS posted_at, 'opening' AS kind, NULL AS reference,
        coalesce(opening, 0) AS amount
    FROM issued_now LEFT JOIN
        (SELECT document, sum(amount) FILTER (before) AS opening FROM shown GROUP BY 1) USING (document)
    UNION ALL
    SELECT document, account_id, row_number() OVER (PARTITION BY document ORDER BY posted_at, kind, reference), posted_at,
        kind, reference, amount
    FROM shown WHERE NOT before
"""


def keep_statements(session: Session, bills: pl.DataFrame) -> None:
    """Keeps the statement of each of the issued `bills` (Bills): its opening balance, and the entries of the ledger
    (prepaid) or the receivables (postpaid) that stand on no earlier statement of the account.

    Later payments and credits change both; what a customer was told does not. Belongs into the transaction of the
    issue, behind the entries that it posts.
    """
    now = bills.select(pl.col("bill_number").alias("document"), "account_id", "billing_mode", "currency", "issued_at")
    with session.warehouse.lent("issued_now", now):
        session.warehouse.connection.execute(_KEEP)
