"""Reference and price files are read strictly; sentences name file, line, column, value and expectation."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.reference.csv_tables import LINE, PROBLEMS_MAX, CsvTable, read_table
from pipelines.storage.catalogue import PRICE_TABLES, REFERENCE
from tests.unit.pipelines.files import FILES
from transforms.tables.base import types

TABLES = {**PRICE_TABLES, **REFERENCE}
D = Decimal


def read(folder: Path, name: str, text: str | bytes, zone: str = "UTC") -> CsvTable:
    path = folder / f"{name}.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, TABLES[name], ZoneInfo(zone))


def problems(folder: Path, name: str, text: str | bytes, zone: str = "UTC") -> list[str]:
    """The sentences, without the path at their end."""
    found = read(folder, name, text, zone)
    where = f" ({folder / name}.csv)"
    assert all(sentence.endswith(where) for sentence in found.problems)
    return [sentence.removesuffix(where) for sentence in found.problems]


@pytest.mark.parametrize("name", FILES)
def test_a_sound_file_has_its_rows_in_the_types_of_its_table(name: str, tmp_path: Path) -> None:
    found = read(tmp_path, name, FILES[name])
    assert found.problems == []
    assert found.frame.height == FILES[name].count("\n") - 1
    assert dict(found.frame.drop(LINE).schema) == types(TABLES[name])
    assert found.frame[LINE].to_list() == list(range(2, found.frame.height + 2))
    assert found.content == FILES[name].encode()


def test_a_file_that_does_not_exist_has_no_rows(tmp_path: Path) -> None:
    found = read_table(tmp_path / "numbers.csv", TABLES["numbers"], ZoneInfo("UTC"))
    assert (found.frame.height, found.problems, found.content) == (0, [], None)
    assert dict(found.frame.drop(LINE).schema) == types(TABLES["numbers"])


VAT = "country,rate,valid_from\n"


def test_quotes_line_breaks_line_ends_and_blank_lines(tmp_path: Path) -> None:
    rows = [
        "valid_from,country,rate",
        '2026-01-01,"FR",0.2',
        "",
        '2026-01-01,"D\r\nE",0.19',
        '2026-01-01,"E""S","0.21"',
    ]
    text = "".join(f"{row}\r\n" for row in rows)
    found = read(tmp_path, "vat_rates", b"\xef\xbb\xbf" + text.encode())
    assert found.problems == []
    assert found.frame.select(LINE, "country").rows() == [(2, "FR"), (4, "D\r\nE"), (6, 'E"S')]


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0c", "\x1e"])
def test_no_other_sign_ends_a_line(sign: str, tmp_path: Path) -> None:
    found = read(tmp_path, "vat_rates", f"{VAT}F{sign}R,0.2,2026-01-01\nDE,x,2026-01-01\n")
    assert found.frame["country"].to_list() == [f"F{sign}R"]
    assert "line 3" in found.problems[0]


KNOWN_VAT = "known are country, rate, valid_from"
HEADERS = [
    ("", "vat_rates.csv: line 1: the file has no header; expected the columns country, rate, valid_from"),
    ("country,rate\n", f"vat_rates.csv: line 1: column 'valid_from' is missing; {KNOWN_VAT}"),
    ("country,rate,valid_from,x\n", f"vat_rates.csv: line 1: unknown column 'x'; {KNOWN_VAT}"),
    ("country,rate,rate,valid_from\n", f"vat_rates.csv: line 1: column 'rate' stands twice; {KNOWN_VAT}"),
    (f"{VAT}FR,0.2\n", "vat_rates.csv: line 2: 2 fields, expected 3"),
    (f"{VAT}FR,0.2,2026-01-01\n\nDE,0.2,2026-01-01,x\n", "vat_rates.csv: line 4: 4 fields, expected 3"),
    (f'{VAT}"FR\n",0.2\n', "vat_rates.csv: line 2: 2 fields, expected 3"),
    (f'{VAT}FR,"0.2,2026-01-01\n', "vat_rates.csv: line 2: unexpected end of data"),
    (f'{VAT}FR,"0.2"x,2026-01-01\n', "vat_rates.csv: line 2: ',' expected after '\"'"),
]


@pytest.mark.parametrize(("text", "sentence"), HEADERS)
def test_a_file_of_another_shape(text: str, sentence: str, tmp_path: Path) -> None:
    assert problems(tmp_path, "vat_rates", text) == [sentence]
    assert read(tmp_path, "vat_rates", text).frame.is_empty()


def test_a_file_that_is_no_utf_8(tmp_path: Path) -> None:
    assert problems(tmp_path, "vat_rates", VAT.encode() + b"FR,0.2,2026-01-01\nD\xc9,0.2,2026-01-01\n") == [
        "vat_rates.csv: line 3 is no UTF-8"
    ]


def test_only_some_columns_may_be_left_out(tmp_path: Path) -> None:
    header = "number,account_id,country,number_class,call_tracking,assigned_at"
    text = f"{header}\n+33184000001,A,FR,g,true,2026-02-01\n"
    found = read(tmp_path, "numbers", text)
    assert (found.problems, found.frame["released_at"].to_list()) == ([], [None])


RATE = "expected a plain decimal of at least 0 with at most 2 digits before and 4 behind the point"
PRICE = "expected a plain decimal of at least 0 with at most 12 digits before and 6 behind the point"
AMOUNT = "expected a plain decimal with at most 14 digits before and 4 behind the point"
MOMENT = "expected a date as 2026-10-01, or a date and time with offset as 2026-10-01T08:15:00+02:00"

VALUES = [
    ("vat_rates", "rate", "0.20001", f"'0.20001', {RATE}"),
    ("vat_rates", "rate", "-0.2", f"'-0.2', {RATE}"),
    ("vat_rates", "rate", "100", f"'100', {RATE}"),
    ("vat_rates", "rate", ".2", f"'.2', {RATE}"),
    ("vat_rates", "rate", "0.", f"'0.', {RATE}"),
    ("vat_rates", "rate", "2e-1", f"'2e-1', {RATE}"),
    ("vat_rates", "rate", "20%", f"'20%', {RATE}"),
    ("vat_rates", "rate", "+0.2", f"'+0.2', {RATE}"),
    ("vat_rates", "rate", " 0.2", f"' 0.2', {RATE}"),
    ("vat_rates", "rate", "NaN", f"'NaN', {RATE}"),
    ("vat_rates", "rate", "", f"an empty field, {RATE}"),
    ("vat_rates", "country", "", "an empty field, expected a value"),
    ("vat_rates", "valid_from", "1.1.2026", "'1.1.2026', expected a date as 2026-10-01"),
    ("vat_rates", "valid_from", "2026-1-1", "'2026-1-1', expected a date as 2026-10-01"),
    ("vat_rates", "valid_from", "2026-02-29", "'2026-02-29', expected a date as 2026-10-01"),
    ("vat_rates", "valid_from", "+2026-01-01", "'+2026-01-01', expected a date as 2026-10-01"),
    ("sms_outbound", "price_per_segment", "0.0500001", f"'0.0500001', {PRICE}"),
    ("sms_outbound", "price_per_segment", "1000000000000", f"'1000000000000', {PRICE}"),
    ("credits", "amount", "1,000.00", f"'1,000.00', {AMOUNT}"),
    ("credits", "amount", "12.34567", f"'12.34567', {AMOUNT}"),
    ("credits", "kind", "topup", "'topup', expected top_up or opening_balance or refund or goodwill"),
    ("credits", "credited_at", "yesterday", f"'yesterday', {MOMENT}"),
    ("credits", "credited_at", "2026-1-1T1:2:3", f"'2026-1-1T1:2:3', {MOMENT}"),
    ("accounts", "billing_mode", "Prepaid", "'Prepaid', expected prepaid or postpaid"),
    ("accounts", "payment_method", "", "an empty field, expected balance or direct_debit or bank_transfer"),
    ("accounts", "account_id", "", "an empty field, expected a value"),
    (
        "accounts",
        "opened_on",
        "2026-01-01T00:00:00Z",
        "'2026-01-01T00:00:00Z', expected a date as 2026-10-01",
    ),
    ("numbers", "number", "0184000001", "'0184000001', expected an E.164 number as +33123456789"),
    ("numbers", "call_tracking", "yes", "'yes', expected true or false"),
    ("numbers", "call_tracking", "", "an empty field, expected true or false"),
    ("numbers", "assigned_at", "", f"an empty field, {MOMENT}"),
    ("numbers", "released_at", "2026-02-30", f"'2026-02-30', {MOMENT}"),
    ("destinations", "prefix", "+33", "'+33', expected one to fifteen digits, the first no zero"),
    ("destinations", "prefix", "033", "'033', expected one to fifteen digits, the first no zero"),
    ("destinations", "prefix", "3٣", "'3٣', expected one to fifteen digits, the first no zero"),
    (
        "destinations",
        "prefix",
        "1234567890123456",
        "'1234567890123456', expected one to fifteen digits, the first no zero",
    ),
    ("voice_outbound", "increment", "0", "'0', expected a whole number of at least 1"),
    ("voice_outbound", "first_increment", "1.5", "'1.5', expected a whole number of at least 1"),
    ("number_fees", "proration", "weekly", "'weekly', expected none or daily"),
]


def with_value(name: str, column: str, value: str) -> str:
    """The sound file with one value of its first row changed."""
    header, first, *rest = FILES[name].splitlines()
    fields = dict(zip(header.split(","), first.split(","), strict=True)) | {column: f'"{value}"'}
    return "\n".join([header, ",".join(fields.values()), *rest]) + "\n"


@pytest.mark.parametrize(("name", "column", "value", "said"), VALUES)
def test_a_wrong_value_is_named(name: str, column: str, value: str, said: str, tmp_path: Path) -> None:
    text = with_value(name, column, value)
    assert problems(tmp_path, name, text) == [f"{name}.csv: line 2, column {column}: found {said}"]
    assert 2 not in read(tmp_path, name, text).frame[LINE]


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "credits", with_value("credits", "kind", "x" * 70))
    assert said.startswith(f"credits.csv: line 2, column kind: found '{'x' * 60}', expected top_up or")


def test_problems_come_in_the_order_of_lines_and_not_more_than_anybody_reads(tmp_path: Path) -> None:
    found = problems(tmp_path, "vat_rates", VAT + "FR,x,2026-01-01\n,0.2,y\n" * 30)
    assert len(found) == PROBLEMS_MAX
    assert [sentence.split(": ")[1] for sentence in found[:4]] == [
        "line 2, column rate",
        "line 3, column country",
        "line 3, column valid_from",
        "line 4, column rate",
    ]


@pytest.mark.parametrize("text", ["0.2", "0.20", "0.2000", "0.20000000000000000000000000", "00.2"])
def test_zeros_at_the_end_of_a_decimal_say_nothing(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, "vat_rates", f"{VAT}FR,{text},2026-01-01\n").frame["rate"].to_list() == [D("0.2")]


def test_a_name_and_an_address_may_be_empty(tmp_path: Path) -> None:
    found = read(tmp_path, "accounts", with_value("accounts", "name", "").replace("a@example.com", ""))
    assert found.problems == []
    assert found.frame.select("name", "email").row(0) == ("", "")


@pytest.mark.parametrize("column", ["first_increment", "increment"])
def test_an_empty_increment_is_a_second(column: str, tmp_path: Path) -> None:
    found = read(tmp_path, "voice_outbound", with_value("voice_outbound", column, ""))
    assert (found.problems, found.frame[column].to_list()) == ([], [1])


@pytest.mark.parametrize(
    ("column", "text", "zone", "moment"),
    [
        ("assigned_at", "2026-10-05", "UTC", (2026, 10, 5)),
        ("assigned_at", "2026-10-05", "Europe/Paris", (2026, 10, 4, 22)),
        ("assigned_at", "2026-01-05", "Europe/Paris", (2026, 1, 4, 23)),
        ("released_at", "2026-10-05", "UTC", (2026, 10, 5, 23, 59, 59, 999999)),
        ("released_at", "2026-10-25", "Europe/Paris", (2026, 10, 25, 22, 59, 59, 999999)),
        ("assigned_at", "2026-10-05T08:15:00+02:00", "America/New_York", (2026, 10, 5, 6, 15)),
        ("released_at", "2026-10-05T08:15:00+02:00", "America/New_York", (2026, 10, 5, 6, 15)),
        ("assigned_at", "2026-10-05 08:15:00", "Europe/Paris", (2026, 10, 5, 6, 15)),
        ("assigned_at", "2026-10-25 02:30:00", "Europe/Paris", (2026, 10, 25, 0, 30)),
        # Summer time begins at midnight: the day has no 00:00.
        ("assigned_at", "2026-04-24", "Africa/Cairo", (2026, 4, 23, 22)),
        ("released_at", "2026-04-23", "Africa/Cairo", (2026, 4, 23, 21, 59, 59, 999999)),
    ],
)
def test_a_date_is_a_whole_day_of_the_billing_time_zone(
    column: str, text: str, zone: str, moment: tuple[Any, ...], tmp_path: Path
) -> None:
    found = read(tmp_path, "numbers", with_value("numbers", column, text), zone)
    assert found.problems == []
    assert found.frame[column][0] == datetime(*moment, tzinfo=UTC)


def test_a_time_that_summer_time_leaves_out_is_none(tmp_path: Path) -> None:
    said = problems(tmp_path, "numbers", with_value("numbers", "assigned_at", "2026-03-29 02:30:00"), "Europe/Paris")
    assert said == [f"numbers.csv: line 2, column assigned_at: found '2026-03-29 02:30:00', {MOMENT}"]


def test_numbers_are_written_alike_whatever_the_file_says(tmp_path: Path) -> None:
    found = read(tmp_path, "numbers", with_value("numbers", "number", "0033184000001"))
    assert found.frame["number"].to_list() == ["+33184000001"] * 2


def test_a_day_stays_the_day(tmp_path: Path) -> None:
    found = read(tmp_path, "accounts", FILES["accounts"], "Pacific/Auckland")
    assert found.frame.select("opened_on", "closed_on").row(1) == (date(2026, 1, 1), date(2026, 12, 31))
