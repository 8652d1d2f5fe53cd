"""Controls of raw files: what was counted while they were loaded is what the warehouse holds, and what rating told of it.

They may use what `prepare` makes first: the temporary tables file_differences and written_files.
"""

from __future__ import annotations

from pipelines.controls.control import USAGE, Control, count
from pipelines.storage import catalogue
from pipelines.storage.file_totals import HASHED, KEPT, fingerprint, measures
from transforms.tables.base import types
from transforms.tables.usage import Suspense

_NOW = " UNION ALL ".join(measures(table, table) for table in KEPT)
_COUNTED = ("rows", "seconds", "segments", "fingerprint")

PREPARE = f"""
    CREATE OR REPLACE TEMP TABLE file_differences AS
    WITH kept AS (
        SELECT table_name, file_number, {", ".join(f"sum({name})::HUGEINT AS {name}" for name in _COUNTED)},
            bool_and(hashed = {HASHED}) AS comparable
        FROM file_totals GROUP BY ALL
    ),
    now AS ({_NOW}),
    both_of AS (
        SELECT table_name, file_number, comparable, {
    ", ".join(f"coalesce(k.{name}, 0) AS was_{name}, coalesce(n.{name}, 0) AS is_{name}" for name in _COUNTED)
}
        FROM kept k FULL JOIN now n USING (table_name, file_number)
    ),
    places AS (
        SELECT f.*, coalesce(u.rows, 0) + coalesce(r.n, 0) + coalesce(p.n, 0) + f.unbillable AS found
        FROM loaded_files f
        LEFT JOIN (SELECT file_number, is_rows AS rows FROM both_of WHERE table_name = 'usage_records') u USING (file_number)
        LEFT JOIN (SELECT file_number, count(*) AS n FROM refused_records WHERE leg = 'main' GROUP BY 1) r
            USING (file_number)
        LEFT JOIN (SELECT file_number, count(*) AS n FROM event_parts WHERE state IN ('waiting', 'told', 'repeated')
            GROUP BY 1) p USING (file_number)
    )
    SELECT file_number, 'records' AS what, records::HUGEINT AS expected, found::HUGEINT AS actual
    FROM places WHERE records <> found
    UNION ALL SELECT file_number, 'lines', lines, lines_read FROM places WHERE lines <> lines_read
    UNION ALL SELECT file_number, table_name || ' rows', was_rows, is_rows FROM both_of WHERE was_rows <> is_rows
    UNION ALL SELECT file_number, 'seconds', was_seconds, is_seconds FROM both_of WHERE was_seconds <> is_seconds
    UNION ALL SELECT file_number, 'segments', was_segments, is_segments FROM both_of WHERE was_segments <> is_segments
    UNION ALL SELECT file_number, table_name, was_fingerprint, is_fingerprint FROM both_of
    WHERE was_fingerprint <> is_fingerprint AND comparable IS DISTINCT FROM false
"""
"""What differs file by file. Files loaded before totals were kept are left out where it is asked."""

_TOTALLED = "SELECT file_number FROM loaded_files WHERE totalled IS NULL"
_CONTENT = ", ".join(f"'{table}'" for table in KEPT)
_OF_COUNTS = f"file_differences WHERE what NOT IN ({_CONTENT}) AND file_number NOT IN ({_TOTALLED})"
_OF_CONTENT = f"file_differences WHERE what IN ({_CONTENT}) AND file_number NOT IN ({_TOTALLED})"
_PATH = "coalesce(path, 'file ' || file_number)"

SUSPENDED_NOW = (
    f"SELECT {HASHED} || ':' || "
    + fingerprint(
        *(f'"{name}"::{catalogue.sql_type(dtype)}' for name, dtype in types(Suspense).items() if name != "state")
    )
    + " FROM suspense WHERE usage_month = $month AND format <> 'numbers' AND state <> 'recycled'"
)
"""What the month's suspense of usage says, whatever its state, as one text."""

_AS_RATED = f"""
    SELECT 'rated_usage' AS name FROM manifest m JOIN month_files f ON f.table_name = 'rated_usage' AND f.month = m.month
    WHERE m.stage = 'rated_usage' AND m.month = $month AND f.part = 0 AND m.facts ->> 'sha256' <> f.sha256
    UNION ALL
    SELECT 'suspense' FROM manifest m WHERE stage = 'rated_usage' AND month = $month
    AND split_part(facts ->> 'suspense', ':', 1) = {HASHED}::VARCHAR AND facts ->> 'suspense' <> ({SUSPENDED_NOW})
"""

_CARRIED = ("service", "direction", "own_number", "other_number", "started_at", "status")
_LEG = ("record_number", "leg", "account_id", *_CARRIED, "billable_seconds", "segments", "linked_id")
_SAID = ", ".join(_LEG)
_FINGERPRINT = fingerprint(*_LEG)


def _legs(usage: str) -> str:
    """CTEs up to `legs`: the legs of the CTE `usage` with the account that is stated, or that holds the number."""
    carried = ", ".join(f"u.{name}" for name in _CARRIED)
    same = ", ".join(name for name in _CARRIED if name not in ("direction", "other_number", "status"))
    return f"""
    holdings AS MATERIALIZED (
        SELECT number AS own_number, account_id AS holder, assigned_at AS held_from, coalesce(least(released_at,
            lead(assigned_at) OVER (PARTITION BY number ORDER BY assigned_at) - INTERVAL 1 MICROSECOND),
            'infinity'::TIMESTAMPTZ) AS held_to
        FROM numbers
    ),
    mains AS NOT MATERIALIZED (
        SELECT u.file_number, u.record_number, coalesce(u.account_id, h.holder) AS account_id, {carried},
            u.billable_seconds, u.segments, u.linked_id, u.forwarded_to, u.forwarded_seconds
        FROM {usage} u LEFT JOIN holdings h
        ON u.own_number = h.own_number AND u.started_at >= h.held_from AND u.started_at <= h.held_to
    ),
    legs AS NOT MATERIALIZED (
        SELECT file_number, 'main' AS leg, * EXCLUDE (file_number, forwarded_to, forwarded_seconds) FROM mains
        UNION ALL BY NAME
        SELECT file_number, record_number, 'forwarded' AS leg, account_id, {same}, 'outbound' AS direction,
            forwarded_to AS other_number, CASE WHEN forwarded_seconds = 0 THEN 'no_answer' ELSE 'answered' END AS status,
            forwarded_seconds AS billable_seconds, segments, linked_id
        FROM mains WHERE forwarded_to IS NOT NULL
    )
"""


_BY_FILE = f"""
    WITH {USAGE}, {_legs("usage_of_month")},
    waiting AS MATERIALIZED (
        SELECT file_number, record_number, leg FROM suspense JOIN loaded_files USING (file_id)
        WHERE state <> 'recycled' AND suspense.format <> 'numbers' AND usage_month = $month
    ),
    expected AS (
        SELECT file_number, count(*) AS legs, sum(billable_seconds)::BIGINT AS seconds,
            coalesce(sum(segments), 0)::BIGINT AS segments, {_FINGERPRINT} AS said
        FROM legs ANTI JOIN waiting USING (file_number, record_number, leg) GROUP BY file_number
    ),
    actual AS (
        SELECT file_number, a.* EXCLUDE (file_id) FROM (
            SELECT file_id, count(*) AS legs, sum(billable_seconds)::BIGINT AS seconds,
                coalesce(sum(segments), 0)::BIGINT AS segments, {_FINGERPRINT} AS said
            FROM {{rated_usage}} WHERE usage_month = $month GROUP BY file_id
        ) a LEFT JOIN loaded_files USING (file_id)
    ),
    differing AS MATERIALIZED (
        SELECT file_number, e.legs, e.seconds, e.segments, a.legs AS rated, a.seconds AS rated_seconds,
            a.segments AS rated_segments
        FROM expected e FULL JOIN actual a USING (file_number)
        WHERE e.legs IS DISTINCT FROM a.legs OR e.seconds IS DISTINCT FROM a.seconds
            OR e.segments IS DISTINCT FROM a.segments OR e.said IS DISTINCT FROM a.said
    )
"""

_LEGS_THAT_DIFFER = f"""
    {_BY_FILE},
    must AS NOT MATERIALIZED (
        SELECT file_number, {_SAID} FROM legs ANTI JOIN waiting USING (file_number, record_number, leg)
        WHERE file_number IN (SELECT file_number FROM differing)
    ),
    be AS NOT MATERIALIZED (
        SELECT file_number, {", ".join(f"r.{name}" for name in _LEG)}
        FROM {{rated_usage}} r JOIN loaded_files USING (file_id)
        WHERE usage_month = $month AND file_number IN (SELECT file_number FROM differing)
    ),
    apart AS (
        SELECT DISTINCT file_number, record_number
        FROM ((FROM must EXCEPT ALL FROM be) UNION ALL (FROM be EXCEPT ALL FROM must))
    )
    SELECT finding FROM (
        SELECT 0 AS place, file_number, 0 AS record_number, {_PATH} || ': ' || coalesce(d.rated, 0) || ' legs of '
            || coalesce(d.rated_seconds, 0) || ' s and ' || coalesce(d.rated_segments, 0) || ' segments are rated, '
            || coalesce(d.legs, 0) || ' of ' || coalesce(d.seconds, 0) || ' s and ' || coalesce(d.segments, 0)
            || ' segments were loaded' AS finding
        FROM differing d LEFT JOIN loaded_files USING (file_number)
        UNION ALL
        SELECT 1, file_number, record_number, {_PATH} || ':' || record_number
        FROM apart LEFT JOIN loaded_files USING (file_number)
    ) ORDER BY place, file_number, record_number
"""

_LATE = f"""
    WITH late AS MATERIALIZED (
        SELECT file_number, {", ".join(f"r.{name}" for name in _LEG)}
        FROM {{rated_usage}} r LEFT JOIN loaded_files USING (file_id) WHERE usage_month <> $month
    ),
    usage_of_late AS NOT MATERIALIZED (
        SELECT * FROM directed_usage ANTI JOIN duplicates USING (file_number, record_number)
        WHERE file_number IN (SELECT file_number FROM late)
        AND (file_number, record_number) IN (SELECT (file_number, record_number) FROM late)
    ),
    {_legs("usage_of_late")},
    apart AS (FROM late EXCEPT ALL SELECT file_number, {_SAID} FROM legs)
"""

CONTROLS: tuple[Control, ...] = (
    Control(
        "files_add_up",
        "file by file, the lines counted on its bytes are those its reader accounts for, and its records, seconds and "
        "segments are in the warehouse as they were loaded",
        count("SELECT 0", f"SELECT count(*) FROM {_OF_COUNTS}"),
        findings=f"SELECT {_PATH} || ': ' || what || ' ' || actual || ', ' || expected || ' were loaded' AS finding "
        f"FROM (SELECT * FROM {_OF_COUNTS}) LEFT JOIN loaded_files USING (file_number) ORDER BY file_number, what",
    ),
    Control(
        "records_unaltered",
        "file by file, what usage, refused records, duplicates and parts of events say is what was loaded",
        count("SELECT 0", f"SELECT count(*) FROM {_OF_CONTENT}"),
        findings=f"SELECT {_PATH} || ': ' || what || ' are not what was loaded' AS finding "
        f"FROM (SELECT * FROM {_OF_CONTENT}) LEFT JOIN loaded_files USING (file_number) ORDER BY file_number, what",
    ),
    Control(
        "legs_unaltered",
        "file by file, rated usage says of each leg what its record says, and nothing is missing or twice, also not in "
        "seconds and segments",
        f"{_BY_FILE} SELECT '' AS currency, 0 AS expected, count(*) AS actual, count(*) AS difference FROM differing",
        of_whole_months=True,
        findings=_LEGS_THAT_DIFFER,
    ),
    Control(
        "late_legs_unaltered",
        "rated usage of earlier months, which came late, says of each leg what its record says",
        f"{_LATE} SELECT '' AS currency, 0 AS expected, count(*) AS actual, count(*) AS difference FROM apart",
        findings=f"{_LATE} SELECT {_PATH} || ':' || record_number AS finding FROM apart "
        "LEFT JOIN loaded_files USING (file_number) ORDER BY file_number, record_number",
    ),
    Control(
        "month_as_rated",
        "rated usage and suspense of the month are what rating made of it",
        f"SELECT '' AS currency, 0 AS expected, count(*) AS actual, count(*) AS difference FROM ({_AS_RATED})",
        of_whole_months=True,
        findings=f"SELECT name AS finding FROM ({_AS_RATED})",
    ),
    Control(
        "files_as_written",
        "the files of the month's tables are, byte for byte, what was written",
        count("SELECT 0", "SELECT count(*) FROM written_files WHERE sha256 IS DISTINCT FROM found"),
        findings="SELECT table_name AS finding FROM written_files WHERE sha256 IS DISTINCT FROM found ORDER BY 1",
    ),
)
