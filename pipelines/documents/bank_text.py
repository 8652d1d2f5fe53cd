"""Texts and references as banks take them: the characters that every SEPA bank must support (EPC217-08)."""

from __future__ import annotations

import re

import polars as pl
from text_unidecode import unidecode

REFERENCE_MAX = 35
"""Characters of a mandate reference, an end-to-end id, an id of a message."""

_ALLOWED = r"A-Za-z0-9/\-?:().,'+ "
_FOREIGN = re.compile(f"[^{_ALLOWED}]+")
_REPLACED = str.maketrans({"&": "+", "_": "-", '"': "'", "`": "'", "[": "(", "]": ")", "{": "(", "}": ")", ";": ","})


def sepa_text(text: str, longest: int) -> str:
    """`text` in Latin letters of the SEPA set, at most `longest` of them: `Søn & Ко` becomes `Son + Ko`.

    Empty where no letter or digit is left. No two slashes stand together, and none at an end, which banks refuse.
    """
    # What it does not know becomes "[?]".
    latin = unidecode(text).replace("[?]", " ").translate(_REPLACED)
    plain = re.sub("/{2,}", "/", " ".join(_FOREIGN.sub(" ", latin).split()))
    cut = plain.strip("/ ")[:longest].rstrip("/ ")
    return cut if re.search("[A-Za-z0-9]", cut) else ""


def is_reference(column: str) -> pl.Expr:
    """Whether the text can be a reference as it is: 1 to 35 characters of the SEPA set, no slash or space at an end, no
    two slashes together. False where there is none."""
    text = pl.col(column)
    fits = text.str.contains(rf"\A[{_ALLOWED}]{{1,{REFERENCE_MAX}}}\z")
    ragged = text.str.contains(r"\A[/ ]|[/ ]\z|//")
    return (fits & ~ragged).fill_null(False)
