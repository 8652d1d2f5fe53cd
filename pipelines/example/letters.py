"""Where the example's customers receive their letters, and the bank accounts that they let be debited.

All invented: house numbers are high, and the banks of the IBANs do not exist.
"""

import random
from dataclasses import dataclass

from schwifty import IBAN

_PLACES: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "FR": (
        ("{n} rue de l'Exemple", "{n} avenue des Tilleuls", "{n} quai de la Fosse"),
        (("75011", "Paris"), ("69003", "Lyon"), ("44000", "Nantes"), ("13002", "Marseille"), ("33000", "Bordeaux")),
    ),
    "DE": (
        ("Musterstraße {n}", "Lindenallee {n}"),
        (("10115", "Berlin"), ("20095", "Hamburg"), ("50667", "Köln"), ("80331", "München")),
    ),
    "ES": (("Calle del Ejemplo {n}", "Paseo de los Olmos {n}"), (("28013", "Madrid"), ("08002", "Barcelona"))),
    "BE": (("Rue de l'Exemple {n}", "Avenue des Ormes {n}"), (("1000", "Bruxelles"), ("4000", "Liège"))),
    "US": (
        ("{n} Example Street", "{n} Maple Avenue"),
        (("NY 10001", "New York"), ("IL 60601", "Chicago"), ("TX 78701", "Austin"), ("WA 98101", "Seattle")),
    ),
    "GB": (("{n} Example Road", "{n} Mill Lane"), (("EC1A 1BB", "London"), ("M1 1AE", "Manchester"))),
    "CH": (("Musterweg {n}", "Seestrasse {n}"), (("8001", "Zürich"), ("3011", "Bern"))),
    "IT": (("Via dell'Esempio {n}", "Corso dei Platani {n}"), (("00184", "Roma"), ("20121", "Milano"))),
    "NL": (("Voorbeeldstraat {n}", "Lindelaan {n}"), (("1012 AB", "Amsterdam"), ("3011 AA", "Rotterdam"))),
    "JP": (("{n} Mihon-cho", "{n} Rei-dori"), (("100-0001", "Tokyo"), ("530-0001", "Osaka"))),
    "GR": (("Οδός Παραδείγματος {n}",), (("105 57", "Αθήνα"), ("546 24", "Θεσσαλονίκη"))),
    "LU": (("{n}, rue de l'Exemple",), (("1111", "Luxembourg"),)),
}
"""Streets, and postal codes with their cities, by country."""

_BANKS: dict[str, tuple[str, int, str]] = {
    "FR": ("99999", 11, "00001"),
    "DE": ("99999999", 10, ""),
    "ES": ("9999", 10, "9999"),
    "BE": ("999", 7, ""),
    "GB": ("EXMP", 8, "999999"),
    "CH": ("99999", 12, ""),
    "IT": ("99999", 12, "99999"),
    "NL": ("EXMP", 10, ""),
    "GR": ("999", 16, "9999"),
    "LU": ("999", 13, ""),
}
"""A bank that does not exist, digits of its account numbers, and a branch of it, by country."""

_LANGUAGES = {"FR": "fr", "BE": "fr", "LU": "fr"}


@dataclass(frozen=True)
class EmailDocuments:
    """What accounts.csv says of an account beside how it is billed."""

    language: str
    address: str
    postcode: str
    city: str
    registration: str = ""
    iban: str = ""
    mandate_reference: str = ""
    mandate_signed_on: str = ""


def letters(account_id: str, country: str, vat_number: str, signed_on: str | None) -> EmailDocuments:
    """Where the account receives its letters; with a mandate where it was `signed_on` a day. Always the same."""
    rng = random.Random(f"letters of {account_id}")
    streets, cities = _PLACES[country]
    postcode, city = rng.choice(cities)
    debited = signed_on is not None and country in _BANKS
    return EmailDocuments(
        language=_LANGUAGES.get(country, "en"),
        address=rng.choice(streets).format(n=rng.randint(201, 899)),
        postcode=postcode,
        city=city,
        registration=vat_number[4:] if country == "FR" else "",
        iban=_iban(rng, country) if debited else "",
        mandate_reference=f"MANDATE-{account_id}" if debited else "",
        mandate_signed_on=signed_on or "" if debited else "",
    )


def _iban(rng: random.Random, country: str) -> str:
    bank, digits, branch = _BANKS[country]
    account = f"{rng.randrange(10**digits):0{digits}d}"
    return str(IBAN.generate(country, bank, account, branch))
