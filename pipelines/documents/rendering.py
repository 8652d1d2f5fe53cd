"""From a document to its files, in worker processes: e-invoices, the PDF with one inside, the CSV; checked, then put."""

from __future__ import annotations

import gc
import hashlib
import os
import re
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as await_any
from pathlib import Path
from threading import Thread
from typing import Any

from pipelines.documents.gather import Gathered
from pipelines.documents.model import Document
from pipelines.errors import BadInput, CallbillError, of_one
from pipelines.overlap import write_behind
from pipelines.storage.atomic_files import sync

CHUNK = 32
"""So many documents go to a worker at once, and are noted in one transaction."""

CHUNKS_A_WORKER = 400
"""Then the worker is replaced: what libraries do not give back of their memory goes with it."""

FEW = 2 * CHUNK
"""So few documents are made in this process: starting others would take longer."""

UNFINISHED = ".new"

FOLDERS = {"bill": "bills", "credit_note": "notes", "debit_note": "notes", "receipt": "receipts"}
SUFFIXES = {"pdf": "pdf", "ubl": "xml", "csv": "csv"}


@dataclass(frozen=True)
class Made:
    """A file that was made of a document: the columns of Documents, but for the month."""

    document: str
    kind: str
    account_id: str
    form: str
    path: str
    bytes: int
    sha256: str
    template_version: str


@dataclass(frozen=True)
class Refused:
    """A document that cannot be made, and why. `mendable`: what it lacks may be in the files of today."""

    document: str
    account_id: str
    why: str
    mendable: bool = False


@dataclass(frozen=True)
class Untold:
    """A document that was made without an e-invoice, as none can tell it, and why."""

    document: str
    account_id: str
    why: str


class WorkerGone(CallbillError):
    """A process that made documents is gone."""


Rendered = Made | Untold | Refused


def file_name(number: str) -> str:
    """The number as the name of a file: series may have prefixes with characters that folders do not like."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", number)


def forms(gathered: Gathered, fonts: Path | None = None) -> dict[str, bytes]:
    """The document in all its forms: without the e-invoices where none can tell it, as the customer gets its bill all the
    same. Raises BadInput where one of them cannot be made."""
    from pipelines.documents.einvoice.terms import untellable
    from pipelines.documents.einvoice.xml import factur_x, ubl
    from pipelines.documents.einvoice.xmp import sealed

    document = gathered.document
    assert document is not None
    if untellable(document):
        found = {"pdf": _typesetter(fonts).pdf(document, None)}
    else:
        inside, beside = factur_x(document), ubl(document)
        _hold(document, inside, "cii")
        _hold(document, beside, "ubl")
        found = {"pdf": sealed(_typesetter(fonts).pdf(document, inside)), "ubl": beside}
    if gathered.csv:
        found["csv"] = gathered.csv
    return found


def _hold(document: Document, xml: bytes, form: Any) -> None:
    """Holds an e-invoice against the rules of EN 16931 and against the bill. Raises BadInput."""
    from pipelines.documents.einvoice.parties import french_domestic
    from pipelines.documents.einvoice.reading import expected, read_back

    problems = _validator().problems_by_shape(xml, form, french_domestic(document))
    if problems:
        raise BadInput(f"its e-invoice ({form}) is not valid: {'; '.join(problems[:3])}")
    if read_back(xml) != expected(document):
        raise AssertionError(f"the e-invoice ({form}) of {document.number} tells other amounts than the document")


@cache
def _typesetter(fonts: Path | None) -> Any:
    from pipelines.documents.pdf import Typesetter

    return Typesetter(fonts)


@cache
def _validator() -> Any:
    from pipelines.documents.einvoice.validation import Validator

    return Validator()


def render_documents(root: Path, fonts: Path | None, chunk: list[Gathered]) -> list[Rendered]:
    """Makes the documents and puts their files under `root`, each whole or not at all; they are on the disk when it
    returns. A document is there with all its forms or is refused; whatever is wrong with one, the others are made."""
    from pipelines.documents.einvoice.terms import untellable

    found: list[Rendered] = []
    folders = sorted({root / FOLDERS[gathered.kind] for gathered in chunk})
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    # The disk takes its time while the next document is made.
    with write_behind() as later:
        for gathered in chunk:
            if gathered.document is None:
                found.append(Refused(gathered.number, gathered.account_id, gathered.refusal, gathered.mendable))
                continue
            try:
                made = forms(gathered, fonts)
            except Exception as error:  # noqa: BLE001
                # Whatever is wrong with one, the others are made.
                why, mendable = of_one(error), isinstance(error, BadInput)
                found.append(Refused(gathered.number, gathered.account_id, why, mendable))
                continue
            if "ubl" not in made:
                found.append(Untold(gathered.number, gathered.account_id, untellable(gathered.document)))
            name = f"{FOLDERS[gathered.kind]}/{file_name(gathered.number)}"
            files = {form: (f"{name}.{SUFFIXES[form]}", content) for form, content in made.items()}
            later(partial(_put, root, list(files.values())))
            document = (gathered.number, gathered.kind, gathered.account_id)
            for form, (place, content) in files.items():
                sha256 = hashlib.sha256(content).hexdigest()
                path, version = f"{root.name}/{place}", _typesetter(fonts).version
                found.append(Made(*document, form, path, len(content), sha256, version))
    for folder in folders:
        sync(folder)
    return found


def _put(root: Path, files: list[tuple[str, bytes]]) -> None:
    for name, content in files:
        place = root / name
        # A worker that outlives a killed run for a moment may be at the same file.
        beside = place.with_name(f".{place.name}.{os.getpid()}{UNFINISHED}")
        beside.write_bytes(content)
        sync(beside)
        beside.replace(place)


def rendered(root: Path, fonts: Path | None, documents: Iterable[Gathered], processes: int) -> Iterator[list[Rendered]]:
    """What became of `documents`, chunk by chunk, in whatever order they are done. Raises WorkerGone where a worker
    process is gone: what was put so far stays."""
    waiting = iter(documents)
    first = list(islice(waiting, FEW + 1))
    if len(first) <= FEW or processes == 1:
        for chunk in _chunks(chain(first, waiting)):
            yield render_documents(root, fonts, chunk)
        return
    # Forking a process in which Polars and DuckDB run threads can hang it.
    pool = ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_alone, max_tasks_per_child=CHUNKS_A_WORKER
    )
    pending: set[Future[list[Rendered]]] = set()
    try:
        for chunk in _chunks(chain(first, waiting)):
            pending.add(pool.submit(render_documents, root, fonts, chunk))
            while len(pending) > 2 * processes:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        for future in as_completed(pending):
            yield future.result()
    except BrokenProcessPool:
        raise WorkerGone(
            "a process that makes documents is gone: killed, or out of memory; run it again, and it goes on"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _chunks(documents: Iterator[Gathered]) -> Iterator[list[Gathered]]:
    while chunk := list(islice(documents, CHUNK)):
        yield chunk


def clear_unfinished(root: Path) -> None:
    """Removes what a run that was killed was writing."""
    for folder in set(FOLDERS.values()):
        for left in (root / folder).glob(f".*{UNFINISHED}"):
            left.unlink(missing_ok=True)


def _alone() -> None:
    """A worker leaves a Ctrl-C to the process that started it, and ends with that process, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Trees of XML come and go by the thousand, without cycles; looking for these after every 700 objects is a tenth of
    # the work.
    gc.set_threshold(50_000, 20, 20)
    parent = parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        await_any([parent.sentinel])
        os._exit(1)

    Thread(target=end_with_parent, daemon=True).start()
