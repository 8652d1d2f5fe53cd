"""Answers from the published books: a statement of account, what is overdue, the journal of a month. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl

from pipelines.errors import BadInput
from pipelines.settings import Installation, Month, first_moment
from pipelines.storage.catalogue import BOOKS
from pipelines.storage.published import published
from transforms.ledger.ageing import by_age, open_on

_ENTRIES = """
    SELECT 'receivables' AS book, account_id, entry_number, posted_at, kind, reference, document, amount, currency
    FROM receivables
    UNION ALL BY NAME
    SELECT 'ledger' AS book, account_id, entry_number, posted_at, kind, reference, NULL::VARCHAR AS document, amount,
        currency
    FROM ledger
"""


def statement(
    installation: Installation, account: str, from_month: str | None, until_month: str | None
) -> dict[str, Any]:
    """The statement of `account` from the first moment of `from_month` to the last of `until_month`; None: all there is.

    `books`: `book`, `currency`, `opening_balance`, `entries` in the order of time with the balance after each, and
    `closing_balance`. A postpaid account has its receivables (what it owes), a prepaid one its ledger (what it has); the
    other one as well where something stands there. Raises BadInput for an account that nothing is published of.
    """
    first = Month.parse(from_month, installation.settings) if from_month else None
    last = Month.parse(until_month, installation.settings) if until_month else None
    if first and last and first.name > last.name:
        raise BadInput(f"--from {first.name} is after --until {last.name}")
    with _books(installation) as connection:
        entries = _frame(connection, f"SELECT * FROM ({_ENTRIES}) WHERE account_id = ?", [account])
        known = connection.execute(
            "SELECT billing_mode, currency FROM bills WHERE account_id = ? ORDER BY billing_month DESC LIMIT 1",
            [account],
        ).fetchall()
    if not known and entries.is_empty():
        raise BadInput(f"{account}: nothing is published of such an account")
    without_bill = ("prepaid" if "ledger" in entries["book"] else "postpaid", str(entries["currency"].first()))
    mode, currency = known[0] if known else without_bill
    books = {("ledger" if mode == "prepaid" else "receivables", currency): None}
    books |= dict.fromkeys(entries.select("book", "currency").unique().sort("book", "currency").iter_rows())
    return {
        "account_id": account,
        "billing_mode": mode,
        "from": from_month,
        "until": until_month,
        "books": [
            _book(book, currency, entries.filter(book=book, currency=currency), first, last) for book, currency in books
        ],
    }


def _book(book: str, currency: str, entries: pl.DataFrame, first: Month | None, last: Month | None) -> dict[str, Any]:
    """Balances are added up in the order of time: an entry that was posted late stands where it took effect."""
    running = entries.sort("posted_at", "entry_number").with_columns(pl.col("amount").cum_sum().alias("balance_after"))
    before = running.filter(pl.col("posted_at") < first.starts) if first else running.clear()
    upto = running.filter(pl.col("posted_at") < last.ends) if last else running
    opening = before["balance_after"].last() if before.height else _NOTHING
    shown = upto if first is None else upto.filter(pl.col("posted_at") >= first.starts)
    return {
        "book": book,
        "currency": currency,
        "opening_balance": opening,
        "entries": shown.select("posted_at", "kind", "reference", "document", "amount", "balance_after").to_dicts(),
        "closing_balance": shown["balance_after"].last() if shown.height else opening,
    }


_NOTHING = pl.Series(["0"]).str.to_decimal(scale=4)[0]


def overdue(installation: Installation, on: date | None) -> dict[str, Any]:
    """What is open on the day `on` (None: today in the billing time zone), from what was issued and paid until then.

    `totals` by currency and `accounts` with a column an age; `items`: each open document; `unallocated`: payments that
    match no document; `below_zero`: accounts whose ledger is below zero. Amounts below zero, of bills overpaid and
    credit notes, are in the age of their document.
    """
    zone = installation.settings.zone
    day = on or datetime.now(zone).date()
    until = first_moment(day + timedelta(days=1), zone)
    with _books(installation) as connection:
        entries = _frame(connection, "SELECT * FROM receivables WHERE posted_at < ?", [until])
        due = _frame(connection, "SELECT document, due_on FROM open_items")
        below = _frame(
            connection,
            "SELECT account_id, currency, sum(amount) AS balance FROM ledger WHERE posted_at < ? GROUP BY ALL "
            "HAVING sum(amount) < 0 ORDER BY account_id, currency",
            [until],
        )
    items = open_on(entries, due, on=day)
    unallocated = (
        entries.filter(pl.col("document").is_null())
        .select("account_id", pl.col("reference").alias("payment_id"), "posted_at", -pl.col("amount"), "currency")
        .sort("account_id", "posted_at", "payment_id")
    )
    return {
        "on": day.isoformat(),
        "totals": by_age(items, []).to_dicts(),
        "accounts": by_age(items, ["account_id"]).to_dicts(),
        "items": items.to_dicts(),
        "unallocated": unallocated.to_dicts(),
        "below_zero": below.to_dicts(),
    }


def month_journal(installation: Installation, name: str) -> list[dict[str, Any]]:
    """The Journal of the month: kinds of documents one after the other, debits before credits. Raises BadInput where the
    month is not issued."""
    Month.parse(name, installation.settings)
    with _books(installation) as connection:
        if not connection.execute(
            "SELECT 1 FROM bills WHERE billing_month = ? AND status = 'issued' LIMIT 1", [name]
        ).fetchall():
            raise BadInput(f"{name} is not issued: its journal is made by callbill issue {name}")
        return _frame(
            connection,
            "SELECT * FROM journal WHERE billing_month = ? ORDER BY document, currency, credit > 0, account",
            [name],
        ).to_dicts()


def _books(installation: Installation) -> duckdb.DuckDBPyConnection:
    """The published file; one that was published before there were books says so."""
    connection = published(installation.published)
    tables = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables.issuperset(BOOKS):
        connection.close()
        raise BadInput(f"{installation.published} has no books, it is of an older version: run any month again")
    return connection


def _frame(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
    return connection.sql(query, params=list(parameters)).pl()
