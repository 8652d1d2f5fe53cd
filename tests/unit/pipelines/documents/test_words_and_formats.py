"""The words of documents in both languages, and how amounts, dates, places and times are written."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from string import Formatter

import pytest

from pipelines.documents import localisation
from pipelines.documents.translations import EN, FR, WORDS
from transforms.tables.vocabulary import LANGUAGES


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    assert EN.keys() == FR.keys()
    assert set(WORDS) == set(LANGUAGES) == set(localisation.LOCALES)
    for key in EN:
        names = [sorted(name or "" for _, name, _, _ in Formatter().parse(words[key])) for words in (EN, FR)]
        assert [name for name in names[0] if name] == [name for name in names[1] if name], key


def test_every_word_is_said_somewhere() -> None:
    from pipelines.documents import pdf

    code = "".join(path.read_text(encoding="utf-8") for path in pdf.HERE.glob("*.py") if path.stem != "translations")
    made_up = re.compile(
        r"(this_|entry_|opening_|closing_|statement_|voice_|sms_|bill$|credit_note$|debit_note$|receipt$)"
    )
    # The word for one thing is said where the word for several is.
    said = {key: f'"{key.removesuffix("_one")}' in code for key in EN}
    assert [key for key in EN if not said[key] and not made_up.match(key) and "_undated" not in key] == []


@pytest.mark.parametrize(
    ("value", "digits", "english", "french"),
    [
        ("0", 2, "0.00", "0,00"),
        ("1234.5", 2, "1,234.50", "1\u202f234,50"),
        ("-0.05", 2, "−0.05", "−0,05"),
        ("0.0120", 2, "0.012", "0,012"),
        ("1.000000", 2, "1.00", "1,00"),
        ("1E+3", 0, "1,000", "1\u202f000"),
        ("98765432109876543210987654321098765.12", 2, "98,765,432,109,876,543,210,987,654,321,098,765.12", None),
        ("0.0000000001", 2, "0.0000000001", "0,0000000001"),
    ],
)
def test_numbers_are_exact(value: str, digits: int, english: str, french: str | None) -> None:
    assert localisation.number(Decimal(value), digits, "en") == english
    assert french is None or localisation.number(Decimal(value), digits, "fr") == french


@pytest.mark.parametrize(
    ("currency", "digits", "english", "french"),
    [
        ("EUR", 2, "€1,234.50", "1\u202f234,50\u00a0€"),
        ("USD", 2, "US$1,234.50", "1\u202f234,50\u00a0$US"),
        ("GBP", 2, "£1,234.50", "1\u202f234,50\u00a0£GB"),
        ("TND", 3, "TND\u00a01,234.500", "1\u202f234,500\u00a0TND"),
    ],
)
def test_money_as_its_readers_write_it(currency: str, digits: int, english: str, french: str) -> None:
    amount = Decimal("1234.5")
    assert localisation.money(amount, currency, digits, "en") == english
    assert localisation.money(amount, currency, digits, "fr") == french
    assert localisation.money(-amount, currency, digits, "en") == f"−{english}"


def test_dates_months_and_moments() -> None:
    day = date(2026, 8, 1)
    assert [localisation.day(day, "en"), localisation.day(day, "fr")] == ["1 August 2026", "1 août 2026"]
    assert [localisation.short_day(day, "en"), localisation.short_day(day, "fr")] == ["1 Aug 2026", "1 août 2026"]
    assert [localisation.month("2026-08", "en"), localisation.month("2026-08", "fr")] == ["August 2026", "août 2026"]
    assert [localisation.month("2026-13", "en"), localisation.month("", "en")] == ["2026-13", ""]
    assert localisation.moment(datetime(2026, 8, 1, 23, 5, 9, tzinfo=UTC), "en") == "1 Aug 2026 23:05:09"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (59, "0:59"), (3599, "59:59"), (3600, "1:00:00"), (360_005, "100:00:05"), (-61, "−1:01")],
)
def test_durations(seconds: int, said: str) -> None:
    assert localisation.duration(seconds) == said


@pytest.mark.parametrize(
    ("code", "english", "french"),
    [
        ("DE", "Germany", "Allemagne"),
        ("XK", "Kosovo", "Kosovo"),
        ("001", "International", "International"),
        ("ZQ", "ZQ", "ZQ"),
    ],
)
def test_countries(code: str, english: str, french: str) -> None:
    assert [localisation.country(code, "en"), localisation.country(code, "fr")] == [english, french]


def test_rates_and_accounts() -> None:
    assert [localisation.percent(Decimal("0.2000"), "en"), localisation.percent(Decimal("0.0550"), "fr")] == [
        "20%",
        "5,5\u00a0%",
    ]
    assert localisation.iban("FR7630006000011234567890189") == "FR76 3000 6000 0112 3456 7890 189"
    masked = localisation.masked_iban("FR1420041010050500013M02606").replace("\u00a0", " ")
    assert masked == "FR14 … 2606"
    assert localisation.masked_iban("FR14...2606").replace("\u00a0", " ") == masked
