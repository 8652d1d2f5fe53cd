"""Reads the files of a home: raw usage, reference and prices. What a record means is not known here."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet

USAGE_COLUMNS = ["record_id", "service", "direction", "account_id", "from_number", "to_number", "started_at"]
USAGE_COLUMNS += ["duration_seconds", "status", "linked_id", "forwarded_to", "forwarded_seconds"]
USAGE_COLUMNS += ["text", "encoding", "text_length", "segments"]

REFERENCE_COLUMNS = {
    "accounts": "account_id name email country vat_number billing_mode payment_method currency price_list"
    " opened_on closed_on language address postcode city registration iban bic mandate_reference mandate_signed_on",
    "numbers": "number account_id country number_class call_tracking assigned_at released_at",
    "credits": "credit_id account_id kind amount currency credited_at payment_reference",
    "payments": "payment_id account_id bill_number amount currency paid_at",
}
PRICE_COLUMNS = {
    "price_lists": "price_list currency",
    "destinations": "prefix destination country",
    "voice_outbound": "price_list destination price_per_minute connection_fee first_increment increment valid_from",
    "voice_inbound": "price_list country number_class price_per_minute connection_fee first_increment"
    " increment valid_from",
    "sms_outbound": "price_list country price_per_segment valid_from",
    "sms_inbound": "price_list price_per_message valid_from",
    "number_fees": "price_list country number_class monthly_fee proration valid_from",
    "vat_rates": "country rate valid_from",
}


@dataclass(frozen=True)
class Raw:
    """One raw record: its place, and its object (a value by name), or None where it can't be parsed.

    The place of a fee without a price is the number's row of numbers.csv, at no path of the inbox.
    """

    format: str
    path: str | None
    record_number: int
    fields: dict[str, Any] | None


@dataclass(frozen=True)
class UsageFile:
    """One file of the inbox with its records in order; `path` is relative to the inbox."""

    format: str
    path: str
    records: list[Raw]


def read_inbox(home: Path) -> list[UsageFile]:
    """Every usage file in the order of its path; one with the content of an earlier one is the same file."""
    files = []
    seen = set()
    inbox = home / "inbox"
    for path in sorted(inbox.rglob("*"), key=lambda path: path.relative_to(inbox).as_posix()):
        if not path.is_file():
            continue
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest in seen:
            continue
        seen.add(digest)
        name = path.relative_to(inbox).as_posix()
        usage_format = name.split("/")[0]
        rows = {"standard": read_standard, "callr": read_callr}[usage_format](name, unpack(content))
        records = [Raw(usage_format, name, number, fields) for number, fields in enumerate(rows, start=1)]
        files.append(UsageFile(usage_format, name, records))
    return files


def unpack(content: bytes) -> bytes:
    """The content itself, out of its gzip wrapping if it has one."""
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def read_callr(_name: str, content: bytes) -> Iterator[dict[str, Any] | None]:
    """The records of a CALLR file: JSON lines, whatever its name."""
    return read_json_lines(content)


def read_standard(name: str, content: bytes) -> Iterator[dict[str, Any] | None]:
    """The records of a file in callbill's own format; its name's ending, else its content, tells the form."""
    ending = name.removesuffix(".gz").rpartition(".")[2].lower()
    if ending == "parquet" or content.startswith(b"PAR1"):
        return read_parquet(content)
    if ending in ("jsonl", "ndjson", "json") or (ending != "csv" and content.lstrip().startswith(b"{")):
        return read_json_lines(content)
    return read_csv_records(content)


def read_parquet(content: bytes) -> Iterator[dict[str, Any] | None]:
    """The rows of a Parquet file."""
    for row in pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist():
        yield {name: plain(value) for name, value in row.items()}


def read_json_lines(content: bytes) -> Iterator[dict[str, Any] | None]:
    """One object a line; blank lines are no records."""
    for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        if not line.strip():
            continue
        try:
            fields = json.loads(line.decode("utf-8"), parse_float=Decimal, parse_constant=refuse)
        except ValueError:
            yield None
            continue
        yield fields if isinstance(fields, dict) else None


def refuse(constant: str) -> None:
    """NaN and Infinity are no JSON."""
    raise ValueError(constant)


def plain(value: Any) -> Any:
    """A typed value of a Parquet row as JSON would hold it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return Decimal(repr(value)) if isinstance(value, float) else value


def read_csv_records(content: bytes) -> Iterator[dict[str, Any] | None]:
    """The records of a CSV file with a header; an empty field is a missing one."""
    lines = csv_lines(content.removeprefix(b"\xef\xbb\xbf"))
    header = csv_fields(next(lines, b""))
    unknown = set(header or []) - set(USAGE_COLUMNS)
    if not header or unknown or len(set(header)) != len(header):
        raise ValueError(f"not a header of usage records: {header}")
    for line in lines:
        fields = csv_fields(line)
        if fields is None or len(fields) != len(header):
            yield None
        else:
            yield {name: value for name, value in zip(header, fields, strict=True) if value != ""}


def csv_lines(content: bytes) -> Iterator[bytes]:
    """Lines of CSV, blank ones left out; a line whose quotes are open goes on in the next."""
    pending: list[bytes] = []
    for line in content.split(b"\n"):
        pending.append(line)
        whole = b"\n".join(pending)
        if whole.count(b'"') % 2 == 0:
            pending = []
            if whole.strip(b"\r"):
                yield whole.removesuffix(b"\r")
    if pending:
        yield b"\n".join(pending)


def csv_fields(line: bytes) -> list[str] | None:
    """The fields of one line of CSV, or None where it is no CSV or no UTF-8."""
    try:
        rows = list(csv.reader(io.StringIO(line.decode("utf-8"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return rows[0] if len(rows) == 1 else None


def read_table(path: Path, columns: str) -> list[dict[str, str]]:
    """A reference file or price table with all its columns, an absent one empty; no file has no rows."""
    if not path.exists():
        return []
    names = columns.split()
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        unknown = set(reader.fieldnames or []) - set(names)
        if unknown:
            raise ValueError(f"{path}: unknown columns {sorted(unknown)}")
        return [{name: row.get(name) or "" for name in names} for row in reader]


def read_reference(home: Path) -> dict[str, list[dict[str, str]]]:
    """accounts, numbers, credits and payments as rows of text."""
    folder = home / "reference"
    return {name: read_table(folder / f"{name}.csv", columns) for name, columns in REFERENCE_COLUMNS.items()}


def read_price_tables(folder: Path) -> dict[str, list[dict[str, str]]]:
    """The price tables as rows of text."""
    return {name: read_table(folder / f"{name}.csv", columns) for name, columns in PRICE_COLUMNS.items()}
