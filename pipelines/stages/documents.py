"""Issued bills, notes and receipts become files under HOME/documents, each made once and noted with its hash."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import chain
from typing import Any

import polars as pl

from pipelines.documents.gather import Gathered, Issue, issued_documents, receipt_documents
from pipelines.documents.inputs_at_issue import InputsAtIssue, inputs_at_issue, inputs_now, knowing, no_seller, today
from pipelines.documents.model import Kind
from pipelines.documents.rendering import Made, Refused, Untold, WorkerGone, clear_unfinished, rendered
from pipelines.errors import BadInput, CallbillError
from pipelines.settings import SETTINGS_FILE
from pipelines.stages import Facts
from pipelines.stages.collect import put_files
from pipelines.stages.proof import proofs_of as proofs
from pipelines.storage.atomic_files import put
from pipelines.storage.month_files import scan
from pipelines.storage.session import Session
from transforms.tables.base import assert_contract, conform
from transforms.tables.documents import Documents
from transforms.tables.vocabulary import MAIL_KINDS

MANIFEST = "manifest.csv"
"""The rows of `documents` of a month, beside its files."""

FONTS = "fonts"
"""A folder of HOME with fonts beyond those of the package, for names in other scripts."""

_SHOWN = 20
"""Documents that are named of those that cannot be made, or have no e-invoice."""


class NotMade(CallbillError):
    """Some documents could not be made; all others are there."""

    exit_status = 1


def make_documents(session: Session, name: str) -> Facts:
    """The files of the month's issued bills and notes, and of the receipts of its top-ups, that are not there yet; and of
    receipts of before the first month of the settings, which no month is asked for.

    Each is made from what was issued, and from reference files and settings as they were then, so that it is the same
    on every rendering; what cannot be made from these, for want of a rate or of the seller's name, from those of today.
    A run that was killed goes on where it stopped. Raises NotMade at the end where some cannot be made, or a payment file
    of the month could not be written; BadInput where there is nothing to make or nobody who issues it.
    """
    billing = session.installation.settings.billing
    refused = [
        # Also of those that have their files: of a run that was killed the manifest may be missing.
        found
        for month in _receipt_months(session, before=billing.first_month)
        for found in _make_receipts(session, month)
    ]
    session.progress.stage(f"documents {name}")
    refused += _make(session, name, [_issued, _receipts])
    return _conclude(session, name, refused)


def make_receipt_documents(session: Session) -> None:
    """The files of receipts that have none yet, of whatever month. Says which cannot be made."""
    for name in _receipt_months(session):
        try:
            refused = _make_receipts(session, name)
        except WorkerGone as error:
            session.progress.warn(f"receipts of {name}: {error}")
            continue
        for refusal in refused:
            session.progress.warn(f"{refusal.document} cannot be made: {refusal.why}")


def _receipt_months(session: Session, *, before: str = "") -> list[str]:
    """The months before that one with receipts; where none is named, all with receipts that have no file."""
    zone = session.installation.settings.billing.time_zone
    which = "month < ?" if before else "NOT EXISTS (FROM documents d WHERE d.document = r.receipt_number)"
    rows = session.warehouse.connection.execute(
        f"SELECT DISTINCT strftime(credited_at AT TIME ZONE ?, '%Y-%m') AS month FROM receipts r WHERE {which} ORDER BY 1",
        [zone, before] if before else [zone],
    ).fetchall()
    return [row[0] for row in rows]


def _make_receipts(session: Session, name: str) -> list[Refused]:
    session.progress.stage(f"receipts {name}")
    refused = _make(session, name, [_receipts])
    _put_manifest(session, name)
    return refused


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

Source = Callable[[Session, str, Wanted, InputsAtIssue | None], Iterator[Iterable[Gathered]]]
"""Gathers documents of a month that are wanted, with inputs of the day on which they were issued, or with others."""


def _issued(
    session: Session, name: str, wanted: Wanted, instead: InputsAtIssue | None = None
) -> Iterator[Iterable[Gathered]]:
    """The bills and notes of each issue of the month."""
    files = session.warehouse.month_files
    for proof in proofs(session, name):
        part = proof["part"]
        of_bills = "open" in proof
        table, number = ("bills", "bill_number") if of_bills else ("correction_notes", "note_number")
        rows = _only(scan(table, files.part(table, name, part)).collect(), number, wanted)
        if rows.is_empty():
            continue
        issued_at = datetime.fromisoformat(proof["issued_at"])
        try:
            was = _inputs(session, proof["inputs"], instead, rows["account_id"], issued_at)
        except BadInput as error:
            yield _none(rows, number, error)
            continue
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
                inputs=was,
                part=part,
            )
            if mine.height:
                yield issued_documents(session, name, issue)


def _receipts(
    session: Session, name: str, wanted: Wanted, instead: InputsAtIssue | None = None
) -> Iterator[Iterable[Gathered]]:
    """The receipts of the month's top-ups, by the inputs of the day on which they were made."""
    month = session.any_month(name)
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
        try:
            was = _inputs(session, known, instead)
        except BadInput as error:
            yield _none(part, "receipt_number", error)
            continue
        yield receipt_documents(session, part, was)


def _inputs(
    session: Session,
    inputs: dict[str, str],
    instead: InputsAtIssue | None,
    accounts: pl.Series | None = None,
    issued_at: datetime | None = None,
) -> InputsAtIssue:
    """The inputs of documents by their SHA-256, or those `instead`, in which a customer who is gone stays as it was; of
    `accounts` issued at that moment also whoever was gone by then. Raises BadInput where they cannot be read."""
    was = inputs_at_issue(session, inputs)
    if accounts is not None and issued_at is not None:
        was = knowing(session, was, accounts, issued_at)
    return was if instead is None else instead.with_gone(was.accounts)


def _none(rows: pl.DataFrame, number: str, error: BadInput) -> list[Gathered]:
    """What stands in the place of documents whose inputs cannot be read: those of today are no substitute."""
    kinds: list[Any] = (
        rows["kind"].to_list() if "kind" in rows.columns else [number.removesuffix("_number")] * len(rows)
    )
    found = zip(rows[number], kinds, rows["account_id"], strict=True)
    return [Gathered(name, kind, account, None, refusal=str(error)) for name, kind, account in found]


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
    refused = {found.document: found for found in _print(session, name, todo, known)}
    mendable = {number for number, found in refused.items() if found.mendable}
    now = _today(session) if mendable else None
    if now:
        again = [part for source in sources for part in source(session, name, mendable.__contains__, now)]
        still = {found.document: found for found in _print(session, name, again, known)}
        refused = {number: found for number, found in refused.items() if number not in mendable} | still
    return [refused[number] for number in sorted(refused)]


def _today(session: Session) -> InputsAtIssue | None:
    """The inputs as they are now; None where they cannot be read, and then it says why: what needs nothing of them is
    made all the same."""
    try:
        return today(session)
    except BadInput as error:
        for problem in error.problems:
            session.progress.warn(problem)
        return None


def _print(session: Session, name: str, todo: Iterable[Iterable[Gathered]], known: Known) -> list[Refused]:
    root, fonts = session.installation.documents / name, session.installation.home / FONTS
    processes = session.installation.settings.documents.processes or os.cpu_count() or 1
    refused: list[Refused] = []
    untold: list[Untold] = []
    clear_unfinished(root)
    for chunk in rendered(root, fonts if fonts.is_dir() else None, chain.from_iterable(todo), processes):
        files = [found for found in chunk if isinstance(found, Made)]
        refused += [found for found in chunk if isinstance(found, Refused)]
        untold += [found for found in chunk if isinstance(found, Untold)]
        refused += _note(session, name, files, known)
        session.progress.advance(len({file.document for file in files}))
    for sentence in _first(
        [f"{found.document} of {found.account_id} has no e-invoice: {found.why}" for found in untold]
    ):
        session.progress.warn(sentence)
    return refused


def _note(session: Session, name: str, files: list[Made], known: Known) -> list[Refused]:
    """Notes the files in one transaction. Returns documents of which a file that was lost came out otherwise."""
    otherwise: dict[str, Refused] = {}
    for file in files:
        before = known.rows.get((file.document, file.form))
        if before and before["sha256"] != file.sha256:
            (session.installation.documents / file.path).unlink()
            other = before["template_version"] != file.template_version
            how = (
                f"by templates {before['template_version']}, these are {file.template_version}"
                if other
                else "otherwise"
            )
            why = (
                f"documents/{file.path} was lost or changed, and cannot be made as it was: it was made {how}; put it back "
                "from a backup"
            )
            otherwise.setdefault(file.document, Refused(file.document, file.account_id, why))
    new = [asdict(file) for file in files if (file.document, file.form) not in known.rows]
    if new:
        frame = pl.DataFrame(new).with_columns(billing_month=pl.lit(name))
        with session.warehouse.transaction():
            session.warehouse.insert("documents", assert_contract(Documents, conform(Documents, frame)))
    return list(otherwise.values())


def _first(sentences: list[str]) -> list[str]:
    """The first of them, and how many more there are."""
    more = len(sentences) - _SHOWN
    return sentences[:_SHOWN] + ([f"and {more} documents more"] if more > 0 else [])


def _conclude(session: Session, name: str, refused: list[Refused]) -> Facts:
    # Those of a month that is collected were written before; which could not be is said here, with the rest.
    problems = put_files(session, name)
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
        "refused": len(refused) + len(problems),
        "without_e_invoice": session.warehouse.value(
            "SELECT count(*) FROM (SELECT document FROM documents WHERE billing_month = ? GROUP BY document "
            "HAVING list_contains(list(form), 'pdf') AND NOT list_contains(list(form), 'ubl'))",
            [name],
        ),
        **dict(counts.select("kind", "documents").iter_rows()),
    }
    with session.warehouse.transaction():
        session.warehouse.note("documents", name, facts)
    sentences = _first([f"{found.document} of {found.account_id} cannot be made: {found.why}" for found in refused])
    nobody = no_seller(session.installation)
    if refused and all(found.why == nobody for found in refused) and not set(counts["kind"]) & set(MAIL_KINDS):
        raise BadInput(nobody)
    if problems or sentences:
        raise NotMade("\n".join([*problems, *sentences]))
    return facts


def _put_manifest(session: Session, name: str) -> None:
    """Writes documents/MONTH/manifest.csv: every file with its hash and the version of what made it."""
    rows = session.warehouse.frame("SELECT * FROM documents WHERE billing_month = ? ORDER BY path", [name])
    place = session.installation.documents / name / MANIFEST
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.new")
    rows.write_csv(beside)
    put(beside, place)
