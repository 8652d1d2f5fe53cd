"""What the settings say of a source of usage: [source.<format>]."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.registries import regions_with_numbers
from pipelines.settings.toml_section import is_time_zone, read_section
from transforms.mediation.formats import all_formats

EXTENSION_DIGITS_MAX = 8


@dataclass(frozen=True)
class SourceSettings:
    """[source.<format>], or [source."<format>/<folder>"] for what lies in that folder of the inbox.

    `time_zone` of local times (default: the billing time zone), `country` of national numbers (default: the seller's),
    `inbound` names of contexts or trunks whose calls come in, `extension_digits` up to which a number is an extension,
    `template` of a file whose columns are a matter of configuration. `sequence`: a regular expression whose group is the
    number of a file in its name; `sequence_last`: the number after which it starts again (0: never).
    """

    time_zone: str = ""
    country: str = ""
    inbound: tuple[str, ...] = ()
    extension_digits: int = 0
    template: str = ""
    sequence: str = ""
    sequence_last: int = 0


def read_sources(path: Path, content: dict[str, Any], problems: list[str]) -> dict[str, SourceSettings]:
    """The sources of the file's [source.*], by their folder of the inbox; adds to `problems` what is wrong."""
    found: dict[str, SourceSettings] = {}
    formats = all_formats()
    for name, values in content.items():
        section = f"source.{name}" if "/" not in name else f'source."{name}"'
        if name.split("/")[0] not in formats:
            problems.append(
                f"{path}: [{section}]: the inbox has a folder for each format: {', '.join(sorted(formats))}"
            )
        elif not isinstance(values, dict):
            problems.append(f"{path}: {section} must be a section [{section}]")
        else:
            source = SourceSettings(**read_section(path, section, SourceSettings, values, problems))
            problems += _unreadable_source(path, section, source)
            found[name] = source
    return found


def _unreadable_source(path: Path, section: str, source: SourceSettings) -> list[str]:
    found = []
    if source.time_zone and not is_time_zone(source.time_zone):
        found.append(f"{path}: [{section}] time_zone: '{source.time_zone}' is no time zone such as Europe/Paris")
    if source.country and source.country not in regions_with_numbers():
        found.append(
            f"{path}: [{section}] country: '{source.country}' is no country with telephone numbers, such as FR"
        )
    if not 0 <= source.extension_digits <= EXTENSION_DIGITS_MAX:
        digits = source.extension_digits
        found.append(f"{path}: [{section}] extension_digits: {digits} is no number from 0 to {EXTENSION_DIGITS_MAX}")
    try:
        groups = re.compile(source.sequence).groups
    except re.error:
        groups = 0
    if source.sequence and groups != 1:
        found.append(
            f"{path}: [{section}] sequence: '{source.sequence}' is no regular expression with one group for the number"
        )
    if source.sequence_last < 0:
        found.append(f"{path}: [{section}] sequence_last: {source.sequence_last} is no number from 0 on")
    return found
