"""The bytes of a raw file as they lie on the disk: hashed once, and on every later reading held against what was hashed.

Whoever identifies a file keeps its `Proof`. A reading with that proof gives no byte that is not the one that was hashed: the
file may be truncated, written over, replaced or taken away meanwhile, and ends in FileChanged. What is appended does not count.
Only plain files are opened: no link, no FIFO, no device.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import CallbillError

if TYPE_CHECKING:
    from hashlib import _Hash

    from _typeshed import WriteableBuffer

STEP = 1 << 20
"""Bytes that are hashed, and later proven, together."""

HELD_BYTES = 8 << 20
"""A file of no more bytes is read at once when it is opened: what befalls it after that is nothing to who reads it."""


_CHANGED = "it changed while it was read"


class FileChanged(CallbillError):
    """A file is not what it was when it was hashed: it cannot be read as that any more. Nothing of it is damaged."""

    def __init__(self, path: Path, why: str = _CHANGED):
        super().__init__(f"{path}: {why}; start the command again")
        self.why = why


UNREADABLE = (FileChanged, FileNotFoundError, PermissionError, NotADirectoryError)
"""What concerns one file alone, and may be otherwise at the next run. A disk that fails is not among them."""


def not_loaded(path: Path, error: Exception) -> str:
    """A sentence for people about a file that `error` keeps from being loaded."""
    if isinstance(error, FileChanged):
        why = f"{_CHANGED}; the next run loads what it holds then" if error.why == _CHANGED else error.why
    else:
        why = _of_the_system(error)
    return f"{path}: not loaded: {why}"


def _of_the_system(error: Exception) -> str:
    gone = isinstance(error, FileNotFoundError | NotADirectoryError) and error.errno in (errno.ENOENT, errno.ENOTDIR)
    return "it is not there any more" if gone else str(getattr(error, "strerror", None) or error)


@dataclass(frozen=True)
class Proof:
    """What the first `size` bytes of a file were. `states`: of SHA-256, before each STEP of them; `last`: behind all."""

    size: int
    states: list[_Hash]
    last: _Hash

    @property
    def sha256(self) -> str:
        """Of these bytes."""
        return self.last.hexdigest()

    def holds(self, at: int, content: bytes) -> bool:
        """Whether `content` is what stood from `at` on; both it and its end are a multiple of STEP, or the very end."""
        end = at + len(content)
        digest = self.states[at // STEP].copy()
        digest.update(content)
        return digest.digest() == (self.last if end == self.size else self.states[end // STEP]).digest()


class RawFile:
    """The first `size` bytes of a file, all that it has where that is None, held open under whatever name it gets; with
    `proof` only as they were. `signature`: its size and the moment of its last change when it was opened.

    Raises OSError where it cannot be opened. With `proof` that is FileChanged, which is raised, on opening too, where the
    file is not as it was.
    """

    def __init__(self, path: Path, size: int | None = None, proof: Proof | None = None):
        self.path = path
        self._proof = proof
        self._failure: FileChanged | None = None
        self._at, self._held = 0, b""
        try:
            self._descriptor = _opened(path)
        except UNREADABLE as error:
            if proof is None:
                raise
            raise FileChanged(path, _of_the_system(error)) from None
        found = os.fstat(self._descriptor)
        self.signature = signature(found)
        self.size = found.st_size if size is None else size
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise FileNotFoundError(errno.EINVAL, "it is no plain file", str(path))
        if self.size <= HELD_BYTES:
            try:
                self._held = self._whole(0, self.size)
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> RawFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Closes it; again is nothing."""
        descriptor, self._descriptor = getattr(self, "_descriptor", -1), -1
        if descriptor >= 0:
            os.close(descriptor)

    def prove(self, sizes: Iterable[int]) -> list[Proof]:
        """A proof of its first bytes for each of `sizes`, ascending, in one reading. From here on it gives no byte but those
        of the longest."""
        digest, at = hashlib.sha256(), 0
        states = [digest.copy()]
        found = []
        for size in sizes:
            if size > self.size:
                raise FileChanged(self.path)
            while at < size:
                end = min(size, (at // STEP + 1) * STEP)
                digest.update(self.read_at(at, end - at))
                at = end
                if at % STEP == 0:
                    states.append(digest.copy())
            found.append(Proof(size, states, digest.copy()))
        if found:
            self.size, self._proof = found[-1].size, found[-1]
        return found

    def read_at(self, at: int, size: int) -> bytes:
        """At most `size` bytes from `at` on; nothing behind the end."""
        end = min(at + size, self.size)
        if at >= end:
            return b""
        if self._at <= at and end <= self._at + len(self._held):
            return self._held[at - self._at : end - self._at]
        first, last = at // STEP * STEP, min(-(-end // STEP) * STEP, self.size)
        content = self._whole(first, last)
        self._at = (last - 1) // STEP * STEP
        self._held = content[self._at - first :]
        return content if (first, last) == (at, end) else content[at - first : end - first]

    def view(self) -> View:
        """It as a file that is read from its beginning."""
        return View(self)

    def check(self) -> None:
        """Raises FileChanged where a reading has: a library between may have made another error of that."""
        if self._failure is not None:
            raise self._failure

    def _whole(self, at: int, end: int) -> bytes:
        content = from_disk(self.path, self._descriptor, at, end - at)
        if len(content) < end - at or (self._proof is not None and not self._proof.holds(at, content)):
            self._failure = FileChanged(self.path)
            raise self._failure
        return content


class View(io.RawIOBase):
    """A raw file as a file object, with a place of its own. Closing it leaves the raw file open."""

    def __init__(self, raw: RawFile):
        super().__init__()
        self._raw = raw
        self._place = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The place of the next reading."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Goes to a place, and returns it."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._raw.size}[whence]
        return self._place

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Reads into `buffer`; returns how many bytes."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes; all that are left where it is below 0."""
        data = self._raw.read_at(self._place, self._raw.size if size is None or size < 0 else size)
        self._place += len(data)
        return data


def signature(found: os.stat_result) -> tuple[int, int]:
    """Size, and the moment of its last change: a file whose signature is known needs no second reading."""
    return found.st_size, max(found.st_mtime_ns, found.st_ctime_ns)


def from_disk(path: Path, descriptor: int, at: int, size: int) -> bytes:  # noqa: ARG001
    """The bytes that stand there now; fewer where the file of that path ends before. Every reading of raw files is here."""
    # A test that puts a broken disk in its place tells the files by their path.
    pieces = []
    while size and (piece := os.pread(descriptor, size, at)):
        pieces.append(piece)
        at, size = at + len(piece), size - len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileNotFoundError(error.errno, "it is a symbolic link", str(path)) from None
        raise
