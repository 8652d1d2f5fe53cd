"""Asterisk's channel events become the legs of calls."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.unit.frames import moment
from transforms.mediation.contract import Assembled, Read
from transforms.mediation.formats import all_formats
from transforms.mediation.formats.asterisk_cel import assemble
from transforms.mediation.records import FIELDS, mediate
from transforms.mediation.source import Source

SAMPLE = Path(__file__).parents[4] / "samples" / "asterisk_cel.csv"
PARIS = Source(time_zone="Europe/Paris", country="FR", extension_digits=3)
COLUMNS = [
    *(
        "eventtype",
        "eventtime",
        "cid_name",
        "cid_num",
        "cid_ani",
        "cid_rdnis",
        "cid_dnid",
        "exten",
        "context",
        "channame",
        "appname",
        "appdata",
        "amaflags",
        "accountcode",
        "uniqueid",
        "linkedid",
        "peer",
        "userfield",
        "userdeftype",
        "eventextra",
    ),
    *(),
    *(),
]
CALL = "1791438480.1"
MAIN = {"channame": "PJSIP/operator-0a", "uniqueid": CALL, "cid_num": "0639980030", "exten": "0261910042"}
OUT = {"channame": "PJSIP/carrier-0b", "uniqueid": "1791438484.2"}
DIAL = {"appname": "Dial", "appdata": "PJSIP/0639980018@carrier,40,tT"}
CALLED = ("CHAN_START", "00", MAIN)
ENDED = ("LINKEDID_END", "59", MAIN)
Event = tuple[str, str, dict[str, Any]]


def line(part: str, second: str, values: dict[str, Any], width: int = 20) -> str:
    """An event of the minute 07:48 in Paris; a time of more than a second is taken as it is."""
    time = second if len(second) > 8 else f"2026-10-08 07:48:{second}"
    row = {"eventtype": part, "eventtime": time, "linkedid": CALL, "context": "from-operator", **values}
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow([row.get(name, "") for name in COLUMNS[:width]])
    return out.getvalue()


def read(*lines: str, source: Source = PARIS) -> Read:
    """What the lines give; every event goes somewhere, and once."""
    reader = all_formats()["asterisk_cel"].reader("csv", source)
    found = reader.feed(pl.DataFrame({"line": lines}), last=True)
    assert found.parts is not None
    assert found.fields.columns == ["record_number", *FIELDS]
    assert not found.fields.height
    assert reader.records == found.parts.height + found.unreadable.height + found.unbillable
    return found


def assembled(*lines: str, source: Source = PARIS) -> Assembled:
    parts = read(*lines, source=source).parts
    assert parts is not None
    return assemble(parts.select(pl.lit(1, pl.Int32).alias("file_number"), pl.all()))


def legs(*events: Event, source: Source = PARIS) -> list[tuple[Any, ...]]:
    """direction, from, to, status, seconds of each leg."""
    found = assembled(*(line(*event) for event in events), source=source)
    names = ("direction", "from_number", "to_number", "status", "duration_seconds")
    return sorted(found.fields.select(names).rows())


def channel(values: dict[str, Any], began: str, answered: str, ended: str, **app: Any) -> list[Event]:
    return [
        ("CHAN_START", began, values),
        ("ANSWER", answered, {**values, **app}),
        ("HANGUP", ended, values),
        ("CHAN_END", ended, values),
    ]


INBOUND = ("unstated", "+33639980030", "+33261910042", "answered", "21")
FORWARDED = ("outbound", "+33261910042", "+33639980018", "answered", "7")


def test_each_leg_has_its_own_duration() -> None:
    """The caller is answered at 07:48:04, the forwarded leg at 07:48:18, both end at 07:48:25."""
    events = [
        *channel(MAIN, "00", "04", "25", appname="Answer"),
        *channel(OUT, "06", "18", "25"),
        ("BRIDGE_ENTER", "18", {**MAIN, **DIAL, "peer": OUT["channame"]}),
        ENDED,
    ]
    assert legs(*events) == [FORWARDED, INBOUND]
    found = assembled(*(line(*event) for event in events))
    assert found.waiting.is_empty()
    rows = {row["direction"]: row for row in found.fields.to_dicts()}
    assert [rows[way]["record_id"] for way in ("unstated", "outbound")] == [CALL, OUT["uniqueid"]]
    assert [rows[way]["record_number"] for way in ("unstated", "outbound")] == [9, 8]
    assert {row["linked_id"] for row in rows.values()} == {CALL}
    assert rows["unstated"]["started_at"] == moment("2026-10-08 05:48")


def test_fractions_count_as_a_begun_second() -> None:
    times = channel(MAIN, "1791438480.000000", "1791438484.190000", "1791438505.290000")
    assert legs(*times, ENDED) == [(*INBOUND[:4], "22")]
    exact = channel(MAIN, "1791438480.000000", "1791438484.190000", "1791438505.190000")
    assert legs(*exact, ENDED) == [INBOUND]


def test_an_unanswered_call_is_one_record() -> None:
    rung = [CALLED, ("CHAN_START", "01", OUT), ("APP_START", "01", {**MAIN, **DIAL}), ("HANGUP", "09", OUT), ENDED]
    assert legs(*rung) == [(*INBOUND[:3], "no_answer", None)]
    withheld = {**MAIN, "cid_num": ""}
    assert legs(("CHAN_START", "00", withheld), ENDED)[0][1] == "anonymous"


@pytest.mark.parametrize("last", [[ENDED], [("CHAN_END", "25", MAIN), ("CHAN_END", "25", OUT)]])
def test_a_call_waits_until_it_has_ended(last: list[Event]) -> None:
    events = [CALLED, ("CHAN_START", "01", OUT), ("ANSWER", "04", MAIN), ("HANGUP", "25", MAIN)]
    waiting = assembled(*(line(*event) for event in events)).waiting
    assert waiting["record_number"].to_list() == [1, 2, 3, 4]
    assert legs(*events, *last) == [INBOUND]


def test_a_channel_that_came_from_another_call_is_not_waited_for() -> None:
    guest = ("BRIDGE_ENTER", "20", {"channame": "PJSIP/301-01", "uniqueid": "1791438400.9"})
    assert legs(*channel(MAIN, "00", "04", "25"), guest) == [INBOUND]


def test_the_first_answer_and_the_first_hangup_count() -> None:
    again = [("ANSWER", "09", MAIN), ("HANGUP", "40", MAIN)]
    assert legs(*again, *channel(MAIN, "00", "04", "25"), ENDED) == [INBOUND]


def test_the_number_called_is_the_dnid_where_the_call_begins_at_no_number() -> None:
    began = {**MAIN, "exten": "s", "cid_dnid": "0261910042"}
    assert legs(*channel(began, "00", "04", "25"), ("APP_START", "05", {**MAIN, "exten": "301"}), ENDED) == [INBOUND]


def test_a_channel_whose_end_is_not_told_is_refused() -> None:
    fields = assembled(line(*CALLED), line("ANSWER", "04", MAIN), line(*ENDED)).fields
    refused = mediate(fields.drop("file_number")).refused
    assert refused["detail"].to_list() == ["duration_seconds: expected seconds of an answered call, found ''"]


def test_a_call_whose_beginning_is_not_there_is_refused() -> None:
    fields = assembled(line("ANSWER", "18", OUT), line("HANGUP", "25", OUT), line(*ENDED)).fields
    # LINKEDID_END names the first channel, but tells nothing of it.
    assert mediate(fields.drop("file_number")).refused["reason"].to_list() == ["bad_value"]
    assert fields["record_id"].to_list() == [CALL]


def test_of_several_targets_the_one_that_answered_is_the_leg() -> None:
    """Two persons are rung one after the other over the same trunk; then two at once, through Local channels."""
    first, second = OUT, {"channame": "PJSIP/carrier-0c", "uniqueid": "1791438484.3"}
    other = {"appname": "Dial", "appdata": "PJSIP/0639980019@carrier"}
    in_turn = [
        ("APP_START", "01", {**MAIN, **DIAL}),
        *channel(MAIN, "00", "18", "25", **other),
        ("CHAN_START", "01", first),
        ("CHAN_END", "08", first),
        ("APP_START", "09", {**MAIN, **other}),
        *channel(second, "09", "18", "25"),
        ENDED,
    ]
    assert legs(*in_turn)[0] == ("outbound", "+33261910042", "+33639980019", "answered", "7")
    half = {"channame": "Local/a@out-01;2", "uniqueid": "1791438484.4", "cid_num": "0639980030"}
    half2 = {"channame": "Local/b@out-02;2", "uniqueid": "1791438484.5", "cid_num": "0639980030"}
    at_once = [
        *channel(MAIN, "00", "18", "25", appname="Dial", appdata="Local/a@out&Local/b@out"),
        ("APP_START", "01", {**half, **DIAL}),
        ("APP_START", "01", {**half2, **other}),
        *channel(second, "01", "18", "25"),
        ENDED,
    ]
    assert legs(*at_once)[0][2] == "one of several numbers"
    named = ("BRIDGE_ENTER", "18", {**half2, **other, "peer": second["channame"]})
    assert legs(*at_once, named)[0][2] == "+33639980019"


def test_a_number_that_no_dial_names_is_taken_from_the_channel() -> None:
    shown = {**OUT, "cid_dnid": "0639980018"}
    assert legs(*channel(MAIN, "00", "04", "25"), *channel(shown, "06", "18", "25"), ENDED) == [FORWARDED, INBOUND]


def test_a_telephone_within_and_the_number_itself_are_no_second_leg() -> None:
    main = channel(MAIN, "00", "04", "25", appname="Dial", appdata="PJSIP/301")
    assert legs(*main, *channel({**OUT, "channame": "PJSIP/301-01"}, "01", "04", "25"), ENDED) == [INBOUND]
    handed = {"appname": "Dial", "appdata": "PJSIP/+33261910042@carrier"}
    assert legs(*channel(MAIN, "00", "04", "25", **handed), *channel(OUT, "01", "04", "25"), ENDED) == [INBOUND]


def test_calls_of_a_telephone() -> None:
    desk = {**MAIN, "channame": "PJSIP/211-01", "cid_num": "211", "accountcode": "A", "context": "internal"}
    within = {**desk, "exten": "212"}
    assert legs(*channel(within, "00", "04", "25"), ENDED) == []
    out = {**desk, "exten": "90639980018"}
    shown = ("APP_START", "01", {**out, **DIAL, "cid_num": "0261910042"})
    assert legs(*channel(out, "00", "18", "25"), shown, *channel(OUT, "01", "18", "25"), ENDED) == [FORWARDED]
    assert legs(("CHAN_START", "00", out), shown, ("CHAN_START", "01", OUT), ENDED) == [
        (*FORWARDED[:3], "no_answer", None)
    ]


def test_local_and_test_channels_alone_are_no_usage() -> None:
    for name in ("Local/x@default-01;1", "TinCan/string", "Console/dsp"):
        found = assembled(*(line(*event) for event in [*channel({**MAIN, "channame": name}, "00", "04", "25"), ENDED]))
        assert found.fields.is_empty()
        assert found.waiting.is_empty()


def test_an_answered_call_to_no_number_is_refused_and_an_unanswered_one_is_no_usage() -> None:
    lost = {**MAIN, "exten": "s"}
    assert legs(*channel(lost, "00", "04", "25"), ENDED)[0][2] == "s"
    assert legs(("CHAN_START", "00", lost), ENDED) == []
    assert legs(*channel({**MAIN, "exten": "301"}, "00", "04", "25"), ENDED)[0][2] == "extension 301"


def test_a_context_or_trunk_of_the_settings_comes_in() -> None:
    for named in ("from-operator", "operator"):
        assert legs(CALLED, ENDED, source=Source(country="FR", inbound=(named,)))[0][0] == "inbound"
    assert legs(CALLED, ENDED, source=Source(country="FR", inbound=("elsewhere",)))[0][0] == "unstated"


@pytest.mark.parametrize("named", ["from-operator", "operator"])
def test_a_call_from_outside_comes_in_however_short_the_number_that_it_shows(named: str) -> None:
    source = Source(country="FR", extension_digits=3, inbound=(named,))
    short = {**MAIN, "cid_num": "112"}
    assert legs(*channel(short, "00", "04", "25"), ENDED, source=source) == [
        ("inbound", "+33112", "+33261910042", "answered", "21")
    ]
    assert legs(*channel(short, "00", "04", "25"), ENDED) == []


@pytest.mark.parametrize("left_out", ["context", "channame", "cid_num", "accountcode", "appname", "appdata", "peer"])
def test_an_answered_call_counts_whichever_column_of_its_events_is_empty(left_out: str) -> None:
    source = Source(country="FR", extension_digits=3, inbound=("from-operator", "operator"))
    events = [*channel({**MAIN, left_out: ""}, "00", "04", "25"), ENDED]
    caller = "anonymous" if left_out == "cid_num" else "+33639980030"
    assert legs(*events, source=source) == [("inbound", caller, "+33261910042", "answered", "21")]


@pytest.mark.parametrize(
    "time", ["1791438480.250000", "2026-10-08 07:48:00.25", "2026-10-08T05:48:00.25Z", "2026-10-08 07:48:00.250"]
)
def test_times(time: str) -> None:
    parts = read(line("CHAN_START", time, MAIN)).parts
    assert parts is not None
    assert parts["at"].dt.to_string("%H:%M:%S%.3f").to_list() == ["05:48:00.250"]


def test_events_without_a_time_a_call_or_a_known_name_are_refused() -> None:
    rows = read(
        line("CHAN_START", "2026-10-08 07:48", MAIN),
        line("CHAN_START", "00", {**MAIN, "linkedid": ""}),
        line("CHAN_STARTED", "00", MAIN),
        line("BRIDGE_EXIT", "00", MAIN),
        line("mine", "00", {**MAIN, "userdeftype": "mine"}),
        line(*CALLED)[:60],
    )
    assert rows.unbillable == 2
    assert sorted(rows.unreadable.select("record_number", "reason").rows()) == [
        (1, "bad_value"),
        (2, "bad_value"),
        (3, "bad_value"),
        (6, "unreadable"),
    ]
    details = rows.unreadable.sort("record_number")["detail"].to_list()
    assert details[0].endswith("found '9999-99-99 99:99'")
    assert details[2].endswith("found 'xxxx_xxxxxxx'")


def test_no_password_of_a_dial_string_and_no_name_of_a_caller_is_kept() -> None:
    dial = {"appname": "Dial", "appdata": "IAX2/me:secret@carrier/0639980018", "cid_name": "Anna"}
    parts = read(line("APP_START", "00", {**MAIN, **dial})).parts
    assert parts is not None
    assert "secret" not in parts["content"][0]
    assert "Anna" not in parts["content"][0]
    assert "IAX2/carrier/0639980018" in parts["content"][0]


def test_shapes_and_headers() -> None:
    whole = read(line(*CALLED)).parts
    for rows in ([line(*CALLED, width=17)], [line(*CALLED, width=19)], [",".join(COLUMNS), line(*CALLED)]):
        assert_frame_equal(read(*rows).parts, whole)


def test_small_batches_give_the_same() -> None:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    reader = all_formats()["asterisk_cel"].reader("csv", PARIS)
    parts = [
        reader.feed(pl.DataFrame({"line": lines[at : at + 3]}), last=at + 3 >= len(lines)).parts
        for at in range(0, len(lines), 3)
    ]
    assert_frame_equal(pl.concat(part for part in parts if part is not None), read(*lines).parts)


def test_the_sample() -> None:
    found = assembled(*SAMPLE.read_text(encoding="utf-8").splitlines())
    names = ("record_id", "direction", "to_number", "status", "duration_seconds")
    assert sorted(found.fields.select(names).rows()) == [
        ("1791438480.19", "unstated", "+33261910042", "answered", "21"),
        ("1791438484.11", "outbound", "+33639980018", "answered", "7"),
        ("1791438491.12", "unstated", "+33261910042", "no_answer", None),
        ("1791442800.39:1791442810.32", "outbound", "+33639980041", "answered", "83"),
        ("1791446400.46", "outbound", "+33639980019", "answered", "52"),
        ("1791446400.49", "unstated", "+33261910042", "answered", "52"),
    ]
    assert found.waiting["record_number"].to_list() == [79, 80]


def test_only_its_own_files_are_recognised() -> None:
    recognises = all_formats()["asterisk_cel"].recognises
    assert recognises(line(*CALLED))
    assert recognises(",".join(COLUMNS))
    assert recognises(line(*CALLED).replace('"', ""))
    assert not recognises('"","0639980030","0261910042"')
    assert not recognises("record_id,service\n")
