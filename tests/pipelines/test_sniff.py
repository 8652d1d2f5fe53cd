"""`callbill sniff FILE`: what a file is, without a run and without writing anything."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.switch import RIGHT, settings, switch_format
from tests.pipelines.traffic import CALL, MESSAGE, callr_events, standard_records


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def put(home: Home, name: str, content: bytes | str) -> str:
    """A file beside the home, not in its inbox."""
    path = home.path.parent / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def moved(home: Home, path: Path) -> str:
    return put(home, path.name, path.read_bytes())


def files(home: Home) -> set[str]:
    return {path.as_posix() for path in home.path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz"])
def test_a_standard_file(home: Home, name: str) -> None:
    place = home.usage(name, [CALL, MESSAGE, CALL | {"record_id": "", "duration_seconds": "1"}])
    path = moved(home, place)
    place.unlink()
    before = files(home)
    said = call("sniff", path, "--json", *home.arguments)
    assert said.status == 0, said
    found = said.result
    assert (found["format"], found["also_possible"], found["beginning_only"]) == ("standard", [], False)
    assert (found["records"], found["usage"], found["refused"], found["unbillable"]) == (3, 2, 1, 0)
    assert found["put_into"] == str(home.path / "inbox/standard")
    assert [(row["reason"], row["records"]) for row in found["reasons"]] == [("bad_value", 1)]
    first = found["shown"][0]
    assert (first["service"], first["direction"], first["from"], first["to"]) == (
        "voice",
        "outbound",
        "+3318…",
        "+3314…",
    )
    assert (first["started"], first["quantity"], first["status"]) == ("2026-04-05 10:00:00Z", "83 s", "answered")
    assert files(home) == before


def test_events_of_callr(home: Home) -> None:
    events = [*callr_events("2026-04", 2), {"id": "x", "type": "v2.call.inbound.started", "payload": {}}]
    path = put(home, "whatever.txt", gzip.compress("".join(json.dumps(event) + "\n" for event in events).encode()))
    found = call("sniff", path, "--json", *home.arguments).result
    assert (found["format"], found["records"], found["usage"], found["unbillable"]) == ("callr", 7, 6, 1)


def test_numbers_are_shown_where_it_is_asked_for(home: Home) -> None:
    path = moved(home, home.usage("a.csv", [CALL]))
    masked, shown = call("sniff", path, *home.arguments), call("sniff", path, "--show-numbers", *home.arguments)
    assert (CALL["from_number"] in masked.out, CALL["from_number"] in shown.out) == (False, True)


def test_so_many_records_are_shown(home: Home) -> None:
    path = moved(home, home.usage("a.csv", standard_records("2026-04", 30)))
    for asked, count in (((), 10), (("--records", "3"), 3), (("--records", "0"), 0)):
        assert len(call("sniff", path, *asked, "--json", *home.arguments).result["shown"]) == count


def test_of_a_large_file_the_beginning_is_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.operations.sniff.READ_LINES", 6)
    path = moved(home, home.usage("a.csv", standard_records("2026-04", 30)))
    said = call("sniff", path, *home.arguments)
    assert "the first 5 records" in said.out
    assert call("sniff", path, "--json", *home.arguments).result["beginning_only"]


def test_with_the_settings_of_the_home_and_calls_told_by_two_records(home: Home) -> None:
    with switch_format():
        settings(home, **RIGHT)
        text = (
            "id,part,caller,called,start,seconds\n"
            "p1,INVITE,0184000003,0145000001,2026-04-05 10:00:00,\np1,BYE,,,2026-04-05 10:01:23,\n"
            "p2,INVITE,0184000003,0145000001,2026-04-05 10:00:00,\ns1,,0184000003,0145000001,never,5\n"
        )
        found = call("sniff", put(home, "a.csv", text), "--json", "--show-numbers", *home.arguments).result
    assert (found["format"], found["records"], found["usage"]) == ("switch", 4, 1)
    assert (found["refused"], found["unbillable"], found["incomplete"]) == (1, 1, 1)
    (shown,) = found["shown"]
    assert (shown["from"], shown["started"], shown["quantity"]) == ("+33184000003", "2026-04-05 08:00:00Z", "83 s")


def test_two_formats_that_read_it_as_well(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with switch_format():
        from transforms.mediation.formats import standard, switch  # type: ignore[attr-defined]

        monkeypatch.setattr(switch, "recognises", standard.recognises)
        monkeypatch.setattr(switch, "reader", standard.reader)
        found = call("sniff", moved(home, home.usage("a.csv", [CALL])), "--json", *home.arguments).result
    assert {found["format"], *found["also_possible"]} == {"standard", "switch"}


@pytest.mark.parametrize(
    "content", ["", "a,b\n1,2\n", b"\x00\xff\xfe\x80" * 50, "{}\n", b"PAR1 and no more", b"\x1f\x8b\x08cut"]
)
def test_a_file_of_no_format(home: Home, content: bytes | str) -> None:
    said = call("sniff", put(home, "strange", content), *home.arguments)
    assert (said.status, said.out) == (2, "")
    assert "no format that callbill knows (asterisk, asterisk_cel, callr" in said.err


def test_read_as_the_format_that_is_named(home: Home) -> None:
    path = put(home, "a.csv", "a,b\n1,2\n3,4\n")
    found = call("sniff", path, "--format", "standard", "--json", *home.arguments).result
    assert (found["asked"], found["records"], found["usage"], found["refused"]) == (True, 2, 0, 2)
    assert "column 'record_id'" in str(found["reasons"]) or "column 1 is unknown" in str(found["reasons"])
    said = call("sniff", path, "--format", "nonsense", *home.arguments)
    assert (said.status, "there is no format nonsense" in said.err) == (2, True)
