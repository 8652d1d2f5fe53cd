"""Files that are there whole or not at all, whatever happens to the process or the machine."""

from __future__ import annotations

import os
from pathlib import Path

READ_ONLY = 0o440
"""The mode of files that nobody changes once they are there: the owner and the group read them, whatever the umask."""


def sync(path: Path) -> None:
    """Returns when the content of the file, or the names in the folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_content(content: bytes, place: Path) -> None:
    """Writes `content` beside `place` and moves it there, in one step, over what was there."""
    beside = place.with_name(f".{place.name}.new")
    beside.write_bytes(content)
    put(beside, place)


def put(beside: Path, place: Path) -> None:
    """Moves the finished file `beside` to `place`, in one step, over what was there."""
    sync(beside)
    beside.replace(place)
    sync(place.parent)
