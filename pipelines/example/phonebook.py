"""Whom the example's customers call: people near home for the most part, and now and then anywhere.

What belongs here: drawing the other party's number, beyond the home countries by destinations.csv.
"""

import csv
import random
from pathlib import Path

from pipelines.example.people import Account
from pipelines.example.places import HOMES, filled

WORLD = (
    *(
        "US",
        "CN",
        "IN",
        "BR",
        "AE",
        "TR",
        "IL",
        "AU",
        "ZA",
        "CA",
        "MX",
        "NG",
        "CI",
        "CM",
        "MG",
        "VN",
        "TH",
        "KR",
    ),
    *(
        "SG",
        "HK",
        "RO",
        "UA",
        "RU",
        "SE",
        "NO",
        "DK",
        "FI",
        "IE",
        "HU",
        "BG",
        "HR",
        "RS",
        "GE",
        "LB",
        "EG",
        "SA",
    ),
)
"""Where the occasional far call goes."""
TOTAL_DIGITS = {"1": 11, "45": 10, "47": 10, "65": 10, "216": 11, "230": 11, "354": 10, "852": 11}
"""Calling code -> digits of a whole number; 12 elsewhere."""
FREEPHONE = "+800xxxxxxxx"
"""International freephone: charged, at a price of nothing."""


class Phonebook:
    """Draws numbers that a customer might call."""

    def __init__(self, destinations: Path) -> None:
        """Read prefix, destination and country from `destinations`."""
        self.prefixes: dict[str, list[str]] = {}
        self.by_country: dict[tuple[str, bool], str] = {}
        with destinations.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                name = row["destination"]
                self.prefixes.setdefault(name, []).append(row["prefix"])
                if not name.endswith(" special services"):
                    self.by_country[row["country"], name.endswith(" mobile")] = name
        self.names = sorted(self.prefixes)

    def party(self, rng: random.Random, account: Account, *, mobile: float, near: bool = False) -> str:
        """Return whom the account might call, at home if `near`; a mobile number with chance `mobile`."""
        wants_mobile = rng.random() < mobile
        where = 0.0 if near else rng.random()
        if where < 0.80:
            country = account.country
        elif where < 0.955:
            neighbours = account.home.neighbours
            country = neighbours[int(len(neighbours) * rng.random() ** 2)]
        elif where < 0.996:
            country = rng.choice(WORLD)
        elif where < 0.999:
            return self._number(rng, rng.choice(self.names))
        else:
            return filled(rng, FREEPHONE)
        home = HOMES.get(country)
        if home:
            return filled(rng, rng.choice(home.mobile if wants_mobile else home.fixed))
        name = self.by_country.get((country, wants_mobile)) or self.by_country[country, False]
        return self._number(rng, name)

    def _number(self, rng: random.Random, destination: str) -> str:
        """Return a number of that destination, as long as numbers there usually are."""
        prefix = rng.choice(self.prefixes[destination])
        total = next((TOTAL_DIGITS[prefix[:n]] for n in (1, 2, 3) if prefix[:n] in TOTAL_DIGITS), 12)
        if len(prefix) <= 3:
            prefix += str(rng.randint(2, 5))
        return filled(rng, f"+{prefix}{'x' * max(3, total - len(prefix))}")
