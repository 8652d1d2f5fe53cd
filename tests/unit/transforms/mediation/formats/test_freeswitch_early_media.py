"""A call that FreeSWITCH bridges while the far end still rings is answered by both ends at once, and later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.reading import read
from transforms.mediation.freeswitch import VARIABLES
from transforms.mediation.source import Source

PARIS = Source(country="FR", time_zone="Europe/Paris", extension_digits=4)
START = 1791187200
"""2026-10-05 10:00 in Paris."""

CALL = {
    "uuid": "5f0c0001-7b1e-4c55-9d20-3f5be1a90077",
    "caller_id_number": "0639980030",
    "destination_number": "0199000001",
    "hangup_cause": "NORMAL_CLEARING",
    "last_app": "bridge",
    "last_arg": "sofia/gateway/carrier/0639980018",
    "bridge_channel": "sofia/external/0639980018",
}
UNITS = {"uepoch": 1, "epoch": 1_000_000}


def moments(kinds: tuple[str, ...], **at: int) -> dict[str, str]:
    """What the switch writes of moments, microseconds behind START: by its kinds of moments, cut to the second in all but
    the first. 0 is never."""
    found = {}
    for name, micros in at.items():
        absolute = START * 1_000_000 + micros if micros else 0
        for kind in kinds:
            if kind == "stamp":
                minutes, seconds = divmod(micros // 1_000_000, 60)
                found[f"{name}_stamp"] = f"2026-10-05 10:{minutes:02}:{seconds:02}" if micros or name == "start" else ""
            else:
                found[f"{name}_{kind}"] = str(absolute // UNITS[kind])
    return found


def legs(variables: dict[str, str], form: str = "freeswitch_json") -> tuple[Any, Any, Any]:
    """Seconds of the call, its status, and seconds of the leg."""
    told = CALL | variables
    if form == "freeswitch_json":
        lines = [json.dumps({"core-uuid": "c", "switchname": "s", "variables": told, "callflow": [{}]})]
    elif form == "freeswitch_xml":
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
        lines = [f'<cdr core-uuid="c"><variables>{inner}</variables></cdr>']
    else:
        lines = [",".join(f'"{value}"' for value in told.values())]
    source = Source(PARIS.time_zone, PARIS.country, (), 4, tuple(told) if form == "freeswitch_csv" else ())
    kind: Any = "json" if form == "freeswitch_json" else "csv"
    (call,) = read(form, kind, lines, source).fields.to_dicts()
    assert call["forwarded_to"] == "+33639980018"
    return call["duration_seconds"], call["status"], call["forwarded_seconds"]


RANG = {"start": 0, "bridge": 2_140_000, "answer": 11_320_000, "end": 22_060_000}
"""Bridged after 2.14 s on early media, answered after 11.32 s, ended after 22.06 s: 10.74 s were spoken."""


@pytest.mark.parametrize("form", ["freeswitch_json", "freeswitch_xml", "freeswitch_csv"])
def test_a_leg_bridged_on_early_media_is_not_charged_its_ringing(form: str) -> None:
    told = moments(("uepoch", "epoch", "stamp"), **RANG)
    assert legs(told | {"billsec": "11", "billmsec": "10740", "billusec": "10740000"}, form) == ("11", "answered", "11")


@pytest.mark.parametrize("kinds", [("uepoch",), ("epoch",), ("stamp",), ("epoch", "stamp")])
def test_by_whichever_moments_it_is_told(kinds: tuple[str, ...]) -> None:
    assert legs(moments(kinds, **RANG) | {"billsec": "11"}, "freeswitch_csv") == ("11", "answered", "11")


def test_where_no_answer_is_told_the_seconds_of_the_call_tell_it() -> None:
    told = moments(("uepoch",), **RANG)
    del told["answer_uepoch"]
    assert legs(told | {"billmsec": "10740"}, "freeswitch_csv") == ("11", "answered", "11")


def test_a_call_that_was_answered_before_it_was_bridged_keeps_its_shorter_leg() -> None:
    menu = RANG | {"answer": 1_000_000, "bridge": 9_500_000}
    assert legs(moments(("uepoch",), **menu) | {"billusec": "21060000"}) == ("22", "answered", "13")
    together = RANG | {"bridge": 11_320_500}
    assert legs(moments(("uepoch",), **together) | {"billusec": "10740000"}) == ("11", "answered", "11")


def test_a_call_that_nobody_answered_has_a_leg_of_none() -> None:
    told = moments(("uepoch", "stamp"), **(RANG | {"answer": 0}))
    assert legs(told | {"billsec": "0", "billusec": "0"}) == ("0", "no_answer", "0")


def test_moments_of_one_kind_go_before_moments_of_which_one_is_cut() -> None:
    # Bridged at 9.90 s and ended at 20.10 s: 10.2 s. The bridge cut to its second would make 11.1 of it.
    menu = {"start": 0, "answer": 1_000_000, "bridge": 9_900_000, "end": 20_100_000}
    told = moments(("uepoch", "epoch"), **menu)
    assert legs(told | {"billusec": "19100000"}, "freeswitch_csv")[2] == "11"
    del told["bridge_uepoch"]
    assert legs(told | {"billusec": "19100000"}, "freeswitch_csv")[2] == "11"


def test_every_moment_is_among_what_is_read() -> None:
    assert set(moments(("uepoch", "epoch", "stamp"), **RANG)) <= set(VARIABLES)
