"""How a bill came about: its lines, the net amount, the VAT, and what is owed."""

from __future__ import annotations

from datetime import date

from pipelines.explain.lines import line_id, price_of, what
from pipelines.explain.notes import KINDS, notes_of_bill
from pipelines.explain.sources import OF_BILL, Sources, account_name, at_line
from pipelines.explain.words import FAULT, VAT_RULES, Page, Row, counted, exact, in_minor_unit, money, vat
from pipelines.reference.csv_tables import LINE
from pipelines.settings import Month
from transforms.billing.vat import TAXED

_METHODS = {
    "direct_debit": "by pre-authorised debit",
    "bank_transfer": "by bank transfer",
    "balance": "from the account's balance",
}


def explain_bill(sources: Sources, bill: Row) -> Page:
    """The steps from bill lines to what is owed."""
    month, account_id, currency = bill["billing_month"], bill["account_id"], bill["currency"]
    page = Page(facts={"type": "bill", "id": f"{month}:{account_id}", **bill})
    page.title(
        f"bill {month}:{account_id}: {money(bill['net_amount'], currency)} net, "
        f"{money(bill['vat_amount'], currency)} VAT, "
        f"{money(bill['total_owed'], currency)} owed"
    )
    page.section("Bill")
    account = sources.account(account_id)
    page.say("account", account_name(account, account_id))
    page.say("status", _status(bill))
    page.say("mode", f"{bill['billing_mode']}, in {currency}")
    _say_lines(page, sources, bill)
    _say_vat(page, sources, bill, account)
    _say_owed(page, sources, bill)
    _say_notes(page, sources, bill)
    _say_waiting(page, sources, bill)
    return page


def _status(bill: Row) -> str:
    if bill["status"] == "issued":
        return f"issued as {bill['bill_number']} on {bill['issued_at']:%Y-%m-%d %H:%M} UTC: it never changes"
    if bill["status"] == "parked":
        return "parked: it was held back when the month was issued"
    return "draft: it may be built again until the month is issued"


def _say_lines(page: Page, sources: Sources, bill: Row) -> None:
    where = {"month": bill["billing_month"], "account": bill["account_id"]}
    lines = sources.rows(
        f"SELECT * FROM bill_lines WHERE {OF_BILL} ORDER BY line_number",
        where,
    )
    page.section("Lines")
    page.table(
        [
            (
                line_id(line),
                what(line) + (f" of {line['usage_month']}" if line["usage_month"] != line["billing_month"] else ""),
                f"{line['quantity']:,} {line['unit']} at {price_of(line)}",
                f"{in_minor_unit(line['amount'], line['currency']):>12} {line['currency']}",
            )
            for line in lines
        ]
    )
    if not lines:
        page.say("", "none: an account that is open gets a bill, also with nothing on it")
    free = sources.rows(
        f"SELECT count(*) AS n FROM rated_usage WHERE {OF_BILL} AND unit_price IS NULL",
        where,
    )[0]["n"]
    if free:
        page.say("no line", f"{counted(free, 'record')} with nothing to charge (unanswered, failed)")
    page.section("Net amount")
    total = sum((line["amount"] for line in lines), start=bill["net_amount"] * 0)
    page.say("net", f"the sum of {counted(len(lines), 'line')} = {money(total, bill['currency'])}")
    if total != bill["net_amount"]:
        page.say(
            "",
            f"but the bill says {money(bill['net_amount'], bill['currency'])}: {FAULT}",
        )
    page.facts["lines"] = [
        {
            "id": line_id(line),
            "what": what(line),
            **{name: line[name] for name in ("events", "quantity", "unit", "amount")},
        }
        for line in lines
    ]


def _say_vat(page: Page, sources: Sources, bill: Row, account: Row | None) -> None:
    page.section("VAT")
    last = Month(bill["billing_month"], sources.installation.settings.zone).last
    say_vat_rule(page, sources, bill, account, last, "the bill's last day")
    if bill["vat_rule"] == "charged_at_top_up":
        page.say("VAT", money(bill["vat_amount"], bill["currency"]))
    else:
        page.say("VAT", vat(bill["net_amount"], bill["vat_rate"], bill["vat_amount"], bill["currency"]))


def say_vat_rule(page: Page, sources: Sources, row: Row, account: Row | None, day: date, which: str) -> None:
    """The rule and the rate of a bill or receipt, and the row of vat_rates.csv behind it."""
    rule = row["vat_rule"]
    page.say("rule", f"{rule}: {VAT_RULES[rule]}")
    if account and rule != "charged_at_top_up":
        number = f", VAT number {account['vat_number']}" if account["vat_number"] else ", no VAT number"
        seller = sources.installation.settings.seller.country
        page.say("", f"customer in {account['country']}{number}; seller in {seller}")
        if account["vat_number"] and rule == "eu_consumer":
            page.say("", "the VAT number is not a valid one of another EU country, so it does not count")
    rate = sources.vat_row(account["country"], day) if account and rule in TAXED else None
    source = (
        f": {at_line('vat_rates', rate)}, {rate['country']} since {rate['valid_from']}, in force on {day}, {which}"
        if rate
        else ""
    )
    page.say("rate", f"{exact(row['vat_rate'])}{source}")
    if rate and rate["rate"] != row["vat_rate"]:
        page.say("", f"the row says {exact(rate['rate'])} now, or another one was in force then")
    page.facts["vat"] = {"rule": rule, "rate": row["vat_rate"], "line": rate and rate[LINE]}


def _say_owed(page: Page, sources: Sources, bill: Row) -> None:
    currency = bill["currency"]
    page.section("Payment")
    if bill["billing_mode"] == "prepaid":
        page.say(
            "paid",
            f"{money(bill['paid_from_balance'], currency)}, the net amount, from the account's balance",
        )
        page.say(
            "owed",
            f"{money(bill['total_owed'], currency)}: a prepaid bill is an overview and owes nothing, always",
        )
        entry = sources.row(
            "SELECT entry_number, balance_after FROM ledger "
            "WHERE account_id = $account AND kind = 'bill' AND reference = $reference",
            {"account": bill["account_id"], "reference": bill["bill_number"] or bill["billing_month"]},
        )
        if entry:
            page.say(
                "ledger",
                f"entry {entry['entry_number']}, balance after it {money(entry['balance_after'], currency)}",
            )
        return
    sums = f"{in_minor_unit(bill['net_amount'], currency)} + {in_minor_unit(bill['vat_amount'], currency)}"
    page.say(
        "owed",
        f"{sums} = {money(bill['total_owed'], currency)}, net and VAT, {_METHODS[bill['payment_method']]}",
    )


def _say_notes(page: Page, sources: Sources, bill: Row) -> None:
    """The notes that correct the bill; it stays as it was issued."""
    notes = notes_of_bill(sources, bill)
    page.facts["notes"] = [note["note_number"] for note in notes]
    if notes:
        page.section("Corrected by")
    for note in notes:
        amount = money(note["net_amount"], note["currency"])
        page.say(KINDS[note["kind"]], f"{note['note_number']}, {amount} net: {note['reason']}")


def _say_waiting(page: Page, sources: Sources, bill: Row) -> None:
    """What may still come onto the bill: suspense of the account."""
    waiting = sources.rows(
        "SELECT reason, count(*) AS n FROM suspense WHERE account_id = $account AND state = 'open' "
        "AND coalesce(usage_month, $month) = $month GROUP BY reason ORDER BY reason",
        {"account": bill["account_id"], "month": bill["billing_month"]},
    )
    page.facts["in_suspense"] = {row["reason"]: row["n"] for row in waiting}
    if waiting:
        page.section("Not on this bill")
        for row in waiting:
            page.say("in suspense", f"{counted(row['n'], 'record')}: {row['reason']}")
