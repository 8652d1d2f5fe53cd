"""Which description holds for a file, and what is told of a file that has none or an unsound one."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipelines.inputs.inbox import InboxFile, find_files
from pipelines.inputs.sources import source_of, why_not_read
from pipelines.settings import Installation, Settings
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source

SAMPLES = Path(__file__).parents[2] / "samples"
SOUND = (SAMPLES / "table.toml").read_text("utf-8")
USAGE = (SAMPLES / "table.csv").read_bytes()


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    return Installation(tmp_path, tmp_path, Settings())


def put(place: Installation, name: str, content: bytes | str) -> InboxFile:
    path = place.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return InboxFile(path, f"inbox/{name}", name.split("/")[0])


@pytest.mark.parametrize(
    "beside",
    ["a/b/u.csv.gz.toml", "a/b/u.csv.toml", "a/b/u.toml", "a/b/table.toml", "a/table.toml", "table.toml"],
)
def test_a_description_beside_the_file_or_above_it(place: Installation, beside: str) -> None:
    file = put(place, "table/a/b/u.csv.gz", gzip.compress(USAGE))
    put(place, f"table/{beside}", SOUND)
    assert why_not_read(place, file) == ""
    assert source_of(place, file).table["constants"] == {"service": "voice"}


def test_the_nearest_description_holds(place: Installation) -> None:
    file = put(place, "table/a/u.csv", USAGE)
    near = ["table/table.toml", "table/a/table.toml", "table/a/u.toml", "table/a/u.csv.toml"]
    for number, name in enumerate(near):
        put(place, name, SOUND.replace('"voice"', f'"voice"\nlinked_id = "{number}"'))
        assert source_of(place, file).table["constants"]["linked_id"] == str(number)


def test_descriptions_are_no_usage(place: Installation) -> None:
    put(place, "table/a/u.csv", USAGE)
    put(place, "table/a/u.toml", SOUND)
    put(place, "standard/u.toml", "record_id\n")
    found, _ = find_files(place, all_formats())
    assert [file.name for file in found] == ["inbox/standard/u.toml", "inbox/table/a/u.csv"]


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        (None, "nothing describes it: u.toml beside it, or table.toml in its folder or one above, is expected"),
        (b"[columns\n", "inbox/table/a/u.toml is no sound TOML: "),
        (b'a = "\xff"', "inbox/table/a/u.toml is no sound TOML: "),
        (b"a = " + b"[" * 60_000, "inbox/table/a/u.toml is no sound TOML: "),
        (b"#" * 70_000, "inbox/table/a/u.toml has more than 65536 bytes"),
        (b"[colums]\n", "inbox/table/a/u.toml: 'colums' is unknown"),
        (SOUND.replace('"Dauer"', '"Laenge"').encode(), "column 'Laenge' is not among those of line 1 of the file"),
    ],
)
def test_a_file_that_is_not_described_is_not_loaded(
    place: Installation, description: bytes | None, sentence: str
) -> None:
    file = put(place, "table/a/u.csv", USAGE)
    if description is not None:
        put(place, "table/a/u.toml", description)
    said = why_not_read(place, file)
    assert said.startswith("inbox/table/a/u.csv: not loaded: ")
    assert sentence in said


def test_a_description_outside_the_folder_of_the_format_does_not_hold(place: Installation) -> None:
    file = put(place, "table/u.csv", USAGE)
    put(place, "table.toml", SOUND)
    assert "nothing describes it" in why_not_read(place, file)


def test_other_formats_need_none(place: Installation) -> None:
    file = put(place, "standard/u.csv", b"record_id\n")
    assert why_not_read(place, file) == ""
    assert source_of(place, file).table == {}


def test_a_description_is_kept_as_text_and_read_again(place: Installation) -> None:
    file = put(place, "table/u.csv", USAGE)
    put(place, "table/u.toml", SOUND)
    source = source_of(place, file)
    assert Source.from_text(source.as_text()) == source
