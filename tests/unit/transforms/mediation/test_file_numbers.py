"""Numbers in the names of files: gaps, repeats, and the first number after the last."""

from __future__ import annotations

import pytest

from transforms.mediation.file_numbers import Numbering, numbering

PATTERN = r"_(\d+)\."


def names(*numbers: int) -> list[str]:
    return [f"cdr_{number:04}.csv" for number in numbers]


@pytest.mark.parametrize(
    ("numbers", "last", "gaps", "repeats"),
    [
        pytest.param([], 0, [], [], id="nothing"),
        pytest.param([4711], 0, [], [], id="a series begins anywhere"),
        pytest.param([1, 2, 3], 0, [], [], id="whole"),
        pytest.param([3, 1, 2], 0, [], [], id="in another order"),
        pytest.param([1, 3], 0, [(2, 2)], [], id="one is missing"),
        pytest.param([1, 5, 9], 0, [(2, 4), (6, 8)], [], id="several are missing"),
        pytest.param([1, 2, 2, 3], 0, [], [2], id="a repeat"),
        pytest.param([9998, 9999, 1, 2], 9999, [], [], id="begins again"),
        pytest.param([1, 2, 9998, 9999], 9999, [], [], id="begins again, found by name"),
        pytest.param([9998, 9999, 0, 1], 9999, [], [], id="begins again at 0"),
        pytest.param([9998, 9999, 1, 2], 0, [(3, 9997)], [], id="never begins again"),
        pytest.param([9997, 9999, 2], 9999, [(9998, 9998), (1, 1)], [], id="gaps on both sides"),
        pytest.param([9998, 2], 9999, [(9999, 1)], [], id="a gap over the end"),
        pytest.param([*range(1, 11), *range(1, 11)], 10, [], [], id="a second round is no repeat"),
        pytest.param([*range(1, 11), *range(1, 11), 9], 10, [], [9], id="a repeat in the second round"),
        pytest.param([1, 2, 4, 3], 10, [], [], id="one comes late"),
    ],
)
def test_gaps_and_repeats(numbers: list[int], last: int, gaps: list[tuple[int, int]], repeats: list[int]) -> None:
    found = numbering(names(*numbers), PATTERN, last)
    assert found.gaps == gaps
    assert [number for number, _ in found.repeats] == repeats
    assert all(len(files) == 2 for _, files in found.repeats)
    assert found.nameless == []


def test_names_without_a_number_are_told() -> None:
    odd = ["readme.csv", "cdr_x.csv", f"cdr_{'9' * 19}.csv", "cdr_١٢.csv", "cdr_0011.csv"]
    found = numbering([*names(1, 2), *odd], PATTERN, last=10)
    assert found == Numbering([], [], odd)


def test_a_group_that_took_no_part() -> None:
    assert numbering(["a"], "a(1)?").nameless == ["a"]
