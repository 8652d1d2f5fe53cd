"""Usage of a month becomes rated usage and suspense."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial

import polars as pl

from pipelines.controls.files import SUSPENDED_NOW
from pipelines.overlap import prefetch, write_behind
from pipelines.reference.tariff import loaded_prices
from pipelines.settings import Month
from pipelines.stages import Facts
from pipelines.stages.billing_months import issued_months, late_months, slices_billed_in
from pipelines.stages.write_offs import drop_written_off, written_off_legs
from pipelines.storage.catalogue import select_nothing
from pipelines.storage.month_files import MonthWriter
from pipelines.storage.session import Session
from transforms.mediation.legs import legs
from transforms.rating.rate import Rated, rate
from transforms.tables.base import assert_contract, conform
from transforms.tables.usage import Suspense

USAGE_OF_MONTH = """
    SELECT * FROM directed_usage
    ANTI JOIN duplicates USING (file_number, record_number)
    WHERE started_at >= ? AND started_at < ?
"""
"""Records of a month that are neither duplicates nor in conflict with an earlier record."""


def rate_month(session: Session, name: str) -> Facts:
    """Rates every record that started in the month, and puts what cannot be rated into suspense."""
    session.progress.stage(f"rate {name}")
    if issued_months(session).closed(name):
        session.progress.warn(f"{name} is issued: its bills, lines, rated usage and receipts stay as they are")
        return {"rows": 0, "issued": "true"}
    month = session.month(name)
    warehouse = session.warehouse
    loaded = warehouse.frame("SELECT file_number, file_id, loaded_at AS first_seen_at FROM loaded_files")
    legs_in = waiting = 0
    with warehouse.transaction():
        warehouse.connection.execute(f"CREATE OR REPLACE TEMP TABLE waiting AS {select_nothing(Suspense)}")
        with warehouse.month_files.writing("rated_usage", name) as writer:
            with write_behind() as later:
                for count, part in rated_batches(session, month):
                    suspended = part.suspended.join(loaded, on="file_number", how="left")
                    rows = assert_contract(Suspense, conform(Suspense, suspended, {"state": "open"}))
                    later(partial(_keep, session, writer, part.rated, rows))
                    legs_in += count
                    waiting += suspended.height
                    session.progress.advance(count)
            written = warehouse.month_files.finish(writer, "rated_usage", name)
        if legs_in != written.rows + waiting:
            raise AssertionError(f"{legs_in} legs came in, {written.rows} were rated and {waiting} suspended")
        warehouse.month_files.name(written)
        _suspend(session, name)
        suspense = warehouse.connection.execute(SUSPENDED_NOW, {"month": name}).fetchall()[0][0]
        facts = {"rows": written.rows, "sha256": written.sha256, "suspended": waiting, "suspense": suspense}
        facts |= {"inputs": inputs_of(session, name), "prices": loaded_prices(session)}
        warehouse.note("rated_usage", name, facts)
    return {"rows": written.rows, "suspended": waiting, "bytes": written.bytes}


def _suspend(session: Session, name: str) -> None:
    """Puts what waits into suspense, usage month by usage month. Belongs into the stage's transaction."""
    execute = session.warehouse.connection.execute
    if not issued_months(session).open_accounts:
        replace_suspense(session, name, OF_USAGE)
        return
    # Of an issued month only a part was looked at: what was open and is rated now is recycled, the rest stays.
    rated = session.warehouse.month_files.source("rated_usage", [name], issued=False)
    execute("CREATE OR REPLACE TEMP TABLE every AS FROM waiting")
    for share in slices_billed_in(session, name):
        usage = share.usage_month.name
        execute("CREATE OR REPLACE TEMP TABLE waiting AS FROM every WHERE usage_month = ?", [usage])
        if share.billed is None:
            replace_suspense(session, usage, OF_USAGE)
            continue
        execute(
            f"UPDATE suspense SET state = 'recycled' WHERE usage_month = ? AND state = 'open' AND {OF_USAGE} AND {PLACE} IN "
            f"(SELECT {PLACE} FROM {rated} WHERE usage_month = ?)",
            [usage, usage],
        )
        execute(
            f"DELETE FROM suspense WHERE usage_month = ? AND {OF_USAGE} AND {PLACE} IN (SELECT {PLACE} FROM waiting)",
            [usage],
        )
        execute("INSERT INTO suspense BY NAME SELECT * FROM waiting ORDER BY file_id, record_number, leg")
    execute("DROP TABLE IF EXISTS waiting")
    execute("DROP TABLE every")


PLACE = "(file_id, record_number, leg)"
"""What names a leg in suspense and in rated usage."""

OF_USAGE = "format <> 'numbers'"
"""Suspense of usage."""


def _keep(session: Session, writer: MonthWriter, rated: pl.DataFrame, waiting: pl.DataFrame) -> None:
    writer.write(rated)
    session.warehouse.insert("waiting", waiting)


def replace_suspense(session: Session, month: str, kind: str) -> None:
    """Makes the temporary table `waiting` the month's open suspense of that kind (an SQL condition).

    What was open before and is not any more stays, as `recycled`. Belongs into the stage's transaction.
    """
    execute = session.warehouse.connection.execute
    place = PLACE
    if kind.startswith(OF_NUMBERS):
        place = "(record_id, account_id)"
    mine = f"usage_month = ? AND {kind}"
    execute(f"DELETE FROM suspense WHERE {mine} AND {place} IN (SELECT {place} FROM waiting)", [month])
    execute(f"UPDATE suspense SET state = 'recycled' WHERE {mine} AND state = 'open'", [month])
    execute("INSERT INTO suspense BY NAME SELECT * FROM waiting ORDER BY file_id, record_number, leg")
    execute("DROP TABLE waiting")


OF_NUMBERS = "format = 'numbers'"
"""Suspense of number fees: known again by number and account, as numbers.csv may be written anew."""


def rated_batches(session: Session, month: Month, only: str = "true") -> Iterator[tuple[int, Rated]]:
    """What is billed in the month, in rated batches, each with the number of its legs; at least one batch. `only`
    restricts the records by an SQL condition."""
    book = session.rating_book()
    files = session.files()
    # Asked before the first batch: while one is rated, the one before is being written on the same connection.
    gone = written_off_legs(session)
    any_batch = False
    for share in slices_billed_in(session, month.name):
        bounds = (share.usage_month.starts, share.usage_month.ends)
        query = f"{USAGE_OF_MONTH} AND {share.condition} AND {only}"
        for batch in prefetch(session.warehouse.batches(query, bounds)):
            any_batch = True
            found = rate(
                drop_written_off(share.unbilled(legs(batch)), gone),
                book,
                files=files,
                month=share.usage_month.name,
                billing_month=month.name,
            )
            part = Rated(share.rows_of(found.rated), share.rows_of(found.suspended))
            yield part.rated.height + part.suspended.height, part
    if not any_batch:
        nothing = legs(session.warehouse.frame(f"{USAGE_OF_MONTH} AND false", (month.starts, month.ends)))
        yield 0, rate(nothing, book, files=files, month=month.name, billing_month=month.name)


def usage_months(session: Session, until: object = None) -> list[str]:
    """The months, from the first of the settings, in which usage that is loaded started; up to the moment `until`."""
    billing = session.installation.settings.billing
    bounds = session.warehouse.connection.execute(
        "SELECT strftime(timezone($zone, min(started_at)), '%Y-%m'), "
        "strftime(timezone($zone, least(max(started_at), coalesce($until, max(started_at)))), '%Y-%m') FROM usage_records",
        {"zone": billing.time_zone, "until": until},
    ).fetchall()
    earliest, latest = bounds[0]
    month, months = max(earliest or "9999-12", billing.first_month), []
    while month <= (latest or ""):
        found = session.month(month)
        if session.warehouse.value(
            "SELECT 1 FROM usage_records WHERE started_at >= ? AND started_at < ? LIMIT 1", [found.starts, found.ends]
        ):
            months.append(month)
        month = found.following
    return sorted({*months, *late_months(session)})


def inputs_of(session: Session, name: str) -> str:
    """A name for all that the month's rated usage follows from: usage, reference, prices, time zone and bounds."""
    month = session.month(name)
    usage = session.warehouse.connection.execute(
        "SELECT count(*), max(file_number), (SELECT count(*) FROM duplicates) FROM usage_records "
        "WHERE started_at >= ? AND started_at < ?",
        [month.starts, month.ends],
    ).fetchall()
    tables = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'")
    settings = session.installation.settings
    found: tuple[object, ...] = (usage, tables, settings.billing.time_zone, settings.bounds)
    if issued_months(session).open_accounts:
        # Late usage of issued months may fall to any month that is open.
        late = "SELECT max(file_number), (SELECT count(*) FROM issues) FROM loaded_files"
        found += (session.warehouse.connection.execute(late).fetchall(),)
    changed = session.warehouse.connection.execute(
        "SELECT (SELECT max(reading) FROM readings), (SELECT count(reopened_at) FROM write_offs)"
    ).fetchall()
    if changed != [(None, 0)]:
        # Read again, or opened again: a month's usage may be other with as many records as before.
        found += (changed,)
    return hashlib.sha256(repr(found).encode()).hexdigest()


def is_current(session: Session, name: str) -> bool:
    """Whether the month is issued, or rated from what the warehouse holds now."""
    if issued_months(session).closed(name):
        return True
    facts = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'rated_usage' AND month = ?", [name])
    return facts is not None and json.loads(facts).get("inputs") == inputs_of(session, name)
