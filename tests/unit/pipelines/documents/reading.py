"""Reads a PDF back: its text without regard to spaces and line ends, its standards and what is attached."""

from __future__ import annotations

import io
import re
from functools import cache

import pikepdf
import pypdf

from pipelines.documents.model import Document
from pipelines.documents.pdf import Typesetter


@cache
def typesetter() -> Typesetter:
    """One for all tests of a process, as in production."""
    return Typesetter()


def made(document: Document, einvoice: bytes | None = None) -> bytes:
    """The PDF of `document`."""
    return typesetter().pdf(document, einvoice)


def pages(pdf: bytes) -> list[str]:
    """The text of each page, each run of spaces and line ends as one space."""
    read = pypdf.PdfReader(io.BytesIO(pdf))
    return [" ".join(page.extract_text().replace("\u202f", " ").split()) for page in read.pages]


def text(document: Document) -> str:
    """The text of all its pages."""
    return " ".join(pages(made(document)))


def squeezed(said: str) -> str:
    """`said` without spaces, line ends and places to break: what a wrapped line is compared by."""
    return re.sub(r"[\s\u200b]", "", said)


def opened(pdf: bytes) -> pikepdf.Pdf:
    """The PDF's objects."""
    return pikepdf.open(io.BytesIO(pdf))


def figures(pdf: bytes) -> list[str]:
    """The words that stand for its pictures (Alt of the structure's figures)."""
    with opened(pdf) as document:
        return [
            str(item.Alt)
            for item in document.objects
            if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/Figure" and "/Alt" in item
        ]


def roles(pdf: bytes) -> dict[str, int]:
    """How often each role occurs in the structure of the document."""
    found: dict[str, int] = {}
    with opened(pdf) as document:
        for item in document.objects:
            if isinstance(item, pikepdf.Dictionary) and item.get("/S") is not None and "/P" in item:
                found[str(item.S)] = found.get(str(item.S), 0) + 1
    return found
