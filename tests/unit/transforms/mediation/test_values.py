"""Single values as sources write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from transforms.mediation import values


def read(reader: Callable[[pl.Expr], pl.Expr], *texts: str | None) -> list[Any]:
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)})
    return frame.select(reader(pl.col("text"))).to_series().to_list()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+33612345678", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("33612345678", "+33612345678"),
        ("+12", "+12"),
        ("+123456789012345", "+123456789012345"),
        ("00123456789012345", "+123456789012345"),
    ],
)
def test_a_number_is_written_in_three_ways(text: str, number: str) -> None:
    assert read(values.e164, text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0612345678", id="national"),
        pytest.param("+0612345678", id="the first digit is no zero"),
        pytest.param("+1", id="one digit"),
        pytest.param("+1234567890123456", id="sixteen digits"),
        pytest.param("000033612345678", id="00 twice"),
        pytest.param("+0033612345678", id="+ and 00"),
        pytest.param("++33612345678", id="+ twice"),
        pytest.param("+33 6 12 34 56 78", id="blanks inside"),
        pytest.param(" +33612345678", id="a blank before"),
        pytest.param("+33612345678\n", id="a line end behind"),
        pytest.param("+٣٣٦١٢٣٤٥٦٧٨", id="digits of another script"),
        pytest.param("anonymous", id="letters"),
        pytest.param("", id="nothing"),
        pytest.param(None, id="null"),
    ],
)
def test_what_is_no_number(text: str | None) -> None:
    assert read(values.e164, text) == [None]


def test_numbers_of_all_forms_in_one_column_do_not_disturb_each_other() -> None:
    assert read(values.e164, "33612345678", None, "+33612345678", "x") == [
        "+33612345678",
        None,
        "+33612345678",
        None,
    ]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


QUARTER_PAST_SIX = utc(2026, 10, 1, 6, 15)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-01T06:15:00Z", QUARTER_PAST_SIX),
        ("2026-10-01T06:15:00+00:00", QUARTER_PAST_SIX),
        ("2026-10-01T06:15:00-00:00", QUARTER_PAST_SIX),
        ("2026-10-01T08:15:00+02:00", QUARTER_PAST_SIX),
        ("2026-10-01T08:15:00+0200", QUARTER_PAST_SIX),
        ("2026-10-01T08:15:00+02", QUARTER_PAST_SIX),
        ("2026-10-01T00:45:00-05:30", QUARTER_PAST_SIX),
        ("2026-09-30T20:15:00-1000", QUARTER_PAST_SIX),
        ("2026-10-01T12:00:00+05:45", QUARTER_PAST_SIX),
        ("2026-10-01 08:15:00+02:00", QUARTER_PAST_SIX),
        ("2026-10-01T06:15Z", QUARTER_PAST_SIX),
        ("2026-10-01 08:15+02:00", QUARTER_PAST_SIX),
        ("2026-10-01T06:15:00.5Z", QUARTER_PAST_SIX + timedelta(milliseconds=500)),
        ("2026-10-01T06:15:00,5Z", QUARTER_PAST_SIX + timedelta(milliseconds=500)),
        ("2026-10-01T06:15:00.123456Z", QUARTER_PAST_SIX + timedelta(microseconds=123456)),
        ("2026-10-01T06:15:00.123456789Z", QUARTER_PAST_SIX + timedelta(microseconds=123456)),
        ("2026-10-01T06:15:59.999999999+00:00", utc(2026, 10, 1, 6, 15, 59, 999999)),
        ("2024-02-29T23:59:59-01:00", utc(2024, 3, 1, 0, 59, 59)),
    ],
)
def test_a_moment_is_known_by_its_offset(text: str, moment: datetime) -> None:
    assert read(values.instant, text) == [moment]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-10-01T08:15:00", id="no offset"),
        pytest.param("2026-10-01 08:15:00.123", id="no offset, with a fraction"),
        pytest.param("2026-10-01", id="a date"),
        pytest.param("2026-10-01T08:15:00UTC", id="the name of a zone"),
        pytest.param("2026-10-01T08:15:00+2", id="one digit of an offset"),
        pytest.param("2026-10-01T08:15:00+02:", id="a colon and nothing"),
        pytest.param("2026-10-01T08:15:00+24:00", id="an offset of a day"),
        pytest.param("2026-10-01T08:15:00+02:60", id="sixty minutes of an offset"),
        pytest.param("2026-10-01T08:15:00−02:00", id="a minus sign that is no hyphen"),
        pytest.param("2026-10-01T08:15:00 Z", id="a blank before the offset"),
        pytest.param(" 2026-10-01T08:15:00Z", id="a blank before"),
        pytest.param("2026-10-01T08:15:00Z ", id="a blank behind"),
        pytest.param("2026-10-01T08:15:00Z\n", id="a line end behind"),
        pytest.param("2026-10-01T08:15:60Z", id="a leap second"),
        pytest.param("2026-10-01T24:00:00Z", id="twenty-four o'clock"),
        pytest.param("2026-10-01T08:60:00Z", id="sixty minutes"),
        pytest.param("2026-02-29T08:15:00Z", id="no leap year"),
        pytest.param("2026-13-01T08:15:00Z", id="thirteen months"),
        pytest.param("2026-1-1T8:5:3Z", id="digits left out"),
        pytest.param("2026-1-01T08:15:60Z", id="a leap second, digits left out"),
        pytest.param("+2026-10-01T08:15:00Z", id="a year with a sign"),
        pytest.param("-2026-10-01T08:15:00Z", id="a year before our era"),
        pytest.param("0000-10-01T08:15:00Z", id="the year nought"),
        pytest.param("9999-12-31T23:59:59Z", id="a date that stands for never"),
        pytest.param("20261001T081500Z", id="the basic form"),
        pytest.param("２026-10-01T08:15:00Z", id="a digit of full width"),
        pytest.param("soon", id="words"),
        pytest.param("", id="nothing"),
        pytest.param(None, id="null"),
    ],
)
def test_what_is_no_moment(text: str | None) -> None:
    assert read(values.instant, text) == [None]


def test_moments_of_all_forms_in_one_column_do_not_disturb_each_other() -> None:
    found = read(values.instant, "2026-10-01T06:15Z", "no", None, "2026-10-01T06:15:00Z", "2026-10-01 08:15:00,0+02")
    assert found == [QUARTER_PAST_SIX, None, None, QUARTER_PAST_SIX, QUARTER_PAST_SIX]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("83", 83),
        ("0", 0),
        ("083", 83),
        ("83.0", 83),
        ("83.000", 83),
        ("83.2", 84),
        ("83.001", 84),
        ("83.999999999999999999", 84),
        ("0.0", 0),
        ("0.0000001", 1),
        ("59.5", 60),
        ("2147483647", 2147483647),
        ("2147483646.1", 2147483647),
        ("2147483647.1", None),
        ("2147483648", None),
        ("9999999999", None),
        ("99999999999999999999", None),
        ("-1", None),
        ("-0.5", None),
        ("+1", None),
        ("1e2", None),
        ("83.", None),
        (".5", None),
        ("83,5", None),
        (" 83", None),
        ("83 ", None),
        ("1:23", None),
        ("NaN", None),
        ("inf", None),
        ("８３", None),
        ("", None),
        (None, None),
    ],
)
def test_a_begun_second_is_a_whole_one(text: str | None, seconds: int | None) -> None:
    assert read(values.whole_seconds, text) == [seconds]
    assert read(values.whole_seconds, "1.5", text, "2") == [2, seconds, 2]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("3", 3),
        ("0", 0),
        ("007", 7),
        ("999999999", 999999999),
        ("1000000000", None),
        ("-1", None),
        ("1.0", None),
        ("x", None),
        ("", None),
        (None, None),
    ],
)
def test_a_count_is_a_whole_number(text: str | None, count: int | None) -> None:
    assert read(values.count, text) == [count]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("+33612345678", "'+99999999999'"),
        ("Bonjour Zoé, le 12", "'xxxxxxx xxx, xx 99'"),
        ("пароль ٤٢", "'xxxxxx 99'"),
        ("日本 👍", "'xx x'"),
        ("", "''"),
        (None, "''"),
        ("x" * 30, "'" + "x" * 24 + "'"),
    ],
)
def test_a_shape_says_how_a_value_looks_and_not_what_it_says(text: str | None, shape: str) -> None:
    assert read(values.shape, text) == [shape]


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("Thu, 08 Oct 2026 09:00:00 +0000", 9),
        ("Thu, 8 Oct 2026 09:00:00 +0000", 9),
        ("08 Oct 2026 11:30:00 +0230", 9),
        ("Thu, 08 Oct 2026 04:00:00 -0500", 9),
        ("Thu, 08 Oct 2026 09:00:00 GMT", 9),
        ("Thu, 08 Oct 2026 09:00:00 UTC", 9),
        ("Mon, 08 Oct 2026 09:00:00 +0000", 9),
        ("Thu, 08 Oct 2026 09:00:00 PDT", None),
        ("Thu, 08 Oct 2026 09:00:00", None),
        ("Thu, 08 Oct 2026 09:00:60 +0000", None),
        ("Thu, 31 Feb 2026 09:00:00 +0000", None),
        ("Thu, 08 Oct 26 09:00:00 +0000", None),
        ("2026-10-08T09:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_of_mail(text: str | None, hour: int | None) -> None:
    assert read(values.rfc_2822, text) == [hour and datetime(2026, 10, 8, hour, tzinfo=UTC)]


def test_a_moment_is_read_by_the_first_reader_that_can() -> None:
    texts = ["2026-10-08T09:00:00Z", "Thu, 08 Oct 2026 10:00:00 +0000", None, "soon", "2026-10-08 11:00:00"]

    def any_way(text: pl.Expr) -> pl.Expr:
        return values.moment(
            text, values.rfc_2822, values.instant, lambda left: values.local_instant(left, "Europe/Paris")
        )

    assert [found and found.hour for found in read(any_way, *texts)] == [9, 10, None, None, 9]
    assert read(any_way) == []
    assert read(any_way, None) == [None]


@pytest.mark.parametrize(
    ("text", "written", "moment"),
    [
        ("2026-07-01 10:15:00", "%Y-%m-%d %H:%M:%S", "2026-07-01T08:15:00"),
        ("2026-12-01 10:15:00", "%Y-%m-%d %H:%M:%S", "2026-12-01T09:15:00"),
        ("01/07/2026 10:15", "%d/%m/%Y %H:%M", "2026-07-01T08:15:00"),
        ("2026-10-25 02:30:00", "%Y-%m-%d %H:%M:%S", "2026-10-25T00:30:00"),
        ("2026-03-29 02:30:00", "%Y-%m-%d %H:%M:%S", None),
        ("2026-07-01 10:15:00Z", "%Y-%m-%d %H:%M:%S", None),
        ("2026-02-30 10:15:00", "%Y-%m-%d %H:%M:%S", None),
        ("", "%Y-%m-%d %H:%M:%S", None),
        (None, "%Y-%m-%d %H:%M:%S", None),
    ],
)
def test_a_local_time_is_read_by_the_clocks_of_its_zone(text: str | None, written: str, moment: str | None) -> None:
    column = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    found = column.select(values.local_instant(pl.col("text"), "Europe/Paris", written)).item()
    assert found == (None if moment is None else datetime.fromisoformat(f"{moment}+00:00"))


@pytest.mark.parametrize(
    ("text", "per_second", "moment"),
    [
        ("1790842500", 1, "2026-10-01T08:15:00"),
        ("1790842500.25", 1, "2026-10-01T08:15:00.250000"),
        ("1790842500.000001", 1, "2026-10-01T08:15:00.000001"),
        ("1790842500250", 1_000, "2026-10-01T08:15:00.250000"),
        ("1790842500250001", 1_000_000, "2026-10-01T08:15:00.250001"),
        ("0", 1, None),
        ("", 1, None),
        ("-5", 1, None),
        ("1e9", 1, None),
        ("99999999999999999", 1, None),
        ("99999999999999999999", 1, None),
        (None, 1, None),
    ],
)
def test_a_moment_counted_since_1970(text: str | None, per_second: int, moment: str | None) -> None:
    column = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    found = column.select(values.epoch(pl.col("text"), per_second)).item()
    assert found == (None if moment is None else datetime.fromisoformat(f"{moment}+00:00"))
