"""Rounding and minor units, in exact fractions. Where to round is known to the callers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

CHARGE_PLACES = 10
PRICE_PLACES = 6

NO_MINOR_UNIT = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"}
NO_MINOR_UNIT |= {"XAF", "XOF", "XPF"}
THREE_PLACES = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}


def minor_places(currency: str) -> int:
    """The ISO 4217 exponent of a currency: the decimals its bills have."""
    if currency in NO_MINOR_UNIT:
        return 0
    return 3 if currency in THREE_PLACES else 2


def round_half_away(value: Fraction, places: int) -> Decimal:
    """`value` to `places` decimals, a half away from zero: 0.125 -> 0.13, -0.125 -> -0.13 at 2."""
    scaled = abs(value) * 10**places
    whole = scaled.numerator // scaled.denominator
    if scaled - whole >= Fraction(1, 2):
        whole += 1
    sign = 1 if value < 0 and whole else 0
    return Decimal((sign, tuple(int(digit) for digit in str(whole)), -places))


def to_charge(value: Fraction) -> Decimal:
    """The charge of one record or one number fee: 10 decimals (rounding point 1)."""
    return round_half_away(value, CHARGE_PLACES)


def is_held(charge: Decimal) -> bool:
    """Whether a charge has no more than 18 digits, 10 of them decimals."""
    return charge < Decimal(10) ** 8


def to_minor(value: Fraction, currency: str) -> Decimal:
    """An amount on a document, in the minor unit of its currency (rounding points 2 and 3)."""
    return round_half_away(value, minor_places(currency))


def total(amounts: list[Decimal]) -> Fraction:
    """The exact sum of amounts of one currency."""
    result = Fraction(0)
    for amount in amounts:
        result += Fraction(amount)
    return result
