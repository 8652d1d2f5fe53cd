"""Reports of Vonage's Reports API become the fields of usage records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from transforms.mediation.contract import Kind, Read
from transforms.mediation.formats import all_formats
from transforms.mediation.records import FIELDS, mediate
from transforms.mediation.source import Source

SAMPLES = Path(__file__).parents[4] / "samples"
CALL = {
    "account_id": "12aa3456",
    "call_id": "v1-1",
    "direction": "outbound",
    "from": "33639980001",
    "to": "33639980040",
    "date_start": "2026-10-08T09:00:00+00:00",
    "date_end": "2026-10-08T09:01:23+00:00",
    "duration": "83",
    "status": "ANSWERED",
    "status_code": "200",
    "id": "e1",
}
MESSAGE = {
    "account_id": "12aa3456",
    "message_id": "M1",
    "direction": "outbound",
    "from": "33639980001",
    "to": "33639980040",
    "date_received": "2026-10-09T08:00:00+00:00",
    "status": "delivered",
    "id": "e2",
}


def read(lines: Sequence[str], kind: Kind = "json", source: Source | None = None, size: int = 1000) -> Read:
    """What the lines give, fed in batches of `size`; every record goes somewhere, and once."""
    reader = all_formats()["vonage"].reader(kind, source or Source())
    batches = [lines[at : at + size] for at in range(0, len(lines), size)]
    found = [reader.feed(pl.DataFrame({"line": batch}), last=batch is batches[-1]) for batch in batches]
    assert all(one.fields.columns == ["record_number", *FIELDS] for one in found)
    whole = Read(
        pl.concat([one.fields for one in found], how="vertical_relaxed"),
        pl.concat([one.unreadable for one in found]),
        sum(one.unbillable for one in found),
    )
    assert reader.records == whole.fields.height + whole.unreadable.height + whole.unbillable
    return whole


def records(*objects: dict[str, Any], source: Source | None = None) -> list[dict[str, Any]]:
    return read([json.dumps({"product": "SMS", "records": objects})], source=source).fields.to_dicts()


def named(row: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in row.items() if v is not None and n not in ("record_number", "started_at")}


def segments(*objects: dict[str, Any], template: tuple[str, ...] = ()) -> tuple[list[int], list[str]]:
    """The segments of what can be billed, and the reasons of what can't."""
    lines = [json.dumps({"records": objects})]
    found = mediate(read(lines, source=Source(template=template)).fields)
    return found.records["segments"].to_list(), found.refused["reason"].to_list()


def test_a_call() -> None:
    (row,) = records(CALL)
    assert row["started_at"].isoformat() == "2026-10-08T09:00:00+00:00"
    assert named(row) == {
        "record_id": "v1-1",
        "service": "voice",
        "direction": "outbound",
        "from_number": "33639980001",
        "to_number": "33639980040",
        "duration_seconds": "83",
        "status": "answered",
    }
    assert mediate(read([json.dumps(CALL)]).fields).records["own_number"].to_list() == ["+33639980001"]


def test_a_message() -> None:
    (row,) = records(MESSAGE)
    assert row["started_at"].isoformat() == "2026-10-09T08:00:00+00:00"
    assert named(row) == {
        "record_id": "M1",
        "service": "sms",
        "direction": "outbound",
        "from_number": "33639980001",
        "to_number": "33639980040",
        "status": "delivered",
        "segments": "1",
    }


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"status": "FAILED", "status_code": "486"}, "busy"),
        ({"status": "FAILED", "status_code": "480"}, "no_answer"),
        ({"status": "FAILED", "status_code": "404"}, "failed"),
        ({"status": "FAILED", "status_code": ""}, "failed"),
        ({"status": "timeout"}, "no_answer"),
        ({"status": "teleported"}, "teleported"),
    ],
)
def test_how_a_call_ended(said: dict[str, str], status: str) -> None:
    assert records(CALL | said)[0]["status"] == status


@pytest.mark.parametrize(
    "written",
    ["2026-10-08T09:00:00+0000", "2026-10-08T11:00:00+02:00", "2026-10-08 09:00:00", "2026-10-08T09:00:00.000Z"],
)
def test_times_are_utc(written: str) -> None:
    found = read([json.dumps(CALL | {"date_start": written})], source=Source(time_zone="Europe/Paris")).fields
    assert found["started_at"].to_list()[0].isoformat() == "2026-10-08T09:00:00+00:00"


@pytest.mark.parametrize(
    ("udh", "part"),
    [
        ("0500039f0201", "01"),
        ("500039f0202", "02"),
        ("050003FF0A0A", "0A"),
        ("06080412340302", "02"),
        ("60804ffff0203", "03"),
    ],
)
def test_a_part_is_one_segment_under_a_name_of_its_own(udh: str, part: str) -> None:
    (row,) = records(MESSAGE | {"udh": udh, "concatenated": "TRUE", "message_body": "x" * 400})
    assert (row["record_id"], row["segments"]) == (f"M1:{part}", "1")


@pytest.mark.parametrize("udh", ["", "0605040b8423f0", None])
def test_another_header_is_no_part(udh: str | None) -> None:
    assert records(MESSAGE | {"udh": udh})[0]["record_id"] == "M1"


def test_parts_of_a_message_are_billed_each_and_once() -> None:
    one, two = (MESSAGE | {"udh": f"05000301020{at}"} for at in (1, 2))
    assert segments(one, two) == ([1, 1], [])


def test_the_text_tells_the_segments_of_a_row() -> None:
    assert segments(
        MESSAGE | {"message_body": "x" * 160},
        MESSAGE | {"message_body": "x" * 161},
        MESSAGE | {"message_body": "é" * 70, "dcs": "8"},
        MESSAGE | {"message_body": "e" * 71, "dcs": "8"},
        MESSAGE | {"message_body": "\U0001f600" * 36, "dcs": "8"},
        MESSAGE | {"message_body": "e" * 71, "dcs": "0"},
    ) == ([1, 2, 1, 2, 2, 1], [])


def test_without_text_a_row_is_a_segment_unless_the_settings_say_that_it_is_a_message() -> None:
    long, short = MESSAGE | {"concatenated": "TRUE"}, MESSAGE | {"concatenated": "FALSE"}
    assert segments(long, short, MESSAGE) == ([1, 1, 1], [])
    assert segments(long, short, template=("message",)) == ([1], ["sms_length_unknown"])


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("accepted", "sent"),
        ("EXPIRED", "sent"),
        ("delivered", "delivered"),
        ("rejected", "rejected"),
        ("failed", "failed"),
        ("", None),
        ("odd", "odd"),
    ],
)
def test_status_of_a_message(word: str, status: str | None) -> None:
    assert records(MESSAGE | {"status": word})[0]["status"] == status


def test_a_message_that_comes_in_may_have_any_sender() -> None:
    first, second = records(
        MESSAGE | {"direction": "inbound", "from": "NXSMS"}, MESSAGE | {"direction": "INBOUND", "from": ""}
    )
    assert (first["from_number"], second["from_number"]) == ("NXSMS", "anonymous")


@pytest.mark.parametrize(
    "other",
    [
        CALL | {"asr_type": "standard"},
        CALL | {"call_date_start": "2026-10-08T09:00:00+00:00"},
        CALL | {"tts_type": "premium"},
        MESSAGE | {"provider": "whatsapp"},
        MESSAGE | {"request_id": "q"},
        {"call_id": "w1", "date_start": "2026-10-08T09:00:00+00:00", "duration": "30", "status": "completed"},
    ],
)
def test_other_products_are_counted_only(other: dict[str, Any]) -> None:
    found = read([json.dumps({"records": [CALL, other]})])
    assert (found.fields["record_id"].to_list(), found.unbillable) == (["v1-1"], 1)


def test_a_record_of_nothing_known_is_refused() -> None:
    found = mediate(read([json.dumps({"direction": "outbound", "from": "33639980001", "to": "33639980040"})]).fields)
    assert found.refused["reason"].to_list() == ["bad_value"]


def test_a_text_goes_nowhere_but_into_its_field() -> None:
    (row,) = records(MESSAGE | {"message_body": "secret"})
    assert [name for name, value in row.items() if value == "secret"] == ["text"]
    assert "secret" not in records(MESSAGE | {"message_body": "secret", "dcs": "8"})[0].values()


def test_a_report_of_other_columns_is_refused() -> None:
    found = read(["account_id,call_id,date_start,duration", "a,b,2026-10-08T09:00:00+00:00,1"], "csv")
    assert found.unreadable["detail"].to_list() == ["line 1: columns are missing: 'direction'; 'from'; 'to'"]


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("name", ["vonage_voice.csv", "vonage_sms.csv", "vonage_records.json"])
def test_small_batches_give_the_same(name: str, size: int) -> None:
    lines = (SAMPLES / name).read_text(encoding="utf-8").split("\n")
    kind: Kind = "json" if name.endswith("json") else "csv"
    whole, parts = read(lines, kind), read(lines, kind, size=size)
    assert whole.fields.equals(parts.fields)
    assert whole.unreadable.equals(parts.unreadable)
    assert (whole.fields.height, whole.unreadable.height, whole.unbillable) == {
        "vonage_voice.csv": (5, 0, 0),
        "vonage_sms.csv": (6, 1, 0),
        "vonage_records.json": (2, 0, 1),
    }[name]


@pytest.mark.parametrize(
    ("head", "recognised"),
    [
        (json.dumps({"product": "SMS", "records": [MESSAGE]}), True),
        (json.dumps(CALL), True),
        (",".join(CALL), True),
        ("\ufeff" + ",".join(f'"{name}"' for name in MESSAGE), True),
        ("record_id,direction,from,to,date_start", False),
        ('{"call_id": 1}', False),
        ("", False),
    ],
)
def test_it_is_recognised(head: str, recognised: bool) -> None:
    assert all_formats()["vonage"].recognises(head) is recognised
