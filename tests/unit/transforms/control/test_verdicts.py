"""A control passes when nothing differs."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from transforms.control.verdicts import verdicts

MEASURED = {
    "control": pl.String,
    "currency": pl.String,
    "expected": pl.Decimal(38, 10),
    "actual": pl.Decimal(38, 10),
    "difference": pl.Decimal(38, 10),
    "findings": pl.String,
}


def verdict(expected: str, actual: str, difference: str) -> bool:
    row = ("c", "", *(Decimal(text) for text in (expected, actual, difference)), "")
    return bool(verdicts(pl.DataFrame([row], schema=MEASURED, orient="row"), month="2026-10")["passed"].item())


@pytest.mark.parametrize(
    ("expected", "actual", "difference", "passed"),
    [
        ("5", "5", "0", True),
        ("0", "0", "0", True),
        ("5", "5.0000000001", "0.0000000001", False),
        ("5", "4", "-1", False),
        pytest.param("5", "5", "2", False, id="two faults that cancel out in the sum"),
        pytest.param("5", "4", "0", False, id="a difference that was measured wrongly"),
    ],
)
def test_a_control_passes_when_nothing_differs(expected: str, actual: str, difference: str, passed: bool) -> None:
    assert verdict(expected, actual, difference) is passed


def test_controls_come_in_the_order_of_their_names_with_their_month() -> None:
    zero = Decimal(0)
    rows = [(control, currency, zero, zero, zero, "") for control, currency in (("b", ""), ("a", "USD"), ("a", "EUR"))]
    found = verdicts(pl.DataFrame(rows, schema=MEASURED, orient="row"), month="2026-10")
    assert found.select("billing_month", "control", "currency").rows() == [
        ("2026-10", "a", "EUR"),
        ("2026-10", "a", "USD"),
        ("2026-10", "b", ""),
    ]


def test_one_that_reports_passes_whatever_it_found() -> None:
    row = ("c", "", Decimal(0), Decimal(3), Decimal(3), "a; b; c")
    measured = pl.DataFrame([row], schema=MEASURED, orient="row")
    found = verdicts(measured, month="2026-10", reporting=["c"]).row(0, named=True)
    assert (found["passed"], found["difference"], found["findings"]) == (True, 3, "a; b; c")
