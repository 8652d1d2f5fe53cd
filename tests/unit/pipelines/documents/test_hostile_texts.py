"""Texts that try to be code, to break the archive format, to run off the page or to hide figures."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from decimal import Decimal

import pypdf
import pytest
from fontTools.ttLib import TTFont

from pipelines.documents.model import Document, Entry, Statement
from pipelines.documents.pdf import FONTS
from tests import documents
from tests.unit.pipelines.documents.reading import made, opened, pages, squeezed, typesetter

LITERAL = [
    '#import "x.typ"',
    "#panic()",
    "#panic(",
    '#read("/etc/passwd")',
    '#eval("1+1")',
    "#set page(fill: black)",
    "#{",
    "]",
    "#[",
    "$x$",
    "$ sum_(i=1)^n",
    "*bold*",
    "_emph_",
    "`raw`",
    "```typ #panic() ```",
    "= Heading",
    "- list",
    "+ list",
    "/ term: x",
    "<label>",
    "@label",
    "// comment",
    "/* comment",
    "https://example.com/a?b=c&d",
    "\\",
    "\\u{41}",
    "\\n",
    "a\\#b",
    '"',
    "'",
    '"quoted"',
    "--- -- ...",
    "-> => <= != (c)",
    "1x2 3x4",
    "~",
    "{{ 7*7 }}",
    "{0}",
    "{number}",
    "%s %d %n",
    "${HOME}",
    "$(id)",
    "`id`",
    "<script>alert(1)</script>",
    "<b>&amp;&lt;",
    "]]>",
    "<!--",
    "'; DROP TABLE bills; --",
    "=1+1",
    "=cmd|' /C calc'!A0",
    "@SUM(A1)",
    "+33123456789",
    "-1",
    "null",
    "None",
    "true",
    "",
    " ",
    "../../etc/passwd",
    "é",
    "Ελληνικά",
    "Кириллица",
    "Łódź Ångström İstanbul",
    "Việt Nam",
    "ﬁ ﬂ",
    "ÀÉÎÕÜ",
    "€£¥",
    "a" * 500,
    "W" * 120,
    "word " * 300,
    "0" * 80,
    "%PDF-1.7 endstream endobj",
    "(unbalanced",
]
"""Shown as they are."""
CHANGED = {
    "a\r\nb": "a b",
    "a\nb": "a b",
    "a\tb\vc\fd": "a b c d",
    "a\u2028b\u2029c": "a b c",
    "a\0b": "ab",
    "a\x1bb\x7fc": "abc",
    "\u202eabc\u202c": "abc",
    "\u2066a\u2067b\u2069": "ab",
    "a\u200eb\u200fc\u061cd": "abcd",
    "a\u00adb\u200bc\ufeffd": "abcd",
    "a\ud800b": "a\ufffdb",
    "\udfff": "\ufffd",
    "a\ufffeb\uffff": "a\ufffdb\ufffd",
    "\U0010ffff": "\ufffd",
    "\ue000\uf8ff": "\ufffd\ufffd",
    "\U000f0000": "\ufffd",
    "a😀b": "a\ufffdb",
    "👨\u200d👩": "\ufffd\ufffd",
    "日本": "\ufffd\ufffd",
    "e\u0301": "é",
    "\u0301a": "\ufffda",
    "\u3000a": " a",
    "x\U000e0041y": "xy",
    "q\U0001d173r": "qr",
}
"""Shown without what means nothing on paper, and with a sign for what no font has."""
DRAWN = [
    "שלום",
    "مرحبا",
    "می\u200cخواهم",
    "สวัสดี",
    "नमस्ते",
    "বাংলা",
    "தமிழ்",
    "Հայերեն",
    "ქართული",
    "\u0644\u0627 12 שלום",
    "Z" + "\u0335" * 40,
]
"""Scripts whose glyphs stand in another order or number than their letters: that they are drawn is what counts."""


def everywhere(said: str) -> Document:
    """A bill with `said` in every text that comes from people."""
    party = replace(
        documents.FRENCH_BUSINESS,
        name=said,
        address=said,
        postcode=said,
        city=said,
        vat_number=said,
        registration=said,
        country=said,
    )
    document = documents.document(
        number=said,
        account_id=said,
        buyer=party,
        seller=documents.seller(
            party=party, legal=dict.fromkeys(documents.LEGAL["en"], said), bic=said, creditor_id=said
        ),
        corrects=said,
        reason=said,
        payment_reference=said,
        statement=Statement(
            Decimal(0),
            (Entry(documents.DUE_ON, "payment", said, Decimal(1), Decimal(1)),),
            Decimal(1),
        ),
        annex=tuple(
            replace(record, own_number=said, other_number=said, destination=said, country=said)
            for record in documents.records(2)
        ),
        payment=replace(documents.DEBIT, mandate_reference=said, debtor_iban=said),
    )
    lines = tuple(
        replace(line, destination=said, country=said, telephone=said, usage_month=said) for line in document.lines
    )
    return replace(document, lines=lines)


def shown_of(said: str) -> str:
    """The reason on a credit note of which it is `said`, as it is read back."""
    text = " ".join(pages(made(documents.credit_note(reason=said))))
    return squeezed(text.partition(" Reason ")[2].partition(" Credited ")[0])


@pytest.mark.parametrize("said", LITERAL, ids=range(len(LITERAL)))
def test_it_is_shown_as_it_is(said: str) -> None:
    normal = unicodedata.normalize("NFC", said)
    if said.strip():
        assert shown_of(said) == squeezed(normal)
    whole = squeezed(" ".join(pages(made(everywhere(said)))))
    assert whole.count(squeezed(normal)) >= 20
    assert "106.51" in whole


@pytest.mark.parametrize(("said", "shown"), CHANGED.items(), ids=range(len(CHANGED)))
def test_it_is_shown_as_far_as_it_can_be(said: str, shown: str) -> None:
    assert shown_of(said) == squeezed(shown)
    assert squeezed(" ".join(pages(made(everywhere(said))))).count(squeezed(shown)) >= 20


@pytest.mark.parametrize("said", DRAWN)
def test_it_is_drawn(said: str) -> None:
    with opened(made(everywhere(said))) as read:
        assert not read.check_pdf_syntax()
    assert "\ufffd" not in typesetter().characters.shown(said)


def test_five_thousand_characters_take_pages_and_hide_no_figure() -> None:
    said = "x" * 5000
    assert len(made(everywhere(said))) > 1_000_000
    named = replace(documents.FRENCH_BUSINESS, name=said)
    lines = (replace(documents.LINES[0], destination=said), *documents.LINES[1:])
    read = squeezed(" ".join(pages(made(documents.document(buyer=named, reason=said, lines=lines)))))
    assert read.count("x") >= 3 * 5000
    for line in documents.LINES:
        assert str(line.amount) in read


def test_a_long_word_stays_within_the_page() -> None:
    """No glyph begins to the right of the text area, 170 mm wide from 20 mm on."""
    right: list[float] = []
    document = everywhere("W" * 300)
    for page in pypdf.PdfReader(io.BytesIO(made(document))).pages:
        page.extract_text(
            visitor_text=lambda text, _cm, tm, _font, _size: right.append(tm[4]) if text.strip() else None
        )
    assert right
    assert max(right) <= 190 / 25.4 * 72


def test_every_character_of_the_fonts_can_be_set() -> None:
    known: set[str] = set()
    for path in sorted(FONTS.glob("*.?tf")):
        with TTFont(path, lazy=True) as font:
            known |= set(map(chr, font.getBestCmap()))
    assert len(known) > 5000
    told = sorted(known)
    for at in range(0, len(told), 1500):
        some = told[at : at + 1500]
        made(documents.credit_note(reason=" ".join(some)))
        made(documents.credit_note(reason="".join(some)))
