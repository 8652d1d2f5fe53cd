"""FreeSWITCH's JSON and XML bodies hold the same variables and give the same fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest

from tests.unit.reading import read, said, same
from transforms.mediation.contract import Read
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source

SAMPLES = Path(__file__).parents[4] / "samples"
JSON = (SAMPLES / "freeswitch.json").read_text().splitlines()
XML = (SAMPLES / "freeswitch.xml").read_text().splitlines()
FRANCE = Source(country="FR", time_zone="Europe/Paris", extension_digits=4, inbound=("public",))
VARIABLES = {
    "uuid": "5f0c0001-7b1e-4c55-9d20-3f5be1a90001",
    "direction": "inbound",
    "start_stamp": "2026-10-08 11:00:00",
    "answer_stamp": "2026-10-08 11:00:03",
    "start_uepoch": "1791450000534355",
    "answer_uepoch": "1791450003954373",
    "end_uepoch": "1791450071494269",
    "bridge_epoch": "0",
    "billsec": "68",
    "billmsec": "67539",
    "billusec": "67539896",
    "hangup_cause": "NORMAL_CLEARING",
    "last_app": "hangup",
    "sip_full_from": '"A & B" <sip:x@192.0.2.1>',
    "accountcode": "A",
}
PROFILE = {"caller_id_number": "+33639980001", "destination_number": "0639980031", "context": "default"}


def as_json(variables: dict[str, str], *profiles: dict[str, str]) -> str:
    flow = [{"caller_profile": profile, "times": {"bridged_time": "0"}} for profile in profiles or [PROFILE]]
    return json.dumps({"core-uuid": "c", "switchname": "s", "variables": variables, "callflow": flow})


def as_xml(variables: dict[str, str], *profiles: dict[str, str], code: Any = lambda text: quote(text, safe="")) -> str:
    def elements(values: dict[str, str]) -> str:
        return "".join(f"<{name}>{code(value)}</{name}>\n" for name, value in values.items())

    flow = "".join(
        f'<callflow profile_index="1"><caller_profile>{elements(one)}</caller_profile></callflow>'
        for one in profiles or [PROFILE]
    )
    body = f"<channel_data><state>CS_REPORTING</state></channel_data><variables>{elements(variables)}</variables>"
    return f'<?xml version="1.0"?>\n<cdr core-uuid="c">{body}{flow}</cdr>'


def from_json(*texts: str, source: Source = FRANCE, batch: int = 0) -> Read:
    return read("freeswitch_json", "json", "\n".join(texts).splitlines(), source, batch)


def from_xml(*texts: str, source: Source = FRANCE, batch: int = 0) -> Read:
    return read("freeswitch_xml", "csv", "\n".join(texts).splitlines(), source, batch)


def both(variables: dict[str, str], *profiles: dict[str, str]) -> dict[str, Any]:
    """The one record that either body gives."""
    found = from_json(as_json(variables, *profiles)).fields
    assert found.equals(from_xml(as_xml(variables, *profiles)).fields)
    return found.to_dicts()[0]


def test_a_call() -> None:
    call = both(VARIABLES)
    assert said(call, "record_id", "direction", "account_id", "from_number", "to_number", "status") == (
        VARIABLES["uuid"],
        "unstated",
        "A",
        "+33639980001",
        "+33639980031",
        "answered",
    )
    assert call["duration_seconds"] == "68"
    assert call["started_at"] == datetime(2026, 10, 8, 9, 0, 0, 534355, tzinfo=UTC)


def test_the_caller_dialled_what_the_first_profile_says() -> None:
    moved = PROFILE | {"destination_number": "6001"}
    dialled = PROFILE | {"destination_number": "0261910042", "context": "public"}
    assert said(both(VARIABLES, moved, dialled), "direction", "to_number") == ("inbound", "+33261910042")


def test_without_a_profile_the_variables_tell_who_called_whom() -> None:
    told = VARIABLES | {"caller_id": '"Aubert" <+33639980001>', "sip_to_user": "0639980031"}
    assert said(both(told, {}), "from_number", "to_number") == ("+33639980001", "+33639980031")


def test_json_values_may_be_percent_encoded_or_not() -> None:
    encoded = {name: quote(value, safe="") for name, value in VARIABLES.items()}
    profile = {name: quote(value, safe="") for name, value in PROFILE.items()}
    assert from_json(as_json(encoded, profile)).fields.equals(from_json(as_json(VARIABLES)).fields)
    plain = VARIABLES | {"accountcode": "a%41"}
    assert from_json(as_json(plain)).fields["account_id"].to_list() == ["a%41"]
    twice = encoded | {"accountcode": "a%2541"}
    assert from_json(as_json(twice, profile)).fields["account_id"].to_list() == ["a%41"]


def test_xml_values_may_be_escaped_only() -> None:
    told = VARIABLES | {"accountcode": "A & <B>"}
    assert from_xml(as_xml(told, code=escape)).fields["account_id"].to_list() == ["A & <B>"]


def test_a_flow_that_is_no_list_is_read_all_the_same() -> None:
    body = json.loads(as_json(VARIABLES))
    alone = json.dumps(body | {"callflow": body["callflow"][0]})
    assert from_json(alone).fields.equals(from_json(as_json(VARIABLES)).fields)
    wrong = from_json(json.dumps(body | {"callflow": "none"}), as_json(VARIABLES))
    assert wrong.unreadable["detail"].to_list() == ["callflow: objects are expected"]
    assert wrong.fields.height == 1


def test_a_body_over_many_lines_is_one_record() -> None:
    spread = json.dumps(json.loads(as_json(VARIABLES)), indent=2)
    assert from_json(spread).fields.equals(from_json(as_json(VARIABLES)).fields)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda text: text[: text.index("<callflow")], "no whole XML document"),
        (lambda text: text.replace("</billsec>", "</bilsec>"), "mismatched tag"),
        (lambda text: text.replace("<cdr ", "<!DOCTYPE cdr>\n<cdr "), "document type"),
        (lambda text: text.replace("<variables>", "<variables><!-- <uuid>x</uuid> -->"), "a comment"),
        (lambda text: text.replace("<variables>", "<variables><a><![CDATA[<uuid>x</uuid>]]></a>"), "CDATA"),
        (lambda text: text.replace("<billsec>", "<billsec>&unknown;"), "undefined entity"),
        (lambda text: text.replace("NORMAL", "NORM\ufdd0AL"), "no UTF-8"),
        (lambda text: text.replace("NORMAL", "NORM\0AL"), "not well-formed"),
        (lambda _text: "something else", "no whole XML document"),
        (lambda _text: "<other/>", "no <cdr>"),
    ],
)
def test_a_broken_document_is_refused_alone(broken: Any, why: str) -> None:
    whole = as_xml(VARIABLES)
    found = from_xml(whole, broken(whole), whole, whole)
    assert found.fields["record_number"].to_list() == [1, 3, 4]
    assert why in found.unreadable["detail"][0]
    at_the_end = from_xml(whole, broken(whole))
    assert (at_the_end.fields.height, at_the_end.unreadable.height) == (1, 1)


def test_documents_need_no_line_of_their_own() -> None:
    whole = as_xml(VARIABLES)
    found = from_xml("\ufeff" + whole + whole.replace("\n", "") + "  " + whole + "\n\n")
    assert found.fields.height == 3


def test_a_document_too_long_is_given_up_up_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.mediation.xml_texts.TEXT_MAX", 5_000)
    endless = ["<cdr><variables>", *["<a>1</a>" * 100] * 20, "more"]
    found = from_xml(as_xml(VARIABLES), *endless, as_xml(VARIABLES), as_xml(VARIABLES), batch=3)
    assert found.unreadable.height == 1
    assert found.fields.height == 3


@pytest.mark.parametrize(("batch", "lines"), [(1, 60), (2, 150), (9, 1_000)])
def test_small_batches_give_the_same(batch: int, lines: int) -> None:
    assert same(from_xml(*XML[:lines], batch=batch), from_xml(*XML[:lines]))
    assert same(from_json(*JSON[:lines], batch=batch), from_json(*JSON[:lines]))


def test_the_samples_and_what_is_recognised() -> None:
    documents = from_xml(*XML)
    assert (documents.fields.height, documents.unreadable.height, documents.unbillable) == (3, 3, 0)
    bodies = from_json(*JSON)
    assert (bodies.fields.height, bodies.unreadable.height, bodies.unbillable) == (5, 1, 2)
    forms = all_formats()
    assert forms["freeswitch_xml"].recognises("\n".join(XML[:5]))
    assert forms["freeswitch_json"].recognises("\n".join(JSON))
    assert not forms["freeswitch_xml"].recognises("\n".join(JSON))
    assert not forms["freeswitch_json"].recognises('{"type": "v2.call.inbound.ended"}')
