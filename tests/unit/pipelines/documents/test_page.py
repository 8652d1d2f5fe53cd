"""The texts of a page before they are set: long numbers, and where the records of a document are told."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.documents.model import Document
from pipelines.documents.page import page
from tests.documents import changes, credit_note, debit_note, document, prepaid, receipt, records


@pytest.mark.parametrize(
    ("number", "short"),
    [
        pytest.param("N" * 39, "N" * 39, id="39 characters"),
        pytest.param("N" * 40, "N" * 40, id="40 characters"),
        pytest.param("N" * 41, "N" * 40 + "…", id="41 characters"),
    ],
)
def test_a_number_too_long_for_the_foot_is_cut_there_and_whole_above(number: str, short: str) -> None:
    said = page(document(number=number))
    assert (said["title"], said["foot"][0]) == (f"Bill {short}", f"Bill {short}")
    assert said["number"] == number
    assert said["facts"][0][1] == number


def notes(made: Document) -> list[str]:
    found: list[str] = page(made)["notes"]
    return found


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, []),
        (1, ["The record of this document is itemised in its CSV file."]),
        (2, ["All 2 records of this document are itemised in its CSV file."]),
        (1234, ["All 1,234 records of this document are itemised in its CSV file."]),
    ],
)
@pytest.mark.parametrize("made", [document, prepaid])
def test_a_bill_tells_how_many_records_stand_in_its_csv_file(made: Any, count: int, said: list[str]) -> None:
    assert notes(made(forwarded=False, records=count)) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, []),
        (1, ["The record whose charge changes is itemised in the CSV file of this document."]),
        (2, ["The 2 records whose charge changes are itemised in the CSV file of this document."]),
    ],
)
@pytest.mark.parametrize("made", [credit_note, debit_note])
def test_a_note_tells_so_of_the_records_that_it_changes(made: Any, count: int, said: list[str]) -> None:
    assert notes(made(records=count)) == said


def test_records_that_stand_on_the_pages_are_not_said_to_stand_elsewhere() -> None:
    for count in (1, 2):
        itemised = document(forwarded=False, records=count, annex=records(count))
        assert notes(itemised) == []
        assert len(page(itemised)["annex"]["rows"]) == count
        assert notes(credit_note(records=count, changes=changes(count))) == []


def test_forwarded_calls_are_explained_before_the_records() -> None:
    both = notes(document(forwarded=True, records=1))
    assert len(both) == 2
    assert both[1].startswith("The record of this document")
    assert notes(document(forwarded=True, records=0)) == both[:1]


def test_a_receipt_has_no_notes() -> None:
    assert "notes" not in page(receipt())
