"""callbill send: the CSV of records goes with the PDF, by the settings of [mail]."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest

from pipelines.errors import BadInput
from pipelines.settings import read_settings
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.mail_server import Mailbox, mail_server
from tests.pipelines.command import call
from tests.pipelines.homes import Home
from tests.pipelines.letterbox import APRIL, MAIL, deliver, mail_home, make_pdfs, outbox
from tests.pipelines.test_issue import issue, run
from tests.pipelines.traffic import CALL
from transforms.tables.base import conform
from transforms.tables.documents import Documents

CSV = b"started_at,charge\n" + b"2026-04-05T10:00:00+0000,0.0166000000\n" * 300
PLAIN = "starttls = false\n"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def home(box: Mailbox, tmp_path: Path) -> Home:
    """April is issued; the bill of A2 alone has records."""
    home = mail_home(tmp_path, box.port)
    home.usage("a.csv", [CALL])
    run(home, APRIL)
    issue(home, APRIL)
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse)
        make_pdfs(session)
        frame = warehouse.frame("SELECT * FROM documents WHERE account_id = 'A2'")
        path = f"{APRIL}/{frame['document'][0]}.csv"
        (session.installation.documents / path).write_bytes(CSV)
        told = {"form": "csv", "path": path, "bytes": len(CSV), "sha256": hashlib.sha256(CSV).hexdigest()}
        added = frame.with_columns(pl.lit(value).alias(name) for name, value in told.items())
        with warehouse.transaction():
            warehouse.insert("documents", conform(Documents, added))
    return home


def attached(box: Mailbox) -> dict[str, list[str]]:
    """Names of what is attached, by recipient."""
    return {
        str(message["To"]): [part.get_filename() or "" for part in message.iter_attachments()]
        for message in box.messages
    }


def csv_of(home: Home) -> Path:
    return next((home.path / "documents" / APRIL).glob("*.csv"))


def test_the_csv_goes_with_the_bill_that_has_one(home: Home, box: Mailbox) -> None:
    said = call("send", *home.arguments)
    assert (said.status, said.err) == (0, "")
    number = csv_of(home).stem
    found = attached(box)
    assert found.pop("a2@example.com") == [f"{number}.pdf", f"{number}.csv"]
    assert all(len(names) == 1 for names in found.values())
    (mine,) = (message for message in box.messages if message["To"] == "a2@example.com")
    assert [*mine.iter_attachments()][1].get_payload(decode=True) == CSV
    assert f"itemised in the file {number}.csv, which is attached too." in mine.get_body().get_content()


def test_above_a_size_it_is_zipped_and_the_same_bytes_on_every_attempt(home: Home, box: Mailbox) -> None:
    home.settings(MAIL.format(port=box.port) + PLAIN + "zip_above_kb = 1\n")
    deliver(home)
    first = sorted(box.taken)
    (mine,) = (message for message in box.messages if message["To"] == "a2@example.com")
    numbers = [row["document"] for row in outbox(home)]
    assert call("resend", *numbers, "--again", "--reason", "lost", "--by", "Ann", *home.arguments).status == 0
    os.utime(csv_of(home), (0, 0))
    deliver(home)
    assert sorted(box.taken[len(first) :]) == first
    with ZipFile(BytesIO([*mine.iter_attachments()][1].get_content())) as archive:
        assert archive.read(csv_of(home).name) == CSV


def test_what_is_too_large_is_left_out_and_told(home: Home, box: Mailbox) -> None:
    home.settings(MAIL.format(port=box.port) + PLAIN + "attach_mb = 0\n")
    said = call("send", *home.arguments)
    assert said.status == 0
    assert "1 CSV file is larger than [mail] attach_mb and was not attached" in said.err
    assert attached(box)["a2@example.com"] == [f"{csv_of(home).stem}.pdf"]
    (mine,) = (message for message in box.messages if message["To"] == "a2@example.com")
    assert "too large for this e-mail. Write to seller@example.com and" in mine.get_body().get_content()


def test_a_csv_that_is_gone_is_waited_for_and_a_changed_one_is_not_sent(home: Home, box: Mailbox) -> None:
    content = csv_of(home).read_bytes()
    path = csv_of(home)
    path.unlink()
    assert deliver(home).waiting == 1
    path.write_bytes(content + b"x")
    deliver(home)
    assert "a2@example.com" not in attached(box)
    (failed,) = (row for row in outbox(home) if row["state"] == "failed")
    assert failed["said"] == f"{path} was changed after it was made, and is not sent"


@pytest.mark.parametrize("wrong", ["zip_above_kb = -1", "attach_mb = 51"])
def test_settings_that_cannot_be(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "callbill.toml").write_text(f"[mail]\n{wrong}\n")
    with pytest.raises(BadInput, match=r"\[mail\] \w+: -?\d+ is no number from 0 to \d+"):
        read_settings(tmp_path / "callbill.toml")
