"""Controls of calls whose legs are told by records of their own: legs without their other one, told twice, or longer.

They may use what `prepare` makes first: linked_legs, the month's outbound legs that name another call, linked_calls, the
inbound calls that they may name, and other_parents, the formats whose legs may name a call that is no usage. A record named
by its call and a number is that call, and no leg of another.
"""

from __future__ import annotations

from pipelines.controls.control import USAGE, Control, count
from transforms.mediation.formats import all_formats

TABLES = ("linked_legs", "linked_calls", "other_parents")
"""What `prepare` makes."""

_PREPARE = (
    f"""
    CREATE OR REPLACE TEMP TABLE linked_legs AS
    WITH {USAGE}
    SELECT file_number, record_number, format, record_id, linked_id, other_number, started_at, billable_seconds,
        format = 'callr' OR own_number IN (SELECT number FROM numbers WHERE call_tracking) AS tracked
    FROM usage_of_month WHERE direction = 'outbound' AND service = 'voice' AND linked_id <> record_id
    AND NOT starts_with(record_id, linked_id || ':')
""",
    """
    CREATE OR REPLACE TEMP TABLE linked_calls AS
    SELECT file_number, record_number, format, record_id, linked_id, started_at, billable_seconds, forwarded_to,
        forwarded_seconds
    FROM directed_usage WHERE direction = 'inbound' AND service = 'voice'
    AND (linked_id IN (SELECT linked_id FROM linked_legs) OR record_id IN (SELECT linked_id FROM linked_legs))
""",
    "CREATE OR REPLACE TEMP TABLE other_parents (format VARCHAR)",
)


def prepare() -> tuple[str, ...]:
    """The statements that make `TABLES`; they may use $month."""
    named = [name for name, form in all_formats().items() if getattr(form, "PARENT_MAY_BE_NO_USAGE", False)]
    return (*_PREPARE, *(f"INSERT INTO other_parents VALUES ('{name}')" for name in named))


MISSING_INBOUND = """
    other_calls AS (
        SELECT record_id, linked_id FROM directed_usage WHERE direction = 'outbound' AND service = 'voice'
        AND (record_id IN (SELECT linked_id FROM linked_legs WHERE tracked)
            OR (starts_with(record_id, linked_id || ':') AND linked_id IN (SELECT linked_id FROM linked_legs WHERE tracked)))
    ),
    missing_legs AS (
        SELECT format, record_id FROM linked_legs WHERE tracked AND format NOT IN (SELECT format FROM other_parents)
        AND linked_id NOT IN (SELECT record_id FROM other_calls)
        AND linked_id NOT IN (SELECT linked_id FROM other_calls WHERE linked_id IS NOT NULL)
        AND linked_id NOT IN (SELECT record_id FROM linked_calls)
        AND linked_id NOT IN (SELECT linked_id FROM linked_calls WHERE linked_id IS NOT NULL)
        AND linked_id NOT IN (SELECT record_id FROM refused_records WHERE record_id IS NOT NULL)
    ),
    missing AS (SELECT format, count(*) AS legs FROM missing_legs GROUP BY format),
    nameless AS (
        SELECT format, count(*) AS records FROM refused_records JOIN loaded_files USING (file_number)
        WHERE record_id IS NULL GROUP BY format
    ),
    inbound_missing AS (
        SELECT coalesce(sum(greatest(0, legs - coalesce(records, 0))), 0)::BIGINT AS legs
        FROM missing LEFT JOIN nameless USING (format)
    )
"""
"""Outbound legs of which the call that they name was never seen. As many as there are records of the format that could
not be read at all are taken to be explained by those, which stand in suspense."""

ORPHANS = f"WITH {MISSING_INBOUND} SELECT format || ':voice:' || record_id AS finding FROM missing_legs ORDER BY 1"

RINGING = 60
"""Seconds that an inbound call may ring before it is answered: its duration counts from then, its start does not."""

_PAIRS = """
    pairs AS (
        SELECT o.format, o.record_id, o.other_number, o.started_at, o.billable_seconds AS seconds, c.forwarded_to,
            c.forwarded_seconds, c.started_at AS began, c.billable_seconds AS call_seconds
        FROM linked_legs o JOIN (
            SELECT *, linked_id AS name FROM linked_calls WHERE linked_id IS NOT NULL
            UNION ALL SELECT *, record_id FROM linked_calls WHERE record_id IS DISTINCT FROM linked_id
        ) c ON c.format = o.format AND c.name = o.linked_id
        ANTI JOIN duplicates d ON d.file_number = c.file_number AND d.record_number = c.record_number
    )
"""

_DOUBLED = f"""
    WITH {_PAIRS}
    SELECT DISTINCT format || ':voice:' || record_id AS finding FROM pairs
    WHERE other_number = forwarded_to AND seconds > 0 AND (forwarded_seconds > 0 OR forwarded_seconds IS NULL)
    AND started_at <= began + to_seconds(greatest(call_seconds, coalesce(forwarded_seconds, 0))::BIGINT + {RINGING})
    AND began <= started_at + to_seconds(seconds)
"""

ROUNDING = 2
"""Seconds by which an outbound leg may seem longer: each of the two is rounded up by itself."""

_LONGER = f"""
    WITH {USAGE}, {_PAIRS}
    SELECT format || ':voice:' || record_id || ':forwarded' AS finding FROM usage_of_month
    WHERE forwarded_seconds > billable_seconds::BIGINT + {ROUNDING} AND direction = 'inbound' AND service = 'voice'
    UNION ALL
    SELECT format || ':voice:' || record_id FROM pairs GROUP BY format, record_id
    HAVING max(seconds) > max(call_seconds)::BIGINT + {ROUNDING}
"""


def _found(query: str) -> str:
    return count("SELECT 0", f"SELECT count(*) FROM ({query})")


CONTROLS: tuple[Control, ...] = (
    Control(
        "legs_orphaned",
        "outbound legs that name an inbound call find it; those that do not are told here",
        _found(ORPHANS),
        of_whole_months=True,
        findings=ORPHANS,
        blocking=False,
    ),
    Control(
        "legs_doubled",
        "no outbound leg is told twice, by its inbound call and by a record of its own",
        _found(_DOUBLED),
        of_whole_months=True,
        findings=f"SELECT finding FROM ({_DOUBLED}) ORDER BY 1",
    ),
    Control(
        "legs_longer",
        f"outbound legs are not longer than the inbound call they belong to by more than {ROUNDING} s; those that are, "
        "are told here",
        _found(_LONGER),
        of_whole_months=True,
        findings=f"SELECT finding FROM ({_LONGER}) ORDER BY 1",
        blocking=False,
    ),
)
