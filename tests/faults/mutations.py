"""Ways in which a usage file comes broken: every one is drawn from a seeded generator. Knows nothing of what is right."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

Mutation = Callable[[random.Random, bytes], bytes]

LONG_LINE = 200_000
DEEP = 5_000
_SIGNS = b'",;\t{}[]:\\/\n\r\x00\xff\xfe\xc3\xed\xa0\x80\xef\xbf\xbf 0-+.eE'
_WORDS = (
    b"",
    b'"',
    b'""',
    b'"""',
    b"null",
    b"true",
    b"NaN",
    b"1e999",
    b"-1",
    b"0",
    b"99999999999999999999999999999",
    b"1" * 400,
    b"0.00000000000000000000000001",
    b"9" * 18 + b"." + b"9" * 18,
    b"2026-02-30 25:61:61",
    b"+",
    b"+" + b"3" * 40,
    b"\xd9\xa3\xd9\xa4",
    b"\xef\xb7\x90",
    b"\\ud800",
    b'"\\u0000"',
    b"\x00",
    b"\xff\xfe",
    b"\xf0\x9f\x98\x80" * 50,
    b"'; DROP TABLE usage_records; --",
    b"{}",
    b"[]",
    b'{"a":1}',
    b"%00%ff%",
    b"sip:;tag=@",
)


def _place(draw: random.Random, content: bytes) -> int:
    return draw.randint(0, len(content))


def _lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")


def flip(draw: random.Random, content: bytes) -> bytes:
    """Some bits of some bytes."""
    found = bytearray(content)
    for _ in range(draw.randint(1, 8) if found else 0):
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    return bytes(found)


def insert(draw: random.Random, content: bytes) -> bytes:
    """Signs that mean something to a reader."""
    for _ in range(draw.randint(1, 5)):
        at = _place(draw, content)
        content = content[:at] + bytes(draw.choices(_SIGNS, k=draw.randint(1, 4))) + content[at:]
    return content


def delete(draw: random.Random, content: bytes) -> bytes:
    """A stretch of bytes."""
    at = _place(draw, content)
    return content[:at] + content[at + draw.randint(1, 60) :]


def cut(draw: random.Random, content: bytes) -> bytes:
    """All behind a place, or all before it."""
    at = _place(draw, content)
    return content[:at] if draw.random() < 0.7 else content[at:]


def repeat_lines(draw: random.Random, content: bytes) -> bytes:
    """Lines doubled, the header among them."""
    lines = _lines(content)
    for _ in range(draw.randint(1, 4)):
        lines.insert(draw.randint(0, len(lines)), draw.choice(lines))
    return b"\n".join(lines)


def shuffle_lines(draw: random.Random, content: bytes) -> bytes:
    """Lines in another order."""
    lines = _lines(content)
    draw.shuffle(lines)
    return b"\n".join(lines)


def drop_lines(draw: random.Random, content: bytes) -> bytes:
    """Some lines gone, the first among them as often as not."""
    lines = _lines(content)
    kept = [line for line in lines if draw.random() < 0.8]
    return b"\n".join(kept[1:] if draw.random() < 0.5 else kept)


def swap_fields(draw: random.Random, content: bytes) -> bytes:
    """Two fields of a line change places."""
    lines = _lines(content)
    at = draw.randrange(len(lines))
    mark = draw.choice((b",", b";", b"\t", b":"))
    fields = lines[at].split(mark)
    draw.shuffle(fields)
    lines[at] = mark.join(fields)
    return b"\n".join(lines)


def word(draw: random.Random, content: bytes) -> bytes:
    """Fields replaced by words that hurt."""
    lines = _lines(content)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(lines))
        mark = draw.choice((b",", b";", b"\t", b":", b'"', b">"))
        fields = lines[at].split(mark)
        fields[draw.randrange(len(fields))] = draw.choice(_WORDS)
        lines[at] = mark.join(fields)
    return b"\n".join(lines)


def quotes(draw: random.Random, content: bytes) -> bytes:
    """Stray quotes, or none where there were some."""
    if draw.random() < 0.3:
        return content.replace(b'"', b"", draw.randint(1, 9))
    for _ in range(draw.randint(1, 5)):
        at = _place(draw, content)
        content = content[:at] + draw.choice((b'"', b'""', b'"\n', b'\n"')) + content[at:]
    return content


def marks(draw: random.Random, content: bytes) -> bytes:
    """Marks of an encoding before the text, or another encoding."""
    way = draw.randrange(5)
    if way == 0:
        return b"\xef\xbb\xbf" * draw.randint(1, 3) + content
    if way == 1:
        return content.decode("utf-8", "replace").encode("utf-16")
    if way == 2:
        return content.decode("utf-8", "replace").encode("latin-1", "replace")
    if way == 3:
        at = _place(draw, content)
        return content[:at] + b"\xef\xbb\xbf" + content[at:]
    return b"\x1f\x8b" + content


def line_ends(draw: random.Random, content: bytes) -> bytes:
    """Other line ends, mixed, or none."""
    ends = draw.choice(((b"\r\n",), (b"\r",), (b"\n", b"\r\n", b"\r"), (b"\n\n", b"\r\r\n"), (b" ",)))
    return b"".join(line + draw.choice(ends) for line in _lines(content))


def nothing_at_all(draw: random.Random, content: bytes) -> bytes:
    """NULs and blanks, alone or in the text."""
    fill = draw.choice((b"\x00", b" ", b"\n", b"\r", b"\xef\xbb\xbf", b","))
    at = _place(draw, content)
    return (
        fill * draw.randint(1, 3000)
        if draw.random() < 0.2
        else content[:at] + fill * draw.randint(1, 300) + content[at:]
    )


def long_line(draw: random.Random, content: bytes) -> bytes:
    """A line of many bytes or of many fields."""
    at = _place(draw, content)
    return content[:at] + draw.choice((b"x", b",", b'"",', b"1")) * draw.randint(1_000, LONG_LINE) + content[at:]


def deep(draw: random.Random, content: bytes) -> bytes:
    """Objects in objects, lists in lists."""
    opened = draw.choice((b"[", b'{"a":', b"[{", b"<a>"))
    times = draw.choice((10, 200, DEEP))
    at = _place(draw, content)
    closing = {b"[": b"]", b'{"a":': b"1}", b"[{": b"}]", b"<a>": b"</a>"}[opened] if draw.random() < 0.5 else b""
    return content[:at] + opened * times + closing * (times if closing != b"1}" else 1) + content[at:]


def packed(draw: random.Random, content: bytes) -> bytes:
    """Packed, and cut or flipped then, as often as not."""
    found = gzip.compress(content, mtime=0)
    return draw.choice((found, cut(draw, found), flip(draw, found)))


MUTATIONS: tuple[Mutation, ...] = (
    flip,
    insert,
    delete,
    cut,
    repeat_lines,
    shuffle_lines,
    drop_lines,
    swap_fields,
    word,
    word,
    quotes,
    marks,
    line_ends,
    nothing_at_all,
    long_line,
    deep,
    packed,
)


def mutate(draw: random.Random, content: bytes, others: list[bytes]) -> bytes:
    """`content` broken in one way or several; `others` are files that may be joined to it."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        if draw.random() < 0.06:
            content = draw.choice((content + draw.choice(others), draw.choice(others) + content))
        else:
            content = draw.choice(MUTATIONS)(draw, content)
    return content
