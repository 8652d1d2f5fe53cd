"""Writes the example price tables: `python -m pipelines.example.tariff [DIR]`.

What belongs here: the prices of the example and the files they stand in. Prefixes come from `deck`, names and
price bands from `countries`. The figures are invented, of the size that retail price lists have.
"""

import csv
import hashlib
import io
import sys
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from importlib.metadata import version
from pathlib import Path

import click

from pipelines.example.countries import Country, countries
from pipelines.example.deck import Meaning, deck
from pipelines.settings import EXAMPLE_TARIFF

VALID_FROM = "2025-01-01"
SAME_IN_EVERY_CURRENCY = {"default_usd": Decimal(1), "default_eur": Decimal("0.92")}
"""Default list -> its prices in units of the US dollar's. A rate of the example, not of a market."""
VOICE_LADDER = tuple(
    Decimal(cents) / 100 for cents in ("0.6", "1.0", "1.6", "2.6", "4.5", "8", "14", "25", "45", "85", "160")
)
"""US dollars a minute, by the band of the country."""
SMS_LADDER = tuple(
    Decimal(cents) / 100 for cents in ("0.79", "1.5", "2.4", "3.4", "4.5", "5.6", "7.0", "8.5", "10.5", "14")
)
"""US dollars a segment, by the band of the country."""
SUFFIXES = {"fixed": "", "mobile": " mobile", "special": " special services"}
"""What follows the country's name in the name of a destination."""
NUMBER_CLASSES = ("geographic", "mobile", "national", "toll_free")
DAILY_FEES = frozenset({("BR", "geographic"), ("CH", "toll_free"), ("JP", "toll_free"), ("SG", "mobile")})
"""Country and class of the numbers whose fee is charged by the day."""
SMS_INBOUND = "0.010000"

GLOBAL_DESTINATIONS = {
    "800": ("International freephone", "0.0000"),
    "808": ("International shared cost", "0.1500"),
    "870": ("Inmarsat", "4.9000"),
    "878": ("Universal personal numbers", "2.9000"),
    "881": ("Satellite networks", "5.2000"),
    "8816": ("Iridium", "5.6000"),
    "8817": ("Iridium", "5.6000"),
    "8818": ("Globalstar", "5.4000"),
    "8819": ("Globalstar", "5.4000"),
    "882": ("International networks", "4.2000"),
    "883": ("International networks", "4.2000"),
    "888": ("Disaster relief", "2.5000"),
    "979": ("International premium rate", "3.9000"),
}
"""Prefix -> name and US dollars a minute of the calling codes that belong to no country (written 001)."""

CHANGES = [
    ("voice_outbound", ("France mobile",), "2026-01-01", "0.90"),
    ("voice_outbound", ("Spain mobile",), "2026-07-01", "0.95"),
    ("voice_outbound", ("Germany mobile",), "2026-10-16", "0.92"),
    ("voice_outbound", ("United Kingdom mobile",), "2026-10-16", "0.94"),
    ("voice_outbound", ("Morocco mobile",), "2026-10-16", "1.10"),
    ("voice_outbound", ("Cuba",), "2026-10-16", "1.05"),
    ("voice_inbound", ("FR", "toll_free"), "2026-10-16", "0.90"),
    ("voice_inbound", ("GB", "toll_free"), "2026-07-01", "1.05"),
    ("sms_outbound", ("FR",), "2026-07-01", "1.04"),
    ("sms_outbound", ("DE",), "2026-10-16", "1.08"),
    ("number_fees", ("BE", "geographic"), "2026-10-01", "1.20"),
    ("number_fees", ("US", "toll_free"), "2027-01-01", "1.10"),
]
"""Later prices of the default lists: table, key, first day, and factor on the price before."""

Rows = Iterable[tuple[str, ...]]

NEGOTIATED: dict[str, Rows] = {
    "voice_outbound": [
        ("wholesale_eur", "Belgium mobile", "0.010500", "0.000000", "1", "1", VALID_FROM),
        ("wholesale_eur", "France", "0.003900", "0.000000", "1", "1", VALID_FROM),
        ("wholesale_eur", "France mobile", "0.009800", "0.000000", "1", "1", VALID_FROM),
        ("wholesale_eur", "France mobile", "0.009200", "0.000000", "1", "1", "2026-10-16"),
        ("wholesale_eur", "Germany", "0.009900", "0.000000", "1", "1", VALID_FROM),
        ("wholesale_eur", "Spain", "0.006400", "0.000000", "1", "1", VALID_FROM),
        ("wholesale_eur", "United Kingdom", "0.004800", "0.000000", "1", "1", VALID_FROM),
    ],
    "voice_inbound": [
        ("wholesale_eur", "FR", "geographic", "0.003000", "0.000000", "1", "1", VALID_FROM),
        ("wholesale_eur", "FR", "national", "0.009000", "0.000000", "1", "1", VALID_FROM),
    ],
    "sms_outbound": [("wholesale_eur", "FR", "0.052000", VALID_FROM)],
    "number_fees": [("wholesale_eur", "FR", "geographic", "0.800000", "none", VALID_FROM)],
}
"""Rows of the one negotiated list. What it does not hold is priced from default_eur."""

VAT_RATES = """
AT 2024-01-01 0.2000  BE 2024-01-01 0.2100  BG 2024-01-01 0.2000  CY 2024-01-01 0.1900  CZ 2024-01-01 0.2100
DE 2024-01-01 0.1900  DK 2024-01-01 0.2500  EE 2024-01-01 0.2200  EE 2025-07-01 0.2400  ES 2024-01-01 0.2100
FI 2024-01-01 0.2400  FI 2024-09-01 0.2550  FR 2024-01-01 0.2000  GR 2024-01-01 0.2400  HR 2024-01-01 0.2500
HU 2024-01-01 0.2700  IE 2024-01-01 0.2300  IT 2024-01-01 0.2200  LT 2024-01-01 0.2100  LU 2024-01-01 0.1700
LV 2024-01-01 0.2100  MT 2024-01-01 0.1800  NL 2024-01-01 0.2100  PL 2024-01-01 0.2300  PT 2024-01-01 0.2300
RO 2024-01-01 0.1900  RO 2025-08-01 0.2100  SE 2024-01-01 0.2500  SI 2024-01-01 0.2200  SK 2024-01-01 0.2000
SK 2025-01-01 0.2300
"""
"""Standard rates of value added tax in the member states of the European Union, in force since that day."""


def write_tariff(folder: Path) -> list[Path]:
    """Write the price tables and their README into `folder`; return the files. The same bytes every time."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in sorted(tariff().items()):
        path = folder / name
        beside = path.with_name(f".{name}.part")
        beside.write_bytes(content.encode())
        beside.replace(path)
        written.append(path)
    return written


def tariff() -> dict[str, str]:
    """Return file name -> content of the example price tables, rows sorted, lines ended by LF."""
    known = countries()
    prefixes = deck()
    tables: dict[str, Rows] = {
        "price_lists": _price_lists(),
        "destinations": _destinations(known, prefixes),
        "voice_outbound": _voice_outbound(known, prefixes),
        "voice_inbound": _voice_inbound(known),
        "sms_outbound": _sms_outbound(known),
        "sms_inbound": [(name, SMS_INBOUND, VALID_FROM) for name in SAME_IN_EVERY_CURRENCY],
        "number_fees": _number_fees(known),
        "vat_rates": _vat_rates(),
    }
    files = {"README.md": README.format(version=version("phonenumbers"))}
    for table, rows in tables.items():
        files[f"{table}.csv"] = _csv(table, [*rows, *NEGOTIATED.get(table, ())])
    return files


HEADERS = {
    "price_lists": ("price_list", "currency"),
    "destinations": ("prefix", "destination", "country"),
    "voice_outbound": (
        *("price_list", "destination", "price_per_minute", "connection_fee"),
        *("first_increment", "increment", "valid_from"),
    ),
    "voice_inbound": (
        *("price_list", "country", "number_class", "price_per_minute", "connection_fee"),
        *("first_increment", "increment", "valid_from"),
    ),
    "sms_outbound": ("price_list", "country", "price_per_segment", "valid_from"),
    "sms_inbound": ("price_list", "price_per_message", "valid_from"),
    "number_fees": ("price_list", "country", "number_class", "monthly_fee", "proration", "valid_from"),
    "vat_rates": ("country", "rate", "valid_from"),
}


KEY_COLUMNS = {
    **dict.fromkeys(("destinations", "price_lists", "sms_inbound", "vat_rates"), 1),
    **dict.fromkeys(("sms_outbound", "voice_outbound"), 2),
    **dict.fromkeys(("number_fees", "voice_inbound"), 3),
}
"""How many of the first columns name what a row is about."""


def _csv(table: str, rows: Rows) -> str:
    """Return the table as CSV, its rows in order of their key and then of their last column, valid_from."""
    key = KEY_COLUMNS[table]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADERS[table])
    ordered: list[tuple[str, ...]] = sorted(rows, key=lambda row: (row[:key], row[-1]))
    writer.writerows(ordered)
    return text.getvalue()


def _price_lists() -> Rows:
    return [(name, name[-3:].upper()) for name in (*SAME_IN_EVERY_CURRENCY, "wholesale_eur")]


def _destination(country: Country, kind: str) -> str:
    return country.name + SUFFIXES[kind]


def _destinations(known: dict[str, Country], prefixes: dict[str, Meaning]) -> Rows:
    for prefix, (region, kind) in prefixes.items():
        yield prefix, _destination(known[region], kind), region
    for prefix, (name, _) in GLOBAL_DESTINATIONS.items():
        yield prefix, name, "001"


def _voice_outbound(known: dict[str, Country], prefixes: dict[str, Meaning]) -> Rows:
    prices = {name: Decimal(price) for name, price in GLOBAL_DESTINATIONS.values()}
    for region, kind in sorted(set(prefixes.values())):
        country = known[region]
        band = {"fixed": country.fixed_band, "mobile": country.mobile_band}.get(kind)
        name = _destination(country, kind)
        if band is None:
            dearer = max(country.fixed_band, country.mobile_band)
            prices[name] = _varied(VOICE_LADDER[min(dearer + 4, 10)], name)
        else:
            prices[name] = _varied(VOICE_LADDER[band], name)
    for name, price in prices.items():
        fee = Decimal("0.08") if name.endswith(SUFFIXES["special"]) else Decimal(0)
        for price_list, rate, valid_from in _in_force("voice_outbound", (name,), price):
            in_currency = _money(fee * SAME_IN_EVERY_CURRENCY[price_list])
            yield price_list, name, rate, in_currency, "1", "1", valid_from


def _voice_inbound(known: dict[str, Country]) -> Rows:
    for country in known.values():
        outbound = VOICE_LADDER[country.fixed_band]
        local = Decimal("0.0080") + outbound / 20
        prices = {
            "geographic": local,
            "mobile": local + Decimal("0.0050"),
            "national": local + Decimal("0.0037"),
            "toll_free": outbound + Decimal("0.0180"),
        }
        for number_class in NUMBER_CLASSES:
            key = (country.code, number_class)
            price = prices[number_class].quantize(Decimal("0.0001"), ROUND_HALF_UP)
            for price_list, rate, valid_from in _in_force("voice_inbound", key, price):
                yield price_list, *key, rate, "0.000000", "1", "1", valid_from


def _sms_outbound(known: dict[str, Country]) -> Rows:
    prices = {country.code: _varied(SMS_LADDER[country.sms_band], country.name) for country in known.values()}
    for code, price in (prices | {"001": Decimal("0.2000")}).items():
        for price_list, rate, valid_from in _in_force("sms_outbound", (code,), price):
            yield price_list, code, rate, valid_from


def _number_fees(known: dict[str, Country]) -> Rows:
    for country in known.values():
        local = Decimal("1.00") + Decimal("0.75") * country.fixed_band
        fees = {
            "geographic": local,
            "mobile": local * 2 + 1,
            "national": local + Decimal("0.50"),
            "toll_free": local * 3 + 2,
        }
        for number_class in NUMBER_CLASSES:
            key = (country.code, number_class)
            proration = "daily" if key in DAILY_FEES else "none"
            for price_list, fee, valid_from in _in_force("number_fees", key, fees[number_class], "0.1"):
                yield price_list, *key, fee, proration, valid_from


def _vat_rates() -> Rows:
    words = VAT_RATES.split()
    return list(zip(words[::3], words[2::3], words[1::3], strict=True))


def _in_force(
    table: str, key: tuple[str, ...], dollars: Decimal, step: str = "0.0001"
) -> Iterable[tuple[str, str, str]]:
    """Yield (price list, price, first day) of a key in every default list, with its later changes."""
    for price_list, rate in SAME_IN_EVERY_CURRENCY.items():
        price = (dollars * rate).quantize(Decimal(step), ROUND_HALF_UP)
        yield price_list, _money(price), VALID_FROM
        for changed, changed_key, day, factor in CHANGES:
            if (changed, changed_key) == (table, key):
                price = (price * Decimal(factor)).quantize(Decimal(step), ROUND_HALF_UP)
                yield price_list, _money(price), day


def _varied(price: Decimal, name: str) -> Decimal:
    """Return the price, moved by up to 12 % either way as the name decides, to 4 decimals."""
    thousandths = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % 241 - 120
    return (price * (1000 + thousandths) / 1000).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _money(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.000001")))


README = """\
# Price tables: an EXAMPLE tariff

**These are not the prices of anyone.** The figures are invented, of the size that retail price lists have, so
that `callbill demo` has something to charge with; no other command uses them without being told to. Before billing
a customer, copy the folder, put your own prices in, and name it (`[prices] folder` of `callbill.toml`,
`--price-tables DIR` or `$CALLBILL_PRICE_TABLES`).

- `price_lists.csv`: a price list and its currency. `default_usd` and `default_eur` hold every price,
  `wholesale_eur` only what one customer negotiated.
- `destinations.csv`: a prefix, its destination and that destination's country. The longest prefix of a number
  decides. Country `001` stands for satellite, freephone and other networks that belong to no country.
- `voice_outbound.csv`: the price per minute to a destination, charged by the second.
- `voice_inbound.csv`: the price per minute of calls to a number, by its country and class.
- `sms_outbound.csv`, `sms_inbound.csv`: the price per segment to a country, and per received message.
- `number_fees.csv`: the monthly fee of a number, by its country and class.
- `vat_rates.csv`: the standard rates of value added tax in the European Union. These alone are meant to be
  real; check them against the member states' own notices.

## How a price is changed
Rows are added, never edited and never removed: copy the row of the price, give it the new price and, as
`valid_from`, the day on which it starts (in the billing time zone). Usage is charged at the price in force
when it happened, so yesterday's rows stay needed. `callbill check` reads the tables and says what is wrong
with them; `callbill simulate MONTH --price-tables DIR` shows a month under other prices.

## How these were made
`python -m pipelines.example.tariff` wrote them with version {version} of the `phonenumbers` package. Prefixes
are derived from its numbering metadata: the fewest that tell apart the countries behind one calling code, and
within a country the fixed, mobile and special (premium, shared-cost, personal, company-wide) numbers. Where
the metadata can't tell fixed from mobile (the United States, Canada, Mexico, Chile, Denmark) it has a single
destination. The bare calling code is the fixed network of its main country. Where fixed and mobile interleave
beyond the fifth digit (the fourth in India, the sixth in North America), the kind with more numbers has it.

Prices come from a band per country and service, spread a little by the name. Some rows start later, to show
effective dating: four destinations on 2026-10-16, a number fee on 2026-10-01.

Run it again only for a fresh start: it writes the files anew and knows nothing of rows that were added.
"""

if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLE_TARIFF
    for file in write_tariff(target):
        click.echo(file)
