"""Rows of Asterisk's Master.csv become the fields of usage records."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.unit.frames import moment
from transforms.mediation.contract import Read
from transforms.mediation.dial_strings import SEVERAL
from transforms.mediation.formats import all_formats
from transforms.mediation.records import FIELDS, mediate
from transforms.mediation.source import Source

SAMPLE = Path(__file__).parents[4] / "samples" / "asterisk.csv"
PARIS = Source(time_zone="Europe/Paris", country="FR", extension_digits=3)
COLUMNS = [
    *(
        "accountcode",
        "src",
        "dst",
        "dcontext",
        "clid",
        "channel",
        "dstchannel",
        "lastapp",
        "lastdata",
        "start",
        "answer",
        "end",
        "duration",
        "billsec",
        "disposition",
        "amaflags",
        "uniqueid",
        "userfield",
        "peeraccount",
        "linkedid",
        "sequence",
    ),
    *(),
    *(),
]
ROW = {
    "src": "0639980030",
    "dst": "0261910042",
    "dcontext": "from-operator",
    "clid": '"Client, Anna" <0639980030>',
    "channel": "SIP/operator-00000001",
    "lastapp": "Hangup",
    "start": "2026-10-08 09:00:00",
    "answer": "2026-10-08 09:00:07",
    "end": "2026-10-08 09:01:30",
    "duration": 90,
    "billsec": 83,
    "disposition": "ANSWERED",
    "amaflags": "DOCUMENTATION",
    "uniqueid": "1791442800.1",
    "linkedid": "1791442800.1",
    "sequence": 1,
}
DIAL = {"lastapp": "Dial", "dstchannel": "SIP/carrier-00000002", "lastdata": "SIP/carrier/0639980018,40,tT"}
LOCAL = {"channel": "Local/0639980018@out-00000001;2", "dst": "0639980018", "src": "0261910042"}


def line(width: int = 21, **changed: Any) -> str:
    values = {**ROW, **changed}
    out = io.StringIO()
    fields = [values.get(name, "") for name in COLUMNS[:width]]
    csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="").writerow(fields)
    return out.getvalue()


def read(*lines: str, source: Source = PARIS) -> Read:
    """What the lines give; every row goes somewhere, and once."""
    reader = all_formats()["asterisk"].reader("csv", source)
    found = reader.feed(pl.DataFrame({"line": lines}), last=True)
    assert found.fields.columns == ["record_number", *FIELDS]
    assert reader.records == found.fields.height + found.unreadable.height + found.unbillable
    return found


def one(source: Source = PARIS, **changed: Any) -> dict[str, Any]:
    return read(line(**changed), source=source).fields.to_dicts()[0]


def unbillable(source: Source = PARIS, **changed: Any) -> bool:
    return read(line(**changed), source=source).unbillable == 1


def refusal(**changed: Any) -> tuple[str, str] | None:
    refused = mediate(read(line(**changed)).fields).refused
    return (refused["reason"][0], refused["detail"][0]) if refused.height else None


def test_a_row_is_a_call_whose_direction_the_numbers_tell() -> None:
    found = one()
    assert {name: value for name, value in found.items() if value is not None} == {
        "record_number": 1,
        "record_id": "1791442800.1:1",
        "service": "voice",
        "direction": "unstated",
        "from_number": "+33639980030",
        "to_number": "+33261910042",
        "started_at": moment("2026-10-08 07:00"),
        "duration_seconds": "83",
        "status": "answered",
        "linked_id": "1791442800.1",
    }


@pytest.mark.parametrize(
    ("width", "name", "linked"),
    [
        (21, "1791442800.1:1", "1791442800.1"),
        (18, "1791442800.1:2026-10-08 09:00:00:SIP/carrier-00000002:Dial", "1791442800.1"),
        (17, "1791442800.1:2026-10-08 09:00:00:SIP/carrier-00000002:Dial", "1791442800.1"),
        (
            16,
            "SIP/operator-00000001:0639980030:0261910042:2026-10-08 09:00:00:SIP/carrier-00000002:Dial",
            None,
        ),
    ],
)
def test_each_shape_names_its_rows(width: int, name: str, linked: str | None) -> None:
    found = one(width=width, **DIAL)
    assert (found["record_id"], found["linked_id"], found["duration_seconds"]) == (name, linked, "83")


def test_rows_of_one_call_or_of_one_second_have_names_of_their_own() -> None:
    rows = read(
        line(17, dstchannel="SIP/301-01"),
        line(17, dstchannel="SIP/302-02"),
        line(16, channel="SIP/operator-3"),
        line(16, channel="SIP/operator-4"),
    )
    assert rows.fields["record_id"].n_unique() == 4


def test_a_row_without_a_name_or_a_channel_is_refused() -> None:
    for row in (line(16, channel=""), line(17, start="")):
        assert mediate(read(row).fields).refused["reason"].to_list() == ["bad_value"]


def test_several_shapes_and_headers_may_be_in_one_file() -> None:
    rows = [line(21), line(18), line(17), line(16), line(21).rpartition(",")[0], line(16)[:90]]
    found = read(*rows)
    assert found.fields["record_number"].to_list() == [1, 2, 3, 4]
    assert found.unreadable["record_number"].to_list() == [5, 6]
    assert found.unreadable["reason"].unique().to_list() == ["unreadable"]
    names = [*COLUMNS[3:], *COLUMNS[:3]]
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([ROW.get(name, "") for name in names])
    with_header = read(",".join(names), out.getvalue())
    assert_frame_equal(with_header.fields, read(line()).fields)


def test_small_batches_give_the_same() -> None:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    whole = read(*lines)
    reader = all_formats()["asterisk"].reader("csv", PARIS)
    parts = [
        reader.feed(pl.DataFrame({"line": lines[at : at + 2]}), last=at + 2 >= len(lines))
        for at in range(0, len(lines), 2)
    ]
    as_text = pl.col("started_at").cast(pl.String).str.head(10)
    fields = pl.concat([part.fields.with_columns(as_text) for part in parts])
    assert_frame_equal(fields, whole.fields.with_columns(as_text))
    assert sum(part.unbillable for part in parts) == whole.unbillable == 3
    assert sum(part.unreadable.height for part in parts) == whole.unreadable.height == 1


@pytest.mark.parametrize(
    ("disposition", "status", "seconds"),
    [
        ("ANSWERED", "answered", 60),
        ("NO ANSWER", "no_answer", 0),
        ("BUSY", "busy", 0),
        ("FAILED", "failed", 0),
        ("CONGESTION", "failed", 0),
    ],
)
def test_only_an_answered_row_is_charged(disposition: str, status: str, seconds: int) -> None:
    record = mediate(read(line(disposition=disposition, billsec=60)).fields).records.to_dicts()[0]
    assert (record["status"], record["billable_seconds"]) == (status, seconds)


def test_an_unknown_or_missing_disposition_is_refused_and_never_taken_for_an_answer() -> None:
    assert refusal(disposition="") == ("bad_value", "status: expected answered, no_answer, busy or failed, found ''")
    assert refusal(disposition="REPLIED") is not None


def test_a_row_that_contradicts_itself_is_refused() -> None:
    assert refusal(duration=5, billsec=7) == (
        "bad_value",
        "duration_seconds: expected seconds, 0 or more, found '9 xx 9'",
    )
    assert refusal(duration=7, billsec=7) is None
    assert refusal(duration=30, billsec=60, disposition="NO ANSWER") is None


def test_lost_seconds_are_refused_and_shown_masked() -> None:
    found = refusal(start="2026-10-08 09:00")
    assert found is not None
    assert found[1].endswith("found '9999-99-99 99:99'")
    assert refusal(start="08/10/2026 09:00:00") is not None
    rows = read(line(start="2026-10-08 09:00"), line())
    assert mediate(rows.fields).records["started_at"].to_list() == [moment("2026-10-08 07:00")]


def test_times_are_of_the_source_and_the_repeated_hour_is_told_by_the_uniqueid() -> None:
    assert one(Source())["started_at"] == moment("2026-10-08 09:00")
    night = {"start": "2026-10-25 02:30:00"}
    assert one(**night, uniqueid="1792888200.1")["started_at"] == moment("2026-10-25 00:30")
    assert one(**night, uniqueid="1792891800.1")["started_at"] == moment("2026-10-25 01:30")


def test_the_account_and_a_withheld_number() -> None:
    assert one(accountcode="A")["account_id"] == "A"
    assert one(src="", clid="")["from_number"] == "anonymous"
    assert one(src="")["from_number"] == "+33639980030"


@pytest.mark.parametrize("named", ["from-operator", "operator"])
def test_a_context_or_trunk_of_the_settings_comes_in(named: str) -> None:
    source = Source(country="FR", inbound=(named,))
    assert one(source)["direction"] == "inbound"
    assert one(source, dcontext="internal", channel="SIP/211-1")["direction"] == "unstated"


def test_a_dial_to_the_outside_is_a_second_leg() -> None:
    found = one(**DIAL)
    assert (found["forwarded_to"], found["forwarded_seconds"]) == ("+33639980018", "83")
    assert one(**DIAL, disposition="NO ANSWER")["forwarded_seconds"] is None
    # The caller was answered before anybody was dialled: the second leg's own length is not in the row.
    early = one(**DIAL, answer=ROW["start"])
    assert (early["forwarded_to"], early["forwarded_seconds"]) == ("+33639980018", None)


def test_what_is_no_second_leg() -> None:
    assert one(**{**DIAL, "lastapp": "Queue"})["forwarded_to"] is None
    assert one(**{**DIAL, "lastdata": "SIP/301", "dstchannel": "SIP/301-1"})["forwarded_to"] is None
    # The number itself is handed to the customer's own switch.
    assert one(**{**DIAL, "lastdata": "SIP/carrier/33261910042"})["forwarded_to"] is None


def test_a_leg_to_one_of_several_numbers_is_suspended_alone() -> None:
    row = line(**{**DIAL, "lastdata": "SIP/carrier/0639980018&SIP/carrier/0639980019"})
    found = mediate(read(row).fields)
    assert read(row).fields["forwarded_to"].to_list() == [SEVERAL]
    assert found.refused["leg"].to_list() == ["forwarded"]
    assert found.records["billable_seconds"].to_list() == [83]


def test_the_second_half_of_a_local_channel_that_dials_out_is_the_outbound_leg() -> None:
    found = one(**LOCAL, **DIAL, linkedid="1791442799.9")
    assert (found["direction"], found["from_number"]) == ("outbound", "+33261910042")
    assert (found["to_number"], found["forwarded_to"]) == ("+33639980018", None)
    assert found["linked_id"] == "1791442799.9"
    assert unbillable(**{**LOCAL, **DIAL, "channel": "Local/0639980018@out-00000001;1"})
    assert unbillable(**LOCAL)
    assert unbillable(**{**LOCAL, **DIAL, "lastdata": "SIP/301,15", "dstchannel": "SIP/301-1"})


def test_calls_within_the_switch_are_no_usage() -> None:
    assert unbillable(src="211", dst="212")
    assert unbillable(src="211", dst="*97")
    assert unbillable(src="211", dst="s", billsec=9)
    assert unbillable(dst="h", billsec=0)
    assert unbillable(dst="t", disposition="NO ANSWER")
    assert unbillable(channel="Console/dsp", src="", dst="100")
    assert unbillable(src="211", dst="0639980018", dstchannel="Local/0639980018@out-01;1", lastapp="Dial")
    assert not unbillable(Source(country="FR"), src="211", dst="212")


@pytest.mark.parametrize("dst", ["s", "301"])
def test_an_answered_call_from_outside_is_never_free_because_its_number_is_lost(dst: str) -> None:
    found = refusal(dst=dst)
    assert found is not None
    assert found[1].startswith("to_number: expected the number called")


def test_a_telephone_that_calls_out() -> None:
    dial = {**DIAL, "src": "211", "dst": "90639980018", "clid": '"Desk" <0261910042>'}
    found = one(**dial, accountcode="A")
    assert (found["direction"], found["from_number"]) == ("outbound", "+33261910042")
    assert (found["to_number"], found["account_id"]) == ("+33639980018", "A")
    short = one(**{**dial, "dst": "3949", "lastdata": "SIP/carrier/3949"})
    assert (short["direction"], short["to_number"]) == ("outbound", "+333949")


@pytest.mark.parametrize("left_out", ["dcontext", "channel", "accountcode", "linkedid", "amaflags", "userfield"])
def test_a_telephone_that_calls_out_does_so_whichever_column_is_empty(left_out: str) -> None:
    source = Source(country="FR", extension_digits=3, inbound=("from-operator",))
    dial = {**DIAL, "src": "211", "dst": "90639980018", "clid": '"Desk" <0261910042>', "dcontext": "internal"}
    found = one(source, **{**dial, "accountcode": "A", left_out: ""})
    assert (found["direction"], found["from_number"]) == ("outbound", "+33261910042")
    assert (found["to_number"], found["duration_seconds"]) == ("+33639980018", "83")


@pytest.mark.parametrize("left_out", ["dcontext", "channel"])
def test_a_call_comes_in_by_its_context_or_its_trunk_where_the_other_is_not_told(left_out: str) -> None:
    source = Source(country="FR", extension_digits=3, inbound=("from-operator", "operator"))
    assert one(source, **{left_out: ""})["direction"] == "inbound"
    neither = one(source, dcontext="", channel="")
    assert (neither["direction"], neither["from_number"]) == ("unstated", "+33639980030")


def test_only_its_own_files_are_recognised() -> None:
    recognises = all_formats()["asterisk"].recognises
    assert recognises(line())
    assert recognises(line(16).replace('"', ""))
    assert recognises(",".join(COLUMNS[:16]))
    assert not recognises('{"type": "v2.call.inbound.ended"}')
    assert not recognises("record_id,service,direction\n1,voice,inbound")
