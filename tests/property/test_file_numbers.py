"""Gaps and repeats of any series of numbered files, against counting them one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transforms.mediation.file_numbers import numbering

LAST = 500
PATTERN = r"f(\d+)"


@st.composite
def series(draw: st.DrawFn) -> tuple[int, int, set[int]]:
    """Where a series starts, how long it is, and which places within are missing; less than half a round at once."""
    start = draw(st.integers(1, LAST))
    length = draw(st.integers(1, 3 * LAST))
    inner = st.integers(1, max(1, length - 2))
    missing = draw(st.sets(inner, max_size=100)) if length > 2 else set()
    return start, length, missing


@given(series())
def test_what_is_missing_is_told_wherever_the_series_wraps(found: tuple[int, int, set[int]]) -> None:
    start, length, missing = found
    there = [(start - 1 + place) % LAST + 1 for place in range(length) if place not in missing]
    said = numbering([f"f{number}" for number in there], PATTERN, LAST)
    lost = [number for gap in said.gaps for number in between(*gap)]
    assert lost == [(start - 1 + place) % LAST + 1 for place in sorted(missing)]
    assert (said.repeats, said.nameless) == ([], [])


def between(first: int, last: int) -> list[int]:
    """The numbers of a gap, which may run over the last number."""
    return [(first - 1 + step) % LAST + 1 for step in range((last - first) % LAST + 1)]


@given(st.sets(st.integers(0, 10_000), min_size=1, max_size=50), st.data())
def test_without_a_last_number_the_order_says_nothing(numbers: set[int], data: st.DataObject) -> None:
    order = data.draw(st.permutations(sorted(numbers)))
    again = data.draw(st.lists(st.sampled_from(order), unique=True))
    said = numbering([f"f{number}" for number in [*order, *again]], PATTERN)
    lost = [number for first, last in said.gaps for number in range(first, last + 1)]
    assert lost == sorted(set(range(min(numbers), max(numbers))) - numbers)
    assert [number for number, _ in said.repeats] == sorted(again)
