"""What stands on the pages of a document: its words and figures in reading order, as texts that a template only sets."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pipelines.documents import localisation, tables
from pipelines.documents.characters import Wide
from pipelines.documents.legal import vat_reason
from pipelines.documents.model import Document, Party
from pipelines.documents.payment_box import box
from pipelines.documents.tables import Writer

Tree = dict[str, Any]
TERMS = ("payment_terms", "late_payment", "recovery_fee", "early_payment")
"""Wording about paying, which a document has that asks for payment or tells of one."""
REFERENCE_MAX = 40
"""Characters of the number at the foot of each page and in the title."""
CHART_HEIGHT = 1000
_ACCENT = re.compile("#[0-9a-fA-F]{6}")


def page(document: Document) -> Tree:
    """The texts of `document` by their place on the page; every leaf is text, a whole number or a truth."""
    writer = Writer.of(document)
    tree: Tree = {
        **_frame(document, writer),
        "box": box(document, writer),
        "summary": _summary(document, writer),
        "vat": _vat(document, writer),
    }
    if document.kind == "receipt":
        return {**tree, "receipt": _receipt(document, writer), "legal": _legal(document, ())}
    return {
        **tree,
        "chart": _chart(document, writer),
        "usage": tables.lines(document, writer),
        "statement": tables.statement(document, writer),
        "notes": _notes(document, writer),
        "annex": tables.annex(document, writer),
        "legal": _legal(document, () if document.kind == "credit_note" else TERMS),
    }


def _frame(document: Document, writer: Writer) -> Tree:
    word, party = writer.word, document.seller.party
    number = document.number
    short = number if len(number) <= REFERENCE_MAX else number[:REFERENCE_MAX] + "…"
    accent = document.seller.accent
    return {
        "kind": document.kind,
        "language": document.language,
        "accent": accent if _ACCENT.fullmatch(accent) else "#0b5f7a",
        "title": f"{word(document.kind)} {short}",
        "author": party.name,
        "heading": word(document.kind),
        "number": number,
        "foot": [f"{word(document.kind)} {short}", word("page"), word("of")],
        "words": {
            **{key: word(key) for key in ("summary", "usage", "notes", "legal", "nothing_used")},
            "annex": word("changes" if document.changes else "annex"),
        },
        "seller": {
            "label": word("from"),
            **_party(party, writer),
            "register": document.seller.legal.get("register", ""),
        },
        "buyer": {"label": word("billed_to"), **_party(document.buyer, writer)},
        "facts": _facts(document, writer),
        "about": _about(document, writer),
    }


def _party(party: Party, writer: Writer) -> Tree:
    word = writer.word
    lines = [*party.address.splitlines(), f"{party.postcode} {party.city}".strip()]
    lines.append(localisation.country(party.country, writer.language))
    identifiers = [("registration", party.registration), ("vat_number", party.vat_number)]
    return {
        "name": party.name,
        "lines": [line for line in lines if line],
        "identifiers": [word("named", name=word(key), value=value) for key, value in identifiers if value],
    }


def _facts(document: Document, writer: Writer) -> list[list[str]]:
    """Labels and what they name."""
    word = writer.word
    receipt = document.kind == "receipt"
    facts = [
        [word("number"), document.number],
        [word("receipt_date" if receipt else "issue_date"), localisation.day(document.issued_on, writer.language)],
    ]
    if not receipt:
        facts.append([word("period"), _period(document.period, writer.language)])
    return [*facts, [word("account"), document.account_id]]


def _about(document: Document, writer: Writer) -> list[list[str]]:
    """Of a note: the bill that it corrects, and why."""
    word, facts = writer.word, []
    if document.corrects:
        if document.corrects_issued_on:
            day = localisation.day(document.corrects_issued_on, writer.language)
            facts.append([word("corrects"), word("corrects_bill", number=document.corrects, day=day)])
        else:
            facts.append([word("corrects"), word("corrects_undated", number=document.corrects)])
    if document.reason:
        facts.append([word("reason"), Wide(document.reason)])
    return facts


def _period(period: tuple[date, date], language: str) -> str:
    first, last = period
    whole = first.day == 1 and (last + timedelta(days=1)).day == 1 and first.month == last.month
    if whole and first.year == last.year:
        return localisation.month(f"{first:%Y-%m}", language)
    return f"{localisation.short_day(first, language)} – {localisation.short_day(last, language)}"


def _summary(document: Document, writer: Writer) -> list[list[str]]:
    """Rows of label and amount; the first are the parts, the last is what is owed or was paid. A third text marks
    rows that stand out: total, or owed."""
    word, money = writer.word, writer.money
    if document.kind == "receipt":
        rows = [[word("credited_amount"), money(document.net_amount), ""]]
    else:
        rows = [[label, money(amount), ""] for label, amount in tables.subtotals(document, writer)]
        rows.append([word("net"), money(document.net_amount), "total"])
    rows.append(
        [word("vat", rate=localisation.percent(document.vat_rate, writer.language)), money(document.vat_amount), ""]
    )
    if document.kind == "receipt":
        return [*rows, [word("total_paid"), money(document.gross_amount), "owed"]]
    rows.append([word("gross"), money(document.gross_amount), "total"])
    if document.paid_amount and document.kind != "credit_note":
        label = "paid_from_balance" if document.payment.method == "balance" else "already_paid"
        rows.append([word(label), money(document.paid_amount.copy_negate()), ""])
    if document.kind == "credit_note":
        return [*rows, [word("credited"), money(document.gross_amount.copy_abs()), "owed"]]
    return [*rows, [word("total_owed"), money(document.total_owed), "owed"]]


def _vat(document: Document, writer: Writer) -> list[str]:
    """The VAT rule, and the VAT in the currency in which it is declared."""
    said = [vat_reason(document)]
    if document.vat_amount_declared is not None:
        declared = document.seller.vat_currency or "EUR"
        amount = localisation.money(document.vat_amount_declared, declared, 2, writer.language)
        if document.exchange_rate is None:
            said.append(writer.word("vat_declared_plain", currency=declared, amount=amount))
        else:
            rate = localisation.number(document.exchange_rate, 2, writer.language)
            said.append(
                writer.word("vat_declared", currency=declared, amount=amount, rate=rate, other=document.currency)
            )
    return said


def _receipt(document: Document, writer: Writer) -> Tree:
    pairs = []
    if document.balance_after is not None:
        pairs.append([writer.word("new_balance"), writer.money(document.balance_after)])
    if document.payment_reference:
        pairs.append([writer.word("payment_reference"), document.payment_reference])
    return {"thanks": writer.word("thank_you"), "pairs": pairs}


def _chart(document: Document, writer: Writer) -> Tree | None:
    """Heights of the bars in thousandths of the highest; the amount of the highest is shown as it is."""
    spent = document.spend_per_day
    most = max(spent, default=Decimal(0))
    if most <= 0:
        return None
    language, first = writer.language, document.period[0]
    peak = localisation.day(first + timedelta(days=spent.index(most)), language)
    last = first + timedelta(days=len(spent) - 1)
    amount = writer.money(most)
    return {
        "title": writer.word("spend_per_day"),
        "heights": [int(max(day, Decimal(0)) * CHART_HEIGHT / most) for day in spent],
        "peak": spent.index(most),
        "most": writer.word("spend_most", day=peak, amount=amount),
        "first": localisation.short_day(first, language),
        "last": localisation.short_day(last, language),
        "alt": writer.word(
            "spend_alt",
            first=localisation.day(first, language),
            last=localisation.day(last, language),
            day=peak,
            amount=amount,
        ),
    }


def _notes(document: Document, writer: Writer) -> list[str]:
    notes = [writer.word("forwarded")] if document.forwarded else []
    if document.records and not (document.annex or document.changes):
        key = "in_csv" if document.kind == "bill" else "changes_in_csv"
        count = localisation.count(document.records, writer.language)
        notes.append(writer.word(key if document.records > 1 else f"{key}_one", count=count))
    return notes


def _legal(document: Document, terms: tuple[str, ...]) -> list[str]:
    wording = document.seller.legal
    return [Wide(line) for key in (*terms, "note") for line in wording.get(key, "").splitlines() if line]
