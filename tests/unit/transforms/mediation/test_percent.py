"""Percent-encoded text is decoded once."""

from __future__ import annotations

import polars as pl
import pytest

from transforms.mediation.percent import percent_decoded


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("%2B33639980001", "+33639980001"),
        ("%2b1", "+1"),
        ("2026-10-05%2008%3A00%3A00", "2026-10-05 08:00:00"),
        ("a%2541", "a%41"),
        ("a%2541%C3%A9", "a%41é"),
        ("%C3%A9t%c3%a9", "été"),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("plain", "plain"),
        (None, None),
    ],
)
def test_decoded(encoded: str | None, text: str | None) -> None:
    frame = pl.DataFrame({"text": [encoded, "%41", None]}, schema={"text": pl.String})
    assert frame.select(percent_decoded(pl.col("text")))["text"].to_list() == [text, "A", None]
