"""Fields of providers' interfaces in the spellings of JSON and of CSV headers."""

from __future__ import annotations

import pytest

from transforms.mediation.interfaces import spelling


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("num_segments", "num_segments"),
        ("NumSegments", "num_segments"),
        ("Num Segments", "num_segments"),
        ("NUM-SEGMENTS ", "num_segments"),
        ("Segments", "num_segments"),
        ("Price (USD)", "Price (USD)"),
        ("", ""),
    ],
)
def test_a_name_in_several_spellings(written: str, name: str) -> None:
    assert spelling(("num_segments", "sid"), {"segments": "num_segments"})(written) == name
