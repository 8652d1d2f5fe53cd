"""Which accounts can be debited and on which day."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from schwifty import IBAN
from stdnum import iban as second_opinion

from pipelines.documents.mandates import (
    collection_day,
    creditor_problems,
    debit_day,
    iban_problem,
    refusals,
)
from pipelines.settings import Seller
from transforms.privacy import masked_iban
from transforms.tables.base import conform
from transforms.tables.reference import Accounts

SELLER = Seller(name="Télécom", iban="FR7630006000011234567890189", bic="AGRIFRPP", creditor_id="DE98ZZZ09999999999")
ISSUED_ON = date(2026, 5, 2)
SOUND = {
    "account_id": "A1",
    "payment_method": "direct_debit",
    "currency": "EUR",
    "iban": "DE89370400440532013000",
    "mandate_reference": "M-1",
    "mandate_signed_on": date(2026, 5, 2),
    "country": "CH",
    "address": "Seestrasse 12",
    "city": "Zürich",
}
EXAMPLES = (
    "AD1200012030200359100100",
    "AT611904300234573201",
    "BE68539007547034",
    "BG80BNBG96611020345678",
    "CH9300762011623852957",
    "CY17002001280000001200527600",
    "CZ6508000000192000145399",
    "DE89370400440532013000",
    "DK5000400440116243",
    "EE382200221020145685",
    "ES9121000418450200051332",
    "FI2112345600000785",
    "FR1420041010050500013M02606",
    "GB29NWBK60161331926819",
    "GI75NWBK000000007099453",
    "GR1601101250000000012300695",
    "HR1210010051863000160",
    "HU42117730161111101800000000",
    "IE29AIBK93115212345678",
    "IS140159260076545510730339",
    "IT60X0542811101000000123456",
    "LI21088100002324013AA",
    "LT121000011101001000",
    "LU280019400644750000",
    "LV80BANK0000435195001",
    "MC5811222000010123456789030",
    "MT84MALT011000012345MTLCAST001S",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "PL61109010140000071219812874",
    "PT50000201231234567890154",
    "RO49AAAA1B31007593840000",
    "SE4550000000058398257466",
    "SI56191000000123438",
    "SK3112000000198742637541",
    "SM86U0322509800000000270100",
    "VA59001123000012345678",
)
"""One of each country whose banks take direct debits, as its central bank gives it."""


def told(**changes: Any) -> str | None:
    """Why an account with these changes cannot be debited."""
    frame = conform(Accounts, pl.DataFrame([SOUND | changes], infer_schema_length=None))
    reasons = refusals(frame, SELLER, ISSUED_ON)["reason"].to_list()
    assert len(reasons) <= 1
    return reasons[0] if reasons else None


@pytest.mark.parametrize("iban", EXAMPLES)
def test_sound_ibans(iban: str) -> None:
    assert iban_problem(iban) is None
    assert iban_problem(f" {iban[:4].lower()} {iban[4:8].lower()}\u00a0{iban[8:]} ") is None


@pytest.mark.parametrize("iban", EXAMPLES)
def test_every_wrong_check_digit_is_seen(iban: str) -> None:
    for digits in range(100):
        wrong = f"{iban[:2]}{digits:02}{iban[4:]}"
        sound = second_opinion.is_valid(wrong, check_country=False)
        assert (iban_problem(wrong) is None) == (wrong == iban) == sound, wrong


@pytest.mark.parametrize("iban", EXAMPLES)
def test_a_figure_too_few_or_too_many_is_seen(iban: str) -> None:
    for wrong in (iban[:-1], iban + "0"):
        assert iban_problem(wrong) == f"the IBAN {masked_iban(wrong)} is longer or shorter than those of its country"


@pytest.mark.parametrize(
    ("iban", "said"),
    [
        ("DE88370400440532013000", "the IBAN DE88...3000 has wrong check digits"),
        ("TR330006100519786457841326", "the IBAN TR33...1326 is of a country outside SEPA"),
        ("AE070331234567890123456", "the IBAN AE07...3456 is of a country outside SEPA"),
        ("US64SVBKUS6S3300958879", "the IBAN US64...8879 begins with no country that has IBANs"),
        ("DE89-3704-0044-0532-0130-00", "the IBAN has characters other than letters and digits"),
        ("DE8937040044053201300O", "the IBAN DE89...300O is not built as those of its country"),
        ("ann@example.com", "the IBAN has characters other than letters and digits"),
        ("DE٨9370400440532013000", "the IBAN has characters other than letters and digits"),
        ("12", "the IBAN ... is not built as those of its country"),
    ],
)
def test_unsound_ibans(iban: str, said: str) -> None:
    assert iban_problem(iban) == said


@pytest.mark.parametrize("country", ["AL", "MD", "ME", "MK", "RS", "UA", "XK"])
def test_countries_outside(country: str) -> None:
    generated = {"AL": "212110090000000235698741", "MD": "AG000225100013104168", "ME": "505000012345678951"}
    generated |= {"MK": "250120000058984", "RS": "260005601001611379", "UA": "3223130000026007233566001"}
    generated |= {"XK": "1212012345678906"}
    assert iban_problem(IBAN.from_bban(country, generated[country])) == (
        f"the IBAN {masked_iban(IBAN.from_bban(country, generated[country]))} is of a country outside SEPA"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"iban": "de89 3704 0044 0532 0130 00"}, None),
        ({"mandate_reference": "M/1 (a)-b?c:d.e,f'g+h" + "0" * 14}, None),
        ({"payment_method": "bank_transfer", "iban": None}, None),
        ({"currency": "USD"}, "its currency is USD, and direct debits are in EUR"),
        ({"iban": None}, "it has no iban in accounts.csv"),
        ({"iban": " "}, "it has no iban in accounts.csv"),
        ({"iban": "DE88370400440532013000"}, "the IBAN DE88...3000 has wrong check digits"),
        ({"mandate_reference": None}, "it has no mandate_reference in accounts.csv"),
        ({"mandate_reference": "x" * 36}, "the mandate_reference is longer than 35 characters"),
        ({"mandate_signed_on": None}, "it has no mandate_signed_on in accounts.csv"),
        (
            {"mandate_signed_on": date(2026, 5, 3)},
            "the mandate was signed on 2026-05-03, after the day of issue, 2026-05-02",
        ),
    ],
)
def test_accounts(changes: dict[str, Any], said: str | None) -> None:
    assert told(**changes) == said


@pytest.mark.parametrize("reference", ["M_1", "Mé", "M\n", "M&1", "/M", "M/", "M//1", "M ", "<M>", "M\u0000", "٣"])
def test_references_that_banks_do_not_take(reference: str) -> None:
    said = "the mandate_reference has characters, or slashes in places, that banks do not take"
    assert told(mandate_reference=reference) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"bic": ""}, []),
        ({"iban": "fr76 3000 6000 0112 3456 7890 189", "creditor_id": "de98 zzz 0999 9999 999"}, []),
        ({"name": "  "}, ["[seller] name in callbill.toml is missing, which a debit must state"]),
        ({"name": "😀"}, ["[seller] name in callbill.toml is missing, which a debit must state"]),
        ({"iban": ""}, ["[seller] iban in callbill.toml is missing"]),
        (
            {"iban": "FR7630006000011234567890188"},
            ["[seller] iban in callbill.toml: the IBAN FR76...0188 has wrong check digits"],
        ),
        ({"creditor_id": ""}, ["[seller] creditor_id in callbill.toml is missing"]),
        ({"bic": "AGRI"}, ["[seller] bic in callbill.toml is no BIC"]),
        *(
            (
                {"creditor_id": wrong},
                ["[seller] creditor_id in callbill.toml is no SEPA creditor identifier: its form or check digits"],
            )
            for wrong in ("DE97ZZZ09999999999", "FR72", "98ZZZDE09999999999", "DE98ZZZ0999999999é", "x" * 40)
        ),
    ],
)
def test_sellers(changes: dict[str, str], said: list[str]) -> None:
    seller = Seller(**{key: getattr(SELLER, key) for key in ("name", "iban", "bic", "creditor_id")} | changes)
    assert creditor_problems(seller) == said
    frame = conform(Accounts, pl.DataFrame([SOUND]))
    assert refusals(frame, seller, ISSUED_ON)["reason"].to_list() == said[:1]


def test_many_accounts_at_once() -> None:
    frame = pl.DataFrame([SOUND | {"account_id": f"A{n}", "iban": EXAMPLES[n % len(EXAMPLES)]} for n in range(2000)])
    broken = pl.when(pl.col("account_id").str.ends_with("7")).then(pl.lit("DE00")).otherwise("iban").alias("iban")
    found = refusals(conform(Accounts, frame.with_columns(broken)), SELLER, ISSUED_ON)
    assert found["account_id"].to_list() == [f"A{n}" for n in range(7, 2000, 10)]
    assert refusals(conform(Accounts, frame.clear()), SELLER, ISSUED_ON).is_empty()


@pytest.mark.parametrize(
    ("due_on", "day"),
    [
        (date(2026, 4, 2), date(2026, 4, 2)),
        (date(2026, 4, 3), date(2026, 4, 7)),
        (date(2026, 4, 6), date(2026, 4, 7)),
        (date(2027, 3, 26), date(2027, 3, 30)),
        (date(2026, 5, 1), date(2026, 5, 4)),
        (date(2026, 5, 14), date(2026, 5, 14)),
        (date(2026, 12, 24), date(2026, 12, 24)),
        (date(2026, 12, 25), date(2026, 12, 28)),
        (date(2026, 12, 31), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 1, 4)),
        (date(2028, 12, 25), date(2028, 12, 27)),
    ],
)
def test_debits_are_collected_on_days_of_target(due_on: date, day: date) -> None:
    assert debit_day(due_on) == day


@pytest.mark.parametrize(
    ("due_on", "today", "lead_days", "day"),
    [
        (date(2026, 6, 1), date(2026, 5, 2), 2, date(2026, 6, 1)),
        (date(2026, 5, 2), date(2026, 5, 2), 1, date(2026, 5, 4)),
        (date(2026, 5, 2), date(2026, 5, 2), 2, date(2026, 5, 5)),
        (date(2026, 4, 1), date(2026, 4, 2), 1, date(2026, 4, 7)),
        (date(2026, 4, 1), date(2026, 4, 2), 2, date(2026, 4, 8)),
        (date(2026, 12, 1), date(2026, 12, 23), 5, date(2026, 12, 31)),
        (date(2026, 12, 1), date(2026, 12, 30), 2, date(2027, 1, 4)),
        (date(2026, 12, 1), date(2026, 12, 24), 14, date(2027, 1, 15)),
    ],
)
def test_the_bank_has_its_days(due_on: date, today: date, lead_days: int, day: date) -> None:
    assert collection_day(due_on, today, lead_days) == day
