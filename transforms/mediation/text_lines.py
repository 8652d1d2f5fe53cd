"""Lines of CSV become fields: RFC 4180 records, each read by itself.

A line that cannot be read is refused alone: it never takes its neighbours with it. What the fields mean is not
known here.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal

import polars as pl

from transforms.mediation.values import said

NOT_UTF8 = "\ufdd0"
"""Stands for bytes that are no UTF-8; a Unicode noncharacter, which no exchanged text may contain."""

TOO_LONG = "\ufdd1"
"""Stands for a line that is longer than what is read of one; a noncharacter as well."""

COLUMNS_MAX = 2_000
"""Of a header; no source has more."""

_FEW = 10
"""Lines are told apart by their quotes where fewer than one in so many has some: what is told apart is put together again."""

_PROBED = 100
"""Quoted lines by which the usual number of fields is told."""

RECORD_MAX = 64
"""Lines over which a quoted field may run. A stray quote can therefore never swallow more than this."""

_FIELD = r'(?:[^",]*|"(?:[^"]|"")*")'

UNREADABLE = {"record_number": pl.Int64, "record_id": pl.String, "reason": pl.String, "detail": pl.String}


@dataclass(frozen=True)
class Fields:
    """What a batch of lines gave: `rows` (record_number and one String column a field) and `unreadable` records."""

    rows: pl.DataFrame
    unreadable: pl.DataFrame


def unreadable_frame(rows: Sequence[tuple[int, str | None, str, str]] = ()) -> pl.DataFrame:
    """A frame of (record_number, record_id, reason, detail)."""
    return pl.DataFrame(rows, schema=UNREADABLE, orient="row")


def _refuse(records: pl.DataFrame, detail: pl.Expr) -> pl.DataFrame:
    return records.select(
        pl.col("record_number"),
        pl.lit(None, pl.String).alias("record_id"),
        pl.lit("unreadable").alias("reason"),
        detail.alias("detail"),
    )


def header_names(line: str, delimiter: str) -> list[str]:
    """The names that a line holds as a header; none where it cannot be read."""
    try:
        return next(csv.reader([line.removeprefix("\ufeff").rstrip("\r")], delimiter=delimiter), [])
    except csv.Error:
        return []


def lacking(required: Sequence[str | tuple[str, ...]], names: Collection[str]) -> str:
    """What of `required` is not among `names`, each a column or several of which one suffices: half a sentence, or empty."""
    groups = [(one,) if isinstance(one, str) else one for one in required]
    missing = [_either(group) for group in groups if not set(group) & set(names)]
    if len(missing) > 1:
        return f"columns are missing: {'; '.join(missing)}"
    return f"column {missing[0]} is missing" if missing else ""


def _either(names: Sequence[str]) -> str:
    *others, last = (f"'{name}'" for name in names)
    return f"{', '.join(others)} or {last}" if others else last


@dataclass
class CsvLines:
    """Reads the lines of one CSV file batch by batch. `known` names the columns that may occur.

    A header that lacks a required column (of several names one suffices), or has one that is unknown or repeated, makes
    every record unreadable, and `problem` says why; with `others` unknown columns are passed over, and one that names any
    of `unless` is of another kind of file, of which nothing is required. `spelled`: the known name that a header means,
    where sources spell it in several ways.

    `shapes` are the columns of files that have no header, by their number: there a line may have any of these numbers of
    fields, and a first line that names such columns, or all of `marks`, is a header all the same; `named` are then its
    columns. `before`: lines before the header, and `skipped`: lines behind it, that are no records; the latter only where
    they begin as `skipped_if`, if that is given.

    With `only`, that record alone is read, the others are counted, and `line` is then where it begins; `begins` tells it
    of the records `where`. `lines_read`: the lines that headers, skipped lines and records took, but for empty ones.
    """

    known: Sequence[str]
    required: Sequence[str | tuple[str, ...]] = ()
    delimiter: str = ","
    others: bool = False
    shapes: dict[int, list[str]] = field(default_factory=dict)
    skipped: int = 0
    spelled: Callable[[str], str] | None = None
    unless: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    skipped_if: re.Pattern[str] | None = None
    before: int = 0
    only: int = 0
    line: int | None = None
    where: frozenset[int] = frozenset()
    begins: dict[int, int] = field(default_factory=dict)
    problem: str | None = None
    records: int = 0
    lines_read: int = 0
    named: tuple[str, ...] = ()
    _begun: bool = False
    _passed: int = 0
    _widths: list[int] = field(default_factory=list)
    _carried: list[str] = field(default_factory=list)

    def feed(self, lines: pl.Series, *, last: bool) -> Fields:
        """The records of the next `lines` (String). Lines of an unfinished record wait for the next call."""
        if self._carried:
            lines = pl.concat([pl.Series(self._carried, dtype=pl.String), lines])
            self._carried = []
        lines = self._pass(lines, "before")
        if not self._begun:
            if lines.is_empty():
                return Fields(self._nothing(), unreadable_frame())
            self._begun = True
            if self._is_header(lines[0]):
                self.lines_read += not_empty(lines.head(1))
                lines = lines.slice(1)
                self._passed += 1
            else:
                first = lines[0].removeprefix("\ufeff")
                self.lines_read += int(first == "" != lines[0])
                lines = pl.concat([pl.Series([first], dtype=pl.String), lines.slice(1)])
        lines = self._pass(lines, "skipped")
        table = self._join_broken(lines.alias("line").to_frame(), last=last)
        passed, self._passed = self._passed, self._passed + len(lines) - len(self._carried)
        if self.only or self.where:
            spans = table["line"].str.count_matches("\n", literal=True).cast(pl.Int64) + 1
            table = table.with_columns(_begins=spans.cum_sum() - spans + passed + 1)
        table = table.with_columns(pl.col("line").str.strip_suffix("\r")).filter(pl.col("line") != "")
        self.lines_read += _lines_within(table["line"])
        table = table.with_row_index("record_number", offset=self.records + 1).cast({"record_number": pl.Int64})
        self.records += table.height
        if self.only or self.where:
            mine = table.filter(pl.col("record_number").is_in([self.only, *self.where]))
            self.begins.update(zip(mine["record_number"], mine["_begins"], strict=True))
            self.line = self.begins.get(self.only)
            table = (table.filter(pl.col("record_number") == self.only) if self.only else table).drop("_begins")
        if self.problem is not None:
            return Fields(self._nothing(), _refuse(table, pl.lit(self.problem)))
        return self._split(table)

    def _pass(self, lines: pl.Series, which: Literal["before", "skipped"]) -> pl.Series:
        """`lines` without those at their beginning that are no records."""
        left: int = getattr(self, which)
        passed = min(left, len(lines))
        setattr(self, which, left - passed)
        if which == "skipped" and self.skipped_if is not None:
            passed = len(list(takewhile(self.skipped_if.match, lines.head(passed).to_list())))
        self._passed += passed
        self.lines_read += not_empty(lines.head(passed))
        return lines.slice(passed) if passed else lines

    def _nothing(self) -> pl.DataFrame:
        return pl.DataFrame(schema={"record_number": pl.Int64, **dict.fromkeys(self.known, pl.String)})

    def _is_header(self, line: str) -> bool:
        """Whether the first line is a header; learns the columns from it, or what is wrong with them."""
        names = header_names(line, self.delimiter)
        if self.spelled is not None:
            names = [self.spelled(name) for name in names]
        if self.shapes:
            return self._is_named([name.strip().lower() for name in names])
        unknown = [place for place, name in enumerate(names, start=1) if name not in self.known and not self.others]
        repeated = sorted(name for name, times in Counter(names).items() if times > 1 and name in self.known)
        missing = lacking(self.required, names) if self.unless.isdisjoint(names) else ""
        place = f"line {self._passed + 1}"
        if unknown:
            # Not by its name: a file without a header would show the values of its first record.
            self.problem = f"{place}: the name of column {unknown[0]} is unknown; known are {', '.join(self.known)}"
        elif repeated:
            self.problem = f"{place}: column '{repeated[0]}' stands twice"
        elif missing:
            self.problem = f"{place}: {missing}"
        elif len(names) > COLUMNS_MAX:
            self.problem = f"{place}: {len(names)} columns, and at most {COLUMNS_MAX} are read"
        self.shapes = {len(names): [n if n in self.known else f"_{at}" for at, n in enumerate(names)]}
        return True

    def _is_named(self, names: list[str]) -> bool:
        """Whether a first line of these names, in small letters, is a header of a file that need not have one."""
        as_known = {name.lower(): name for name in self.known}
        marked = bool(self.marks) and self.marks <= set(names)
        if not names or (not marked and (len(set(names)) < len(names) or not set(names) <= set(as_known))):
            return False
        repeated = next((name for name in names if names.count(name) > 1 and name in as_known), None)
        found = [as_known.get(name, f"_{at}") for at, name in enumerate(names)]
        missing = f"column '{repeated}' stands twice" if repeated else lacking(self.required, found)
        if missing:
            self.problem = f"line {self._passed + 1}: {missing}"
        self.named = tuple(found)
        self.shapes = {**self.shapes, len(names): found}
        return True

    def _join_broken(self, table: pl.DataFrame, *, last: bool) -> pl.DataFrame:
        """Lines that a quoted line break cut apart, joined again; only where the whole is one sound record.

        A quote opens a record over several lines only when the next line with an odd number of quotes closes it
        within `RECORD_MAX` lines, the joined text has exactly the fields of a shape, and no line between would
        be a record of its own. Else the quote is stray, and its line stands alone.
        """
        if self.problem is not None or not table["line"].str.contains('"', literal=True).any():
            return table
        odd = (table["line"].str.count_matches('"', literal=True) % 2 == 1).arg_true().to_list()
        narrowest = min(self.shapes)
        lines = table["line"]
        joined: dict[int, str] = {}
        inner: list[int] = []
        at = 0
        while at < len(odd):
            start = odd[at]
            end = odd[at + 1] if at + 1 < len(odd) else None
            if end is None and not last and table.height - start <= RECORD_MAX:
                self._carried = lines.slice(start).to_list()
                table, lines = table.head(start), lines.head(start)
                break
            if end is not None and end - start < RECORD_MAX:
                parts = lines.slice(start, end - start + 1).to_list()
                whole = "\n".join(parts).removesuffix("\r")
                alone = any(
                    part.count(self.delimiter) >= narrowest - 1 and self._is_record(part) for part in parts[1:-1]
                )
                if not alone and self._is_record(whole):
                    joined[start] = whole
                    inner.extend(range(start + 1, end + 1))
                    at += 2
                    continue
            at += 1
        if not joined:
            return table
        index = pl.int_range(pl.len(), dtype=pl.UInt32)
        replaced = pl.DataFrame(
            {"index": list(joined), "whole": list(joined.values())}, schema={"index": pl.UInt32, "whole": pl.String}
        )
        return (
            table.with_columns(index.alias("index"))
            .join(replaced, on="index", how="left", maintain_order="left")
            .filter(~pl.col("index").is_in(pl.Series(inner, dtype=pl.UInt32).implode()))
            .select(pl.coalesce("whole", "line").alias("line"))
        )

    def _is_record(self, text: str, widths: Iterable[int] = ()) -> bool:
        widths = widths or self.shapes
        patterns = (_record_pattern(width, self.delimiter).replace(r"\z", r"\Z") for width in widths)
        return any(re.compile(pattern).match(text) is not None for pattern in patterns)

    def _split(self, table: pl.DataFrame) -> Fields:
        line = pl.col("line")
        fields = line.str.count_matches(self.delimiter, literal=True) + 1
        # What one select computes, the cores share: the usual number of fields is tried for all lines at once.
        usual = {"_fits": line.str.contains(_record_pattern(self._widths[0], self.delimiter))} if self._widths else {}
        table = table.with_columns(
            _quoted=line.str.contains('"', literal=True),
            _delimited=fields,
            _broken=line.str.contains(NOT_UTF8, literal=True),
            **usual,
        )
        # Null where the line has no sound number of fields. A quoted line is tried against each shape in turn, the usual
        # ones first; the empty text stands for lines that need no pattern, so that only the others are searched.
        quoted, shape = pl.col("_quoted"), pl.col("_shape")
        unquoted: pl.Expr = pl.when(~quoted & pl.col("_delimited").is_in(list(self.shapes))).then("_delimited")
        if usual:
            unquoted = pl.when(quoted & pl.col("_fits")).then(pl.lit(self._widths[0], pl.UInt32)).otherwise(unquoted)
        table = table.with_columns(_shape=unquoted)
        if table["_quoted"].any():
            tried = self._widths[:1]
            self._widths = self._widths or self._usual_first(table.filter("_quoted")["line"])
            for width in self._widths:
                if width in tried or (table["_shape"].is_null() & table["_quoted"]).sum() == 0:
                    continue
                left = pl.when(quoted & shape.is_null()).then(line).otherwise(pl.lit(""))
                fits = left.str.contains(_record_pattern(width, self.delimiter))
                table = table.with_columns(_shape=pl.when(fits).then(pl.lit(width, pl.UInt32)).otherwise(shape))
        not_utf8, too_long = pl.col("_broken"), line.str.contains(TOO_LONG, literal=True)
        broken, fields = not_utf8 | too_long, pl.col("_delimited")
        good = shape.is_not_null() & ~broken
        widths = _said_widths(sorted(self.shapes))
        unreadable = _refuse(
            table.filter(~good),
            pl.when(not_utf8)
            .then(pl.lit("the line is no UTF-8"))
            .when(too_long)
            .then(pl.lit("the line is longer than a line may be"))
            .when(pl.col("_quoted"))
            .then(pl.lit(f"the quotes of the line do not pair up to {widths} fields"))
            .otherwise(fields.cast(pl.String) + pl.lit(f" fields, {widths} expected")),
        )
        sound = table.filter(good) if unreadable.height else table
        found = [
            self._fields(lines, self.shapes[width], quoted=quoted)
            for (width,), part in sound.partition_by("_shape", as_dict=True).items()
            for quoted, lines in _by_quotes(part)
        ]
        if len(found) == 1:
            return Fields(found[0], unreadable)
        return Fields(pl.concat([self._nothing(), *found]).sort("record_number"), unreadable)

    def _usual_first(self, quoted: pl.Series) -> list[int]:
        """The numbers of fields that a line may have, in the order of how many of the first lines have them."""
        probed = quoted.head(_PROBED).to_list()
        return sorted(self.shapes, key=lambda width: -sum(self._is_record(line, [width]) for line in probed))

    def _fields(self, table: pl.DataFrame, names: list[str], *, quoted: bool) -> pl.DataFrame:
        """The fields of lines that all have these columns."""
        there = [name for name in names if name in self.known]
        if quoted:
            rows = pl.read_csv(
                "\n".join(table["line"].to_list()).encode(),
                has_header=False,
                columns=[place for place, name in enumerate(names) if name in self.known] or None,
                schema=dict.fromkeys(names, pl.String),
                separator=self.delimiter,
            )
            if rows.height != table.height:
                raise AssertionError("a CSV record was split or joined while its fields were read")
            rows = rows.insert_column(0, table["record_number"])
        else:
            split = pl.col("line").str.split_exact(self.delimiter, len(names) - 1)
            rows = table.select("record_number", split.struct.rename_fields(names).alias("fields")).unnest("fields")
        absent = [pl.lit(None, pl.String).alias(name) for name in self.known if name not in names]
        return rows.with_columns(said(there), *absent).select("record_number", *self.known)


def _said_widths(widths: list[int]) -> str:
    if len(widths) > 2 and widths == list(range(widths[0], widths[-1] + 1)):
        return f"{widths[0]} to {widths[-1]}"
    return " or ".join(map(str, widths))


def not_empty(lines: pl.Series) -> int:
    """How many of `lines` hold more than their end."""
    doubtful = lines.filter((lines == "") | lines.str.starts_with("\r"))
    return len(lines) - int((doubtful.str.strip_chars("\r") == "").sum())


def _lines_within(records: pl.Series) -> int:
    """The lines over which `records` run, but for empty ones; a record over several holds their ends."""
    several = records.str.contains("\n", literal=True)
    if not several.any():
        return not_empty(records)
    return not_empty(records.filter(~several)) + not_empty(records.filter(several).str.split("\n").explode())


def _by_quotes(table: pl.DataFrame) -> Iterator[tuple[bool, pl.DataFrame]]:
    """Lines to be read as quoted ones, and lines without quotes apart where most are such."""
    quoted = int(table["_quoted"].sum())
    if quoted * _FEW > table.height or not quoted:
        yield quoted > 0, table
        return
    for kind in (False, True):
        yield kind, table.filter(pl.col("_quoted") == kind)


def _record_pattern(width: int, delimiter: str) -> str:
    mark = re.escape(delimiter)
    one = _FIELD.replace(",", mark)
    return rf"\A{one}(?:{mark}{one}){{{width - 1}}}\z"
