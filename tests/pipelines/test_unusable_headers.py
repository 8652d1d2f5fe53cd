"""A file whose header lacks a key column: one sentence, all of its records in suspense, and read once it can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.switch import recycle
from tests.support import read_published

NAMES = "uuid,start_stamp,answer_stamp,end_stamp,billsec,caller_id_number,destination_number,hangup_cause"
LINES = "".join(
    f"5f0c0001-7b1e-4c55-9d20-3f5be1a9000{n},2026-04-05 10:0{n}:00,2026-04-05 10:0{n}:04,2026-04-05 10:0{n}:15,"
    "11,+33184000001,+33639980031,NORMAL_CLEARING\n"
    for n in range(3)
)
PLACE = "inbox/freeswitch_csv/day.csv"


def template(*names: str) -> str:
    return ",".join(f"${{{name}}}" for name in names)


def settings(home: Home, named: str) -> None:
    home.settings(f'[billing]\nfirst_month = "2026-04"\n[source.freeswitch_csv]\ntemplate = "{named}"\n')


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def test_one_sentence_for_the_file_and_recycling_once_the_settings_are_right(home: Home) -> None:
    names = NAMES.split(",")
    settings(home, template("ignored", *names[1:]))
    home.raw("freeswitch_csv/day.csv", LINES)
    said = call("run", "2026-04", *home.arguments)
    assert said.status == 0, said
    told = [line for line in said.err.splitlines() if PLACE in line]
    assert len(told) == 1
    assert "no record of it is read: the template of the settings holds none of uuid. Records in suspense" in told[0]
    assert ": 3. " in told[0]
    published = read_published(home.path)
    assert published["suspense"]["reason"].to_list() == ["unreadable"] * 3
    assert published["usage_files"].select("records", "usage_records", "suspended").rows() == [(3, 0, 3)]
    settings(home, template(*names))
    assert (found := recycle(home)["read_again"])["mended"] == 3, found
    published = read_published(home.path)
    assert published["usage_files"].select("records", "usage_records", "suspended").rows() == [(3, 3, 0)]
    assert published["suspense"].filter(state="open").is_empty()


CUCM = (
    "cdrRecordType,globalCallID_callManagerId,globalCallID_callId,origLegCallIdentifier,{},dateTimeOrigination,"
    "dateTimeConnect,duration,callingPartyNumber,finalCalledPartyNumber\n"
    "1,2,6001,501,502,1775383200,1775383205,15,+33184000001,+33639980017\n"
)


def test_a_mended_file_is_put_in_anew(home: Home) -> None:
    home.raw("cisco_cucm/cdr_1", CUCM.format("otherLeg"))
    said = call("run", "2026-04", *home.arguments)
    lacks = "line 1: column 'destLegIdentifier' is missing"
    assert f"inbox/cisco_cucm/cdr_1: no record of it is read: {lacks}. Records in suspense for it: 1. " in said.err
    home.raw("cisco_cucm/cdr_1_mended", CUCM.format("destLegIdentifier"))
    said = call("run", "2026-04", *home.arguments)
    assert (said.status, "cdr_1" in said.err) == (0, False), said
    published = read_published(home.path)
    assert published["rated_usage"].select("record_id", "billable_seconds").rows() == [("2-6001-501-502", 15)]
    assert published["suspense"].select("reason", "detail", "state").rows() == [
        ("unreadable", "line 1: column 'destLegIdentifier' is missing", "open")
    ]


def test_sniff_says_what_the_header_lacks(home: Home) -> None:
    path = home.path.parent / "cdr"
    path.write_text(CUCM.format("otherLeg"), encoding="utf-8")
    lacks = "line 1: column 'destLegIdentifier' is missing"
    said = call("sniff", str(path), *home.arguments)
    assert (said.status, said.out) == (2, "")
    assert f"{path}: no record of it is read as cisco_cucm: {lacks}" in said.err
    asked = ("sniff", str(path), "--format", "cisco_cucm")
    shown = call(*asked, *home.arguments)
    assert (f"no record of it is read: {lacks}" in shown.out, "put it into" in shown.out) == (True, False)
    assert call(*asked, "--json", *home.arguments).result["problem"] == lacks
    path.write_text(CUCM.format("destLegIdentifier"), encoding="utf-8")
    mended = call("sniff", str(path), "--json", *home.arguments).result
    assert (mended["usage"], mended["problem"]) == (1, None)
