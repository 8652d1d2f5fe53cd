"""A header is read however its source spells it; one that lacks what is needed is one sentence about the file."""

from __future__ import annotations

import polars as pl
import pytest

from tests.unit.reading import read
from transforms.mediation.contract import Kind, header_problem
from transforms.mediation.formats import all_formats
from transforms.mediation.freeswitch import NEEDED
from transforms.mediation.source import Source
from transforms.mediation.text_lines import CsvLines, lacking

FRANCE = Source(country="FR", time_zone="Europe/Paris")
HEADERS = {
    "cisco_cucm": "cdrRecordType,globalCallID_callManagerId,globalCallID_callId,origLegCallIdentifier,destLegIdentifier,"
    "dateTimeOrigination,dateTimeConnect,duration,callingPartyNumber,finalCalledPartyNumber",
    "asterisk": "src,dst,dcontext,channel,dstchannel,lastapp,lastdata,start,answer,billsec,disposition,uniqueid",
    "asterisk_cel": "eventtype,eventtime,cid_num,exten,context,channame,appname,appdata,uniqueid,linkedid",
    "twilio": "Sid,From,To,Status,Direction,Start Time,Duration",
    "plivo": "Call UUID,From number,To number,Call direction,Initiation time,Bill duration",
    "vonage": "call_id,direction,from,to,date_start,duration,status",
    "telnyx": "Call Leg ID,Direction,Origination Number,Terminating Number,Start Timestamp(UTC),Call Duration",
    "cgrates": "CGRID,ToR,Account,Destination,SetupTime,AnswerTime,Usage",
    "opensips": "callid,time,duration,src_user,dst_user,sip_code",
    "kamailio": "callid,start_time,end_time,duration,src_user,dst_user,from_tag",
    "freeswitch_csv": "uuid,start_stamp,billsec,caller_id_number,destination_number",
    "standard": "record_id,service,direction,from_number,to_number,started_at",
}

CALLEES = "column 'callee', 'dst_user', 'dst_ouser', 'callee_id', 'to_user' or 'dst' is missing"


@pytest.mark.parametrize(
    ("form", "left_out", "said"),
    [
        ("cisco_cucm", "destLegIdentifier", "column 'destLegIdentifier' is missing"),
        ("cisco_cucm", "dateTimeConnect", "column 'dateTimeConnect' is missing"),
        ("cisco_cucm", "duration", "column 'duration' or 'dateTimeDisconnect' is missing"),
        ("asterisk", "answer", "column 'answer' is missing"),
        ("asterisk_cel", "linkedid", "column 'linkedid' is missing"),
        ("twilio", "Start Time", "column 'start_time', 'date_created' or 'date_sent' is missing"),
        ("plivo", "Initiation time", "column 'initiation_time' or 'message_time' is missing"),
        ("vonage", "call_id", "column 'call_id', 'message_id' or 'id' is missing"),
        ("telnyx", "Direction", "column 'direction' is missing"),
        (
            "telnyx",
            "Terminating Number",
            "column 'cld', 'terminating_number' or 'destination_number' is missing",
        ),
        ("cgrates", "Usage", "column 'Usage' is missing"),
        ("opensips", "duration", "column 'duration' is missing"),
        ("kamailio", "dst_user", CALLEES),
        ("freeswitch_csv", "billsec", "column 'billusec', 'billmsec' or 'billsec' is missing"),
        ("standard", "started_at", "column 'started_at' is missing"),
    ],
)
def test_a_key_column_that_is_missing_is_one_sentence_about_the_file(form: str, left_out: str, said: str) -> None:
    names = [name for name in HEADERS[form].split(",") if name != left_out]
    lines = [",".join(names), *[",".join(str(n) for n in range(len(names)))] * 3]
    reader = all_formats()[form].reader("csv", FRANCE)
    found = reader.feed(pl.DataFrame({"line": lines}), last=True)
    assert (found.fields.height, found.unbillable, found.parts is None or found.parts.is_empty()) == (0, 0, True)
    assert found.unreadable.select("record_number", "reason").rows() == [(n, "unreadable") for n in (1, 2, 3)]
    problem = header_problem(reader)
    assert problem is not None
    assert found.unreadable["detail"].to_list() == [problem] * 3
    assert problem == f"line 1: {said}"


@pytest.mark.parametrize("form", sorted(HEADERS))
def test_a_header_with_all_that_is_needed_has_no_problem(form: str) -> None:
    reader = all_formats()[form].reader("csv", FRANCE)
    reader.feed(pl.DataFrame({"line": [HEADERS[form]]}), last=True)
    assert (reader.records, header_problem(reader)) == (0, None)


@pytest.mark.parametrize("form", sorted(set(HEADERS) - {"standard"}))
def test_the_case_of_a_header_does_not_matter(form: str) -> None:
    reader = all_formats()[form].reader("csv", FRANCE)
    reader.feed(pl.DataFrame({"line": [HEADERS[form].upper()]}), last=True)
    assert header_problem(reader) is None


@pytest.mark.parametrize("name", ["destLegIdentifier", "destLegCallIdentifier", "DESTLEGIDENTIFIER"])
def test_the_other_leg_of_cucm_has_either_name(name: str) -> None:
    header = HEADERS["cisco_cucm"].replace("destLegIdentifier", name)
    line = "1,2,6001,501,502,1791187200,1791187205,15,+33199000001,+33639980017"
    (call,) = read("cisco_cucm", "csv", [header, line], FRANCE).fields.to_dicts()
    assert (call["record_id"], call["duration_seconds"], call["status"]) == ("2-6001-501-502", "15", "answered")


def test_a_file_of_call_quality_needs_no_columns_of_calls() -> None:
    header = "cdrRecordType,globalCallID_callManagerId,globalCallID_callId,nodeId,directoryNum,callIdentifier,duration"
    found = read("cisco_cucm", "csv", [header, "2,1,6001,1,7001,501,15"], FRANCE)
    assert (found.unbillable, found.unreadable.height) == (1, 0)


def test_a_report_of_another_product_needs_no_columns_of_calls() -> None:
    found = read("vonage", "csv", ["account_id,request_id,to,status", "A,r1,33639980031,SUCCESS"], FRANCE)
    assert (found.unbillable, found.unreadable.height) == (1, 0)


def test_a_header_of_asterisks_table_with_other_columns_is_read_by_name() -> None:
    header = f"id,{HEADERS['asterisk']},recordingfile"
    row = '7,0639980030,0199000001,from-trunk,SIP/a-1,SIP/7001-2,Dial,"SIP/7001,20",2026-10-05 10:00:00,'
    row += "2026-10-05 10:00:04,11,ANSWERED,1791187200.1,x.wav"
    (call,) = read("asterisk", "csv", [header, row], FRANCE).fields.to_dicts()
    assert (call["from_number"], call["to_number"], call["duration_seconds"]) == ("+33639980030", "+33199000001", "11")
    twice = read("asterisk", "csv", [f"{header},src", f"{row},x"], FRANCE)
    assert twice.unreadable["detail"].to_list() == ["line 1: column 'src' stands twice"]


def test_a_table_of_asterisk_with_names_of_its_own_is_told_as_such() -> None:
    names = "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition"
    found = read("asterisk", "csv", [names, "2026-10-05 10:00:00,,1,2,c,a,b,Dial,x,15,11,ANSWERED"], FRANCE)
    assert found.unreadable["detail"].to_list() == ["line 1: columns are missing: 'start'; 'answer'"]


def test_a_header_of_freeswitch_tells_what_the_file_tells_not_the_template() -> None:
    line = "5f0c0001-7b1e-4c55-9d20-3f5be1a90001,2026-10-05 10:00:00,68,+33639980001,0639980031"
    (call,) = read("freeswitch_csv", "csv", [HEADERS["freeswitch_csv"], line], FRANCE).fields.to_dicts()
    # The template of the settings tells an answer; without one in it the record would be an unanswered call.
    assert (call["status"], call["duration_seconds"]) == ("answered", "68")


def test_what_a_template_lacks_is_told_also_where_the_lines_have_no_header() -> None:
    template = tuple(name for name in HEADERS["freeswitch_csv"].split(",") if name != "uuid")
    reader = all_formats()["freeswitch_csv"].reader("csv", Source(template=template))
    reader.feed(pl.DataFrame({"line": ["2026-10-05 10:00:00,68,+33639980001,0639980031"]}), last=True)
    assert header_problem(reader) == "the template of the settings holds none of uuid"


@pytest.mark.parametrize("kind", ["json", "columns"])
def test_other_kinds_of_files(kind: Kind) -> None:
    reader = all_formats()["standard"].reader(kind, FRANCE)
    assert header_problem(reader) is None
    if kind == "columns":
        reader.feed(pl.DataFrame({"record_id": ["1"], "service": ["voice"]}), last=True)
        assert header_problem(reader) is not None


def test_the_place_of_a_header_behind_other_lines() -> None:
    lines = CsvLines(known=("a", "b"), required=("a", "b"), others=True, before=2)
    lines.feed(pl.Series(["report", "of today", "a,c", "1,2"]), last=True)
    assert lines.problem == "line 3: column 'b' is missing"


def test_what_is_lacking() -> None:
    assert lacking(NEEDED, [name for group in NEEDED for name in group]) == ""
    assert lacking(("a", ("b", "c")), ["c"]) == "column 'a' is missing"
    assert lacking(("a", ("b", "c"), "d"), ["d"]) == "columns are missing: 'a'; 'b' or 'c'"
