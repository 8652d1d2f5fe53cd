"""The CSV of a document's records in its e-mail: attached, zipped or left out, and what the text says of it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from pipelines.documents.attaching import Limits, Records, read_records
from pipelines.documents.mail import message, text
from pipelines.documents.model import Document, Party, Seller
from pipelines.documents.translations import WORDS
from tests.unit.pipelines.documents.test_mail import BILL, ENVELOPE, NOTE, PDF, RECEIPT

CSV = ("started_at,charge\n" + "2026-10-05T09:12:41+0200,0.0166000000\n" * 200).encode()
ATTACHED, LEFT_OUT = Limits(1_000_000, 1_000_000), Limits(1_000_000, 10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "B.csv"
    path.write_bytes(CSV)
    return path


def sent(document: Document, records: Records | None) -> list[EmailMessage]:
    content = message(document, ENVELOPE, PDF, records).as_bytes()
    assert content == message(document, ENVELOPE, PDF, records).as_bytes()
    assert content.isascii()
    return list(message_from_bytes(content, policy=SMTP).iter_parts())  # type: ignore[attr-defined]


def test_a_small_file_is_attached_as_it_is(path: Path) -> None:
    records, sha256 = read_records(path, "2026-000007", ATTACHED)
    assert (records, sha256) == (Records("2026-000007.csv", len(CSV), CSV), hashlib.sha256(CSV).hexdigest())
    body, pdf, csv = sent(BILL, records)
    assert (pdf.get_filename(), csv.get_filename()) == ("2026-000007.pdf", "2026-000007.csv")
    assert (csv.get_content_type(), csv.get_payload(decode=True)) == ("text/csv", CSV)
    said = "All its records are itemised in the file 2026-000007.csv, which is attached too.\n"
    assert said in body.get_content().replace("\r\n", "\n")


def test_a_larger_one_is_zipped_the_same_every_time(path: Path) -> None:
    records, sha256 = read_records(path, "2026-000007", Limits(1000, 1_000_000))
    assert sha256 == hashlib.sha256(CSV).hexdigest()
    os.utime(path, (0, 0))
    assert read_records(path, "2026-000007", Limits(0, 1_000_000)) == (records, sha256)
    body, _, zipped = sent(BILL, records)
    assert (zipped.get_filename(), zipped.get_content_type()) == ("2026-000007.zip", "application/zip")
    with ZipFile(BytesIO(zipped.get_content())) as archive:
        assert [item.filename for item in archive.infolist()] == ["2026-000007.csv"]
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)
        assert archive.read("2026-000007.csv") == CSV
    assert "in the file 2026-000007.zip, which is attached too: a CSV file, zipped." in body.get_content()


@pytest.mark.parametrize("limits", [LEFT_OUT, Limits(1000, 10), Limits(0, 0)])
def test_one_that_is_too_large_is_not_attached_and_the_text_says_so(path: Path, limits: Limits) -> None:
    records, sha256 = read_records(path, "2026-000007", limits)
    assert (records.content, sha256) == (None, hashlib.sha256(CSV).hexdigest())
    body, _pdf = sent(BILL, records)
    said = body.get_content()
    assert "in a CSV file of 0.1 MB, which is too large for this e-mail. Ask us for it and you will get it." in said
    known = replace(BILL, seller=Seller(Party("Example Telecom", "FR", email="bills@example.com")))
    assert "Write to bills@example.com and you will get it." in text(known, records)


def test_without_records_nothing_is_said_of_them() -> None:
    for document in (RECEIPT, BILL, NOTE):
        assert len(sent(document, None)) == 2
        assert "CSV" not in text(document)


@pytest.mark.parametrize("limits", [ATTACHED, LEFT_OUT, Limits(0, 1_000_000)])
def test_in_both_languages_and_of_notes(path: Path, limits: Limits) -> None:
    records, _ = read_records(path, "N", limits)
    assert "The records whose charge changes are itemised in" in text(NOTE, records)
    assert "Les enregistrements dont le prix change sont détaillés dans" in text(replace(NOTE, language="fr"), records)
    assert "Tous ses enregistrements sont détaillés dans" in text(replace(BILL, language="fr"), records)


def test_no_page_speaks_of_what_comes_with_it() -> None:
    """Whether an e-mail has the file is not known when the page is made."""
    for words in WORDS.values():
        said = " ".join(text for key, text in words.items() if "csv" in key)
        assert "comes with" not in said
        assert "joint" not in said
