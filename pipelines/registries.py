"""Facts of the world that libraries keep: countries, currencies and their minor units, valid VAT numbers."""

from __future__ import annotations

from functools import cache

from iso4217 import Currency

from transforms.billing.vat import EU

NON_GEOGRAPHIC = "001"
"""What the numbering plan itself calls what belongs to no country: satellites, universal freephone."""


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, the few more that have numbers of their own (XK, AC, TA), and 001."""
    import pycountry

    return frozenset(item.alpha_2 for item in pycountry.countries) | regions_with_numbers() | {NON_GEOGRAPHIC}


def regions_with_numbers() -> frozenset[str]:
    """Countries and territories with a numbering plan of their own, as ISO 3166-1 alpha-2 codes."""
    # Here and not above: it is the largest import of most commands, and few of them ask.
    from phonenumbers import SUPPORTED_REGIONS

    return frozenset(SUPPORTED_REGIONS)


@cache
def minor_units() -> dict[str, int]:
    """Digits of the minor unit by currency, for those that have one (ISO 4217)."""
    return {item.code: item.exponent for item in Currency if item.exponent is not None}


def is_valid_vat_number(text: str) -> bool:
    """Whether `text` is a valid VAT number of a country of the EU, check digits included."""
    return bool(text) and _valid_number(text) is not None


def is_vat_number(text: str | None, seller_country: str) -> bool:
    """Whether `text` is a valid VAT number, check digits included, of an EU country other than the seller's."""
    number = _valid_number(text) if text else None
    if number is None:
        return False
    prefix = number[:2].upper().replace("EL", "GR")
    return prefix in EU and prefix != seller_country


def _valid_number(text: str) -> str | None:
    """A valid VAT number of the EU without what parts it for readers; None for any other text."""
    # Here and not above: it loads what asks the EU's service, which no command does.
    from stdnum.eu import vat
    from stdnum.exceptions import ValidationError

    try:
        number: str = vat.compact(text)
        return number if vat.is_valid(number) else None
    except ValidationError:
        return None
