"""Segments of drawn texts are those of a reading of the standard character by character."""

from __future__ import annotations

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.mediation.segments import count_texts, segments_of_length

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "^{}\\[~]|€\f"
OUTSIDE = "êç`\t\x00\x1b\u00a0\u200d’中\ud7ff\ue000\uffff"
ASTRAL = "😀🎉\U00010000\U0010ffff"

WIDTHS = {"gsm7": (BASIC, EXTENSION), "ucs2": (BASIC + EXTENSION + OUTSIDE, ASTRAL)}
SINGLE = {"gsm7": 160, "ucs2": 70}
PART = {"gsm7": 153, "ucs2": 67}


def reference(text: str) -> tuple[str, int, int]:
    """Encoding, length and segments, by filling segment after segment."""
    if all(character in BASIC or character in EXTENSION for character in text):
        encoding, sizes = "gsm7", [1 + (character in EXTENSION) for character in text]
    else:
        encoding, sizes = "ucs2", [len(character.encode("utf-16-le")) // 2 for character in text]
    length = sum(sizes)
    if length <= SINGLE[encoding]:
        return encoding, length, 1
    segments, room = 1, PART[encoding]
    for size in sizes:
        if size > room:
            segments, room = segments + 1, PART[encoding]
        room -= size
    return encoding, length, segments


@st.composite
def border_texts(draw: st.DrawFn) -> str:
    """A text of runs of narrow and wide characters that end at or beside borders, filled up to a last one.

    So the count mostly hangs on whether a wide character lies across a border.
    """
    encoding = draw(st.sampled_from(["gsm7", "ucs2"]))
    narrow, wide = WIDTHS[encoding]
    part = PART[encoding]
    text = "" if encoding == "gsm7" else "ê"
    for border in range(1, draw(st.integers(1, 5)) + 1):
        run = border * part - reference(text)[1] + draw(st.integers(-4, 1))
        if draw(st.booleans()):
            text += draw(st.sampled_from(narrow)) * run
        else:
            text += draw(st.sampled_from(wide)) * (run // 2)
        text += draw(st.text(st.sampled_from(narrow[-2:] + wide), max_size=4))
    left = -reference(text)[1] % part if draw(st.booleans()) else SINGLE[encoding] - reference(text)[1]
    return text + "a" * (left + draw(st.integers(-2, 1)))


texts = st.one_of(
    border_texts(),
    border_texts(),
    st.text(st.sampled_from(BASIC + EXTENSION * 3), max_size=400),
    st.text(st.sampled_from(BASIC + OUTSIDE + ASTRAL * 4), max_size=200),
    st.text(max_size=100),
)


@settings(deadline=None)
@given(st.lists(st.none() | texts, max_size=8))
@example(["a" * 152 + "€" + "b" * 152, None, "a" * 66 + "😀" + "b" * 66])
def test_count_texts_is_the_count_by_hand(batch: list[str | None]) -> None:
    result = count_texts(pl.Series(batch, dtype=pl.String))
    assert result.rows() == [(None, None, None) if text is None else reference(text) for text in batch]


@settings(deadline=None)
@given(st.lists(texts, max_size=6), st.lists(texts, max_size=6))
def test_count_texts_does_not_depend_on_the_batch(first: list[str], second: list[str]) -> None:
    apart = [count_texts(pl.Series(batch, dtype=pl.String)) for batch in (first, second)]
    assert count_texts(pl.Series(first + second, dtype=pl.String)).equals(pl.concat(apart))


@settings(deadline=None)
@given(texts)
def test_segments_of_length_is_the_least_the_text_can_take(text: str) -> None:
    counted = count_texts(pl.Series([text]))
    (least,) = counted.select(segments_of_length(pl.col("encoding"), pl.col("text_length"))).to_series()
    (segments,) = counted["segments"]
    assert least <= segments
    if counted["text_length"].item() == len(text):
        assert least == segments, "no character takes two units, so no segment ends early"
