"""Files with columns of their own, such as Parquet: every value becomes the text that a line would hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from transforms.mediation.column_records import ColumnReader
from transforms.mediation.formats import all_formats
from transforms.mediation.records import mediate
from transforms.mediation.source import Source

KNOWN = ("a", "text", "t")


def read(batch: pl.DataFrame) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The fields, and number and detail of the records that could not be read."""
    found = ColumnReader(known=KNOWN, required=("a",)).feed(batch, last=True)
    assert found.fields.columns == ["record_number", *KNOWN]
    return found.fields.rows(), found.unreadable.select("record_number", "detail").rows()


@pytest.mark.parametrize(
    ("values", "dtype", "texts"),
    [
        (["x", "", None], pl.String, ["x", None, None]),
        ([1, -5, None], pl.Int64, ["1", "-5", None]),
        ([2**64 - 1], pl.UInt64, ["18446744073709551615"]),
        ([2.0, 83.2, None, 0.0], pl.Float64, ["2", "83.2", None, "0"]),
        ([1.1], pl.Float32, ["1.1"]),
        ([float("nan")], pl.Float64, ["NaN"]),
        ([Decimal("1.50")], pl.Decimal(10, 2), ["1.50"]),
        ([True, False], pl.Boolean, ["true", "false"]),
        (["x", None], pl.Categorical(), ["x", None]),
        (["x"], pl.Enum(["x", "y"]), ["x"]),
        ([None], pl.Null, [None]),
        ([date(2026, 10, 1)], pl.Date, ["2026-10-01"]),
    ],
)
def test_a_value_is_written_as_text(values: list[Any], dtype: pl.DataType, texts: list[str | None]) -> None:
    rows, _ = read(pl.DataFrame({"a": pl.Series(values, dtype=dtype)}))
    assert [row[1] for row in rows] == texts


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Etc/GMT-2"])
def test_a_moment_is_written_in_utc(unit: Any, zone: str) -> None:
    moment = pl.Series([datetime(2026, 10, 5, 10, 0, 0, 250_000, tzinfo=UTC)])
    rows, _ = read(pl.DataFrame({"a": moment.cast(pl.Datetime(unit, zone))}))
    assert rows[0][1] == "2026-10-05T10:00:00.250000+00:00"


def test_a_moment_without_a_zone_has_no_offset() -> None:
    without = datetime(2026, 10, 5, 10)  # noqa: DTZ001 - that it has no zone is what is shown
    rows, _ = read(pl.DataFrame({"a": [without]}))
    assert rows[0][1] == "2026-10-05T10:00:00.000000"


def test_an_empty_text_is_kept_as_it_says_something() -> None:
    rows, _ = read(pl.DataFrame({"a": ["", "x"], "text": ["", None]}))
    assert rows == [(1, None, "", None), (2, "x", None, None)]


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"x": ["1"]}, "column 'x' is unknown; known are a, text, t"),
        ({"record_number": [1]}, "column 'record_number' is unknown; known are a, text, t"),
        (
            {"text": [["x"]]},
            "column 'text' is of the type List(String), which is no text; known are a, text, t",
        ),
        (
            {"text": [{"x": 1}]},
            "column 'text' is of the type Struct({'x': Int64}), which is no text; known are a, text, t",
        ),
        ({"text": [b"x"]}, "column 'text' is of the type Binary, which is no text; known are a, text, t"),
        (
            {"t": [timedelta(seconds=5)]},
            "column 't' is of the type Duration(time_unit='us'), which is no text; known are a, text, t",
        ),
    ],
)
def test_a_column_that_cannot_be_read_makes_every_record_unreadable(more: dict[str, Any], detail: str) -> None:
    assert read(pl.DataFrame({"a": ["1"], **more})) == ([], [(1, detail)])


def test_a_missing_column_makes_every_record_unreadable() -> None:
    detail = "column 'a' is missing; known are a, text, t"
    assert read(pl.DataFrame({"text": ["1", "2"]})) == ([], [(1, detail), (2, detail)])


def test_records_are_numbered_over_batches() -> None:
    reader = ColumnReader(known=KNOWN, required=("a",))
    batches = [pl.DataFrame({"a": part}) for part in (["x", "y"], [], ["z"])]
    numbers = [
        reader.feed(batch.cast({"a": pl.String}), last=False).fields["record_number"].to_list() for batch in batches
    ]
    assert numbers == [[1, 2], [], [3]]
    assert reader.records == 3


def test_typed_columns_make_the_usage_record_that_text_would() -> None:
    started = pl.Series([datetime(2026, 10, 5, 10, tzinfo=UTC)] * 2).dt.convert_time_zone("Europe/Paris")
    batch = pl.DataFrame(
        {
            "record_id": [1, 2],
            "service": pl.Series(["voice", "sms"], dtype=pl.Categorical()),
            "direction": ["outbound", "outbound"],
            "from_number": [33184000001, 33184000001],
            "to_number": ["+33145000001", "0033145000001"],
            "started_at": started,
            "duration_seconds": [82.3, None],
            "segments": [None, 2.0],
        }
    )
    found = mediate(all_formats()["standard"].reader("columns", Source()).feed(batch, last=True).fields)
    assert found.refused.is_empty()
    shown = found.records.select(
        "record_id", "own_number", "other_number", "started_at", "billable_seconds", "segments"
    )
    at = datetime(2026, 10, 5, 10, tzinfo=UTC)
    assert shown.rows() == [
        ("1", "+33184000001", "+33145000001", at, 83, None),
        ("2", "+33184000001", "+33145000001", at, 0, 2),
    ]
