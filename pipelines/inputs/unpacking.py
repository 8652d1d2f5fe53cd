"""The content of a raw file in blocks: without its compression and within the caps of [load], as UTF-8 with line feeds.

Specifications: RFC 1952 (gzip), RFC 8878 (zstd).
"""

from __future__ import annotations

import codecs
import hashlib
import zlib
from collections.abc import Iterable, Iterator

import pyarrow as pa

from pipelines.inputs.raw_bytes import STEP, RawFile, View
from pipelines.settings import Loading
from transforms.mediation.text_lines import NOT_UTF8

GZIP = b"\x1f\x8b"
ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60)))
"""A zstd file begins with a frame, or with one to be skipped, as the parallel zstd writes it."""

HEAD_BYTES = 1 << 16
"""What is looked at to tell how a text is written."""

_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

Blocks = Iterator[tuple[bytes, str | None]]
"""Bytes; the last with a sentence where what stands behind them cannot be read."""

codecs.register_error("callbill", lambda error: (NOT_UTF8, getattr(error, "end", 0)))


def is_packed(raw: RawFile) -> bool:
    """Whether it begins as gzip or zstd does."""
    return raw.read_at(0, 4).startswith((GZIP, *ZSTD))


def unpacked(raw: RawFile, block: int, limits: Loading, only: int | None = None) -> Blocks:
    """The content of the file, without compression, in blocks of about `block` bytes; of a compressed one the first `only`
    bytes, where those are known to be there, whatever the caps."""
    if not is_packed(raw):
        place = raw.view()
        while content := place.read(block):
            yield content, None
        return
    blocks = _gzip(raw.view(), block) if raw.read_at(0, 2) == GZIP else _zstd(raw, block)
    yield from _capped(blocks, raw.size, limits) if only is None else _first(blocks, only)


def content_digests(raw: RawFile, sizes: Iterable[int], limits: Loading) -> tuple[dict[int, str], str | None]:
    """The SHA-256 of what a compressed file holds without its compression: of the first bytes for each of `sizes`, ascending,
    as far as there are so many; and of all, None where it is damaged or more than the caps allow."""
    digest, done, found = hashlib.sha256(), 0, {}
    waiting = list(reversed(list(sizes)))
    for block, damage in unpacked(raw, STEP, limits):
        at = 0
        while waiting and waiting[-1] <= done + len(block):
            end = waiting[-1] - done
            digest.update(memoryview(block)[at:end])
            found[waiting.pop()], at = digest.hexdigest(), end
        digest.update(memoryview(block)[at:])
        done += len(block)
        if damage is not None:
            return found, None
    return found, digest.hexdigest()


def _first(blocks: Blocks, size: int) -> Blocks:
    for content, damage in blocks:
        yield content[:size], damage if len(content) < size else None
        size -= len(content)
        if size <= 0:
            return


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


def _gzip(file: View, size: int) -> Blocks:
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


def _zstd(raw: RawFile, block: int) -> Blocks:
    done, step = 0, min(block, 1 << 20)
    while step:
        with pa.CompressedInputStream(pa.PythonFile(raw.view(), "r"), "zstd") as stream:
            left = done
            while left:
                left -= len(stream.read(min(left, 1 << 20)))
            try:
                while content := stream.read(step):
                    done += len(content)
                    yield content, None
                return
            except OSError as error:
                raw.check()
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
