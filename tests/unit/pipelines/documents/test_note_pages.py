"""The page of a note: what it changes, record by record, down to its total."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pipelines.documents.page import page
from pipelines.documents.translations import WORDS
from tests import documents
from tests.unit.pipelines.documents.reading import made, pages, squeezed, text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_change_stands_on_it_and_they_add_up(language: str) -> None:
    note = documents.itemised_note(30, language=language)
    annex = page(note)["annex"]
    assert len(annex["rows"]) == 30 + 2
    assert {len(row) for row in annex["rows"]} == {len(annex["head"])} == {8}
    plain = [row[-1].replace("−", "-").replace(",", ".") for row in annex["rows"]]
    assert sum(map(Decimal, plain)) == note.net_amount
    assert annex["foot"][1].replace("−", "-").replace(",", ".") == str(note.net_amount)
    said = squeezed(text(note))
    assert squeezed(WORDS[language]["changes"]) in said
    assert squeezed(WORDS[language]["rounding"]) in said
    assert said.count("+3361234") == 30


@pytest.mark.parametrize("digits", [0, 4, 9])
def test_nothing_is_wider_than_the_page(digits: int) -> None:
    """Long figures leave telephone numbers less room, and none runs off the page."""
    one = documents.changes(1)[0]
    wide = Decimal("9" * digits + "1.1234567891")
    note = documents.itemised_note(1)
    note = replace(note, changes=(replace(one, before=wide, now=-wide, difference=-2 * wide),))
    columns = page(note)["annex"]["columns"]
    free = columns.count(0)
    assert sum(columns) + 150 * (len(columns) - 1) + 200 * free <= 7080


def test_a_note_with_more_changes_than_room_names_its_csv() -> None:
    many = documents.credit_note(records=1234)
    assert "The 1,234 records whose charge changes are itemised in the CSV file of this document." in text(many)
    one = documents.credit_note(records=1, language="fr")
    assert "L’enregistrement dont le prix change est détaillé dans le fichier CSV de ce document." in text(one)
    assert "CSV" not in text(documents.credit_note())


def test_the_table_breaks_over_pages_with_its_head() -> None:
    found = pages(made(documents.itemised_note(150)))
    assert len(found) > 2
    assert all("Difference (EUR)" in squeezed_page for squeezed_page in found[1:])
