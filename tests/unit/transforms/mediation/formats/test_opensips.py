"""INVITE and BYE of OpenSIPS and Kamailio become calls, whatever their order and whoever hung up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from transforms.mediation.contract import PART, Assembled, Read
from transforms.mediation.formats import all_formats
from transforms.mediation.records import FIELDS, mediate
from transforms.mediation.sip_accounting import CORE, assemble
from transforms.mediation.source import Source
from transforms.mediation.text_lines import NOT_UTF8
from transforms.tables.vocabulary import UNSTATED

SAMPLE = Path(__file__).parents[4] / "samples" / "opensips_acc.log"
FRENCH = Source(time_zone="Europe/Paris", country="FR")
AT = 1790845200
"""2026-10-01 09:00 UTC."""


def line(method: str = "INVITE", at: Any = AT, code: Any = 200, **said: str) -> str:
    tags = said.get("tags", "aa|bb")
    numbers = f"{said.get('caller', '0639980001')}|{said.get('callee', '0639980040')}"
    return f"{method}|{tags}|{said.get('callid', 'c1')}|{code}|OK|{at}|*x|{numbers}||1:2{said.get('tail', '')}"


def bye(at: Any = AT + 83, tags: str = "bb|aa", **said: str) -> str:
    return line("BYE", at, caller="", callee="", tags=tags, **said)


def read(lines: Sequence[str], source: Source = FRENCH, size: int = 1000, name: str = "opensips") -> Read:
    """What the lines give, fed in batches of `size`; every record goes somewhere, and once."""
    reader = all_formats()[name].reader("csv", source)
    batches = [lines[at : at + size] for at in range(0, len(lines), size)] or [[]]
    found = [
        reader.feed(pl.DataFrame({"line": batch}, schema={"line": pl.String}), last=batch is batches[-1])
        for batch in batches
    ]
    for one in found:
        assert one.fields.columns == ["record_number", *FIELDS]
        assert one.parts is None or one.parts.schema == PART
    whole = Read(
        pl.concat([one.fields for one in found], how="vertical_relaxed"),
        pl.concat([one.unreadable for one in found]),
        sum(one.unbillable for one in found),
        pl.concat([one.parts for one in found if one.parts is not None] or [pl.DataFrame(schema=PART)]),
    )
    assert whole.parts is not None
    assert reader.records == whole.fields.height + whole.unreadable.height + whole.unbillable + whole.parts.height
    return whole


def assembled(*lines: str, source: Source = FRENCH) -> Assembled:
    parts = read(lines, source).parts
    assert parts is not None
    return assemble(parts.with_columns(pl.lit(1, pl.Int32).alias("file_number")))


def call(*lines: str, source: Source = FRENCH) -> dict[str, Any]:
    """The one call that the lines tell."""
    found = assembled(*lines, source=source)
    assert found.waiting.is_empty()
    (row,) = found.fields.to_dicts()
    return row


def test_a_call_lasts_from_its_invite_to_its_bye() -> None:
    row = call(line(), bye())
    assert {name: value for name, value in row.items() if value is not None} == {
        "file_number": 1,
        "record_number": 2,
        "record_id": "c1;aa;bb",
        "service": "voice",
        "direction": UNSTATED,
        "from_number": "+33639980001",
        "to_number": "+33639980040",
        "started_at": datetime(2026, 10, 1, 9, tzinfo=UTC),
        "duration_seconds": "83",
        "status": "answered",
    }


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_the_lines_does_not_matter(order: tuple[int, ...]) -> None:
    lines = [line(), line(at=AT + 20), bye(tags="aa|bb")]
    row = call(*(lines[at] for at in order))
    assert (row["duration_seconds"], row["started_at"].minute, row["record_number"]) == ("83", 0, 3)


def test_the_first_bye_ends_the_call() -> None:
    assert call(line(), bye(AT + 9), bye(AT + 8, code=408))["duration_seconds"] == "8"


def test_a_refused_re_invite_is_no_call() -> None:
    row = call(line(), line(at=AT + 5, code=491), bye())
    assert (row["status"], row["duration_seconds"]) == ("answered", "83")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (486, "busy"),
        (600, "busy"),
        (487, "no_answer"),
        (480, "no_answer"),
        (408, "no_answer"),
        (404, "failed"),
        (302, "failed"),
        (503, "failed"),
        (603, "failed"),
    ],
)
def test_a_refused_invite_is_an_unanswered_call_by_itself(code: int, status: str) -> None:
    row = call(line(code=code, tags="aa|"))
    assert (row["status"], row["duration_seconds"], row["record_id"]) == (status, "0", "c1;;aa")


@pytest.mark.parametrize("code", [100, 183, 401, 407])
def test_what_is_no_final_answer_is_no_usage(code: int) -> None:
    found = read([line(code=code), line("ACK"), line("CANCEL")])
    assert found.unbillable == 3


@pytest.mark.parametrize("lines", [[line()], [bye()], [line(code=491), bye()]])
def test_half_a_call_waits(lines: list[str]) -> None:
    found = assembled(*lines)
    assert found.fields.is_empty()
    assert found.waiting["record_number"].to_list() == list(range(1, len(lines) + 1))


def test_calls_are_told_apart_by_call_id_and_tags() -> None:
    found = assembled(
        line(), line(tags="aa|cc"), line(callid="c2"), bye(AT + 1), bye(AT + 2, tags="cc|aa"), bye(AT + 3, callid="c2")
    )
    assert sorted(found.fields["duration_seconds"]) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        (f"{AT}.2", f"{AT + 3}.3", "4"),
        ("2026-10-01 11:00:00", "2026-10-01 11:01:23", "83"),
        (AT, "2026-10-01 11:00:10", "10"),
        (AT, AT, "0"),
        (AT, AT - 5, "-5"),
    ],
)
def test_times_are_epochs_or_local(start: Any, end: Any, seconds: str) -> None:
    row = call(line(at=start), bye(end))
    assert (row["started_at"].replace(microsecond=0), row["duration_seconds"]) == (
        datetime(2026, 10, 1, 9, tzinfo=UTC),
        seconds,
    )


def test_who_called_may_be_anybody_and_numbers_stand_in_addresses() -> None:
    row = call(line(caller="", callee="sip:0261910042@example.com;user=phone"), bye())
    assert (row["from_number"], row["to_number"]) == ("anonymous", "+33261910042")
    row = call(line(caller="Alice <sip:+33639980030@example.com>", callee="tel:+33261910042"), bye())
    assert (row["from_number"], row["to_number"]) == ("+33639980030", "+33261910042")


def test_a_call_to_an_extension_is_no_usage() -> None:
    internal = [line(callee="1002"), bye()]
    found = assembled(*internal, source=Source(extension_digits=4))
    assert found.fields.is_empty()
    assert found.waiting.is_empty()
    assert call(*internal, source=Source(extension_digits=3))["to_number"] == "+1002"


@pytest.mark.parametrize(
    ("broken", "reason", "detail"),
    [
        (
            line(at=""),
            "bad_value",
            "time: expected seconds since 1970, or a date and time as 2026-10-01 08:15:00, found ''",
        ),
        (
            line(at="soon"),
            "bad_value",
            "time: expected seconds since 1970, or a date and time as 2026-10-01 08:15:00, found 'xxxx'",
        ),
        (
            bye(""),
            "bad_value",
            "time: expected seconds since 1970, or a date and time as 2026-10-01 08:15:00, found ''",
        ),
        (line(code="2OO"), "bad_value", "sip_code: expected a code of SIP, three digits, found '9xx'"),
        (line(callid=""), "bad_value", "callid: expected the Call-ID, found ''"),
        (line(tags="|bb"), "bad_value", "from_tag: expected the tag of who called, found ''"),
        (line("INVITF"), "unreadable", "method: expected a method of SIP, found 'xxxxxx'"),
        (line("method"), "unreadable", "method: expected a method of SIP, found 'xxxxxx'"),
        ("INVITE|aa|bb|c1|200|OK|17908", "unreadable", "7 fields, 12 expected"),
        (line() + "|more", "unreadable", "13 fields, 12 expected"),
        (line(callid="c" + NOT_UTF8), "unreadable", "the line is no UTF-8"),
    ],
)
def test_a_broken_line_is_refused_alone(broken: str, reason: str, detail: str) -> None:
    found = read([line(), broken, bye()])
    assert found.unreadable.select("record_number", "reason", "detail").rows() == [(2, reason, detail)]
    assert found.parts is not None
    assert found.parts.height == 2


def test_a_mark_behind_a_line_is_not_its_content() -> None:
    found = read([bye(), bye(tail='|flatstore"1.0')]).parts
    assert found is not None
    assert found.drop("record_number").unique().height == 1


def test_blank_lines_and_carriage_returns_are_no_records() -> None:
    found = read(["", " ", "\ufeff" + line() + "\r", "", bye() + "\r", ""])
    assert found.parts is not None
    assert found.parts["record_number"].to_list() == [1, 2]


def test_the_columns_are_those_of_the_template() -> None:
    template = (*CORE, "callee", "", "caller", "account")
    source = Source(country="FR", template=template)
    row = call(
        f"INVITE|aa|bb|c1|200|OK|{AT}|0639980040|any|0639980001|A", f"BYE|aa|bb|c1|200|OK|{AT + 1}||||", source=source
    )
    assert (row["from_number"], row["to_number"], row["account_id"]) == ("+33639980001", "+33639980040", "A")


def test_parts_hold_no_more_than_is_needed() -> None:
    found = read([line(), bye()]).parts
    assert found is not None
    assert found["content"].to_list() == [
        '{"code":"200","caller":"+33639980001","callee":"+33639980040","account":null,"internal":false}',
        "{}",
    ]
    assert found["part"].to_list() == ["INVITE", "BYE"]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_small_batches_give_the_same(size: int) -> None:
    lines = SAMPLE.read_text(encoding="utf-8").split("\n")
    whole, parts = read(lines), read(lines, size=size)
    assert whole.unreadable.equals(parts.unreadable)
    assert whole.unbillable == parts.unbillable
    assert whole.parts is not None
    assert parts.parts is not None
    assert whole.parts.equals(parts.parts)


def test_the_sample() -> None:
    lines = SAMPLE.read_text(encoding="utf-8").split("\n")
    found = assembled(*lines, source=Source(country="FR", extension_digits=4))
    assert mediate(found.fields.drop("file_number")).refused.is_empty()
    assert found.fields.select("record_number", "duration_seconds", "status").rows() == [
        (5, "40", "answered"),
        (6, "0", "busy"),
        (7, "0", "no_answer"),
        (8, "0", "failed"),
        (14, "83", "answered"),
    ]
    assert found.waiting["record_number"].to_list() == [10, 11, 12, 13, 16]


def test_no_lines_give_no_parts() -> None:
    found = assembled()
    assert found.fields.columns == ["file_number", "record_number", *FIELDS]
    assert found.fields.is_empty()
    assert found.waiting.is_empty()


@pytest.mark.parametrize(
    ("head", "opensips", "kamailio"),
    [
        (line(), True, True),
        ("\n\n" + bye() + "\n" + line(), True, True),
        ("id,start_time,end_time,duration,src_user\n", False, True),
        ("id,method,callid,time,duration,setuptime\n", True, False),
        ("record_id,service,duration,start_time\n", False, False),
        ("INVITE us|all\n", False, False),
        ("", False, False),
    ],
)
def test_it_is_recognised(head: str, opensips: bool, kamailio: bool) -> None:
    formats = all_formats()
    assert (formats["opensips"].recognises(head), formats["kamailio"].recognises(head)) == (opensips, kamailio)


@pytest.mark.parametrize("first", ["INVITE\rx", "x" * 200_000, '"', "\x00"])
def test_a_first_line_that_is_none_is_refused_alone(first: str) -> None:
    found = read([first, line(), bye()])
    assert found.unreadable["record_number"].to_list() == [1]
    assert found.parts is not None
    assert found.parts["record_number"].to_list() == [2, 3]
