"""What e-mails tell of their documents: the documents of rows of the outbox, with the amounts and days that matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl

from pipelines.documents.gather import receipt_documents, without_lines
from pipelines.documents.inputs_at_issue import InputsAtIssue, inputs_at_issue, knowing
from pipelines.documents.model import Document, Kind, Payment
from pipelines.errors import BadInput, of_one
from pipelines.settings import SETTINGS_FILE
from pipelines.storage.session import Session

_RECEIPTS = "SELECT * FROM receipts SEMI JOIN _documents ON receipt_number = document ORDER BY receipt_number"

_DUE = """
SELECT d.document, any_value(i.due_on) AS due_on, any_value(c.method) AS method, any_value(c.due_on) AS collected_on,
    any_value(c.mandate_reference) AS debited_under
FROM _documents d LEFT JOIN open_items i USING (document) LEFT JOIN collections c USING (document) GROUP BY 1
"""

_INPUTS = ("accounts_sha256", "settings_sha256", "rates_sha256")

Told = dict[str, Document | str]
"""By number the document, or a sentence that says why there is none."""


class EmailDocuments:
    """The documents of e-mails, one batch of rows of the outbox after the other."""

    def __init__(self, session: Session):
        self._session = session
        self._then = cache(self._read_then)

    def of(self, rows: pl.DataFrame) -> Told:
        """By message_id the documents of `rows` (Outbox), or a sentence that says why there is none.

        Seller, customer and language are those of when the document was made.
        """
        told: Told = dict.fromkeys(rows["document"], "the warehouse has no such document")
        for inputs, part in rows.partition_by(_INPUTS, as_dict=True, maintain_order=True).items():
            told |= self._told(part, *map(str, inputs))
        return {message_id: told[number] for message_id, number in rows.select("message_id", "document").iter_rows()}

    def _told(self, rows: pl.DataFrame, accounts: str, settings: str, rates: str) -> Told:
        try:
            was = self._then(accounts, settings, rates)
        except BadInput as error:
            return dict.fromkeys(rows["document"], error.problems[0])
        told: Told = dict(self._receipts(rows.filter(pl.col("kind") == "receipt"), was))
        return told | dict(self._issued(rows.filter(pl.col("kind") != "receipt"), was))

    def _receipts(self, rows: pl.DataFrame, was: InputsAtIssue) -> Iterator[tuple[str, Document | str]]:
        # An e-mail tells no VAT in another currency, and must not fail for want of a rate.
        for found in receipt_documents(self._session, self._looked_up(rows, _RECEIPTS), was, declared=False):
            yield found.number, found.document or found.refusal

    def _issued(self, rows: pl.DataFrame, was: InputsAtIssue) -> Iterator[tuple[str, Document | str]]:
        """The bills and notes of `rows`, by number."""
        for table, number, kinds in (
            ("bills", "bill_number", ["bill"]),
            ("correction_notes", "note_number", ["credit_note", "debit_note"]),
        ):
            mine = rows.filter(pl.col("kind").is_in(kinds))
            if mine.is_empty():
                continue
            months = mine["billing_month"].unique().sort().to_list()
            issued = self._session.warehouse.month_files.scan(table, months, issued=True)
            found = issued.join(
                mine.lazy().select("document"), left_on=number, right_on="document", how="semi"
            ).collect()
            if found.is_empty():
                continue
            whole = knowing(self._session, was, found["account_id"], min(found["issued_at"].to_list()))
            # Of columns that accounts have as well, such as the currency, those of the document stay.
            found = found.join(self._looked_up(mine, _DUE), left_on=number, right_on="document", how="left").join(
                whole.accounts, on="account_id", how="left", suffix="_then"
            )
            for row in found.iter_rows(named=True):
                yield row[number], self._letter("bill" if table == "bills" else row["kind"], row, was)

    def _letter(self, kind: Kind, row: dict[str, Any], was: InputsAtIssue) -> Document | str:
        try:
            document = without_lines(self._session, row["billing_month"], kind, row, was)
            return replace(document, payment=_payment(row, document))
        except Exception as error:  # noqa: BLE001
            # One that cannot be told must not keep the others from going.
            return of_one(error)

    def _looked_up(self, rows: pl.DataFrame, query: str) -> pl.DataFrame:
        with self._session.warehouse.lent("_documents", rows.select("document")):
            return self._session.warehouse.frame(query)

    def _read_then(self, accounts: str, settings: str, rates: str) -> InputsAtIssue:
        return inputs_at_issue(self._session, {"accounts": accounts, SETTINGS_FILE: settings, "exchange_rates": rates})


def _payment(row: dict[str, Any], document: Document) -> Payment:
    """How it is paid: as its payment file says, else as the bill does. The day of a debit is known once its file is
    written."""
    if document.total_owed <= 0:
        return Payment("balance")
    method = row["method"] or (row["payment_method"] if document.kind == "bill" else None)
    if method == "direct_debit":
        return Payment("direct_debit", row["collected_on"], row["debited_under"] or "")
    return Payment("bank_transfer", row["collected_on"] or row["due_on"])
