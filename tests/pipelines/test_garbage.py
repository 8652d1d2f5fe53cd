"""Whatever lies in the inbox: a run ends well, every record that it saw is somewhere, and good files are billed."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pipelines.command import Said, call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, COLUMNS, MESSAGE
from transforms.mediation.formats import all_formats

HEADER = ",".join(COLUMNS)
ROW = ",".join(CALL.get(column, "") for column in COLUMNS)
CHANCE = random.Random(20260401)


def parquet(columns: dict[str, Any]) -> bytes:
    """A Parquet file of these columns."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def like_a_call(**odd: Any) -> bytes:
    """A Parquet file of one call, some of its columns of another type."""
    return parquet({name: pa.array([value]) for name, value in CALL.items()} | odd)


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


JSON = (json.dumps(CALL | {"record_id": "j"}) + "\n").encode()
SOUND = like_a_call()
STARTED = datetime(2026, 4, 5, 10, tzinfo=UTC)
# Files have moments without a zone, and this is one.
MIDNIGHT = datetime(2026, 4, 5)  # noqa: DTZ001

FILES: dict[str, bytes] = {
    "empty": b"",
    "newlines": b"\n\r\n\n",
    "blanks": b"   \n\t\n",
    "nulls": b"\0" * 5000,
    "random": CHANCE.randbytes(20_000),
    "random lines": b"\n".join(CHANCE.randbytes(40) for _ in range(300)),
    "magic of gzip": b"\x1f\x8b",
    "magic of zstd": b"\x28\xb5\x2f\xfd",
    "magic of parquet": b"PAR1",
    "gzip of nothing": gzip.compress(b"", mtime=0),
    "begins like zlib": f"x^\n{json.dumps(CALL | {'record_id': 'zlib'})}\n".encode(),
    "cut gzip": gzip.compress(JSON * 500, mtime=0)[:-40],
    "broken gzip": gzip.compress(JSON, mtime=0)[:12] + CHANCE.randbytes(40),
    "gzip of gzip": gzip.compress(gzip.compress(JSON, mtime=0), mtime=0),
    "gzip with a tail": gzip.compress(JSON, mtime=0) + b"tail",
    "cut zstd": zstd(CHANCE.randbytes(90_000))[:-4000],
    "header only": HEADER.encode(),
    "no header": ROW.encode(),
    "two headers": f"{HEADER}\n{HEADER}\n{ROW}\n".encode(),
    "double column": f"{HEADER},record_id\n{ROW},x\n".encode(),
    "other header": b"a,b,c\n1,2,3\n",
    "semicolons": f"{HEADER}\n{ROW}\n".replace(",", ";").encode(),
    "open quote": f'{HEADER}\n"{ROW}\n{ROW}\n{ROW}\n'.encode(),
    "quotes": f'{HEADER}\n""""""""\n"a"b,"c\n'.encode(),
    "null bytes": f"{HEADER}\n{ROW}\n".replace("c1", "c\0n").encode(),
    "carriage returns": f"{HEADER}\r{ROW}\r".encode(),
    "utf-16": f"{HEADER}\n{ROW}\n".encode("utf-16"),
    "latin-1": f"{HEADER}\né{ROW}\n".encode("latin-1"),
    "byte order mark": b"\xef\xbb\xbf" + f"{HEADER}\n{ROW}\n".replace("c1", "bom").encode(),
    "long line": HEADER.encode() + b"\n" + b"x" * 3_000_000 + b"\n" + ROW.replace("c1", "long").encode(),
    "many fields": HEADER.encode() + b"\n" + b"," * 200_000 + b"\n",
    "long fields": f"{HEADER}\n{ROW.replace('c1', 'i' * 70_000)}\n".encode(),
    "array": json.dumps([CALL] * 3).encode(),
    "deep": b"[" * 100_000 + b"\n" + b'{"a":' * 50_000 + b"\n",
    "scalars": b'1\n"text"\nnull\ntrue\n{}\n[]\n{"record_id": null}\n',
    "other types": b"".join(
        (json.dumps(CALL | {"record_id": f"t{place}", name: odd}) + "\n").encode()
        for place, odd in enumerate([None, 7, 1.5, 1e300, -1, True, [], {}, {"a": 1}, ["x"], "\ud83d", 10**40])
        for name in CALL
    ),
    "repeated keys": b'{"record_id": "a", "record_id": "b"}\n',
    "nan": b'{"record_id": NaN, "duration_seconds": Infinity}\n',
    "half a parquet": SOUND[: len(SOUND) // 2],
    "broken parquet": SOUND[:60] + CHANCE.randbytes(40) + SOUND[100:],
    "parquet tail": SOUND + b"tail",
    "gzip of parquet": gzip.compress(like_a_call(record_id=pa.array(["packed"])), mtime=0),
    "no columns": parquet({}),
    "no rows": parquet({name: pa.array([], pa.string()) for name in COLUMNS}),
    "other columns": parquet({"a": [1, 2], "b": [[1], None]}),
    "binary": like_a_call(record_id=pa.array([b"\xff\xfe"])),
    "lists": like_a_call(record_id=pa.array([["a", "b"]]), text=pa.array([{"a": 1}])),
    "numbers": like_a_call(
        record_id=pa.array([123456789012345678]),
        from_number=pa.array([33184000003]),
        to_number=pa.array([33145000001.0]),
        started_at=pa.array([STARTED]),
        duration_seconds=pa.array([Decimal("83.000")]),
    ),
    "odd numbers": like_a_call(
        record_id=pa.array([float("nan")]),
        duration_seconds=pa.array([float("inf")]),
        segments=pa.array([2**63], pa.uint64()),
    ),
    "times": like_a_call(started_at=pa.array([date(2026, 4, 5)]), duration_seconds=pa.array([timedelta(seconds=83)])),
    "naive": like_a_call(record_id=pa.array(["naive"]), started_at=pa.array([MIDNIGHT])),
    "nothing": like_a_call(duration_seconds=pa.array([None]), started_at=pa.nulls(1)),
    "dictionary": like_a_call(record_id=pa.array(["dict"]).dictionary_encode(), text=pa.array([True])),
}
OF_CALLR = ["random lines", "cut gzip", "broken parquet", "deep", "scalars", "other types", "nan", "utf-16"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Said]:
    """A home with all of it in every format's folder, and what the run said."""
    home = make_home(tmp_path_factory.mktemp("garbage"))
    for name, content in FILES.items():
        home.raw(f"standard/{name}", content)
    for name in OF_CALLR:
        home.raw(f"callr/{name}", FILES[name] + b"\n")
    home.usage("~good.csv", [CALL | {"record_id": "good"}, MESSAGE])
    inbox = home.path / "inbox"
    (inbox / "standard" / "a folder.csv" / "deeper").mkdir(parents=True)
    (inbox / "unknown").mkdir()
    Path(os.fsdecode(os.fsencode(inbox) + b"/\xff")).mkdir()
    (inbox / "stray.csv").write_text(HEADER)
    (inbox / "standard" / "gone.csv").symlink_to(inbox / "nowhere")
    (inbox / "standard" / "loop").symlink_to(inbox)
    os.mkfifo(inbox / "standard" / "pipe.csv")
    Path(os.fsdecode(os.fsencode(inbox / "standard") + b"/\xff\xfe\n.csv")).write_text(HEADER + "\n\n" + ROW)
    return home, call("run", "2026-04", "--json", *home.arguments)


def rows(home: Home, query: str) -> pl.DataFrame:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.sql(query).pl()


def test_it_ends_well_and_says_what_it_passed_over(ran: tuple[Home, Said]) -> None:
    home, said = ran
    assert said.status == 0, said.err
    known = f"not loaded: the inbox has a folder for each format, and callbill knows {', '.join(sorted(all_formats()))}"
    link = "not loaded: it is a symbolic link: put the file itself into the inbox"
    refused = {"gone.csv": link, "loop": link, "pipe.csv": "not loaded: it is a FIFO and no file"}
    of_headers = [line for line in said.err.splitlines() if ": no record of it is read: " in line]
    told = {line.split(": ")[1].removeprefix("inbox/standard/") for line in of_headers}
    assert len(told) == len(of_headers)
    assert told >= {"other header", "double column", "semicolons", "other columns"}
    assert [line for line in said.err.splitlines() if line not in of_headers] == [
        *(f"callbill: {home.path / 'inbox' / 'standard' / name}: {why}" for name, why in refused.items()),
        *(f"callbill: {home.path / 'inbox' / name}: {known}" for name in ("stray.csv", "unknown", "\\xff")),
    ]


def test_every_record_is_somewhere(ran: tuple[Home, Said]) -> None:
    files = rows(ran[0], "SELECT * FROM usage_files")
    # What is compressed in "gzip of nothing" is what "empty" holds: it is loaded once.
    assert files.height == len(FILES) - 1 + len(OF_CALLR) + 2
    found = pl.sum_horizontal("usage_records", "suspended", "duplicates", "unbillable")
    assert files.filter(pl.col("records") != found).is_empty()
    assert files.select(pl.col("records", "suspended", "duplicates", "usage_records").min()).row(0) == (0,) * 4


def test_what_was_damaged_is_in_suspense(ran: tuple[Home, Said]) -> None:
    damaged = ["cut gzip", "broken gzip", "cut zstd", "half a parquet", "broken parquet", "magic of parquet"]
    query = "SELECT path, suspended FROM usage_files WHERE path LIKE 'inbox/standard/%'"
    suspended = dict(rows(ran[0], query).iter_rows())
    assert all(suspended[f"inbox/standard/{name}"] >= 1 for name in damaged), suspended


def test_good_records_are_billed(ran: tuple[Home, Said]) -> None:
    billed = set(rows(ran[0], "SELECT record_id FROM rated_usage")["record_id"])
    assert billed >= {"good", "m1", "c1", "j", "bom", "long", "packed", "dict", "123456789012345678"}


def test_the_run_after_it_changes_nothing(ran: tuple[Home, Said]) -> None:
    again = call("run", "2026-04", "--json", *ran[0].arguments)
    assert again.result == ran[1].result
