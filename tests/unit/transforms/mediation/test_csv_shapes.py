"""CSV without a header, in several widths, with another delimiter, and with lines that are no records."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from transforms.mediation.text_lines import COLUMNS_MAX, CsvLines

Row = tuple[Any, ...]
SHAPES = {2: ["a", "b"], 3: ["a", "b", "c"], 5: ["a", "b", "x", "y", "c"]}


def shaped(**options: Any) -> CsvLines:
    return CsvLines(known=("a", "b", "c"), shapes={width: list(names) for width, names in SHAPES.items()}, **options)


def read(reader: CsvLines, text: str, size: int = 1_000) -> tuple[list[Row], list[Row]]:
    """The rows and the unreadable records of a file that is fed in batches of `size` lines."""
    lines = text.split("\n")
    bounds = [*range(0, len(lines), size), len(lines)]
    parts = [
        reader.feed(pl.Series(lines[start:end], dtype=pl.String), last=end == len(lines))
        for start, end in pairwise(bounds)
    ]
    rows, unreadable = (pl.concat([getattr(part, name) for part in parts]) for name in ("rows", "unreadable"))
    return rows.rows(), unreadable.select("record_number", "detail").rows()


@pytest.mark.parametrize("size", [1, 2, 1_000])
def test_every_line_has_the_columns_of_its_width(size: int) -> None:
    text = '1,2\n3,4,5\n6,7,8,9,10\n"1,1","2"\n"3","4","5"\n"6,",7,8,"9","10"\n11,12,13,14\n"1","2","3","4"'
    rows, unreadable = read(shaped(), text, size)
    assert rows == [
        (1, "1", "2", None),
        (2, "3", "4", "5"),
        (3, "6", "7", "10"),
        (4, "1,1", "2", None),
        (5, "3", "4", "5"),
        (6, "6,", "7", "10"),
    ]
    assert unreadable == [
        (7, "4 fields, 2 or 3 or 5 expected"),
        (8, "the quotes of the line do not pair up to 2 or 3 or 5 fields"),
    ]


def test_the_usual_width_is_no_reason_to_take_another_for_it() -> None:
    usual = "\n".join(['"1","2","3"'] * 300)
    rows, unreadable = read(shaped(), f'{usual}\n"4","5"\n"6","7,8"\n"9","1","2","3","4"\n"5"', 200)
    assert rows[300:] == [(301, "4", "5", None), (302, "6", "7,8", None), (303, "9", "1", "4")]
    assert [number for number, _ in unreadable] == [304]


def test_a_first_line_that_names_columns_is_a_header_all_the_same() -> None:
    assert read(shaped(), "C,A\n3,1\n4,5,6")[0] == [(1, "1", None, "3"), (2, "4", "5", "6")]


@pytest.mark.parametrize("first", ["a,a", "a,d", "", "1,2"])
def test_a_first_line_that_does_not_is_a_record_or_nothing(first: str) -> None:
    rows, _ = read(shaped(), f"{first}\n3,4")
    assert rows[-1][1:] == ("3", "4", None)
    assert len(rows) == (2 if first else 1)


@pytest.mark.parametrize("mark", [";", "\t", "|", " ", "^", "-", "]", "\\", "."])
def test_any_sign_may_stand_between_the_fields(mark: str) -> None:
    text = "a,b,c\n1,2,3\n\"4\",'5','6'\n\"7,8\",9,1".replace(",", mark)
    rows, unreadable = read(CsvLines(known=("a", "b", "c"), delimiter=mark), text)
    assert rows == [(1, "1", "2", "3"), (2, "4", "'5'", "'6'"), (3, f"7{mark}8", "9", "1")]
    assert unreadable == []


def test_a_comma_is_a_sign_like_any_other_where_it_stands_between_no_fields() -> None:
    assert read(CsvLines(known=("a", "b"), delimiter=";"), 'a;b\n1,5;2\n"3,5";4')[0] == [
        (1, "1,5", "2"),
        (2, "3,5", "4"),
    ]


def test_other_columns_are_passed_over_where_they_may_be() -> None:
    text = 'x,a,x,b\n1,2,3,4\n"5","6","7","8"'
    assert read(CsvLines(known=("a", "b"), others=True), text)[0] == [(1, "2", "4"), (2, "6", "8")]
    rows, unreadable = read(CsvLines(known=("a", "b")), text)
    assert rows == []
    assert unreadable[0][1].startswith("line 1: the name of column 1 is unknown")


def test_a_header_of_too_many_columns_is_refused() -> None:
    header = ",".join(["a", *(f"x{place}" for place in range(COLUMNS_MAX))])
    rows, unreadable = read(CsvLines(known=("a",), others=True), f'{header}\n1,"2"\n3,4')
    assert rows == []
    said = f"line 1: {COLUMNS_MAX + 1} columns, and at most {COLUMNS_MAX} are read"
    assert unreadable == [(1, said), (2, said)]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lines_before_and_behind_the_header_are_no_records(size: int) -> None:
    reader = CsvLines(known=("a", "b"), before=2, skipped=1)
    assert read(reader, "Report\n\na,b\ntext,int\n1,2", size) == ([(1, "1", "2")], [])
    assert reader.lines_read == 4


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize(("second", "records"), [("INTEGER,TEXT", 1), ("3,4", 2)])
def test_lines_behind_the_header_may_be_records_where_they_begin_otherwise(
    size: int, second: str, records: int
) -> None:
    reader = CsvLines(known=("a", "b"), skipped=1, skipped_if=re.compile("INTEGER"))
    rows, _ = read(reader, f"a,b\n{second}\nINTEGER,2", size)
    assert (len(rows), reader.lines_read) == (records, 3)
    assert rows[-1][1:] == ("INTEGER", "2")


TEXT = 'Report\na,b\n\n1,2\n"x\ny",3\n\n4,5\n"z,6\n7,8'


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_one_record_is_read_alone_and_its_line_told(size: int) -> None:
    whole, broken = read(CsvLines(known=("a", "b"), before=1), TEXT, size)
    assert broken == [(4, "the quotes of the line do not pair up to 2 fields")]
    lines = []
    for number in range(1, 6):
        reader = CsvLines(known=("a", "b"), before=1, only=number)
        rows, unreadable = read(reader, TEXT, size)
        assert (rows, unreadable) == (
            [row for row in whole if row[0] == number],
            [row for row in broken if row[0] == number],
        )
        assert reader.records == 5
        lines.append(reader.line)
    assert lines == [4, 5, 8, 9, 10]


def test_a_record_of_a_file_with_an_unsound_header_has_its_line() -> None:
    reader = CsvLines(known=("a", "b"), only=2)
    assert read(reader, "a,c\n1,2\n\n3,4")[1][0][0] == 2
    assert reader.line == 4
