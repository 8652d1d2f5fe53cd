"""What `callbill explain` says of bills, their lines and receipts, with the figures worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.explain import explain
from tests.pipelines.explained import IN, august, facts_of, said, text_of
from tests.pipelines.homes import Home
from tests.support import run_stages


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose August is published. Nobody may change it."""
    return august(tmp_path_factory.mktemp("explain"))


class TestBillLine:
    """A line of a bill."""

    def test_usage(self, home: Home) -> None:
        # 83 + 83 + 7 s and p-00 .. p-24, 60 to 84 s: 1,800 s at 0.012, each a multiple of 0.0002.
        text = text_of(home, "2026-08:A2:1")
        assert said(text, "quantity") == ["1,973 seconds"]
        assert said(text, "amount") == ["sum 0.3946000000 -> 0.39 EUR (rounded half away from zero to 2 decimals)"]
        assert "Its first 20 records, by the moment they started" in text

    def test_its_first_records(self, home: Home) -> None:
        records = facts_of(home, "2026-08:A2:1")["records"]
        assert [record["usage_id"] for record in records[:3]] == [f"standard:voice:c-{n}" for n in (1, 3, 6)]
        assert records[0]["arithmetic"] == "83 s x 0.012000 EUR/min / 60 = 0.0166000000 EUR"
        assert len(records) == 20

    def test_a_whole_fee(self, home: Home) -> None:
        text = text_of(home, line_of_number(home, "A2"))
        assert said(text, "days held") == ["31 of the 31 days of 2026-08, first and last day included"]
        assert said(text, "free week") == ["none: this is not the first number that the account uses for call tracking"]
        assert said(text, "fee") == ["1 month x 1.000000 EUR = 1.0000000000 EUR"]
        assert said(text, "price row")[0].startswith("number_fees.csv line 2 (")

    def test_a_fee_by_days_after_the_free_week(self, home: Home) -> None:
        identifier = line_of_number(home, "A4")
        text = text_of(home, identifier)
        assert said(text, "days held") == ["22 of the 31 days of 2026-08, first and last day included"]
        assert said(text, "free week") == ["2026-08-10 to 2026-08-16, as the account's first number for call tracking"]
        assert said(text, "chargeable") == ["15 days"]
        assert said(text, "fee") == ["15 days x 1.150000 USD/month / 31 = 0.5564516129 USD"]
        assert said(text, "amount")[0].startswith("sum 0.5564516129 -> 0.56 USD")
        assert facts_of(home, identifier)["number_fee"]["line"] == 3


def line_of_number(home: Home, account: str) -> str:
    """The line of the monthly fee on an account's bill."""
    lines = facts_of(home, f"2026-08:{account}")["lines"]
    (name,) = (line["id"] for line in lines if line["what"].startswith("monthly fee"))
    return str(name)


class TestBill:
    """A whole bill."""

    def test_postpaid(self, home: Home) -> None:
        # 0.39 calls to France, 0.15 messages to France mobile, 0.12 to the United Kingdom, 1.00 fee.
        text = text_of(home, "2026-08:A2")
        assert said(text, "net") == ["the sum of 4 lines = 1.66 EUR"]
        assert said(text, "rule") == ["domestic: the customer is in the seller's country: its standard rate"]
        assert said(text, "rate") == [
            "0.2000: vat_rates.csv line 2, FR since 2025-01-01, in force on 2026-08-31, the bill's last day"
        ]
        assert said(text, "VAT") == [
            "1.66 EUR x 0.2000 = 0.332000 -> 0.33 EUR (rounded half away from zero to 2 decimals)"
        ]
        assert said(text, "owed") == ["1.66 + 0.33 = 1.99 EUR, net and VAT, by pre-authorised debit"]
        assert said(text, "no line") == ["3 records with nothing to charge (unanswered, failed)"]
        assert facts_of(home, "2026-08:A2")["in_suspense"] == {
            "conflicting_duplicate": 1,
            "no_destination": 1,
        }

    def test_prepaid(self, home: Home) -> None:
        text = text_of(home, "2026-08:A1")
        assert said(text, "rule")[0].startswith("charged_at_top_up: prepaid: VAT was charged when")
        assert said(text, "paid") == ["1.03 EUR, the net amount, from the account's balance"]
        assert said(text, "owed")[0].startswith("0.00 EUR: a prepaid bill is an overview")
        assert said(text, "ledger") == ["entry 3, balance after it 103.97 EUR"]

    def test_nothing_on_it(self, home: Home) -> None:
        assert "none: an account that is open gets a bill" in text_of(home, "2026-08:A5")


class TestReceipt:
    """A receipt, by its number and by its credit."""

    def test_from_usage_to_balance(self, home: Home) -> None:
        # Before it: 0.0060 in, 0.0060 forwarded, 0.0100 for the message received.
        text = text_of(home, "R-2026-000001")
        assert said(text, "VAT") == [
            "100.00 EUR x 0.2000 = 20.000000 -> 20.00 EUR (rounded half away from zero to 2 decimals)"
        ]
        assert said(text, "total")[0].startswith("100.00 + 20.00 = 120.00 EUR")
        assert said(text, "credits") == ["2 credits so far = 105.00 EUR"]
        assert said(text, "less usage") == ["3 records that started before it: 0.0220000000 EUR"]
        assert said(text, "balance") == [
            "105.00 - 0.0220000000 = 104.9780000000 -> 104.98 EUR (rounded half away from zero to 2 decimals)"
        ]
        assert explain(home.installation, "C2")["found"] == explain(home.installation, "R-2026-000001")["found"]

    def test_usage_that_came_later_is_told_apart(self, tmp_path: Path) -> None:
        home = august(tmp_path)
        home.usage("late.csv", [IN | {"record_id": "late", "duration_seconds": "6000"}])
        run_stages(home.path, home.price_tables, ["2026-08"])
        text = text_of(home, "C2")
        assert said(text, "less usage")[0].startswith("0.02 EUR of usage before it, as it was when the receipt")
        assert "of that usage 0.6220000000 EUR is published now" in text
        assert said(text, "balance") == ["104.98 EUR"]

    def test_a_credit_without_a_receipt(self, home: Home) -> None:
        assert facts_of(home, "C1")["type"] == "credit"
        assert said(text_of(home, "C1"), "receipt") == ["none: only a top_up has one"]
