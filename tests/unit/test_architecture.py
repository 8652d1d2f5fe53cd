"""The rules of the house that can be checked: imports, no binary fractions near money, pages kept fresh."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest

from pipelines.storage import catalogue
from transforms.mediation import formats
from transforms.mediation.source import Source

ROOT = Path(__file__).parents[2]
TRANSFORMS = sorted((ROOT / "transforms").rglob("*.py"))
PIPELINES = sorted((ROOT / "pipelines").rglob("*.py"))
CODE = TRANSFORMS + PIPELINES
TESTS = sorted((ROOT / "tests").rglob("*.py"))
EXAMPLE = ROOT / "pipelines" / "example"

FILE_MAX = 400


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_each_layer_imports_only_what_lies_below_it() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run([script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "Contracts: 4 kept, 0 broken." in found.stdout


BINARY = {
    "transforms/mediation/json_values.py": "a JSON number is a double; it may be a duration, never an amount",
    "pipelines/cli/__init__.py": "seconds until a Ctrl-C is sent again",
    "pipelines/cli/terminal.py": "records a second",
    "pipelines/storage/warehouse.py": "seconds to wait for the lock",
}
"""Modules where a binary fraction is at home, and what it counts there. Money is nowhere among them."""


def fractions(module: ast.Module) -> Iterator[str]:
    """Where a module makes a binary fraction: a literal, a call of float, a column type, an average."""
    for node in ast.walk(module):
        match node:
            case ast.Constant(value=float()):
                yield f"line {node.lineno}: the literal {node.value}"
            case ast.Call(func=ast.Name(id="float")):
                yield f"line {node.lineno}: float()"
            case ast.Attribute(attr="Float32" | "Float64" | "mean" | "median" | "std" | "pct_change"):
                yield f"line {node.lineno}: {node.attr}"
            case ast.Constant(value=str() as text) if re.search(r"\b(DOUBLE|FLOAT|REAL)\b|\b(avg|mean)\(", text):
                yield f"line {node.lineno}: SQL that makes doubles"


def test_no_binary_fraction_comes_near_money() -> None:
    makers = {name_of(path): list(fractions(tree(path))) for path in CODE if EXAMPLE not in path.parents}
    found = {name: lines for name, lines in makers.items() if lines}
    assert found.keys() == BINARY.keys(), found


def test_a_binary_fraction_would_be_seen() -> None:
    code = 'x = 0.1 + float("1")\ny = pl.col("a").cast(pl.Float64).mean()\nq = "SELECT avg(x), y::DOUBLE"\n'
    assert len(list(fractions(ast.parse(code)))) == 5


def test_transforms_work_on_columns_and_touch_nothing_else() -> None:
    by_row = {"map_elements", "iter_rows", "rows", "to_dicts", "to_pandas", "apply"}
    world = {
        "now",
        "today",
        "utcnow",
        "read_text",
        "write_text",
        "sink_parquet",
        "write_parquet",
        "scan_parquet",
    }
    for path in TRANSFORMS:
        calls = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
        methods = {func.attr for func in calls if isinstance(func, ast.Attribute)}
        functions = {func.id for func in calls if isinstance(func, ast.Name)}
        assert not methods & (by_row | world), name_of(path)
        assert not functions & {"open", "print", "input", "eval", "exec"}, name_of(path)


def test_every_module_says_what_belongs_in_it() -> None:
    written = [path for path in CODE + TESTS if path.read_text(encoding="utf-8").strip()]
    assert [name_of(path) for path in written if not ast.get_docstring(tree(path))] == []


def silent(module: ast.Module) -> Iterator[str]:
    """Public functions, methods and classes of a module that do not say what they are."""
    for parent in (module, *(node for node in module.body if isinstance(node, ast.ClassDef))):
        for node in parent.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
            if public and node.name != "Config" and not ast.get_docstring(node):
                yield node.name


def test_every_public_function_and_class_says_what_it_is() -> None:
    assert [(name_of(path), name) for path in CODE for name in silent(tree(path))] == []


def test_no_file_is_longer_than_a_reader_likes() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE + TESTS}
    assert {name: length for name, length in lengths.items() if length > FILE_MAX} == {}


def test_nothing_is_left_to_be_done() -> None:
    mark = re.compile(r"#.*\b(TOD[O]|FIXM[E]|HAC[K])\b")
    assert [name_of(path) for path in CODE + TESTS if mark.search(path.read_text(encoding="utf-8"))] == []


def test_the_data_dictionary_is_fresh() -> None:
    page = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert page == catalogue.data_dictionary(), "make it again: python -m pipelines.storage.catalogue"


def test_every_pin_has_a_reason() -> None:
    """A comment stands above each requirement, or above the requirements of which it is the next."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    pins = [place for place, line in enumerate(lines) if re.match(r'\s+"[a-z].*"', line) and "==" in line]
    assert len(pins) > 20
    for place in pins:
        above = place - 1
        while above in pins:
            above -= 1
        assert lines[above].strip().startswith("#"), lines[place]


def test_every_requirement_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"].values()
    requirements = [*project["build-system"]["requires"], *project["project"]["dependencies"], *chain(*groups)]
    assert [item for item in requirements if "==" not in item] == []


OF_CALLBILL = {"standard", "callr", "table"}
"""Formats that the rest of the code may know: callbill's own, its description of any CSV, and that whose every call is
tracked."""


def test_formats_are_found_by_looking() -> None:
    folder = ROOT / "transforms" / "mediation" / "formats"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    found = formats.all_formats()
    assert {module.__name__.rpartition(".")[2] for module in found.values()} == modules  # type: ignore[attr-defined]
    assert set(found) == modules
    name = re.compile(rf"""['"]({"|".join(modules - OF_CALLBILL)})['"]|formats\.({"|".join(modules)})\b""")
    listed = [name_of(path) for path in CODE if path.parent != folder and name.search(path.read_text(encoding="utf-8"))]
    assert listed == []


@pytest.mark.parametrize("item", formats.all_formats().values(), ids=lambda item: item.NAME)
def test_a_format_names_itself_its_kinds_and_where_it_is_described(item: formats.Format) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", item.NAME)
    assert item.KINDS
    assert set(item.KINDS) <= {"csv", "json", "columns"}
    assert all(item.reader(kind, Source()).records == 0 for kind in item.KINDS)
    assert f"docs/formats/{item.NAME}.md" in (item.__doc__ or "")


PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
MADE_BY_A_RUN = {"benchmarks/data/"}


def test_what_a_page_names_is_there() -> None:
    """Links between pages, and paths of the repository."""
    missing = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        links = [page.parent / link for link in re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", text)]
        paths = re.findall(r"`((?:transforms|pipelines|tests|docs|benchmarks|price_tables)/[\w./-]+)`", text)
        named = [*links, *(ROOT / path for path in paths if path not in MADE_BY_A_RUN)]
        missing += [f"{name_of(page)}: {path}" for path in named if not path.exists()]
    assert missing == []


def code_named(text: str) -> Iterator[tuple[str, bool]]:
    """What of the transforms a text names, such as `values.instant` or `source.country`, and whether it is there."""
    modules = {path.parent.name if path.stem == "__init__" else path.stem: path for path in TRANSFORMS}
    for module, name in re.findall(r"`([a-z_]+)\.([A-Za-z_]+)`", text):
        if module in modules and name not in ("md", "py", "csv", "json"):
            parts = modules[module].relative_to(ROOT).with_suffix("").parts
            found = import_module(".".join(part for part in parts if part != "__init__"))
            classes = [value for value in vars(found).values() if isinstance(value, type)]
            yield f"{module}.{name}", any(hasattr(item, name) for item in (found, *classes))


def test_code_that_a_how_to_names_is_there() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES if page.parent.name == "how-to")
    found = dict(code_named(f"{text} `values.nothing`"))
    assert found.pop("values.nothing") is False
    assert found["values.instant"]
    assert [name for name, there in found.items() if not there] == []


def test_excerpts_are_of_the_files_that_they_name() -> None:
    """A block of code whose first line names a file has its lines in their order; a line `...` stands for those left out."""
    excerpt = re.compile(r"^```[a-z]+ ([\w./-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    found = [(page, *item) for page in PAGES for item in excerpt.findall(page.read_text(encoding="utf-8"))]
    assert found
    for page, file, block in found:
        rest = (ROOT / file).read_text(encoding="utf-8")
        for piece in re.split(r"^\.\.\.\n", block, flags=re.MULTILINE):
            assert piece in rest, f"{name_of(page)}: an excerpt of {file} is not what stands there: {piece}"
            rest = rest[rest.index(piece) + len(piece) :]
