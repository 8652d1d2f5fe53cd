"""Which callbill this is: its version, which stands here alone, and the commit that it was built or is run from."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

VERSION = "0.1.0"
"""Raised with CHANGELOG.md. The build reads it here, so that what is installed and what runs cannot differ."""

HERE = Path(__file__).parent
COMMIT_FILE = "commit.txt"
"""Beside this file in what was built (hatch_build.py writes it); not there in a checkout."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@cache
def commit() -> str:
    """The commit in hexadecimal: in a checkout the one checked out, without running git; empty where nobody knows.

    Changes that are not committed do not show.
    """
    try:
        written = (HERE / COMMIT_FILE).read_text(encoding="ascii").strip()
    except OSError:
        written = _checked_out(HERE.parent / ".git")
    return written if _COMMIT.fullmatch(written) else ""


def described() -> str:
    """Version and commit for people: `0.1.0 (commit 0123456789ab)`."""
    return f"{VERSION} (commit {commit()[:12] or 'unknown'})"


def _checked_out(git: Path) -> str:
    """What HEAD of the repository comes to, as gitrepository-layout(5) has it; empty where it cannot be told."""
    try:
        if git.is_file():
            # Of a worktree or a submodule.
            git = git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        common = git / "commondir"
        # A worktree has its HEAD by itself, and its branches with all others.
        shared = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        if (shared / name).is_file():
            return (shared / name).read_text(encoding="utf-8").strip()
        packed = (line.split(" ") for line in (shared / "packed-refs").read_text(encoding="utf-8").splitlines())
        return next((words[0] for words in packed if words[1:] == [name]), "")
    except (OSError, ValueError):
        return ""
