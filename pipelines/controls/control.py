"""What a control is: SQL that measures what must be beside what is."""

from __future__ import annotations

from dataclasses import dataclass

USAGE = """usage_of_month AS NOT MATERIALIZED (
    SELECT * FROM directed_usage ANTI JOIN duplicates USING (file_number, record_number)
    WHERE started_at >= $starts AND started_at < $ends
)"""

FINDINGS_MAX = 20
"""Records, or files, that a control names."""


@dataclass(frozen=True)
class Control:
    """One control: its name, what it says in words, and the query that measures it.

    One `of_whole_months` says nothing of a month of which most is issued and only some accounts are open. `findings`: a
    query of one text column that names what differs, asked where something does. One that is not `blocking` reports, and
    passes whatever it finds.
    """

    name: str
    says: str
    query: str
    of_whole_months: bool = False
    findings: str = ""
    blocking: bool = True


def count(expected: str, actual: str, difference: str | None = None, having: str = "") -> str:
    """A query that counts: one row without a currency."""
    apart = difference or "abs(expected - actual)"
    return (
        f"{having} SELECT '' AS currency, expected, actual, {apart} AS difference "
        f"FROM (SELECT ({expected}) AS expected, ({actual}) AS actual)"
    )


def count_each(expected: str, actual: str) -> str:
    """A query that counts item by item: what is too much of one makes up for nothing that is missing of another.

    `expected` and `actual`: queries of `item` and `n`, how many of it there are; an item may stand in several rows.
    """
    return f"""
        SELECT '' AS currency, coalesce(sum(expected), 0) AS expected, coalesce(sum(actual), 0) AS actual,
            coalesce(sum(abs(expected - actual)), 0) AS difference
        FROM (
            SELECT item, sum(expected) AS expected, sum(actual) AS actual FROM (
                SELECT item, n AS expected, 0 AS actual FROM ({expected})
                UNION ALL SELECT item, 0, n FROM ({actual})
            ) GROUP BY item
        )
    """
