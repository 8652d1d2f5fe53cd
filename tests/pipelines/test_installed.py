"""callbill as an operator has it: its wheel in a venv with what `requirements.lock` names, in a folder of no repository."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import quote

import pytest

from pipelines.version import described
from tests.pipelines.command import ended
from tests.pipelines.test_command_line import free_port, wait_for
from tests.pipelines.test_ui import ask
from tests.support import scratch

ROOT = Path(__file__).parents[2]
SMALL_DEMO = """
import sys
from functools import partial
from pipelines.cli import main
from pipelines.documents.einvoice.validation import Validator
from pipelines.example import month

month.write_example = partial(month.write_example, accounts=20, events=2_000)
Validator.rule_problems = lambda *_: []
sys.argv = ["callbill", "demo"]
main()
"""
"""The command `demo` with the smallest month that its maker makes, and without the schematrons, which are another package's
and would take a third of the time."""
FAULT = """
from pipelines.errors import fault
from pipelines.settings import Month

try:
    Month.parse(None, None)
except TypeError as error:
    print(fault(error))
"""
LOADED = "{workspaceOrError {... on Workspace {locationEntries {name locationOrLoadError {__typename}}}}}"


@dataclass(frozen=True)
class Installed:
    """A venv that callbill was installed into, and a folder to work in."""

    venv: Path
    folder: Path

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """A program of the venv in the folder, of whose environment nothing leads to callbill."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CALLBILL", "PYTHON"))}
        return subprocess.Popen(
            [self.venv / "bin" / program, *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def installed() -> Iterator[Installed]:
    """The wheel of this checkout, built and installed without any index."""
    with scratch() as place:
        _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place / "dist"))
        (wheel,) = (place / "dist").iterdir()
        venv.create(place / "venv", symlinks=True)
        python = str(place / "venv" / "bin" / "python")
        _link_dependencies(Path(sysconfig.get_path("purelib", vars={"base": str(place / "venv")})))
        _run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", str(wheel))
        folder = place / "folder"
        # What lies in the folder is not taken for callbill.
        for package in ("pipelines", "transforms", "dagster"):
            (folder / package).mkdir(parents=True)
            (folder / package / "__init__.py").write_text("raise ImportError('this is not callbill')\n")
        yield Installed(place / "venv", folder)


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _link_dependencies(site: Path) -> None:
    """Puts into `site` what the running venv has of the packages of `requirements.lock`, and nothing else."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            # For another system, or another Python.
            continue
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            if not (site / top).is_symlink():
                (site / top).symlink_to(str(found.locate_file(top)))


def test_it_names_what_it_was_built_from(installed: Installed) -> None:
    said = ended(installed.start("callbill", "--version"))
    assert (said.status, said.out, said.err) == (0, f"callbill {described()}\n", "")


def test_a_fault_says_where_it_is(installed: Installed) -> None:
    said = ended(installed.start("python", "-P", "-c", FAULT))
    assert re.fullmatch(r"a fault of .*: TypeError at __init__\.py:\d+ < .*\n", said.out), said


@pytest.mark.slow
def test_the_demo_and_the_ui(installed: Installed) -> None:
    said = ended(installed.start("python", "-P", "-c", SMALL_DEMO), timeout=300)
    assert said.status == 0, said.err
    home = installed.folder / "data"
    assert len(list((home / "prices").glob("*.csv"))) == len(list((ROOT / "price_tables").glob("*.csv")))
    named = re.findall(r"\s(/\S+\.(?:pdf|csv))", said.out)
    assert len(named) == 4
    assert [path for path in named if not Path(path).is_file()] == []
    assert "./do" not in said.out
    assert f"callbill ui --home {home}\n" in said.out

    port = free_port()
    with installed.start("callbill", "ui", "--port", str(port)) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/server_info")
            status, text = ask(port, "GET", f"/graphql?query={quote(LOADED)}")
        finally:
            process.send_signal(signal.SIGINT)
            ended(process)
    location = {"name": "callbill", "locationOrLoadError": {"__typename": "RepositoryLocation"}}
    assert (status, json.loads(text)["data"]["workspaceOrError"]["locationEntries"]) == (200, [location])
