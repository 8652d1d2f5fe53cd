"""Homes whose outbox has e-mails to send, with PDFs that stand for the real ones. Knows nothing of what is right."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.stages.load import load_reference_and_prices
from pipelines.stages.outbox import queue
from pipelines.stages.send import Sent
from pipelines.stages.send_due import send_due
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home, make_home
from transforms.tables.base import conform
from transforms.tables.billing import Receipts
from transforms.tables.documents import Documents

APRIL = "2026-04"
CREDITED = datetime(2026, 4, 3, 12, tzinfo=UTC)
LATER = datetime(2030, 1, 1, tzinfo=UTC)
"""After every e-mail of the tests was made."""

ACCOUNTS = (
    "account_id,name,email,country,vat_number,billing_mode,payment_method,currency,price_list,opened_on,closed_on"
)
MAIL = """[billing]
first_month = "2026-04"
[seller]
name = "Téléphonie, Exemple"
vat_number = "FR44732829320"
email = "seller@example.com"
[mail]
host = "127.0.0.1"
port = {port}
from = "billing@example.com"
"""


def mail_home(folder: Path, port: int, more: str = "starttls = false\n") -> Home:
    """A home that sends e-mails to the server at `port`."""
    home = make_home(folder)
    home.settings(MAIL.format(port=port) + more)
    home.edit("accounts", ",opened_on,closed_on", ",opened_on,closed_on,language")
    for account, language in (("A1", "en"), ("A2", ""), ("A3", ""), ("A4", "fr")):
        home.edit("accounts", *_with_language(home, account, language))
    home.edit("accounts", "2026-01-01,2026-08-15", "2026-01-01,2026-08-15,fr")
    return home


def _with_language(home: Home, account: str, language: str) -> tuple[str, str]:
    lines = (home.path / "reference" / "accounts.csv").read_text("utf-8").splitlines()
    line = next(line for line in lines if line.startswith(f"{account},"))
    return line, f"{line},{language}"


def receipts(numbers: range, accounts: tuple[str, ...] = ("A1", "A5")) -> pl.DataFrame:
    """Receipts of those numbers, over 10, 11, 12 ... EUR and 20 % VAT."""
    rows = [
        {
            "receipt_number": f"R-2026-{number:06}",
            "credit_id": f"C{number}",
            "account_id": accounts[number % len(accounts)],
            "credited_at": CREDITED,
            "credited_amount": Decimal(10 + number),
            "vat_rate": Decimal("0.2"),
            "vat_rule": "domestic",
            "vat_amount": Decimal(10 + number) / 5,
            "total_paid": Decimal(10 + number) * 6 / 5,
            "balance_after": Decimal(1234 + number),
            "currency": "EUR",
        }
        for number in numbers
    ]
    return conform(Receipts, pl.DataFrame(rows, infer_schema_length=None))


def receive(session: Session, frame: pl.DataFrame, *, documents: bool = True) -> None:
    """Makes those receipts, with their e-mails, and their PDFs."""
    load_reference_and_prices(session, APRIL)
    with session.warehouse.transaction():
        session.warehouse.insert("receipts", frame)
        queue(session, "receipt", frame)
    if documents:
        make_pdfs(session)


def make_pdfs(session: Session) -> None:
    """A file that stands for the PDF of each document of the outbox that has none."""
    missing = session.warehouse.frame(
        "SELECT document, kind, account_id, billing_month FROM outbox ANTI JOIN documents USING (document)"
    )
    rows = []
    for row in missing.iter_rows(named=True):
        path = f"{row['billing_month']}/{row['document']}.pdf"
        content = pdf_of(row["document"])
        place = session.installation.documents / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        rows.append(row | {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    if rows:
        frame = conform(Documents, pl.DataFrame(rows), {"form": "pdf", "template_version": "test"})
        with session.warehouse.transaction():
            session.warehouse.insert("documents", frame)


def pdf_of(document: str) -> bytes:
    """What stands for the PDF of a document."""
    return f"%PDF-1.7\r\n.\r\n..{document}\n.\n".encode() * 40


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: datetime = LATER):
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


def deliver(home: Home, clock: Clock | None = None, **options: Any) -> Sent:
    """One run of callbill send."""
    with Warehouse.open(home.installation) as warehouse:
        return send_due(Session(home.installation, warehouse), now=clock or Clock(), **({"timeout": 5.0} | options))


def outbox(home: Home) -> list[dict[str, Any]]:
    """The rows of the outbox, by document."""
    with Warehouse.open(home.installation) as warehouse:
        return warehouse.frame("SELECT * FROM outbox ORDER BY document").to_dicts()
