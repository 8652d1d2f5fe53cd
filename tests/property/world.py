"""A whole small world as values, and the files it is written into. How worlds are drawn is not said here."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.independent.inputs import PRICE_COLUMNS, REFERENCE_COLUMNS, USAGE_COLUMNS

Row = dict[str, str]


@dataclass(frozen=True)
class Broken:
    """A line that is no record: with too few or too many fields (CSV), cut or with a tail (JSON lines)."""

    kind: Literal["few", "many"]
    name: str


@dataclass(frozen=True)
class World:
    """Accounts, numbers, credits, prices and raw records, valid as reference data; every value is text.

    `records` are in callbill's own columns, an empty or absent one missing; `callr` are events of CALLR.
    `months_before` are months to be run before the month itself.
    """

    month: str
    months_before: tuple[str, ...]
    time_zone: str
    seller_country: str
    accounts: list[Row]
    numbers: list[Row]
    credits: list[Row]
    prices: dict[str, list[Row]]
    records: list[Row | Broken]
    callr: list[dict[str, Any]]


ISSUER = """\
name = "Exemple SAS"
vat_number = "FR44732829320"
registration = "732829320"

[legal_en]
late_payment = "Three times the statutory rate."
recovery_fee = "EUR 40."
early_payment = "No discount."
"""
"""What bills need of the seller before they are numbered."""


def write_world(
    world: World,
    home: Path,
    price_tables: Path,
    *,
    split: int = 1,
    shuffle_seed: int | None = None,
    form: Literal["csv", "jsonl"] = "csv",
    compress: bool = False,
) -> None:
    """Writes a world into a fresh home and folder of price tables.

    `split` is the number of files of a format (fewer where there are fewer records), in the records' order.
    `shuffle_seed` shuffles records, rows and columns; two records of one service and record_id keep their
    order, since the first of them stands. `form` is that of the standard records, `compress` gzips all.
    """
    chance = None if shuffle_seed is None else random.Random(shuffle_seed)
    reference = {"accounts": world.accounts, "numbers": world.numbers, "credits": world.credits}
    for name, rows in reference.items():
        write_table(home / "reference" / f"{name}.csv", REFERENCE_COLUMNS[name].split(), rows, chance)
    for name, rows in world.prices.items():
        write_table(price_tables / f"{name}.csv", PRICE_COLUMNS[name].split(), rows, chance)
    home.mkdir(parents=True, exist_ok=True)
    (home / "callbill.toml").write_text(
        f'[billing]\ntime_zone = "{world.time_zone}"\n\n[seller]\ncountry = "{world.seller_country}"\n{ISSUER}',
        encoding="utf-8",
    )
    columns = shuffled(USAGE_COLUMNS, chance)
    records = world.records if chance is None else shuffled_records(world.records, chance)
    parts = [
        csv_text(part, columns) if form == "csv" else json_text([json_of(record) for record in part])
        for part in split_into(records, split)
    ]
    write_parts(home / "inbox" / "standard", form, parts, compress)
    told = world.callr if chance is None else shuffled_records(world.callr, chance)
    events = [json.dumps(event, ensure_ascii=False) for event in told]
    if events:
        parts = [json_text(part) for part in split_into(events, split)]
        write_parts(home / "inbox" / "callr", "jsonl", parts, compress)


def shuffled(items: Sequence[Any], chance: random.Random | None) -> list[Any]:
    """The items in another order, or in theirs where nothing is left to chance."""
    return list(items) if chance is None else chance.sample(list(items), len(items))


def shuffled_records(records: Sequence[Any], chance: random.Random) -> list[Any]:
    """The records in another order, but those that may be one event in theirs."""
    waiting: dict[object, list[Any]] = {}
    for record in records:
        waiting.setdefault(identity(record), []).append(record)
    return [waiting[identity(record)].pop(0) for record in shuffled(records, chance)]


def identity(record: Row | Broken | dict[str, Any]) -> object:
    """What two records that may be one event share."""
    if isinstance(record, Broken):
        return record.name
    told = record.get("payload", record)
    names = [told.get(name) for name in ("record_id", "callid", "hash", "sid")]
    return told.get("service"), *names


def split_into(items: list[Any], count: int) -> list[list[Any]]:
    """The items in at most `count` runs of about equal length; one empty run where there are none."""
    length = max(1, -(-len(items) // count))
    return [items[start : start + length] for start in range(0, len(items), length)] or [[]]


def write_table(path: Path, columns: list[str], rows: list[Row], chance: random.Random | None) -> None:
    """Writes one reference file or price table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, shuffled(columns, chance), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(shuffled(rows, chance))
    path.write_bytes(text.getvalue().encode())


def write_parts(folder: Path, ending: str, parts: list[str], compress: bool) -> None:
    """Writes usage files; a blank line tells a file from an earlier one of the same content."""
    folder.mkdir(parents=True, exist_ok=True)
    written: set[str] = set()
    for number, text in enumerate(parts, start=1):
        while text in written:
            text += "\n"
        written.add(text)
        content = text.encode()
        name = f"part-{number:03d}.{ending}"
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / name).write_bytes(content)


def csv_text(records: list[Row | Broken], columns: list[str]) -> str:
    """The records as CSV with a header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for record in records:
        if isinstance(record, Broken):
            fields = [record.name, "voice"] if record.kind == "few" else [record.name] * (len(columns) + 1)
            writer.writerow(fields)
        else:
            writer.writerow([record.get(column, "") for column in columns])
    return text.getvalue()


def json_text(lines: list[str]) -> str:
    """Lines as JSON lines."""
    return "".join(line + "\n" for line in lines)


def json_of(record: Row | Broken) -> str:
    """A record as a line of JSON; durations and counts are numbers, a missing field is null or absent."""
    if isinstance(record, Broken):
        line = json.dumps({"record_id": record.name})
        return line[:-3] if record.kind == "few" else line + " tail"
    values: dict[str, Any] = {}
    for column, value in record.items():
        number = column in ("duration_seconds", "forwarded_seconds", "segments", "text_length")
        if number and value.isdecimal():
            values[column] = int(value)
        elif number and value.replace(".", "", 1).isdecimal():
            values[column] = float(value)
        else:
            values[column] = value or None
    return json.dumps(values, ensure_ascii=False)
