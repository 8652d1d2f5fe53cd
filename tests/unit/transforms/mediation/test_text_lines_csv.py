"""Lines of CSV become fields: each record by itself, whatever its neighbours look like."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from itertools import pairwise

import polars as pl
import pytest

from transforms.mediation.text_lines import NOT_UTF8, RECORD_MAX, CsvLines

Row = tuple[str | None, ...]


def read(
    text: str, *, known: str = "abc", required: str = "a", cuts: Sequence[int] = ()
) -> tuple[list[Row], list[Row]]:
    """The rows and the unreadable records of a file, fed in batches that are cut before the lines `cuts`."""
    lines = text.removesuffix("\n").split("\n") if text else []
    reader = CsvLines(known=tuple(known), required=tuple(required))
    bounds = [0, *cuts, len(lines)]
    parts = [
        reader.feed(pl.Series(lines[start:end], dtype=pl.String), last=place == len(bounds) - 2)
        for place, (start, end) in enumerate(pairwise(bounds))
    ]
    rows = pl.concat([part.rows for part in parts])
    unreadable = pl.concat([part.unreadable for part in parts])
    assert reader.records == rows.height + unreadable.height
    assert unreadable.filter(pl.col("reason") != "unreadable").is_empty()
    return rows.rows(), unreadable.select("record_number", "detail").rows()


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        pytest.param("1,2,3\n4,5,6\n", [(1, "1", "2", "3"), (2, "4", "5", "6")], id="plain"),
        pytest.param("1,2,3", [(1, "1", "2", "3")], id="no line end behind the last"),
        pytest.param("1,,\n,,\n", [(1, "1", None, None), (2, None, None, None)], id="empty fields are missing"),
        pytest.param('"1",2,"3"\n', [(1, "1", "2", "3")], id="quotes"),
        pytest.param('"",2,3\n', [(1, None, "2", "3")], id="quotes around nothing"),
        pytest.param('1,"x, y",3\n', [(1, "1", "x, y", "3")], id="a comma within quotes"),
        pytest.param('1,"he said ""hi""",3\n', [(1, "1", 'he said "hi"', "3")], id="doubled quotes"),
        pytest.param('1,"""",3\n', [(1, "1", '"', "3")], id="one doubled quote alone"),
        pytest.param('1,"x\ny",3\n4,5,6\n', [(1, "1", "x\ny", "3"), (2, "4", "5", "6")], id="a line break within"),
        pytest.param('1,"x\n\n\ny",3\n', [(1, "1", "x\n\n\ny", "3")], id="blank lines within quotes"),
        pytest.param('"x\ny","z\nw",3\n', [(1, "x\ny", "z\nw", "3")], id="two fields with line breaks"),
        pytest.param('1,"a ""b\nc"" d",3\n', [(1, "1", 'a "b\nc" d', "3")], id="doubled quotes and a line break"),
        pytest.param('1,"\n",3\n', [(1, "1", "\n", "3")], id="a line break alone"),
        pytest.param("1,2,3\n\n\n4,5,6\n\n", [(1, "1", "2", "3"), (2, "4", "5", "6")], id="blank lines do not count"),
        pytest.param(" 1 , 2,3 \n", [(1, " 1 ", " 2", "3 ")], id="blanks belong to the field"),
        pytest.param("NA,null,None\n", [(1, "NA", "null", "None")], id="words are words"),
        pytest.param("1,x'y,#z\n", [(1, "1", "x'y", "#z")], id="no other sign means anything"),
        pytest.param("1,héllo 日本 👍,3\n", [(1, "1", "héllo 日本 👍", "3")], id="any script"),
        pytest.param("1,x\u2028y,3\n", [(1, "1", "x\u2028y", "3")], id="other line separators are none"),
    ],
)
def test_fields(lines: str, rows: list[Row]) -> None:
    assert read("a,b,c\n" + lines) == (rows, [])


def test_carriage_returns_end_lines_and_within_quotes_are_text() -> None:
    rows, unreadable = read('a,b,c\r\n1,2,3\r\n\r\n4,"x\r\ny",6\r\n')
    assert rows == [(1, "1", "2", "3"), (2, "4", "x\r\ny", "6")]
    assert unreadable == []


def test_columns_come_in_any_order_and_those_that_are_left_out_are_missing() -> None:
    assert read("c,a\n3,1\n") == ([(1, "1", None, "3")], [])


def test_a_byte_order_mark_before_the_header_is_no_part_of_it() -> None:
    assert read("\ufeffa,b,c\n1,2,3\n") == ([(1, "1", "2", "3")], [])


def test_the_header_may_have_quotes() -> None:
    assert read('"a","b","c"\n1,2,3\n') == ([(1, "1", "2", "3")], [])


QUOTES = "the quotes of the line do not pair up to 3 fields"


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        pytest.param("1,2", "2 fields, 3 expected", id="too few fields"),
        pytest.param("1,2,3,4", "4 fields, 3 expected", id="too many fields"),
        pytest.param("1", "1 fields, 3 expected", id="cut off"),
        pytest.param('1,"2,3', QUOTES, id="a quote opens and nothing closes it"),
        pytest.param('1,2",3', QUOTES, id="a quote closes and nothing opened it"),
        pytest.param('1,x"y,3', QUOTES, id="a quote within a field"),
        pytest.param('1,x"y"z,3', QUOTES, id="two quotes within a field"),
        pytest.param('1,"x"y,3', QUOTES, id="something behind a closing quote"),
        pytest.param('1, "x",3', QUOTES, id="a blank before an opening quote"),
        pytest.param('1,"x",3,4', QUOTES, id="quotes, and too many fields"),
        pytest.param('"1,2,3"', QUOTES, id="quotes around the whole line"),
        pytest.param(f"1,{NOT_UTF8},3", "the line is no UTF-8", id="no UTF-8"),
        pytest.param(f'1,"{NOT_UTF8}",3', "the line is no UTF-8", id="no UTF-8 within quotes"),
        pytest.param(f"1,{NOT_UTF8}", "the line is no UTF-8", id="no UTF-8 and too few fields"),
    ],
)
def test_a_broken_line_is_refused_alone(line: str, detail: str) -> None:
    rows, unreadable = read(f'a,b,c\n7,8,9\n{line}\n"x","y, y",z\n')
    assert rows == [(1, "7", "8", "9"), (3, "x", "y, y", "z")]
    assert unreadable == [(2, detail)]


def test_two_stray_quotes_do_not_swallow_the_records_between_them() -> None:
    rows, unreadable = read('a,b,c\n1,"2,3\n4,5,6\n"x","y",z\n7,8",9\n')
    assert rows == [(2, "4", "5", "6"), (3, "x", "y", "z")]
    assert unreadable == [(1, QUOTES), (4, QUOTES)]


def test_a_line_that_is_a_record_of_its_own_is_not_taken_for_text() -> None:
    rows, unreadable = read('a,b,c\n1,"2,3\n4,5,6\n7,8",9\n')
    assert rows == [(2, "4", "5", "6")]
    assert unreadable == [(1, QUOTES), (3, QUOTES)]
    rows, unreadable = read('a,b,c\n1,"2,3\n4,5\n7,8",9\n')
    assert (rows, unreadable) == ([(1, "1", "2,3\n4,5\n7,8", "9")], [])


def test_a_quote_reaches_no_further_than_the_longest_record() -> None:
    assert RECORD_MAX < 100
    within, beyond = ("\n".join(["x"] * (RECORD_MAX - n)) for n in (1, 0))
    assert read(f'a,b,c\n1,"{within}\n",3\n')[0] == [(1, "1", within + "\n", "3")]
    rows, unreadable = read(f'a,b,c\n1,"{beyond}\n",3\n7,8,9\n')
    assert rows == [(RECORD_MAX + 2, "7", "8", "9")]
    assert len(unreadable) == RECORD_MAX + 1


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        pytest.param("b,c", "line 1: column 'a' is missing", id="a required column is missing"),
        pytest.param("", "line 1: column 'a' is missing", id="a blank line"),
        pytest.param("a,b,a", "line 1: column 'a' stands twice", id="a column stands twice"),
        pytest.param("a,x", "line 1: the name of column 2 is unknown; known are a, b, c", id="an unknown column"),
        pytest.param("a,,b", "line 1: the name of column 2 is unknown; known are a, b, c", id="a column without name"),
        pytest.param("A,b", "line 1: the name of column 1 is unknown; known are a, b, c", id="capitals"),
        pytest.param("a;b;c", "line 1: the name of column 1 is unknown; known are a, b, c", id="semicolons"),
        pytest.param("1,2,3", "line 1: the name of column 1 is unknown; known are a, b, c", id="no header at all"),
        pytest.param("a,b,c\r1,2,3\r", "line 1: column 'a' is missing", id="lines that end in a carriage return alone"),
        pytest.param("x" * 200_000, "line 1: column 'a' is missing", id="a header beyond all measure"),
    ],
)
def test_without_a_sound_header_every_record_is_unreadable(header: str, detail: str) -> None:
    assert read(f'{header}\n1,2,3\n\n4,"5,6\n') == ([], [(1, detail), (2, detail)])


@pytest.mark.parametrize("text", ["", "\n", "a,b,c", "a,b,c\n", "a,b,c\r\n\r\n", "\ufeffa,b,c\n"])
def test_a_file_without_records_has_none(text: str) -> None:
    assert read(text) == ([], [])


MIXED = """\
a,b,c
1,2,3
2,"two
lines",3

3,"x,3
4,5
5,"a ""b"" c",6
6,"three

lines","and
two"
7,8,9
8,"open
"""


@pytest.mark.parametrize("cut", range(1, MIXED.count("\n") + 1))
def test_a_file_may_be_cut_before_any_line(cut: int) -> None:
    whole = read(MIXED)
    assert [row[0] for row in whole[0]] == [1, 2, 5, 6, 7]
    assert [row[0] for row in whole[1]] == [3, 4, 8]
    assert read(MIXED, cuts=[cut]) == whole


def test_a_file_may_be_fed_line_by_line() -> None:
    assert read(MIXED, cuts=range(1, MIXED.count("\n"))) == read(MIXED)


def test_whatever_a_csv_writer_writes_is_read_back_however_it_is_cut() -> None:
    chance = random.Random(20261001)
    for _ in range(40):
        fields = [["".join(chance.choices("ab\" \n\r'é", k=chance.randint(0, 6))) for _ in "abc"] for _ in range(5)]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator=chance.choice(["\n", "\r\n"]), quoting=csv.QUOTE_ALL).writerows(
            ["abc", *fields]
        )
        wanted = [(place, *(field or None for field in row)) for place, row in enumerate(fields, start=1)]
        cuts = sorted(chance.choices(range(text.getvalue().count("\n")), k=3))
        assert read(text.getvalue()) == (wanted, [])
        assert read(text.getvalue(), cuts=cuts) == (wanted, [])


def test_a_header_may_spell_a_name_in_several_ways() -> None:
    reader = CsvLines(known=("a", "b"), required=("a", "b"), others=True, spelled=str.lower)
    found = reader.feed(pl.Series(["B,Other,A", "1,2,3"]), last=True)
    assert found.rows.rows() == [(1, "3", "1")]


def test_two_spellings_of_one_name_are_that_name_twice() -> None:
    reader = CsvLines(known=("a", "b"), required=("a",), others=True, spelled=str.lower)
    found = reader.feed(pl.Series(["A,a", "1,2"]), last=True)
    assert found.unreadable["detail"].to_list() == ["line 1: column 'a' stands twice"]
