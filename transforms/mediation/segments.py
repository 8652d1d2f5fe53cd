"""How many SMS segments a message takes, by its text or by its encoding and length (3GPP TS 23.038, 23.040).

What a segment costs, and whether a message is charged at all, do not belong here.
"""

from __future__ import annotations

import polars as pl

GSM7 = "gsm7"
UCS2 = "ucs2"

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The 127 characters of one septet (TS 23.038, 6.2.1). The escape, code 0x1B, is no character of a text."""

GSM_EXTENSION = "\f^{}\\[~]|€"
"""The 10 characters of two septets: the escape and a code (TS 23.038, 6.2.1.1)."""

GSM7_SINGLE, GSM7_PART = 160, 153
"""Septets in a message of one segment, and in each segment of a longer one (a header takes 7)."""

UCS2_SINGLE, UCS2_PART = 70, 67
"""UTF-16 code units in a message of one segment, and in each segment of a longer one (a header takes 3)."""

# Stands for the first half of a character of two units. Nothing else can be taken for it: it is outside the
# GSM alphabet, and in UCS-2 every character beyond U+FFFF, itself included, is replaced by such a pair.
_HALF = "\U00010000"
_PAIR = _HALF + "x"

_BEYOND_FFFF = r"[\x{10000}-\x{10FFFF}]"


def _none_of(characters: str) -> str:
    """A regular expression for one character that is not among `characters`."""
    return "[^" + "".join(rf"\x{{{ord(character):x}}}" for character in characters) + "]"


def _one_segment(part: int) -> str:
    """A regular expression that eats one segment, as full as can be, of a text with a character a unit.

    It is greedy and may not end on a first half: it takes `part` units, one fewer where that would split a
    pair (the unit before a first half is never one itself), or what is left of the text.
    """
    return rf"(?s).{{0,{part - 1}}}{_none_of(_HALF)}"


def _filled_segments(units: pl.Expr, single: pl.Expr | int, part: pl.Expr | int) -> pl.Expr:
    """The segments of `units` units if each but the last is filled to its last unit; at least 1."""
    return pl.when(units <= single).then(1).otherwise((units - 1) // part + 1)


def _where(condition: pl.Expr, text: pl.Expr) -> pl.Expr:
    """`text` where the condition holds, else the empty text."""
    return pl.when(condition).then(text).otherwise(pl.lit(""))


def segments_of_length(encoding: pl.Expr, length: pl.Expr) -> pl.Expr:
    """The segments of a message of which only encoding and length are known (billing rules, section 3).

    `encoding` is gsm7 or ucs2, `length` a whole number of septets or of UTF-16 code units. Returns Int32: 1
    up to 160 septets or 70 units, else the length divided by 153 or 67 and rounded up. Null where either is
    null, the encoding is another, the length is negative or the result exceeds Int32: no value raises.

    >>> frame = pl.DataFrame({"encoding": ["gsm7", "gsm7", "ucs2"], "length": [160, 161, 135]})
    >>> frame.select(segments_of_length(pl.col("encoding"), pl.col("length"))).to_series().to_list()
    [1, 2, 3]
    """
    known = length >= 0
    return (
        pl.when(known & (encoding == GSM7))
        .then(_filled_segments(length, GSM7_SINGLE, GSM7_PART))
        .when(known & (encoding == UCS2))
        .then(_filled_segments(length, UCS2_SINGLE, UCS2_PART))
        .cast(pl.Int32, strict=False)
        .alias("segments")
    )


def count_texts(texts: pl.Series) -> pl.DataFrame:
    """Encoding, length and segments of each of `texts`, packed exactly (billing rules, section 3).

    `texts` is a String series. Returns a row a text, in the same order: encoding (gsm7 or ucs2), text_length
    (Int32, septets or UTF-16 code units) and segments (Int32, at least 1), all three null for a null text; of
    the texts themselves it holds nothing. Raises Polars' own error for a series of another type.

    >>> count_texts(pl.Series(["", "€" * 80, "€" * 153, "😀"])).rows()
    [('gsm7', 0, 1), ('gsm7', 160, 1), ('gsm7', 306, 3), ('ucs2', 2, 1)]
    """
    text, special, ucs2 = pl.col("text"), pl.col("special"), pl.col("ucs2")
    spread, units = pl.col("spread"), pl.col("units")
    filled, uncertain = pl.col("filled"), pl.col("uncertain")
    part = pl.when(ucs2).then(UCS2_PART).otherwise(GSM7_PART)
    extension = list(GSM_EXTENSION)
    # Each step is a with_columns of its own: Polars computes what nested expressions share many times.
    # Rows that a step does not concern hold an empty text: a null would not keep the search off its bytes.
    return (
        pl.LazyFrame({"text": texts})
        .with_columns(special=text.str.contains(_none_of(GSM_BASIC)))
        .with_columns(ucs2=_where(special, text).str.contains(_none_of(GSM_BASIC + GSM_EXTENSION)))
        # One character a unit, as most texts are from the start.
        .with_columns(
            spread=pl.when(ucs2)
            .then(_where(ucs2, text).str.replace_all(_BEYOND_FFFF, _PAIR))
            .when(special)
            .then(_where(special & ~ucs2, text).str.replace_many(extension, [_PAIR] * len(extension)))
            .otherwise(text)
        )
        .with_columns(units=spread.str.len_chars().cast(pl.Int32))
        .with_columns(
            filled=pl.when(ucs2)
            .then(_filled_segments(units, UCS2_SINGLE, UCS2_PART))
            .otherwise(_filled_segments(units, GSM7_SINGLE, GSM7_PART))
        )
        # Each segment but the last may have to end one unit early. Where the last has room for all of those
        # units the number is certain; the few other texts are packed.
        .with_columns(uncertain=special & (filled > 1) & (units > filled * (part - 1) + 1))
        .select(
            encoding=pl.when(ucs2).then(pl.lit(UCS2)).when(text.is_not_null()).then(pl.lit(GSM7)),
            text_length=units,
            segments=pl.when(uncertain & ucs2)
            .then(_where(uncertain & ucs2, spread).str.count_matches(_one_segment(UCS2_PART)))
            .when(uncertain)
            .then(_where(uncertain & ~ucs2, spread).str.count_matches(_one_segment(GSM7_PART)))
            .otherwise(filled)
            .cast(pl.Int32),
        )
        .collect()
    )


def count_segments(frame: pl.DataFrame, *, stated: str, encoding: str, length: str, text: str) -> pl.DataFrame:
    """`frame` with segments and text_length (Int32), from the first source known (billing rules, section 3).

    The arguments name columns: the number of segments, the encoding and the length as the source states them,
    and the text as it was sent; each may be null. segments is the stated number, else the text's, else that
    of encoding and length, else null. text_length is the text's, else the stated one.

    >>> columns = {"parts": [2, None], "code": [None, "ucs2"], "size": [None, 71], "text": ["Hello", None]}
    >>> counted = count_segments(
    ...     pl.DataFrame(columns), stated="parts", encoding="code", length="size", text="text"
    ... )
    >>> counted.select("segments", "text_length").rows()
    [(2, 5), (2, 71)]
    """
    counted = count_texts(frame[text])
    by_length = segments_of_length(pl.col(encoding), pl.col(length))
    return frame.with_columns(
        segments=pl.coalesce(pl.col(stated), counted["segments"], by_length).cast(pl.Int32),
        text_length=pl.coalesce(counted["text_length"], pl.col(length)).cast(pl.Int32),
    )
