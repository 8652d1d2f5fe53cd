"""Known messages and their segments, from 3GPP TS 23.038 and 23.040."""

from __future__ import annotations

import doctest

import polars as pl
import pytest

from transforms.mediation import segments
from transforms.mediation.segments import count_segments, count_texts, segments_of_length

GSM7_TABLE = """
    @ Δ SP 0 ¡ P ¿ p
    £ _ !  1 A Q a q
    $ Φ "  2 B R b r
    ¥ Γ #  3 C S c s
    è Λ ¤  4 D T d t
    é Ω %  5 E U e u
    ù Π &  6 F V f v
    ì Ψ '  7 G W g w
    ò Σ (  8 H X h x
    Ç Θ )  9 I Y i y
    LF Ξ * : J Z j z
    Ø ESC + ; K Ä k ä
    ø Æ ,  < L Ö l ö
    CR æ - = M Ñ m ñ
    Å ß .  > N Ü n ü
    å É /  ? O § o à
"""
"""The default alphabet as TS 23.038, 6.2.1, prints it: the low four bits down, the high three across."""

NAMED = {"SP": " ", "LF": "\n", "CR": "\r"}
BASIC = {NAMED.get(name, name) for name in GSM7_TABLE.split() if name != "ESC"}
EXTENSION = set("^{}\\[~]|€\f")


def counted(text: str) -> tuple[str, int, int]:
    (row,) = count_texts(pl.Series([text])).rows()
    return row


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", ("gsm7", 0, 1), id="the empty message is one segment"),
        pytest.param("Hello", ("gsm7", 5, 1), id="a short message"),
        pytest.param("a" * 160, ("gsm7", 160, 1), id="160 septets"),
        pytest.param("a" * 161, ("gsm7", 161, 2), id="161 septets"),
        pytest.param("a" * 306, ("gsm7", 306, 2), id="two full segments"),
        pytest.param("a" * 307, ("gsm7", 307, 3), id="one septet more than two segments"),
        pytest.param("a" * 459, ("gsm7", 459, 3), id="three full segments"),
        pytest.param("a" * 460, ("gsm7", 460, 4), id="one septet more than three segments"),
        pytest.param("é" * 160, ("gsm7", 160, 1), id="septets, not bytes"),
        pytest.param("\r\n" * 80, ("gsm7", 160, 1), id="a line end is two septets"),
        pytest.param("\r\n" * 80 + "\n", ("gsm7", 161, 2), id="and counts like any other"),
        pytest.param("€" * 80, ("gsm7", 160, 1), id="80 extension characters"),
        pytest.param("€" * 80 + "a", ("gsm7", 161, 2), id="80 extension characters and one"),
        pytest.param("a" * 159 + "€", ("gsm7", 161, 2), id="the second septet is the 161st"),
        pytest.param("\f" * 80, ("gsm7", 160, 1), id="form feed is of the extension table"),
        pytest.param("\f" * 81, ("gsm7", 162, 2), id="two septets each: 76, then 5"),
        pytest.param("€" * 76, ("gsm7", 152, 1), id="76 extension characters"),
        pytest.param("a" * 151 + "€" + "b" * 153, ("gsm7", 306, 2), id="pair at 152 and 153: fits"),
        pytest.param("a" * 152 + "€" + "b" * 151, ("gsm7", 305, 2), id="pair at 153 and 154: moves"),
        pytest.param("a" * 152 + "€" + "b" * 152, ("gsm7", 306, 3), id="pair at 153 and 154: one spills"),
        pytest.param("a" * 153 + "€" + "b" * 151, ("gsm7", 306, 2), id="pair at 154 and 155: fits"),
        pytest.param("€" * 152, ("gsm7", 304, 2), id="pairs only, 76 a segment: two segments"),
        pytest.param("€" * 153, ("gsm7", 306, 3), id="pairs only, 76 a segment: three segments"),
        pytest.param("€" * 760, ("gsm7", 1520, 10), id="pairs only, ten segments"),
        pytest.param("€" * 761, ("gsm7", 1522, 11), id="pairs only, eleven segments"),
        pytest.param("a€" * 102, ("gsm7", 306, 2), id="a pair ends on the border"),
        pytest.param("b" + "a€" * 101 + "bb", ("gsm7", 306, 3), id="shifted by one: it crosses"),
        pytest.param("bb" + "a€" * 101 + "b", ("gsm7", 306, 2), id="shifted by two: it begins the next"),
        pytest.param("ê", ("ucs2", 1, 1), id="one character outside the alphabet"),
        pytest.param("ç", ("ucs2", 1, 1), id="only the capital cedilla is in the alphabet"),
        pytest.param("a" * 69 + "ê", ("ucs2", 70, 1), id="70 units"),
        pytest.param("a" * 70 + "ê", ("ucs2", 71, 2), id="71 units"),
        pytest.param("ê" * 134, ("ucs2", 134, 2), id="two full UCS-2 segments"),
        pytest.param("ê" * 135, ("ucs2", 135, 3), id="one unit more"),
        pytest.param("€" * 69 + "ê", ("ucs2", 70, 1), id="extension characters are one unit in UCS-2"),
        pytest.param("^" * 134 + "ê", ("ucs2", 135, 3), id="and never a pair there"),
        pytest.param("😀", ("ucs2", 2, 1), id="an emoji is two units"),
        pytest.param("😀" * 35, ("ucs2", 70, 1), id="35 emoji"),
        pytest.param("😀" * 35 + "a", ("ucs2", 71, 2), id="35 emoji and one"),
        pytest.param("a" * 65 + "😀" + "b" * 67, ("ucs2", 134, 2), id="emoji at 66 and 67: fits"),
        pytest.param("a" * 66 + "😀" + "b" * 65, ("ucs2", 133, 2), id="emoji at 67 and 68: moves"),
        pytest.param("a" * 66 + "😀" + "b" * 66, ("ucs2", 134, 3), id="emoji at 67 and 68: one spills"),
        pytest.param("a" * 67 + "😀" + "b" * 65, ("ucs2", 134, 2), id="emoji at 68 and 69: fits"),
        pytest.param("😀" * 66, ("ucs2", 132, 2), id="emoji only, 33 a segment: two segments"),
        pytest.param("😀" * 67, ("ucs2", 134, 3), id="emoji only, 33 a segment: three segments"),
        pytest.param("👩‍👩‍👧‍👦", ("ucs2", 11, 1), id="a family is four emoji and three joiners"),
        pytest.param("é" * 70 + "e\u0301", ("ucs2", 72, 2), id="a combining accent is outside the alphabet"),
        pytest.param("a\x00b", ("ucs2", 3, 1), id="NUL is outside the alphabet"),
        pytest.param("\x1b", ("ucs2", 1, 1), id="so is the escape itself"),
        pytest.param("`", ("ucs2", 1, 1), id="so is the grave accent"),
        pytest.param("\t", ("ucs2", 1, 1), id="so is the tabulator"),
        pytest.param("a\u00a0b", ("ucs2", 3, 1), id="so is the no-break space"),
        pytest.param("\ufeffa", ("ucs2", 2, 1), id="so is a byte order mark"),
        pytest.param("\U00010000" * 34 + "x" * 66, ("ucs2", 134, 3), id="the first character beyond U+FFFF"),
        pytest.param("\U0010ffff" * 67, ("ucs2", 134, 3), id="the last one"),
        pytest.param("\uffff" * 134, ("ucs2", 134, 2), id="the last one of one unit"),
    ],
)
def test_count_texts_known_message(text: str, expected: tuple[str, int, int]) -> None:
    assert counted(text) == expected


def test_count_texts_every_character_of_unicode() -> None:
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    result = count_texts(pl.Series(characters)).with_columns(character=pl.Series(characters))
    gsm7 = result.filter(pl.col("encoding") == "gsm7")
    assert len(BASIC) == 127
    assert set(gsm7.filter(pl.col("text_length") == 1)["character"]) == BASIC
    assert set(gsm7.filter(pl.col("text_length") == 2)["character"]) == EXTENSION
    ucs2 = result.filter(pl.col("encoding") == "ucs2")
    assert gsm7.height + ucs2.height == len(characters)
    long = ucs2.filter(pl.col("text_length") == 2)["character"]
    assert long.to_list() == characters[0x10000 - 0x800 :]
    assert result["segments"].unique().to_list() == [1]


def test_count_texts_whole_alphabet_in_one_message() -> None:
    assert counted("".join(sorted(BASIC))) == ("gsm7", 127, 1)
    assert counted("".join(sorted(BASIC | EXTENSION))) == ("gsm7", 147, 1)


def test_count_texts_null_stays_null() -> None:
    result = count_texts(pl.Series(["a", None, "😀", None]))
    assert result.rows() == [("gsm7", 1, 1), (None, None, None), ("ucs2", 2, 1), (None, None, None)]


def test_count_texts_schema_without_rows_and_with_nulls_only() -> None:
    schema = {"encoding": pl.String, "text_length": pl.Int32, "segments": pl.Int32}
    assert count_texts(pl.Series([], dtype=pl.String)).schema == schema
    nulls = count_texts(pl.Series([None], dtype=pl.String))
    assert nulls.schema == schema
    assert nulls.rows() == [(None, None, None)]


def test_count_texts_keeps_the_order_of_a_large_batch() -> None:
    lengths = [(row * 7919) % 331 for row in range(300_000)]
    result = count_texts(pl.Series(["ê" * length if length % 2 else "a" * length for length in lengths]))
    assert result["text_length"].to_list() == lengths


def test_count_texts_very_long_message() -> None:
    assert counted("a" * 152 + "€" * 1_000_000) == ("gsm7", 2_000_152, 1 + 13_158)


def test_count_texts_refuses_another_type() -> None:
    with pytest.raises(pl.exceptions.PolarsError):
        count_texts(pl.Series([1, 2]))


@pytest.mark.parametrize(
    ("encoding", "length", "expected"),
    [
        ("gsm7", 0, 1),
        ("gsm7", 160, 1),
        ("gsm7", 161, 2),
        ("gsm7", 306, 2),
        ("gsm7", 307, 3),
        ("gsm7", 459, 3),
        ("gsm7", 460, 4),
        ("ucs2", 0, 1),
        ("ucs2", 70, 1),
        ("ucs2", 71, 2),
        ("ucs2", 134, 2),
        ("ucs2", 135, 3),
        ("ucs2", 201, 3),
        ("ucs2", 202, 4),
        ("gsm7", 2**31 - 1, 14_035_841),
        ("gsm7", 2**63 - 1, None),
        ("gsm7", -1, None),
        ("ucs2", -(2**63), None),
        ("gsm7", None, None),
        (None, 10, None),
        ("GSM7", 10, None),
        ("binary", 10, None),
    ],
)
def test_segments_of_length(encoding: str | None, length: int | None, expected: int | None) -> None:
    frame = pl.DataFrame(
        {"encoding": [encoding], "length": [length]}, schema={"encoding": pl.String, "length": pl.Int64}
    )
    result = frame.select(segments_of_length(pl.col("encoding"), pl.col("length")))
    assert result.schema == {"segments": pl.Int32}
    assert result.rows() == [(expected,)]


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.UInt32, pl.Int32, pl.Int64])
def test_segments_of_length_any_integer_and_an_enum(dtype: type[pl.DataType]) -> None:
    frame = pl.DataFrame(
        {"encoding": ["gsm7", "ucs2", "ucs2"], "length": [0, 0, 135]},
        schema={"encoding": pl.Enum(["gsm7", "ucs2"]), "length": dtype},
    )
    result = frame.select(segments_of_length(pl.col("encoding"), pl.col("length")))
    assert result.to_series().to_list() == [1, 1, 3]


@pytest.mark.parametrize(
    ("stated", "encoding", "length", "text", "expected"),
    [
        pytest.param(4, "gsm7", 161, "a" * 400, (4, 400), id="the stated number stands"),
        pytest.param(None, "gsm7", 161, "a" * 400, (3, 400), id="else the text is counted"),
        pytest.param(None, "gsm7", 161, "", (1, 0), id="the empty text too"),
        pytest.param(None, "gsm7", 161, None, (2, 161), id="else encoding and length give it"),
        pytest.param(None, None, 161, None, (None, 161), id="a length alone gives nothing"),
        pytest.param(None, "ucs2", None, None, (None, None), id="nor does an encoding alone"),
        pytest.param(2, None, None, None, (2, None), id="a stated number needs no length"),
    ],
)
def test_count_segments_first_source_known(
    stated: int | None,
    encoding: str | None,
    length: int | None,
    text: str | None,
    expected: tuple[int | None, int | None],
) -> None:
    columns = {"parts": pl.Int32, "encoding": pl.String, "size": pl.Int32, "text": pl.String}
    frame = pl.DataFrame([(stated, encoding, length, text)], schema=columns, orient="row")
    result = count_segments(frame, stated="parts", encoding="encoding", length="size", text="text")
    assert result.select("segments", "text_length").rows() == [expected]
    assert result.schema == columns | {"segments": pl.Int32, "text_length": pl.Int32}


def test_examples_of_the_docstrings() -> None:
    assert doctest.testmod(segments).failed == 0
