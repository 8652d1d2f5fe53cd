"""callbill's own usage format: the same records as CSV, JSON lines and columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from transforms.mediation.contract import Kind, Read
from transforms.mediation.formats import all_formats
from transforms.mediation.records import FIELDS, Mediated, mediate
from transforms.mediation.source import Source

SAMPLES = Path(__file__).parents[4] / "samples"
STANDARD = all_formats()["standard"]

CALL = {
    "record_id": "r1",
    "service": "voice",
    "direction": "outbound",
    "from_number": "+33184000001",
    "to_number": "+33145000001",
    "started_at": "2026-10-05T10:00:00Z",
    "duration_seconds": "83",
}


def feed(kind: Kind, lines: list[str]) -> Read:
    return STANDARD.reader(kind, Source()).feed(pl.DataFrame({"line": lines}, schema={"line": pl.String}), last=True)


def as_csv(*records: dict[str, Any]) -> Read:
    quoted = [[str(record.get(name) or "").join('""') for name in FIELDS] for record in records]
    return feed("csv", [",".join(FIELDS), *(",".join(row) for row in quoted)])


def as_json(*records: dict[str, Any]) -> Read:
    return feed("json", [json.dumps(record) for record in records])


def as_columns(*records: dict[str, Any]) -> Read:
    frame = pl.DataFrame(list(records), schema=dict.fromkeys(FIELDS, pl.String), orient="row")
    return STANDARD.reader("columns", Source()).feed(frame, last=True)


@pytest.mark.parametrize("read", [as_csv, as_json, as_columns])
def test_the_same_record_in_each_kind_of_file(read: Any) -> None:
    found = read(CALL, CALL | {"record_id": "r2", "status": "busy", "linked_id": ""})
    assert found.fields.columns == ["record_number", *FIELDS]
    assert found.unreadable.is_empty()
    assert found.fields.select("record_number", "record_id", "status", "linked_id", "text").rows() == [
        (1, "r1", None, None, None),
        (2, "r2", "busy", None, None),
    ]


def test_an_empty_text_is_a_message_in_json_and_a_missing_field_in_csv() -> None:
    message = CALL | {"service": "sms", "text": ""}
    assert as_json(message).fields["text"].to_list() == [""]
    assert as_columns(message).fields["text"].to_list() == [""]
    assert as_csv(message).fields["text"].to_list() == [None]


def test_numbers_of_json_are_as_good_as_texts() -> None:
    numbers = CALL | {"record_id": 261008000001, "from_number": 33184000001, "duration_seconds": 82.5}
    assert mediate(as_json(numbers).fields).records.select("record_id", "own_number", "billable_seconds").row(0) == (
        "261008000001",
        "+33184000001",
        83,
    )


def sample(name: str) -> tuple[Read, Mediated]:
    path = SAMPLES / name
    kind: Kind = "csv" if path.suffix == ".csv" else "json"
    found = feed(kind, path.read_text(encoding="utf-8").split("\n"))
    return found, mediate(found.fields)


def test_the_sample_of_csv() -> None:
    found, mediated = sample("standard.csv")
    columns = ("record_number", "record_id", "own_number", "billable_seconds", "segments", "forwarded_to")
    assert mediated.records.select(columns).rows() == [
        (1, "s-0001", "+33199000001", 83, None, None),
        (2, "s-0002", "+33199000001", 62, None, None),
        (3, "s-0003", "+33199000001", 0, None, None),
        (4, "s-0004", "+33261910042", 127, None, "+33639980018"),
        (5, "s-0005", "+33261910042", 9, None, "+33639980018"),
        (6, "s-0006", "+33805080001", 3605, None, None),
        (7, "s-0007", "+33639980001", 0, 1, None),
        (8, "s-0008", "+33639980001", 0, 1, None),
        (9, "s-0009", "+33639980001", 0, 1, None),
        (10, "s-0010", "+33639980001", 0, 2, None),
        (11, "s-0011", "+33639980001", 0, 3, None),
        (12, "s-0012", "+33639980001", 0, None, None),
        (13, "s-0013", "+33639980001", 0, 1, None),
        (15, "s-0001", "+33199000001", 84, None, None),
    ]
    assert mediated.refused.is_empty()
    assert found.unreadable.rows() == [(14, None, "unreadable", "4 fields, 16 expected")]


def test_the_sample_of_json() -> None:
    found, mediated = sample("standard.jsonl")
    assert mediated.records.select("record_id", "billable_seconds", "segments", "text_length").rows() == [
        ("j-0001", 12, None, None),
        ("j-0002", 40, None, None),
        ("j-0003", 0, 1, 0),
        ("j-0004", 0, 1, 69),
        ("j-0005", 0, 1, 16),
        ("j-0006", 0, None, None),
    ]
    assert mediated.refused.is_empty()
    assert found.unreadable.rows() == [(7, None, "unreadable", "the line is no JSON object")]


CANARY = "Canary"
TEXT = f"{CANARY}, the keys lie under the mat"


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        pytest.param("csv", [",".join(FIELDS), ",".join(["x"] * 12 + [f'"{TEXT}"'] + [""] * 3)], id="a sound line"),
        pytest.param("csv", [",".join(FIELDS), f'1,voice,"{TEXT}'], id="a line that was cut off"),
        pytest.param("csv", [",".join(FIELDS), f"{TEXT},{TEXT}"], id="too few fields"),
        pytest.param("csv", [TEXT, "1,2"], id="no header, the text in its place"),
        pytest.param("csv", [f"record_id,service,{CANARY}", "1,2,3"], id="no header, one word in its place"),
        pytest.param("csv", [f'record_id,"{TEXT}', "1,2,3"], id="a header with an open quote"),
        pytest.param("json", [json.dumps({"text": TEXT})], id="a sound object"),
        pytest.param("json", [json.dumps({"text": {"x": TEXT}})], id="a text of another shape"),
        pytest.param("json", [json.dumps({TEXT: 1, "record_id": [TEXT]})], id="a name of no field"),
        pytest.param("json", [f'{{"text":"{TEXT}'], id="an object that was cut off"),
        pytest.param("json", [f'{{"text":"{TEXT} \\ud83d"}}'], id="half a surrogate pair"),
        pytest.param("json", [TEXT], id="no object at all"),
    ],
)
def test_no_text_is_kept_of_any_line(kind: Kind, lines: list[str]) -> None:
    found = feed(kind, lines)
    mediated = mediate(found.fields)
    assert mediated.refused.height + found.unreadable.height == 1
    frames = (mediated.records, mediated.refused, found.unreadable)
    assert not any(CANARY in str(cell) for frame in frames for row in frame.rows() for cell in row)
