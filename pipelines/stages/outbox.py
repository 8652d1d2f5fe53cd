"""E-mails are queued in the transaction that makes the document they are about, one row each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Literal

import polars as pl

from pipelines.documents.addresses import domain_of
from pipelines.settings import SETTINGS_FILE
from pipelines.storage.session import Session

NO_ADDRESS = "accounts.csv has no e-mail address for the account"
GONE = "the account is no longer in accounts.csv, and none of its e-mails had an address"

_NUMBER = {"bill": "bill_number", "note": "note_number", "receipt": "receipt_number"}

_QUEUE = f"""
INSERT INTO outbox BY NAME
SELECT
    document,
    kind,
    billing_month,
    account_id,
    coalesce(trim(a.email), CASE WHEN a.account_id IS NULL THEN l.last_one END, '') AS recipient,
    '<' || left(regexp_replace(document, '[^A-Za-z0-9-]', '-', 'g'), 60) || '.'
        || left(sha256(concat_ws(chr(10), kind, document, account_id)), 12) || '@' || $domain || '>' AS message_id,
    CASE WHEN recipient = '' THEN 'failed' ELSE 'pending' END AS state,
    0 AS attempts,
    NULL AS next_attempt_at,
    CASE WHEN recipient <> '' THEN NULL WHEN a.account_id IS NULL THEN '{GONE}' ELSE '{NO_ADDRESS}' END AS said,
    created_at,
    created_at AS changed_at,
    $accounts AS accounts_sha256,
    $settings AS settings_sha256,
    $rates AS rates_sha256
FROM _queued LEFT JOIN accounts a USING (account_id) LEFT JOIN (
    SELECT account_id, arg_max(recipient, created_at) AS last_one FROM outbox
    WHERE recipient <> '' AND account_id IN (SELECT account_id FROM _queued ANTI JOIN accounts USING (account_id))
    GROUP BY 1
) l USING (account_id)
ORDER BY document
"""


def queue(session: Session, kind: Literal["bill", "note", "receipt"], frame: pl.DataFrame) -> None:
    """One row of the outbox for each document of `frame`: Bills, CorrectionNotes or Receipts that were just made.
    Belongs into the transaction that makes them, after accounts were loaded.

    The Message-ID follows from number, account and the sender's domain, and is the same on every attempt. An account
    without an address gets its row as well, which has failed: nothing goes missing without a word. A customer who is gone
    from accounts.csv and gets a note gets it where its last e-mail went.
    """
    if frame.is_empty():
        return
    warehouse, settings = session.warehouse, session.installation.settings
    inputs = json.loads(
        warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'") or "{}",
    )
    with warehouse.lent("_queued", _rows(session, kind, frame)):
        added = warehouse.connection.execute(
            _QUEUE,
            {
                "domain": domain_of(settings.mail.sender, settings.seller.email),
                "accounts": inputs.get("accounts", ""),
                "settings": inputs.get(SETTINGS_FILE, ""),
                "rates": inputs.get("exchange_rates", ""),
            },
        ).fetchall()
    if added != [(frame.height,)]:
        raise AssertionError(f"{frame.height} e-mails were to be queued, and {added} were")


def _rows(session: Session, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
    """document, kind, billing_month, account_id and created_at. A receipt lies in the month of its credit."""
    month, made = pl.col("billing_month"), pl.col("issued_at")
    if kind == "receipt":
        zone = session.installation.settings.billing.time_zone
        month = pl.col("credited_at").dt.convert_time_zone(zone).dt.strftime("%Y-%m").alias("billing_month")
        made = pl.lit(datetime.now(UTC))
    return frame.select(
        pl.col(_NUMBER[kind]).alias("document"),
        (pl.col("kind") if kind == "note" else pl.lit(kind)).alias("kind"),
        month,
        "account_id",
        made.alias("created_at"),
    )
