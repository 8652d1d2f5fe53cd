"""The content of a raw file in blocks: without its compression and within the caps of [load], as UTF-8 with line feeds.

Only plain files are opened: no link, no FIFO, no device. Specifications: RFC 1952 (gzip), RFC 8878 (zstd).
"""

from __future__ import annotations

import codecs
import io
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from pipelines.settings import Loading
from transforms.mediation.text_lines import NOT_UTF8

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GZIP = b"\x1f\x8b"
ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60)))
"""A zstd file begins with a frame, or with one to be skipped, as the parallel zstd writes it."""

HEAD_BYTES = 1 << 16
"""What is looked at to tell how a text is written."""

_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

Blocks = Iterator[tuple[bytes, str | None]]
"""Bytes; the last with a sentence where what stands behind them cannot be read."""

codecs.register_error("callbill", lambda error: (NOT_UTF8, getattr(error, "end", 0)))


class FirstBytes(io.RawIOBase):
    """The first `size` bytes of an open file, which may be longer: what is appended meanwhile does not count."""

    def __init__(self, file: BinaryIO, size: int):
        super().__init__()
        self._file = file
        self._left = size

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Reads into `buffer`; returns how many bytes."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; all that are left where it is below 0."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Closes the file too."""
        self._file.close()
        super().close()


def open_plain(path: Path, size: int) -> FirstBytes:
    """The first `size` bytes of the file at `path`. Raises OSError, also where it is a link or no plain file: what a name
    stands for may have changed since the inbox was listed."""
    file = open(path, "rb", opener=_without_following)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise FileNotFoundError(f"{path} is no plain file")
    return FirstBytes(file, size)


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def is_packed(path: Path) -> bool:
    """Whether it begins as gzip or zstd does."""
    with open_plain(path, 4) as file:
        return file.read(4).startswith((GZIP, *ZSTD))


def unpacked(path: Path, size: int, block: int, limits: Loading) -> Blocks:
    """The content of the first `size` bytes of the file, without compression, in blocks of about `block` bytes."""
    with open_plain(path, 4) as file:
        magic = file.read(4)
    with open_plain(path, size) as file:
        if magic.startswith(GZIP):
            yield from _capped(_gzip(file, block), size, limits)
        elif magic.startswith(ZSTD):
            yield from _capped(_zstd(path, size, block), size, limits)
        else:
            while content := file.read(block):
                yield content, None


def _capped(blocks: Blocks, size: int, limits: Loading) -> Blocks:
    """`blocks` up to what a file of `size` bytes may hold, to the byte, so that the size of blocks plays no part."""
    caps = (
        (
            limits.unpacked_ratio * size,
            f"unpacked it is more than {limits.unpacked_ratio} times its size (unpacked_ratio)",
        ),
        (limits.unpacked_mb * 1_000_000, f"unpacked it is more than {limits.unpacked_mb} MB (unpacked_mb)"),
    )
    left, why = min(caps)
    for content, damage in blocks:
        if len(content) > left:
            yield content[:left], why
            return
        left -= len(content)
        yield content, damage


def _gzip(file: FirstBytes, size: int) -> Blocks:
    member = zlib.decompressobj(wbits=31)
    pending = b""
    while True:
        pending = pending or file.read(1 << 16)
        if not pending:
            if not member.eof:
                yield b"", "the gzip data ends before its end"
            return
        try:
            block = member.decompress(pending, size)
        except zlib.error:
            yield b"", "the gzip data is damaged"
            return
        pending = member.unconsumed_tail
        if member.eof:
            # Zeros may fill a file up behind its data.
            pending = member.unused_data.lstrip(b"\0")
            while not pending and (more := file.read(1 << 16)):
                pending = more.lstrip(b"\0")
            if pending:
                member = zlib.decompressobj(wbits=31)
        yield block, None
        if member.eof and not pending:
            return


def _zstd(path: Path, size: int, block: int) -> Blocks:
    done, step = 0, min(block, 1 << 20)
    while step:
        with pa.CompressedInputStream(pa.PythonFile(open_plain(path, size), "r"), "zstd") as stream:
            left = done
            while left:
                left -= len(stream.read(min(left, 1 << 20)))
            try:
                while content := stream.read(step):
                    done += len(content)
                    yield content, None
                return
            except OSError as error:
                pass_on(error)
                # A reading that fails gives nothing of what it read: go up to the damage in smaller ones.
                step //= 1024
    yield b"", "the zstd data is damaged or ends before its end"


def pass_on(error: Exception) -> None:
    """Raises what the system says of the disk, which has a number. Arrow makes an OSError of unsound content as well:
    that is damage, and suspended for good; a disk that fails now may not fail tomorrow."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def as_text(blocks: Blocks) -> Blocks:
    """`blocks` as UTF-8 whose lines end with a line feed.

    A text that begins with the byte order mark of UTF-16 is decoded. One whose first HEAD_BYTES hold a carriage return
    and no line feed has lines that end with carriage returns alone.
    """
    head, damage = b"", None
    for block, damage in blocks:
        head += block
        if damage or len(head) >= HEAD_BYTES:
            break
    decoder = None
    if encoding := _UTF_16.get(head[:2]):
        decoder = codecs.getincrementaldecoder(encoding)("callbill")
        head = decoder.decode(head).encode()
    only_returns = b"\n" not in head[:HEAD_BYTES] and b"\r" in head[:HEAD_BYTES]

    def translated(block: bytes) -> bytes:
        return block.replace(b"\r", b"\n") if only_returns else block

    yield translated(head), damage
    for block, damage in blocks:
        yield translated(decoder.decode(block).encode() if decoder else block), damage
    if decoder and (rest := decoder.decode(b"", final=True)):
        yield rest.encode(), None
