"""What analysts open: a small DuckDB file that holds the small tables, and views over the months' Parquet files.

Put in place whole; who has an older one open keeps reading it, and the files it names stay for some days.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb

from pipelines.errors import BadInput, describe, is_interruption
from pipelines.stages import Facts
from pipelines.stages.proof import put_proof
from pipelines.storage import catalogue
from pipelines.storage.atomic_files import READ_ONLY, put, sync
from pipelines.storage.audit import add_entry
from pipelines.storage.published import logs_beside
from pipelines.storage.session import Session
from pipelines.storage.unfinished import has_run, is_published, must_publish, to_publish
from transforms.tables.base import types

READABLE_SINCE = "v1.4.0"

_REFUSED_FILES = """
    refused_files AS (
        SELECT file_id, min_by(COLUMNS(* EXCLUDE file_id), path) FROM changed_files ANTI JOIN loaded_files USING (file_id)
        GROUP BY file_id
    )
"""
"""Files that were changed, once per content."""

SUSPENSE = f"""
    WITH {_REFUSED_FILES},
    closed AS (
        SELECT file_id, record_number, leg, 'written_off' AS given_up FROM write_offs
        WHERE reopened_at IS NULL AND format <> 'numbers'
    ),
    of_mediation AS (
        SELECT f.file_id, f.format, r.record_number, r.record_id, r.leg, r.reason, r.detail, f.loaded_at AS first_seen_at,
            r.account_id
        FROM refused_records r ANTI JOIN duplicates USING (file_number, record_number) JOIN loaded_files f USING (file_number)
        UNION ALL BY NAME
        SELECT f.file_id, f.format, d.record_number, u.record_id, 'main' AS leg, 'conflicting_duplicate' AS reason,
            'says something else than record ' || d.first_record_number || ' of ' || o.path || ', which came first' AS detail,
            f.loaded_at AS first_seen_at, u.account_id
        FROM duplicates d
        JOIN loaded_files f USING (file_number)
        JOIN loaded_files o ON o.file_number = d.first_file_number
        JOIN usage_records u ON u.file_number = d.file_number AND u.record_number = d.record_number
        WHERE d.conflicting
        UNION ALL BY NAME
        SELECT f.file_id, f.format, p.record_number, p.event AS record_id, 'main' AS leg, 'incomplete' AS reason,
            p.part || ' of an event whose other records have not come' AS detail,
            f.loaded_at AS first_seen_at, NULL AS account_id
        FROM event_parts p JOIN loaded_files f USING (file_number)
        WHERE p.state = 'waiting'
        UNION ALL BY NAME
        SELECT file_id, format, unnest(range(1, records + 1)) AS record_number, NULL AS record_id, 'main' AS leg,
            'changed_file' AS reason, path || ' was loaded with another content: the file is refused as it is now' AS detail,
            first_seen_at, NULL AS account_id
        FROM refused_files
    )
    SELECT file_id, format, record_number, record_id, leg, reason, detail, first_seen_at, state, account_id, usage_month
    FROM suspense ANTI JOIN of_mediation USING (file_id, record_number, leg)
    UNION ALL BY NAME
    SELECT m.*, coalesce(c.given_up, 'open') AS state, NULL AS usage_month
    FROM of_mediation m LEFT JOIN closed c USING (file_id, record_number, leg)
"""
"""All suspense: of rating, of mediation but for legs of repeated records, and records that contradict an earlier one.

Of a place that waits in mediation, what is said there counts."""

PUBLISHED_SUSPENSE = f"""
    WITH placed AS (
        SELECT s.*, u.service, CASE WHEN s.leg = 'forwarded' THEN 'outbound' ELSE u.direction END AS direction,
            CASE WHEN s.leg = 'forwarded' THEN u.forwarded_to ELSE u.other_number END AS called
        FROM ({SUSPENSE}) s LEFT JOIN loaded_files f USING (file_id)
        LEFT JOIN directed_usage u ON u.file_number = f.file_number AND u.record_number = s.record_number
    ),
    matched AS (
        SELECT called, arg_max(destination, length(prefix)) AS destination
        FROM (SELECT DISTINCT called FROM placed WHERE direction = 'outbound')
        CROSS JOIN (SELECT DISTINCT length(prefix) AS digits FROM destinations)
        JOIN destinations ON prefix = substr(called, 2, digits) GROUP BY called
    )
    SELECT p.* EXCLUDE (called), CASE WHEN direction = 'outbound' THEN m.destination END AS destination
    FROM placed p LEFT JOIN matched m USING (called)
"""
"""The same with what the usage records say of those that could be read."""

USAGE_FILES = f"""
    WITH {_REFUSED_FILES},
    waiting AS (
        SELECT f.file_number, s.record_number, bool_or(s.leg = 'main') AS main, bool_or(s.leg = 'forwarded') AS forwarded
        FROM suspense s JOIN loaded_files f USING (file_id)
        WHERE s.state <> 'recycled' AND s.format <> 'numbers' GROUP BY ALL
    ),
    whole AS (
        SELECT w.file_number, count(*) AS n FROM waiting w
        JOIN usage_records u ON u.file_number = w.file_number AND u.record_number = w.record_number
        WHERE w.main AND (u.forwarded_to IS NULL OR w.forwarded) GROUP BY ALL
    ),
    counted AS (
        SELECT f.*, coalesce(u.n, 0) AS usage, coalesce(d.same, 0) AS same, coalesce(d.conflicting, 0) AS conflicting,
            coalesce(r.n, 0) AS refused, coalesce(w.n, 0) AS waiting, coalesce(p.incomplete, 0) AS incomplete,
            coalesce(p.told, 0) AS told, coalesce(p.repeated, 0) AS repeated,
            coalesce(u.seconds, 0) AS seconds, coalesce(u.segments, 0) AS segments
        FROM loaded_files f
        LEFT JOIN (SELECT file_number, count(*) AS n, sum(billable_seconds::BIGINT + coalesce(forwarded_seconds, 0)) AS seconds,
            sum(segments) AS segments FROM usage_records GROUP BY 1) u USING (file_number)
        LEFT JOIN (SELECT file_number, count(*) FILTER (NOT conflicting) AS same, count(*) FILTER (conflicting) AS conflicting
            FROM duplicates SEMI JOIN usage_records USING (file_number, record_number) GROUP BY 1) d USING (file_number)
        LEFT JOIN (SELECT file_number, count(*) AS n FROM refused_records WHERE leg = 'main' GROUP BY 1) r USING (file_number)
        LEFT JOIN whole w USING (file_number)
        LEFT JOIN (SELECT file_number, count(*) FILTER (state = 'waiting') AS incomplete,
            count(*) FILTER (state = 'told') AS told, count(*) FILTER (state = 'repeated') AS repeated
            FROM event_parts GROUP BY 1) p USING (file_number)
    )
    SELECT file_id, path, format, bytes, records, usage - same - conflicting - waiting AS usage_records,
        refused + conflicting + waiting + incomplete AS suspended, same + repeated AS duplicates, unbillable + told AS unbillable,
        loaded_at, lines, seconds, segments
    FROM counted
    UNION ALL BY NAME
    SELECT file_id, path, format, bytes, records, 0 AS usage_records, records AS suspended, 0 AS duplicates,
        0 AS unbillable, first_seen_at AS loaded_at
    FROM refused_files
"""
"""Where the records of each file went. A record counts as suspended when none of its legs is rated, given up or not."""

_SOURCES = {
    "receipts": "SELECT * FROM receipts",
    "ledger": "SELECT * FROM ledger",
    **{name: f"SELECT * FROM {name}" for name in catalogue.BOOKS},
    "suspense": PUBLISHED_SUSPENSE,
    "write_offs": "SELECT * FROM write_offs",
    "usage_files": USAGE_FILES,
    "parked": "SELECT * FROM parked",
    "audit": 'SELECT * EXCLUDE ("commit") FROM audit',
    "controls": "SELECT * FROM published_controls",
    "documents": "SELECT * FROM documents",
    "collections": "SELECT * REPLACE (left(iban, 4) || '...' || right(iban, 4) AS iban) FROM collections",
}


def publish(session: Session, name: str) -> Facts:
    """Replaces HOME/published/billing.duckdb at once by one that has the month `name` as the warehouse has it."""
    session.progress.stage("publish")
    # Noted first: a run killed from here on leaves the older file, and the next command puts in what passed.
    connection = session.warehouse.connection
    with session.warehouse.transaction():
        if changed := session.warehouse.month_files.unpublished(name):
            add_entry(session, "run", name, f"published anew: {', '.join(changed)}")
        session.warehouse.month_files.remember_publication(name)
        connection.execute("DELETE FROM published_controls WHERE billing_month = ?", [name])
        connection.execute("INSERT INTO published_controls SELECT * FROM controls WHERE billing_month = ?", [name])
        session.warehouse.note("published", name, {"changed": changed})
        has_run(session, name)
        must_publish(session)
    return _replace(session, name)


def publish_again(session: Session) -> Facts:
    """Replaces it by one with the small tables as the warehouse has them, and every month as it was published last."""
    session.progress.stage("publish")
    return _replace(session, _NO_MONTH)


_NO_MONTH = ""


def finish(session: Session) -> None:
    """Publishes what was committed and is not published yet; of what was issued then it writes the proof as well."""
    waiting = to_publish(session)
    months = [month for month in waiting if month]
    for month in months:
        put_proof(session, month)
    for month in months:
        publish(session, month)
    if waiting and not months:
        publish_again(session)


def catch_up(session: Session) -> None:
    """As `finish`, before a command does anything of its own: an earlier one may have been killed. Where that cannot be
    published it is told, and waits on: what is wrong may be what this command is to mend."""
    try:
        finish(session)
    except (BadInput, duckdb.Error) as error:
        if is_interruption(error):
            raise
        why = error if isinstance(error, BadInput) else describe(error)
        session.progress.warn(f"what a command that was killed has left unpublished cannot be published yet: {why}")


def _replace(session: Session, name: str) -> Facts:
    place = session.installation.published
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    for left in place.parent.glob(f".{place.name}.*"):
        # Of a run that was killed: whoever gets here holds the warehouse.
        left.unlink()
    connection = session.warehouse.connection
    connection.execute(f"ATTACH {catalogue.quoted(str(beside))} AS publication (STORAGE_VERSION '{READABLE_SINCE}')")
    try:
        _fill(session, name)
    finally:
        connection.execute("DETACH publication")
    beside.chmod(READ_ONLY)
    with _kept_from_writers(place):
        _remove_logs(session, place)
        put(beside, place)
    _require_readable(place)
    swept = session.warehouse.month_files.sweep()
    with session.warehouse.transaction():
        is_published(session, name)
    return {"bytes": place.stat().st_size, "swept_folders": swept}


@contextmanager
def _kept_from_writers(place: Path) -> Iterator[None]:
    """Within the block nobody opens for writing what is published now. Raises BadInput where somebody has: what that one
    writes would come to lie beside the new file, which then nobody could read."""
    with ExitStack() as stack:
        with suppress(FileNotFoundError):
            file = stack.enter_context(place.open("rb"))
            try:
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                raise BadInput(
                    f"{place}: a program has it open for writing, and nothing is published before that one has closed it. "
                    "What was run is kept; the next run, of any month, publishes it. Open the file read-only"
                ) from None
        yield


def _remove_logs(session: Session, place: Path) -> None:
    """Removes what somebody who wrote into the published file has left beside it. Never after the new file is there: a
    log and a file that do not belong together cannot be read."""
    logs = logs_beside(place)
    if not logs:
        return
    session.progress.warn(
        f"{logs[0]}: a program opened the published file for writing and did not close it; what it wrote there is not "
        "kept. Open the file read-only"
    )
    for log in logs:
        log.unlink()
    sync(place.parent)


def _require_readable(place: Path) -> None:
    """Raises BadInput where analysts could not open what is published. Opened as they do: in a database of its own."""
    try:
        with duckdb.connect(config={"threads": 1}) as analyst:
            analyst.execute(f"ATTACH {catalogue.quoted(str(place))} AS publication (READ_ONLY)")
            for name in (*catalogue.PUBLISHED_WHOLE, *catalogue.PUBLISHED_MONTHLY):
                analyst.execute(f"SELECT 1 FROM publication.{name} LIMIT 1").fetchall()
    except duckdb.Error as error:
        if is_interruption(error):
            raise
        raise BadInput(
            f"{place} was put in place and cannot be read: {describe(error)}. The next run, of any month, publishes it anew"
        ) from None


def _fill(session: Session, month: str) -> None:
    """The tables and views with their comments. Months whose last run failed stay as they were published before."""
    connection = session.warehouse.connection
    for name, table in catalogue.PUBLISHED_WHOLE.items():
        order = ", ".join(table._key)
        typed = ", ".join(
            f'"{column}"::{catalogue.sql_type(dtype)} AS "{column}"' for column, dtype in types(table).items()
        )
        connection.execute(
            f"CREATE TABLE publication.{name} AS SELECT {typed} FROM ({_SOURCES[name]}) ORDER BY {order}"
        )
        session.progress.advance(session.warehouse.value(f"SELECT count(*) FROM publication.{name}"))
        for statement in catalogue.comments(f"publication.main.{name}", table):
            connection.execute(statement)
    files = session.warehouse.month_files
    for name, table in catalogue.PUBLISHED_MONTHLY.items():
        connection.execute(files.view(f"publication.main.{name}", name, files.publication(name, month)))
        for statement in catalogue.comments(f"publication.main.{name}", table, "VIEW"):
            connection.execute(statement)
