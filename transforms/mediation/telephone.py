"""Telephone numbers as switches write them, read by libphonenumber once for each distinct spelling.

What its metadata decides by patterns alone is decided so for a whole column at once; the rest goes through it one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
import polars as pl

KNOWN_SPELLINGS = 500_000
"""So many spellings are remembered; a source writes the same numbers again and again."""

_TRUNK_ZERO = (
    r"^\+(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2})0|^\+(?:[17]|[2-9][0-9])?$"
)
"""A zero behind the country code: in most countries the trunk prefix, which is no part of the number; in Italy it is."""

_LONGEST = 16
"""A plus and fifteen digits (ITU-T E.164)."""


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
    distinct = spelled.unique()
    if 2 * distinct.len() > spelled.len():
        return _each(spelled, country)
    read = pl.DataFrame([distinct.alias("spelled"), _each(distinct, country).alias("read")])
    rows = (
        spelled.alias("spelled")
        .to_frame()
        .join(read, on="spelled", how="left", nulls_equal=True, maintain_order="left")
    )
    return rows["read"].alias(spelled.name)


def _each(spelled: pl.Series, country: str) -> pl.Series:
    """Each spelling by the patterns; what they leave, once for each that is distinct."""
    frame = spelled.alias("spelled").to_frame().with_columns(by_pattern(pl.col("spelled"), country).alias("read"))
    left = frame.filter(pl.col("read").is_null() & pl.col("spelled").is_not_null())["spelled"].unique()
    if left.len():
        numbers = pl.Series("by_library", [as_e164(one, country) or one for one in left], dtype=pl.String)
        frame = frame.join(pl.DataFrame([left, numbers]), on="spelled", how="left", maintain_order="left")
        frame = frame.with_columns(pl.coalesce("read", "by_library").alias("read"))
    return frame["read"].alias(spelled.name)


def by_pattern(text: pl.Expr, country: str) -> pl.Expr:
    """What `as_e164` gives for the spellings that patterns of the metadata decide; null for every other."""
    plain = pl.when(text.str.contains(r"^\+[1-9][0-9]{6,14}$") & ~text.str.contains(_TRUNK_ZERO)).then(text)
    plan = _plan(country)
    if plan is None:
        return plain
    choices = [plain]
    digits = text.str.contains(r"^[0-9]+$")
    abroad = text.str.starts_with(plan.idd)
    dialled = pl.lit("+") + text.str.slice(len(plan.idd))
    own = dialled.str.starts_with(f"+{plan.code}")
    sound = dialled.str.contains(r"^\+[1-9][0-9]{6,14}$") & ~dialled.str.contains(_TRUNK_ZERO)
    in_plan = dialled.str.contains(rf"^\+{plan.code}(?:{plan.numbers})$")
    choices.append(pl.when(digits & abroad & sound & (~own | in_plan)).then(dialled))
    with_code = text.str.contains(rf"^{plan.code}(?:{plan.numbers})$") & ~text.str.contains(rf"^(?:{plan.possible})$")
    no_trunk = ~text.str.slice(len(plan.code)).str.starts_with(plan.trunk or "0")
    choices.append(pl.when(digits & ~abroad & with_code & no_trunk).then(pl.lit("+") + text))
    here = digits & ~abroad & ~text.str.starts_with(plan.code)
    if plan.trunk:
        behind = text.str.contains(rf"^{plan.trunk}(?:{plan.numbers})$")
        choices.append(pl.when(here & behind).then(pl.lit(f"+{plan.code}") + text.str.slice(len(plan.trunk))))
        here = here & ~text.str.starts_with(plan.trunk)
    bare = text.str.contains(rf"^(?:{plan.numbers})$") & ~text.str.starts_with("0")
    choices.append(pl.when(here & bare).then(pl.lit(f"+{plan.code}") + text))
    found = pl.coalesce(choices)
    return pl.when(found.str.len_bytes() <= _LONGEST).then(found)


@dataclass(frozen=True)
class _Plan:
    """Of a country: its code, how one dials abroad, the trunk prefix, patterns of its fixed and mobile numbers and of all
    that may be numbers of it."""

    code: str
    idd: str
    trunk: str
    numbers: str
    possible: str


@lru_cache
def _plan(country: str) -> _Plan | None:
    """The plan of a country whose rules are plain prefixes; of others every number is read one by one."""
    found = phonenumbers.PhoneMetadata.metadata_for_region(country) if country else None
    every = found.general_desc if found is not None else None
    if found is None or every is None or found.national_prefix_transform_rule:
        return None
    idd, trunk = found.international_prefix or "", found.national_prefix_for_parsing or ""
    if idd not in ("00", "011") or not re.fullmatch("[0-9]*", trunk):
        return None
    kinds = (found.fixed_line, found.mobile)
    patterns = [kind.national_number_pattern for kind in kinds if kind is not None and kind.national_number_pattern]
    general = found.general_desc.national_number_pattern if found.general_desc else None
    numbers, possible = (pattern.replace(r"\d", "[0-9]") for pattern in ("|".join(patterns), general or ""))
    return _Plan(str(found.country_code), idd, trunk, numbers, possible)


@lru_cache(KNOWN_SPELLINGS)
def as_e164(spelled: str, country: str) -> str | None:
    """One number with its plus, or None where the text is none. `as_e164("06 12 34 56 78", "FR")` is `+33612345678`."""
    if not re.fullmatch(r"[0-9+() ./-]+", spelled):
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
    return number if 3 <= len(number) <= _LONGEST and number[1] != "0" else None


def is_extension(text: pl.Expr, digits: int) -> pl.Expr:
    """Whether a number is an extension, one of at most so many `digits` (0: there are none), or a code such as `*97`."""
    return text.str.contains(rf"^[*#]*[0-9]{{1,{digits}}}#?$").fill_null(False) if digits else pl.lit(False)


def number_or_extension(text: pl.Expr, country: str, digits: int) -> pl.Expr:
    """Numbers as `international` gives them; an extension of at most so many `digits` as it stands."""
    return pl.when(is_extension(text, digits)).then(text).otherwise(international(text, country))
