"""JSON in any writing: lines, arrays, pages, objects over many lines; what is broken takes no other object with it."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from transforms.mediation import json_texts
from transforms.mediation.json_texts import JsonTexts

SCHEMA = pl.Struct({"a": pl.String(), "b": pl.String()})
OBJECTS: list[dict[str, Any]] = [{"a": "1", "b": "x\ny"}, {"a": "2", "b": "}{[]\"',"}, {"b": "3", "c": {"d": [1]}}]
ROWS = [(1, "1", "x\ny"), (2, "2", "}{[]\"',"), (3, None, "3")]


def read(text: str, size: int = 1_000, **options: Any) -> tuple[list[tuple[Any, ...]], list[int], JsonTexts]:
    """The rows and the numbers of unreadable records of a text, fed in batches of `size` lines."""
    reader = JsonTexts(SCHEMA, pages=("calls",), **options)
    lines = text.split("\n")
    bounds = [*range(0, len(lines), size), len(lines)]
    parts = [
        reader.feed(pl.Series(lines[start:end], dtype=pl.String), last=end == len(lines))
        for start, end in pairwise(bounds)
    ]
    rows = pl.concat([part.rows for part in parts]).select("record_number", "a", "b")
    unreadable = pl.concat([part.unreadable for part in parts])["record_number"].to_list()
    if not options:
        assert reader.records == rows.height + len(unreadable)
    return rows.rows(), unreadable, reader


WAYS = {
    "lines": "\n".join(map(json.dumps, OBJECTS)),
    "an array in a line": json.dumps(OBJECTS),
    "an array over many": json.dumps(OBJECTS, indent=2),
    "a page": json.dumps({"next": None, "calls": OBJECTS}),
    "a page over many": json.dumps({"next": None, "calls": OBJECTS}, indent=2),
    "pages in lines": "\n".join(json.dumps({"calls": [item]}) for item in OBJECTS),
    "objects over many": "\n".join(json.dumps(item, indent=2) for item in OBJECTS),
    "objects behind each other": "[\n" + ", ".join(map(json.dumps, OBJECTS)) + "\n]",
    "with a mark and blank lines": "\ufeff\n\n" + json.dumps(OBJECTS, indent=1) + "\n\n",
    "in lines with blank ones": "\n\n".join(map(json.dumps, OBJECTS)) + "\n",
}


@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
@pytest.mark.parametrize("way", WAYS)
def test_the_same_objects_in_any_writing(way: str, size: int) -> None:
    assert read(WAYS[way], size)[:2] == (ROWS, [])


@pytest.mark.parametrize("size", [1, 4, 1_000])
@pytest.mark.parametrize("way", WAYS)
def test_one_record_is_read_alone(way: str, size: int) -> None:
    for number, row in enumerate(ROWS, start=1):
        rows, unreadable, reader = read(WAYS[way], size, only=number)
        assert (rows, unreadable, reader.records) == ([row], [], 3)


@pytest.mark.parametrize("size", [1, 4, 1_000])
@pytest.mark.parametrize(
    ("way", "lines"),
    [
        ("lines", [1, 2, 3]),
        ("an array in a line", [1, 1, 1]),
        ("an array over many", [2, 6, 10]),
        ("a page over many", [1, 1, 1]),
        ("pages in lines", [1, 2, 3]),
        ("objects over many", [1, 5, 9]),
        ("in lines with blank ones", [1, 3, 5]),
    ],
)
def test_where_a_record_or_its_page_begins(way: str, lines: list[int], size: int) -> None:
    assert [read(WAYS[way], size, only=number)[2].line for number in (1, 2, 3)] == lines


@pytest.mark.parametrize("size", [1, 1_000])
def test_a_broken_object_is_one_record_and_the_next_is_read(size: int) -> None:
    first, second, third = (json.dumps(item, indent=2) for item in OBJECTS)
    broken = f"{first}\n{second[:-9]}\n{third}"
    rows, unreadable, _ = read(broken, size)
    assert rows[0] == ROWS[0]
    assert rows[-1][1:] == ROWS[2][1:]
    assert unreadable == [2]


def test_a_text_cut_off_is_a_record_that_is_unreadable() -> None:
    whole = json.dumps(OBJECTS, indent=2)
    rows, unreadable, _ = read(whole[: whole.rindex("{") + 5])
    assert (rows, unreadable) == (ROWS[:2], [3])


def test_what_is_no_json_at_all_is_unreadable() -> None:
    assert read("[\nnonsense\n]")[1] == [1]


def test_an_object_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_texts, "TEXT_MAX", 300)
    text = '[{"a": "' + "x\n" * 400 + '\n{"a": "7"}\n]'
    rows, unreadable, _ = read(text, 10)
    assert [row[1] for row in rows] == ["7"]
    assert unreadable[0] == 1


def test_deep_nesting_is_unreadable() -> None:
    deep = "[" * 3 + '{"a":' * 50_000 + "1" + "}" * 50_000
    assert read(f"{deep}\n")[1] == [1]


@pytest.mark.parametrize("seed", range(30))
def test_batches_make_no_difference_to_broken_texts(seed: int) -> None:
    draw = random.Random(seed)
    text = json.dumps(OBJECTS * 3, indent=2)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(text))
        text = text[:at] + draw.choice(['"', "{", "}", "[", "]", "\n", ",", ""]) + text[at + 1 :]
    rows, unreadable, reader = read(text)
    assert reader.records == len(rows) + len(unreadable)
    for size in (1, 7):
        _, _, other = read(text, size)
        assert other.records > 0


def page_of(draw: random.Random) -> str:
    """A page, or what is nearly one."""
    values: list[Any] = [1, 83.20, -0.0, 1e2, True, None, "x", "\u00e9\n", "\ud83d", "\U0001f600", {}, [1]]
    weights = [20] * 8 + [1, 20, 1, 1]
    records: list[Any] = [
        {name: draw.choices(values, weights)[0] for name in draw.sample("abc", draw.randint(0, 3))}
        for _ in range(draw.randint(0, 4))
    ]
    odd = draw.random()
    records = [*records, draw.choice([None, 1, "x", [{}]])] if odd < 0.05 else records
    page: Any = draw.choice([None, {}, "x"]) if odd > 0.97 else records
    text = json.dumps({"next": None, "calls": page, "more": {"calls": 1}}, indent=draw.choice([None, 2, 4]))
    if draw.random() < 0.1:
        at = draw.randrange(len(text))
        text = text[:at] + draw.choice(["", "{", "}", "\n", "\ufeff", ","]) + text[at + 1 :]
    return text


@pytest.mark.parametrize("seed", range(60))
def test_pages_read_at_once_are_as_those_read_one_by_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    text = draw.choice(["", "\ufeff", "\n"]) + draw.choice(["\n", "\r\n\n"]).join(
        page_of(draw) for _ in range(draw.randint(1, 9))
    )
    at_once = [read(text, size)[:2] for size in (1_000, draw.randint(1, 40))]
    monkeypatch.setattr(JsonTexts, "_whole_pages", lambda *_, **__: None)
    assert at_once == [read(text)[:2]] * 2


def test_whole_pages_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(JsonTexts, "_objects")
    page = json.dumps({"calls": OBJECTS}, indent=4)
    assert read(f"\ufeff{page}\n\n{page}\n", 7)[:2] == ([*ROWS, *((n + 3, *row) for n, *row in ROWS)], [])


def test_half_a_surrogate_pair_is_refused_alone() -> None:
    page = json.dumps({"calls": [{"a": "1"}, {"a": "\ud83d"}, {"a": "\U0001f600"}]}, indent=1)
    assert read(page)[:2] == ([(1, "1", None), (3, "\U0001f600", None)], [2])


@pytest.mark.parametrize("text", ["[]", '{"calls": []}', '{"calls": [], "next": null}\n{"calls": []}', ",,"])
def test_a_text_without_records_leaves_no_line_unaccounted_for(text: str) -> None:
    rows, unreadable, reader = read(text)
    assert (rows, unreadable, reader.lines_read) == ([], [], None)
