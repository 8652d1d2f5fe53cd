"""Exports of whole calls, of Kamailio's table acc_cdrs and of OpenSIPS' CDRs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.unit.transforms.mediation.formats.test_opensips import FRENCH, line, read
from transforms.mediation.formats import all_formats
from transforms.mediation.records import mediate
from transforms.mediation.source import Source

SAMPLE = Path(__file__).parents[4] / "samples" / "kamailio_acc_cdrs.csv"
HEADER = "id,start_time,end_time,duration,src_user,dst_user,callid,from_tag,to_tag"
ROW = "7,2026-10-03 10:00:00,2026-10-03 10:01:22,82.146,0639980001,0639980040,m1,bb,aa"


def rows(*lines: str, source: Source = FRENCH) -> pl.DataFrame:
    return read(lines, source, name="kamailio").fields


def test_a_row_is_a_call() -> None:
    (row,) = rows(HEADER, ROW).to_dicts()
    assert row["started_at"] == datetime(2026, 10, 3, 8, tzinfo=UTC)
    assert [row[n] for n in ("record_id", "from_number", "to_number", "duration_seconds", "status", "direction")] == [
        "m1;aa;bb", "+33639980001", "+33639980040", "82.146", "answered", "unstated",
    ]  # fmt: skip
    assert mediate(rows(HEADER, ROW)).records["billable_seconds"].to_list() == [83]


@pytest.mark.parametrize(
    ("columns", "values", "seconds"),
    [
        ("time,duration,ms_duration,caller,callee,callid", "2026-10-03 10:00:00,82,82146,1,33639980040,m", 83),
        ("time,duration,ms_duration,caller,callee,callid", "2026-10-03 10:00:00,1,7,1,33639980040,m", 1),
        ("time,duration,caller_id,callee_id,id", "1791014400,82,1,33639980040,m", 82),
        ("start_time;duration;src_user;dst_ouser;callid", "2026-10-03T10:00:00;82.000;1;33639980040;m", 82),
        ("start_time|duration|src_user|dst_ouser|callid", "2026-10-03 10:00:00.5|82.001|1|33639980040|m", 83),
    ],
)
def test_columns_by_their_known_names(columns: str, values: str, seconds: int) -> None:
    found = mediate(rows(columns, values)).records.to_dicts()
    assert [(row["record_id"], row["billable_seconds"], row["started_at"].day) for row in found] == [("m", seconds, 3)]


@pytest.mark.parametrize(
    ("code", "duration", "status"),
    [
        ("200", "5", "answered"),
        ("486", "0", "busy"),
        ("", "0.000", "no_answer"),
        ("", "0.001", "answered"),
        ("487", "0", "no_answer"),
    ],
)
def test_how_a_call_ended(code: str, duration: str, status: str) -> None:
    found = rows("id,start_time,duration,sip_code,src,dst", f"1,2026-10-03 10:00:00,{duration},{code},1,33639980040")
    assert found["status"].to_list() == [status]


def test_a_call_that_never_began_has_no_start() -> None:
    found = mediate(rows("id,start_time,duration,src,dst", "1,2000-01-01 00:00:00,0,1,33639980040"))
    assert found.refused["reason"].to_list() == ["bad_value"]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (HEADER, ROW.replace("0639980001", "")),
        (HEADER.replace("src_user,", ""), ROW.replace("0639980001,", "")),
    ],
    ids=["an empty caller", "no column of callers"],
)
def test_who_withholds_the_number_is_anonymous_and_the_call_is_charged(header: str, row: str) -> None:
    found = mediate(rows(header, row))
    assert found.refused.is_empty()
    assert found.records.select("own_number", "other_number", "billable_seconds").rows() == [
        ("anonymous", "+33639980040", 83)
    ]


def test_what_a_row_leaves_out_is_taken_from_its_other_columns() -> None:
    header = "id,start_time,duration,ms_duration,sip_code,src,dst,callid,from_tag,to_tag,account"
    (row,) = rows(header, "7,2026-10-03 10:00:00,82,,,1,33639980040,,,,").to_dicts()
    names = ("record_id", "account_id", "duration_seconds", "status")
    assert [row[name] for name in names] == ["7", None, "82", "answered"]
    half_named = rows(header, "7,2026-10-03 10:00:00,82,,,1,33639980040,m1,bb,,").to_dicts()
    assert half_named[0]["record_id"] == "m1;;bb"
    untold = mediate(rows(header, "7,2026-10-03 10:00:00,,,,1,33639980040,m1,bb,aa,"))
    assert untold.refused["detail"].to_list() == ["duration_seconds: expected seconds of an answered call, found ''"]


def test_calls_to_extensions_are_counted_only() -> None:
    found = read(
        [HEADER, ROW, ROW.replace("0639980040", "1002")], Source(country="FR", extension_digits=4), name="kamailio"
    )
    assert (found.fields.height, found.unbillable) == (1, 1)


def test_a_cut_row_is_refused_alone() -> None:
    found = read([HEADER, ROW, "8,2026-10-03", ROW.replace("m1", "m2")], name="kamailio")
    assert found.unreadable["record_number"].to_list() == [2]
    assert found.fields["record_id"].to_list() == ["m1;aa;bb", "m2;aa;bb"]


@pytest.mark.parametrize("size", [1, 3])
def test_small_batches_give_the_same(size: int) -> None:
    lines = SAMPLE.read_text(encoding="utf-8").split("\n")
    whole, parts = read(lines, name="kamailio"), read(lines, size=size, name="kamailio")
    assert whole.fields.equals(parts.fields)
    assert whole.unreadable.equals(parts.unreadable)
    assert whole.fields["record_id"].to_list() == [f"m0{at}@192.0.2.8" for at in (1, 2, 3, 4, 5, 1, 2)]


def test_lines_of_flatstore_are_read_as_those_of_opensips() -> None:
    ours, theirs = (read([line()], name=name).parts for name in ("kamailio", "opensips"))
    assert ours is not None
    assert theirs is not None
    assert ours.equals(theirs)
    assert all_formats()["kamailio"].KINDS == ("csv",)
