"""Telephone numbers as switches write them, read by libphonenumber once for each distinct spelling."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
import polars as pl

_PLAIN = r"^\+[1-9][0-9]{6,14}$"
KNOWN_SPELLINGS = 500_000
"""So many spellings are remembered; a source writes the same numbers again and again."""


def international(text: pl.Expr, country: str) -> pl.Expr:
    """Numbers as `country` (ISO 3166-1, or empty) writes them, as `+33612345678`.

    A national number takes the country's code; digits that are no valid number of the country, but one with a code of
    their own, are read as international (`34688886392`). A number that libphonenumber calls invalid keeps its digits
    behind the code, and is rated by the longest prefix. What is no telephone number at all (`anonymous`, a SIP
    address) stays as it is, for mediation to accept or refuse.
    """
    return text.map_batches(
        lambda spelled: _international(spelled, country), return_dtype=pl.String, is_elementwise=True
    )


def _international(spelled: pl.Series, country: str) -> pl.Series:
    left = spelled.filter(~spelled.str.contains(_PLAIN).fill_null(True)).unique()
    if left.is_empty():
        return spelled
    read = pl.DataFrame(
        {"spelled": left, "read": [as_e164(one, country) or one for one in left]},
        schema=dict.fromkeys(("spelled", "read"), pl.String),
    )
    found = spelled.alias("spelled").to_frame().join(read, on="spelled", how="left", maintain_order="left")
    return found.select(pl.coalesce("read", "spelled").alias(spelled.name)).to_series()


@lru_cache(KNOWN_SPELLINGS)
def as_e164(spelled: str, country: str) -> str | None:
    """One number with its plus, or None where the text is none. `as_e164("06 12 34 56 78", "FR")` is `+33612345678`."""
    if not spelled.isascii() or sum(map(str.isalpha, spelled)) > 0:
        return None
    try:
        number = phonenumbers.parse(spelled, country or None)
    except phonenumbers.NumberParseException:
        return _with_code(spelled)
    if not spelled.startswith("+") and not phonenumbers.is_valid_number(number):
        other = _with_code(spelled)
        if other is not None and _is_valid(other):
            return other
    return _checked(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _with_code(spelled: str) -> str | None:
    """Digits that may bear a country code of their own, with their plus."""
    digits = spelled.removeprefix("00") if spelled.startswith("00") else spelled
    return _checked("+" + digits) if digits.isdigit() else None


def _is_valid(number: str) -> bool:
    """Whether libphonenumber knows such a number; one too short for the country that its digits name is none."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def _checked(number: str) -> str | None:
    """`number` where mediation would take it as E.164."""
    return number if 3 <= len(number) <= 16 and number[1] != "0" else None
