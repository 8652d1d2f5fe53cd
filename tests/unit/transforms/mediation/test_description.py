"""What a description of a CSV may say: anything else is told in a sentence that names it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from transforms.mediation.description import described

SOUND = """
[columns]
record_id = "id"
from_number = "a"
to_number = "b"
started_at = "at"
status = "result"
[constants]
service = "voice"
"""


def problems(text: str) -> list[str]:
    return described(tomllib.loads(text))[1]


def test_a_sound_description_has_no_problems() -> None:
    found, wrong = described(tomllib.loads(SOUND))
    assert wrong == []
    assert found.used == ("id", "a", "b", "at", "result")
    assert (found.delimiter, found.time_format, found.unit, found.names) == (",", "iso", "seconds", ())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[colums]\n", "'colums' is unknown"),
        ("only = 3\n", "only must be a section [only]"),
        ("[file]\ndelimeter = ';'\n", "[file] delimeter: is unknown"),
        ("[file]\ndelimiter = ';;'\n", "[file] delimiter: one sign"),
        ("[file]\ndelimiter = '\"'\n", "[file] delimiter: one sign"),
        ("[file]\ndelimiter = 'a'\n", "[file] delimiter: one sign"),
        ("[file]\nheader = 'yes'\n", "[file] header: true or false"),
        ("[file]\nheader = false\n", "either header = true"),
        ("[file]\nheader = true\ncolumns = ['id', 'a', 'b', 'at', 'result']\n", "either header = true"),
        ("[file]\ncolumns = ['id', 'a', 'b', 'at']\n", "column 'result' is not among [file] columns"),
        ("[file]\ncolumns = ['id', 'a', 'b', 'at', 'result', 'id']\n", "[file] columns: 'id' stands twice"),
        ("[file]\nlines_before = -1\n", "[file] lines_before: a number of lines"),
        ("[file]\nlines_behind = true\n", "[file] lines_behind: a number of lines"),
        ("[time]\nformat = '%Y-%m-%d'\n", "[time] format"),
        ("[time]\nformat = '%d.%m. %H:%M'\n", "[time] format"),
        ("[time]\nformat = '%Y-%m-%d %I:%M'\n", "[time] format"),
        ("[time]\nformat = '%Y-%m-%d %H:%Q'\n", "[time] format"),
        ("[time]\nformat = 7\n", "[time] format"),
        ("[time]\nzone = 'Mars/Olympus'\n", "[time] zone: 'Mars/Olympus'"),
        ("[time]\nzone = 3\n", "[time] zone: '3'"),
        ("[duration]\nunit = 'hours'\n", "[duration] unit: 'hours'"),
        ("[numbers]\ncountry = 'XX'\n", "[numbers] country: 'XX'"),
        ("[numbers]\ncountry = 'FR'\ninternational = true\n", "[numbers] either country"),
        ("[values.staus]\nOK = 'answered'\n", "[values.staus]"),
        ("[values.started_at]\nnow = 'x'\n", "[values.started_at]"),
        ("[values.status]\nOK = 'fine'\n", "[values.status]: 'fine' is none of answered"),
        ("[values.status]\nOK = 'answered'\nok = 'failed'\n", "a word stands twice"),
        ("[values.status]\nOK = 1\n", "[values.status]: a text is expected"),
        ("[only]\nkind = 3\n", "[only] kind: a text"),
        ("[skip]\nkind = []\n", "[skip] kind: a text"),
    ],
)
def test_what_is_wrong_is_told(text: str, sentence: str) -> None:
    found = problems(text + SOUND)
    assert any(sentence in one for one in found), found


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('status = "result"', 'state = "result"', "[columns] state: is no field"),
        ('status = "result"', 'status = ["result", "code"]', "[columns] status: only record_id"),
        ('status = "result"', "status = []", "[columns] status: the name of a column"),
        ('service = "voice"', 'service = "fax"', "[constants] service: 'fax' is none of voice, sms"),
        ('service = "voice"', 'service = "voice"\nstatus = "answered"', "status: stands under [columns] and"),
        ('service = "voice"', 'service = "voice"\ntext = "x"', "[constants] text: is no field"),
        ('service = "voice"', 'service = "voice"\nlinked_id = ""', "[constants] linked_id: a text"),
        ('service = "voice"', "", "service: no column of [columns]"),
        ('record_id = "id"', "", "record_id: no column of [columns]"),
    ],
)
def test_columns_and_constants_are_fields(old: str, new: str, sentence: str) -> None:
    assert old in SOUND
    found = problems(SOUND.replace(old, new))
    assert any(sentence in one for one in found), found


@pytest.mark.parametrize(
    "table", [{}, {"columns": None}, {"columns": {"record_id": {"a": 1}}}, {"values": {"status": []}}]
)
def test_nothing_in_a_description_raises(table: dict[str, Any]) -> None:
    assert described(table)[1]
