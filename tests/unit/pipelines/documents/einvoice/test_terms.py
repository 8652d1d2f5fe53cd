"""Which terms of EN 16931 a document becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipelines.documents.einvoice.parties import french_domestic, siren_of
from pipelines.documents.einvoice.terms import missing, terms
from pipelines.documents.model import Document, Line, Party
from pipelines.errors import BadInput
from tests.documents import (
    DEBIT,
    FRENCH_BUSINESS,
    FRENCH_CONSUMER,
    GREEK_BUSINESS,
    KOSOVAR,
    LINES,
    SELLER_PARTY,
    credit_note,
    document,
    examples,
    fee,
    prepaid,
    receipt,
    seller,
    sms,
    voice,
)


def line_of(line: Line, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = terms(document((line,), **changes))["BG-25"][0]
    return found


def figures(line: dict[str, Any]) -> list[Any]:
    return [line.get(key) for key in ("BT-129", "BT-130", "BT-146", "BT-149", "BT-131")]


@pytest.mark.parametrize(
    ("name", "category", "rate"),
    [
        ("transfer", "S", "20.00"),
        ("german_consumer", "S", "19.00"),
        ("zero_rate", "Z", "0.00"),
        ("german_reverse_charge", "AE", "0.00"),
        ("american", "O", None),
        ("prepaid", "O", None),
        ("receipt", "S", "20.00"),
    ],
)
def test_each_vat_rule_has_its_category(name: str, category: str, rate: str | None) -> None:
    found = terms(examples()[name])
    assert (found["BG-23"][0]["BT-118"], found["BG-23"][0].get("BT-119")) == (category, rate)
    assert {(line["BT-151"], line.get("BT-152")) for line in found["BG-25"]} == {(category, rate)}
    assert ("BT-120" in found["BG-23"][0]) == (category in ("AE", "O"))


def test_what_is_outside_vat_names_no_vat_number_but_the_seller_in_its_legal_information() -> None:
    found = terms(examples()["prepaid"])
    assert "vat_identifier" not in found["BG-4"]
    assert "vat_identifier" not in found["BG-7"]
    assert "FR14987654324" in found["BG-4"]["legal_info"]


def test_a_seller_without_a_register_is_known_by_its_vat_number_where_no_vat_number_may_stand() -> None:
    bare = seller(party=replace(SELLER_PARTY, registration="", country="DE", vat_number="DE123456788"))
    found = terms(replace(examples()["american"], seller=bare))
    assert found["BG-4"]["identifiers"] == {None: "DE123456788"}


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("prepaid", "97"),
        ("debit", "59"),
        ("transfer", "58"),
        ("american", "30"),
        ("receipt", "1"),
        ("credit_note", "97"),
    ],
)
def test_each_way_of_paying_has_its_code(name: str, means: str) -> None:
    assert terms(examples()[name])["BT-81"] == means


def test_a_debit_names_mandate_and_creditor_and_never_the_account_debited() -> None:
    found = terms(document(payment=DEBIT))
    assert (found["BT-89"], found["BT-90"]) == ("MANDAT-2026-0042", "FR72ZZZ123456")
    assert "BT-91" not in found
    assert "****" not in str(found)


def test_an_account_that_is_no_iban_is_no_sepa_transfer() -> None:
    assert terms(document(seller=seller(iban="US 0123456789")))["BT-81"] == "30"
    assert terms(document(seller=seller(iban="")))["BT-81"] == "1"


def test_a_credit_note_gives_back_positive_amounts_and_names_the_bill() -> None:
    found = terms(credit_note())
    assert (found["BT-3"], found["BT-112"], found["BT-115"]) == ("381", "7.37", "7.37")
    assert [line["BT-131"] for line in found["BG-25"]] == ["36.86", "-30.72"]
    assert [line["BT-129"] for line in found["BG-25"]] == ["184320", "-184320"]
    assert found["BG-3"] == [{"BT-25": "2026-000123", "BT-26": date(2026, 11, 2)}]


def test_a_debit_note_is_an_invoice_that_names_the_bill() -> None:
    found = terms(examples()["debit_note"])
    assert (found["BT-3"], found["BG-3"][0]["BT-25"]) == ("380", "2026-000123")


def test_a_prepaid_bill_is_paid() -> None:
    found = terms(prepaid())
    assert (found["BT-113"], found["BT-115"], found["BT-110"]) == (found["BT-112"], "0.00", "0.00")


def test_a_receipt_has_one_line_and_is_paid() -> None:
    found = terms(receipt())
    assert [(line["BT-153"], line["BT-131"]) for line in found["BG-25"]] == [("Prepaid credit", "50.00")]
    assert (found["BT-113"], found["BT-115"], found["BT-83"]) == ("60.00", "0.00", "C26100042")


def test_a_bill_with_nothing_on_it_says_so() -> None:
    assert [(line["BT-153"], line["BT-131"]) for line in terms(document(()))["BG-25"]] == [
        ("No charges in the period", "0.00")
    ]


def test_the_period_is_the_month_billed() -> None:
    found = terms(document())
    assert (found["BT-73"], found["BT-74"], found["BT-72"]) == (
        date(2026, 10, 1),
        date(2026, 10, 31),
        date(2026, 10, 31),
    )


def test_minutes_are_told_in_seconds_with_the_price_of_sixty() -> None:
    assert figures(line_of(voice(1, 24_660, "0.040000", "16.44"))) == ["24660", "SEC", "0.04", "60", "16.44"]


def test_a_price_of_six_decimals_is_told_for_a_hundred_times_as_many() -> None:
    assert figures(line_of(voice(1, 7_380, "0.012345", "1.52"))) == ["7380", "SEC", "1.2345", "6000", "1.52"]
    assert figures(line_of(sms(1, 1000, "0.072615", "72.62"))) == ["1000", "C62", "7.2615", "100", "72.62"]


def test_whole_prices_stand_without_exponents() -> None:
    assert figures(line_of(fee(1, "+33144556677", "100.000000", "100.00"))) == ["1", "MON", "100", None, "100.00"]


def test_a_line_that_price_and_quantity_do_not_give_is_one_piece_with_both_in_its_note() -> None:
    line = line_of(voice(1, 734, "0.020000", "1.44", events=12))
    assert figures(line) == ["1", "C62", "1.44", None, "1.44"]
    assert line["BT-127-00"] == [{"BT-127": "number: 12; seconds: 734; unit price: 0.02"}]
    french = line_of(voice(1, 734, "0.020000", "1.44", events=12), language="fr")
    assert french["BT-127-00"] == [{"BT-127": "nombre : 12 ; secondes : 734 ; prix unitaire : 0,02"}]


def test_halves_are_rounded_away_from_zero_when_a_line_is_recomputed() -> None:
    assert figures(line_of(voice(1, 75, "0.100000", "0.13")))[0] == "75"
    assert figures(line_of(voice(1, -75, "0.100000", "-0.13")))[0] == "-75"


def test_a_negative_price_becomes_a_negative_quantity() -> None:
    adjustment = replace(voice(1, 1, "-5.000000", "-5.00"), kind="adjustment", unit="months", direction="")
    assert figures(line_of(adjustment)) == ["-1", "MON", "5", None, "-5.00"]


def test_late_usage_names_its_month() -> None:
    line = line_of(voice(1, 600, "0.040000", "0.40", usage_month="2026-02"))
    assert (line["BT-134"], line["BT-135"]) == (date(2026, 2, 1), date(2026, 2, 28))
    assert "BT-134" not in line_of(LINES[0])


def test_vat_is_told_in_the_seller_s_currency_as_well() -> None:
    found = terms(examples()["dollars_in_france"])
    assert (found["BT-5"], found["BT-6"], found["BT-111"]) == ("USD", "EUR", "16.37")
    assert any("1 EUR = 1.0842 USD" in note["BT-22"] for note in found["BG-1"])
    assert "BT-6" not in terms(document(vat_amount_declared=Decimal("17.75")))


def test_yen_have_no_decimals() -> None:
    found = terms(examples()["yen"])
    assert (found["BT-112"], found["BG-25"][0]["BT-131"]) == ("1550", "1250")


def test_thousandths_are_refused_and_whole_hundredths_of_such_a_currency_are_not() -> None:
    fine = document((voice(1, 600, "0.040000", "0.400"),), currency="TND", rate="0.0000", vat_rule="outside_eu")
    assert terms(fine)["BT-112"] == "0.40"
    odd = document((voice(1, 601, "0.040000", "0.401"),), currency="TND", rate="0.0000", vat_rule="outside_eu")
    with pytest.raises(BadInput, match=r"two decimals .* amounts in TND have three"):
        terms(odd)


@pytest.mark.parametrize(
    ("party", "domestic"),
    [
        (FRENCH_BUSINESS, True),
        (replace(FRENCH_BUSINESS, registration="912345675"), True),
        (replace(FRENCH_BUSINESS, registration=""), True),
        (replace(FRENCH_BUSINESS, registration="", vat_number_valid=False), False),
        (replace(FRENCH_BUSINESS, registration="912345676", vat_number=""), False),
        (FRENCH_CONSUMER, False),
        (replace(FRENCH_BUSINESS, country="DE"), False),
    ],
)
def test_french_rules_hold_between_french_businesses(party: Party, domestic: bool) -> None:
    bill = document(buyer=party)
    assert french_domestic(bill) is domestic
    assert ("BT-23" in terms(bill)) is domestic
    assert ("einvoicing_addr" in terms(bill)["BG-7"]) is domestic
    assert siren_of(party) == ("912345675" if domestic else "")


def test_a_german_seller_has_no_french_rules() -> None:
    abroad = seller(party=replace(SELLER_PARTY, country="DE", vat_number="DE123456788", registration="HRB 1"))
    assert not french_domestic(document(seller=abroad))


def test_codes_of_countries_and_greek_vat_numbers() -> None:
    assert terms(document(buyer=KOSOVAR))["BG-7"]["country_code"] == "1A"
    greek = terms(examples()["greek"])["BG-7"]
    assert (greek["country_code"], greek["vat_identifier"]) == ("GR", "EL123456783")


def test_what_is_missing_is_named_by_its_setting() -> None:
    bare = seller(party=replace(SELLER_PARTY, name=" ", registration="", vat_number=""), legal={})
    assert missing(document(seller=bare)) == [
        "2026-000123: an e-invoice needs the seller's name ([seller] name)",
        "2026-000123: an e-invoice with VAT or reverse charge needs the seller's VAT number ([seller] vat_number)",
        "2026-000123: an e-invoice to a French business needs the seller's SIREN or SIRET ([seller] registration)",
        "2026-000123: an e-invoice to a French business needs the wording [legal_en] recovery_fee",
        "2026-000123: an e-invoice to a French business needs the wording [legal_en] late_payment",
        "2026-000123: an e-invoice to a French business needs the wording [legal_en] early_payment",
    ]
    with pytest.raises(BadInput):
        terms(document(seller=bare))


def test_what_is_missing_of_the_customer() -> None:
    nobody = replace(GREEK_BUSINESS, vat_number_valid=False)
    assert missing(replace(examples()["greek"], buyer=nobody)) == [
        "2026-000123: an e-invoice with reverse charge needs a valid VAT number of the customer"
    ]
    nowhere = replace(examples()["american"], buyer=replace(KOSOVAR, country="001"))
    assert missing(nowhere) == ["2026-000123: an e-invoice needs the country of the customer"]


def test_what_french_businesses_need_besides() -> None:
    assert missing(credit_note(corrects="")) == [
        "CN-2026-000003: an e-invoice that is a credit note to a French business needs the bill that it corrects"
    ]
    assert missing(credit_note(corrects="", buyer=FRENCH_CONSUMER)) == []


def test_vat_in_another_currency_needs_a_rate() -> None:
    told = ["2026-000123: an e-invoice with VAT in USD needs the VAT in EUR as well (exchange_rates.csv)"]
    assert missing(document(currency="USD")) == told
    assert missing(document(currency="USD", buyer=FRENCH_CONSUMER)) == told
    assert missing(document(currency="USD", buyer=FRENCH_CONSUMER, seller=seller(vat_currency=""))) == []
    assert missing(document(currency="USD", rate="0.0000")) == []


def test_a_customer_without_a_name_is_called_by_its_account() -> None:
    assert terms(document(buyer=replace(KOSOVAR, name="\n ")))["BG-7"]["name"] == "A0042"


def test_what_is_owed_says_when_it_is_due() -> None:
    def due(bill: Document) -> tuple[Any, Any]:
        found = terms(bill)
        return found.get("BT-9"), found.get("BT-20")

    assert due(document()) == (date(2026, 12, 2), "Payable within 30 days of the date of the bill.")
    unsaid = document(seller=seller(legal={}), buyer=KOSOVAR, payment=replace(DEBIT, due_on=None))
    assert due(unsaid) == (None, "Payable on receipt")
    assert due(prepaid()) == (date(2026, 11, 2), None)
    american = examples()["american"]
    paid = replace(american, payment=replace(american.payment, due_on=None), total_owed=Decimal("0.00"))
    assert due(paid) == (None, None)
