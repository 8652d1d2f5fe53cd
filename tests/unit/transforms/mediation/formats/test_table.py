"""A CSV that a description tells apart: its columns, times, units, numbers, words and conditions."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from transforms.mediation.contract import Read
from transforms.mediation.formats import all_formats
from transforms.mediation.formats.table import misfits
from transforms.mediation.records import mediate
from transforms.mediation.source import Source

SAMPLES = Path(__file__).parents[4] / "samples"
DESCRIPTION = tomllib.loads((SAMPLES / "table.toml").read_text("utf-8"))

PLAIN = """
[columns]
record_id = "id"
from_number = "a"
to_number = "b"
started_at = "at"
duration_seconds = "seconds"
[constants]
service = "voice"
"""
HEADER = "id,a,b,at,seconds"


def read(text: str, table: dict[str, Any], *, cuts: tuple[int, ...] = (), zone: str = "Europe/Paris") -> Read:
    lines = text.removesuffix("\n").split("\n")
    reader = all_formats()["table"].reader("csv", Source(time_zone=zone, country="FR", table=table))
    bounds = [0, *cuts, len(lines)]
    parts = [
        reader.feed(pl.DataFrame({"line": lines[start:end]}, schema={"line": pl.String}), last=end == len(lines))
        for start, end in pairwise(bounds)
    ]
    fields = pl.concat([part.fields for part in parts])
    unreadable = pl.concat([part.unreadable for part in parts])
    unbillable = sum(part.unbillable for part in parts)
    assert reader.records == fields.height + unreadable.height + unbillable
    return Read(fields, unreadable, unbillable)


def one(line: str, more: str = "", header: str = HEADER) -> dict[str, Any]:
    """The only record of a file of one line."""
    found = read(f"{header}\n{line}\n", tomllib.loads(PLAIN + more))
    assert found.fields.height == 1
    return found.fields.row(0, named=True)


def usage(line: str, more: str = "") -> tuple[list[dict[str, Any]], list[str]]:
    mediated = mediate(read(f"{HEADER}\n{line}\n", tomllib.loads(PLAIN + more)).fields)
    return mediated.records.to_dicts(), mediated.refused["detail"].to_list()


def test_the_sample_is_read() -> None:
    found = read((SAMPLES / "table.csv").read_text("utf-8"), DESCRIPTION)
    assert (found.fields.height, found.unbillable) == (9, 1)
    assert found.unreadable.rows() == [(11, None, "unreadable", "6 fields, 10 expected")]
    first = found.fields.row(0, named=True)
    assert {name: value for name, value in first.items() if value is not None} == {
        "record_number": 1,
        "record_id": "pbx1:1001",
        "service": "voice",
        "direction": "outbound",
        "from_number": "+33261910042",
        "to_number": "+33639980030",
        "started_at": datetime(2026, 10, 1, 8, 15, tzinfo=UTC),
        "duration_seconds": "149",
        "status": "answered",
    }


@pytest.mark.parametrize("cuts", [(1,), (1, 2, 3), (5, 9), tuple(range(1, 12))])
def test_batches_make_no_difference(cuts: tuple[int, ...]) -> None:
    text = (SAMPLES / "table.csv").read_text("utf-8")
    at_once, in_parts = read(text, DESCRIPTION), read(text, DESCRIPTION, cuts=cuts)
    assert in_parts.fields.equals(at_once.fields)
    assert in_parts.unreadable.equals(at_once.unreadable)


def test_lines_before_and_behind_the_header_are_no_records() -> None:
    table = tomllib.loads(PLAIN + "[file]\nlines_before = 2\nlines_behind = 1\n")
    text = f"Report\nof October\n{HEADER}\ntext,text,text,text,int\n1,0261910042,0639980030,2026-10-01T08:00:00Z,5\n"
    for cuts in ((), (1,), (1, 2, 3, 4)):
        assert read(text, table, cuts=cuts).fields["record_id"].to_list() == ["1"]


def test_a_file_without_a_header_may_still_have_one() -> None:
    table = tomllib.loads(PLAIN + '[file]\ndelimiter = "\\t"\ncolumns = ["id", "a", "b", "at", "", "seconds"]\n')
    line = '1\t0261910042\t"06 39 98 00 30"\t2026-10-01T08:00:00Z\tx\t5'
    found = read(line, table).fields.row(0, named=True)
    assert (found["to_number"], found["duration_seconds"]) == ("+33639980030", "5")


@pytest.mark.parametrize(
    ("form", "written", "hour"),
    [
        ("iso", "2026-10-01T10:15:00+02:00", 8),
        ("iso", "2026-10-01T10:15:00", None),
        ("%Y-%m-%d %H:%M:%S", "2026-10-01 10:15:00", 8),
        ("%Y-%m-%d %H:%M:%S", "2026-10-01T10:15:00", None),
        ("%m/%d/%Y %I:%M %p", "10/01/2026 10:15 AM", 8),
        ("%Y-%m-%d %H:%M:%S %z", "2026-10-01 10:15:00 +0100", 9),
        ("epoch", "1790842500", 8),
        ("epoch_ms", "1790842500000", 8),
        ("epoch_us", "1790842500000000", 8),
        ("epoch", "soon", None),
    ],
)
def test_times(form: str, written: str, hour: int | None) -> None:
    found = one(f"1,0261910042,0639980030,{written},5", f"[time]\nformat = '{form}'\n")["started_at"]
    assert found == (None if hour is None else datetime(2026, 10, 1, hour, 15, tzinfo=UTC))


def test_the_zone_of_the_description_goes_before_that_of_the_settings() -> None:
    time = "[time]\nformat = '%Y-%m-%d %H:%M'\n"
    line = "1,0261910042,0639980030,2026-10-01 10:15,5"
    assert one(line, time)["started_at"].hour == 8
    assert one(line, time + "zone = 'America/New_York'\n")["started_at"].hour == 14


@pytest.mark.parametrize(
    ("unit", "written", "seconds"),
    [
        ("seconds", "83.2", 84),
        ("milliseconds", "83200", 84),
        ("milliseconds", "83000", 83),
        ("milliseconds", "0.0001", 1),
        ("minutes", "1.5", 90),
        ("minutes", "0.01", 1),
        ("minutes", "9999999999999999", None),
        ("minutes", "1.2.3", None),
        ("milliseconds", "12345678901234567890", None),
        ("h:m:s", "1:02:03", 3723),
        ("h:m:s", "02:03", 123),
        ("h:m:s", "0:00:00.4", 1),
        ("h:m:s", "90", None),
        ("h:m:s", "1:60", None),
        ("seconds", "1:30", None),
    ],
)
def test_durations(unit: str, written: str, seconds: int | None) -> None:
    line = f"1,+33261910042,+33639980030,2026-10-01T08:00:00Z,{written}"
    records, refused = usage(line, f"[duration]\nunit = '{unit}'\n")
    if seconds is None:
        assert records == []
        assert refused[0].startswith("duration_seconds: expected seconds")
    else:
        assert [record["billable_seconds"] for record in records] == [seconds]


def test_national_numbers_take_the_country_of_the_description_else_of_the_settings() -> None:
    line = "1,02079460123,02079460124,2026-10-01T08:00:00Z,5"
    assert one(line, "[numbers]\ncountry = 'GB'\n")["from_number"] == "+442079460123"
    assert one("1,0261910042,0639980030,2026-10-01T08:00:00Z,5")["from_number"] == "+33261910042"


def test_international_numbers_need_no_country() -> None:
    line = "1,33261910042,0033639980030,2026-10-01T08:00:00Z,5"
    assert one(line, "[numbers]\ninternational = true\n")["from_number"] == "33261910042"
    records, _ = usage(line, "[numbers]\ninternational = true\n")
    assert (records[0]["own_number"], records[0]["other_number"]) == ("+33261910042", "+33639980030")


def test_a_source_that_states_no_direction_leaves_it_to_numbers_csv() -> None:
    found = one("1,,0639980030,2026-10-01T08:00:00Z,5")
    assert (found["direction"], found["from_number"]) == ("unstated", "anonymous")


def test_an_outbound_record_without_a_caller_is_refused() -> None:
    text = f"{HEADER},way\n1,,0639980030,2026-10-01T08:00:00Z,5,outbound\n2,,0639980030,2026-10-01T08:00:00Z,5,\n"
    found = read(text, tomllib.loads(PLAIN.replace("[constants]", 'direction = "way"\n[constants]')))
    mediated = mediate(found.fields)
    assert mediated.records.is_empty()
    assert [detail.split(":")[0] for detail in mediated.refused["detail"]] == ["from_number", "direction"]


STATUS = PLAIN.replace("[constants]", 'status = "result"\n[constants]')


@pytest.mark.parametrize(
    ("words", "written", "status"),
    [
        ("OK = 'answered'", "ok ", "answered"),
        ("OK = 'answered'", "NOK", "NOK"),
        ("OK = 'answered'\n'*' = 'failed'", "NOK", "failed"),
        ("OK = 'answered'\n'*' = 'failed'", "", None),
        ("'' = 'no_answer'", "", "no_answer"),
    ],
)
def test_words(words: str, written: str, status: str | None) -> None:
    text = f"{HEADER},result\n1,0261910042,0639980030,2026-10-01T08:00:00Z,5,{written}\n"
    assert read(text, tomllib.loads(f"{STATUS}[values.status]\n{words}\n")).fields["status"].to_list() == [status]


def test_conditions_leave_out_what_is_no_usage() -> None:
    lines = [
        f"{n},0261910042,0639980030,2026-10-01T08:00:00Z,5,{kind}" for n, kind in enumerate(["Call", "call", "", "x"])
    ]
    text = "\n".join([f"{HEADER},kind", *lines])
    only = read(text, tomllib.loads(PLAIN + "[only]\nkind = 'call'\n"))
    assert (only.fields["record_id"].to_list(), only.unbillable) == (["0", "1"], 2)
    skip = read(text, tomllib.loads(PLAIN + "[skip]\nkind = ['', 'x']\n"))
    assert (skip.fields["record_id"].to_list(), skip.unbillable) == (["0", "1"], 2)


def test_a_name_of_several_columns_needs_all_of_them() -> None:
    table = tomllib.loads(PLAIN.replace('record_id = "id"', 'record_id = ["a", "id"]'))
    text = f"{HEADER}\n1,,0639980030,2026-10-01T08:00:00Z,5\n2,7,0639980030,2026-10-01T08:00:00Z,5\n"
    assert read(text, table).fields["record_id"].to_list() == [None, "7:2"]


def test_columns_that_the_file_lacks_or_has_twice_are_told_before_it_is_loaded() -> None:
    table = tomllib.loads(PLAIN)
    assert misfits(table, f"{HEADER}\n1,2\n") == []
    assert misfits(table, "id,a,b,at\n") == ["column 'seconds' is not among those of line 1 of the file"]
    assert misfits(table, f"{HEADER},id\n") == ["column 'id' stands twice in line 1 of the file"]
    assert misfits(tomllib.loads(PLAIN + "[file]\nlines_before = 1\n"), f"Report\n{HEADER}\n") == []


def test_a_file_whose_first_line_lacks_a_column_is_refused_record_by_record() -> None:
    found = read("id,a,b,at\n1,2,3,4\n", tomllib.loads(PLAIN))
    assert found.unreadable["detail"].to_list() == ["line 1: column 'seconds' is missing"]
