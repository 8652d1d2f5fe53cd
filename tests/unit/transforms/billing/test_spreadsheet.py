"""Texts in CSV files that no spreadsheet runs."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.billing.spreadsheet import safe_text, safe_texts


def safe(text: str | None) -> str | None:
    return pl.DataFrame({"t": [text]}, schema={"t": pl.String}).select(safe_text("t"))["t"].item()


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+1+1",
        "+33184000001;=1",
        "+33184000001\n",
        "+1",
        "+",
        "+1234567890123456",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        "－1",
    ],
)
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Ann", "a=b", "1-2", " =1", "'=1", "+33184000001", "+12", "é", None])
def test_the_rest_stays(text: str | None) -> None:
    assert safe(text) == text


@given(st.text())
def test_nothing_else_begins_so(text: str) -> None:
    found = safe(text)
    assert found in (text, f"'{text}")
    assert found is not None
    number = found[1:].isascii() and found[1:].isdigit() and 2 <= len(found[1:]) <= 15
    assert found[:1] not in "=@\t\r\n-" or not found
    assert found[:1] != "+" or number


def test_amounts_are_no_text() -> None:
    frame = pl.DataFrame({"name": ["-x"], "amount": [Decimal("-5.00")], "count": [-1]})
    assert safe_texts(frame).row(0) == ("'-x", Decimal("-5.00"), -1)
