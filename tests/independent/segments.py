"""How many segments a message has (3GPP TS 23.038, 23.040). Which count is used is decided in mediation."""

from __future__ import annotations

BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = set("^{}\\[~]|€\f")


def segments_of_text(text: str) -> int:
    """The segments of a text, packed character by character; the empty text is one segment."""
    if all(character in BASIC or character in EXTENSION for character in text):
        return pack([2 if character in EXTENSION else 1 for character in text], single=160, part=153)
    return pack([2 if ord(character) > 0xFFFF else 1 for character in text], single=70, part=67)


def length_of_text(text: str) -> int:
    """The length of a text in what its segments hold: septets, or UTF-16 units."""
    if all(character in BASIC or character in EXTENSION for character in text):
        return len(text) + sum(character in EXTENSION for character in text)
    return len(text.encode("utf-16-le")) // 2


def pack(sizes: list[int], *, single: int, part: int) -> int:
    """The segments for characters of these sizes (septets or UTF-16 units), none of them split over two."""
    if sum(sizes) <= single:
        return 1
    segments, filled = 1, 0
    for size in sizes:
        if filled + size > part:
            segments += 1
            filled = 0
        filled += size
    return segments


def segments_of_length(encoding: str, length: int) -> int:
    """The segments where only the encoding (gsm7, ucs2) and the length in septets or units are known."""
    single, part = {"gsm7": (160, 153), "ucs2": (70, 67)}[encoding]
    if length <= single:
        return 1
    return -(-length // part)
