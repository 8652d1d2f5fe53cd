"""XML documents one after the other in a text: where each begins and ends, and which are sound. Nothing of an XML
document that could reach outside it, or make it grow, is ever read: one with a document type is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from xml.parsers import expat

import polars as pl

from transforms.mediation.json_texts import TEXT_MAX
from transforms.mediation.text_lines import NOT_UTF8, Fields, unreadable_frame


@dataclass
class XmlTexts:
    """Cuts texts into documents whose outermost element is `root`."""

    root: str
    records: int = 0
    _carried: str = ""
    _lost: bool = False
    _start: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        self._start = re.compile(rf"<{self.root}(?=[\s>])")

    def feed(self, lines: pl.Series, *, last: bool) -> Fields:
        """The sound documents of the next `lines` (String): `rows` has record_number and `document`.

        A document that is cut off, is not well-formed or has a document type, a comment or a CDATA section is refused
        alone; so is what stands between two documents. One may take `TEXT_MAX` characters.
        """
        text = self._carried + "\n".join([*lines.to_list(), ""])
        *pieces, rest = text.split(f"</{self.root}>")
        documents = [document for piece in pieces for document in self._documents(f"{piece}</{self.root}>")]
        self._carried = "" if last else rest
        if last:
            documents += list(self._documents(rest))
        elif len(rest) > TEXT_MAX:
            # Too long for one: it is given up, and what follows, up to the next that begins.
            documents += list(self._documents(rest))
            self._carried, self._lost = "", True
        good: list[tuple[int, str]] = []
        bad: list[tuple[int, str | None, str, str]] = []
        for number, document in enumerate(documents, start=self.records + 1):
            why = self._fault(document)
            if why is None:
                good.append((number, document))
            else:
                bad.append((number, None, "unreadable", why))
        self.records += len(documents)
        schema = {"record_number": pl.Int64, "document": pl.String}
        return Fields(pl.DataFrame(good, schema=schema, orient="row"), unreadable_frame(bad))

    def _documents(self, piece: str) -> Iterator[str]:
        """The documents that a piece up to an end holds: the last of them whole, before it such as have no end."""
        piece = piece.strip("\ufeff \t\r\n")
        starts = [_with_declaration(piece, found.start()) for found in self._start.finditer(piece)]
        if self._lost:
            if not starts:
                return
            piece, starts, self._lost = piece[starts[0] :], [start - starts[0] for start in starts], False
        if not piece:
            return
        if "<!" in piece[: starts[0] if starts else 0]:
            yield piece
            return
        edges = sorted({0, *starts, len(piece)})
        yield from (piece[begin:end] for begin, end in pairwise(edges))

    def _fault(self, document: str) -> str | None:
        """What is wrong with a document, or None."""
        if NOT_UTF8 in document:
            return "the document is no UTF-8"
        if "<!" in document:
            return "the document has a document type, a comment or a CDATA section, which are not read"
        parser = expat.ParserCreate()
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            return f"what stands here is no whole XML document: {expat.ErrorString(error.code)}"
        return None if self._start.search(document) else f"the document is no <{self.root}>"


def _with_declaration(text: str, start: int) -> int:
    """Where the document begins whose outermost element begins at `start`: at its XML declaration, if it has one."""
    before = text[max(0, start - _DECLARATION_MAX) : start]
    found = _DECLARATION.search(before)
    return start - len(before) + found.start() if found else start


_DECLARATION_MAX = 200
_DECLARATION = re.compile(r"<\?xml\b[^<>]*\?>\s*\Z")
