"""Where numbers.csv and what providers told of numbers disagree: usage that has no account, or fees for nothing."""

from __future__ import annotations

from pipelines.reference.findings import grouped
from pipelines.storage.session import Session

_LAST_TOLD = """
    SELECT format, number, max_by(change, row("at", file_number, record_number)) AS change, max("at") AS told_at
    FROM number_events GROUP BY format, number
"""

_HELD_BY_NOBODY = f"""
    SELECT number FROM ({_LAST_TOLD}) told WHERE change = 'assigned'
    AND NOT EXISTS (SELECT 1 FROM numbers n WHERE n.number = told.number
        AND (n.released_at IS NULL OR n.released_at > told.told_at))
    ORDER BY number
"""

_STILL_HELD = f"""
    SELECT number FROM ({_LAST_TOLD}) told WHERE change = 'unassigned'
    AND EXISTS (SELECT 1 FROM numbers n WHERE n.number = told.number AND n.assigned_at <= told.told_at
        AND (n.released_at IS NULL OR n.released_at > told.told_at + INTERVAL 1 DAY))
    ORDER BY number
"""
"""A day is what a release may come later than the provider's: its own date is chargeable still (billing rule 5)."""


def disagreements(session: Session) -> list[str]:
    """A sentence for each way in which the last event of numbers and numbers.csv disagree, with the first of the numbers."""

    def numbers(query: str) -> list[str]:
        return session.warehouse.frame(query)["number"].to_list()

    return [
        *grouped(
            "numbers that a provider assigned and that numbers.csv gives to nobody since, so that their use has no account",
            numbers(_HELD_BY_NOBODY),
        ),
        *grouped(
            "numbers that a provider took back and that numbers.csv still gives to somebody, so that their fee is charged",
            numbers(_STILL_HELD),
        ),
    ]
