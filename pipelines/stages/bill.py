"""Charges of a month become number fees, bill lines and bills."""

from __future__ import annotations

import json

import polars as pl

from pipelines.reference.consistency import require_vat_rates
from pipelines.stages import Facts
from pipelines.stages.billing_months import HELD, issued_months
from pipelines.stages.number_events import disagreements
from pipelines.stages.rate import OF_NUMBERS, replace_suspense
from pipelines.stages.write_offs import drop_written_off_fees
from pipelines.storage.catalogue import select_nothing
from pipelines.storage.session import Session
from transforms.billing.bills import bills
from transforms.billing.lines import bill_lines, usage_totals
from transforms.charging.number_fees import number_fees
from transforms.tables.base import assert_contract, conform
from transforms.tables.usage import Suspense

ROWS_A_PASS = 4_000_000
"""Rated rows whose lines are made at once; more are taken in ranges of accounts, so that memory does not grow."""


def charge_numbers(session: Session, name: str) -> Facts:
    """The month's fees of numbers; a number that no fee is in force for, or one that no charge holds, goes into suspense.
    Warns where providers tell otherwise who holds one."""
    session.progress.stage(f"number fees {name}")
    issued = issued_months(session)
    if issued.closed(name):
        return dict(ISSUED)
    for sentence in disagreements(session):
        session.progress.warn(sentence)
    month = session.month(name)
    warehouse = session.warehouse
    only = issued.open_accounts.get(name)
    numbers = _of(session.table("numbers"), only)
    found = number_fees(numbers, session.rating_book(), month=name, first=month.first, last=month.last)
    unpriced = drop_written_off_fees(session, name, found.unpriced)
    with warehouse.month_files.writing("number_fees", name) as writer:
        writer.write(drop_written_off_fees(session, name, found.fees))
        written = warehouse.month_files.finish(writer, "number_fees", name)
    with warehouse.transaction():
        warehouse.month_files.name(written)
        _suspend_numbers(session, name, unpriced, only)
        warehouse.note(
            "number_fees", name, {"rows": written.rows, "sha256": written.sha256, "unpriced": unpriced.height}
        )
    session.progress.advance(written.rows)
    return {"rows": written.rows, "suspended": unpriced.height}


ISSUED: Facts = {"rows": 0, "issued": "true"}
"""What a stage says of a month that is issued."""


def _of(frame: pl.DataFrame, only: frozenset[str] | None) -> pl.DataFrame:
    """The rows of `only` these accounts; all where it is None."""
    return frame if only is None else frame.filter(pl.col("account_id").is_in(sorted(only)))


def _suspend_numbers(session: Session, month: str, unpriced: pl.DataFrame, only: frozenset[str] | None) -> None:
    """A fee without a price waits like a record without one; its place is the row of numbers.csv."""
    warehouse = session.warehouse
    rows = warehouse.frame("SELECT number, account_id, row_number() OVER () AS record_number FROM numbers")
    first = rows.group_by("number", "account_id").agg(pl.col("record_number").min())
    read = warehouse.frame("SELECT facts, finished_at FROM manifest WHERE stage = 'reference_and_prices'")
    constants = {
        "file_id": json.loads(read["facts"][0])["numbers"],
        "format": "numbers",
        "leg": "main",
        "state": "open",
        "usage_month": month,
    }
    seen = warehouse.frame(
        "SELECT record_id, account_id, min(first_seen_at) AS first_seen_at FROM suspense "
        f"WHERE usage_month = ? AND {OF_NUMBERS} GROUP BY ALL",
        [month],
    )
    placed = (
        unpriced.join(first, on=["number", "account_id"], how="left")
        .rename({"number": "record_id"})
        .join(seen, on=["record_id", "account_id"], how="left")
        .with_columns(pl.col("first_seen_at").fill_null(read["finished_at"][0]))
    )
    warehouse.connection.execute(f"CREATE OR REPLACE TEMP TABLE waiting AS {select_nothing(Suspense)}")
    warehouse.insert("waiting", assert_contract(Suspense, conform(Suspense, placed, constants)))
    replace_suspense(
        session,
        month,
        OF_NUMBERS
        if only is None
        else f"{OF_NUMBERS} AND account_id IN (SELECT account_id FROM left_open WHERE billing_month = '{month}')",
    )


def make_lines(session: Session, name: str) -> Facts:
    """The month's bill lines, for ranges of whole accounts one after the other."""
    session.progress.stage(f"bill lines {name}")
    if issued_months(session).closed(name):
        return dict(ISSUED)
    files = session.warehouse.month_files
    usage = files.scan("rated_usage", [name], issued=False)
    fees = files.scan("number_fees", [name], issued=False).collect()
    rows = int(usage.select(pl.len()).collect().item())
    with files.writing("bill_lines", name) as writer:
        for low, high in _account_ranges(session, passes=max(1, -(-rows // ROWS_A_PASS))):
            account = pl.col("account_id")
            mine = (account >= low) & (account < high) if high is not None else account >= low
            totals = usage_totals(usage.filter(mine)).collect()
            lines = bill_lines(totals, fees.filter(mine), month=name, minor_units=session.minor_units)
            writer.write(lines)
            session.progress.advance(lines.height)
        written = files.finish(writer, "bill_lines", name)
    with session.warehouse.transaction():
        files.name(written)
        session.warehouse.note("bill_lines", name, {"rows": written.rows, "sha256": written.sha256})
    return {"rows": written.rows, "bytes": written.bytes}


def _account_ranges(session: Session, passes: int) -> list[tuple[str, str | None]]:
    """Bounds that cut the accounts, in the order of their names, into `passes` parts of equal number."""
    accounts = session.warehouse.frame("SELECT account_id FROM accounts ORDER BY account_id")["account_id"]
    if accounts.is_empty():
        return [("", None)]
    step = -(-len(accounts) // passes)
    starts = ["", *accounts.gather_every(step).to_list()[1:]]
    return list(zip(starts, [*starts[1:], None], strict=True))


def make_bills(session: Session, name: str) -> Facts:
    """The month's draft bills. Raises BadInput where a customer's country has no VAT rate in force."""
    session.progress.stage(f"bills {name}")
    issued = issued_months(session)
    if issued.closed(name):
        return dict(ISSUED)
    month = session.month(name)
    accounts, rates = _of(session.accounts(), issued.open_accounts.get(name)), session.table("vat_rates")
    postpaid = accounts.filter(pl.col("billing_mode") == "postpaid")
    require_vat_rates(session.installation, postpaid, rates, month.last)
    lines = (
        session.warehouse.month_files.scan("bill_lines", [name], issued=False).select("account_id", "amount").collect()
    )
    frame = bills(
        lines,
        accounts,
        rates,
        month=name,
        first=month.first,
        last=month.last,
        seller_country=session.seller_country,
        minor_units=session.minor_units,
    )
    held = session.warehouse.frame(f"SELECT account_id FROM {HELD} WHERE billing_month = ?", [name])["account_id"]
    status = pl.when(pl.col("account_id").is_in(held.to_list())).then(pl.lit("parked")).otherwise("status")
    frame = frame.with_columns(status.alias("status"))
    files = session.warehouse.month_files
    with files.writing("bills", name) as writer:
        writer.write(frame)
        written = files.finish(writer, "bills", name)
    with session.warehouse.transaction():
        files.name(written)
        session.warehouse.note("bills", name, {"rows": written.rows, "sha256": written.sha256})
    session.progress.advance(frame.height)
    totals = frame.group_by("currency").agg(pl.col("net_amount", "vat_amount", "total_owed").sum()).sort("currency")
    facts: Facts = {"rows": frame.height}
    for row in totals.iter_rows(named=True):
        for column in ("net_amount", "vat_amount", "total_owed"):
            facts[f"{column} {row['currency']}"] = str(row[column])
    return facts
