"""The shipped price tables: complete, clean, and right about which country a number belongs to."""

import csv
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from pipelines.example import deck, tariff

PRICE_TABLES = Path(__file__).parents[3] / "price_tables"
DEFAULT_LISTS = ("default_eur", "default_usd")
CLASSES = {"geographic", "mobile", "national", "toll_free"}


def table(name: str) -> list[dict[str, str]]:
    """The rows of a shipped price table."""
    with (PRICE_TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def prefixes() -> dict[str, dict[str, str]]:
    """Prefix -> row of destinations.csv."""
    return {row["prefix"]: row for row in table("destinations")}


def looked_up(prefixes: dict[str, dict[str, str]], number: str) -> dict[str, str] | None:
    """The destination of a number by its longest prefix."""
    digits = number.lstrip("+")
    found = (prefixes.get(digits[:size]) for size in range(len(digits), 0, -1))
    return next((row for row in found if row), None)


def test_the_shipped_tables_are_those_that_the_generator_writes() -> None:
    readme = (PRICE_TABLES / "README.md").read_text(encoding="utf-8")
    if f"version {version('phonenumbers')} of" not in readme:
        pytest.skip("the tables were made with other numbering metadata; their rows stay as they are")
    made = tariff.tariff()
    shipped = {path.name: path.read_bytes().decode() for path in PRICE_TABLES.iterdir()}
    assert {name: shipped[name] for name in made} == made


@pytest.mark.parametrize("name", sorted(tariff.HEADERS))
def test_a_table_is_clean_csv(name: str) -> None:
    content = (PRICE_TABLES / f"{name}.csv").read_bytes().decode()
    assert content.splitlines()[0] == ",".join(tariff.HEADERS[name])
    assert "\r" not in content
    assert content.endswith("\n")
    assert "#" not in content
    keys = [(*list(row.values())[: tariff.KEY_COLUMNS[name]], row.get("valid_from", "")) for row in table(name)]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys))


def test_every_calling_region_has_a_destination() -> None:
    countries = {row["country"] for row in table("destinations")}
    assert countries == {*phonenumbers.SUPPORTED_REGIONS, "001"}
    codes = {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    assert codes <= {row["prefix"] for row in table("destinations")}
    assert 500 <= len({row["destination"] for row in table("destinations")}) <= 900


def test_a_destination_lies_in_one_country() -> None:
    pairs = {(row["destination"], row["country"]) for row in table("destinations")}
    assert len(pairs) == len({destination for destination, _ in pairs})


def test_everything_is_priced_in_every_default_list_from_the_start() -> None:
    countries = {row["country"] for row in table("destinations")}
    places = countries - {"001"}
    wanted = {
        "voice_outbound": {(row["destination"],) for row in table("destinations")},
        "sms_outbound": {(country,) for country in countries},
        "voice_inbound": {(country, number_class) for country in places for number_class in CLASSES},
        "number_fees": {(country, number_class) for country in places for number_class in CLASSES},
        "sms_inbound": {()},
    }
    for name, keys in wanted.items():
        for price_list in DEFAULT_LISTS:
            first = [
                row for row in table(name) if row["price_list"] == price_list and row["valid_from"] == tariff.VALID_FROM
            ]
            columns = tariff.HEADERS[name][1 : tariff.KEY_COLUMNS[name]]
            assert {tuple(row[column] for column in columns) for row in first} == keys, name


def test_a_received_message_costs_one_cent() -> None:
    assert {row["price_per_message"] for row in table("sms_inbound")} == {"0.010000"}


def test_prices_have_six_decimals_and_calls_are_charged_by_the_second() -> None:
    for name in ("voice_outbound", "voice_inbound", "sms_outbound", "sms_inbound", "number_fees"):
        for row in table(name):
            for column in row.keys() & {
                "price_per_minute",
                "connection_fee",
                "price_per_segment",
                "monthly_fee",
            }:
                assert Decimal(row[column]).as_tuple().exponent == -6
                assert Decimal(row[column]) >= 0
            assert row.get("first_increment", "1") == row.get("increment", "1") == "1"


def test_some_prices_change_within_the_example_month() -> None:
    changed = [row for row in table("voice_outbound") if row["valid_from"] == "2026-10-16"]
    assert {row["price_list"] for row in changed} == {*DEFAULT_LISTS, "wholesale_eur"}
    assert any(row["valid_from"] == "2026-10-01" for row in table("number_fees"))
    assert {row["proration"] for row in table("number_fees")} == {"none", "daily"}


def test_vat_rates_are_those_of_the_member_states() -> None:
    rates = {(row["country"], row["valid_from"]): row["rate"] for row in table("vat_rates")}
    assert len({country for country, _ in rates}) == 27
    assert rates["EE", "2025-07-01"] == "0.2400"
    assert rates["FI", "2024-09-01"] == "0.2550"
    assert rates["RO", "2025-08-01"] == "0.2100"
    assert rates["SK", "2025-01-01"] == "0.2300"
    assert rates["FR", "2024-01-01"] == "0.2000"


@pytest.mark.parametrize("kind", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE])
@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_an_example_number_leads_to_its_region(prefixes: dict[str, dict[str, str]], region: str, kind: int) -> None:
    number = phonenumbers.example_number_for_type(region, kind)
    if number is None:
        pytest.skip("no such numbers there")
    row = looked_up(prefixes, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    assert row is not None
    # Regions that share a range can't be told apart by it: the metadata themselves then name the larger one
    # (Italy for a mobile number of Vatican City, Norway for one of Svalbard).
    assert row["country"] in {region, phonenumbers.region_code_for_number(number)}
    exact = phonenumbers.number_type(number)
    if exact == kind == PhoneNumberType.MOBILE:
        assert row["destination"].endswith(" mobile") or region == "DK"
    if exact == kind == PhoneNumberType.FIXED_LINE:
        # Chile's example is a company-wide number (600), which the metadata list as a fixed one too.
        assert not row["destination"].endswith((" mobile", " special services")) or region == "CL"


@pytest.mark.parametrize(
    ("number", "destination", "country"),
    [
        ("+33199001234", "France", "FR"),
        ("+33639980000", "France mobile", "FR"),
        ("+33899000000", "France special services", "FR"),
        ("+442079460123", "United Kingdom", "GB"),
        ("+447700900123", "United Kingdom mobile", "GB"),
        ("+447700300123", "Jersey mobile", "JE"),
        ("+441534960123", "Jersey", "JE"),
        ("+441481960123", "Guernsey", "GG"),
        ("+447624301234", "Isle of Man mobile", "IM"),
        ("+12125550123", "United States", "US"),
        ("+18005550123", "United States", "US"),
        ("+14165550123", "Canada", "CA"),
        ("+12425550123", "Bahamas mobile", "BS"),
        ("+17871234567", "Puerto Rico", "PR"),
        ("+74951234567", "Russia", "RU"),
        ("+77011234567", "Kazakhstan mobile", "KZ"),
        ("+390669812345", "Vatican City", "VA"),
        ("+393331234567", "Italy mobile", "IT"),
        ("+61891621234", "Cocos (Keeling) Islands", "CC"),
        ("+212528812345", "Western Sahara", "EH"),
        ("+262639123456", "Mayotte mobile", "YT"),
        ("+5999461123", "Curaçao", "CW"),
        ("+5997151234", "Bonaire, Sint Eustatius and Saba", "BQ"),
        ("+4779123456", "Svalbard and Jan Mayen", "SJ"),
        ("+35818123456", "Åland Islands", "AX"),
        ("+38344123456", "Kosovo mobile", "XK"),
        ("+2908999", "Tristan da Cunha", "TA"),
        ("+24762889", "Ascension Island", "AC"),
        ("+881612345678", "Iridium", "001"),
        ("+80012345678", "International freephone", "001"),
        ("+99912345678", None, None),
    ],
)
def test_a_number_leads_to_its_destination(
    prefixes: dict[str, dict[str, str]], number: str, destination: str | None, country: str | None
) -> None:
    row = looked_up(prefixes, number)
    assert (row and row["destination"], row and row["country"]) == (destination, country)


def test_no_prefix_could_be_left_out(prefixes: dict[str, dict[str, str]]) -> None:
    for prefix, row in prefixes.items():
        above = looked_up(prefixes, prefix[:-1])
        assert above is None or above["destination"] != row["destination"] or row["country"] == "001"


def test_a_number_pattern_is_read_or_refused() -> None:
    assert deck.parse("1[2-4]|5\\d") == (("1", "234"), ("5", deck.DIGITS))
    assert deck.parse("(?:6|7)?8{2}") == (((((("6",), ("7",)),), ()), "8", "8"),)
    with pytest.raises(ValueError, match=r"unexpected '\^' at 0"):
        deck.parse("^1")
