"""Receipts of top-ups and the entries and balances of accounts. What a bill amounts to is said in billing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.independent.billing import vat_of
from tests.independent.calendar import last_moment, local_date
from tests.independent.money import to_minor, total
from tests.independent.reference import Account, Credit, Reference

Row = dict[str, Any]


def receipts(rated: list[Row], seller_country: str, reference: Reference, issued: list[Row]) -> list[Row]:
    """One receipt for each top-up, with the balance as far as rated usage and the bills that are `issued` tell it."""
    rows = []
    for credit in sorted(reference.credits, key=lambda credit: (credit.credited_at, credit.credit_id)):
        account = reference.account(credit.account_id)
        if credit.kind == "top_up" and account is not None:
            rows.append(receipt(credit, account, rated, seller_country, reference, issued))
    return rows


def receipt(
    credit: Credit,
    account: Account,
    rated: list[Row],
    seller_country: str,
    reference: Reference,
    issued: list[Row],
) -> Row:
    """The receipt of one top-up; it has no number yet."""
    rule, rate = vat_of(account, local_date(credit.credited_at, reference.zone), seller_country, reference)
    vat_amount = to_minor(Fraction(credit.amount) * Fraction(rate), credit.currency)
    return {
        "receipt_number": None,
        "credit_id": credit.credit_id,
        "account_id": account.account_id,
        "credited_at": credit.credited_at,
        "credited_amount": credit.amount,
        "vat_rate": rate,
        "vat_rule": rule,
        "vat_amount": vat_amount,
        "total_paid": credit.amount + vat_amount,
        "balance_after": to_minor(balance_after(credit, rated, reference, issued), credit.currency),
        "currency": credit.currency,
    }


def balance_after(credit: Credit, rated: list[Row], reference: Reference, issued: list[Row]) -> Fraction:
    """All credits up to this one, less the issued bills of months that ended before it, less the charges of other usage
    that started before it."""
    received = [
        other.amount
        for other in reference.credits
        if other.account_id == credit.account_id
        and (other.credited_at, other.credit_id) <= (credit.credited_at, credit.credit_id)
    ]
    bills = [
        bill
        for bill in issued
        if bill["account_id"] == credit.account_id
        and last_moment(bill["billing_month"], reference.zone) < credit.credited_at
    ]
    billed = {bill["billing_month"] for bill in bills}
    used = [
        row["charge"]
        for row in rated
        if row["account_id"] == credit.account_id
        and row["started_at"] < credit.credited_at
        and row["usage_month"] not in billed
    ]
    return (
        total(received)
        - total([bill["net_amount"] for bill in bills if bill["billing_mode"] == "prepaid"])
        - total(used)
    )


def ledger(bills: list[Row], reference: Reference) -> list[Row]:
    """Every entry of every account with its balance: all credits, and the prepaid bills that are not 0."""
    entries: list[Row] = [
        {
            "account_id": credit.account_id,
            "posted_at": credit.credited_at,
            "kind": credit.kind,
            "reference": credit.credit_id,
            "amount": credit.amount,
            "currency": credit.currency,
        }
        for credit in reference.credits
    ]
    entries += [
        {
            "account_id": bill["account_id"],
            "posted_at": last_moment(bill["billing_month"], reference.zone),
            "kind": "bill",
            "reference": bill["billing_month"],
            "amount": -bill["net_amount"],
            "currency": bill["currency"],
        }
        for bill in bills
        if bill["billing_mode"] == "prepaid" and bill["net_amount"] != 0
    ]
    entries.sort(key=lambda entry: [entry[name] for name in ("account_id", "posted_at", "kind", "reference")])
    rows: list[Row] = []
    for entry in entries:
        earlier = [row for row in rows if row["account_id"] == entry["account_id"]]
        balance = total([row["amount"] for row in earlier]) + Fraction(entry["amount"])
        rows.append(entry | {"entry_number": len(earlier) + 1, "balance_after": to_minor(balance, entry["currency"])})
    return rows
