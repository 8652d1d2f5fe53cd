"""Whether two homes tell the same: `python -m benchmarks.same_home HOME OTHER`.

Compares every published table, every document and every proof of two homes that were made from the same inputs, such as the
demo before and after a change that must change nothing. What says when something was done differs between any two runs, and
so do the hashes over it: those columns, and the moments within proofs and payment files, are left out. Exit status 1 where
anything else differs.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

CLOCK = {
    "first_seen_at",
    "loaded_at",
    "issued_at",
    "at",
    "parked_at",
    "released_at",
    "made_at",
    "written_at",
    "posted_at",
    "finished_at",
}
HASHES = {"sha256", "bytes", "inputs"}
"""Of documents and audit entries: over what has a moment in it."""
MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")


def tables(home: Path) -> dict[str, pl.DataFrame]:
    """The published tables without the clock, their rows in one order."""
    with duckdb.connect(str(home / "published" / "billing.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        names = [name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()]
        found = {name: connection.sql(f"FROM {name}").pl() for name in sorted(names)}
    plain = {name: frame.drop(CLOCK & set(frame.columns)) for name, frame in found.items()}
    for name in ("documents", "audit"):
        plain[name] = plain[name].drop(HASHES & set(plain[name].columns))
    return {name: frame.sort(pl.all().cast(pl.String)) for name, frame in plain.items()}


def files(home: Path, folder: str) -> dict[str, bytes]:
    """The files of a folder by their path, moments in texts replaced; of a manifest the paths alone."""
    found = {}
    for path in sorted((home / folder).rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".json":
                content = json.dumps(_without_hashes(json.loads(content)), sort_keys=True).encode()
            elif path.name == "manifest.csv":
                content = b"\n".join(sorted(line.split(b",")[0] for line in content.splitlines()))
            found[str(path.relative_to(home))] = content if path.suffix == ".pdf" else MOMENT.sub(b"T", content)
    return found


def _without_hashes(value: Any) -> Any:
    """A proof without hashes of tables that have a moment of issue, and of the settings' folder."""
    if isinstance(value, dict):
        return {key: _without_hashes(item) for key, item in value.items() if key not in ("sha256", "inputs")}
    return [_without_hashes(item) for item in value] if isinstance(value, list) else value


def differences(home: Path, other: Path) -> list[str]:
    """What is not the same, a line each."""
    ours, theirs = tables(home), tables(other)
    found = [
        f"table {name}"
        for name in sorted(ours.keys() | theirs.keys())
        if name not in ours or name not in theirs or not ours[name].equals(theirs[name])
    ]
    for folder in ("documents", "issued"):
        mine, others = files(home, folder), files(other, folder)
        found += [name for name in sorted(mine.keys() | others.keys()) if mine.get(name) != others.get(name)]
    return found


def main() -> None:
    """Prints what differs."""
    home, other = map(Path, sys.argv[1:3])
    found = differences(home, other)
    for line in found:
        print(f"differs: {line}")
    print(f"{len(tables(home))} tables, {len(files(home, 'documents'))} documents: {len(found)} differ")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
