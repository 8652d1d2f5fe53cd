"""Which traffic would have no price: counted by what it would look for."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from tests.unit.frames import D, accounts, book, destinations, price_lists, sms_outbound, voice_inbound, voice_outbound
from transforms.rating.book import RatingBook
from transforms.rating.unpriced import payers, unpriced

DAY = date(2026, 10, 15)
COLUMNS = {
    "payer": pl.UInt32,
    "service": pl.String,
    "direction": pl.String,
    "digits": pl.String,
    "country": pl.String,
    "number_class": pl.String,
    "destination": pl.String,
    "legs": pl.Int64,
}
CALL = {
    "payer": 0,
    "service": "voice",
    "direction": "outbound",
    "digits": "+336",
    "destination": "France mobile",
    "legs": 3,
}
SMS = CALL | {"service": "sms"}
IN = {"payer": 0, "service": "voice", "direction": "inbound", "country": "FR", "number_class": "geographic", "legs": 3}


def found(known: RatingBook, *rows: dict[str, Any], day: date = DAY) -> list[tuple[Any, ...]]:
    traffic = pl.DataFrame([dict.fromkeys(COLUMNS) | row for row in rows], schema=COLUMNS)
    return unpriced(traffic, payers(known.accounts), known, day).rows()


def test_what_has_a_price_is_not_told() -> None:
    assert found(book(), CALL, SMS, IN, IN | {"service": "sms"}) == []
    assert found(book()) == []


def test_destinations_countries_and_classes_without_a_price() -> None:
    us = {"digits": "+120", "destination": "United States"}
    mobile = {"number_class": "mobile"}
    assert found(book(), CALL | us, SMS | us | {"legs": 5}, IN | mobile) == [
        ("no_price", "sms", "outbound", "US", "EUR", 5),
        ("no_price", "voice", "inbound", "FR mobile", "EUR", 3),
        ("no_price", "voice", "outbound", "United States", "EUR", 3),
    ]


def test_the_deck_of_today_decides() -> None:
    deck = destinations({"33": "France", "336": "France mobile", "3361": "France special"})
    known = book(destinations=deck)
    assert found(known, CALL | {"digits": "+3361"}, CALL | {"digits": "+3362"}) == [
        ("no_price", "voice", "outbound", "France special", "EUR", 3)
    ]


def test_a_number_under_no_prefix_is_told_by_its_former_destination() -> None:
    known = book(destinations=destinations({"337": "France mobile"}))
    assert found(known, CALL, SMS | {"legs": 1}, CALL | {"digits": "+3368"}) == [
        ("no_destination", "voice", "outbound", "France mobile", "EUR", 6),
        ("no_destination", "sms", "outbound", "France mobile", "EUR", 1),
    ]


def test_a_price_counts_from_its_first_day() -> None:
    later = voice_outbound({"destination": "France mobile", "price_per_minute": D("0.03"), "valid_from": DAY})
    assert found(book(voice_outbound=later), CALL) == []
    assert len(found(book(voice_outbound=later), CALL, day=date(2026, 10, 14))) == 1


def test_each_payer_has_lists_of_its_own() -> None:
    known = book(
        price_lists=price_lists(own="EUR", pounds="GBP"),
        accounts=accounts(
            {"account_id": "A"},
            {"account_id": "B", "price_list": "own"},
            {"account_id": "C", "currency": "GBP"},
            {"account_id": "D"},
            {"account_id": "E", "currency": "GBP", "price_list": "pounds"},
        ),
        voice_outbound=voice_outbound({"destination": "France mobile", "price_per_minute": D(1), "price_list": "own"}),
        sms_outbound=sms_outbound({"country": "FR", "price_per_segment": D(1), "price_list": "pounds"}),
        voice_inbound=voice_inbound({"price_per_minute": D(1)}),
    )
    who = dict(payers(known.accounts).select("account_id", "payer").rows())
    assert who["A"] == who["D"]
    assert len(set(who.values())) == 4

    def of(account: str, row: dict[str, Any]) -> list[str]:
        return [answer[4] for answer in found(known, row | {"payer": who[account]})]

    assert [of(account, CALL) for account in "ABCE"] == [["EUR"], [], ["GBP"], ["GBP"]]
    assert [of(account, SMS) for account in "ABCE"] == [["EUR"], ["EUR"], ["GBP"], []]
    assert [of(account, IN) for account in "ABCE"] == [[], [], ["GBP"], ["GBP"]]
    assert found(known, *(CALL | {"payer": who[account]} for account in "ACE")) == [
        ("no_price", "voice", "outbound", "France mobile", "GBP", 6),
        ("no_price", "voice", "outbound", "France mobile", "EUR", 3),
    ]
