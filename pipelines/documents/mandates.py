"""Which accounts can be debited, and on which day: the one truth of the payment file and of the box on the bill."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import polars as pl
from schwifty import BIC, IBAN, registry
from schwifty.exceptions import (
    InvalidChecksumDigits,
    InvalidCountryCode,
    InvalidLength,
    SchwiftyException,
)
from stdnum.eu import at_02

from pipelines.documents.bank_text import REFERENCE_MAX, is_reference, sepa_text
from pipelines.settings import Seller
from transforms.billing.vat import EU
from transforms.privacy import masked_iban

CURRENCY = "EUR"
AMOUNT_MAX = Decimal("999999999.99")
"""The largest amount of a SEPA direct debit (EPC implementation guidelines, AT-06)."""

NAME_MAX = 70
STREET_MAX, POSTCODE_MAX, TOWN_MAX = 70, 16, 35
"""Characters of the parts of a postal address (pain.008.001.08, PostalAddress24)."""

EEA = EU | {"IS", "LI", "NO"}
"""Countries of the European Economic Area. A debit from or to an account in another country of SEPA must state the debtor's
address (Regulation (EU) 2015/847)."""

_CREDITOR_ID = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{3}[A-Z0-9]{1,28}")
_DAY = timedelta(days=1)


def refusals(accounts: pl.DataFrame, seller: Seller, issued_on: date) -> pl.DataFrame:
    """account_id and reason, a sentence, of those of `accounts` (Accounts) that pay by direct debit and cannot be debited
    for a document that is issued on that day. Only the first reason is told; IBANs are masked."""
    asked = accounts.filter(pl.col("payment_method") == "direct_debit")
    creditor = creditor_problems(seller)
    signed_on, reference = pl.col("mandate_signed_on"), pl.col("mandate_reference")
    too_long = f"the mandate_reference is longer than {REFERENCE_MAX} characters"
    reasons = [
        pl.when(pl.col("currency") != CURRENCY).then(
            pl.format(f"its currency is {{}}, and direct debits are in {CURRENCY}", "currency")
        ),
        pl.lit(creditor[0] if creditor else None, pl.String),
        pl.when(_missing("iban")).then(pl.lit("it has no iban in accounts.csv")),
        _iban_problem(asked["iban"]),
        pl.when(_missing("mandate_reference")).then(pl.lit("it has no mandate_reference in accounts.csv")),
        pl.when(reference.str.len_chars() > REFERENCE_MAX).then(pl.lit(too_long)),
        pl.when(~is_reference("mandate_reference")).then(
            pl.lit("the mandate_reference has characters, or slashes in places, that banks do not take")
        ),
        pl.when(signed_on.is_null()).then(pl.lit("it has no mandate_signed_on in accounts.csv")),
        pl.when(signed_on > issued_on).then(
            pl.format("the mandate was signed on {}, after the day of issue, {}", signed_on, pl.lit(f"{issued_on}"))
        ),
        *_address_problems(asked, seller),
    ]
    found = asked.select("account_id", pl.coalesce(reasons).alias("reason"))
    return found.drop_nulls("reason")


def states_address(seller: Seller) -> pl.Expr:
    """Whether a debit of the column iban must state the debtor's address: where that IBAN, or the seller's, is of a country
    outside the EEA; false where there is none. IBANs of French territories overseas, and of the Channel Islands and the Isle of
    Man, begin as those of France and the United Kingdom."""
    if compact(seller.iban)[:2] not in EEA:
        return pl.col("iban").is_not_null()
    country = pl.col("iban").str.replace_all(r"\s", "").str.slice(0, 2).str.to_uppercase()
    return (~country.is_in(sorted(EEA))).fill_null(False)


def _address_problems(asked: pl.DataFrame, seller: Seller) -> list[pl.Expr]:
    """What debits of the accounts `asked` must state and accounts.csv does not tell."""
    needed = states_address(seller)
    mine = asked.filter(needed)

    def missing(column: str) -> pl.Expr:
        # As the file would have it: of signs alone nothing is left in letters that banks take.
        empty = [text for text in mine[column].drop_nulls().unique() if not sepa_text(text, NAME_MAX)]
        return needed & (pl.col(column).is_null() | pl.col(column).is_in(empty))

    wanted = "in accounts.csv, which a debit from or to an account outside the EEA must state"
    bics = [bic for bic in mine["bic"].drop_nulls().unique() if not _is_bic(bic)]
    return [
        pl.when(missing("address") & missing("city")).then(pl.lit(f"it has no address and no city {wanted}")),
        *(pl.when(missing(column)).then(pl.lit(f"it has no {column} {wanted}")) for column in ("address", "city")),
        pl.when(needed & ~pl.col("country").str.contains(r"\A[A-Z]{2}\z")).then(
            pl.format("its country in accounts.csv is {}, which no postal address has", "country")
        ),
        pl.when(needed & pl.col("bic").is_in(bics)).then(pl.lit("its bic in accounts.csv is no BIC")),
    ]


def creditor_problems(seller: Seller) -> list[str]:
    """Why nobody can be debited for the seller, a sentence each; none where its settings are sound."""
    found = []
    if not sepa_text(seller.name, NAME_MAX):
        found.append("[seller] name in callbill.toml is missing, which a debit must state")
    if not seller.iban.strip():
        found.append("[seller] iban in callbill.toml is missing")
    elif problem := iban_problem(seller.iban):
        found.append(f"[seller] iban in callbill.toml: {problem}")
    if not seller.creditor_id.strip():
        found.append("[seller] creditor_id in callbill.toml is missing")
    elif not _is_creditor_id(seller.creditor_id):
        found.append("[seller] creditor_id in callbill.toml is no SEPA creditor identifier: its form or check digits")
    if seller.bic.strip() and not _is_bic(seller.bic):
        found.append("[seller] bic in callbill.toml is no BIC")
    return found


def iban_problem(iban: str) -> str | None:
    """Why the IBAN cannot be debited, a sentence in which it is masked; None where it can. Blanks and small letters are
    as good as none. SEPA's countries are those of the IBAN registry of SWIFT."""
    number = compact(iban)
    if not re.fullmatch("[A-Z0-9]+", number):
        # The library leaves out whatever is no letter or digit.
        return "the IBAN has characters other than letters and digits"
    if _is_sound(number):
        return None
    try:
        IBAN(number)
    except InvalidCountryCode:
        return f"the IBAN {masked_iban(number)} begins with no country that has IBANs"
    except InvalidLength:
        return f"the IBAN {masked_iban(number)} is longer or shorter than those of its country"
    except InvalidChecksumDigits:
        return f"the IBAN {masked_iban(number)} has wrong check digits"
    except SchwiftyException:
        return f"the IBAN {masked_iban(number)} is not built as those of its country"
    return f"the IBAN {masked_iban(number)} is of a country outside SEPA"


def _is_sound(number: str) -> bool:
    """What schwifty's IBAN checks, from its registry, in a twentieth of the time: of many IBANs hardly one is wrong."""
    spec = _spec(number[:2])
    if spec is None or len(number) != spec.iban_length or not spec.in_sepa_zone:
        return False
    # 00, 01 and 99 leave the remainder of check digits as well, and are none (ISO 7064).
    return bool(
        "02" <= number[2:4] <= "98"
        and spec.regex.match(number[4:])
        and int((number[4:] + number[:4]).translate(_FIGURES)) % 97 == 1
    )


_FIGURES = {ord(letter): str(place) for place, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 10)}


@lru_cache(maxsize=512)
def _spec(country: str) -> Any:
    try:
        return registry.get_iban_spec(country)
    except InvalidCountryCode:
        return None


def compact(number: str) -> str:
    """An IBAN, BIC or creditor identifier without blanks, in capitals, as it stands in a payment file."""
    return "".join(number.split()).upper()


def debit_day(due_on: date) -> date:
    """The day on which a debit due on that day is collected: the first TARGET day not before it. The bill prints it."""
    day = due_on
    while not is_target_day(day):
        day += _DAY
    return day


def collection_day(due_on: date, today: date, lead_days: int) -> date:
    """The day of collection in a file made `today`: the first TARGET day that is not before `due_on`, and not before the
    `lead_days`th TARGET day after today."""
    day = today
    for _ in range(lead_days):
        day = debit_day(day + _DAY)
    return debit_day(max(due_on, day))


def is_target_day(day: date) -> bool:
    """Whether TARGET, over which banks settle debits, is open."""
    return day.weekday() < 5 and day not in _closed(day.year)


@lru_cache(maxsize=64)
def _closed(year: int) -> frozenset[date]:
    # A quarter of a second, which only who needs a calendar should wait for.
    from holidays import financial_holidays

    return frozenset(financial_holidays("XECB", years=year))


def _missing(column: str) -> pl.Expr:
    return pl.col(column).is_null() | (pl.col(column).str.strip_chars() == "")


def _iban_problem(ibans: pl.Series) -> pl.Expr:
    """What is wrong with the column iban, of which `ibans` are the values: each is looked at once."""
    different: Iterable[str] = ibans.drop_nulls().unique()
    problems = {iban: iban_problem(iban) for iban in different}
    return pl.col("iban").replace_strict(problems, default=None, return_dtype=pl.String)


def _is_creditor_id(text: str) -> bool:
    """Its form (EPC262-08, AT-02), its check digits, and that its country has IBANs in SEPA."""
    number = compact(text)
    return bool(_CREDITOR_ID.fullmatch(number)) and at_02.is_valid(number)


def _is_bic(text: str) -> bool:
    try:
        return bool(BIC(compact(text)))
    except SchwiftyException:
        return False
