"""What the settings, and a file beside the file, say of a source: from HOME to a `Source`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.inputs.inbox import InboxFile, head
from pipelines.settings import Installation
from transforms.mediation.contract import DescribedFormat
from transforms.mediation.formats import all_formats
from transforms.mediation.source import Source

LARGEST_DESCRIPTION = 64 * 1024
"""Bytes."""

FOR_A_FOLDER = "table"
"""A description of this name holds for the files of its folder, and of those below, that have none of their own."""


def source_of(installation: Installation, file: InboxFile) -> Source:
    """The source of a file, by the folder of the inbox that it was loaded from. Raises ValueError with a sentence where the
    file needs a description beside it, and there is none or an unsound one."""
    folder = file.name.removeprefix("inbox/").rpartition("/")[0]
    found = installation.settings.source(folder)
    form = all_formats().get(file.format)
    return Source(
        time_zone=found.time_zone,
        country=found.country,
        inbound=found.inbound,
        extension_digits=found.extension_digits,
        template=tuple(re.findall(r"\$\{([^}]*)\}", found.template)),
        table=_description(installation, file, form) if isinstance(form, DescribedFormat) else {},
    )


def why_not_read(installation: Installation, file: InboxFile) -> str:
    """Why a file cannot be loaded as long as its description is as it is: a sentence, or empty."""
    form = all_formats()[file.format]
    try:
        source = source_of(installation, file)
        problems = (
            form.misfits(source.table, head(file, LARGEST_DESCRIPTION)) if isinstance(form, DescribedFormat) else []
        )
    except ValueError as error:
        problems = [str(error)]
    return f"{file.name}: not loaded: {'; '.join(problems)}" if problems else ""


def _description(installation: Installation, file: InboxFile, form: DescribedFormat) -> dict[str, Any]:
    candidates = list(_candidates(installation, file, form.DESCRIBED_BY))
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        names = f"{candidates[-1 - _folders(installation, file)].name} beside it"
        raise ValueError(
            f"nothing describes it: {names}, or {FOR_A_FOLDER}{form.DESCRIBED_BY} in its folder or one above, is expected"
        )
    name = path.relative_to(installation.home).as_posix() if path.is_relative_to(installation.home) else str(path)
    with path.open("rb") as content:
        text = content.read(LARGEST_DESCRIPTION + 1)
    if len(text) > LARGEST_DESCRIPTION:
        raise ValueError(f"{name} has more than {LARGEST_DESCRIPTION} bytes, and cannot be a description")
    try:
        table = tomllib.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is no sound TOML: {error}") from None
    if problems := form.problems_of(table):
        raise ValueError(f"{name}: {'; '.join(problems)}")
    return table


def _folders(installation: Installation, file: InboxFile) -> int:
    """How many folders of the inbox the file lies in; a file elsewhere is described by what lies beside it."""
    folder = file.path.parent
    return len(folder.relative_to(installation.inbox).parts) if folder.is_relative_to(installation.inbox) else 1


def _candidates(installation: Installation, file: InboxFile, ending: str) -> Iterator[Path]:
    """Where a description may lie, the nearest first: `usage.csv.gz` is described by `usage.csv.gz.toml`,
    `usage.csv.toml`, `usage.toml`, or `table.toml` in its folder or one above, up to the format's."""
    name = file.path.name
    while name:
        yield file.path.with_name(name + ending)
        name = name.rpartition(".")[0]
    folder = file.path.parent
    for _ in range(_folders(installation, file)):
        yield folder / (FOR_A_FOLDER + ending)
        folder = folder.parent
