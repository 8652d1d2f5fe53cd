"""Usage of a month becomes rated usage and suspense."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import polars as pl

from pipelines.session import Session
from pipelines.settings import Month
from pipelines.stages import Facts
from transforms.mediation.legs import legs
from transforms.rating.rate import Rated, rate
from transforms.tables.base import assert_contract, conform
from transforms.tables.usage import Suspense

USAGE_OF_MONTH = """
    SELECT * FROM usage_records
    ANTI JOIN duplicates USING (file_number, record_number)
    WHERE started_at >= ? AND started_at < ?
"""
"""Records of a month that are neither duplicates nor in conflict with an earlier record."""


def rate_month(session: Session, name: str) -> Facts:
    """Rates every record that started in the month, and puts what cannot be rated into suspense."""
    session.progress.stage(f"rate {name}")
    month = session.month(name)
    warehouse = session.warehouse
    suspended: list[pl.DataFrame] = []
    legs_in = 0
    with warehouse.month_files.writing("rated_usage", name) as writer:
        for count, part in rated_batches(session, month):
            writer.write(part.rated)
            suspended.append(part.suspended)
            legs_in += count
            session.progress.advance(count)
        written = warehouse.month_files.finish(writer, "rated_usage", name)
    in_suspense = pl.concat(suspended)
    if legs_in != written.rows + in_suspense.height:
        raise AssertionError(f"{legs_in} legs came in, {written.rows} were rated and {in_suspense.height} suspended")
    with warehouse.transaction():
        warehouse.month_files.name(written)
        _suspend(session, name, in_suspense)
        facts = {"rows": written.rows, "sha256": written.sha256, "suspended": in_suspense.height}
        warehouse.note("rated_usage", name, {**facts, "inputs": inputs_of(session, name)})
    return {"rows": written.rows, "suspended": in_suspense.height, "bytes": written.bytes}


def rated_batches(session: Session, month: Month, only: str = "true") -> Iterator[tuple[int, Rated]]:
    """The month's usage in rated batches, each with the number of its legs; at least one batch. `only` restricts the
    records by an SQL condition."""
    book = session.rating_book()
    files = session.files()
    query = f"{USAGE_OF_MONTH} AND {only}"
    bounds = (month.starts, month.ends)
    any_batch = False
    for batch in session.warehouse.batches(query, bounds):
        both = legs(batch)
        any_batch = True
        yield both.height, rate(both, book, files=files, month=month.name)
    if not any_batch:
        nothing = legs(session.warehouse.frame(f"{USAGE_OF_MONTH} AND false", bounds))
        yield 0, rate(nothing, book, files=files, month=month.name)


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
        month = f"{found.ends:%Y-%m}"
    return months


def inputs_of(session: Session, name: str) -> str:
    """A name for all that the month's rated usage follows from: usage, reference, prices and time zone."""
    month = session.month(name)
    usage = session.warehouse.connection.execute(
        "SELECT count(*), max(file_number), (SELECT count(*) FROM duplicates) FROM usage_records "
        "WHERE started_at >= ? AND started_at < ?",
        [month.starts, month.ends],
    ).fetchall()
    tables = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'")
    zone = session.installation.settings.billing.time_zone
    return hashlib.sha256(repr((usage, tables, zone)).encode()).hexdigest()


def is_current(session: Session, name: str) -> bool:
    """Whether the month is rated, and from what the warehouse holds now."""
    facts = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'rated_usage' AND month = ?", [name])
    return facts is not None and json.loads(facts).get("inputs") == inputs_of(session, name)


def _suspend(session: Session, month: str, suspended: pl.DataFrame) -> None:
    """Replaces the month's suspense: what was open before and is billed now stays as `recycled`."""
    connection = session.warehouse.connection
    loaded = session.warehouse.frame("SELECT file_number, file_id, loaded_at AS first_seen_at FROM loaded_files")
    now = suspended.join(loaded, on="file_number", how="left").sort("file_number", "record_number", "leg")
    frame = assert_contract(Suspense, conform(Suspense, now, {"state": "open"}))
    connection.register("_suspended", frame)
    usage = "usage_month = ? AND format <> 'numbers'"
    connection.execute(f"DELETE FROM suspense WHERE {usage} AND (file_id, record_number, leg) IN "
                       "(SELECT (file_id, record_number, leg) FROM _suspended)", [month])
    connection.execute(f"UPDATE suspense SET state = 'recycled' WHERE {usage} AND state = 'open'", [month])
    connection.unregister("_suspended")
    session.warehouse.insert("suspense", frame)
