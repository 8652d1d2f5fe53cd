"""How a section of a TOML file is read strictly into a dataclass: an unknown key is an error."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def is_time_zone(name: str) -> bool:
    """Whether the time zone database has it."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def read_section(path: Path, section: str, kind: Any, content: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """The values of the dataclass `kind` that `content`, the section of that name, gives; adds to `problems` what is wrong."""
    known = {item.metadata.get("key", item.name): item for item in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in known:
            problems.append(f"{path}: unknown key '{key}' in [{section}]; known are {', '.join(known)}")
        elif type(known[key].default) is tuple and isinstance(value, list) and all(type(one) is str for one in value):
            values[known[key].name] = tuple(value)
        elif type(value) is not type(known[key].default):
            kinds = {str: "text", int: "a whole number", bool: "true or false", tuple: "a list of texts"}
            expected = kinds[type(known[key].default)]
            problems.append(f"{path}: [{section}] {key}: {expected} is expected, found {value!r}")
        else:
            values[known[key].name] = value
    return values
