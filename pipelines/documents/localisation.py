"""How English and French readers write amounts, prices, counts, dates, months, countries and durations (CLDR, by babel).

Amounts stay Decimals; what would have to be rounded to be shown is shown with more digits instead.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_percent

LOCALES = {"en": "en_GB", "fr": "fr_FR"}
"""British English: its dates cannot be mistaken for others, and it tells US$ from other dollars."""
MINUS = "\u2212"
NO_BREAK = "\u00a0"
WORLD = "001"
"""What numbering plans call networks of no country."""


def number(value: Decimal | int, digits: int, language: str) -> str:
    """`1,234.50`: exact, with at least `digits` decimals."""
    group, point = _separators(language)
    shown = max(digits, decimals(value)) if isinstance(value, Decimal) else 0
    # Formatting a Decimal never goes through a binary fraction, nor through the context's precision.
    plain = f"{_unsigned(value):,.{shown}f}".replace(",", "\0").replace(".", point).replace("\0", group)
    return f"{MINUS}{plain}" if value < 0 else plain


def _unsigned(value: Decimal | int) -> Decimal | int:
    """`value` without its sign; unlike abs() of a Decimal never rounded to the context's precision."""
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


def money(value: Decimal, currency: str, digits: int, language: str) -> str:
    """`€1,234.50`, `1 234,50 €`."""
    before, after = _around(currency, language)
    text = number(value, digits, language)
    if text.startswith(MINUS):
        return f"{MINUS}{before}{text[1:]}{after}"
    return f"{before}{text}{after}"


def count(value: int, language: str) -> str:
    """`12,345`."""
    return number(value, 0, language)


@lru_cache(maxsize=256)
def percent(fraction: Decimal, language: str) -> str:
    """`20%`, `5,5 %` of 0.2000 and 0.0550."""
    shown = format_percent(fraction.normalize(), locale=LOCALES[language], decimal_quantization=False)
    return str(shown).replace("-", MINUS)


@lru_cache(maxsize=4096)
def day(value: date, language: str) -> str:
    """`31 October 2026`."""
    return str(format_date(value, "long", locale=LOCALES[language]))


@lru_cache(maxsize=4096)
def short_day(value: date, language: str) -> str:
    """`31 Oct 2026`."""
    return str(format_date(value, "medium", locale=LOCALES[language]))


@lru_cache(maxsize=1024)
def month(name: str, language: str) -> str:
    """`October 2026` of `2026-10`; what is no month comes back as it is."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", name):
        return name
    first = date(int(name[:4]), int(name[5:]), 1)
    return str(format_date(first, "MMMM y", locale=LOCALES[language]))


def moment(value: datetime, language: str) -> str:
    """`31 Oct 2026 14:05:09`, the wall time of `value`."""
    return f"{short_day(value.date(), language)} {value:%H:%M:%S}"


def duration(seconds: int) -> str:
    """`1:02:03` from an hour on, `2:03` below."""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return MINUS + text if seconds < 0 else text


@lru_cache(maxsize=1024)
def country(code: str, language: str) -> str:
    """Its name; the code where CLDR knows none, `International` for networks of no country."""
    if code == WORLD:
        return "International"
    return str(_locale(language).territories.get(code, code)) if code else ""


def iban(text: str) -> str:
    """In groups of four."""
    plain = re.sub(r"\s", "", text)
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def masked_iban(text: str) -> str:
    """`FR14 … 0606`; the same of one that is masked already."""
    plain = re.sub(r"\s", "", text)
    return f"{plain[:4]}{NO_BREAK}…{NO_BREAK}{plain[-4:]}" if len(plain) > 8 else plain


def decimals(value: Decimal) -> int:
    """How many decimals `value` has without its trailing zeros."""
    _, figures, exponent = value.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0:
        return 0
    zeros = len(figures) - len("".join(map(str, figures)).rstrip("0"))
    return max(0, -exponent - zeros)


@lru_cache(maxsize=8)
def _locale(language: str) -> Locale:
    return Locale.parse(LOCALES[language])


@lru_cache(maxsize=8)
def _separators(language: str) -> tuple[str, str]:
    symbols = _locale(language).number_symbols["latn"]
    return symbols["group"], symbols["decimal"]


@lru_cache(maxsize=512)
def _around(currency: str, language: str) -> tuple[str, str]:
    """What stands before and after an amount of `currency`."""
    shown = str(format_currency(7, currency, locale=LOCALES[language], currency_digits=False, format_type="standard"))
    before, after = re.split(r"7(?:[.,]0*)?", shown, maxsplit=1)
    # CLDR parts a code of letters from the figures (currencySpacing); babel does not.
    return (before + NO_BREAK if before[-1:].isalpha() else before), after
