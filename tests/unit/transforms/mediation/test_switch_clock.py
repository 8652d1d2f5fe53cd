"""Local times of a switch, and the hour that its clocks repeat."""

from __future__ import annotations

import polars as pl

from tests.unit.frames import moment
from transforms.mediation.switch_clock import with_moment


def moments(zone: str, *rows: tuple[str | None, str | None]) -> list[object]:
    frame = pl.DataFrame(rows, schema={"start": pl.String, "uniqueid": pl.String}, orient="row")
    found = with_moment(frame, "start", zone, channel="uniqueid")
    assert found.columns == ["start", "uniqueid", "_moment"]
    return found["_moment"].to_list()


def test_the_epoch_in_a_name_tells_which_of_two_equal_hours() -> None:
    twice = "2026-10-25 02:30:00"
    found = moments(
        "Europe/Paris",
        (twice, "1792888200.1"),  # 00:30 UTC
        (twice, "pbx-1792891800.2"),  # 01:30 UTC
        (twice, None),
        (twice, "call-17"),
        (twice, "1792999999.3"),  # after both: tells nothing
        ("2026-10-25 04:30:00", "1792891800.2"),
    )
    early, late = moment("2026-10-25 00:30"), moment("2026-10-25 01:30")
    assert found == [early, late, early, early, early, moment("2026-10-25 03:30")]


def test_what_is_no_local_time_is_null() -> None:
    wrong = ["2026-10-08 15:07", "08/10/2026 15:07:00", "2026-03-29 02:30:00", "", None]
    assert moments("Europe/Paris", *((text, None) for text in wrong)) == [None] * 5
    assert moments("UTC", ("2026-03-29 02:30:00", None)) == [moment("2026-03-29 02:30")]
