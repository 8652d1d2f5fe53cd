"""How a credit or debit note came about: the lines that it takes back and charges, its VAT, and what it moves."""

from __future__ import annotations

from pipelines.explain.lines import price_of, what
from pipelines.explain.sources import Sources, account_name
from pipelines.explain.words import VAT_RULES, Page, Row, counted, exact, in_minor_unit, moment, money, vat

KINDS = {"credit_note": "credit note", "debit_note": "debit note"}


def find_note(sources: Sources, identifier: str) -> Row | None:
    """The note of that number."""
    return sources.row("SELECT * FROM correction_notes WHERE note_number = $number", {"number": identifier})


def notes_of_bill(sources: Sources, bill: Row) -> list[Row]:
    """The notes that correct a bill, in the order of issue."""
    return sources.rows(
        "SELECT * FROM correction_notes WHERE billing_month = $month AND account_id = $account "
        "ORDER BY issued_at, note_number",
        {"month": bill["billing_month"], "account": bill["account_id"]},
    )


def explain_note(sources: Sources, note: Row) -> Page:
    """The steps from what was charged and what is right to what the customer gets back or owes more."""
    number, currency = note["note_number"], note["currency"]
    page = Page(facts={"type": note["kind"], "id": number, **note})
    page.title(
        f"{KINDS[note['kind']]} {number}: {money(note['net_amount'], currency)} net, "
        f"{money(note['vat_amount'], currency)} VAT, {money(note['total_owed'], currency)} owed"
    )
    page.section("Note")
    page.say("account", account_name(sources.account(note["account_id"]), note["account_id"]))
    of_bill = f"{note['billing_month']}:{note['account_id']}, {note['bill_number'] or 'which had no bill'}"
    page.say("corrects", of_bill)
    page.say("reason", note["reason"])
    page.say("issued", moment(note["issued_at"], sources.installation.settings.zone))
    _say_lines(page, sources, note)
    page.section("VAT")
    page.say("rule", f"{note['vat_rule']}: {VAT_RULES[note['vat_rule']]}")
    page.say("rate", f"{exact(note['vat_rate'])}, the rate of the bill")
    page.say("VAT", vat(note["net_amount"], note["vat_rate"], note["vat_amount"], currency))
    _say_owed(page, sources, note)
    return page


def _say_lines(page: Page, sources: Sources, note: Row) -> None:
    number = {"number": note["note_number"]}
    lines = sources.rows("SELECT * FROM correction_lines WHERE note_number = $number ORDER BY line_number", number)
    page.section("Lines: taken back, and charged")
    page.table(
        [
            (
                str(line["line_number"]),
                what(line) + (f" of {line['usage_month']}" if line["usage_month"] != line["billing_month"] else ""),
                f"{line['quantity']:,} {line['unit']} at {price_of(line)}",
                f"{in_minor_unit(line['amount'], line['currency']):>12} {line['currency']}",
            )
            for line in lines
        ]
    )
    legs = sources.rows("SELECT count(*) AS n FROM corrected_usage WHERE note_number = $number", number)[0]["n"]
    page.say("net", f"the sum of {counted(len(lines), 'line')} = {money(note['net_amount'], note['currency'])}")
    page.say("records", f"{counted(legs, 'leg')} of the account rated again: corrected_usage holds them")
    page.facts["lines"] = [{"what": what(line), **line} for line in lines]


def _say_owed(page: Page, sources: Sources, note: Row) -> None:
    page.section("Payment")
    if note["billing_mode"] == "postpaid":
        page.say("owed", f"{money(note['total_owed'], note['currency'])}, net and VAT, beside what the bill says")
        return
    page.say("balance", f"{money(-note['paid_from_balance'], note['currency'])} moved on the account's balance")
    entry = sources.row(
        "SELECT entry_number, balance_after FROM ledger "
        "WHERE account_id = $account AND kind = 'adjustment' AND reference = $number",
        {"account": note["account_id"], "number": note["note_number"]},
    )
    if entry:
        after = money(entry["balance_after"], note["currency"])
        page.say("ledger", f"entry {entry['entry_number']}, balance after it {after}")
