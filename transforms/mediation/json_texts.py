"""JSON texts that are not a line each: arrays, pages of an API, objects written over many lines, one after the other.

They become lines of one object each, and are read as those are; whole pages, one after the other, are read at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from transforms.mediation.json_lines import DOUBTFUL, JsonLines
from transforms.mediation.json_values import parse_object, shortest, whole
from transforms.mediation.text_lines import Fields, unreadable_frame

TEXT_MAX = 8 * 1024 * 1024
"""Characters that one object may take over several lines; what is longer is given up, up to the next line that begins one."""

_AT_ONCE = 8
"""Groups of pages that are decoded one beside the other."""

_BETWEEN = re.compile(r"[\s,\[\]\ufeff]*")
_NEXT = re.compile(r"\n\s*[{\[]")


@dataclass
class JsonTexts:
    """Reads objects of `schema` from JSON lines, or from texts over many lines.

    `pages`: fields under which a page of an interface holds its list of records (`calls`, `messages`). Which of the two
    a file is, is told by its first line: one that holds a whole object makes it JSON lines, unless it is such a page.
    With `only`, that record alone is read, the others are counted, and `line` is then where it, or its page, begins.
    """

    schema: pl.Struct
    pages: Sequence[str] = ()
    only: int = 0
    whole: JsonLines = field(init=False)
    _in_lines: bool | None = None
    _carried: str = ""
    _passed: int = 0
    _line: int | None = None

    def __post_init__(self) -> None:
        self.whole = JsonLines(self.schema)

    @property
    def records(self) -> int:
        """Records seen so far."""
        return self.whole.records

    @property
    def lines_read(self) -> int | None:
        """The lines that records and blank lines took, but for empty ones; None of texts over many lines."""
        return None if self._in_lines is False else self.whole.lines_read

    @property
    def line(self) -> int | None:
        """The line on which the record `only` begins, once it was read."""
        return self.whole.line if self._in_lines else self._line

    def feed(self, lines: pl.Series, *, last: bool) -> Fields:
        """The objects of the next `lines` (String), as `JsonLines.feed` gives them."""
        self.whole.only = self.only
        if self.in_lines(lines) is not False:
            return self.whole.feed(lines, last=last)
        return self._whole_pages(lines, last=last) or self._texts(lines, last=last)

    def _whole_pages(self, lines: pl.Series, *, last: bool) -> Fields | None:
        """The records of pages that begin on a line of their own each; the last one waits for its end. None, and nothing is
        taken, where anything else stands among them, or a record is no object of the schema."""
        if self.only or not self.pages:
            return None
        carried = pl.Series(self._carried.split("\n")[:-1], dtype=pl.String)
        together = pl.concat([carried, lines.alias("")]).str.replace(r"^\x{FEFF}\{", "{").alias("line").to_frame()
        texts = together.group_by(pl.col("line").str.starts_with("{").cum_sum().alias("page"), maintain_order=True).agg(
            pl.col("line").str.join("\n")
        )["line"]
        ready = texts if last else texts.head(-1)
        unfinished = "" if last or texts.is_empty() else f"{texts[-1]}\n"
        if len(unfinished) >= TEXT_MAX or ready.str.contains(DOUBTFUL).any():
            return None
        page = pl.Struct({name: pl.List(self.schema) for name in self.pages})
        items = pl.coalesce(pl.col("line").str.json_decode(page).struct.unnest()).alias("item")
        table = ready.to_frame("line")
        try:
            groups = [part.lazy().select(items) for part in table.iter_slices(-(-table.height // _AT_ONCE) or 1)]
            found = pl.concat(pl.collect_all([table.lazy().clear().select(items), *groups]))
        except pl.exceptions.PolarsError:
            return None
        if found["item"].has_nulls():
            return None
        records = found.filter(pl.col("item").list.len() > 0).explode("item")
        if records["item"].has_nulls():
            return None
        self._carried = unfinished
        return self.whole.take(records["item"])

    def _texts(self, lines: pl.Series, *, last: bool) -> Fields:
        text = self._carried + "".join(f"{line}\n" for line in lines.to_list())
        passed, self._passed = self._passed, self._passed + text.count("\n")
        parts: list[Fields] = []
        pending: list[str] = []
        for at, found in self._objects(text, last=last):
            if self.only == self.records + len(pending) + 1:
                self._line = passed + text.count("\n", 0, at) + 1
            if found is None:
                parts += [self._read(pending), self._read_broken()]
                pending = []
            else:
                pending.append(found)
        parts.append(self._read(pending))
        self._passed -= self._carried.count("\n")
        return Fields(
            pl.concat([part.rows for part in parts], rechunk=True), pl.concat([part.unreadable for part in parts])
        )

    def in_lines(self, lines: pl.Series) -> bool | None:
        """Whether the file is JSON lines, as `lines`, its next ones, show or earlier ones did; None where all are blank."""
        if self._in_lines is None:
            first = next((line for line in lines.head(100).to_list() if line.strip(" \t\r\ufeff")), None)
            self._in_lines = None if first is None else self._is_line(first)
        return self._in_lines

    def _is_line(self, line: str) -> bool:
        value, _ = parse_object(line.lstrip("\ufeff"))
        return value is not None and not any(isinstance(value.get(name), list) for name in self.pages)

    def _read(self, objects: list[str]) -> Fields:
        return self.whole.feed(pl.Series(objects, dtype=pl.String), last=True)

    def _read_broken(self) -> Fields:
        """A place where a record was, or several: what stands there is no JSON object."""
        self.whole.records += 1
        row = (self.whole.records, None, "unreadable", "what stands here is no JSON object, or one cut off")
        rows = [] if self.only and self.only != self.records else [row]
        return Fields(self._read([]).rows, unreadable_frame(rows))

    def _objects(self, text: str, *, last: bool) -> Iterator[tuple[int, str | None]]:
        """Each object as one line, None for what is none, and where in `text` it begins; keeps what is unfinished for the
        next call."""
        decode = json.JSONDecoder(parse_float=shortest, parse_int=whole, object_pairs_hook=_pairs).raw_decode
        at, self._carried = 0, ""
        while True:
            between = _BETWEEN.match(text, at)
            assert between is not None
            at = between.end()
            if at >= len(text):
                return
            if text[at] == "{":
                try:
                    value, end = decode(text, at)
                except (ValueError, RecursionError):
                    if not last and len(text) - at < TEXT_MAX:
                        self._carried = text[at:]
                        return
                    value, end = None, at
                if value is not None:
                    yield from ((at, item) for item in self._items(value, text[at:end]))
                    at = end
                    continue
            if not last and len(text) - at < TEXT_MAX and "\n" not in text[at : len(text) - 1]:
                self._carried = text[at:]
                return
            yield at, None
            further = _NEXT.search(text, at)
            if further is None:
                return
            at = further.start() + 1

    def _items(self, value: dict[str, Any], text: str) -> Iterator[str]:
        for name in self.pages:
            items = value.get(name)
            if isinstance(items, list):
                yield from (json.dumps(item) for item in items)
                return
        yield text.replace("\n", " ").replace("\r", " ")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))
