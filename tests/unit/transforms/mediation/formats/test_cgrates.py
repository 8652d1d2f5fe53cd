"""Rows of CGRateS' export become calls and messages, each billed by one of its ratings."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.unit.reading import read, said, same
from transforms.mediation.contract import Read
from transforms.mediation.formats import all_formats
from transforms.mediation.formats.cgrates import COLUMNS, assemble
from transforms.mediation.records import FIELDS, mediate
from transforms.mediation.source import Source

SAMPLE = (Path(__file__).parents[4] / "samples" / "cgrates.csv").read_text().splitlines()
FRANCE = Source(country="FR", time_zone="Europe/Paris", extension_digits=4)
CALL = {
    "CGRID": "01" * 20,
    "RunID": "*default",
    "ToR": "*voice",
    "OriginID": "c01",
    "RequestType": "*rated",
    "Direction": "*out",
    "Tenant": "example.org",
    "Category": "call",
    "Account": "A",
    "Subject": "+33639980001",
    "Destination": "0639980031",
    "SetupTime": "2026-10-05 08:42:25 +0000 UTC",
    "AnswerTime": "2026-10-05 08:42:26 +0000 UTC",
    "Usage": "10s",
    "Cost": "0.0100",
}


def rows(*values: dict[str, str], header: bool = False, extra: str = "") -> Read:
    lines = [",".join(row.values()) + extra for row in values]
    return read("cgrates", "csv", [",".join(values[0]), *lines] if header else lines, FRANCE)


def assembled(found: Read) -> list[dict[str, Any]]:
    assert found.parts is not None
    whole = assemble(found.parts.with_columns(pl.lit(1, pl.Int32).alias("file_number")))
    assert whole.fields.columns == ["file_number", "record_number", *FIELDS]
    assert whole.waiting.is_empty()
    return whole.fields.sort("record_number").to_dicts()


def one(**other: str) -> dict[str, Any]:
    return assembled(rows(CALL | other))[0]


def test_a_call() -> None:
    names = ("record_id", "service", "direction", "account_id", "from_number", "to_number", "status", "linked_id")
    assert said(one(), *names) == (
        CALL["CGRID"],
        "voice",
        "unstated",
        "A",
        "+33639980001",
        "+33639980031",
        "answered",
        CALL["CGRID"],
    )
    assert one()["started_at"] == datetime(2026, 10, 5, 8, 42, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("usage", "seconds"),
    [
        ("10s", "10"),
        ("1h2m", "3720"),
        ("1h0m0s", "3600"),
        ("1m1.5s", "62"),
        ("1.000000001s", "2"),
        ("1.0s", "1"),
        ("250ms", "1"),
        ("1.5µs", "1"),
        ("0s", "0"),
        ("0", "0"),
        ("10000000000", "10"),
        ("10000000001", "11"),
        ("10", "10 without a unit"),
        ("-5s", "-5s"),
        ("ten", "ten"),
    ],
)
def test_usage_is_a_duration_of_go_or_nanoseconds(usage: str, seconds: str) -> None:
    assert one(Usage=usage)["duration_seconds"] == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-05T08:42:25Z", datetime(2026, 10, 5, 8, 42, 25, tzinfo=UTC)),
        ("2026-10-05T08:42:25+02:00", datetime(2026, 10, 5, 6, 42, 25, tzinfo=UTC)),
        ("2026-10-05 08:42:25.5 +0200 CEST", datetime(2026, 10, 5, 6, 42, 25, 500_000, tzinfo=UTC)),
        ("1791189745", datetime(2026, 10, 5, 8, 42, 25, tzinfo=UTC)),
        ("2026-10-05 08:42:25", datetime(2026, 10, 5, 6, 42, 25, tzinfo=UTC)),
        ("2026-10-05T08:42:25", datetime(2026, 10, 5, 6, 42, 25, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01 00:00:00 +0000 UTC", None),
    ],
)
def test_moments(text: str, moment: datetime | None) -> None:
    assert one(SetupTime=text, AnswerTime="")["started_at"] == moment


def test_a_call_without_answer_or_usage() -> None:
    assert one(AnswerTime="0001-01-01 00:00:00 +0000 UTC", Usage="0s")["status"] == "no_answer"
    assert one(AnswerTime="", Usage="")["status"] == "no_answer"
    assert one(Usage="0")["status"] == "no_answer"
    assert one(AnswerTime="")["status"] == "usage without an answer"
    assert one(SetupTime="")["started_at"] == datetime(2026, 10, 5, 8, 42, 26, tzinfo=UTC)


def test_messages_and_what_is_neither() -> None:
    message = one(ToR="*sms", Usage="2")
    assert said(message, "service", "segments", "duration_seconds", "status") == ("sms", "2", None, None)
    assert one(ToR="*sms", Usage="3ns")["segments"] == "3"
    assert rows(CALL | {"ToR": "*data"}).unbillable == 1
    assert rows(CALL | {"Destination": "1002"}).unbillable == 1
    other = rows(CALL | {"ToR": "*mms"}, CALL | {"CGRID": "", "OriginID": ""})
    assert other.fields.select("service", "record_id").rows() == [("*mms", CALL["CGRID"]), ("voice", None)]


def test_only_a_direction_in_says_anything() -> None:
    assert one(Direction="*in")["direction"] == "inbound"
    assert one(Subject="premium")["from_number"] == "A"


def test_each_call_is_billed_by_one_rating_whatever_their_order() -> None:
    runs = ("*raw", "*default", "supplier1")
    for order in permutations(runs):
        found = assembled(rows(*(CALL | {"RunID": run, "Usage": f"{len(run)}s"} for run in order)))
        assert [record["duration_seconds"] for record in found] == [str(len("*default"))]
    for left in (("*raw", "supplier1"), ("supplier1", "*raw"), ("supplier2", "supplier1"), ("default", "*raw")):
        found = assembled(rows(*(CALL | {"RunID": run, "Account": run} for run in left)))
        expected = "default" if "default" in left else "*raw" if "*raw" in left else "supplier1"
        assert [record["account_id"] for record in found] == [expected]


def test_a_rating_that_comes_twice_stands_for_itself_and_is_compared() -> None:
    assert len(assembled(rows(CALL, CALL | {"Usage": "11s"}))) == 2


def test_shapes() -> None:
    without = {name: value for name, value in CALL.items() if name != "Direction"}
    expected = assembled(rows(CALL))
    assert assembled(rows(without)) == expected
    assert assembled(rows(CALL, extra=',x,"",y')) == expected
    assert assembled(rows(without, extra=',"a,b"')) == expected
    assert assembled(rows({name: CALL[name] for name in COLUMNS})) == expected
    turned = dict(reversed(without.items())) | {"Carrier": "x"}
    assert assembled(rows(turned, header=True)) == expected
    lower = {name.lower(): value for name, value in CALL.items() if name != "ToR"}
    assert assembled(rows(lower, header=True)) == expected


@pytest.mark.parametrize("name", ["RunID", "OriginID", "RequestType", "Direction", "Tenant", "Category", "Cost"])
def test_a_call_is_the_same_without_what_its_export_may_leave_out(name: str) -> None:
    expected = assembled(rows(CALL))
    assert assembled(rows(CALL | {name: ""})) == expected
    assert assembled(rows({other: value for other, value in CALL.items() if other != name}, header=True)) == expected


def test_a_rating_without_a_name_counts_as_the_usual_one() -> None:
    found = assembled(rows(CALL | {"RunID": "*raw", "Usage": "9s"}, CALL | {"RunID": ""}))
    assert [record["duration_seconds"] for record in found] == ["10"]


def test_a_row_that_does_not_say_what_it_is_is_refused_and_not_lost() -> None:
    assert mediate(rows(CALL | {"ToR": ""}).fields).refused["detail"].to_list() == [
        "service: expected voice or sms, found ''"
    ]


def test_broken_rows_are_refused_alone() -> None:
    found = read("cgrates", "csv", [SAMPLE[1], "x,y", SAMPLE[1] + '"', SAMPLE[3]], FRANCE)
    assert found.unreadable["record_number"].to_list() == [2, 3]
    assert len(assembled(found)) == 2


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_small_batches_give_the_same(batch: int) -> None:
    assert same(read("cgrates", "csv", SAMPLE, FRANCE, batch), read("cgrates", "csv", SAMPLE, FRANCE))


def test_the_sample_and_what_is_recognised() -> None:
    found = read("cgrates", "csv", SAMPLE, FRANCE)
    assert found.parts is not None
    assert (found.parts.height, found.unreadable.height, found.unbillable) == (13, 1, 1)
    form = all_formats()["cgrates"]
    assert form.recognises("\n".join(SAMPLE))
    assert form.recognises("CGRID,RunID,ToR,OriginID,Destination,Usage\n")
    assert not form.recognises("record_id,service\n1,voice\n")
