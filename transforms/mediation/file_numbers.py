"""Files that their source numbers one after the other: which numbers are missing, and which stand on two files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

DIGITS_MAX = 18
"""Digits of a number that are read as one."""


@dataclass(frozen=True)
class Numbering:
    """What the numbers of files come to. `gaps`: the first and the last missing number of each. `repeats`: a number, and
    the names of the files that bear it. `nameless`: files in whose names no number was found."""

    gaps: list[tuple[int, int]]
    repeats: list[tuple[int, list[str]]]
    nameless: list[str]


def numbering(names: Sequence[str], pattern: str, last: int = 0) -> Numbering:
    """The gaps and repeats of files `names`, of different content each, in the order in which they came.

    `pattern`: a regular expression whose group is the number in a name. After `last` the numbers start again, at 0 where
    a file has that number, else at 1; 0: they never do. Of the places in the row that a number may then have, the nearest
    to the furthest that was reached counts. What lies before the first or behind the last number that came is no gap.
    """
    found = [(name, _number(name, pattern)) for name in names]
    numbers = [number for _, number in found if number is not None and (not last or number <= last)]
    nameless = [name for name, number in found if number is None or (last and number > last)]
    first = 0 if 0 in numbers else 1
    period = last - first + 1 if last else 0
    at: dict[int, list[str]] = {}
    furthest: int | None = None
    for name, number in found:
        if number is None or (last and number > last):
            continue
        place = number if not period or furthest is None else _nearest(number, furthest, period)
        furthest = place if furthest is None else max(furthest, place)
        at.setdefault(place, []).append(name)
    places = sorted(at)

    def shown(place: int) -> int:
        return (place - first) % period + first if period else place

    return Numbering(
        [(shown(before + 1), shown(after - 1)) for before, after in pairwise(places) if after - before > 1],
        [(shown(place), at[place]) for place in places if len(at[place]) > 1],
        nameless,
    )


def _number(name: str, pattern: str) -> int | None:
    match = re.search(pattern, name)
    text = match[1] if match else None
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else None


def _nearest(number: int, furthest: int, period: int) -> int:
    """The place, `number` and a multiple of `period`, that is nearest to `furthest`; the later of two."""
    away = (number - furthest) % period
    return furthest + away if 2 * away <= period else furthest + away - period
