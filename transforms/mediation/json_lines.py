"""Lines of JSON become fields: an object a line, each read by itself.

A line that cannot be read is refused alone. What the fields mean is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from transforms.mediation.json_values import as_schema, parse_object
from transforms.mediation.text_lines import NOT_UTF8, Fields, not_empty, unreadable_frame


@dataclass
class JsonLines:
    """Reads the lines of one JSON lines file batch by batch into the fields of `schema` (a Polars Struct of strings).

    `lines_read`: the lines that records and blank lines took, but for empty ones. With `only`, that record alone is read,
    the others are counted, and `line` is then where it stands; `begins` tells it of the records `where`.
    """

    schema: pl.Struct
    only: int = 0
    line: int | None = None
    records: int = 0
    where: frozenset[int] = frozenset()
    begins: dict[int, int] = field(default_factory=dict)
    lines_read: int = 0
    _passed: int = 0

    def feed(self, lines: pl.Series, *, last: bool) -> Fields:
        """The objects of the next `lines` (String), blank lines skipped; `rows` has the fields of `schema`.

        Every scalar arrives as text: a whole number as written, another as its shortest decimal (83.20 as 83.2, 1e2 as
        100). Of a name that stands twice the first counts. Other fields of an object are not looked at.
        """
        del last
        full = lines.str.strip_chars(" \t\r\ufeff") != ""
        table = lines.filter(full).str.strip_prefix("\ufeff").alias("line").to_frame()
        self.lines_read += table.height
        if table.height < len(lines):
            self.lines_read += not_empty(lines.filter(~full))
        table = table.with_row_index("record_number", offset=self.records + 1).cast({"record_number": pl.Int64})
        before, self.records = self.records, self.records + table.height
        if self.only or self.where:
            table = self._find(table, full, before)
        parts = list(table.iter_slices(_JSON_SLICE)) or [table]
        found = self._decode_beside(parts) or [self._decode(part) for part in parts]
        return Fields(pl.concat([part.rows for part in found]), pl.concat([part.unreadable for part in found]))

    def take(self, objects: pl.Series) -> Fields:
        """The next records, which somebody else has decoded already: a Series of `schema`."""
        table = objects.alias("_object").to_frame().with_row_index("record_number", offset=self.records + 1)
        self.records += table.height
        return _unnested(table.cast({"record_number": pl.Int64}))

    def _find(self, table: pl.DataFrame, full: pl.Series, before: int) -> pl.DataFrame:
        """Notes where records begin; of the lines, those that are to be read."""
        places = full.arg_true()
        mine = (number for number in {self.only, *self.where} if before < number <= self.records)
        self.begins.update({number: self._passed + int(places[number - before - 1]) + 1 for number in mine})
        self._passed += len(full)
        self.line = self.begins.get(self.only)
        return table.filter(pl.col("record_number") == self.only) if self.only else table

    def _decode_beside(self, parts: list[pl.DataFrame]) -> list[Fields] | None:
        """The parts decoded one beside the other on the cores there are; None where a line of any is broken."""
        doubtful = pl.col("line").str.contains(DOUBTFUL).any().alias("_doubtful")
        try:
            decoded = pl.collect_all([part.lazy().select("record_number", doubtful, self._object()) for part in parts])
        except pl.exceptions.PolarsError:
            return None
        return [
            self._decode(part) if objects["_doubtful"].any() else _unnested(objects)
            for part, objects in zip(parts, decoded, strict=True)
        ]

    def _object(self) -> pl.Expr:
        return pl.col("line").str.json_decode(self.schema).alias("_object")

    def _decode(self, table: pl.DataFrame) -> Fields:
        doubtful = table["line"].str.contains(DOUBTFUL)
        if not doubtful.any():
            return self._decode_together(table)
        quick, slow = self._decode_together(table.filter(~doubtful)), self._decode_one_by_one(table.filter(doubtful))
        return Fields(
            pl.concat([quick.rows, slow.rows]).sort("record_number"),
            pl.concat([quick.unreadable, slow.unreadable]).sort("record_number"),
        )

    def _decode_together(self, table: pl.DataFrame) -> Fields:
        try:
            return _unnested(table.select("record_number", self._object()))
        except pl.exceptions.PolarsError:
            return self._decode_one_by_one(table)

    def _decode_one_by_one(self, table: pl.DataFrame) -> Fields:
        """The slow way, for lines of which some is broken: which one, and why. Reads a sound line as the quick way does."""
        names = [f.name for f in self.schema.fields]
        good: list[dict[str, Any]] = []
        bad: list[tuple[int, str | None, str, str]] = []
        for number, line in zip(table["record_number"], table["line"], strict=True):
            value, why = parse_object(line)
            if value is None:
                bad.append((number, None, "unreadable", why))
                continue
            try:
                good.append({"record_number": number, **as_schema(value, self.schema)})
            except ValueError as error:
                bad.append((number, None, "bad_value", str(error)))
        schema = {"record_number": pl.Int64, **{f.name: f.dtype for f in self.schema.fields}}
        return Fields(
            pl.DataFrame(good, schema=schema, orient="row").select("record_number", *names), unreadable_frame(bad)
        )


def _unnested(objects: pl.DataFrame) -> Fields:
    return Fields(objects.select("record_number", pl.col("_object").struct.unnest()), unreadable_frame())


_JSON_SLICE = 20_000

DOUBTFUL = r"^[ \t\r]*[^{ \t\r]|\\u[dD][89a-fA-F]|" + NOT_UTF8
"""What Polars takes without a word: a line that is no object, half a surrogate pair, bytes that are no UTF-8."""
