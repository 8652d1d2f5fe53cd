"""A file of the format `table` waits in the inbox, with a warning each run, until it is soundly described."""

from __future__ import annotations

from pathlib import Path

from tests.pipelines.command import call
from tests.pipelines.homes import make_home
from tests.support import read_published

SAMPLES = Path(__file__).parents[1] / "samples"
DESCRIPTION = (SAMPLES / "table.toml").read_text("utf-8")


def test_a_file_is_loaded_once_its_description_is_sound(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    home.raw("table/pbx/u.csv", (SAMPLES / "table.csv").read_bytes())
    for description, why in (
        (None, "nothing describes it"),
        (DESCRIPTION.replace("Dauer", "Laenge"), "column 'Laenge' is not among"),
    ):
        if description:
            home.raw("table/pbx/table.toml", description)
        said = call("run", "2026-10", *home.arguments)
        assert said.status == 0
        assert "inbox/table/pbx/u.csv: not loaded: " in said.err
        assert why in said.err
        assert read_published(home.path)["usage_files"].is_empty()
    home.raw("table/pbx/table.toml", DESCRIPTION)
    said = call("run", "2026-10", *home.arguments)
    assert "not loaded" not in said.err
    assert read_published(home.path)["usage_files"].select("records", "unbillable").rows() == [(11, 1)]
