"""[source.<format>] and [load] of callbill.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import BadInput
from pipelines.inputs.inbox import InboxFile
from pipelines.inputs.sources import source_of
from pipelines.settings import Installation, Settings, read_settings
from transforms.mediation.source import Source

BOTH = """
[billing]
time_zone = "Europe/Paris"
[source.standard]
time_zone = "Asia/Tokyo"
inbound = ["from-trunk"]
[source."standard/lisbon"]
country = "PT"
extension_digits = 4
template = '"${caller_id_number}","${start_stamp}"'
"""


def read(folder: Path, text: str) -> Settings:
    path = folder / "callbill.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def found(folder: Path, text: str, name: str) -> Source:
    installation = Installation(folder, folder, read(folder, text))
    return source_of(installation, InboxFile(folder / name, name, name.split("/")[1]))


def test_the_nearest_folder_of_the_inbox_holds(tmp_path: Path) -> None:
    tokyo = Source(time_zone="Asia/Tokyo", country="FR", inbound=("from-trunk",))
    lisbon = Source("Europe/Paris", "PT", extension_digits=4, template=("caller_id_number", "start_stamp"))
    assert found(tmp_path, BOTH, "inbox/standard/a.csv") == tokyo
    assert found(tmp_path, BOTH, "inbox/standard/porto/2026/a.csv") == tokyo
    assert found(tmp_path, BOTH, "inbox/standard/lisbon/2026/a.csv") == lisbon
    assert found(tmp_path, BOTH, "inbox/callr/a.jsonl") == Source("Europe/Paris", "FR")


def test_a_source_is_kept_as_text() -> None:
    source = Source("Europe/Paris", "PT", ("trunk",), 4, ("uuid",), {"columns": {"record_id": "id"}})
    assert Source.from_text(source.as_text()) == source


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[source.standard]\nzone = "UTC"\n', "unknown key 'zone' in [source.standard]"),
        ('[source.telex]\ncountry = "FR"\n', "[source.telex]: the inbox has a folder for each format"),
        ('[source]\nstandard = "FR"\n', "source.standard must be a section [source.standard]"),
        ('[source.standard]\ntime_zone = "Paris"\n', "time_zone: 'Paris' is no time zone"),
        ('[source.standard]\ncountry = "XX"\n', "country: 'XX' is no country with telephone numbers"),
        ("[source.standard]\nextension_digits = 9\n", "extension_digits: 9 is no number from 0 to 8"),
        ('[source.standard]\ninbound = "trunk"\n', "inbound: a list of texts is expected"),
        ("[source.standard]\ninbound = [1]\n", "inbound: a list of texts is expected"),
        ('[source.standard]\nsequence = "cdr_[0-9]+"\n', "is no regular expression with one group"),
        ('[source.standard]\nsequence = "cdr_("\n', "is no regular expression with one group"),
        ("[source.standard]\nsequence_last = -1\n", "sequence_last: -1 is no number from 0 on"),
        ("[load]\nlongest_line = 10\n", "[load] longest_line: 10 is no number from 1000 on"),
        ("[load]\nunpacked_ratio = 0\n", "[load] unpacked_ratio: 0 is no number from 1 on"),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=r"callbill\.toml") as error:
        read(tmp_path, text)
    assert sentence in str(error.value)
