"""Lines are counted on bytes, in blocks of any size, as their definition has it."""

from __future__ import annotations

import random

import pytest

from pipelines.inputs.line_count import LineCount


def counted(text: bytes, size: int, *, damaged: bool = False) -> int:
    count = LineCount()
    for at in range(0, len(text), size):
        count.feed(text[at : at + size])
    return count.lines(damaged=damaged)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", 0),
        (b"a", 1),
        (b"a\n", 1),
        (b"a\nb", 2),
        (b"\n\n\n", 0),
        (b"\r\n\r\n", 0),
        (b"a\r\n\r\nb\r\n", 2),
        (b"\n\na\n\n\nb\n\n", 2),
        (b" \n\t\n", 2),
        (b"\xef\xbb\xbf\n", 1),
        (b"a\r\r\n\r\r\nb", 2),
        (b"a\rb\n\r", 1),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_line_is_what_holds_more_than_its_end(text: bytes, lines: int, size: int) -> None:
    assert counted(text, size) == lines


def test_of_a_damaged_file_what_has_no_end_is_no_line() -> None:
    assert counted(b"a\nb", 2, damaged=True) == 1


def test_any_text_in_any_blocks() -> None:
    draw = random.Random(5)
    for _ in range(300):
        text = bytes(draw.choices(b"a\r\n", k=draw.randrange(40)))
        lines = sum(1 for line in text.split(b"\n") if line.strip(b"\r"))
        assert counted(text, draw.randrange(1, 9)) == lines, text
