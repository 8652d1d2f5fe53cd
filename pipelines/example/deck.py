"""Telephone prefixes of the example tariff, derived from the numbering metadata of libphonenumber.

What belongs here: which prefix means which country and which kind of number. Names, prices and files do not.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple, TypeAlias

from phonenumbers import PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

Item: TypeAlias = "str | tuple[tuple[Item, ...], ...]"
"""One piece of a number pattern: a set of digits (a string), or alternatives of sequences."""
Sequence: TypeAlias = tuple[Item, ...]
Meaning: TypeAlias = tuple[str, str]
"""(region, kind): ISO 3166 alpha-2 code as libphonenumber writes it, and fixed | mobile | special."""
Ways: TypeAlias = dict[Meaning, frozenset[Sequence]]
"""What may still follow a prefix, for each meaning a number beginning with it can have."""

KINDS: dict[str, tuple[str, ...]] = {
    "fixed": ("fixed_line", "voip", "pager", "toll_free"),
    "mobile": ("mobile",),
    "special": ("premium_rate", "shared_cost", "personal_number", "uan"),
}
"""Kind of a destination -> the number types of libphonenumber that it takes in."""
PLACED: dict[str, tuple[str, ...]] = {"fixed": ("fixed_line",), "mobile": ("mobile",)}
"""The number types that belong to a place even where several regions share a calling code."""
DIGITS = "0123456789"
DEPTH = 5
"""National digits that are looked at; what is not told apart by then is decided by the share of numbers."""
OTHER_DEPTH = {1: 6, 44: 6, 45: 0, 91: 4}
"""Calling codes that need more or bear less. The mobile ranges of the Caribbean, Guernsey, Jersey and Man
take six digits to tell. India's mobile and fixed ranges interleave so finely that five would make 6,500
prefixes of two destinations with almost one price; Denmark's are nearly the same: one destination."""


def deck() -> dict[str, Meaning]:
    """Return prefix -> meaning for every geographic calling code; the longest prefix of a number decides.

    The bare calling code stands for the fixed network of its main country, so a range that the metadata do
    not know (a new area code) is taken for that. The prefixes are the fewest that give these answers.
    """
    found: dict[str, Meaning] = {}
    for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        if "001" not in regions:
            ways = _ways_in(regions)
            tree = _tree("", ways, Code(regions[0], list(ways), OTHER_DEPTH.get(code, DEPTH)))
            found |= {f"{code}{prefix}": meaning for prefix, meaning in _fewest(tree, (regions[0], "fixed"))}
    return found


def _ways_in(regions: tuple[str, ...]) -> Ways:
    """Return the number patterns of the regions of one calling code, by meaning, in order of precedence.

    Narrow claims come first, then the main region.

    Freephone, premium and other numbers without a place are those of the main region alone: regions that
    share a calling code share them.
    """
    ways: Ways = {}
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region, None)
        for kind, types in (KINDS if region == regions[0] else PLACED).items():
            patterns: set[Sequence] = set()
            for name in types:
                description: PhoneNumberDesc | None = getattr(metadata, name)
                if description is not None and description.national_number_pattern:
                    patterns.add((parse(description.national_number_pattern),))
            if patterns:
                ways[region, kind] = frozenset(patterns)
    return {meaning: ways[meaning] for meaning in sorted(ways, key=lambda meaning: not _is_narrow(meaning, ways))}


def _is_narrow(meaning: Meaning, ways: Ways) -> bool:
    """Tell whether the region claims less than a tenth of what another one claims for the same kind.

    Where the two overlap, as Western Sahara's numbers lie within Morocco's, the narrow claim is meant.
    """
    size = {other: sum(map(_size, ways[other])) for other in ways if other[1] == meaning[1]}
    return 10 * size[meaning] < max(size.values())


class Code(NamedTuple):
    """One calling code: its main region, its meanings in order of precedence, the digits to look at."""

    main: str
    order: list[Meaning]
    depth: int


class Node:
    """One prefix: `branches` for the ten digits after it, or none; `best`, the meanings that suit it.

    No meaning at all (`best` is None) says that no number begins so: whatever stands above it will do.
    """

    __slots__ = ("best", "branches", "prefix")

    def __init__(self, prefix: str, branches: list["Node"], best: frozenset[Meaning] | None) -> None:
        self.prefix, self.branches, self.best = prefix, branches, best


def _tree(prefix: str, ways: Ways, code: Code) -> Node:
    """Return the tree of all prefixes below `prefix` that are needed to tell the meanings in `ways` apart.

    A node's `best` are the meanings that most of its ten branches can live with: with those the fewest
    longer prefixes are needed (optimal routing table construction, Draves et al. 1999).
    """
    ways = _without_twins(ways)
    if len(ways) <= 1 or len(prefix) == code.depth:
        best = frozenset([_likeliest(ways, code)]) if ways else None
        return Node(prefix, [], best)
    branches = [_tree(prefix + digit, _after(ways, digit), code) for digit in DIGITS]
    votes: dict[Meaning, int] = {}
    for branch in branches:
        for meaning in branch.best or ():
            votes[meaning] = votes.get(meaning, 0) + 1
    if len({region for region, _ in votes}) > 1:
        # Ranges that nobody uses yet must not fall to a small neighbour: only the main region may cover them.
        votes = {meaning: count for meaning, count in votes.items() if meaning[0] == code.main}
    most = max(votes.values(), default=0)
    best = frozenset(meaning for meaning, count in votes.items() if count == most) if votes else None
    return Node(prefix, branches, best)


def _fewest(node: Node, above: Meaning) -> Iterator[tuple[str, Meaning]]:
    """Yield the (prefix, meaning) pairs that are needed below `node` when `above` already holds there."""
    if not node.prefix:
        yield "", above
    elif node.best is not None and above not in node.best:
        above = min(node.best)
        yield node.prefix, above
    for branch in node.branches:
        yield from _fewest(branch, above)


def _without_twins(ways: Ways) -> Ways:
    """Drop each meaning whose numbers are those of an earlier one: nobody can tell the two apart."""
    kept: Ways = {}
    for (region, kind), sequences in ways.items():
        twins = (
            other == sequences and (other_kind == kind or (other_region, other_kind) == (region, "fixed"))
            for (other_region, other_kind), other in kept.items()
        )
        if not any(twins):
            kept[region, kind] = sequences
    return kept


def _likeliest(ways: Ways, code: Code) -> Meaning:
    """Return the meaning that most of the numbers in `ways` have; among equals the first in precedence."""
    return min(ways, key=lambda meaning: (-sum(map(_size, ways[meaning])), code.order.index(meaning)))


def _after(ways: Ways, digit: str) -> Ways:
    """Return what may follow once `digit` has been dialled; meanings that can't go on are gone."""
    left = {
        meaning: frozenset(rest for seq in sequences for digits, rest in _heads(seq) if digit in digits)
        for meaning, sequences in ways.items()
    }
    return {meaning: sequences for meaning, sequences in left.items() if sequences}


def _heads(sequence: Sequence) -> Iterator[tuple[str, Sequence]]:
    """Yield each (possible first digits, what follows them) of a sequence."""
    if not sequence:
        return
    first, rest = sequence[0], sequence[1:]
    if isinstance(first, str):
        yield first, rest
    else:
        for option in first:
            yield from _heads(option + rest)


@cache
def _size(sequence: Sequence) -> int:
    """Return how many numbers a sequence stands for (those that two alternatives share count twice)."""
    size = 1
    for item in sequence:
        size *= len(item) if isinstance(item, str) else sum(_size(option) for option in item)
    return size


def parse(pattern: str) -> tuple[Sequence, ...]:
    """Return the alternatives of a number pattern: digits, \\d, [..], (?:..), |, ?, {n} and {n,m}.

    >>> parse("1[2-4]")
    (('1', '234'),)

    Raises ValueError for anything else that a regular expression may hold.
    """
    alternatives, end = _alternatives(pattern, 0)
    if end != len(pattern):
        raise ValueError(f"number pattern {pattern!r}: unexpected {pattern[end]!r} at {end}")
    return alternatives


def _alternatives(pattern: str, at: int) -> tuple[tuple[Sequence, ...], int]:
    """Read sequences parted by `|`; return them and the position after them."""
    sequence, at = _sequence(pattern, at)
    options = [sequence]
    while pattern[at : at + 1] == "|":
        sequence, at = _sequence(pattern, at + 1)
        options.append(sequence)
    return tuple(options), at


def _sequence(pattern: str, at: int) -> tuple[Sequence, int]:
    """Read items up to `|`, `)` or the end; a repeated item is written out."""
    items: Sequence = ()
    while at < len(pattern) and pattern[at] not in "|)":
        item, at = _item(pattern, at)
        least, most, at = _repeats(pattern, at)
        optional: Sequence = ()
        for _ in range(most - least):
            optional = (((item, *optional), ()),)
        items += (item,) * least + optional
    return items, at


def _item(pattern: str, at: int) -> tuple[Item, int]:
    """Read one digit, digit class or group."""
    if pattern.startswith("(?:", at):
        group, at = _alternatives(pattern, at + 3)
        return group, at + 1
    if pattern.startswith("\\d", at):
        return DIGITS, at + 2
    if pattern[at] == "[":
        end = pattern.index("]", at)
        return _digit_class(pattern[at + 1 : end]), end + 1
    if pattern[at] in DIGITS:
        return pattern[at], at + 1
    raise ValueError(f"number pattern {pattern!r}: unexpected {pattern[at]!r} at {at}")


def _digit_class(body: str) -> str:
    """Return the digits of a class such as `02-58` or `\\d`."""
    digits = ""
    while body:
        if body.startswith("\\d"):
            digits, body = digits + DIGITS, body[2:]
        elif body[1:2] == "-":
            digits += DIGITS[int(body[0]) : int(body[2]) + 1]
            body = body[3:]
        else:
            digits, body = digits + DIGITS[int(body[0])], body[1:]
    return "".join(sorted(set(digits)))


def _repeats(pattern: str, at: int) -> tuple[int, int, int]:
    """Read `?`, `{n}` or `{n,m}`; return least, most and the position after it."""
    if pattern[at : at + 1] == "?":
        return 0, 1, at + 1
    if pattern[at : at + 1] == "{":
        end = pattern.index("}", at)
        bounds = pattern[at + 1 : end].split(",")
        return int(bounds[0]), int(bounds[-1]), end + 1
    return 1, 1, at
