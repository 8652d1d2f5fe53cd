"""What is read of a file by its proof is what was hashed, wherever it is read, and of any length."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pipelines.inputs import raw_bytes
from pipelines.inputs.inbox import InboxFile, find_files
from pipelines.inputs.raw_bytes import FileChanged, RawFile
from pipelines.settings import Installation, Settings
from transforms.mediation.formats import all_formats

STEP = 8
LENGTHS = [0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP, 3 * STEP + 5]


@pytest.fixture(autouse=True)
def steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_bytes, "STEP", STEP)
    monkeypatch.setattr(raw_bytes, "HELD_BYTES", -1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize("length", LENGTHS)
def test_the_first_bytes_are_hashed_and_read_at_any_place(length: int, path: Path) -> None:
    content = bytes(range(1, length + 1))
    path.write_bytes(content + b"appended")
    with RawFile(path) as raw:
        proofs = raw.prove(range(length + 1))
    assert [proof.sha256 for proof in proofs] == [
        hashlib.sha256(content[:end]).hexdigest() for end in range(length + 1)
    ]
    for proof in proofs:
        with RawFile(path, proof.size, proof) as raw:
            for at in range(length + 1):
                for size in range(length + 2):
                    assert raw.read_at(at, size) == content[: proof.size][at : at + size]
            view = raw.view()
            assert (view.seek(-min(2, proof.size), os.SEEK_END), view.read()) == (
                max(0, proof.size - 2),
                content[: proof.size][-2:],
            )


@pytest.mark.parametrize("length", LENGTHS[1:])
def test_no_byte_is_read_that_is_another(length: int, path: Path) -> None:
    content = bytes(range(1, length + 1))
    path.write_bytes(content)
    with RawFile(path) as raw:
        (proof,) = raw.prove([length])
    for changed in range(length):
        path.write_bytes(content[:changed] + b"\0" + content[changed + 1 :])
        with RawFile(path, length, proof) as raw:
            for at in range(length):
                if at // STEP == changed // STEP:
                    with pytest.raises(FileChanged, match="it changed while it was read"):
                        raw.read_at(at, 1)
                else:
                    assert raw.read_at(at, 1) == content[at : at + 1]
    path.write_bytes(content[:-1])
    with RawFile(path, length, proof) as raw, pytest.raises(FileChanged):
        raw.read_at(length - 1, 1)


def test_what_lies_under_the_name_later_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"before")
    with RawFile(path) as raw:
        (proof,) = raw.prove([6])
        path.unlink()
        path.write_bytes(b"behind")
        assert raw.read_at(0, 6) == b"before"
        path.unlink()
    with pytest.raises(FileChanged, match="it is not there any more"):
        RawFile(path, 6, proof)
    path.symlink_to("/etc/hostname")
    with pytest.raises(FileChanged, match="it is a symbolic link"):
        RawFile(path, 6, proof)
    path.unlink()
    path.write_bytes(b"before")
    monkeypatch.setattr(raw_bytes, "HELD_BYTES", 6)
    with RawFile(path, 6, proof) as raw:
        path.write_bytes(b"behind")
        assert raw.view().read() == b"before"
    with pytest.raises(FileChanged):
        RawFile(path, 6, proof)


def test_a_disk_that_fails_is_no_file_that_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"before")

    def fails(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with RawFile(path) as raw:
        monkeypatch.setattr(raw_bytes, "from_disk", fails)
        with pytest.raises(OSError, match="Input/output error"):
            raw.prove([6])


def test_files_of_a_folder_that_may_be_listed_and_no_more_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inbox/standard").mkdir(parents=True)
    path = tmp_path / "inbox/standard/live.csv"
    path.touch()
    monkeypatch.setattr("pipelines.inputs.inbox.os.scandir", _Locked)
    found, strange = find_files(Installation(tmp_path, tmp_path, Settings()), all_formats())
    assert (found, strange) == ([], [f"{path}: not loaded: Permission denied"])
    monkeypatch.undo()
    assert [file.name for file in find_files(Installation(tmp_path, tmp_path, Settings()), all_formats())[0]] == [
        InboxFile(path, "inbox/standard/live.csv", "standard").name
    ]


_scandir = os.scandir


class _Locked:
    """A folder of which the names may be read."""

    def __init__(self, folder: Path):
        with _scandir(folder) as entries:
            self._entries = [_Entry(entry) for entry in entries]

    def __enter__(self) -> list[_Entry]:
        return self._entries

    def __exit__(self, *_: object) -> None:
        pass


class _Entry:
    def __init__(self, entry: os.DirEntry[str]):
        self._entry, self.name, self.path = entry, entry.name, entry.path
        self.is_symlink, self.is_dir = entry.is_symlink, entry.is_dir

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        if self._entry.is_file():
            raise PermissionError(13, "Permission denied", self.path)
        return self._entry.stat(follow_symlinks=follow_symlinks)
