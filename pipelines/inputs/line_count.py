"""The lines of a text file, counted on its bytes: beside, and independent of, the readers that make records of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_EMPTY = re.compile(rb"\n\r*(?=\n)")
"""An end with nothing between it and the next one; it begins with a plain byte, which is what makes the search quick."""


@dataclass
class LineCount:
    """Counts the lines of a text fed in blocks of any size. A line of which nothing stands before its end is none.

    `whole`: lines with an end; `unfinished`: something stands behind the last end.
    """

    whole: int = 0
    unfinished: bool = False

    def feed(self, block: bytes) -> None:
        """Counts the next bytes."""
        ends = block.count(b"\n")
        if not ends:
            self.unfinished = self.unfinished or bool(block.strip(b"\r"))
            return
        first, last = block.index(b"\n"), block.rindex(b"\n")
        self.whole += ends - sum(1 for _ in _EMPTY.finditer(block, first, last + 1))
        if not self.unfinished and not block[:first].strip(b"\r"):
            self.whole -= 1
        self.unfinished = bool(block[last + 1 :].strip(b"\r"))

    def lines(self, *, damaged: bool) -> int:
        """All lines so far. Of a file that is `damaged`, what has no end is no line."""
        return self.whole + (self.unfinished and not damaged)
