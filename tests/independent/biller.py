"""The steps of a month, from the files of a home to its tables. What each step does is said elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
Key = tuple[str, str, str]
REFUSALS = ("unreadable", "bad_value", "sms_length_unknown")


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

    inbound_leg_missing: list[Row] = field(default_factory=list)
    """Outbound legs whose inbound call is nowhere: what a control reports. No published table."""


def bill_month(
    home: Path,
    price_tables: Path,
    month: str,
    *,
    months_before: Sequence[str] = (),
    time_zone: str = "UTC",
    seller_country: str = "FR",
    first_month: str = "2025-01",
    issued: Sequence[tuple[str, str]] = (),
    record_seconds: int = 2678400,
    record_amount: int = 0,
) -> Tables:
    """The tables after the runs of `months_before`, in their order, and of `month`.

    `issued`: the months and accounts whose bills were issued before the credits behind them became known.

    Every table holds all the months run. A receipt is made in the first run that knows its credit, which is
    the first of all here; its balance knows all usage loaded then, from the `first_month` on, also that of
    months that are not run.
    """
    months = [*months_before, month]
    zone = ZoneInfo(time_zone)
    reference = load_reference(home, price_tables, zone)
    reference = replace(reference, record_seconds=record_seconds, record_amount=record_amount)
    tables = Tables()
    usage = read_usage(read_inbox(home), months, reference, tables)
    for run in months:
        bill_one_month(run, seller_country, reference, tables)
    known = [row for row in rate_all(usage, reference) if row["usage_month"] >= first_month]
    tables.receipts = receipts(known, seller_country, reference, issued_bills(tables.bills, issued))
    tables.ledger = ledger(tables.bills, reference)
    return tables


def issued_bills(bills: list[Row], issued: Sequence[tuple[str, str]]) -> list[Row]:
    """The bills of these months and accounts."""
    return [bill for bill in bills if (bill["billing_month"], bill["account_id"]) in issued]


def rate_all(usage: list[Usage], reference: Reference) -> list[Row]:
    """The rated legs of usage of any month; those that can't be rated are left out."""
    outcomes = [rate(record, leg, reference) for record in usage for leg in record.legs]
    return [outcome for outcome in outcomes if not isinstance(outcome, str)]


def read_usage(files: list[UsageFile], months: list[str], reference: Reference, tables: Tables) -> list[Usage]:
    """Rates every record of the months; each raw record is counted once in its file. Returns all usage."""
    usage: dict[Key, Usage] = {}
    repeated: list[Usage] = []
    for file in files:
        outcomes = [read_record(raw, usage, repeated, months, reference, tables) for raw in file.records]
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
    refused = [row for row in tables.suspense if row["reason"] in REFUSALS]
    tables.inbound_leg_missing = inbound_leg_missing(usage, repeated, refused, months, reference)
    return list(usage.values())


def read_record(
    raw: Raw,
    first: dict[Key, Usage],
    repeated: list[Usage],
    months: list[str],
    reference: Reference,
    tables: Tables,
) -> str:
    """What becomes of one raw record: usage, suspended, duplicate or unbillable."""
    usage = mediate(raw)
    if usage is None:
        return "unbillable"
    if isinstance(usage, Refused):
        suspend(raw, usage.record_id, "main", usage.reason, tables)
        return "suspended"
    key = (raw.format, usage.service, usage.record_id)
    if key in first:
        repeated.append(usage)
        if first[key].content == usage.content:
            return "duplicate"
        suspend(raw, usage.record_id, "main", "conflicting_duplicate", tables)
        return "suspended"
    first[key] = usage
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


def inbound_leg_missing(
    usage: dict[Key, Usage],
    repeated: list[Usage],
    refused: list[Row],
    months: list[str],
    reference: Reference,
) -> list[Row]:
    """The forwarded calls of the months, told as records of their own, whose inbound call was never told.

    Such a record names the inbound call in linked_id. Standard records name what they like there, so that
    only those of a tracked number are looked at. An inbound call that was refused is not missing;
    and as many of a format are not missing for sure as it has refused records without an id.
    """
    tracked = {holding.number for holding in reference.holdings if holding.call_tracking}
    told = {row["record_id"] for row in refused}
    nameless = Counter(row["format"] for row in refused if row["record_id"] is None)
    excused: Counter[tuple[str, str]] = Counter()
    for record in [*usage.values(), *repeated]:
        if record.service == "voice" and record.legs[0].direction == "inbound":
            told |= {record.record_id, record.linked_id}
    missing = []
    for (usage_format, _, _), record in usage.items():
        leg, linked_id = record.legs[0], record.linked_id
        month = local_month(record.started_at, reference.zone)
        if (record.service, leg.direction) != ("voice", "outbound") or month not in months:
            continue
        forwards = usage_format == "callr" or leg.own_number in tracked
        if forwards and linked_id is not None and linked_id not in told | {record.record_id}:
            if excused[usage_format, month] < nameless[usage_format]:
                excused[usage_format, month] += 1
                continue
            missing.append({"usage_month": month, "record_id": record.record_id, "linked_id": linked_id})
    return missing


def suspend(raw: Raw, record_id: str | None, leg: str, reason: str, tables: Tables) -> None:
    """Puts a leg of a record, or the main leg for all of it, into suspense."""
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
        suspend(Raw("numbers", None, number["row"], None), number["number"], "main", number["reason"], tables)
    for account in sorted(reference.accounts, key=lambda account: account.account_id):
        lines = bill_lines(month, account, tables.rated_usage, fees)
        tables.bill_lines.extend(lines)
        row = bill(month, account, lines, seller_country, reference)
        if row is not None:
            tables.bills.append(row)
