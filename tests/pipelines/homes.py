"""Homes for the tests of the shell: reference files, prices and settings, and an inbox to put files into.

The reference files and prices are those in `home/`. What traffic there is, `tests.pipelines.traffic` says.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.settings import Installation
from tests.pipelines.traffic import COLUMNS, SIX_MONTHS, callr_events, standard_records

SHIPPED = Path(__file__).parent / "home"
SELLER = '[seller]\nname = "Exemple Télécom SAS"\nvat_number = "FR44732829320"\n'
"""What bills need of the seller before they are numbered."""


@dataclass(frozen=True)
class Home:
    """A home folder and its price tables, side by side in a folder of their own."""

    path: Path
    price_tables: Path

    @property
    def installation(self) -> Installation:
        """As callbill finds it."""
        return Installation.find(self.path, self.price_tables)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options that name it on the command line."""
        return "--home", str(self.path), "--price-tables", str(self.price_tables)

    @property
    def published(self) -> Path:
        """What analysts open."""
        return self.path / "published" / "billing.duckdb"

    def settings(self, text: str) -> None:
        """Writes callbill.toml, with SELLER where the text names nobody."""
        whole = text if "[seller]" in text else f"{text}\n{SELLER}"
        (self.path / "callbill.toml").write_text(whole, encoding="utf-8")

    def reference(self, name: str, text: str) -> None:
        """Writes one reference file."""
        (self.path / "reference" / f"{name}.csv").write_text(text, encoding="utf-8")

    def prices(self, name: str, text: str) -> None:
        """Writes one price table."""
        (self.price_tables / f"{name}.csv").write_text(text, encoding="utf-8")

    def add(self, name: str, *lines: str) -> None:
        """Adds lines to a reference file or price table."""
        path = next(path for path in self._tables() if path.stem == name)
        path.write_text(path.read_text("utf-8") + "".join(f"{line}\n" for line in lines), encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replaces `old`, which stands there once, in a reference file or price table."""
        path = next(path for path in self._tables() if path.stem == name)
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def _tables(self) -> list[Path]:
        return [*(self.path / "reference").glob("*.csv"), *self.price_tables.glob("*.csv")]

    def raw(self, name: str, content: bytes | str) -> Path:
        """Writes a file of the inbox; `name` begins with the format."""
        path = self.path / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def usage(self, name: str, records: Iterable[dict[str, str]]) -> Path:
        """Writes standard records, as `name` ends: .csv, .jsonl or .parquet, and .gz behind it."""
        rows = [dict.fromkeys(COLUMNS, "") | record for record in records]
        content = _KINDS[name.removesuffix(".gz").rpartition(".")[2]](rows)
        return self.raw(f"standard/{name}", gzip.compress(content, mtime=0) if name.endswith(".gz") else content)

    def callr(self, name: str, events: Iterable[dict[str, Any]]) -> Path:
        """Writes events of CALLR."""
        return self.raw(f"callr/{name}", "".join(json.dumps(event) + "\n" for event in events))

    def traffic(self, months: Iterable[str] = SIX_MONTHS, records: int = 300) -> None:
        """About `records` records a month, in files of every kind: CSV, JSON lines, Parquet, CALLR's."""
        for month in months:
            rows = list(standard_records(month, records * 9 // 10))
            third = len(rows) // 3
            self.usage(f"{month}/a.csv", rows[:third])
            self.usage(f"{month}/b.jsonl.gz", rows[third : 2 * third])
            self.usage(f"{month}/c.parquet", rows[2 * third :])
            self.callr(f"{month}.jsonl", callr_events(month, records // 30))


def make_home(folder: Path) -> Home:
    """A home whose first month is 2026-04, with an empty inbox."""
    home = Home(folder / "home", folder / "prices")
    (home.path / "inbox").mkdir(parents=True)
    shutil.copytree(SHIPPED / "reference", home.path / "reference")
    shutil.copytree(SHIPPED / "prices", home.price_tables)
    home.settings('[billing]\nfirst_month = "2026-04"\n')
    return home


def copy_of(home: Home, folder: Path) -> Home:
    """The same home within `folder`, with its price tables and all that lies beside it, to lay hands on."""
    copy = folder / "copy"
    shutil.copytree(home.path.parent, copy)
    return Home(copy / home.path.name, copy / home.price_tables.name)


def _csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _json_lines(rows: list[dict[str, str]]) -> bytes:
    said = ({name: value for name, value in row.items() if value} for row in rows)
    return "".join(json.dumps(row) + "\n" for row in said).encode()


def _parquet(rows: list[dict[str, str]]) -> bytes:
    said = [{name: value or None for name, value in row.items()} for row in rows]
    file = io.BytesIO()
    pl.DataFrame(said, schema=dict.fromkeys(COLUMNS, pl.String)).write_parquet(file)
    return file.getvalue()


_KINDS = {"csv": _csv, "jsonl": _json_lines, "parquet": _parquet}
