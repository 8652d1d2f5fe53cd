"""Readers say how many lines of their file they account for, whatever the lines hold and however they are fed."""

from __future__ import annotations

import polars as pl
import pytest

from transforms.mediation.column_records import ColumnReader
from transforms.mediation.contract import Reader, lines_read
from transforms.mediation.formats.standard import StandardLines
from transforms.mediation.json_lines import JsonLines
from transforms.mediation.json_texts import JsonTexts
from transforms.mediation.text_lines import CsvLines

TEXT = pl.Struct({"a": pl.String()})


def fed(reader: CsvLines | JsonLines | JsonTexts, text: str, size: int) -> int | None:
    lines = text.split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    parts = [lines[at : at + size] for at in range(0, len(lines), size)] or [[]]
    for place, part in enumerate(parts):
        reader.feed(pl.Series(part, dtype=pl.String), last=place == len(parts) - 1)
    return reader.lines_read


def not_empty(text: str) -> int:
    return sum(1 for line in text.split("\n") if line.strip("\r"))


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n\r\n\n3,4",
        'a,b\n1,"two\nlines"\n3,4\n',
        'a,b\n1,"two\n\nlines and an empty one"\r\n3,4\n',
        'a,b\n1,"stray\n3,4\n5,6\n',
        "a,b\n1,2,3\n \n\r\r\n4",
        "nonsense\n1,2\n\n",
        "",
    ],
)
def test_csv(text: str, size: int) -> None:
    assert fed(CsvLines(known=("a", "b"), required=("a",)), text, size) == not_empty(text)


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("text", ["\ufeff1,2\n3,4\n", "\ufeff\n3,4\n", "a,b\n1,2\n", "\n1,2\n"])
def test_csv_without_a_header(text: str, size: int) -> None:
    assert fed(CsvLines(known=("a", "b"), shapes={2: ["a", "b"]}), text, size) == not_empty(text)


@pytest.mark.parametrize("size", [1, 100])
def test_csv_with_lines_that_are_no_records(size: int) -> None:
    text = "a,b\nINTEGER,VARCHAR\n1,2\n"
    reader = CsvLines(known=("a", "b"), skipped=1)
    assert fed(reader, text, size) == 3
    assert reader.records == 1


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("text", ['{"a":1}\n{"a":2}\n', '\ufeff{"a":1}\r\n \n\n\t\r\nno json\n', "", "\ufeff\n"])
def test_json_lines(text: str, size: int) -> None:
    assert fed(JsonLines(TEXT), text, size) == not_empty(text)
    assert fed(JsonTexts(TEXT), text, size) == not_empty(text)


def test_json_over_many_lines_is_not_counted() -> None:
    assert fed(JsonTexts(TEXT), '[\n{"a":1},\n{"a":2}\n]\n', 100) is None


def test_a_reader_of_a_format_is_asked_through_its_lines() -> None:
    reader = StandardLines(CsvLines(known=("a",), required=("a",)))
    reader.lines.feed(pl.Series(["a", "1"]), last=True)
    assert lines_read(reader) == 2
    columns = ColumnReader(known=("a",), required=())
    columns.feed(pl.DataFrame({"a": ["1", "2", "3"]}), last=True)
    assert lines_read(columns) == 3

    class Silent:
        records = 7

    silent: Reader = Silent()  # type: ignore[assignment]
    assert lines_read(silent) is None
