"""Lines of Cisco's CUCM become the fields of usage records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.reading import read, said, same
from transforms.mediation.contract import Read
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source

SAMPLE = (Path(__file__).parents[4] / "samples" / "cisco_cucm.csv").read_text().splitlines()
FRANCE = Source(country="FR", extension_digits=4, inbound=("TRUNK-IN",))
CALL = {
    "cdrRecordType": "1",
    "globalCallID_callManagerId": "1",
    "globalCallID_callId": "7001",
    "origLegCallIdentifier": "101",
    "destLegIdentifier": "102",
    "dateTimeOrigination": "1791187200",
    "dateTimeConnect": "1791187205",
    "dateTimeDisconnect": "1791187220",
    "duration": "15",
    "callingPartyNumber": "+33639980001",
    "originalCalledPartyNumber": "0639980031",
    "finalCalledPartyNumber": "0639980031",
    "origDeviceName": "SEP0000AA000001",
    "destDeviceName": "TRUNK-OUT",
    "origCause_value": "0",
    "destCause_value": "16",
}


def calls(*rows: dict[str, str], types: bool = True, source: Source = FRANCE) -> Read:
    header = ",".join(f'"{name}"' for name in rows[0])
    kinds = [",".join("VARCHAR(50)" if "Number" in name else "INTEGER" for name in rows[0])] if types else []
    return read("cisco_cucm", "csv", [header, *kinds, *(",".join(row.values()) for row in rows)], source)


def one(source: Source = FRANCE, **other: str) -> dict[str, Any]:
    return calls(CALL | other, source=source).fields.to_dicts()[0]


def test_a_call() -> None:
    names = ("record_id", "service", "direction", "from_number", "to_number", "duration_seconds", "status", "linked_id")
    assert said(one(), *names) == (
        "1-7001-101-102",
        "voice",
        "unstated",
        "+33639980001",
        "+33639980031",
        "15",
        "answered",
        "1-7001",
    )
    assert one()["started_at"] == datetime(2026, 10, 5, 8, tzinfo=UTC)


def test_the_cluster_belongs_to_the_name_of_a_call() -> None:
    assert said(one(globalCallId_ClusterID="C1"), "record_id", "linked_id") == ("C1-1-7001-101-102", "C1-1-7001")
    assert one(destLegIdentifier="")["record_id"] is None


def test_a_file_without_a_line_of_types_loses_no_record() -> None:
    with_types, without = calls(CALL, CALL | {"globalCallID_callId": "7002"}), calls(CALL, types=False)
    assert with_types.fields.height == 2
    assert without.fields.height == 1


def test_columns_may_be_missing_or_more() -> None:
    few = {name: CALL[name] for name in CALL if name not in ("duration", "originalCalledPartyNumber", "destDeviceName")}
    found = calls(few | {"pkid": "x", "comment": ""}).fields.to_dicts()[0]
    assert said(found, "duration_seconds", "to_number", "forwarded_to") == ("15", "+33639980031", None)
    lacking = calls({name: CALL[name] for name in CALL if name != "globalCallID_callId"})
    assert lacking.unreadable["detail"].to_list() == ["line 1: column 'globalCallID_callId' is missing"]


@pytest.mark.parametrize(
    ("origin", "destination", "status"),
    [
        ("0", "17", "busy"),
        ("16", "0", "no_answer"),
        ("0", "18", "no_answer"),
        ("0", "19", "no_answer"),
        ("0", "0", "no_answer"),
        ("", "", "no_answer"),
        ("1", "0", "failed"),
        ("17", "41", "failed"),
    ],
)
def test_a_call_that_was_never_connected_ended_by_its_cause(origin: str, destination: str, status: str) -> None:
    never = {"dateTimeConnect": "0", "duration": "0", "origCause_value": origin, "destCause_value": destination}
    assert one(**never)["status"] == status
    assert one(origCause_value=origin, destCause_value=destination)["status"] == "answered"


def test_zero_is_never() -> None:
    assert one(dateTimeOrigination="0")["started_at"] is None


def test_other_kinds_of_records_are_no_usage() -> None:
    assert calls(CALL | {"cdrRecordType": "2"}).unbillable == 1
    assert calls(CALL | {"cdrRecordType": "0"}).unbillable == 1
    assert one(cdrRecordType="7")["service"] == "7"
    lifted = {"originalCalledPartyNumber": "", "finalCalledPartyNumber": "", "dateTimeConnect": "0"}
    assert calls(CALL | lifted).unbillable == 1
    assert calls(CALL | lifted | {"dateTimeConnect": "5"}).unbillable == 0


def test_calls_between_extensions_are_no_usage_unless_they_came_in() -> None:
    inside = {"callingPartyNumber": "7001", "originalCalledPartyNumber": "7002", "finalCalledPartyNumber": "7002"}
    assert calls(CALL | inside).unbillable == 1
    assert calls(CALL | inside, source=Source(country="FR")).unbillable == 0
    assert said(one(**inside, origDeviceName="TRUNK-IN"), "direction", "to_number") == ("inbound", "7002")


def test_what_the_trunk_was_given_counts_for_an_extension_outside() -> None:
    given = {"outpulsedCallingPartyNumber": "+33639980009", "outpulsedCalledPartyNumber": "+33639980032"}
    dialled = {"originalCalledPartyNumber": "90639980032", "finalCalledPartyNumber": "90639980032"}
    extension = one(callingPartyNumber="7001", **given, **dialled)
    assert said(extension, "from_number", "to_number") == ("+33639980009", "+33639980032")
    assert one(**given)["from_number"] == "+33639980001"
    to_a_telephone = {"origDeviceName": "TRUNK-B", "destDeviceName": "SEP0000AA000009"}
    assert one(**to_a_telephone, **given)["to_number"] == "+33639980031"
    assert one(callingPartyNumber="")["from_number"] == "anonymous"


FROM_OUTSIDE = {"origDeviceName": "TRUNK-IN", "callingPartyNumber": "+33639980030"}
MOVED = {"originalCalledPartyNumber": "\\+33261910042", "finalCalledPartyNumber": "0639980041"}


def test_a_call_forwarded_outside_is_connected_from_when_the_last_number_answered() -> None:
    names = ("to_number", "forwarded_to", "forwarded_seconds")
    assert said(one(**MOVED), *names) == ("+33261910042", "+33639980041", "15")
    assert said(one(**MOVED, outpulsedCalledPartyNumber="+33639980042"), *names)[1] == "+33639980042"


@pytest.mark.parametrize(
    "other",
    [
        {"finalCalledPartyNumber": "7005"},
        {"destDeviceName": "SEP0000AA000009"},
        {"destDeviceName": "CSFAUBERT"},
        {"finalCalledPartyNumber": "b0019901001"},
        {"finalCalledPartyNumber": "+33261910042"},
    ],
)
def test_a_call_that_stayed_inside_has_no_second_leg(other: dict[str, str]) -> None:
    assert said(one(**(MOVED | FROM_OUTSIDE | other)), "to_number", "forwarded_to") == ("+33261910042", None)


def test_an_extension_forwarded_outside_is_a_call_to_there() -> None:
    found = one(**(MOVED | {"originalCalledPartyNumber": "7002"}))
    assert said(found, "to_number", "forwarded_to") == ("+33639980041", None)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_small_batches_give_the_same(batch: int) -> None:
    assert same(read("cisco_cucm", "csv", SAMPLE, FRANCE, batch), read("cisco_cucm", "csv", SAMPLE, FRANCE))


def test_the_sample_and_what_is_recognised() -> None:
    found = read("cisco_cucm", "csv", SAMPLE, FRANCE)
    assert (found.fields.height, found.unreadable["record_number"].to_list(), found.unbillable) == (9, [10], 3)
    form = all_formats()["cisco_cucm"]
    assert form.recognises("\n".join(SAMPLE))
    assert not form.recognises("record_id,service\n" + "\n".join(SAMPLE))
    assert not form.recognises("record_id,service\n1,voice\n")
