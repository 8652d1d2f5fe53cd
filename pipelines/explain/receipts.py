"""How a receipt came about: credit, VAT and the balance after it; and credits that have no receipt."""

from __future__ import annotations

from decimal import Decimal

from pipelines.explain.bills import say_vat_rule
from pipelines.explain.sources import Sources, account_name, at_line
from pipelines.explain.words import (
    Page,
    Row,
    counted,
    exact,
    in_minor_unit,
    moment,
    money,
    rounded,
    rounding,
    vat,
)

_SHOWN = 20


def find_receipts(sources: Sources, identifier: str) -> list[Row]:
    """The receipt that `identifier` names, by its number or its credit_id."""
    return sources.rows(
        "SELECT * FROM receipts WHERE receipt_number = $id OR credit_id = $id ORDER BY receipt_number",
        {"id": identifier},
    )


def find_other_credits(sources: Sources, identifier: str) -> list[Row]:
    """The credit of that credit_id, where it is of a kind that makes no receipt."""
    return sources.rows(
        "SELECT * FROM ledger WHERE reference = $id AND kind NOT IN ('top_up', 'bill', 'adjustment') "
        "ORDER BY account_id",
        {"id": identifier},
    )


def explain_credit(sources: Sources, entry: Row) -> Page:
    """A credit without a receipt: its entry in the ledger."""
    page = Page(facts={"type": "credit", **entry})
    page.title(f"credit {entry['reference']}: {entry['kind']} of account {entry['account_id']}, {_signed(entry)}")
    page.section("Credit")
    page.say("account", account_name(sources.account(entry["account_id"]), entry["account_id"]))
    page.say("credit", f"{at_line('credits', sources.line_of('credits', credit_id=entry['reference']))}")
    page.say(
        "ledger",
        f"entry {entry['entry_number']}, {moment(entry['posted_at'], sources.installation.settings.zone)}",
    )
    page.say("balance", f"{money(entry['balance_after'], entry['currency'])} after it")
    page.say("receipt", "none: only a top_up has one")
    return page


def explain_receipt(sources: Sources, receipt: Row) -> Page:
    """The steps from a top-up to its VAT, its total and the balance after it (billing rule 10)."""
    page = Page(facts={"type": "receipt", **receipt})
    currency, zone = receipt["currency"], sources.installation.settings.zone
    page.title(
        f"receipt {receipt['receipt_number']}: {money(receipt['credited_amount'], currency)} credited to "
        f"account "
        f"{receipt['account_id']}, {money(receipt['total_paid'], currency)} paid"
    )
    page.section("Credit")
    account = sources.account(receipt["account_id"])
    page.say("account", account_name(account, receipt["account_id"]))
    credit = sources.line_of("credits", credit_id=receipt["credit_id"])
    page.say("credit", f"{receipt['credit_id']}: {at_line('credits', credit)}")
    page.say(
        "credited",
        f"{money(receipt['credited_amount'], currency)} net, {moment(receipt['credited_at'], zone)}",
    )
    page.section("VAT")
    day = receipt["credited_at"].astimezone(zone).date()
    say_vat_rule(page, sources, receipt, account, day, "the credit's day")
    page.say("VAT", vat(receipt["credited_amount"], receipt["vat_rate"], receipt["vat_amount"], currency))
    page.section("Total paid")
    credited, vat_amount = (in_minor_unit(receipt[name], currency) for name in ("credited_amount", "vat_amount"))
    sums = f"{credited} + {vat_amount}"
    page.say(
        "total",
        f"{sums} = {money(receipt['total_paid'], currency)}: VAT comes on top and is no part of the balance",
    )
    _say_balance(page, sources, receipt)
    return page


def _say_balance(page: Page, sources: Sources, receipt: Row) -> None:
    """Credits so far, less issued bills, less usage before the credit that is on no issued bill."""
    currency = receipt["currency"]
    wanted = {name: receipt[name] for name in ("account_id", "credited_at", "credit_id")}
    page.section("Balance after it")
    credits = _credits(sources, wanted)
    total = sum((row["amount"] for row in credits), start=Decimal(0))
    zone = sources.installation.settings.zone
    for row in credits[-_SHOWN:]:
        page.say("credit", f"{_signed(row)} {row['kind']} {row['reference']}, {moment(row['posted_at'], zone)}")
    earlier = f", {len(credits) - _SHOWN} earlier ones among them" if len(credits) > _SHOWN else ""
    page.say("credits", f"{counted(len(credits), 'credit')} so far = {money(total, currency)}{earlier}")
    issued = _issued(sources, wanted)
    billed = sum((row["paid_from_balance"] for row in issued), start=Decimal(0))
    for row in issued:
        page.say("less bill", f"{row['bill_number']}: {money(row['paid_from_balance'], currency)}")
    for row in _notes(sources, wanted):
        billed += row["paid_from_balance"]
        page.say("less note", f"{row['note_number']}: {money(row['paid_from_balance'], currency)}")
    used = _used(sources, wanted, [row["billing_month"] for row in issued])
    page.facts["balance"] = {"credits": total, "issued_bills": billed, "usage_published": used["charge"]}
    exact_balance = total - billed - used["charge"]
    if rounded(exact_balance, currency) == rounded(receipt["balance_after"], currency):
        page.say(
            "less usage",
            f"{counted(used['n'], 'record')} that started before it: {exact(used['charge'])} {currency}",
        )
        bills = f" - {in_minor_unit(billed, currency)}" if billed else ""
        steps = f"{in_minor_unit(total, currency)}{bills} - {exact(used['charge'])} = {exact(exact_balance)}"
        page.say("balance", f"{steps} -> {money(receipt['balance_after'], currency)} ({rounding(currency)})")
        return
    counted_then = total - billed - receipt["balance_after"]
    page.say(
        "less usage",
        f"{money(counted_then, currency)} of usage before it, as it was when the receipt was made",
    )
    page.say("balance", money(receipt["balance_after"], currency))
    months = ", ".join(sources.months())
    page.say(
        "",
        f"of that usage {exact(used['charge'])} {currency} is published now (months {months}); the rest is "
        "of months that are not published, or credits and records came or prices changed since",
    )
    page.say("", "a receipt is made once and never changes")


def _credits(sources: Sources, wanted: Row) -> list[Row]:
    """All credits of the account up to this one, in the order of time, and then of their names."""
    return sources.rows(
        "SELECT kind, reference, posted_at, amount, currency FROM ledger WHERE account_id = $account_id "
        "AND kind NOT IN ('bill', 'adjustment') "
        "AND (posted_at, reference) <= ($credited_at::TIMESTAMPTZ, $credit_id) "
        "ORDER BY posted_at, reference",
        wanted,
    )


def _issued(sources: Sources, wanted: Row) -> list[Row]:
    return sources.rows(
        "SELECT b.billing_month, b.bill_number, b.paid_from_balance FROM bills b "
        "JOIN ledger l ON l.account_id = b.account_id AND l.kind = 'bill' AND l.reference = b.bill_number "
        "WHERE b.account_id = $account_id AND b.status = 'issued' AND l.posted_at < $credited_at ORDER BY 1",
        {name: wanted[name] for name in ("account_id", "credited_at")},
    )


def _notes(sources: Sources, wanted: Row) -> list[Row]:
    """Credit and debit notes that were issued before the credit."""
    return sources.rows(
        "SELECT note_number, paid_from_balance FROM correction_notes "
        "WHERE account_id = $account_id AND issued_at < $credited_at ORDER BY 1",
        {name: wanted[name] for name in ("account_id", "credited_at")},
    )


def _used(sources: Sources, wanted: Row, issued_months: list[str]) -> Row:
    """Number and sum of published charges that started before the credit and are on no issued bill."""
    return sources.rows(
        "SELECT count(*) FILTER (charge <> 0) AS n, coalesce(sum(charge), 0)::DECIMAL(38,10) AS charge "
        "FROM rated_usage WHERE account_id = $account_id AND started_at < $credited_at "
        "AND NOT list_contains($issued::VARCHAR[], billing_month)",
        {"account_id": wanted["account_id"], "credited_at": wanted["credited_at"], "issued": issued_months},
    )[0]


def _signed(row: Row) -> str:
    return f"{'+' if row['amount'] >= 0 else ''}{money(row['amount'], row['currency'])}"
