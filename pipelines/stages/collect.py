"""How what is owed is collected: direct debits for the bank, an open-items list for the rest, each document once.

Which document is collected how is fixed in the table `collections`, in one transaction; the files are written after it,
from that table alone, so that a file that a kill kept from being written comes out the same later.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.documents import debits, mandates, open_items
from pipelines.documents.bank_text import is_reference
from pipelines.errors import BadInput, of_one
from pipelines.reference.consistency import read_price_tables, read_reference
from pipelines.settings import Seller
from pipelines.stages import Facts
from pipelines.stages.books import keep_books
from pipelines.storage.atomic_files import put
from pipelines.storage.audit import add_entry
from pipelines.storage.session import Session
from transforms.tables.base import assert_contract, conform
from transforms.tables.documents import Collections

KINDS = {
    "direct_debit": ("direct_debits", "direct-debits", "xml"),
    "bank_transfer": ("open_items", "open-items", "csv"),
}
"""For each method of collection the kind of its file (FILE_KINDS), the beginning of its name, and its form."""

_PAYMENT_FILE = re.compile(r"(direct-debits|open-items)-[0-9]{4}-[0-9]{2}-[0-9]+\.(xml|csv)")


class NotWritten(BadInput):
    """Some payment files do not agree with what was decided; all others are there."""

    exit_status = 1


def collect_month(session: Session, name: str) -> Facts:
    """Decides how the issued documents of the month are collected that are open and in no payment file yet, and writes
    the payment files of the month that are not there.

    Again, it finds what was issued since. Raises BadInput where the warehouse is an old copy: nothing is debited again
    because of it; NotWritten at the end where a file is not what was decided.
    """
    session.progress.stage(f"collect {name}")
    _require_known_files(session, name)
    accounts = _accounts_and_payments(session)
    new = _collections(session, name, accounts, datetime.now(UTC))
    if not new.is_empty():
        _fix(session, name, new, _addresses(new, accounts, session.installation.settings.seller))
    if problems := put_files(session, name):
        raise NotWritten(problems)
    counts = dict(new.group_by("method").len().iter_rows())
    session.progress.advance(new.height)
    return {"direct_debits": counts.get("direct_debit", 0), "open_items": counts.get("bank_transfer", 0)}


def _require_known_files(session: Session, name: str) -> None:
    """Raises BadInput where HOME/documents has payment files of the month that the warehouse knows nothing of."""
    folder = session.installation.documents / name
    known = set(_files(session, name))
    strange = [path.name for path in sorted(folder.glob("*")) if _PAYMENT_FILE.fullmatch(path.name)]
    if unknown := [file for file in strange if file not in known]:
        raise BadInput(
            f"{folder / unknown[0]} is a payment file that the warehouse does not know: it is an old copy, and would "
            "debit again what that file may have debited. Restore a younger warehouse, or move the file away if no bank "
            "has it"
        )


def _accounts_and_payments(session: Session) -> pl.DataFrame:
    """Accounts as accounts.csv has them now; the books with the payments that payments.csv has now.

    A payment that came since the last run must not be debited as well. Prices and drafts stay as that run left them.
    """
    folder = session.installation.reference
    facts = session.warehouse.value("SELECT facts FROM manifest WHERE stage = 'reference_and_prices'")
    loaded = json.loads(facts) if facts else {}
    if all(_sha256(folder / f"{table}.csv") == loaded.get(table) for table in ("accounts", "payments")):
        return session.table("accounts")
    found = read_reference(session.installation, read_price_tables(session.installation)).frames
    with session.warehouse.transaction():
        session.warehouse.replace("payments", found["payments"])
        keep_books(session)
    return found["accounts"]


def _collections(session: Session, name: str, accounts: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The Collections of the month's open documents that have none yet, written at the moment `now`."""
    zone = session.installation.settings.zone
    items = session.warehouse.frame(
        "SELECT document, account_id, issued_at, due_on, open_amount AS amount, currency FROM open_items "
        "ANTI JOIN collections USING (document) "
        "WHERE billing_month = ? AND kind IN ('bill', 'debit_note') AND open_amount > 0 ORDER BY document",
        [name],
    )
    bills = session.warehouse.month_files.scan("bills", [name], issued=True)
    told = bills.select(pl.col("bill_number").alias("document"), pl.col("payment_method").alias("told")).collect()
    known = accounts.select(
        "account_id", "name", "iban", "mandate_reference", "mandate_signed_on", pl.col("payment_method").alias("now")
    )
    joined = (
        items.with_columns(pl.col("issued_at").dt.convert_time_zone(zone.key).dt.date().alias("issued_on"))
        .join(told, on="document", how="left")
        .join(known, on="account_id", how="left")
        .join(_refusals(session, items, accounts, zone.key), on=["account_id", "issued_on"], how="left")
        .with_columns(pl.coalesce("told", "now", pl.lit("bank_transfer")).alias("payment_method"))
        .with_columns(_reason().alias("reason"))
    )
    return _decided(session, name, joined.sort("document"), now)


def _refusals(session: Session, items: pl.DataFrame, accounts: pl.DataFrame, zone: str) -> pl.DataFrame:
    """account_id, issued_on and refusal: why an account cannot be debited for what was issued on that day."""
    seller = session.installation.settings.seller
    owing = accounts.join(items, on="account_id", how="semi")
    days: list[date] = items["issued_at"].dt.convert_time_zone(zone).dt.date().unique().sort().to_list()
    found = [mandates.refusals(owing, seller, day).with_columns(issued_on=pl.lit(day)) for day in days]
    nothing = pl.DataFrame(schema={"account_id": pl.String, "reason": pl.String, "issued_on": pl.Date})
    return pl.concat([nothing, *found]).rename({"reason": "refusal"})


def _reason() -> pl.Expr:
    """Why what is paid by direct debit, by its bill or by its account, is not debited; null where it is, or need not be."""
    debit = "direct_debit"
    return pl.coalesce(
        pl.when((pl.col("payment_method") == debit) & pl.col("now").is_null()).then(
            pl.lit("its account is no longer in accounts.csv")
        ),
        pl.when((pl.col("payment_method") == debit) & (pl.col("now") != debit)).then(
            pl.format("its account pays by {} now", "now")
        ),
        pl.when((pl.col("payment_method") != debit) & (pl.col("now") == debit)).then(
            pl.format("its bill says that it is paid by {}", "payment_method")
        ),
        pl.when(pl.col("payment_method") == debit).then("refusal"),
        pl.when((pl.col("payment_method") == debit) & ~is_reference("document")).then(
            pl.lit("its number has more characters, or others, than banks take as the id of a debit")
        ),
        pl.when((pl.col("payment_method") == debit) & (pl.col("amount") > mandates.AMOUNT_MAX)).then(
            pl.lit(f"a direct debit is of {mandates.AMOUNT_MAX} EUR at most")
        ),
    )


def _decided(session: Session, name: str, items: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """`items` as Collections, each with its method, day and file."""
    settings = session.installation.settings
    today = now.astimezone(settings.zone).date()
    days = {
        due: mandates.collection_day(due, today, settings.direct_debit.lead_days)
        for due in items["due_on"].unique().sort()
    }
    debited = (pl.col("payment_method") == "direct_debit") & pl.col("reason").is_null()
    of_debits = ("iban", "mandate_reference", "mandate_signed_on")
    iban = pl.col("iban").str.replace_all(r"\s", "").str.to_uppercase()
    rows = items.with_columns(
        pl.when(debited).then(pl.lit("direct_debit")).otherwise(pl.lit("bank_transfer")).alias("method"),
        pl.when(debited)
        .then(pl.lit(next_file(session, name, "direct_debit")))
        .otherwise(pl.lit(next_file(session, name, "bank_transfer")))
        .alias("file"),
        pl.when(debited)
        .then(pl.col("due_on").replace_strict(days, return_dtype=pl.Date))
        .otherwise("due_on")
        .alias("due_on"),
        pl.coalesce("name", "account_id").alias("name"),
        *(pl.when(debited).then(iban if column == "iban" else pl.col(column)).alias(column) for column in of_debits),
    )
    found = conform(Collections, rows, {"billing_month": name, "written_at": now})
    return assert_contract(Collections, found)


def next_file(session: Session, name: str, method: str) -> str:
    """The name of the month's next payment file of the method: `direct-debits-2026-10-1.xml`."""
    _, beginning, form = KINDS[method]
    query = "SELECT count(DISTINCT file) FROM collections WHERE billing_month = ? AND method = ?"
    return f"{beginning}-{name}-{session.warehouse.value(query, [name, method]) + 1}.{form}"


def _addresses(new: pl.DataFrame, accounts: pl.DataFrame, seller: Seller) -> pl.DataFrame:
    """document, address, postcode, city, country and bic of those debits of `new` (Collections) that must state them."""
    debits = new.filter((pl.col("method") == "direct_debit") & mandates.states_address(seller)).select(
        "document", "account_id"
    )
    known = accounts.select("account_id", "address", "postcode", "city", "country", "bic")
    return debits.join(known, on="account_id", how="left", maintain_order="left").drop("account_id")


def _fix(session: Session, name: str, new: pl.DataFrame, addresses: pl.DataFrame) -> None:
    """Writes how the documents are collected, once and for all."""
    with session.warehouse.transaction():
        session.warehouse.insert("collections", new)
        session.warehouse.insert("debtor_addresses", addresses)
        for file, rows in new.group_by("file", maintain_order=True):
            add_entry(session, "collect", name, f"{rows.height} documents stand in {file[0]}")
        session.warehouse.note("collections", name, {"documents": new.height})


def _files(session: Session, name: str) -> list[str]:
    """The payment files of the month, by the table, in the order in which they were made."""
    rows = session.warehouse.connection.execute(
        "SELECT file FROM collections WHERE billing_month = ? GROUP BY file ORDER BY min(written_at), file", [name]
    ).fetchall()
    return [row[0] for row in rows]


def put_files(session: Session, name: str) -> list[str]:
    """Writes the payment files of the month that are not there. Returns a sentence for each that is, or would be, another
    than it was, or cannot be written; it keeps none of the others from it."""
    problems = []
    for file in _files(session, name):
        try:
            problem = _put_file(session, name, file)
        except Exception as error:  # noqa: BLE001
            # Whatever is wrong with one, the others are written.
            problem = f"{session.installation.documents / name / file} cannot be written: {of_one(error)}"
        if problem:
            problems.append(problem)
    return problems


def _put_file(session: Session, name: str, file: str) -> str | None:
    """Writes the file unless it is there. Returns a sentence where it is, or would be, another than it was."""
    place = session.installation.documents / name / file
    known = session.warehouse.value(
        "SELECT sha256 FROM documents WHERE document = ? AND kind IN ('direct_debits', 'open_items')", [place.stem]
    )
    there = _sha256(place)
    if known and there:
        return None if known == there else f"{place} was changed since it was written: it is no more what was decided"
    kind, content, version = _content(session, file)
    sha256 = hashlib.sha256(content).hexdigest()
    if known and sha256 != known:
        return (
            f"{place} is gone and cannot be written as it was: [seller] or another setting, or callbill itself, changed "
            "since. Take it from a backup"
        )
    if there and sha256 != there:
        return f"{place} is there already with another content: it is left as it is"
    if not there:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.new")
        beside.write_bytes(content)
        if kind == "direct_debits":
            debits.require_same(beside.read_bytes(), _debits(session, file))
        put(beside, place)
    if not known:
        _note_file(session, name, place, kind, content, version)
    return None


def _note_file(session: Session, name: str, place: Path, kind: str, content: bytes, version: str) -> None:
    row = {
        "billing_month": name,
        "document": place.stem,
        "kind": kind,
        "account_id": None,
        "form": place.suffix[1:],
        "path": f"{name}/{place.name}",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "template_version": version,
    }
    with session.warehouse.transaction():
        session.warehouse.connection.execute(
            f"INSERT INTO documents ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values())
        )


def _content(session: Session, file: str) -> tuple[str, bytes, str]:
    """Kind, bytes and version of a payment file, from the table collections and the issued documents alone."""
    settings = session.installation.settings
    if file.endswith(".xml"):
        if problems := mandates.creditor_problems(settings.seller):
            raise BadInput("; ".join(problems))
        written_at = session.warehouse.value("SELECT any_value(written_at) FROM collections WHERE file = ?", [file])
        content = debits.direct_debits(
            Path(file).stem,
            _debits(session, file),
            settings.seller,
            scheme=settings.direct_debit.scheme,
            created_at=written_at.astimezone(settings.zone),
        )
        return "direct_debits", content, debits.VERSION
    items = session.warehouse.frame(
        "SELECT c.document, o.kind, c.account_id, c.name, o.issued_at, c.due_on, o.amount, c.amount AS open_amount, "
        "c.currency, c.payment_method, c.reason FROM collections c JOIN open_items o USING (document) WHERE file = ?",
        [file],
    )
    day = pl.col("issued_at").dt.convert_time_zone(settings.billing.time_zone).dt.date()
    content = open_items.open_items_csv(items.with_columns(day.alias("issued_on")), session.minor_units)
    return "open_items", content, open_items.VERSION


def _debits(session: Session, file: str) -> list[debits.Debit]:
    rows: list[dict[str, Any]] = session.warehouse.frame(
        "SELECT document, account_id, name, iban, mandate_reference, mandate_signed_on, amount, due_on FROM collections "
        "WHERE file = ? ORDER BY document",
        [file],
    ).to_dicts()
    found = session.warehouse.frame(
        "SELECT a.* FROM debtor_addresses a SEMI JOIN (FROM collections WHERE file = ?) USING (document)", [file]
    )
    debtors = {document: debits.Address(*(text or "" for text in parts)) for document, *parts in found.iter_rows()}
    return [debits.Debit(**row, debtor=debtors.get(row["document"])) for row in rows]


def _sha256(path: Path) -> str:
    """Of the file; empty where there is none, as the manifest says it."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
