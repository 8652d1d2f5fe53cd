"""Reference and price files, read strictly: every problem names file, line, column, value and what was expected.

What a value may be follows from the table's class; how tables hang together is in `pipelines.reference.consistency`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from transforms.mediation import values
from transforms.tables.base import Table, columns, types

OPTIONAL = frozenset(
    {
        *("vat_number", "closed_on", "language", "address", "postcode", "city", "registration"),
        *("iban", "bic", "mandate_reference", "mandate_signed_on"),
        *("released_at", "payment_reference"),
    }
)
"""Columns that a file may leave out; they then count as empty."""

DEFAULTS = {"first_increment": "1", "increment": "1"}
"""What an empty field says in columns that have a default (billing rule 2)."""

PROBLEMS_MAX = 20
LINE = "_line"


@dataclass(frozen=True)
class CsvTable:
    """A file that was read: `frame` has the table's columns and the line of each row in `_line`.

    `raw` has all rows as text, as they stand in the file, `content` its bytes; None where there is no file.
    """

    path: Path
    frame: pl.DataFrame
    problems: list[str]
    content: bytes | None
    raw: pl.DataFrame

    def problem(self, line: int, column: str, expected: str) -> str:
        """A sentence about one value."""
        place = self.raw[LINE].search_sorted(line)
        return say(self.path, line, column, self.raw[column][int(place)], expected)


def say(path: Path, line: int, column: str, value: str | None, expected: str) -> str:
    """One problem as a person reads it."""
    shown = f"'{value[:60]}'" if value else "an empty field"
    return f"{path.name}: line {line}, column {column}: found {shown}, expected {expected} ({path})"


def read_table(path: Path, table: type[Table], zone: ZoneInfo) -> CsvTable:
    """The rows of the CSV file at `path`, in the types of `table`. A file that does not exist has no rows.

    Rows with a problem are left out of `frame` and reported in `problems`.
    """
    if not path.exists():
        nothing = _nothing(table)
        return CsvTable(path, _typed(nothing, table), [], None, nothing)
    content = path.read_bytes()
    raw, problems = _raw(path, content, table)
    if problems:
        return CsvTable(path, _typed(raw, table), problems, content, raw)
    return _parse(path, raw, table, zone, content)


def _raw(path: Path, content: bytes, table: type[Table]) -> tuple[pl.DataFrame, list[str]]:
    """The fields as text, columns in the table's order, and the line on which each row begins."""
    names, nothing = list(types(table)), _nothing(table)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return nothing, [f"{path.name}: line {line} is no UTF-8 ({path})"]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header = next(reader, [])
        problems = _header_problems(path, header, names)
        if problems:
            return nothing, problems
        before = reader.line_num
        for row in reader:
            if row:
                if len(row) != len(header):
                    problems.append(
                        f"{path.name}: line {before + 1}: {len(row)} fields, expected {len(header)} ({path})"
                    )
                    if len(problems) >= PROBLEMS_MAX:
                        break
                rows.append(row)
                lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        return nothing, [f"{path.name}: line {reader.line_num}: {error} ({path})"]
    if problems:
        return nothing, problems
    by_name = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {}
    data = {name: pl.Series(name, by_name.get(name, [None] * len(rows)), dtype=pl.String) for name in names}
    frame = pl.DataFrame([*data.values(), pl.Series(LINE, lines, dtype=pl.Int64)])
    frame = frame.with_columns(values.said(names))
    return frame.with_columns(pl.col(name).fill_null(DEFAULTS[name]) for name in names if name in DEFAULTS), []


def _header_problems(path: Path, header: Sequence[str], names: Sequence[str]) -> list[str]:
    known = ", ".join(names)
    if not header:
        return [f"{path.name}: line 1: the file has no header; expected the columns {known} ({path})"]
    unknown = [f"unknown column '{name[:60]}'" for name in header if name not in names]
    repeated = [f"column '{name}' stands twice" for name in dict.fromkeys(header) if header.count(name) > 1]
    missing = [f"column '{name}' is missing" for name in names if name not in header and name not in OPTIONAL]
    return [f"{path.name}: line 1: {what}; known are {known} ({path})" for what in unknown + repeated + missing]


def _nothing(table: type[Table]) -> pl.DataFrame:
    return pl.DataFrame(schema={**dict.fromkeys(types(table), pl.String), LINE: pl.Int64})


def _typed(frame: pl.DataFrame, table: type[Table]) -> pl.DataFrame:
    return frame.clear().cast(pl.Schema({**types(table), LINE: pl.Int64()}))


def _parse(path: Path, raw: pl.DataFrame, table: type[Table], zone: ZoneInfo, content: bytes) -> CsvTable:
    problems: list[tuple[int, str]] = []
    parsed = raw.select(*(_value(name, dtype, zone).alias(name) for name, dtype in types(table).items()), pl.col(LINE))
    good = pl.repeat(True, raw.height, eager=True)
    for name, field in columns(table).items():
        dtype = types(table)[name]
        wrong = raw[name].is_not_null() & parsed[name].is_null()
        if not field.nullable and not (dtype == pl.String and not _must_say_something(name)):
            wrong = wrong | raw[name].is_null()
        else:
            if dtype == pl.String and not field.nullable:
                parsed = parsed.with_columns(pl.col(name).fill_null(""))
        for check in field.checks:
            wrong = wrong | ~_passes(check, parsed[name])
        good = good & ~wrong
        for line, value in raw.filter(wrong).select(LINE, name).head(PROBLEMS_MAX).iter_rows():
            problems.append((line, say(path, line, name, value, _expected(name, dtype, field))))
    problems.sort(key=lambda problem: problem[0])
    sentences = [sentence for _, sentence in problems[:PROBLEMS_MAX]]
    return CsvTable(path, parsed.filter(good), sentences, content, raw)


def _must_say_something(name: str) -> bool:
    return name not in ("name", "email")


def _value(name: str, dtype: pl.DataType, zone: ZoneInfo) -> pl.Expr:
    """Column `name` as `dtype`, null where the text is no such value."""
    text = pl.col(name)
    if isinstance(dtype, pl.Decimal):
        scale, whole = dtype.scale, (dtype.precision or 38) - dtype.scale
        plain = text.str.contains(rf"^-?[0-9]{{1,{whole}}}(?:\.[0-9]{{1,{scale}}}0*)?$")
        return pl.when(plain).then(text).str.to_decimal(scale=scale + 12).cast(dtype, strict=False)
    if isinstance(dtype, pl.Datetime):
        return _moment(text, zone, end=name == "released_at")
    kinds: dict[object, Callable[[], pl.Expr]] = {
        pl.Date: lambda: _date(text),
        pl.Boolean: lambda: text.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean),
        pl.Int32: lambda: values.count(text),
    }
    if name == "number":
        return values.e164(text)
    return kinds.get(dtype.base_type(), lambda: text)()


def _date(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")).then(text).str.to_date("%Y-%m-%d", strict=False)


def _moment(text: pl.Expr, zone: ZoneInfo, *, end: bool) -> pl.Expr:
    """An ISO 8601 moment; without an offset it is in the billing zone, and a date is its first (or last) moment."""
    local = text.str.replace(" ", "T", literal=True)
    days = _date(text).cast(pl.Datetime("us"))
    whole_day = days.dt.offset_by("1d") if end else days
    written = local.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]+)?$")
    naive = pl.when(written).then(local).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)

    def zoned(expression: pl.Expr) -> pl.Expr:
        return expression.dt.replace_time_zone(
            zone.key, ambiguous="earliest", non_existent="null"
        ).dt.convert_time_zone("UTC")

    # Where summer time begins at midnight the day begins an hour later.
    midnight = pl.coalesce(zoned(whole_day), zoned(whole_day.dt.offset_by("1h")))
    dated = midnight - (pl.duration(microseconds=1) if end else pl.duration())
    return pl.coalesce(values.instant(text), zoned(naive), dated)


def _passes(check: object, column: pl.Series) -> pl.Series:
    """Whether each value passes a Pandera check; null passes, as emptiness is judged elsewhere."""
    name, stats = check.name, check.statistics  # type: ignore[attr-defined]
    match name:
        case "isin":
            passed = column.is_in(pl.Series(list(stats["allowed_values"])).implode())
        case "greater_than_or_equal_to":
            passed = column >= stats["min_value"]
        case "greater_than":
            passed = column > stats["min_value"]
        case "less_than_or_equal_to":
            passed = column <= stats["max_value"]
        case "str_matches":
            passed = column.str.contains(stats["pattern"])
        case "str_length":
            passed = column.str.len_chars() >= (stats["min_value"] or 0)
        case _:
            raise AssertionError(f"the reader of CSV files knows no check {name}")
    return passed.fill_null(True)


def _expected(name: str, dtype: pl.DataType, field: object) -> str:
    """What a column takes, in words."""
    for check in getattr(field, "checks", []):
        if check.name == "isin":
            return " or ".join(str(v) for v in check.statistics["allowed_values"])
    at_least = [c.statistics["min_value"] for c in getattr(field, "checks", []) if c.name == "greater_than_or_equal_to"]
    above = [c.statistics["min_value"] for c in getattr(field, "checks", []) if c.name == "greater_than"]
    limit = f" of at least {at_least[0]}" if at_least else f" above {above[0]}" if above else ""
    if isinstance(dtype, pl.Decimal):
        whole = (dtype.precision or 38) - dtype.scale
        return f"a plain decimal{limit} with at most {whole} digits before and {dtype.scale} behind the point"
    if isinstance(dtype, pl.Datetime):
        return "a date as 2026-10-01, or a date and time with offset as 2026-10-01T08:15:00+02:00"
    words: dict[object, str] = {
        pl.Date: "a date as 2026-10-01",
        pl.Boolean: "true or false",
        pl.Int32: f"a whole number{limit}",
    }
    if name == "number":
        return "an E.164 number as +33123456789"
    if name == "prefix":
        return "one to fifteen digits, the first no zero"
    return words.get(dtype.base_type(), "a value")
