"""Draft bills become issued ones, all of a month in one transaction; what is out of bounds is parked (billing rule 8)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import polars as pl

from pipelines.documents.einvoice.needs import seller_needs
from pipelines.errors import BadInput
from pipelines.overlap import write_behind
from pipelines.reference.tariff import differ, differing_prices, prices_of_run, tariff
from pipelines.stages import Facts
from pipelines.stages.balance import posted_ledger, rebuild_ledger, with_closing
from pipelines.stages.billing_months import HELD, issued_months
from pipelines.stages.books import keep_books
from pipelines.stages.control import require_passed
from pipelines.stages.outbox import queue
from pipelines.stages.proof import build_proof, file_hashes, put_proof, record_issue, require_known
from pipelines.stages.statements import keep_statements
from pipelines.storage.audit import add_entry
from pipelines.storage.month_files import WrittenMonth
from pipelines.storage.number_series import advance, next_number
from pipelines.storage.session import Session
from pipelines.storage.unfinished import must_publish
from transforms.billing.bounds import Bounds, out_of_bounds
from transforms.billing.issuing import issued
from transforms.ledger.entries import ledger

SPLIT_TABLES = ("rated_usage", "number_fees", "bill_lines")


@dataclass(frozen=True)
class Drafts:
    """Draft Bills that are `ready` to be issued, and those that are or will be `parked`; `parks`: account_id and reason
    of those that are held back from now on."""

    ready: pl.DataFrame
    parked: pl.DataFrame
    parks: pl.DataFrame

    def reasons(self, session: Session, month: str) -> pl.DataFrame:
        """account_id and reason of everybody whose bill of the month is held back, sorted."""
        held = held_back(session, month)
        return (
            pl.concat([held, self.parks.select("account_id", "reason")])
            .unique("account_id", keep="first")
            .sort("account_id")
        )


def issue_month(session: Session, name: str) -> Facts:
    """Issues the bills of the month but for those that are parked. Again, it issues what was released since.

    Raises ControlFailed where a control did not pass; BadInput where there are no drafts, an earlier month has some, the
    month is not over, prices are other than those of its run, or what documents say of the seller is missing.
    """
    session.progress.stage(f"issue {name}")
    require_known(session)
    require_over(session, name)
    drafts = drafts_to_issue(session, name)
    if drafts is None:
        put_proof(session, name)
        return {"issued": 0, "parked": 0}
    require_same_tariff(session, name)
    ready, parked, parks = drafts.ready, drafts.parked, drafts.parks
    if ready.is_empty():
        with session.warehouse.transaction():
            _park(session, name, parks)
            must_publish(session)
        if name in issued_months(session).open_accounts:
            # Of an issue before that was killed behind its COMMIT the proof may be missing.
            put_proof(session, name)
        return {"issued": 0, "parked": parked.height}
    require_seller(session, ready)
    numbered = put_issue(session, name, ready, parked, parks, datetime.now(UTC))
    put_proof(session, name)
    session.progress.advance(numbered.height)
    return {
        "issued": numbered.height,
        "parked": parked.height,
        "first_number": numbered["bill_number"][0],
        "last_number": numbered["bill_number"][-1],
    }


def held_back(session: Session, month: str) -> pl.DataFrame:
    """account_id and latest reason of the bills of the month that are parked, sorted."""
    return session.warehouse.frame(
        "SELECT account_id, arg_max(reason, parked_at) AS reason FROM parked "
        "WHERE billing_month = ? AND released_at IS NULL GROUP BY 1 ORDER BY 1",
        [month],
    )


def drafts_to_issue(session: Session, name: str) -> Drafts | None:
    """What an issue of the month would number and park now, None where all of it is issued. Raises BadInput where it has
    no drafts or an earlier month has some, ControlFailed where a control did not pass."""
    warehouse = session.warehouse
    bills = warehouse.month_files.scan("bills", [name], issued=False).collect()
    if bills.is_empty():
        if name not in issued_months(session).open_accounts:
            raise BadInput(f"{name} has no draft bills: run it first")
        return None
    _in_order(session, name)
    require_passed(session, name)
    parks = _out_of_bounds(session, name, bills)
    held = warehouse.frame(f"SELECT account_id FROM {HELD} WHERE billing_month = ?", [name])["account_id"]
    waits = pl.col("account_id").is_in({*held, *parks["account_id"]})
    return Drafts(bills.filter(~waits), bills.filter(waits), parks)


def require_over(session: Session, name: str) -> None:
    """Raises BadInput where the month is not over, unless the session says why it is issued early."""
    month = session.month(name)
    if not session.early and datetime.now(UTC) < month.ends:
        raise BadInput(
            f"{name} is not over: its last day is {month.last} ({month.zone.key}), and an issued month is closed for good. "
            "Nothing was issued. To issue it all the same: --early --because TEXT"
        )


def require_same_tariff(session: Session, name: str) -> None:
    """Raises BadInput where prices at hand are other than those by which the drafts of the month were made."""
    before = prices_of_run(session, name)
    if before and (differing := differing_prices(session, name, before)):
        raise BadInput(
            f"{name} was run by another tariff: {differ(differing)} from {tariff(session.installation)}; nothing was "
            "issued. Run the month again, or use --new-tariff, which does so first"
        )


def require_seller(session: Session, bills: pl.DataFrame) -> None:
    """Raises BadInput with everything about the seller that documents of these Bills need and the settings lack: they are
    made from the settings as they are when the bill is numbered."""
    rows = bills.select("account_id", "vat_rule").join(session.accounts(), on="account_id", how="left")
    if missing := seller_needs(session.installation.settings, rows):
        file = session.installation.settings_file
        raise BadInput([f"{file}: {need}; bills are not numbered before it is set" for need in missing])


def put_issue(
    session: Session, name: str, ready: pl.DataFrame, parked: pl.DataFrame, parks: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    """The draft Bills `ready` as issued at the moment `now`, with all that follows from it, in one transaction.

    `parked`: the drafts that stay open, `parks`: account_id and reason of those that are held back from now on.
    """
    warehouse, settings, year = session.warehouse, session.installation.settings.issue, name[:4]
    first = next_number(session, "bills", year, settings.first_bill)
    numbered = issued(ready, prefix=settings.bill_prefix, first=first, at=now)
    part = 1 + int(warehouse.value("SELECT coalesce(max(part), 0) FROM issues WHERE billing_month = ?", [name]))
    closed, left = _split(session, name, numbered, parked)
    entries = _entries(session, name, numbered, parked)
    sums = file_hashes(session, {written.table: warehouse.month_files.parts_of(written) for written in closed})
    with warehouse.transaction():
        _park(session, name, parks)
        for written in closed:
            warehouse.month_files.name(written, part)
            warehouse.month_files.forget(written.table, written.month)
        for written in left:
            warehouse.month_files.name(written)
        advance(session, "bills", year, first + numbered.height - 1)
        warehouse.connection.execute("DELETE FROM left_open WHERE billing_month = ?", [name])
        warehouse.insert("left_open", parked.select("billing_month", "account_id"))
        warehouse.insert("posted_ledger", entries.with_columns(month=pl.lit(name), part=pl.lit(part, pl.Int32)))
        warehouse.connection.execute(
            "INSERT INTO posted_receipts SELECT ?, ?, receipt_number FROM receipts "
            "WHERE receipt_number NOT IN (SELECT receipt_number FROM posted_receipts)",
            [name, part],
        )
        rebuild_ledger(session)
        keep_books(session)
        keep_statements(session, numbered)
        queue(session, "bill", numbered)
        proof = build_proof(session, name, part, now, numbered, "bill_number", sums)
        proof["open"] = sorted(parked["account_id"])
        record_issue(session, name, part, now, proof)
        add_entry(
            session,
            "issue",
            name,
            f"{numbered.height} bills issued, {numbered['bill_number'][0]} to {numbered['bill_number'][-1]}; "
            f"{parked.height} parked{_early(session, name, now)}",
        )
        warehouse.note("issued", name, {"issued": numbered.height, "parked": parked.height, "part": part})
        must_publish(session, name)
        if parked.height:
            controls = json.loads(
                warehouse.value("SELECT facts FROM manifest WHERE stage = 'controls' AND month = ?", [name]) or "{}"
            )
            warehouse.note("controls", name, {**controls, "files": warehouse.month_files.contents(name)})
    return numbered


def _early(session: Session, name: str, now: datetime) -> str:
    """What the audit trail says of an issue before the end of its month."""
    return (
        f"; issued before the month is over: {session.early}"
        if session.early and now < session.month(name).ends
        else ""
    )


def _in_order(session: Session, name: str) -> None:
    """Raises BadInput where an earlier month has bills that are not issued."""
    rows = session.warehouse.connection.execute(
        "SELECT DISTINCT month FROM month_files ANTI JOIN issues ON month = billing_month "
        "WHERE table_name = 'bills' AND month < ? ORDER BY 1",
        [name],
    ).fetchall()
    if rows:
        months = ", ".join(row[0] for row in rows)
        raise BadInput(
            f"{name} cannot be issued before {months}, which has draft bills: months are issued in their order"
        )


def _out_of_bounds(session: Session, name: str, bills: pl.DataFrame) -> pl.DataFrame:
    """account_id and reason of bills that are to be parked; a bill that somebody released never is again."""
    warehouse, settings = session.warehouse, session.installation.settings.issue
    files = warehouse.month_files
    months = warehouse.connection.execute(
        "SELECT DISTINCT month FROM month_files WHERE table_name = 'bills' AND month < ? ORDER BY 1", [name]
    ).fetchall()
    earlier = files.scan("bills", [month for (month,) in months]).select("account_id", "net_amount").collect()
    before = months[-1][0] if months and session.month(months[-1][0]).following == name else None
    now = _events(session, name).rename({"events": "now"})
    then = _events(session, before) if before else now.clear().rename({"now": "events"})
    suspended = warehouse.frame(
        "SELECT account_id, count(*) AS suspended FROM suspense WHERE usage_month = ? AND state = 'open' "
        "AND account_id IS NOT NULL AND format <> 'numbers' GROUP BY 1",
        [name],
    )
    traffic = (
        pl.concat([now.select("account_id"), then.select("account_id"), suspended.select("account_id")])
        .unique()
        .join(now, on="account_id", how="left")
        .join(then.rename({"events": "before"}), on="account_id", how="left")
        .join(suspended, on="account_id", how="left")
    )
    found = out_of_bounds(
        bills,
        earlier,
        traffic,
        list(session.minor_units),
        Bounds(settings.median_multiple, settings.suspense_percent),
    )
    released = warehouse.frame(
        "SELECT account_id FROM parked WHERE billing_month = ? AND released_at IS NOT NULL", [name]
    )
    return found.join(released, on="account_id", how="anti")


def _events(session: Session, month: str) -> pl.DataFrame:
    """account_id and events: legs with something to charge in the month."""
    lines = session.warehouse.month_files.scan("bill_lines", [month]).filter(pl.col("kind").is_in(["voice", "sms"]))
    return lines.group_by("account_id").agg(pl.col("events").sum()).collect()


def _park(session: Session, name: str, parks: pl.DataFrame) -> None:
    """Parks the accounts of `parks` that are not parked yet. Belongs into the transaction."""
    held = session.warehouse.frame(f"SELECT account_id FROM {HELD} WHERE billing_month = ?", [name])
    new = parks.join(held, on="account_id", how="anti")
    now = datetime.now(UTC)
    for account, reason in new.select("account_id", "reason").iter_rows():
        park_account(session, name, account, reason, "callbill", now)


def park_account(session: Session, month: str, account: str, reason: str, who: str, at: datetime) -> None:
    """Holds the account's bill of the month back. Belongs into a transaction."""
    session.warehouse.connection.execute(
        "INSERT INTO parked BY NAME SELECT ? AS billing_month, ? AS account_id, ? AS reason, ? AS parked_by, ? AS parked_at",
        [month, account, reason, who, at],
    )
    add_entry(session, "park", month, f"{account}: {reason}", who)


def _split(
    session: Session, name: str, numbered: pl.DataFrame, parked: pl.DataFrame
) -> tuple[list[WrittenMonth], list[WrittenMonth]]:
    """The month's tables as files: of the accounts that are issued, and of those that stay open. Where none does, the
    files of the drafts are those of the issued bills as they are."""
    closed, left = [], []
    accounts = parked["account_id"].to_list()
    stays = pl.col("account_id").is_in(accounts)
    for table in SPLIT_TABLES:
        if not accounts:
            closed.append(session.warehouse.month_files.open_part(table, name))
            continue
        parts = session.warehouse.month_files.paths(table, [name], issued=False)
        whole = [partial(pl.read_parquet, path) for path in parts]
        closed.append(_write(session, table, name, whole, ~stays))
        left.append(_write(session, table, name, whole, stays))
    closed.append(_write(session, "bills", name, [lambda: numbered], None))
    if accounts:
        held = parked.with_columns(pl.lit("parked").alias("status"))
        left.append(_write(session, "bills", name, [lambda: held], None))
    return closed, left


def _write(
    session: Session, table: str, month: str, parts: Sequence[Callable[[], pl.DataFrame]], which: pl.Expr | None
) -> WrittenMonth:
    """The rows of `parts` for which `which` holds, as files of the month."""
    files = session.warehouse.month_files
    with files.writing(table, month) as writer:
        with write_behind() as later:
            for part in parts:
                frame = part()
                later(partial(writer.write, frame if which is None else frame.filter(which)))
        return files.finish(writer, table, month)


def _entries(session: Session, name: str, numbered: pl.DataFrame, parked: pl.DataFrame) -> pl.DataFrame:
    """What the issue adds to the posted ledger: the bills, and all credits up to the month's end that are not in it yet,
    but for accounts that are parked."""
    posted = posted_ledger(session)
    credits = session.warehouse.frame("SELECT * FROM credits WHERE credited_at < ?", [session.month(name).ends])
    credits = credits.join(parked, on="account_id", how="anti")
    prepaid = with_closing(session, numbered.filter(pl.col("billing_mode") == "prepaid"))
    whole = ledger(credits, prepaid, posted)
    return whole.join(posted, on=["account_id", "entry_number"], how="anti", maintain_order="left")
