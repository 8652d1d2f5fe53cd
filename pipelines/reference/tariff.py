"""Which tariff: the price tables at hand, those that a month was billed by, and how many prices differ between the two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.errors import BadInput
from pipelines.reference.csv_tables import LINE, read_table
from pipelines.settings import Installation
from pipelines.storage.catalogue import PRICE_TABLES
from pipelines.storage.kept_inputs import sound
from pipelines.storage.session import Session


@dataclass(frozen=True)
class Tariff:
    """A folder of price tables; `files`: the SHA-256 of each by its name, empty for one that is not there."""

    folder: Path
    files: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """Of the whole tariff: over name and SHA-256 of each of its files."""
        lines = (f"{name} {self.files.get(name, '')}\n" for name in sorted(PRICE_TABLES))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def facts(self) -> dict[str, str]:
        """As results show it."""
        return {"folder": str(self.folder), "sha256": self.sha256}

    def __str__(self) -> str:
        return in_words(self.facts())


def in_words(facts: Mapping[str, str]) -> str:
    """A tariff as people read it, from its `Tariff.facts`: the folder, and the beginning of the SHA-256."""
    return f"{facts['folder']} (SHA-256 {facts['sha256'][:12]})"


def tariff(installation: Installation) -> Tariff:
    """The tariff as its files lie there now. Raises BadInput where none is named."""
    folder = installation.price_tables
    paths = {name: folder / f"{name}.csv" for name in PRICE_TABLES}
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items() if path.exists()}
    return Tariff(folder, {name: hashes.get(name, "") for name in PRICE_TABLES})


def loaded_prices(session: Session) -> dict[str, str]:
    """SHA-256 of the price tables that the warehouse holds, by name."""
    facts = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'")
    return _of_prices(json.loads(facts or "{}"))


def prices_of_run(session: Session, month: str) -> dict[str, str]:
    """SHA-256 of the price tables by which the drafts of the month were rated, by name; nothing where it has none."""
    query = "SELECT facts FROM manifest WHERE stage = 'rated_usage' AND month = ?"
    facts = json.loads(session.warehouse.value(query, [month]) or "{}")
    return dict(facts.get("prices", {}))


def prices_of_issue(session: Session, month: str) -> dict[str, str]:
    """SHA-256 of the price tables by which the last bills or notes of the month were issued, by name."""
    query = "SELECT document FROM issues WHERE billing_month = ? ORDER BY part DESC LIMIT 1"
    proof = json.loads(session.warehouse.value(query, [month]) or "{}")
    return _of_prices(proof.get("inputs", {}))


def _of_prices(inputs: Mapping[str, str]) -> dict[str, str]:
    return {name: sha256 for name, sha256 in inputs.items() if name in PRICE_TABLES}


def differing_prices(session: Session, month: str, before: Mapping[str, str]) -> dict[str, int]:
    """How many prices of each table are other in the tariff at hand than in that of the files `before`, or stand in one of
    the two alone; of a table with `valid_from`, of those in force by the end of the month. Raises BadInput where a file
    of either cannot be read."""
    now = tariff(session.installation)
    last, found = session.month(month).last, {}
    for name, table in PRICE_TABLES.items():
        if now.files[name] == before.get(name, ""):
            continue
        paths = [now.folder / f"{name}.csv"]
        if before.get(name):
            paths.append(sound(session.installation, before[name], f"{name}.csv"))
        frames = [_rows(session, path, name) for path in paths]
        new, old = frames[0], frames[1] if len(frames) > 1 else frames[0].clear()
        if "valid_from" in new.columns:
            new, old = (frame.filter(pl.col("valid_from") <= last) for frame in (new, old))
        changed = [
            one.join(other, on=one.columns, how="anti", nulls_equal=True).select(table._key)
            for one, other in ((new, old), (old, new))
        ]
        if count := pl.concat(changed).unique().height:
            found[name] = count
    return found


def _rows(session: Session, path: Path, name: str) -> pl.DataFrame:
    read = read_table(path, PRICE_TABLES[name], session.installation.settings.zone)
    if read.problems:
        raise BadInput(read.problems)
    return read.frame.drop(LINE)


def differ(differing: Mapping[str, int]) -> str:
    """The count of prices that differ, and in which tables."""
    total = sum(differing.values())
    tables = ", ".join(f"{name} {count:,}" for name, count in differing.items())
    return f"{total:,} price{'s differ' if total > 1 else ' differs'} ({tables})"


def require_issued_tariff(session: Session, month: str) -> None:
    """Raises BadInput where prices at hand are other than those by which the month was issued or corrected last."""
    before = prices_of_issue(session, month)
    if before and (differing := differing_prices(session, month, before)):
        raise BadInput(
            f"{month} was issued by another tariff: {differ(differing)} from {tariff(session.installation)}. "
            "To correct the month by these prices: --new-tariff"
        )


def outcome_facts(session: Session) -> dict[str, Any]:
    """The tariff that the warehouse holds, as the outcome of a run shows it."""
    return Tariff(session.installation.price_tables, loaded_prices(session)).facts()
