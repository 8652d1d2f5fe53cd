"""What `./do` sets up: the two locks, and a set-up that is whole or done again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPERATOR, TOOLS = "requirements.lock", "requirements-dev.lock"

PYTHON = """#!/bin/sh
echo "$*" >> "$TOLD"
case "$*" in *"$BREAKS"*) exit 1 ;; esac
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    for program in callbill ruff mypy; do ln -s /bin/true "$3/bin/$program"; done
fi
"""
"""Stands for Python: writes down what it is asked, makes a venv of itself, and fails where it is to."""


def pins(lock: str) -> set[str]:
    """`name==version` of every package of a lock."""
    return set(re.findall(r"^([\w.-]+==[^ ]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    runtime = {re.sub(r"\[.*\]", "", item) for item in project["project"]["dependencies"]}
    assert {*runtime, *groups["build"]} <= pins(OPERATOR)
    assert set(groups["dev"]) <= pins(TOOLS)
    assert project["build-system"]["requires"][0] in groups["build"]


def test_an_operator_installs_no_tool_of_the_tests() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert set(groups["dev"]) & pins(OPERATOR) == set()


def test_the_locks_agree() -> None:
    first, second = pins(OPERATOR), pins(TOOLS)
    both = {pin.split("==")[0] for pin in first} & {pin.split("==")[0] for pin in second}
    assert {pin for pin in first ^ second if pin.split("==")[0] in both} == set()


@dataclass(frozen=True)
class Checkout:
    """A folder with `do` and two locks."""

    folder: Path

    def do(self, *arguments: str, breaks: str = "nothing of this") -> tuple[int, list[str]]:
        """The exit status, and what Python was asked in short: where `breaks` is part of a question, it fails."""
        told = self.folder / "told"
        told.write_text("")
        environment = {"PATH": os.environ["PATH"], "PYTHON": str(self.folder / "python"), "TOLD": str(told)}
        done = subprocess.run(
            [self.folder / "do", *arguments], env={**environment, "BREAKS": breaks}, capture_output=True, check=False
        )
        short = {"-m venv": "venv", OPERATOR: OPERATOR, TOOLS: TOOLS, "--editable": "callbill", "-m pytest": "pytest"}
        asked = told.read_text().splitlines()
        return done.returncode, [name for line in asked for part, name in short.items() if part in line]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Nothing is set up there."""
    shutil.copy(ROOT / "do", tmp_path / "do")
    (tmp_path / OPERATOR).write_text("a==1\n")
    (tmp_path / TOOLS).write_text("b==1\n")
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return Checkout(tmp_path)


WHOLE = ["venv", OPERATOR, "callbill"]


def test_a_command_needs_no_tools_and_the_tests_add_them_once(checkout: Checkout) -> None:
    assert checkout.do("demo") == (0, WHOLE)
    assert checkout.do("demo") == (0, [])
    assert checkout.do() == (0, [])
    assert checkout.do("test", "-k", "x") == (0, [TOOLS, "pytest"])
    assert checkout.do("test") == (0, ["pytest"])
    assert checkout.do("demo") == (0, [])


@pytest.mark.parametrize("lock", [OPERATOR, TOOLS])
def test_another_lock_is_another_set_up(lock: str, checkout: Checkout) -> None:
    assert checkout.do("test")[0] == 0
    (checkout.folder / lock).write_text("c==1\n")
    assert checkout.do("test") == (0, [*WHOLE, TOOLS, "pytest"])


@pytest.mark.parametrize("breaks", ["-m venv", OPERATOR, "--editable", TOOLS])
def test_what_was_left_half_done_is_done_again(breaks: str, checkout: Checkout) -> None:
    assert checkout.do("test", breaks=breaks)[0] != 0
    assert checkout.do("test") == (0, [*WHOLE, TOOLS, "pytest"])


def test_a_set_up_without_all_tools_serves_no_command(checkout: Checkout) -> None:
    assert checkout.do("demo") == (0, WHOLE)
    assert checkout.do("test", breaks=TOOLS)[0] != 0
    assert checkout.do("demo") == (0, WHOLE)
