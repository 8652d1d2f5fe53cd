"""The independent biller's usage against figures worked out by hand; its bills have a file of their own."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tests.independent.money import minor_places, round_half_away
from tests.independent.rating import billed_seconds_of
from tests.independent.segments import segments_of_length, segments_of_text
from tests.independent.small_home import ACCOUNT, CALL, MESSAGE, NUMBER, OWN, SmallHome, only


@pytest.fixture
def small(tmp_path: Path) -> SmallHome:
    return SmallHome(tmp_path)


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        ("0.125", 2, "0.13"),
        ("-0.125", 2, "-0.13"),
        ("0.1249", 2, "0.12"),
        ("-0.004", 2, "0.00"),
        ("2.5", 0, "3"),
        ("1/3", 10, "0.3333333333"),
        ("123456789012345678901234567890.5", 0, "123456789012345678901234567891"),
    ],
)
def test_a_half_goes_away_from_zero(value: str, places: int, rounded: str) -> None:
    assert str(round_half_away(Fraction(value), places)) == rounded


def test_minor_units_are_those_of_iso_4217() -> None:
    assert {code: minor_places(code) for code in ("EUR", "USD", "JPY", "TND")} == {
        "EUR": 2,
        "USD": 2,
        "JPY": 0,
        "TND": 3,
    }


@pytest.mark.parametrize(
    ("seconds", "first", "increment", "billed"),
    [
        (0, 60, 60, 0),
        (1, 1, 1, 1),
        (83, 1, 1, 83),
        (1, 30, 6, 30),
        (30, 30, 6, 30),
        (31, 30, 6, 36),
        (37, 30, 6, 42),
        (60, 60, 60, 60),
        (61, 60, 60, 120),
        (2, 1, 60, 61),
    ],
)
def test_increments(seconds: int, first: int, increment: int, billed: int) -> None:
    assert billed_seconds_of(seconds, first, increment) == billed


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the € does not fit into the 153rd septet of the first segment
        ("a" * 151 + "€" + "a" * 153, 2),
        ("\f^{}\\[~]|€" * 8, 1),
        ("ç" * 70, 1),  # only the capital is in the alphabet
        ("Ç" * 160, 1),
        ("ф" * 71, 2),
        ("ф" * 134, 2),
        ("ф" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("ф" * 66 + "😀" + "ф" * 66, 3),  # 134 units, but the pair does not fit behind the 66th
        ("ф" * 65 + "😀" + "ф" * 67, 2),
        ("ф" + "€" * 69, 1),  # an extension character is one unit of UCS-2
    ],
)
def test_segments_of_a_text(text: str, segments: int) -> None:
    assert segments_of_text(text) == segments


@pytest.mark.parametrize(
    ("encoding", "length", "segments"),
    [("gsm7", 0, 1), ("gsm7", 160, 1), ("gsm7", 161, 2), ("gsm7", 307, 3), ("ucs2", 70, 1), ("ucs2", 135, 3)],
)
def test_segments_of_a_length(encoding: str, length: int, segments: int) -> None:
    assert segments_of_length(encoding, length) == segments


def test_83_seconds_at_12_thousandths_a_minute(small: SmallHome) -> None:
    small.records(CALL)
    row = only(small.bill().rated_usage)
    assert (row["billable_seconds"], row["billed_seconds"], row["unit_price"]) == (
        83,
        83,
        Decimal("0.012000"),
    )
    assert str(row["charge"]) == "0.0166000000"
    assert (row["destination"], row["country"], row["price_list"]) == ("France", "FR", "default_eur")
    assert (row["own_number"], row["other_number"]) == (OWN, "+33145000001")


def test_a_charge_is_computed_whole_and_rounded_once(small: SmallHome) -> None:
    small.prices({"voice_outbound": ["default_eur,France mobile,0.020000,0.05,30,6,2025-01-01"]})
    small.records(
        CALL | {"duration_seconds": "600"},
        CALL | {"to_number": "0033612345678", "duration_seconds": "30.001"},
        CALL | {"to_number": "33612345678", "duration_seconds": "0"},
    )
    ten_minutes, mobile, nothing = small.bill().rated_usage
    assert ten_minutes["charge"] == Decimal("0.12")
    # 31 s are charged as 36: 0.05 + 0.02 * 36 / 60
    assert (mobile["billable_seconds"], mobile["billed_seconds"], mobile["charge"]) == (
        31,
        36,
        Decimal("0.062"),
    )
    assert (nothing["billed_seconds"], nothing["charge"], nothing["price_list"]) == (0, 0, None)


def test_nothing_to_charge_needs_no_price_and_makes_no_line(small: SmallHome) -> None:
    small.numbers([])
    stated = {"account_id": "A1", "to_number": "+99912345678"}
    small.records(
        CALL | stated | {"status": "busy", "duration_seconds": ""},
        MESSAGE | stated | {"status": "rejected", "text": ""},
        CALL | stated | {"duration_seconds": "0"},
    )
    tables = small.bill()
    assert [row["charge"] for row in tables.rated_usage] == [0, 0, 0]
    assert (tables.suspense, tables.bill_lines) == ([], [])
    assert only(tables.bills)["net_amount"] == 0


def test_messages(small: SmallHome) -> None:
    inbound = {"direction": "inbound", "from_number": "ACME", "to_number": OWN}
    small.records(
        MESSAGE | {"text": "a" * 161},
        MESSAGE | {"text": "a" * 161, "segments": "5"},
        MESSAGE | {"text": "", "encoding": "ucs2", "text_length": "71"},
        MESSAGE | {"text": ""},
        MESSAGE | inbound | {"text": ""},
        MESSAGE | inbound | {"text": "a" * 500},
    )
    tables = small.bill()
    assert [row["charge"] for row in tables.rated_usage] == [Decimal(n) / 100 for n in (10, 25, 10, 1, 1)]
    assert only(tables.suspense)["reason"] == "sms_length_unknown"
    lines = [(row["unit"], row["quantity"], row["amount"]) for row in tables.bill_lines if row["kind"] == "sms"]
    assert lines == [("messages", 2, Decimal("0.02")), ("segments", 9, Decimal("0.45"))]


def test_the_empty_text_of_json_is_one_segment(small: SmallHome) -> None:
    small.lines("standard", "a.jsonl", MESSAGE | {"record_id": "r1", "text": "", "duration_seconds": None})
    assert only(small.bill().rated_usage)["segments"] == 1


def test_a_forwarded_call_has_two_legs_and_two_charges(small: SmallHome) -> None:
    inbound = CALL | {"direction": "inbound", "from_number": "anonymous", "to_number": OWN}
    small.records(
        inbound | {"duration_seconds": "60", "forwarded_to": "+33145000001", "forwarded_seconds": "50"},
        inbound | {"duration_seconds": "60", "forwarded_to": "+99912345678", "forwarded_seconds": "50"},
        inbound | {"duration_seconds": "60", "forwarded_to": "+33145000001"},
    )
    tables = small.bill()
    assert [(row["leg"], row["charge"]) for row in tables.rated_usage] == [
        ("main", Decimal("0.006")),
        ("forwarded", Decimal("0.010")),
        ("main", Decimal("0.006")),
        ("main", Decimal("0.006")),
    ]
    forwarded = tables.rated_usage[1]
    assert (forwarded["direction"], forwarded["own_number"]) == ("outbound", OWN)
    assert [(row["leg"], row["reason"]) for row in tables.suspense] == [
        ("forwarded", "no_destination"),
        ("forwarded", "bad_value"),
    ]
    file = only(tables.usage_files)
    assert (file["records"], file["usage_records"], file["suspended"]) == (3, 3, 0)


def test_repetitions(small: SmallHome) -> None:
    one = CALL | {"record_id": "x"}
    small.records(one, one | {"from_number": OWN.removeprefix("+")}, one | {"duration_seconds": "84"}, name="a.csv")
    small.records(one | {"duration_seconds": "84"}, MESSAGE | {"record_id": "x"}, name="b.csv")
    small.lines("standard", "c.jsonl", one, "{", [1])
    tables = small.bill()
    assert [(row["service"], row["billed_seconds"]) for row in tables.rated_usage] == [
        ("voice", 83),
        ("sms", 0),
    ]
    counts = [
        (file["records"], file["usage_records"], file["suspended"], file["duplicates"]) for file in tables.usage_files
    ]
    assert counts == [(3, 1, 1, 1), (2, 1, 1, 0), (3, 0, 2, 1)]
    reasons = [row["reason"] for row in tables.suspense]
    assert reasons == ["conflicting_duplicate", "conflicting_duplicate", "unreadable", "unreadable"]


def test_broken_lines_are_counted_and_blank_ones_are_not(small: SmallHome) -> None:
    small.records(CALL, MESSAGE | {"text": 'two\nlines, "quoted"'})
    path = small.home / "inbox" / "standard" / "usage.csv"
    content = path.read_bytes().removesuffix(b"\r\n") + b'\n\nfew,fields\n"\xff",x\n' + b"," * 30
    (path.parent / "usage.csv.gz").write_bytes(gzip.compress(content))
    path.unlink()
    tables = small.bill()
    assert [row["record_number"] for row in tables.rated_usage] == [1, 2]
    assert [(row["record_number"], row["reason"]) for row in tables.suspense] == [
        (number, "unreadable") for number in (3, 4, 5)
    ]


def test_parquet(small: SmallHome) -> None:
    path = small.home / "inbox" / "standard" / "a.parquet"
    path.parent.mkdir(parents=True)
    columns: dict[str, list[object]] = {name: [value] for name, value in (CALL | {"record_id": "r1"}).items()}
    columns["started_at"] = [datetime(2026, 10, 5, 10, tzinfo=UTC)]
    columns["duration_seconds"] = [83]
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    assert str(only(small.bill().rated_usage)["charge"]) == "0.0166000000"


@pytest.mark.parametrize(
    "change",
    [
        {"record_id": ""},
        {"service": "fax"},
        {"started_at": "2026-10-05T10:00:00"},
        {"started_at": "2026-02-30T10:00:00Z"},
        {"duration_seconds": ""},
        {"duration_seconds": "-1"},
        {"duration_seconds": "2147483648"},
        {"from_number": "0145000001"},
        {"to_number": "reception"},
        {"status": "sent"},
    ],
)
def test_bad_values(small: SmallHome, change: dict[str, str]) -> None:
    small.records({"record_id": "r1"} | CALL | change)
    assert only(small.bill().suspense)["reason"] == "bad_value"


def test_callr(small: SmallHome) -> None:
    payload = {
        "direction": "inbound",
        "callid": 240711945874,
        "callerNumber": "+33145000001",
        "callee": OWN,
        "started": "2026-10-05T10:00:00.876Z",
        "status": "answered",
        "durationAnswered": 60,
        "durationBilled": 120,
    }
    event = {"id": "e1", "at": "2026-10-05T10:01:00Z", "sid": "s", "type": "v2.call.inbound.ended", "try": 0}
    outbound = {"direction": "outbound", "callid": 2, "callid_in": 240711945874, "callerNumber": OWN}
    outbound |= {"callee": "+33145000001", "started": "2026-10-05T10:00:05.000Z", "status": "answered"}
    message = {"type": "OUT", "hash": "h1", "from": OWN, "to": "+33145000001", "text": "x", "parts": 3}
    message |= {"status": "delivered", "date_creation": "2026-10-31 23:59:59"}
    small.lines(
        "callr",
        "a.jsonl",
        event | {"payload": payload},
        event | {"payload": payload, "try": 1, "id": "e2"},
        event | {"type": "v2.call.outbound.ended", "payload": outbound | {"durationAnswered": 83}},
        event | {"type": "v2.call.inbound.started", "payload": payload},
        message,
        message | {"hash": "h2", "status": "failed"},
        message | {"hash": "h3", "status": "error"},
        event | {"type": "unheard of"},
    )
    tables = small.bill()
    assert [(row["record_id"], row["linked_id"], row["charge"]) for row in tables.rated_usage] == [
        ("240711945874", "240711945874", Decimal("0.006")),
        ("2", "240711945874", Decimal("0.0166")),
        ("h1", None, Decimal("0.15")),
        ("h2", None, 0),
        ("h3", None, 0),
    ]
    file = only(tables.usage_files)
    counts = [file[name] for name in ("records", "usage_records", "suspended", "duplicates", "unbillable")]
    assert counts == [8, 5, 1, 1, 1]


def test_the_own_list_comes_first_and_the_default_fills_its_gaps(small: SmallHome) -> None:
    small.accounts([ACCOUNT.replace("EUR,,", "EUR,own,")])
    small.prices(
        {
            "voice_outbound": [
                "own,France,0.060000,0,1,1,2026-10-05",
                "own,France,0.120000,0,1,1,2026-10-06",
            ],
        }
    )
    days = [CALL | {"duration_seconds": "60", "started_at": f"2026-10-0{day}T12:00:00Z"} for day in (4, 5, 6)]
    small.records(*days, MESSAGE)
    found = [(row["price_list"], str(row["price_valid_from"]), row["charge"]) for row in small.bill().rated_usage]
    assert found == [
        ("default_eur", "2025-01-01", Decimal("0.012")),
        ("own", "2026-10-05", Decimal("0.06")),
        ("own", "2026-10-06", Decimal("0.12")),
        ("default_eur", "2025-01-01", Decimal("0.05")),
    ]


def test_no_account_no_destination_no_price(small: SmallHome) -> None:
    small.accounts([ACCOUNT + "2026-10-06"])
    small.records(
        CALL | {"from_number": "+33199999999"},
        CALL | {"account_id": "nobody"},
        CALL | {"started_at": "2026-10-07T00:00:00Z"},
        CALL | {"to_number": "+99912345678"},
        CALL | {"to_number": "+12025550123"},
        CALL | {"account_id": "A1", "direction": "inbound", "to_number": "+33199999999"},
    )
    reasons = [row["reason"] for row in small.bill().suspense]
    assert reasons == ["account_unknown"] * 3 + ["no_destination", "no_price", "no_price"]


def test_a_number_belongs_to_its_holder_of_the_moment(small: SmallHome) -> None:
    small.accounts([ACCOUNT, ACCOUNT.replace("A1,", "A2,")])
    small.numbers(
        [
            NUMBER + "2026-10-05T10:00:00Z",
            NUMBER.replace("A1", "A2").replace("2025-02-01", "2026-10-05T12:00:00+02:00") + "2026-10-20",
        ]
    )
    moments = [
        "2026-10-05T09:59:59.999999Z",
        "2026-10-05T10:00:00Z",
        "2026-10-20T23:59:59Z",
        "2026-10-21T00:00:00Z",
    ]
    small.records(*[CALL | {"started_at": moment} for moment in moments])
    tables = small.bill()
    assert [row["account_id"] for row in tables.rated_usage] == ["A1", "A2", "A2"]
    assert only(tables.suspense)["reason"] == "account_unknown"


def test_overlapping_holdings_are_refused(small: SmallHome) -> None:
    small.numbers([NUMBER + "2026-10-05", NUMBER.replace("2025-02-01", "2026-10-05")])
    with pytest.raises(ValueError, match="still held"):
        small.bill()


def test_a_month_is_one_of_the_billing_time_zone(small: SmallHome) -> None:
    edges = ["2026-09-30T21:59:59Z", "2026-09-30T22:00:00Z", "2026-10-31T22:59:59Z", "2026-10-31T23:00:00Z"]
    small.records(*[CALL | {"started_at": moment} for moment in edges])
    tables = small.bill(time_zone="Europe/Paris")
    assert [row["record_number"] for row in tables.rated_usage] == [2, 3]
    assert only(tables.usage_files)["usage_records"] == 4  # the others wait for their month
    both = small.bill(time_zone="Europe/Paris", months_before=["2026-09"])
    assert [row["usage_month"] for row in both.rated_usage] == ["2026-09", "2026-10", "2026-10"]
    assert [row["billing_month"] for row in both.bills] == ["2026-09", "2026-10"]
