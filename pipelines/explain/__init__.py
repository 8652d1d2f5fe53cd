"""How a record, bill line, bill or receipt came about, from the published tables to raw record and price row.

`callbill explain` prints what `explain` returns. Nothing is computed for the books, and nothing is written.
"""

from __future__ import annotations

import re
from typing import Any

from pipelines.errors import BadInput
from pipelines.explain.bills import explain_bill
from pipelines.explain.lines import explain_line
from pipelines.explain.notes import explain_note, find_note
from pipelines.explain.places import place_of
from pipelines.explain.receipts import explain_credit, explain_receipt, find_other_credits, find_receipts
from pipelines.explain.records import explain_record, find_rated
from pipelines.explain.sources import OF_BILL, Sources, open_sources
from pipelines.explain.suspense import explain_suspended, find_suspended
from pipelines.explain.words import Page, Row, plain
from pipelines.settings import Installation

__all__ = ["explain"]

_BILL = re.compile(r"^(\d{4}-(?:0[1-9]|1[0-2])):(.+)$")
_LINE_NUMBER = re.compile(r"^(.+):(\d{1,9})$")


def explain(installation: Installation, identifier: str) -> dict[str, Any]:
    """How what `identifier` names came about: `text`, lines for people, and `found`, the facts of each
    thing of that name, decimals and dates as text.

    It names a record (record_id, usage_id or PATH:NUMBER), a bill (MONTH:ACCOUNT or its number), a bill line
    (MONTH:ACCOUNT:LINE), a credit or debit note (its number) or a receipt (its number or credit_id). Reads the
    published file, price and reference files and the raw file, never the warehouse. Raises BadInput where nothing
    is published or has that name.
    """
    with open_sources(installation) as sources:
        pages = _pages(sources, identifier)
        if not pages:
            raise BadInput(_unknown(sources, identifier))
    text = [line for page in pages for line in ["", *page.text]][1:]
    return {"id": identifier, "text": text, "found": [plain(page.facts) for page in pages]}


def _pages(sources: Sources, identifier: str) -> list[Page]:
    """An explanation of everything that bears the name; a leg that is rated comes before one that waits."""
    if bill := _bill(sources, identifier):
        return [explain_bill(sources, bill)]
    if line := _line(sources, identifier):
        return [explain_line(sources, line)]
    if note := find_note(sources, identifier):
        return [explain_note(sources, note)]
    pages = [explain_receipt(sources, row) for row in find_receipts(sources, identifier)]
    pages += [explain_credit(sources, row) for row in find_other_credits(sources, identifier)]
    pages += [explain_record(sources, row) for row in find_rated(sources, identifier)]
    suspended = [explain_suspended(sources, row) for row in find_suspended(sources, identifier)]
    return pages + [page for page in suspended if page is not None]


def _bill(sources: Sources, identifier: str) -> Row | None:
    if match := _BILL.match(identifier):
        values = {"month": match[1], "account": match[2]}
        return sources.row(f"SELECT * FROM bills WHERE {OF_BILL}", values)
    return sources.row("SELECT * FROM bills WHERE bill_number = $number", {"number": identifier})


def _line(sources: Sources, identifier: str) -> Row | None:
    match = _BILL.match(identifier)
    within = _LINE_NUMBER.match(match[2]) if match else None
    if match is None or within is None:
        return None
    return sources.row(
        f"SELECT * FROM bill_lines WHERE {OF_BILL} AND line_number = $number",
        {"month": match[1], "account": within[1], "number": int(within[2])},
    )


def _unknown(sources: Sources, identifier: str) -> str:
    months = ", ".join(sources.months()) or "none"
    file, number = place_of(sources, identifier)
    if file:
        return (
            f"record {number} of that file is neither rated nor in suspense in the published months, "
            f"{months}: it repeats an earlier record, reports no usage, is of another month or is not there"
        )
    return (
        f"nothing that is published is called '{identifier[:80]}'. An ID is a record (its record_id, its "
        "usage_id as standard:voice:c-17, or PATH:NUMBER in a file of the inbox), a bill (2026-10:A0001), a "
        "bill line (2026-10:A0001:3), a note (CN-2026-000001) or a receipt (R-2026-000001, or its credit_id). "
        "Published months: "
        f"{months}"
    )
