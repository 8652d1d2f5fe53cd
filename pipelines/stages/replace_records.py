"""Which records are read again, and how what was read there takes the place of what stood there. All of it within one
transaction, in temporary tables: `taken` (records), `taken_legs` (records of which the second leg alone is), NEW.
"""

from __future__ import annotations

from pipelines.errors import BadInput
from pipelines.stages.assemble import assemble_events
from pipelines.stages.billing_months import billed_in, issued_legs
from pipelines.storage import file_totals
from pipelines.storage.catalogue import select_nothing
from pipelines.storage.session import Session
from pipelines.storage.unfinished import must_run
from transforms.mediation.duplicates import EVENT, find_duplicates
from transforms.tables.usage import EventParts, RefusedRecords, UsageRecords

_TABLES = {"usage_records": UsageRecords, "refused_records": RefusedRecords, "event_parts": EventParts}

_IN_PIECES = (
    "(grown_from IS NOT NULL OR file_number IN (SELECT grown_from FROM loaded_files WHERE grown_from IS NOT NULL))"
)
"""Files of which another holds the beginning or the rest."""

NEW = {table: f"again_{table}" for table in _TABLES}
"""What is read now, by the table that it goes into."""

_PLACE = "(file_number, record_number)"
_TAKEN = f"{_PLACE} IN (SELECT {_PLACE} FROM taken)"
_NAME = f"({', '.join(EVENT)})"

_GIVEN_UP = (
    "(SELECT (f.file_number, w.record_number) FROM write_offs w JOIN loaded_files f USING (file_id) "
    "WHERE w.reopened_at IS NULL)"
)

OUTSIDE = f"""
    SELECT 1 FROM (
        SELECT file_number, record_number FROM usage_records WHERE file_number = $file
        UNION ALL SELECT file_number, record_number FROM refused_records WHERE file_number = $file
        UNION ALL SELECT file_number, record_number FROM event_parts WHERE file_number = $file
    ) WHERE {_PLACE} NOT IN (SELECT {_PLACE} FROM taken) LIMIT 1
"""
"""Whether anything of a file stands where nothing is taken."""


def prepare(session: Session) -> None:
    """Makes the temporary tables, empty."""
    execute = session.warehouse.connection.execute
    for table in ("taken", "taken_legs"):
        execute(f"CREATE OR REPLACE TEMP TABLE {table} (file_number INTEGER, record_number BIGINT)")
    for table, columns in _TABLES.items():
        execute(f"CREATE OR REPLACE TEMP TABLE {NEW[table]} AS {select_nothing(columns)}")


def _find_on_bills(session: Session, places: str) -> None:
    """Makes the temporary table `on_bills`: those of the table `places` that stand on issued bills and notes."""
    session.warehouse.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE on_bills AS SELECT DISTINCT file_number, record_number "
        f"FROM {issued_legs(session)} JOIN loaded_files USING (file_id) SEMI JOIN {places} USING (file_number, record_number)"
    )


def choose(session: Session, folder: str | None) -> None:
    """Takes what is refused and not written off; of a `folder` of the inbox all that is on no issued bill either. Fills
    `taken_refused` with what is refused there. Raises BadInput where nothing was loaded from the folder."""
    execute = session.warehouse.connection.execute
    prepare(session)
    mine = "true"
    if folder is not None:
        execute("CREATE OR REPLACE TEMP TABLE in_folder (file_number INTEGER)")
        execute(
            "INSERT INTO in_folder SELECT file_number FROM loaded_files WHERE starts_with(path, ?)",
            [f"{session.installation.inbox.name}/{folder.strip('/')}/"],
        )
        if not session.warehouse.value("SELECT 1 FROM in_folder LIMIT 1"):
            raise BadInput(f"{session.installation.inbox / folder}: no file was loaded from there")
        mine = "file_number IN (SELECT file_number FROM in_folder)"
        execute(
            "INSERT INTO taken SELECT * FROM (SELECT file_number, unnest(range(1, records + 1)) AS record_number "
            f"FROM loaded_files WHERE {mine} AND NOT {_IN_PIECES})"
        )
        for table in _TABLES:
            execute(
                f"INSERT INTO taken SELECT file_number, record_number FROM {table} WHERE {mine} AND file_number IN "
                f"(SELECT file_number FROM loaded_files WHERE {_IN_PIECES}) AND NOT {_TAKEN}"
            )
    else:
        of_events = f"{_PLACE} IN (SELECT {_PLACE} FROM event_parts)"
        execute(
            f"INSERT INTO taken SELECT file_number, record_number FROM refused_records "
            f"WHERE (leg = 'main' OR {of_events})"
        )
    # What several records tell is read again with all of them, or not at all.
    execute(
        "INSERT INTO taken SELECT file_number, record_number FROM event_parts WHERE (format, event) IN "
        f"(SELECT (format, event) FROM event_parts WHERE {_TAKEN}) AND NOT {_TAKEN}"
    )
    _find_on_bills(session, "taken")
    fixed = f"({_PLACE} IN {_GIVEN_UP} OR {_PLACE} IN (SELECT {_PLACE} FROM on_bills))"
    _leave_events(session, fixed)
    execute(f"DELETE FROM taken WHERE {fixed}")
    execute(
        "INSERT INTO taken_legs SELECT file_number, record_number FROM refused_records "
        f"WHERE leg = 'forwarded' AND {mine} AND NOT {_TAKEN} AND {_PLACE} NOT IN {_GIVEN_UP} "
        f"AND {_PLACE} NOT IN (SELECT {_PLACE} FROM duplicates) AND {_PLACE} NOT IN (SELECT {_PLACE} FROM event_parts)"
    )
    execute(
        "CREATE OR REPLACE TEMP TABLE taken_refused AS SELECT file_number, record_number, leg FROM refused_records "
        f"WHERE {_TAKEN} OR (leg = 'forwarded' AND {_PLACE} IN (SELECT {_PLACE} FROM taken_legs))"
    )


def _leave_events(session: Session, condition: str) -> None:
    """Takes no record of an event of which one that is taken fulfils the SQL condition."""
    session.warehouse.connection.execute(
        f"DELETE FROM taken WHERE {_PLACE} IN (SELECT {_PLACE} FROM event_parts WHERE (format, event) IN "
        f"(SELECT (format, event) FROM event_parts WHERE {_TAKEN} AND {condition}))"
    )


def leave(session: Session, file_number: int) -> None:
    """Takes nothing of the file after all."""
    _leave_events(session, f"file_number = {file_number}")
    for table in ("taken", "taken_legs"):
        session.warehouse.connection.execute(f"DELETE FROM {table} WHERE file_number = ?", [file_number])


def leave_refused(session: Session) -> None:
    """Takes nothing that would be refused as before; whether an event would is not known yet."""
    refused = f"{_PLACE} IN (SELECT {_PLACE} FROM {NEW['refused_records']} WHERE leg = 'main')"
    session.warehouse.connection.execute(
        f"DELETE FROM taken WHERE {refused} AND {_PLACE} NOT IN (SELECT {_PLACE} FROM event_parts)"
    )


def take_whole(session: Session, file_number: int, records: int) -> None:
    """Takes the places 1 to `records` of a file."""
    execute = session.warehouse.connection.execute
    execute("DELETE FROM taken WHERE file_number = ?", [file_number])
    execute("INSERT INTO taken SELECT ?, unnest(range(1, ?))", [file_number, records + 1])


def put_in_place(session: Session) -> None:
    """Puts what was read where it belongs: usage, refusals, parts, events that are whole now, duplicates, the state of
    suspense; and notes the months that have to be run for it."""
    execute = session.warehouse.connection.execute
    _keep_legs_that_read(session)
    execute("CREATE OR REPLACE TEMP TABLE names AS " + _names_taken())
    months = _months(session)
    execute(
        f"CREATE OR REPLACE TEMP TABLE was_refused AS SELECT * FROM refused_records "
        f"WHERE {_TAKEN} OR (leg = 'forwarded' AND {_PLACE} IN (SELECT {_PLACE} FROM taken_legs))"
    )
    execute(f"DELETE FROM refused_records WHERE leg = 'forwarded' AND {_PLACE} IN (SELECT {_PLACE} FROM taken_legs)")
    for table in (*_TABLES, "duplicates"):
        execute(f"DELETE FROM {table} WHERE {_TAKEN}")
    for table, new in NEW.items():
        execute(f"INSERT INTO {table} BY NAME SELECT * FROM {new} WHERE {_TAKEN} ORDER BY file_number, record_number")
    execute(
        "UPDATE usage_records SET forwarded_to = a.forwarded_to, forwarded_seconds = a.forwarded_seconds "
        f"FROM {NEW['usage_records']} a SEMI JOIN taken_legs t USING (file_number, record_number) "
        "WHERE usage_records.file_number = a.file_number AND usage_records.record_number = a.record_number"
    )
    assemble_events(session, _TAKEN)
    execute("INSERT INTO names " + _names_taken())
    _compare_again(session)
    months |= _months(session)
    _change_states(session)
    _count_anew(session)
    file_totals.recount(session.warehouse.connection, _FILES_CHANGED)
    _outdate(session, months)
    _must_run(session, months)


_FILES_CHANGED = f"""
    SELECT file_number FROM taken UNION SELECT file_number FROM taken_legs
    UNION SELECT file_number FROM usage_records WHERE {_NAME} IN (SELECT {_NAME} FROM names)
    UNION SELECT file_number FROM event_parts WHERE (format, event) IN (SELECT (format, event) FROM event_parts WHERE {_TAKEN})
"""


def _names_taken() -> str:
    return f"SELECT DISTINCT {', '.join(EVENT)} FROM usage_records WHERE {_TAKEN}"


def _keep_legs_that_read(session: Session) -> None:
    """Of records whose second leg was refused, those whose second leg is not refused now."""
    session.warehouse.connection.execute(
        f"DELETE FROM taken_legs WHERE {_PLACE} IN (SELECT {_PLACE} FROM {NEW['refused_records']}) "
        f"OR {_PLACE} NOT IN (SELECT {_PLACE} FROM {NEW['usage_records']})"
    )


def _months(session: Session) -> set[str]:
    """The months of the usage that is taken, in the billing time zone."""
    rows = session.warehouse.connection.execute(
        f"SELECT DISTINCT {_month(session)} FROM usage_records "
        f"WHERE {_TAKEN} OR {_PLACE} IN (SELECT {_PLACE} FROM taken_legs)"
    )
    return {row[0] for row in rows.fetchall()}


def _month(session: Session) -> str:
    zone = session.installation.settings.billing.time_zone
    return f"strftime(timezone('{zone}', started_at), '%Y-%m')"


def _compare_again(session: Session) -> None:
    """Of each event that has records among those read again: which record stands. One on an issued bill does; else the
    first by file and position."""
    warehouse = session.warehouse
    of_names = f"{_NAME} IN (SELECT {_NAME} FROM names)"
    warehouse.connection.execute(
        f"DELETE FROM duplicates WHERE {_PLACE} IN (SELECT {_PLACE} FROM usage_records WHERE {of_names})"
    )
    warehouse.connection.execute(
        "CREATE OR REPLACE TEMP TABLE alike AS "
        f"SELECT *, {_PLACE} IN (SELECT {_PLACE} FROM refused_records WHERE leg = 'forwarded') AS leg_refused "
        f"FROM usage_records WHERE {_NAME} IN "
        f"(SELECT {_NAME} FROM usage_records WHERE {of_names} GROUP BY ALL HAVING count(*) > 1)"
    )
    _find_on_bills(session, "alike")
    candidates = warehouse.frame(f"SELECT *, {_PLACE} NOT IN (SELECT {_PLACE} FROM on_bills) AS unbilled FROM alike")
    warehouse.insert("duplicates", find_duplicates(candidates, behind=("unbilled",)))


def _change_states(session: Session) -> None:
    """What was refused and is not any more stays in suspense as recycled; what waited in rating goes through again."""
    execute = session.warehouse.connection.execute
    execute(
        "CREATE OR REPLACE TEMP TABLE mended AS SELECT w.* FROM was_refused w "
        "ANTI JOIN refused_records USING (file_number, record_number, leg)"
    )
    same = "SELECT (f.file_id, p.record_number) FROM {} p JOIN loaded_files f USING (file_number)"
    execute(
        "DELETE FROM suspense WHERE (file_id, record_number, leg) IN "
        "(SELECT (f.file_id, m.record_number, m.leg) FROM mended m JOIN loaded_files f USING (file_number))"
    )
    execute(
        "INSERT INTO suspense BY NAME SELECT f.file_id, f.format, m.record_number, m.leg, m.reason, m.detail, "
        "coalesce(u.record_id, m.record_id) AS record_id, coalesce(u.account_id, m.account_id) AS account_id, "
        f"f.loaded_at AS first_seen_at, 'recycled' AS state, {_month(session)} AS usage_month "
        "FROM mended m JOIN loaded_files f USING (file_number) "
        "LEFT JOIN usage_records u USING (file_number, record_number) ORDER BY m.file_number, m.record_number, m.leg"
    )
    execute(
        "UPDATE suspense SET state = 'recycled' WHERE state = 'open' AND format <> 'numbers' "
        f"AND (file_id, record_number) IN ({same.format('taken')})"
    )
    execute(
        f"UPDATE suspense SET usage_month = {_month(session)} FROM usage_records u JOIN loaded_files f USING (file_number) "
        f"WHERE f.file_id = suspense.file_id AND u.record_number = suspense.record_number AND suspense.format <> 'numbers' "
        f"AND (u.file_number, u.record_number) IN (SELECT {_PLACE} FROM taken)"
    )


def _count_anew(session: Session) -> None:
    """How many records of the files report no usage."""
    session.warehouse.connection.execute(
        "UPDATE loaded_files SET unbillable = records "
        "- (SELECT count(*) FROM usage_records u WHERE u.file_number = loaded_files.file_number "
        f"AND (u.file_number, u.record_number) NOT IN (SELECT {_PLACE} FROM event_parts)) "
        "- (SELECT count(*) FROM refused_records r WHERE r.file_number = loaded_files.file_number AND leg = 'main' "
        f"AND (r.file_number, r.record_number) NOT IN (SELECT {_PLACE} FROM event_parts)) "
        "- (SELECT count(*) FROM event_parts p WHERE p.file_number = loaded_files.file_number) "
        "WHERE file_number IN (SELECT file_number FROM taken)"
    )


def _outdate(session: Session, months: set[str]) -> None:
    """Drafts of these months, and of those in which their late usage is billed, must be made anew before they are issued."""
    for month in sorted({*months, *(billed_in(session, month) for month in months)}):
        session.warehouse.connection.execute(
            "DELETE FROM manifest WHERE stage IN ('controls', 'rated_usage') AND month = ?", [month]
        )


def _must_run(session: Session, months: set[str]) -> None:
    """Of these months, those that were run before have to be run again, or the month on whose bills their usage goes now."""
    rows = session.warehouse.connection.execute("SELECT DISTINCT month FROM month_files").fetchall()
    must_run(session, {billed_in(session, month) for (month,) in rows if month in months})
