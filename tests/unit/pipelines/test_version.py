"""Version and commit: one version, raised with the change log; the commit as git would tell it, and never guessed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import version

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    """What is remembered of a commit stays within a test."""
    version.commit.cache_clear()
    yield
    version.commit.cache_clear()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two commits and an empty folder `pipelines`."""
    folder = tmp_path / "main"
    (folder / "pipelines").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "a/branch")
    for text in ("first", "second"):
        git(folder, "commit", "-q", "--allow-empty", "-m", text)
    return folder


def git(folder: Path, *arguments: str) -> str:
    """What git says, whatever settings there are."""
    named = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *named, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The commit, where callbill lies in that folder."""
    monkeypatch.setattr(version, "HERE", folder / "pipelines")
    version.commit.cache_clear()
    return version.commit()


def test_the_change_log_begins_with_this_version() -> None:
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest
    assert newest[1] == version.VERSION


def test_the_commit_is_what_git_tells(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = git(repository, "rev-parse", "HEAD")
    assert commit_of(repository, monkeypatch) == newest
    git(repository, "pack-refs", "--all")
    assert commit_of(repository, monkeypatch) == newest
    worktree = repository.parent / "beside"
    git(repository, "worktree", "add", "-q", "-b", "w", str(worktree), "HEAD~")
    assert commit_of(worktree, monkeypatch) == git(worktree, "rev-parse", "HEAD") != newest
    git(repository, "checkout", "-q", "--detach", "HEAD~")
    assert commit_of(repository, monkeypatch) == git(repository, "rev-parse", "HEAD") != newest
    assert version.described() == f"{version.VERSION} (commit {version.commit()[:12]})"


def test_what_was_built_brings_it(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "pipelines" / version.COMMIT_FILE).write_text("0" * 40 + "\n")
    assert commit_of(repository, monkeypatch) == "0" * 40


def test_what_nobody_knows_is_not_guessed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lies = repository / ".git"
    # As a repository with its references in tables has it.
    (lies / "HEAD").write_text("ref: refs/heads/.invalid\n")
    assert commit_of(repository, monkeypatch) == ""
    (lies / "HEAD").write_bytes(b"\xff\xfe")
    assert commit_of(repository, monkeypatch) == ""
    lies.rename(repository / "hidden")
    assert commit_of(repository, monkeypatch) == ""
    assert version.described() == f"{version.VERSION} (commit unknown)"
