"""Which characters the fonts can show, and text of any origin made into text that they can.

PDF/A and PDF/UA allow no glyph for "missing", no private use and no text without a meaning; typst refuses such pages.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

REPLACEMENT = "\ufffd"
BREAK = "\u200b"
"""A place at which a line may end. The templates make it one that leaves nothing in the text that a reader copies."""
MARKS_MAX = 3
"""Combining marks on one character; more would be drawn over the lines above and below."""
WIDEST_WORD = 12
"""Widths of the letter M (em) that every column of the templates has room for, unless it says otherwise."""
_JOINERS = ("\u200c", "\u200d")
_SPACES = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")
_IGNORED = frozenset([chr(0x034F), *map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))])
"""Marks that only choose between forms of the character before."""


class Narrow(str):
    """Text for a column with room for words of half the usual width only."""

    WIDEST = 6


class Wide(str):
    """Text over the width of the page."""

    WIDEST = 40


def font_files(folder: Path) -> list[Path]:
    """The fonts in `folder`, always in the same order: Inter first, then Noto Sans, then those of single scripts."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".otf", ".ttf"))
    return sorted(found, key=lambda path: (not path.name.startswith("Inter"), not path.name.startswith("NotoSans-")))


class Characters:
    """What a list of fonts can show. Made once a process: reading the fonts' tables takes some 0.3 s."""

    def __init__(self, fonts: list[Path]) -> None:
        """`fonts` in the order in which they are tried. Raises what fontTools raises for a file that is no font."""
        self._covers: list[frozenset[str]] = []
        self._widths: dict[str, int] = {}
        for path in fonts:
            self._read(path)
        self._known = frozenset().union(*self._covers)
        self.replacement = REPLACEMENT if REPLACEMENT in self._known else "?"
        # Names, destinations and numbers come again and again, from line to line and bill to bill.
        self._cached = lru_cache(maxsize=8192)(self._shown)

    def shown(self, text: str) -> str:
        """`text` on one line, of characters that the fonts have, with places to break in words wider than a column."""
        widest = text.WIDEST if isinstance(text, Narrow | Wide) else WIDEST_WORD
        if len(text) <= widest // 2 and text.isascii() and text.isprintable():
            return str(text)
        return self._cached(str(text), widest) if len(text) < 200 else self._shown(str(text), widest)

    def width(self, text: str) -> int:
        """About how wide `text` is, in hundredths of an em; rather more than less."""
        return sum(map(self._width, text))

    def _read(self, path: Path) -> None:
        with TTFont(path, lazy=True) as font:
            names: dict[int, str] = font.getBestCmap() or {}
            advances, em = font["hmtx"].metrics, font["head"].unitsPerEm
        self._covers.append(frozenset(map(chr, names)))
        for point, name in names.items():
            # In hundredths of an em; a tenth more for the bolder cut of the same letter.
            self._widths.setdefault(chr(point), advances[name][0] * 110 // em)

    def _shown(self, text: str, widest: int) -> str:
        if not (text.isascii() and text.isprintable()):
            text = "".join(self._replaced(text))
        return " ".join(self._breakable(word, widest * 100) for word in text.split(" "))

    def _replaced(self, text: str) -> Iterator[str]:
        for cluster in _clusters(unicodedata.normalize("NFC", text)):
            if any(cluster_in.issuperset(cluster) for cluster_in in self._covers):
                yield cluster
            else:
                # A cluster is drawn in one font: what none has together is shown apart.
                for place, character in enumerate(cluster):
                    known = place == 0 and character in self._known
                    yield character if known else "" if character in _JOINERS else self.replacement

    def _breakable(self, word: str, widest: int) -> str:
        if len(word) * 120 <= widest or self.width(word) <= widest:
            return word
        parts, width = [], 0
        for character in word:
            width += self._width(character)
            if width > widest // 4 and unicodedata.category(character)[0] != "M":
                parts.append(BREAK)
                width = self._width(character)
            parts.append(character)
        return "".join(parts)

    def _width(self, character: str) -> int:
        return self._widths.get(character, 100)


def _clusters(text: str) -> Iterator[str]:
    """Characters with the marks upon them; without controls, directions and what means nothing alone."""
    cluster = ""
    for character in map(_plain, text):
        if unicodedata.category(character)[0] == "M" or _joins(cluster, character):
            if len(cluster) <= MARKS_MAX and character not in _IGNORED:
                cluster = cluster + character if cluster else REPLACEMENT
        elif unicodedata.category(character) not in ("Cc", "Cf"):
            if cluster:
                yield cluster
            cluster = character
    if cluster:
        yield cluster


def _plain(character: str) -> str:
    """A space for what ends lines or is another width of space, REPLACEMENT for what has no meaning of its own."""
    category = unicodedata.category(character)
    if character in _SPACES or (category == "Zs" and character not in "\u00a0\u202f"):
        return " "
    return REPLACEMENT if category in ("Cs", "Co", "Cn") else character


def _joins(cluster: str, character: str) -> bool:
    """Whether it shapes the letters of a script that joins them, as Persian and Hindi do."""
    return character in _JOINERS and not cluster.isascii() and unicodedata.category(cluster[0])[0] == "L"
