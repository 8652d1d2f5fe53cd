"""What a bill says of its payment, its account and its records, from rows of the warehouse; no warehouse is asked."""

# ruff: noqa: SLF001 (what is gathered for a document is made by private parts, each of which is a rule of its own)

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipelines.documents import gather
from pipelines.documents.inputs_at_issue import InputsAtIssue
from pipelines.documents.model import Entry, Payment, Statement
from pipelines.errors import BadInput
from pipelines.settings import Seller, Settings
from tests.unit.frames import bills, moment, rated
from transforms.tables.base import empty
from transforms.tables.reference import Accounts, ExchangeRates

D = Decimal
PARIS = ZoneInfo("Europe/Paris")
SELLER = Seller(name="Télécom", iban="FR7630006000011234567890189", bic="AGRIFRPP", creditor_id="DE98ZZZ09999999999")
NUMBER = "2026-000001"
ROW: dict[str, Any] = {
    "account_id": "A",
    "bill_number": NUMBER,
    "billing_mode": "postpaid",
    "payment_method": "direct_debit",
    "total_owed": D(12),
    "mandate_reference": "M-1",
    "iban": "FR1420041010050500013M02606",
}
WEDNESDAY, SATURDAY, MONDAY = date(2026, 12, 2), date(2026, 12, 5), date(2026, 12, 7)


def issue(kind: Any = "bill") -> gather.Issue:
    """An issue of which only its kind and its column of numbers are asked for."""
    inputs = InputsAtIssue(Settings(), empty(Accounts), empty(ExchangeRates), lambda: empty(ExchangeRates))
    nowhere: list[Path] = []
    return gather.Issue(kind, bills(), "account_id", "bill_number", nowhere, nowhere, nowhere, inputs, 1)


def facts(**known: Any) -> gather._Facts:
    """What is told of documents: of these nothing but what is `known`."""
    by_name = ("lines", "fees", "statements", "due", "bills", "days", "annexes", "csv", "rounding")
    nothing: dict[str, Any] = {name: {} for name in by_name}
    told = {**nothing, "refused": frozenset(), "forwarded": set(), "astray": frozenset(), "zone": PARIS}
    return gather._Facts(**(told | known))


def payment(due: date | None = WEDNESDAY, refused: tuple[str, ...] = (), **changes: Any) -> Payment:
    known = facts(due={NUMBER: due} if due else {}, refused=frozenset(refused))
    return gather.payment_of(issue(), ROW | changes, known)


def test_a_debit_is_told_with_its_mandate_and_the_account_masked() -> None:
    assert payment() == Payment("direct_debit", WEDNESDAY, "M-1", "FR14...2606")


@pytest.mark.parametrize(
    ("due", "debited"),
    [
        pytest.param(WEDNESDAY, WEDNESDAY, id="a day on which banks are open"),
        pytest.param(SATURDAY, MONDAY, id="Saturday"),
        pytest.param(date(2026, 12, 6), MONDAY, id="Sunday"),
        pytest.param(date(2026, 12, 25), date(2026, 12, 28), id="Christmas before a weekend"),
        pytest.param(date(2027, 1, 1), date(2027, 1, 4), id="New Year"),
        pytest.param(date(2027, 3, 26), date(2027, 3, 30), id="Good Friday to Easter Monday"),
    ],
)
def test_the_day_of_debit_is_the_first_on_which_banks_settle_one(due: date, debited: date) -> None:
    assert payment(due).due_on == debited


def test_a_transfer_is_due_on_its_day_whatever_day_that_is() -> None:
    assert payment(SATURDAY, payment_method="bank_transfer") == Payment("bank_transfer", SATURDAY)


def test_who_cannot_be_debited_is_asked_for_a_transfer() -> None:
    assert payment(SATURDAY, refused=("B", "A")) == Payment("bank_transfer", SATURDAY)
    assert payment(refused=("B",)).method == "direct_debit"


@pytest.mark.parametrize("method", ["direct_debit", "bank_transfer"])
@pytest.mark.parametrize("owed", ["0", "-3"])
def test_where_nothing_is_owed_no_day_is_named(method: str, owed: str) -> None:
    found = payment(payment_method=method, total_owed=D(owed))
    assert (found.method, found.due_on) == (method, None)


def test_a_bill_that_is_no_open_item_names_no_day() -> None:
    assert payment(due=None).due_on is None
    assert payment(due=None, payment_method="bank_transfer").due_on is None


def test_a_prepaid_bill_is_paid_from_the_balance() -> None:
    assert payment(billing_mode="prepaid", payment_method="balance") == Payment("balance")
    assert payment(billing_mode="prepaid", refused=("A",)) == Payment("balance")


def mandates(*rows: dict[str, Any]) -> pl.DataFrame:
    """Bills with what accounts.csv told of those who pay them."""
    told = {"iban": ROW["iban"], "mandate_reference": "M-1", "mandate_signed_on": date(2026, 11, 2), "country": "FR"}
    asked = ({name: row[name] for name in row.keys() - told.keys()} for row in rows)
    more = pl.DataFrame([told | {name: row[name] for name in row.keys() & told.keys()} for row in rows])
    return bills(*asked).hstack(more.with_columns(pl.lit(None, pl.String).alias(n) for n in ("address", "city", "bic")))


def test_each_account_of_a_pass_is_debited_or_not_by_its_own_mandate() -> None:
    late = {"issued_at": moment("2026-11-02 12:00")}
    rows = mandates(
        {"account_id": "A"} | late,
        {"account_id": "B", "iban": "FR00"} | late,
        {"account_id": "C", "mandate_signed_on": date(2026, 11, 3)} | late,
        {"account_id": "D", "payment_method": "bank_transfer", "iban": None} | late,
    )
    assert gather._not_debited(rows, SELLER, PARIS) == {"B", "C"}


def test_a_mandate_of_the_day_of_issue_by_the_clocks_of_the_seller_is_in_time() -> None:
    """2026-11-01 23:30 in UTC is the 2nd in Paris already, on which the mandate was signed."""
    rows = mandates({"issued_at": moment("2026-11-01 23:30")})
    assert gather._not_debited(rows, SELLER, PARIS) == frozenset()
    assert gather._not_debited(rows, SELLER, ZoneInfo("UTC")) == {"A"}


@pytest.mark.parametrize(("most", "itemised"), [(0, []), (1, ["A"]), (2, ["A", "B", "B"]), (3, ["A", "B", "B"])])
def test_a_document_is_itemised_up_to_so_many_records_and_no_further(most: int, itemised: list[str]) -> None:
    usage = rated({"account_id": "B"}, {"account_id": "A"}, {"account_id": "B"})
    rows = pl.DataFrame({"account_id": ["A", "B", "C"], "_records": [1, 2, 0]})
    assert sorted(gather._annexes(usage, rows, "account_id", most)["account_id"]) == itemised


def test_records_are_itemised_in_the_order_in_which_they_began() -> None:
    late, early = {"started_at": moment("2026-10-09 10:00")}, {"started_at": moment("2026-10-02 10:00")}
    rows = pl.DataFrame({"account_id": ["A"], "_records": [2]})
    found = gather._annexes(rated(late, early), rows, "account_id", 10)
    assert found["started_at"].to_list() == [early["started_at"], late["started_at"]]


def test_a_statement_adds_up_from_its_opening_and_names_receipts() -> None:
    rows = pl.DataFrame(
        {
            "posted_at": [None, moment("2026-10-04 22:30"), moment("2026-10-31 22:59")],
            "kind": ["opening", "top_up", "bill"],
            "reference": [None, "C1", NUMBER],
            "amount": [D("5.0000"), D("50.0000"), D("-12.5000")],
            "receipt_number": [None, "R-2026-000001", None],
        }
    )
    found = gather._statement(facts(statements={NUMBER: rows}), NUMBER, 2)
    # Half past ten in the evening in UTC is the next day in Paris.
    top_up = Entry(date(2026, 10, 5), "top_up", "R-2026-000001", D("50.00"), D("55.00"))
    bill = Entry(date(2026, 10, 31), "bill", NUMBER, D("-12.50"), D("42.50"))
    assert found == Statement(D("5.00"), (top_up, bill), D("42.50"))
    assert gather._statement(facts(), NUMBER, 2) is None


def test_spending_has_a_place_for_each_day_of_the_month_and_for_none_besides() -> None:
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    days = [date(2026, 9, 30), first, date(2026, 10, 15), last, date(2026, 11, 1)]
    spent = gather._spend(first, last, days, [D(1), D(2), D(3), D(4), D(5)])
    assert (len(spent), spent[0], spent[14], spent[30], sum(spent)) == (31, 2, 3, 4, 9)
    assert gather._spend(first, last, (), ()) == ()


def test_an_amount_has_the_digits_of_its_currency_and_is_never_rounded() -> None:
    assert str(gather.exact(D("12.5000"), 2)) == "12.50"
    assert str(gather.exact(D("12.0000"), 0)) == "12"
    with pytest.raises(AssertionError, match="finer than its currency's minor unit"):
        gather.exact(D("12.5050"), 2)


def test_what_cannot_be_gathered_says_whether_files_of_today_may_mend_it() -> None:
    missing = gather._refused(NUMBER, "bill", "A", BadInput("its account is gone"))
    assert (missing.document, missing.refusal, missing.mendable) == (None, "its account is gone", True)
    assert not gather._refused(NUMBER, "bill", "A", AssertionError("a fault")).mendable
