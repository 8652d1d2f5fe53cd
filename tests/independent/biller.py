"""The steps of a month, from the files of a home to its tables. What each step does is said elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.independent.billing import bill, bill_lines, number_fees
from tests.independent.calendar import local_month
from tests.independent.inputs import Raw, UsageFile, read_inbox
from tests.independent.ledger import ledger, receipts
from tests.independent.mediation import Refused, Usage, mediate
from tests.independent.rating import rate
from tests.independent.reference import Reference, load_reference

Row = dict[str, Any]


@dataclass
class Tables:
    """The published tables as lists of rows, amounts as Decimal, moments in UTC."""

    rated_usage: list[Row] = field(default_factory=list)
    number_fees: list[Row] = field(default_factory=list)
    bill_lines: list[Row] = field(default_factory=list)
    bills: list[Row] = field(default_factory=list)
    receipts: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    suspense: list[Row] = field(default_factory=list)
    usage_files: list[Row] = field(default_factory=list)


def bill_month(
    home: Path,
    price_tables: Path,
    month: str,
    *,
    months_before: Sequence[str] = (),
    time_zone: str = "UTC",
    seller_country: str = "FR",
) -> Tables:
    """The tables after the runs of `months_before`, in their order, and of `month`; none of them is issued.

    Every table holds all the months run. A receipt is made in the first run that knows its credit, which is
    the first of all here, and stays as it was: its balance knows the usage of that month only.
    """
    months = [*months_before, month]
    zone = ZoneInfo(time_zone)
    reference = load_reference(home, price_tables, zone)
    tables = Tables()
    read_usage(read_inbox(home), months, reference, tables)
    for run in months:
        bill_one_month(run, seller_country, reference, tables)
    known = [row for row in tables.rated_usage if row["usage_month"] == months[0]]
    tables.receipts = receipts(known, seller_country, reference)
    tables.ledger = ledger(tables.bills, reference)
    return tables


def read_usage(files: list[UsageFile], months: list[str], reference: Reference, tables: Tables) -> None:
    """Rates every record of the months; each raw record is counted once in its file."""
    first_content: dict[tuple[str, str, str], tuple[object, ...]] = {}
    for file in files:
        outcomes = []
        for raw in file.records:
            outcomes.append(read_record(raw, first_content, months, reference, tables))
        tables.usage_files.append(
            {
                "path": file.path,
                "format": file.format,
                "records": len(outcomes),
                "usage_records": outcomes.count("usage"),
                "suspended": outcomes.count("suspended"),
                "duplicates": outcomes.count("duplicate"),
                "unbillable": outcomes.count("unbillable"),
            }
        )


def read_record(
    raw: Raw,
    first_content: dict[tuple[str, str, str], tuple[object, ...]],
    months: list[str],
    reference: Reference,
    tables: Tables,
) -> str:
    """What becomes of one raw record: usage, suspended, duplicate or unbillable."""
    usage = mediate(raw)
    if usage is None:
        return "unbillable"
    if isinstance(usage, Refused):
        suspend(raw, usage.record_id, None, usage.reason, tables)
        return "suspended"
    key = (raw.format, usage.service, usage.record_id)
    if key in first_content:
        if first_content[key] == usage.content:
            return "duplicate"
        suspend(raw, usage.record_id, None, "conflicting_duplicate", tables)
        return "suspended"
    first_content[key] = usage.content
    return rate_record(raw, usage, months, reference, tables)


def rate_record(raw: Raw, usage: Usage, months: list[str], reference: Reference, tables: Tables) -> str:
    """Rates the legs of one record, or lets them wait for their month; what can't be read never waits."""
    waits = local_month(usage.started_at, reference.zone) not in months
    suspended = 0
    for leg in usage.legs:
        if leg.reason is not None:
            suspend(raw, usage.record_id, leg.leg, leg.reason, tables)
            suspended += 1
            continue
        if waits:
            continue
        outcome = rate(usage, leg, reference)
        if isinstance(outcome, str):
            suspend(raw, usage.record_id, leg.leg, outcome, tables)
            suspended += 1
        else:
            place = {"format": raw.format, "path": raw.path, "record_number": raw.record_number}
            tables.rated_usage.append(place | outcome)
    return "suspended" if suspended == len(usage.legs) else "usage"


def suspend(raw: Raw, record_id: str | None, leg: str | None, reason: str, tables: Tables) -> None:
    """Puts a record, or one leg of it, into suspense."""
    tables.suspense.append(
        {
            "format": raw.format,
            "path": raw.path,
            "record_number": raw.record_number,
            "record_id": record_id,
            "leg": leg,
            "reason": reason,
        }
    )


def bill_one_month(month: str, seller_country: str, reference: Reference, tables: Tables) -> None:
    """Adds a month's number fees, bill lines and bills."""
    fees, without_price = number_fees(month, reference)
    tables.number_fees.extend(fees)
    for number in without_price:
        raw = Raw("numbers", "", 0, None)
        suspend(raw, number["number"], None, number["reason"], tables)
        tables.suspense[-1]["path"] = None
        tables.suspense[-1]["record_number"] = None
    for account in sorted(reference.accounts, key=lambda account: account.account_id):
        lines = bill_lines(month, account, tables.rated_usage, fees)
        tables.bill_lines.extend(lines)
        row = bill(month, account, lines, seller_country, reference)
        if row is not None:
            tables.bills.append(row)
