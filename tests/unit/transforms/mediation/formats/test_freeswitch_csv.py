"""Lines of FreeSWITCH's mod_cdr_csv, by its template, become the fields of usage records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.reading import read, said, same
from transforms.mediation.contract import Read
from transforms.mediation.formats import all_formats
from transforms.mediation.records import mediate
from transforms.mediation.source import Source

SAMPLE = (Path(__file__).parents[4] / "samples" / "freeswitch.csv").read_text().splitlines()
PARIS = Source(time_zone="Europe/Paris", country="FR", extension_digits=4)
CALL = {
    "caller_id_name": "Aubert",
    "caller_id_number": "+33639980001",
    "destination_number": "0639980031",
    "context": "default",
    "start_stamp": "2026-10-05 10:00:00",
    "answer_stamp": "2026-10-05 10:00:04",
    "end_stamp": "2026-10-05 10:01:12",
    "duration": "72",
    "billsec": "68",
    "hangup_cause": "NORMAL_CLEARING",
    "uuid": "5f0c0001-7b1e-4c55-9d20-3f5be1a90001",
    "bleg_uuid": "",
    "accountcode": "",
    "read_codec": "PCMA",
    "write_codec": "PCMA",
}


def line(values: dict[str, str]) -> str:
    return ",".join(f'"{value}"' for value in values.values())


def calls(*lines: str, source: Source = PARIS) -> Read:
    return read("freeswitch_csv", "csv", list(lines), source)


def one(source: Source = PARIS, **other: str) -> dict[str, Any]:
    return calls(line(CALL | other), source=source).fields.to_dicts()[0]


def by_template(source: Source = PARIS, **values: str) -> Read:
    template = tuple(values)
    known = Source(source.time_zone, source.country, source.inbound, source.extension_digits, template)
    return calls(line(values), source=known)


def test_a_call_of_the_default_template() -> None:
    names = ("record_id", "service", "direction", "from_number", "to_number", "duration_seconds", "status", "linked_id")
    call = one()
    assert said(call, *names) == (
        CALL["uuid"],
        "voice",
        "unstated",
        "+33639980001",
        "+33639980031",
        "68",
        "answered",
        CALL["uuid"],
    )
    assert call["account_id"] is None
    assert one(accountcode="A")["account_id"] == "A"


def test_local_times_are_those_of_the_source() -> None:
    assert one()["started_at"] == datetime(2026, 10, 5, 8, tzinfo=UTC)
    assert one(Source(country="FR"))["started_at"] == datetime(2026, 10, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        ("USER_BUSY", "busy"),
        ("NO_ANSWER", "no_answer"),
        ("ORIGINATOR_CANCEL", "no_answer"),
        ("NO_USER_RESPONSE", "no_answer"),
        ("NORMAL_CLEARING", "no_answer"),
        ("", "no_answer"),
        ("CALL_REJECTED", "failed"),
        ("NO_ROUTE_DESTINATION", "failed"),
    ],
)
def test_a_call_that_nobody_answered_ended_by_its_cause(cause: str, status: str) -> None:
    assert one(answer_stamp="", billsec="0", hangup_cause=cause)["status"] == status
    assert one(answer_stamp="", hangup_cause=cause)["status"] == status
    assert one(billsec="0", hangup_cause=cause)["status"] == status


def test_a_duration_that_is_none_stays_for_the_rules_to_refuse() -> None:
    assert said(one(billsec="-5"), "duration_seconds", "status") == ("-5", "answered")
    assert said(one(billsec=""), "duration_seconds", "status") == (None, "answered")


def test_calls_to_extensions_are_no_usage_unless_they_came_in() -> None:
    inner = line(CALL | {"destination_number": "1002"})
    assert calls(inner).unbillable == 1
    assert calls(line(CALL | {"destination_number": "*97"})).unbillable == 1
    assert calls(inner, source=Source(country="FR")).unbillable == 0
    came_in = calls(inner, source=Source(country="FR", extension_digits=4, inbound=("default",)))
    assert said(came_in.fields.to_dicts()[0], "direction", "to_number") == ("inbound", "1002")


def test_a_withheld_number_is_anonymous_and_an_extension_stays_one() -> None:
    assert one(caller_id_number="")["from_number"] == "anonymous"
    assert one(caller_id_number="1001")["from_number"] == "1001"


def test_a_template_with_exact_durations() -> None:
    values = {
        "uuid": "u",
        "caller_id_number": "1001",
        "effective_caller_id_number": "0639980001",
        "destination_number": "0639980031",
        "start_epoch": "1791187200",
        "billsec": "68",
        "billmsec": "67540",
        "hangup_cause": "NORMAL_CLEARING",
        "regex('${x}'": "passed over",
    }

    def seconds(**other: str) -> tuple[Any, ...]:
        found = by_template(**(values | other)).fields.to_dicts()[0]
        return said(found, "duration_seconds", "status")

    assert seconds() == ("68", "answered")
    assert seconds(billsec="263", billmsec="262600") == ("263", "answered")
    assert seconds(billsec="10", billmsec="10400") == ("11", "answered")
    assert seconds(billsec="0", billmsec="1") == ("1", "answered")
    assert seconds(billsec="0", billmsec="0") == ("0", "no_answer")
    assert seconds(billsec="67", billmsec="67000", billusec="67000001") == ("68", "answered")
    moments = {"answer_uepoch": "1791187200900000", "end_uepoch": "1791187211300000"}
    assert seconds(**moments) == ("11", "answered")
    assert seconds(**(moments | {"answer_uepoch": "0"})) == ("68", "no_answer")
    call = by_template(**values).fields.to_dicts()[0]
    assert said(call, "started_at", "from_number") == (datetime(2026, 10, 5, 8, tzinfo=UTC), "+33639980001")


@pytest.mark.parametrize(
    ("left_out", "named"),
    [
        ("uuid", "uuid"),
        ("start_stamp", "start_uepoch, start_epoch, start_stamp"),
        ("billsec", "billusec, billmsec, billsec"),
        ("destination_number", "destination_number, sip_req_user, sip_to_user"),
        ("caller_id_number", "caller_id_number, ani, caller_id"),
    ],
)
def test_a_template_that_lacks_what_is_needed_is_refused(left_out: str, named: str) -> None:
    found = by_template(**{name: value for name, value in CALL.items() if name != left_out})
    assert found.unreadable["detail"].to_list() == [f"the template of the settings holds none of {named}"]


def forwarded(**other: str) -> tuple[Any, ...]:
    """What is told of the leg of an inbound call that was put through outside."""
    bridge = {
        "last_app": "bridge",
        "last_arg": "{a=b,c=d}sofia/gateway/carrier/0639980041",
        "bridge_channel": "sofia/external/0639980041",
        "bridge_uepoch": "1791187218000000",
        "end_uepoch": "1791187225300000",
    }
    found = by_template(**(CALL | bridge | other)).fields.to_dicts()[0]
    return said(found, "forwarded_to", "forwarded_seconds")


def test_a_leg_outside_lasts_from_the_bridge_to_the_end() -> None:
    assert forwarded() == ("+33639980041", "8")
    assert forwarded(bridge_uepoch="1791187218300000") == ("+33639980041", "7")
    assert forwarded(bridge_uepoch="0", bridge_channel="") == ("+33639980041", "0")
    assert forwarded(end_uepoch="") == ("+33639980041", "54")  # by the stamp of the end, 10:01:12
    assert forwarded(end_uepoch="", end_stamp="") == ("+33639980041", None)


def test_only_a_bridge_to_the_outside_is_a_leg() -> None:
    assert forwarded(last_app="voicemail") == (None, None)
    assert forwarded(last_arg="user/1002@192.0.2.10") == (None, None)
    assert forwarded(last_arg="sofia/internal/1002@192.0.2.10") == (None, None)
    assert forwarded(last_arg="sofia/external/0639980042@192.0.2.10") == ("+33639980042", "8")


def test_of_several_numbers_that_rang_the_channel_tells_which() -> None:
    several = "user/1002@192.0.2.10,sofia/gateway/a/0639980041|sofia/gateway/b/0639980042"
    assert forwarded(last_arg=several, bridge_channel="sofia/external/0639980042@carrier") == ("+33639980042", "8")
    assert forwarded(last_arg=several, bridge_channel="sofia/internal/1002@192.0.2.10") == (None, None)
    assert forwarded(last_arg=several, bridge_channel="", bridge_uepoch="0") == (None, None)


def test_a_switch_that_tells_nothing_of_bridges_leaves_the_seconds_of_the_leg_to_be_told() -> None:
    """Such a leg waits in suspense alone; taken for 0 s it would go free."""
    leg = {"last_app": "bridge", "last_arg": "sofia/gateway/carrier/0639980041"}
    came_in = Source(PARIS.time_zone, PARIS.country, ("default",), PARIS.extension_digits)
    found = by_template(came_in, **CALL, **leg)
    assert said(found.fields.to_dicts()[0], "forwarded_to", "forwarded_seconds") == ("+33639980041", None)
    mediated = mediate(found.fields)
    assert mediated.records["billable_seconds"].to_list() == [68]
    assert mediated.refused.select("leg", "detail").rows() == [
        ("forwarded", "forwarded_seconds: expected seconds of the forwarded leg of an answered call, found ''")
    ]


def test_one_of_several_numbers_is_not_guessed_where_nothing_is_told_of_bridges() -> None:
    several = "sofia/gateway/a/0639980041|sofia/gateway/b/0639980042"
    found = by_template(**CALL, last_app="bridge", last_arg=several).fields.to_dicts()[0]
    assert said(found, "forwarded_to", "forwarded_seconds") == (several, None)


@pytest.mark.parametrize(
    ("told", "called"),
    [
        ({"destination_number": "6001", "sip_req_user": "0261910042"}, "+33261910042"),
        ({"destination_number": "6001", "sip_req_user": "6001", "sip_to_user": "0261910042"}, "+33261910042"),
        ({"destination_number": "6001", "sip_req_user": "", "sip_to_user": "0261910042"}, "+33261910042"),
        ({"destination_number": "", "sip_req_user": "0261910042"}, "+33261910042"),
        ({"destination_number": "0639980031", "sip_req_user": "0261910042"}, "+33639980031"),
    ],
)
def test_the_number_dialled_goes_before_the_extension_put_in_its_place(told: dict[str, str], called: str) -> None:
    assert by_template(**(CALL | told)).fields["to_number"].to_list() == [called]


def test_a_call_of_which_only_extensions_are_told_is_no_usage() -> None:
    assert by_template(**CALL | {"destination_number": "6001", "sip_req_user": "6002"}).unbillable == 1


def test_a_second_look_at_a_call_is_no_usage() -> None:
    b_leg = CALL | {"direction": "outbound"}
    assert by_template(**b_leg).unbillable == 0
    assert by_template(**b_leg, originating_leg_uuid="other").unbillable == 1
    assert by_template(**b_leg, originator="other").unbillable == 1
    assert by_template(**b_leg, call_uuid="other").unbillable == 1
    assert by_template(**b_leg, call_uuid=CALL["uuid"]).unbillable == 0
    assert by_template(**(b_leg | {"direction": "inbound"}), originator="other").unbillable == 0


def test_a_gateway_or_context_of_the_settings_comes_in() -> None:
    came = Source(country="FR", inbound=("carrier",))
    assert one(came, context="carrier")["direction"] == "inbound"
    assert one(came)["direction"] == "unstated"
    assert by_template(came, **CALL, sip_gateway_name="carrier").fields["direction"][0] == "inbound"
    assert by_template(came, **CALL, sofia_profile_name="carrier").fields["direction"][0] == "inbound"


def test_a_broken_line_is_refused_alone() -> None:
    quoted = line(CALL | {"caller_id_name": 'The "Best" Bakery'})
    found = calls(line(CALL), quoted, "x", line(CALL | {"caller_id_name": "one, two"}))
    assert found.fields["record_number"].to_list() == [1, 4]
    assert found.unreadable["record_number"].to_list() == [2, 3]


def test_blanks_behind_commas_and_a_header_do_no_harm() -> None:
    assert calls(line(CALL).replace(',"', ', "')).fields.equals(calls(line(CALL)).fields)
    header = ",".join(name for name in CALL if name not in ("caller_id_name", "end_stamp", "duration", "bleg_uuid"))
    header = header.replace(",read_codec,write_codec", "")
    values = [CALL[name] for name in header.split(",")]
    found = calls(header, ",".join(values))
    assert found.fields.equals(calls(line(CALL)).fields)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_small_batches_give_the_same(batch: int) -> None:
    assert same(read("freeswitch_csv", "csv", SAMPLE, PARIS, batch), read("freeswitch_csv", "csv", SAMPLE, PARIS))


def test_the_sample_and_what_is_recognised() -> None:
    found = read("freeswitch_csv", "csv", SAMPLE, PARIS)
    assert (found.fields.height, found.unreadable.height, found.unbillable) == (9, 1, 1)
    form = all_formats()["freeswitch_csv"]
    assert form.recognises("\n".join(SAMPLE))
    assert not form.recognises("record_id,service\n1,voice\n")
