"""What stands on each document, from the warehouse: issued bills and notes of a month, and receipts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.documents import mandates
from pipelines.documents.annexes import changes, records
from pipelines.documents.inputs_at_issue import InputsAtIssue, buyer, require_account
from pipelines.documents.model import Document, Entry, Kind, Line, Payment, Statement
from pipelines.documents.note_changes import charged_before, noted
from pipelines.errors import BadInput, of_one
from pipelines.settings import Seller
from pipelines.storage.month_files import scan
from pipelines.storage.session import Session
from transforms.billing.itemisation import ITEM_ORDER, forwarding_accounts, itemised, spent_per_day
from transforms.privacy import masked_iban

ROWS_A_PASS = 500_000
"""Rated rows of the accounts whose documents are gathered at once: memory does not grow with the month."""

DOCUMENTS_A_PASS = 5_000


@dataclass(frozen=True)
class Gathered:
    """A document and the CSV of all its records, empty where it has none; or why it cannot be made. `mendable`: what it
    lacks may be in the files of today."""

    number: str
    kind: Kind
    account_id: str
    document: Document | None
    csv: bytes = b""
    refusal: str = ""
    mendable: bool = False


@dataclass(frozen=True)
class Issue:
    """Documents of one kind that were issued together: `rows` (Bills, or CorrectionNotes of that kind) and where their
    lines and rated legs lie; `key`: the column by which these name their document; `part`: of the month, that holds them."""

    kind: Kind
    rows: pl.DataFrame
    key: str
    number: str
    lines: Sequence[Path]
    usage: Sequence[Path]
    fees: Sequence[Path]
    inputs: InputsAtIssue
    part: int


def issued_documents(session: Session, month: str, issue: Issue) -> Iterator[Gathered]:
    """The documents of `issue`, in the order of their accounts."""
    usage = scan("rated_usage" if issue.kind == "bill" else "corrected_usage", issue.usage)
    counts = usage.group_by(issue.key).agg(pl.len().alias("_records")).collect()
    rows = (
        issue.rows.join(counts, on=issue.key, how="left")
        .join(issue.inputs.accounts, on="account_id", how="left", suffix="_then")
        .with_columns(pl.col("_records").fill_null(0))
        .sort(issue.key)
    )
    passes = pl.max_horizontal(
        pl.col("_records").cum_sum() // ROWS_A_PASS, pl.int_range(pl.len()) // DOCUMENTS_A_PASS
    ).alias("_pass")
    for part in rows.with_columns(passes).partition_by("_pass", maintain_order=True):
        yield from _gather(session, month, issue, part, usage)


def _gather(
    session: Session, month: str, issue: Issue, rows: pl.DataFrame, scanned: pl.LazyFrame
) -> Iterator[Gathered]:
    key, zone = issue.key, session.installation.settings.billing.time_zone
    low, high = rows[key].min(), rows[key].max()
    mine = (pl.col(key) >= low) & (pl.col(key) <= high)
    usage = scanned.filter(mine).join(rows.lazy().select(key), on=key, how="semi").collect()
    if key != "account_id":
        usage = usage.with_columns(pl.col(key).alias("account_id"))
    lines = scan("bill_lines" if issue.kind == "bill" else "correction_lines", issue.lines).filter(mine).collect()
    note = None
    if issue.kind != "bill":
        # A note is about what it changes; all else stands on the bill.
        before = charged_before(session.warehouse.month_files, month, issue.part, rows)
        note = noted(before, usage, lines.join(rows, on=key, how="semi"), zone, session.minor_units)
        usage, rows = note.legs, note.counted(rows)
    facts = _Facts(
        lines=_by(lines.sort(key, "line_number"), key),
        fees=_fees(issue, mine),
        statements=_statements(session, rows[issue.number]) if issue.kind == "bill" else {},
        due=_due(session, rows[issue.number]),
        refused=_not_debited(rows, issue.inputs.settings.seller, ZoneInfo(zone)),
        bills=_bills(session, month) if issue.kind != "bill" else {},
        days={row[0]: row[1:] for row in _days(usage, zone)} if issue.kind == "bill" else {},
        forwarded=set(forwarding_accounts(usage)["account_id"]),
        annexes=_by(_annexes(usage, rows, key, issue.inputs.settings.documents.annex_records), "account_id"),
        csv=_by(itemised(usage, time_zone=zone) if note is None else note.csv, "account_id"),
        rounding={} if note is None else dict(note.rounding.iter_rows()),
        astray=frozenset() if note is None else note.astray,
        zone=ZoneInfo(zone),
    )
    for row in rows.iter_rows(named=True):
        name, number, account = str(row[key]), str(row[issue.number]), str(row["account_id"])
        try:
            document = _document(session, month, issue, row, facts)
            items = facts.csv.get(name)
            csv = b"" if items is None else items.drop("account_id").write_csv().encode()
        except Exception as error:  # noqa: BLE001
            # Whatever is wrong with one, the others are made.
            yield _refused(number, issue.kind, account, error)
            continue
        yield Gathered(number, issue.kind, account, document, csv)


def _refused(number: str, kind: Kind, account: str, error: Exception) -> Gathered:
    """What stands in the place of a document that cannot be gathered: the others must not wait for it."""
    return Gathered(number, kind, account, None, refusal=of_one(error), mendable=isinstance(error, BadInput))


@dataclass(frozen=True)
class _Facts:
    """What documents that are gathered together take their contents from, by account or document."""

    lines: Mapping[str, pl.DataFrame]
    fees: Mapping[tuple[str, str], tuple[int, int]]
    statements: Mapping[str, pl.DataFrame]
    due: Mapping[str, date]
    refused: frozenset[str]
    bills: Mapping[str, date]
    days: Mapping[str, tuple[Sequence[date], Sequence[Decimal]]]
    forwarded: set[str]
    annexes: Mapping[str, pl.DataFrame]
    csv: Mapping[str, pl.DataFrame]
    rounding: Mapping[str, Decimal]
    astray: frozenset[str]
    zone: ZoneInfo


def _by(frame: pl.DataFrame, key: str) -> dict[str, pl.DataFrame]:
    return {str(name): part for (name,), part in frame.partition_by(key, as_dict=True, maintain_order=True).items()}


def _days(usage: pl.DataFrame, zone: str) -> Iterator[tuple[str, Sequence[date], Sequence[Decimal]]]:
    days = spent_per_day(usage, time_zone=zone).group_by("account_id", maintain_order=True)
    yield from days.agg("day", "charge").iter_rows()


def _annexes(usage: pl.DataFrame, rows: pl.DataFrame, key: str, most: int) -> pl.DataFrame:
    """The legs of documents that have few enough of them to be itemised."""
    few = rows.filter(pl.col("_records") <= most).select(pl.col(key).alias("account_id"))
    return usage.join(few, on="account_id", how="semi").sort(ITEM_ORDER)


def _fees(issue: Issue, mine: pl.Expr) -> dict[tuple[str, str], tuple[int, int]]:
    """chargeable_days and free_days by account and number."""
    if issue.kind != "bill":
        return {}
    fees = scan("number_fees", issue.fees).filter(mine).select("account_id", "number", "chargeable_days", "free_days")
    return {(account, number): (paid, free) for account, number, paid, free in fees.collect().iter_rows()}


def _statements(session: Session, documents: pl.Series) -> dict[str, pl.DataFrame]:
    """Rows of bill_statements by document, and the receipt of each top-up."""
    found = session.warehouse.frame(
        "SELECT s.*, r.receipt_number FROM bill_statements s LEFT JOIN receipts r "
        "ON s.kind = 'top_up' AND r.credit_id = s.reference WHERE s.document BETWEEN ? AND ? ORDER BY document, position",
        [documents.min(), documents.max()],
    )
    return _by(found, "document")


def _due(session: Session, documents: pl.Series) -> dict[str, date]:
    rows = session.warehouse.connection.execute(
        "SELECT document, due_on FROM open_items WHERE document BETWEEN ? AND ?", [documents.min(), documents.max()]
    )
    return dict(rows.fetchall())


def _not_debited(rows: pl.DataFrame, seller: Seller, zone: ZoneInfo) -> frozenset[str]:
    issued_on = rows["issued_at"][0].astimezone(zone).date()
    return frozenset(mandates.refusals(rows, seller, issued_on)["account_id"])


def _bills(session: Session, month: str) -> dict[str, date]:
    """The day of issue of each bill of the month."""
    bills = session.warehouse.month_files.scan("bills", [month], issued=True).select("bill_number", "issued_at")
    zone = session.installation.settings.billing.time_zone
    return dict(bills.with_columns(pl.col("issued_at").dt.convert_time_zone(zone).dt.date()).collect().iter_rows())


def _document(session: Session, month: str, issue: Issue, row: dict[str, Any], facts: _Facts) -> Document:
    """One bill or note. Raises BadInput where something is missing that it must say."""
    require_account(row)
    plain = without_lines(session, month, issue.kind, row, issue.inputs)
    rate, declared = issue.inputs.declared(plain.vat_amount, plain.currency, plain.issued_on)
    name = str(row[issue.key])
    if name in facts.astray:
        raise BadInput(
            "its lines do not follow from the records that it rated and those that were charged before: callbill verify "
            f"{month} tells what was changed since"
        )
    annex = facts.annexes.get(name)
    return replace(
        plain,
        lines=_lines(facts, name, row["account_id"], plain.digits),
        payment=payment_of(issue, row, facts),
        exchange_rate=rate,
        vat_amount_declared=declared,
        statement=_statement(facts, plain.number, plain.digits),
        spend_per_day=_spend(*plain.period, *facts.days.get(name, ((), ()))),
        forwarded=name in facts.forwarded,
        records=row["_records"],
        annex=records(annex, facts.zone) if issue.kind == "bill" else (),
        changes=changes(annex, facts.zone) if issue.kind != "bill" else (),
        rounding=facts.rounding.get(name, Decimal(0)),
        corrects_issued_on=facts.bills.get(plain.corrects),
    )


def without_lines(session: Session, month: str, kind: Kind, row: dict[str, Any], inputs: InputsAtIssue) -> Document:
    """The bill or note of `row` (Bills or CorrectionNotes, and the columns of Accounts `then`) with its sums only, as if
    paid from the balance."""
    bounds, digits = session.any_month(month), digits_of(session, row["currency"])
    language = row["language"] or inputs.settings.documents.language
    note = kind != "bill"
    return Document(
        kind=kind,
        number=row["note_number" if note else "bill_number"],
        issued_on=row["issued_at"].astimezone(session.installation.settings.zone).date(),
        language=language,
        account_id=row["account_id"],
        billing_mode=row["billing_mode"],
        currency=row["currency"],
        digits=digits,
        seller=inputs.seller(language),
        buyer=buyer(row),
        period=(bounds.first, bounds.last),
        lines=(),
        net_amount=exact(row["net_amount"], digits),
        vat_rate=row["vat_rate"],
        vat_rule=row["vat_rule"],
        vat_amount=exact(row["vat_amount"], digits),
        gross_amount=exact(row["gross_amount"], digits),
        paid_amount=exact(row["paid_from_balance"], digits),
        total_owed=exact(row["total_owed"], digits),
        payment=Payment("balance"),
        corrects=row["bill_number"] or "" if note else "",
        reason=row["reason"] if note else "",
    )


def _lines(facts: _Facts, name: str, account: str, digits: int) -> tuple[Line, ...]:
    lines = facts.lines.get(name)
    if lines is None:
        return ()
    found = []
    for row in lines.iter_rows(named=True):
        paid, free = facts.fees.get((account, row["number"] or ""), (None, None))
        found.append(
            Line(
                number=row["line_number"],
                kind=row["kind"],
                direction=row["direction"] or "",
                country=row["country"] or "",
                destination=row["destination"] or "",
                telephone=row["number"] or "",
                usage_month=row["usage_month"],
                events=row["events"],
                quantity=row["quantity"],
                unit=row["unit"],
                unit_price=row["unit_price"],
                amount=exact(row["amount"], digits),
                chargeable_days=paid,
                free_days=free,
            )
        )
    return tuple(found)


def payment_of(issue: Issue, row: dict[str, Any], facts: _Facts) -> Payment:
    """How a document of a row is paid, and when."""
    if row["billing_mode"] == "prepaid":
        return Payment("balance")
    due = facts.due.get(row[issue.number]) if row["total_owed"] > 0 else None
    if row["payment_method"] != "direct_debit" or row["account_id"] in facts.refused:
        return Payment("bank_transfer", due)
    return Payment(
        "direct_debit",
        due and mandates.debit_day(due),
        row["mandate_reference"] or "",
        masked_iban(row["iban"] or ""),
    )


def _statement(facts: _Facts, number: str, digits: int) -> Statement | None:
    rows = facts.statements.get(number)
    if rows is None:
        return None
    opening = balance = exact(rows["amount"][0], digits)
    entries = []
    for row in rows[1:].iter_rows(named=True):
        amount = exact(row["amount"], digits)
        balance += amount
        reference = row["receipt_number"] or row["reference"]
        entries.append(Entry(row["posted_at"].astimezone(facts.zone).date(), row["kind"], reference, amount, balance))
    return Statement(opening, tuple(entries), balance)


def _spend(first: date, last: date, days: Sequence[date], charges: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Charges by day of the month; usage of other months, billed late, is left out."""
    if not days:
        return ()
    by_day = dict(zip(days, charges, strict=True))
    return tuple(by_day.get(first + timedelta(days=day), Decimal(0)) for day in range((last - first).days + 1))


def digits_of(session: Session, currency: str) -> int:
    """Of the currency's minor unit. Raises BadInput where it has none: a list of today may lack a currency of then."""
    if currency not in session.minor_units:
        raise BadInput(f"its currency, {currency}, has no minor unit in ISO 4217 as this version of callbill knows it")
    return session.minor_units[currency]


def exact(amount: Decimal, digits: int) -> Decimal:
    """`amount` with as many digits as the currency's minor unit. It has no more: bill lines were rounded to it."""
    found = amount.quantize(Decimal(1).scaleb(-digits))
    assert found == amount, "an amount is finer than its currency's minor unit"
    return found


def receipt_documents(
    session: Session, rows: pl.DataFrame, inputs: InputsAtIssue, *, declared: bool = True
) -> Iterator[Gathered]:
    """The receipts `rows` (Receipts), of accounts as they were at the issue (`inputs`); with their VAT as it is `declared`
    in another currency, for which a rate is needed, or without."""
    zone = session.installation.settings.zone
    joined = rows.join(inputs.accounts, on="account_id", how="left", suffix="_then", maintain_order="left")
    for row in joined.iter_rows(named=True):
        number, account = row["receipt_number"], row["account_id"]
        try:
            document = _receipt(row, inputs, digits_of(session, row["currency"]), zone)
            if declared:
                rate, vat = inputs.declared(document.vat_amount, document.currency, document.issued_on)
                document = replace(document, exchange_rate=rate, vat_amount_declared=vat)
        except Exception as error:  # noqa: BLE001
            # As above.
            yield _refused(number, "receipt", account, error)
            continue
        yield Gathered(number, "receipt", account, document)


def _receipt(row: dict[str, Any], inputs: InputsAtIssue, digits: int, zone: ZoneInfo) -> Document:
    require_account(row)
    language = row["language"] or inputs.settings.documents.language
    day = row["credited_at"].astimezone(zone).date()
    vat, total = exact(row["vat_amount"], digits), exact(row["total_paid"], digits)
    return Document(
        kind="receipt",
        number=row["receipt_number"],
        issued_on=day,
        language=language,
        account_id=row["account_id"],
        billing_mode="prepaid",
        currency=row["currency"],
        digits=digits,
        seller=inputs.seller(language),
        buyer=buyer(row),
        period=(day, day),
        lines=(),
        net_amount=exact(row["credited_amount"], digits),
        vat_rate=row["vat_rate"],
        vat_rule=row["vat_rule"],
        vat_amount=vat,
        gross_amount=total,
        paid_amount=total,
        total_owed=exact(Decimal(0), digits),
        payment=Payment("balance"),
        payment_reference=row["credit_id"],
        balance_after=exact(row["balance_after"], digits),
    )
