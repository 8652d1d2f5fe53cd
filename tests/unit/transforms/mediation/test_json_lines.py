"""Lines of JSON become fields: each line by itself, read alike whatever stands beside it."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from transforms.mediation import json_lines
from transforms.mediation.json_lines import JsonLines
from transforms.mediation.text_lines import NOT_UTF8

SCHEMA = pl.Struct({"a": pl.String(), "b": pl.String(), "inner": pl.Struct({"x": pl.String()})})
Found = tuple[Any, ...]


def read(*lines: str) -> tuple[list[Found], list[Found]]:
    """The rows and the records that could not be read: record_number, reason, detail."""
    reader = JsonLines(SCHEMA)
    fields = reader.feed(pl.Series(lines, dtype=pl.String), last=True)
    assert reader.records == fields.rows.height + fields.unreadable.height
    return fields.rows.rows(), fields.unreadable.select("record_number", "reason", "detail").rows()


def read_anywhere(line: str) -> tuple[list[Found], list[Found]]:
    """What the line gives alone; beside a sound, a broken or a doubtful line it gives the same."""
    alone = read(line)
    for neighbour in ('{"a":"n"}', '{"a', '{"b":"\\ud83d\\ude00"}'):
        beside = read(line, neighbour)
        assert [[row for row in part if row[0] == 1] for part in beside] == list(alone)
    return alone


NO_OBJECT = [(1, "unreadable", "the line is no JSON object")]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        pytest.param('{"a":"x","b":"y"}', ("x", "y", None), id="text"),
        pytest.param('{"b":"y","z":1,"a":"x"}', ("x", "y", None), id="any order, others not looked at"),
        pytest.param("{}", (None, None, None), id="no field"),
        pytest.param('{"a":null}', (None, None, None), id="null"),
        pytest.param('{"a":""}', ("", None, None), id="the empty text"),
        pytest.param('{"A":"x"}', (None, None, None), id="capitals are another name"),
        pytest.param('{"\\u0061":"x"}', ("x", None, None), id="a name written by its code"),
        pytest.param('{"inner":{"x":"y","z":[1]}}', (None, None, {"x": "y"}), id="nested"),
        pytest.param('{"inner":null}', (None, None, None), id="nested null"),
        pytest.param('{"inner":{}}', (None, None, {"x": None}), id="nested nothing"),
        pytest.param('{"a":"x","z":{"y":[1,{"w":[]}]}}', ("x", None, None), id="other fields of any depth"),
        pytest.param(
            '{"a":"tab\\t line\\n quote\\" slash\\/ back\\\\"}',
            ('tab\t line\n quote" slash/ back\\', None, None),
            id="escapes",
        ),
        pytest.param('{"a":"日本 👍"}', ("日本 👍", None, None), id="any script"),
        pytest.param('{"a":"\\ud83d\\udc4d"}', ("👍", None, None), id="a surrogate pair"),
        pytest.param('{"a":"\\\\ud83d"}', ("\\ud83d", None, None), id="a backslash before a code is text"),
        pytest.param(' \t{ "a" : "x" } \r', ("x", None, None), id="blanks around"),
        pytest.param('\ufeff{"a":"x"}', ("x", None, None), id="a byte order mark"),
    ],
)
def test_fields(line: str, row: Found) -> None:
    assert read_anywhere(line) == ([(1, *row)], [])


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("83", "83"),
        ("-5", "-5"),
        ("0", "0"),
        ("-0", "0"),
        ("261008000001", "261008000001"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("83.2", "83.2"),
        ("83.20", "83.2"),
        ("83.0", "83"),
        ("1e2", "100"),
        ("1.5E+1", "15"),
        ("1.5e-7", "0.00000015"),
        ("1e22", "10000000000000000000000"),
        ("1e400", "1e400"),
        ("true", "true"),
        ("false", "false"),
    ],
)
def test_a_number_gives_the_same_text_with_quotes_and_without(number: str, text: str) -> None:
    assert read_anywhere(f'{{"a":{number}}}') == ([(1, text, None, None)], [])
    assert read_anywhere(f'{{"a":"{text}"}}') == ([(1, text, None, None)], [])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"a":"x"', id="cut off"),
        pytest.param('{"a":"x', id="cut off within a text"),
        pytest.param('{"a":', id="cut off before a value"),
        pytest.param('{"a":"x"} {"a":"y"}', id="two objects"),
        pytest.param('{"a":"x"},', id="a comma behind"),
        pytest.param('{"a":"x",}', id="a comma at the end"),
        pytest.param("{'a':'x'}", id="single quotes"),
        pytest.param('{a:"x"}', id="a name without quotes"),
        pytest.param('{"a":01}', id="a leading zero"),
        pytest.param('{"a":.5}', id="no digit before the point"),
        pytest.param('{"a":NaN}', id="NaN"),
        pytest.param('{"z":NaN}', id="NaN in another field"),
        pytest.param('{"a":-Infinity}', id="infinity"),
        pytest.param('{"a":"tab\there"}', id="a control character"),
        pytest.param('{"a":"\\x41"}', id="an escape of another language"),
        pytest.param('{"a":"\\ud83d"}', id="the first half of a surrogate pair"),
        pytest.param('{"a":"\\udc4d"}', id="the second half"),
        pytest.param('{"z":"\\ud83d"}', id="half a pair in another field"),
        pytest.param('{"a":"\\\\\\ud83d\\\\ude00"}', id="half a pair among backslashes"),
        pytest.param("null", id="null"),
        pytest.param("5", id="a number"),
        pytest.param('"x"', id="a text"),
        pytest.param('[{"a":"x"}]', id="an array"),
        pytest.param("a,b,c", id="CSV"),
        pytest.param("[" * 100_000, id="brackets without end"),
    ],
)
def test_a_line_that_is_no_json_object_is_refused(line: str) -> None:
    assert read_anywhere(line) == ([], NO_OBJECT)


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ('{"a":["x"]}', "a: a plain value is expected"),
        ('{"a":{"x":1}}', "a: a plain value is expected"),
        ('{"inner":"x"}', "inner: an object is expected"),
        ('{"inner":5}', "inner: an object is expected"),
        ('{"inner":[]}', "inner: an object is expected"),
        ('{"inner":{"x":[1]}}', "x: a plain value is expected"),
    ],
)
def test_a_field_of_another_shape_is_a_bad_value(line: str, detail: str) -> None:
    assert read_anywhere(line) == ([], [(1, "bad_value", detail)])


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    assert read_anywhere(f'{{"a":"{NOT_UTF8}"}}') == ([], [(1, "unreadable", "the line is no UTF-8")])


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ('{"a":"x","a":"y"}', ("x", None, None)),
        ('{"a":1,"b":2,"a":null}', ("1", "2", None)),
        ('{"inner":{"x":1,"x":2}}', (None, None, {"x": "1"})),
    ],
)
def test_of_a_name_that_stands_twice_the_first_counts(line: str, row: Found) -> None:
    assert read_anywhere(line) == ([(1, *row)], [])


def test_records_are_numbered_over_batches_and_blank_lines_do_not_count() -> None:
    reader = JsonLines(SCHEMA)
    first = reader.feed(pl.Series(['{"a":"1"}', "", " \r", '{"a":"2"}']), last=False)
    second = reader.feed(pl.Series(["{", "\t", '{"a":"4"}', '{"a":"\\ud83d\\ude00"}', "7", '{"a":"7"}']), last=True)
    assert first.rows.select("record_number", "a").rows() == [(1, "1"), (2, "2")]
    assert second.rows.select("record_number", "a").rows() == [(4, "4"), (5, "😀"), (7, "7")]
    assert second.unreadable["record_number"].to_list() == [3, 6]
    assert reader.records == 7


@pytest.mark.parametrize("lines", [[], [""], ["", " ", "\ufeff"]])
def test_a_file_without_records_has_none(lines: list[str]) -> None:
    assert read(*lines) == ([], [])


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_what_is_decoded_side_by_side_stays_in_order(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(json_lines, "_JSON_SLICE", size)
    sound = [f'{{"a":"{number}"}}' for number in range(5)]
    assert read(*sound) == ([(number + 1, str(number), None, None) for number in range(5)], [])
    doubtful = [*sound[:2], '{"a":"\\ud83d\\ude00"}', *sound[3:]]
    assert [row[1] for row in read(*doubtful)[0]] == ["0", "1", "\U0001f600", "3", "4"]
    broken = [*sound[:2], '{"a":', *sound[3:]]
    rows, unreadable = read(*broken)
    assert [row[:2] for row in rows] == [(1, "0"), (2, "1"), (4, "3"), (5, "4")]
    assert unreadable == [(3, "unreadable", "the line is no JSON object")]
