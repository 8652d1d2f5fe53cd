"""A record of any format is found in its raw file again, on its line where the file is a text, and read as it was loaded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.explain.raw import RawRecord, find_record
from pipelines.settings import Installation, Settings
from pipelines.settings.sources import SourceSettings
from tests.pipelines import pairs_format
from tests.sample_files import Sample, read_file, samples
from transforms.mediation.records import mediate


def place_of(folder: Path, sample: Sample) -> tuple[Installation, dict[str, object]]:
    """An installation whose inbox holds the sample alone, and its row of usage_files."""
    name = sample.form.NAME
    path = folder / "inbox" / name / sample.path.name
    path.parent.mkdir(parents=True)
    path.write_bytes(sample.path.read_bytes())
    description = sample.path.with_suffix(".toml")
    if description.exists():
        (path.parent / description.name).write_bytes(description.read_bytes())
    source = sample.source
    settings = SourceSettings(
        time_zone=source.time_zone,
        country=source.country,
        inbound=source.inbound,
        extension_digits=source.extension_digits,
        template=",".join(f"${{{column}}}" for column in source.template),
    )
    installation = Installation(folder, folder, Settings(sources={name: settings}))
    row = {
        "path": f"inbox/{name}/{path.name}",
        "format": name,
        "bytes": path.stat().st_size,
        "file_id": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    return installation, row


def found_in(installation: Installation, row: dict[str, object], number: int) -> RawRecord:
    found = find_record(installation, row, number)
    assert found is not None
    return found


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_every_record_is_read_as_it_was_loaded(tmp_path: Path, sample: Sample) -> None:
    installation, row = place_of(tmp_path, sample)
    reads, records, damaged = read_file(sample.path, sample.form, sample.source)
    assert (damaged, records > 0) == (0, True)
    loaded = {}
    for part in reads:
        loaded |= {item["record_number"]: item for item in mediate(part.fields).records.to_dicts()}
    told = pl.concat([part.parts for part in reads if part.parts is not None] or [pl.DataFrame({"record_number": []})])
    for number in range(1, records + 1):
        found = found_in(installation, row, number)
        if number in loaded:
            assert found.read == loaded[number]
        if number in told["record_number"]:
            assert found.told[-1][0] == number
        lines = sample.path.read_bytes().count(b"\n") + 1
        assert found.line is None or 1 <= found.line <= lines


TEXTS = [sample for sample in samples() if sample.path.suffix in (".csv", ".jsonl")]


@pytest.mark.parametrize("sample", TEXTS, ids=str)
def test_the_lines_of_a_text_are_told_in_their_order(tmp_path: Path, sample: Sample) -> None:
    installation, row = place_of(tmp_path, sample)
    _, records, _ = read_file(sample.path, sample.form, sample.source)
    lines = [found_in(installation, row, number).line for number in range(1, records + 1)]
    known = [line for line in lines if line is not None]
    assert known == sorted(known)


def test_a_line_is_that_on_which_the_record_begins(tmp_path: Path) -> None:
    sample = next(item for item in samples() if item.path.name == "table.csv")
    installation, row = place_of(tmp_path, sample)
    assert [found_in(installation, row, number).line for number in (1, 9, 11)] == [2, 10, 12]


def test_the_last_of_several_records_tells_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a format of the test's own: pairs of lines `begin` and `end`."""
    monkeypatch.setattr("pipelines.explain.raw.all_formats", lambda: {"pairs": pairs_format})
    monkeypatch.setattr("pipelines.inputs.sources.all_formats", lambda: {"pairs": pairs_format})
    path = tmp_path / "pairs.jsonl"
    lines = [{"call": "a", "what": "begin"}, {"call": "b", "what": "begin"}, {"call": "a", "what": "end"}]
    path.write_text("\n".join(map(json.dumps, [*lines, {"call": "c", "what": "end"}])))
    sample = Sample(path, pairs_format, samples()[0].source)  # type: ignore[arg-type]
    installation, row = place_of(tmp_path / "home", sample)
    whole = found_in(installation, row, 3)
    assert (whole.event, whole.told, whole.line) == ("a", ((1, "begin"), (3, "end")), 3)
    assert whole.read is not None
    assert whole.read["record_id"] == "a"
    half = found_in(installation, row, 4)
    assert (half.told, half.read) == (((4, "end"),), None)
