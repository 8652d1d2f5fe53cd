"""An issued month rated again as it would be today, and the notes that make up for the difference (billing rule 8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain

import polars as pl

from pipelines.errors import BadInput
from pipelines.overlap import prefetch, write_behind
from pipelines.reference.consistency import InputTables, require_vat_rates, valid_vat_numbers, with_vat_numbers
from pipelines.stages.balance import posted_ledger, rebuild_ledger, with_closing
from pipelines.stages.billing_months import LEG, issued_legs, issued_months, legs_on_bills, loaded_by
from pipelines.stages.books import keep_books
from pipelines.stages.outbox import queue
from pipelines.stages.proof import build_proof, file_hashes, record_issue
from pipelines.stages.rate import OF_NUMBERS, OF_USAGE, PLACE, USAGE_OF_MONTH
from pipelines.stages.write_offs import drop_written_off, drop_written_off_fees, written_off_legs
from pipelines.storage.audit import add_entry
from pipelines.storage.catalogue import select_nothing
from pipelines.storage.month_files import WrittenMonth
from pipelines.storage.number_series import advance, next_number
from pipelines.storage.session import Session
from pipelines.storage.unfinished import must_publish
from transforms.billing.bills import bills
from transforms.billing.corrections import NOTE, differences, notes
from transforms.billing.lines import LINE_KEY, bill_lines, usage_totals
from transforms.charging.number_fees import number_fees
from transforms.ledger.entries import ledger
from transforms.mediation.legs import legs
from transforms.rating.book import RatingBook
from transforms.rating.bounds import UNBOUNDED
from transforms.rating.rate import Rated, rate
from transforms.tables.base import assert_contract, conform, empty
from transforms.tables.billing import Bills, CorrectedUsage
from transforms.tables.usage import Suspense

SERIES = {"credit_note": "credit_notes", "debit_note": "debit_notes"}
"""The series of numbers by kind of note."""


@dataclass(frozen=True)
class Differences:
    """What would be otherwise if the month were billed today: `lines` (see `differences`), the `bills` of its accounts,
    and how many legs and fees stand on issued bills that have no price or no account any more, by reason."""

    lines: pl.DataFrame
    bills: pl.DataFrame
    lost: dict[str, int]


def compare_month(session: Session, name: str, tables: InputTables) -> Differences:
    """The issued month under the reference and price `tables`: lines of its issued bills and of earlier notes, beside
    those that its usage and its numbers have today. Accounts whose bills are parked are left out.

    Raises BadInput where the month is not issued, or a VAT rate is missing that a new bill would need.
    """
    session.progress.stage(f"correct {name}")
    issued, month = issued_months(session), session.month(name)
    if name not in issued.open_accounts:
        raise BadInput(f"{name} is not issued: run it, its bills are drafts")
    mine = ~pl.col("account_id").is_in(sorted(issued.open_accounts[name]))
    book = _book(session, tables)
    totals, lost = _totals(session, name, book)
    fees = number_fees(tables.frames["numbers"], book, month=name, first=month.first, last=month.last)
    if fees.unpriced.height:
        lost["number fees without a price"] = fees.unpriced.height
    charged_fees = drop_written_off_fees(session, name, fees.fees.filter(mine))
    right = bill_lines(totals.filter(mine), charged_fees, month=name, minor_units=session.minor_units)
    files = session.warehouse.month_files
    charged = files.scan("bill_lines", [name], issued=True)
    noted = files.scan("correction_lines", [name], issued=True).select(right.columns)
    lines = differences(pl.concat([charged, noted]).collect(), right)
    billed = files.scan("bills", [name], issued=True).collect()
    return Differences(lines, pl.concat([billed, _unbilled(session, name, tables, lines, billed)]), lost)


def _book(session: Session, tables: InputTables) -> RatingBook:
    settings = session.installation.settings
    return RatingBook.build(tables.frames, time_zone=settings.billing.time_zone, bounds=settings.bounds)


def _unbilled(
    session: Session, name: str, tables: InputTables, lines: pl.DataFrame, billed: pl.DataFrame
) -> pl.DataFrame:
    """Bills, of which nothing but mode and VAT is used, of accounts that had none in the month and have lines now."""
    new = lines.select("account_id").unique().join(billed, on="account_id", how="anti")
    if new.is_empty():
        return empty(Bills)
    accounts = tables.frames["accounts"].join(new, on="account_id", how="semi")
    valid = valid_vat_numbers(accounts, session.seller_country)
    accounts, month = with_vat_numbers(accounts, valid), session.month(name)
    postpaid = accounts.filter(pl.col("billing_mode") == "postpaid")
    require_vat_rates(session.installation, postpaid, tables.frames["vat_rates"], month.last)
    return bills(
        lines.join(new, on="account_id", how="semi").select("account_id", "amount"),
        accounts,
        tables.frames["vat_rates"],
        month=name,
        first=month.first,
        last=month.last,
        seller_country=session.seller_country,
        minor_units=session.minor_units,
    )


def correct_month(
    session: Session, name: str, tables: InputTables, found: Differences, reason: str, now: datetime
) -> int | None:
    """Issues a credit or debit note for every account of `found`, at the moment `now`: number, lines and rated legs, in
    one transaction.
    Returns the part of the month that holds them, None where there is nothing to correct.

    `tables` are those that `found` came from, and the warehouse holds them. Raises BadInput where bills of the month
    are parked: an account that is not billed yet cannot be corrected, and usage may belong to it now.
    """
    issued = issued_months(session)
    if not issued.closed(name):
        raise BadInput(f"{name} has parked bills: release and issue them before the month is corrected")
    warehouse = session.warehouse
    year = f"{now.astimezone(session.installation.settings.zone):%Y}"
    found_notes, lines = notes(
        found.lines,
        found.bills,
        month=name,
        reason=reason,
        at=now,
        series=_series(session, year),
        minor_units=session.minor_units,
    )
    if found_notes.is_empty():
        return None
    written = [
        _write(session, "correction_notes", name, found_notes),
        _write(session, "correction_lines", name, lines),
    ]
    book = _book(session, tables)
    usage, waiting = _write_usage(session, name, book, found_notes)
    part = 1 + int(warehouse.value("SELECT max(part) FROM issues WHERE billing_month = ?", [name]))
    counts = {
        series: found_notes.filter(pl.col("kind") == kind)["note_number"].to_list() for kind, series in SERIES.items()
    }
    sums = file_hashes(session, {table.table: warehouse.month_files.parts_of(table) for table in (*written, usage)})
    with warehouse.transaction():
        for month_table in (*written, usage):
            warehouse.month_files.name(month_table, part)
        for series, given in counts.items():
            if given:
                advance(session, series, year, int(given[-1].rpartition("-")[2]))
        _post(session, name, part, found_notes)
        keep_books(session)
        queue(session, "note", found_notes)
        _move_suspense(session, usage, waiting)
        _outdate_drafts(session, usage)
        record_issue(session, name, part, now, build_proof(session, name, part, now, found_notes, "note_number", sums))
        facts = {series: len(given) for series, given in counts.items()}
        said = ", ".join(
            f"{len(given)} {series.replace('_', ' ')}, {given[0]} to {given[-1]}"
            for series, given in counts.items()
            if given
        )
        add_entry(session, "correct", name, f"{said}: {reason}")
        warehouse.note("corrected", name, {**facts, "part": part})
        must_publish(session, name)
    session.progress.advance(found_notes.height)
    return part


def _series(session: Session, year: str) -> dict[str, tuple[str, int]]:
    """By kind of note what stands before its number, and the next number of the year."""
    settings = session.installation.settings.issue
    prefixes = {
        "credit_note": (settings.credit_note_prefix, settings.first_credit_note),
        "debit_note": (settings.debit_note_prefix, settings.first_debit_note),
    }
    return {
        kind: (f"{prefix}{year}", next_number(session, SERIES[kind], year, first))
        for kind, (prefix, first) in prefixes.items()
    }


def _write(session: Session, table: str, month: str, frame: pl.DataFrame) -> WrittenMonth:
    files = session.warehouse.month_files
    with files.writing(table, month) as writer:
        writer.write(frame)
        return files.finish(writer, table, month)


def _write_usage(
    session: Session, name: str, book: RatingBook, found: pl.DataFrame
) -> tuple[WrittenMonth, pl.DataFrame]:
    """The legs of the accounts with notes, as files of the month; and the suspense of legs that lost their price."""
    files = session.warehouse.month_files
    numbered = found.select(*NOTE, "note_number")
    suspended: list[pl.DataFrame] = []
    with files.writing("corrected_usage", name) as writer:
        with write_behind() as later:
            for part in _rated(session, name, book):
                noted = part.rated.join(numbered, on=NOTE, how="inner", maintain_order="left")
                later(partial(writer.write, assert_contract(CorrectedUsage, noted)))
                suspended.append(part.suspended)
        written = files.finish(writer, "corrected_usage", name)
    loaded = session.warehouse.frame("SELECT file_number, file_id, loaded_at AS first_seen_at FROM loaded_files")
    lost = _lost(session, name, pl.concat(suspended)).join(loaded, on="file_number", how="left")
    return written, assert_contract(Suspense, conform(Suspense, lost, {"state": "open"}))


def _post(session: Session, name: str, part: int, found: pl.DataFrame) -> None:
    """What notes of prepaid accounts take from balances, or give back. Belongs into the transaction."""
    entries = found.filter(pl.col("paid_from_balance") != 0).select(
        "account_id",
        pl.col("issued_at").alias("posted_at"),
        pl.lit("adjustment").alias("kind"),
        pl.col("note_number").alias("reference"),
        (-pl.col("paid_from_balance")).alias("amount"),
        "currency",
    )
    posted = posted_ledger(session)
    none_drafted = with_closing(session, empty(Bills))
    whole = ledger(session.table("credits").clear(), none_drafted, posted, entries)
    new = whole.join(posted, on=["account_id", "entry_number"], how="anti", maintain_order="left")
    session.warehouse.insert("posted_ledger", new.with_columns(month=pl.lit(name), part=pl.lit(part, pl.Int32)))
    rebuild_ledger(session)


def _move_suspense(session: Session, usage: WrittenMonth, lost: pl.DataFrame) -> None:
    """What a note bills has left suspense; what lost its price or its account waits there. Belongs into the
    transaction."""
    connection = session.warehouse.connection
    connection.execute(
        f"UPDATE suspense SET state = 'recycled' WHERE state = 'open' AND {OF_USAGE} AND {PLACE} IN "
        f"(SELECT {PLACE} FROM {session.warehouse.month_files.files_of(usage)})"
    )
    connection.execute(
        f"UPDATE suspense SET state = 'recycled' WHERE state = 'open' AND {OF_NUMBERS} AND usage_month = ? "
        "AND (record_id, account_id) IN (SELECT (number, account_id) FROM correction_lines WHERE billing_month = ? "
        "AND kind = 'number_fee')",
        [usage.month, usage.month],
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE lost AS {select_nothing(Suspense)}")
    session.warehouse.insert("lost", lost)
    connection.execute(f"DELETE FROM suspense WHERE {OF_USAGE} AND {PLACE} IN (SELECT {PLACE} FROM lost)")
    connection.execute("INSERT INTO suspense BY NAME SELECT * FROM lost ORDER BY file_id, record_number, leg")
    connection.execute("DROP TABLE lost")


def _outdate_drafts(session: Session, usage: WrittenMonth) -> None:
    """Drafts with legs that a note bills must be made anew before they can be issued. Belongs into the transaction."""
    files = session.warehouse.month_files
    drafts = files.source("rated_usage", issued=False)
    session.warehouse.connection.execute(
        "DELETE FROM manifest WHERE stage IN ('controls', 'rated_usage') AND month IN (SELECT DISTINCT billing_month "
        f"FROM {drafts} WHERE usage_month <> billing_month AND {PLACE} IN (SELECT {PLACE} FROM {files.files_of(usage)}))"
    )


def _totals(session: Session, name: str, book: RatingBook) -> tuple[pl.DataFrame, dict[str, int]]:
    """Totals of lines (as `usage_totals`) of the month's legs as they are rated today; and how many legs on issued bills
    lost their price or their account, by reason."""
    totals, suspended = [], []
    for part in _rated(session, name, book):
        totals.append(usage_totals(part.rated.lazy()).collect())
        suspended.append(part.suspended)
    added = pl.concat(totals).group_by(LINE_KEY).agg(pl.col("events", "quantity", "charge").sum())
    lost = _lost(session, name, pl.concat(suspended)).group_by("reason").agg(pl.len()).sort("reason")
    return added, dict(lost.iter_rows())


def _lost(session: Session, name: str, suspended: pl.DataFrame) -> pl.DataFrame:
    """Those of the `suspended` legs that the month's bills or notes charge, and that are not known to wait."""
    if suspended.is_empty():
        return suspended
    waiting = session.warehouse.frame(
        "SELECT f.file_number, s.record_number, s.leg FROM suspense s JOIN loaded_files f USING (file_id) "
        f"WHERE s.state = 'open' AND s.{OF_USAGE}"
    )
    charged = legs_on_bills(session, [name], "charge <> 0")
    return suspended.join(waiting, on=LEG, how="anti").join(charged, on=LEG, how="semi", maintain_order="left")


def _rated(session: Session, name: str, book: RatingBook) -> Iterator[Rated]:
    """The legs that belong to the bills of the month, rated with `book`, in batches; at least one.

    These are: what stands on its bills and notes; and of what had come when it was first issued, usage of the month
    that still stands on none. A leg that was charged is held to no bound: what a customer paid is not given back for
    being large.
    """
    files = session.files()
    gone = written_off_legs(session)
    last = loaded_by(session, name)
    others = [month for month in issued_months(session).open_accounts if month != name]
    elsewhere = legs_on_bills(session, others, f"usage_month = '{name}'")
    which = f"usage_month <> '{name}' OR file_number > {last}"
    came_late = legs_on_bills(session, [name], which)
    late = (
        "(file_number, record_number) IN (SELECT (file_number, record_number) "
        f"FROM {issued_legs(session, [name])} JOIN loaded_files USING (file_id) WHERE {which})"
    )
    for usage in sorted({name, *_usage_months(session, name)}):
        bounds = session.month(usage)
        query = f"{USAGE_OF_MONTH} AND {f'(file_number <= {last} OR {late})' if usage == name else late}"
        nothing = session.warehouse.frame(f"{USAGE_OF_MONTH} AND false", (bounds.starts, bounds.ends))
        for batch in chain([nothing], prefetch(session.warehouse.batches(query, (bounds.starts, bounds.ends)))):
            found = legs(batch).join(elsewhere, on=LEG, how="anti", maintain_order="left")
            in_time = (pl.col("file_number") <= last) & (usage == name)
            after = found.filter(~in_time).join(came_late, on=LEG, how="semi", maintain_order="left")
            found = drop_written_off(pl.concat([found.filter(in_time), after]), gone)
            part = rate(found, book, files=files, month=usage, billing_month=name)
            if (beyond := _charged_before(session, name, part.suspended)).height:
                again = found.join(beyond, on=LEG, how="semi", maintain_order="left")
                free = replace(book, bounds=UNBOUNDED)
                yield rate(again, free, files=files, month=usage, billing_month=name)
                part = Rated(part.rated, part.suspended.join(beyond, on=LEG, how="anti", maintain_order="left"))
            yield part
            session.progress.advance(batch.height)


def _charged_before(session: Session, name: str, suspended: pl.DataFrame) -> pl.DataFrame:
    """LEG of those of the `suspended` legs that wait as `bad_value`, which a bound may be the reason of, and that the
    month's bills or notes charge."""
    odd = suspended.filter(pl.col("reason") == "bad_value").select(LEG)
    return odd if odd.is_empty() else odd.join(legs_on_bills(session, [name], "charge <> 0"), on=LEG, how="semi")


def _usage_months(session: Session, name: str) -> list[str]:
    """The months of usage on the bills and notes of the month."""
    rated = session.warehouse.month_files.source("rated_usage", [name], issued=True)
    return [
        row[0] for row in session.warehouse.connection.execute(f"SELECT DISTINCT usage_month FROM {rated}").fetchall()
    ]
