"""Records a second, and the peak of memory, from a file of each format to usage records, and into the warehouse.

Run it from the root of the repository: python -m benchmarks.formats --records 1000000 [--format twilio]
Needs Linux: peaks of memory are read from /proc. A file is made of each sample (tests/samples), its sound records
repeated with other ids, times and numbers. It is read, mediated and inserted as `load` does, events that several records
tell are assembled; then a file of four times the records. The start of the interpreter is not counted.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.month import MADE_BY_A_RUN
from pipelines.explain.raw import read_alone
from pipelines.inputs.inbox import InboxFile, find_files, read
from pipelines.inputs.sources import source_of
from pipelines.overlap import prefetch
from pipelines.settings import REPOSITORY, Installation
from pipelines.stages import load
from pipelines.stages.assemble import assemble_events
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.sample_files import Sample, samples
from transforms.mediation.formats import all_formats
from transforms.mediation.records import as_usage_records, mediate
from transforms.tables.base import assert_contract
from transforms.tables.usage import UsageRecords

DATA = REPOSITORY / "benchmarks" / "data" / "formats"
NUMBERS = 20_000
"""So many copies of a sample have numbers of their own; then the numbers come again."""

LARGEST = 1_000_000_000
"""A file is made of no more bytes than about these, however many records are asked for."""

_VARIED = re.compile(
    r"(?P<uuid>\b[0-9a-f]{8}(?=-[0-9a-f]{4}-))"
    r"|(?P<hex>\b[A-Za-z]{0,2}[0-9a-fA-F]{24,40}\b)"
    r"|(?P<call>(?<=[|,])\w+(?=@))"
    r"|(?P<moment>\b20\d\d-\d\d-\d\d[T +]\d\d(?=:\d\d))"
    r"|(?P<epoch>(?<![\d.+])1[78]\d{8}(?=\d{0,6}\b|\.))"
    r"|(?P<date>\b20\d\d[01]\d[0-3]\d\b|\b\d\d\.\d\d\.\d{4}\b)"
    r"|(?P<digits>(?<![\d.:])\d{8,}(?![\d:]))"
)
_DRAMA, _IN_USE = "63998", "61298"
"""Numbers for drama are none that libphonenumber knows, and are read one by one; most of real traffic's are not."""


def varied(text: str) -> Callable[[int], str]:
    """A function that gives the copy of that number of `text`: of the same shape, with other ids, times and numbers."""
    pieces: list[tuple[str, str]] = []
    at = 0
    for found in _VARIED.finditer(text):
        pieces += [("", text[at : found.start()]), (str(found.lastgroup), found[0])]
        at = found.end()
    pieces.append(("", text[at:]))
    return lambda copy: "".join(_other(kind, piece, copy) if kind else piece for kind, piece in pieces)


def _other(kind: str, piece: str, copy: int) -> str:
    match kind:
        case "uuid":
            return f"{copy:08x}"
        case "hex":
            return f"{piece[:-16]}{copy:08x}{piece[-8:]}"
        case "call":
            return f"{piece}{copy}"
        case "moment":
            return f"{piece[:11]}{copy % 24:02d}"
        case "epoch":
            return str(int(piece) + copy % 1_000_000)
        case "digits" if len(piece) > 15:
            return f"{piece[:-9]}{copy:07d}{piece[-2:]}"
        case "digits":
            return f"{piece[:-5]}{(int(piece[-5:]) + copy % NUMBERS) % 100_000:05d}"
        case _:
            return piece


def sound(sample: Sample) -> tuple[str, str, int]:
    """The lines of a sample before its first record, those of its sound records, and how many those are.

    Where the records have no lines of their own, all of the sample."""
    text = sample.path.read_text("utf-8").replace(_DRAMA, _IN_USE)
    places: list[int | None] = []
    good: list[bool] = []
    for number in count(1):
        kind, batches = read(InboxFile(sample.path, sample.path.name, sample.form.NAME), sample.form.KINDS)
        reader = sample.form.reader(kind, sample.source)
        line, found = read_alone(reader, batches, number)
        if reader.records < number:
            break
        places.append(line)
        good.append(
            found.unreadable.is_empty() and (not found.fields.height or not mediate(found.fields).refused.height)
        )
    lines = text.splitlines(keepends=True)
    begins = [place for place in places if place is not None]
    if len(set(begins)) < len(places) or sample.path.suffix not in (".csv", ".jsonl", ".txt"):
        return "", f"{text.rstrip()}\n", len(places)
    ends = [*begins[1:], len(lines) + 1]
    kept = [lines[start - 1 : end - 1] for start, end, is_good in zip(begins, ends, good, strict=True) if is_good]
    return "".join(lines[: begins[0] - 1]), "".join(f"{''.join(part).rstrip()}\n" for part in kept), len(kept)


def make_home(sample: Sample, records: int, times: int = 1) -> Path:
    """A home whose inbox holds a file of about so many records, as far as LARGEST allows, or of so many `times` those."""
    header, block, of_one = sound(sample)
    copies = times * -(-min(records, of_one * LARGEST // len(block)) // of_one)
    home = DATA / f"{sample.path.name}-{copies}"
    place = home / "inbox" / sample.form.NAME
    shutil.rmtree(home, ignore_errors=True)
    place.mkdir(parents=True)
    source = sample.source
    settings = {"time_zone": source.time_zone, "country": source.country, "inbound": list(source.inbound)}
    settings |= {"extension_digits": source.extension_digits}
    settings |= {"template": "".join(f"${{{name}}}" for name in source.template)} if source.template else {}
    said = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    (home / "callbill.toml").write_text(f"[source.{sample.form.NAME}]\n{said}", "utf-8")
    described = sample.path.with_suffix(".toml")
    if described.exists():
        shutil.copy(described, place)
    copy = varied(block)
    with (place / sample.path.name).open("w", encoding="utf-8") as file:
        file.write(header)
        file.writelines(copy(number) for number in range(copies))
    return home


def usage_of(installation: Installation) -> tuple[float, float]:
    """Seconds, and CPU seconds, from the files of the inbox to usage records that hold their contract, kept nowhere."""
    formats = all_formats()
    start, worked = time.perf_counter(), time.process_time()
    for file in find_files(installation, formats)[0]:
        form = formats[file.format]
        kind, batches = read(file, form.KINDS, installation.settings.load)
        reader = form.reader(kind, source_of(installation, file))
        for part in prefetch(reader.feed(batch.frame, last=batch.last) for batch in batches):
            fields = mediate(part.fields).records
            assert_contract(UsageRecords, as_usage_records(fields, file_number=1, format_name=form.NAME))
    return time.perf_counter() - start, time.process_time() - worked


def measure(home: Path) -> dict[str, Any]:
    """Loads what lies in the inbox of `home` into a new warehouse: records, bytes, seconds, and peak of memory in MiB."""
    for name in MADE_BY_A_RUN:
        path = home / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    installation = Installation.find(home, home / "prices")
    reading, reading_cpu = usage_of(installation)
    with Warehouse.open(installation) as warehouse:
        session = Session(installation, warehouse)
        start, worked = time.perf_counter(), time.process_time()
        load.load_usage(session)
        with warehouse.transaction():
            assemble_events(session)
        seconds, cpu = time.perf_counter() - start, time.process_time() - worked
        records, size = warehouse.connection.execute(
            "SELECT sum(records)::BIGINT, sum(bytes) FROM loaded_files"
        ).fetchall()[0]
        usage = warehouse.value("SELECT count(*) FROM usage_records")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
    facts = {"records": records, "bytes": size, "usage": usage, "seconds": seconds, "cpu": cpu, "peak": peak}
    return {**facts, "reading": reading, "reading_cpu": reading_cpu}


def measured(sample: Sample, records: int, times: int = 1) -> dict[str, Any]:
    """`measure` of a file of so many records, or so many times those, in a process of its own."""
    home = make_home(sample, records, times)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.formats", "--home", str(home)],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(home)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Prints a line a sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--format", help="this format alone")
    parser.add_argument(
        "--times", type=int, default=4, help="then the memory with a file of so many times the records; 1: not"
    )
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.home:
        print(json.dumps(measure(asked.home)))
        return
    print(
        "| sample | bytes a record | usage | to usage records/s | CPU µs | into the warehouse/s | CPU µs | peak MiB | larger |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for sample in samples():
        if asked.format in (None, sample.form.NAME):
            once = measured(sample, asked.records)
            again = f"{measured(sample, asked.records, asked.times)['peak']:,.0f}" if asked.times > 1 else ""
            records = once["records"]
            print(
                f"| {sample} | {once['bytes'] / records:,.0f} | {once['usage'] / records:.0%} "
                f"| {records / once['reading']:,.0f} | {once['reading_cpu'] / records * 1e6:.1f} "
                f"| {records / once['seconds']:,.0f} | {once['cpu'] / records * 1e6:.1f} | {once['peak']:,.0f} | {again} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
