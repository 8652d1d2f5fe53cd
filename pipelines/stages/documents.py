"""Issued bills, notes and receipts become files under HOME/documents, each made once and noted with its hash."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain

import polars as pl

from pipelines.documents.gather import Gathered, Issue, issued_documents, receipt_documents
from pipelines.documents.model import Kind
from pipelines.documents.press import Made, Refused, clear_unfinished, printed
from pipelines.documents.then import Then, inputs_now, then, today
from pipelines.durable import put
from pipelines.errors import BadInput, CallbillError
from pipelines.month_files import scan
from pipelines.session import Session
from pipelines.settings import SETTINGS_FILE
from pipelines.stages import Facts
from pipelines.stages.proof import documents as proofs
from transforms.tables.base import assert_contract, conform
from transforms.tables.documents import Documents

MANIFEST = "manifest.csv"
"""The rows of `documents` of a month, beside its files."""

FONTS = "fonts"
"""A folder of HOME with fonts beyond those of the package, for names in other scripts."""

_SHOWN_REFUSALS = 20


class NotMade(CallbillError):
    """Some documents could not be made; all others are there."""

    exit_status = 1


def make_documents(session: Session, name: str) -> Facts:
    """The files of the month's issued bills and notes, and of the receipts of its top-ups, that are not there yet.

    Each is made from what was issued, and from reference files and settings as they were then, so that it is the same
    on every rendering; what cannot be made from these, for want of a rate or of the seller's name, from those of today.
    A run that was killed goes on where it stopped. Raises NotMade at the end where some cannot be made, BadInput where
    there is nothing to make or nobody who issues it.
    """
    session.progress.stage(f"documents {name}")
    return _conclude(session, name, _make(session, name, [_issued, _receipts]))


def make_receipt_documents(session: Session) -> None:
    """The files of receipts that have none yet, of whatever month. Says which cannot be made."""
    zone = session.installation.settings.billing.time_zone
    months = session.warehouse.frame(
        "SELECT DISTINCT strftime(credited_at AT TIME ZONE ?, '%Y-%m') AS month FROM receipts r "
        "WHERE NOT EXISTS (FROM documents d WHERE d.document = r.receipt_number) ORDER BY 1",
        [zone],
    )
    for name in months["month"]:
        session.progress.stage(f"receipts {name}")
        for refusal in _make(session, name, [_receipts]):
            session.progress.warn(f"{refusal.document} cannot be made: {refusal.why}")
        _put_manifest(session, name)


class Known:
    """Files that were made: SHA-256 and template version by document and form; `there`: the documents that are whole."""

    def __init__(self, rows: pl.DataFrame, whole: list[bool]):
        self.rows = {(row["document"], row["form"]): row for row in rows.iter_rows(named=True)}
        lost = set(rows.filter(~pl.Series(whole, dtype=pl.Boolean))["document"])
        self.there = set(rows["document"]) - lost


def _known(session: Session, name: str) -> Known:
    """What was made of the month, and whether it lies there with the size it had."""
    rows = session.warehouse.frame(
        "SELECT document, form, path, bytes, sha256, template_version FROM documents WHERE billing_month = ?", [name]
    )
    root = session.installation.documents

    def whole(path: str, size: int) -> bool:
        try:
            return (root / path).stat().st_size == size
        except FileNotFoundError:
            return False

    return Known(rows, [whole(path, size) for path, size in rows.select("path", "bytes").iter_rows()])


Wanted = Callable[[str], bool]
"""Whether the document of a number is to be made."""

Source = Callable[[Session, str, Wanted, Then | None], Iterator[Iterable[Gathered]]]
"""Gathers documents of a month that are wanted, with inputs of the day on which they were issued, or with others."""


def _issued(session: Session, name: str, wanted: Wanted, instead: Then | None = None) -> Iterator[Iterable[Gathered]]:
    """The bills and notes of each issue of the month."""
    files = session.warehouse.month_files
    for proof in proofs(session, name):
        part = proof["part"]
        of_bills = "open" in proof
        table, number = ("bills", "bill_number") if of_bills else ("correction_notes", "note_number")
        rows = _only(scan(table, files.part(table, name, part)).collect(), number, wanted)
        if rows.is_empty():
            continue
        was = instead or then(session, proof["inputs"])
        kinds: tuple[Kind, ...] = ("bill",) if of_bills else ("credit_note", "debit_note")
        for kind in kinds:
            mine = rows if of_bills else rows.filter(pl.col("kind") == kind)
            issue = Issue(
                kind=kind,
                rows=mine,
                key="account_id" if of_bills else "note_number",
                number=number,
                lines=files.part("bill_lines" if of_bills else "correction_lines", name, part),
                usage=files.part("rated_usage" if of_bills else "corrected_usage", name, part),
                fees=files.part("number_fees", name, part),
                then=was,
                part=part,
            )
            if mine.height:
                yield issued_documents(session, name, issue)


def _receipts(session: Session, name: str, wanted: Wanted, instead: Then | None = None) -> Iterator[Iterable[Gathered]]:
    """The receipts of the month's top-ups, by the inputs of the day on which they were made."""
    month = session.month(name)
    rows = session.warehouse.frame(
        "SELECT r.*, o.accounts_sha256, o.settings_sha256, o.rates_sha256 FROM receipts r "
        "LEFT JOIN outbox o ON o.document = r.receipt_number WHERE r.credited_at >= ? AND r.credited_at < ? "
        "ORDER BY receipt_number",
        [month.starts, month.ends],
    )
    hashes = ["accounts_sha256", "settings_sha256", "rates_sha256"]
    for (accounts, settings, rates), part in _only(rows, "receipt_number", wanted).group_by(
        hashes, maintain_order=True
    ):
        inputs = {"accounts": accounts, SETTINGS_FILE: settings, "exchange_rates": rates}
        known = inputs if accounts is not None else inputs_now(session)
        yield receipt_documents(session, part, instead or then(session, known))


def _only(rows: pl.DataFrame, number: str, wanted: Wanted) -> pl.DataFrame:
    return rows.filter(pl.Series([wanted(found) for found in rows[number]], dtype=pl.Boolean))


def _make(session: Session, name: str, sources: Sequence[Source]) -> list[Refused]:
    """Makes the documents of the month that are not there and notes their files; returns those that cannot be made."""
    known = _known(session, name)
    todo = [
        part for source in sources for part in source(session, name, lambda number: number not in known.there, None)
    ]
    if not todo and not known.rows:
        raise BadInput(f"{name} is not issued and has no receipts: callbill issue {name} comes before its documents")
    if todo and not session.installation.settings.seller.name:
        path = session.installation.settings_file
        raise BadInput(f"{path}: [seller] name is missing: documents say who issues them")
    refused = {found.document: found for found in _print(session, name, todo, known)}
    if refused:
        now = today(session)
        again = [part for source in sources for part in source(session, name, refused.__contains__, now)]
        refused = {found.document: found for found in _print(session, name, again, known)}
    return [refused[number] for number in sorted(refused)]


def _print(session: Session, name: str, todo: Iterable[Iterable[Gathered]], known: Known) -> list[Refused]:
    root, fonts = session.installation.documents / name, session.installation.home / FONTS
    processes = session.installation.settings.documents.processes or os.cpu_count() or 1
    refused: list[Refused] = []
    clear_unfinished(root)
    for chunk in printed(root, fonts if fonts.is_dir() else None, chain.from_iterable(todo), processes):
        files = [found for found in chunk if isinstance(found, Made)]
        refused += [found for found in chunk if isinstance(found, Refused)]
        _note(session, name, files, known)
        session.progress.advance(len({file.document for file in files}))
    return refused


def _note(session: Session, name: str, files: list[Made], known: Known) -> None:
    """Notes the files in one transaction. Raises CallbillError where one that was lost came out otherwise."""
    again = [file for file in files if (file.document, file.form) in known.rows]
    for file in again:
        before = known.rows[file.document, file.form]
        if before["sha256"] != file.sha256:
            (session.installation.documents / file.path).unlink()
            other = before["template_version"] != file.template_version
            why = (
                f"by templates {before['template_version']}, these are {file.template_version}"
                if other
                else "otherwise"
            )
            raise CallbillError(
                f"documents/{file.path} was lost or changed, and cannot be made as it was: it was made {why}; put it back "
                "from a backup"
            )
    new = [asdict(file) for file in files if (file.document, file.form) not in known.rows]
    if new:
        frame = pl.DataFrame(new).with_columns(billing_month=pl.lit(name))
        with session.warehouse.transaction():
            session.warehouse.insert("documents", assert_contract(Documents, conform(Documents, frame)))


def _conclude(session: Session, name: str, refused: list[Refused]) -> Facts:
    _put_manifest(session, name)
    counts = session.warehouse.frame(
        "SELECT kind, count(DISTINCT document) AS documents, sum(bytes)::BIGINT AS bytes FROM documents "
        "WHERE billing_month = ? GROUP BY 1 ORDER BY 1",
        [name],
    )
    facts: Facts = {
        "folder": str(session.installation.documents / name),
        "documents": int(counts["documents"].sum()),
        "bytes": int(counts["bytes"].sum()),
        "refused": len(refused),
        **dict(counts.select("kind", "documents").iter_rows()),
    }
    with session.warehouse.transaction():
        session.warehouse.note("documents", name, facts)
    if refused:
        more = len(refused) - _SHOWN_REFUSALS
        sentences = [f"{found.document} of {found.account_id} cannot be made: {found.why}" for found in refused]
        raise NotMade("\n".join(sentences[:_SHOWN_REFUSALS] + ([f"and {more} documents more"] if more > 0 else [])))
    return facts


def _put_manifest(session: Session, name: str) -> None:
    """Writes documents/MONTH/manifest.csv: every file with its hash and the version of what made it."""
    rows = session.warehouse.frame("SELECT * FROM documents WHERE billing_month = ? ORDER BY path", [name])
    place = session.installation.documents / name / MANIFEST
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.new")
    rows.write_csv(beside)
    put(beside, place)
