"""What e-mails tell of their documents: the documents of rows of the outbox, with the amounts and days that matter."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl

from pipelines.documents.gather import exact
from pipelines.documents.model import Document, Party, Payment
from pipelines.documents.then import Then, then
from pipelines.errors import BadInput
from pipelines.session import Session
from pipelines.settings import SETTINGS_FILE

_DUE = """
SELECT d.document, any_value(i.due_on) AS due_on, any_value(c.method) AS method, any_value(c.due_on) AS collected_on,
    any_value(c.mandate_reference) AS mandate_reference
FROM _documents d LEFT JOIN open_items i USING (document) LEFT JOIN collections c USING (document) GROUP BY 1
"""

_ISSUED = ("billing_mode", "payment_method", "currency", "net_amount", "vat_rate", "vat_rule", "vat_amount")
_SUMS = ("gross_amount", "paid_from_balance", "total_owed")


class Letters:
    """The documents of e-mails, one batch of rows of the outbox after the other."""

    def __init__(self, session: Session):
        self._session = session
        self._then = cache(self._read_then)

    def of(self, rows: pl.DataFrame) -> dict[str, Document | str]:
        """By message_id the documents of `rows` (Outbox), or a sentence that says why there is none.

        Name of the seller and language are those of when the document was made.
        """
        found = pl.concat([self._receipts(rows), self._bills(rows), self._notes(rows)], how="diagonal_relaxed")
        found = found.join(self._due(rows), on="document", how="left")
        missing: dict[str, Document | str] = dict.fromkeys(rows["message_id"], "the warehouse has no such document")
        return missing | {row["message_id"]: self._told(row) for row in found.iter_rows(named=True)}

    def _told(self, row: dict[str, Any]) -> Document | str:
        try:
            return self._document(row)
        except BadInput as error:
            return error.problems[0]

    def _receipts(self, rows: pl.DataFrame) -> pl.DataFrame:
        mine = rows.filter(pl.col("kind") == "receipt")
        query = "SELECT * EXCLUDE (account_id) FROM receipts SEMI JOIN _documents ON receipt_number = document"
        receipts = self._looked_up(mine, query).rename(
            {
                "receipt_number": "document",
                "credited_amount": "net_amount",
                "total_paid": "gross_amount",
            }
        )
        return mine.join(receipts, on="document", how="inner").with_columns(pl.lit("prepaid").alias("billing_mode"))

    def _bills(self, rows: pl.DataFrame) -> pl.DataFrame:
        mine = rows.filter(pl.col("kind") == "bill")
        if mine.is_empty():
            return mine
        months = mine["billing_month"].unique().sort().to_list()
        files = self._session.warehouse.month_files
        bills = files.scan("bills", months, issued=True).select(
            pl.col("bill_number").alias("document"), *_ISSUED, *_SUMS, "issued_at"
        )
        return mine.lazy().join(bills, on="document", how="inner").collect()

    def _notes(self, rows: pl.DataFrame) -> pl.DataFrame:
        mine = rows.filter(pl.col("kind").is_in(["credit_note", "debit_note"]))
        if mine.is_empty():
            return mine
        months = mine["billing_month"].unique().sort().to_list()
        files = self._session.warehouse.month_files
        columns = [name for name in _ISSUED if name != "payment_method"]
        notes = files.scan("correction_notes", months, issued=True).select(
            pl.col("note_number").alias("document"), *columns, *_SUMS, "issued_at", "bill_number", "reason"
        )
        return mine.lazy().join(notes, on="document", how="inner").collect()

    def _due(self, rows: pl.DataFrame) -> pl.DataFrame:
        return self._looked_up(rows.filter(pl.col("kind") != "receipt"), _DUE)

    def _looked_up(self, rows: pl.DataFrame, query: str) -> pl.DataFrame:
        connection = self._session.warehouse.connection
        connection.register("_documents", rows.select("document"))
        try:
            return self._session.warehouse.frame(query)
        finally:
            connection.unregister("_documents")

    def _document(self, row: dict[str, Any]) -> Document:
        was, languages = self._then(row["accounts_sha256"], row["settings_sha256"], row["rates_sha256"])
        zone = self._session.installation.settings.zone
        language = languages.get(row["account_id"]) or was.settings.documents.language
        digits = self._session.minor_units[row["currency"]]
        receipt = row["kind"] == "receipt"
        made = (row["credited_at"] if receipt else row["issued_at"]).astimezone(zone).date()
        period = (made, made)
        if not receipt:
            month = self._session.month(row["billing_month"])
            period = (month.first, month.last)

        def amount(name: str) -> Decimal:
            return exact(row[name], digits)

        return Document(
            kind=row["kind"],
            number=row["document"],
            issued_on=made,
            language=language,
            account_id=row["account_id"],
            billing_mode=row["billing_mode"],
            currency=row["currency"],
            digits=digits,
            seller=was.seller(language),
            buyer=Party("", ""),
            period=period,
            lines=(),
            net_amount=amount("net_amount"),
            vat_rate=row["vat_rate"],
            vat_rule=row["vat_rule"],
            vat_amount=amount("vat_amount"),
            gross_amount=amount("gross_amount"),
            paid_amount=amount("gross_amount" if receipt else "paid_from_balance"),
            total_owed=Decimal(0) if receipt else amount("total_owed"),
            payment=_payment(row),
            corrects=row.get("bill_number") or "",
            reason=row.get("reason") or "",
            balance_after=amount("balance_after") if receipt else None,
        )

    def _read_then(self, accounts: str, settings: str, rates: str) -> tuple[Then, dict[str, str | None]]:
        """What was known then, and the language of each account."""
        was = then(self._session, {"accounts": accounts, SETTINGS_FILE: settings, "exchange_rates": rates})
        return was, dict(was.accounts.select("account_id", "language").iter_rows())


def _payment(row: dict[str, Any]) -> Payment:
    """How it is paid: as its payment file says, else as the bill does. The day of a debit is known once its file is
    written."""
    if row["kind"] == "receipt" or row["total_owed"] <= 0:
        return Payment("balance")
    method = row["method"] or row.get("payment_method")
    if method == "direct_debit":
        return Payment("direct_debit", row["collected_on"], row["mandate_reference"] or "")
    return Payment("bank_transfer", row["collected_on"] or row["due_on"])
