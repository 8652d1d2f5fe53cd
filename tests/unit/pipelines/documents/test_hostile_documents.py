"""Three hundred hostile strings where customers write freely: no form of a document breaks, and all say the same."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pikepdf
import polars as pl
import pytest

from pipelines.documents.einvoice.reading import expected, read_back
from pipelines.documents.gather import Gathered
from pipelines.documents.mail import Envelope, message
from pipelines.documents.model import Document
from pipelines.documents.rendering import forms
from tests.documents import examples
from tests.hostile import hostile_strings
from transforms.billing.spreadsheet import safe_text

STRINGS = hostile_strings()
AT_ONCE = 6
ENVELOPE = Envelope(
    "billing@example.com", "customer@example.com", "<1.2@example.com>", datetime(2026, 11, 2, tzinfo=UTC)
)


def hostile(document: Document, texts: list[str]) -> Document:
    """The document of a customer who wrote `texts` wherever it could."""
    name, address, city, postcode, account, reference = texts
    buyer = replace(document.buyer, name=name, address=address, city=city, postcode=postcode)
    payment = replace(document.payment, mandate_reference=reference) if document.payment.mandate_reference else None
    return replace(document, buyer=buyer, account_id=account, payment=payment or document.payment)


@pytest.mark.parametrize("start", range(0, len(STRINGS), AT_ONCE))
def test_every_form_holds(start: int) -> None:
    texts = (STRINGS + STRINGS)[start : start + AT_ONCE]
    names = ("debit", "american", "receipt")
    document = hostile(examples()[names[start // AT_ONCE % len(names)]], texts)
    made = forms(Gathered(document.number, document.kind, document.account_id, document))
    with pikepdf.open(io.BytesIO(made["pdf"])) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert "/JavaScript" not in pdf.Root.get("/Names", {})
        assert "/OpenAction" not in pdf.Root
        inside = pdf.attachments["factur-x.xml"].get_file().read_bytes()
    assert read_back(inside) == read_back(made["ubl"]) == expected(document)
    mail = message(document, ENVELOPE, made["pdf"])
    assert (mail["To"], len(mail.get_all("To")), mail.get_all("Bcc")) == ("customer@example.com", 1, None)


def test_none_begins_a_formula_in_a_spreadsheet() -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in STRINGS]
    written = pl.DataFrame({"name": texts}).select(safe_text("name")).write_csv()
    cells = [row[0] if row else "" for row in csv.reader(io.StringIO(written, newline=""))][1:]
    assert len(cells) == len(texts)
    assert [cell for cell in cells if cell.lstrip()[:1] in ("=", "@") and cell[:1] != "'"] == []
    assert [cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and not cell[1:].isdigit()] == []
