"""Holds what callbill published against the tables of the independent biller, figure by figure."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.independent.biller import Tables
from tests.support import Published

Row = dict[str, Any]

LEFT_OUT = {
    "bill_lines": {"line_number"},
    "receipts": {"receipt_number"},
}
"""Columns of the biller that are compared in another way."""

TABLES = (
    "rated_usage",
    "number_fees",
    "bill_lines",
    "bills",
    "receipts",
    "ledger",
    "suspense",
    "usage_files",
)


def disagreements(published: Published, expected: Tables) -> dict[str, dict[str, list[Row]]]:
    """The rows that only one of the two has, by table; amounts are compared as numbers."""
    found = {}
    for table in TABLES:
        rows: list[Row] = getattr(expected, table)
        columns = sorted(set(rows[0] if rows else ()) - LEFT_OUT.get(table, set()))
        mine = published_rows(published, table)
        if not columns and not mine:
            continue
        ours = Counter(row_of(row, columns or sorted(mine[0])) for row in mine)
        theirs = Counter(row_of(row, columns) for row in rows)
        if ours != theirs:
            found[table] = {
                "callbill alone": [dict(row) for row in (ours - theirs).elements()],
                "biller alone": [dict(row) for row in (theirs - ours).elements()],
            }
    return found


def row_of(row: Row, columns: list[str]) -> tuple[tuple[str, Any], ...]:
    """The columns of a row in one order."""
    return tuple((column, row[column]) for column in columns)


def published_rows(published: Published, table: str) -> list[Row]:
    """The rows of a table, a file told by its path in the inbox as the biller tells it."""
    rows = published.rows(table)
    paths = {row["file_id"]: row["path"].removeprefix("inbox/") for row in published.rows("usage_files")}
    if table in ("rated_usage", "suspense", "usage_files"):
        rows = [row | {"path": paths.get(row["file_id"])} for row in rows]
    if table == "suspense":
        rows = [row for row in rows if row["state"] == "open"]
    return rows


def wrongly_numbered(published: Published) -> list[Any]:
    """Accounts and months whose lines, and years whose receipts, are not numbered 1, 2, 3 and so on."""
    lines: dict[Any, list[int]] = {}
    for row in published.rows("bill_lines"):
        lines.setdefault((row["billing_month"], row["account_id"]), []).append(row["line_number"])
    receipts: dict[Any, list[int]] = {}
    for row in published.rows("receipts"):
        _, year, number = row["receipt_number"].split("-")
        receipts.setdefault(year, []).append(int(number))
    numbered = lines | receipts
    return [key for key, found in numbered.items() if sorted(found) != list(range(1, len(found) + 1))]
