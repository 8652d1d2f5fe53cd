"""What a TOML file says of a CSV: which column is which field, how times and durations are written, what words mean.

Specification: docs/formats/table.md. Whatever callbill does not know there is told in a sentence, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phonenumbers import SUPPORTED_REGIONS

from transforms.mediation.records import FIELDS, SMS_STATUSES, VOICE_STATUSES
from transforms.tables.vocabulary import DIRECTIONS, SERVICES

NEEDED = ("record_id", "service", "from_number", "to_number", "started_at")
JOINED_BY = {"record_id": ":", "linked_id": ":", "started_at": " "}
"""Fields that several columns may make up, and what stands between them."""

OTHERWISE = "*"
"""In a table of values: every word that is not named there, but not the empty field."""

EPOCHS = {"epoch": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
UNITS = ("seconds", "milliseconds", "minutes", "h:m:s")
_WORDS = {
    "service": SERVICES,
    "direction": DIRECTIONS,
    "status": tuple(dict.fromkeys((*VOICE_STATUSES, *SMS_STATUSES))),
    "encoding": ("gsm7", "ucs2"),
}
_UNMAPPED = ("started_at", "text")
_KEYS = {
    "file": ("delimiter", "header", "columns", "lines_before", "lines_behind"),
    "time": ("format", "zone"),
    "duration": ("unit",),
    "numbers": ("country", "international"),
}
_SECTIONS = (*_KEYS, "columns", "constants", "values", "only", "skip")
_DIRECTIVE = re.compile(r"%(%|[YymdHMSIpPbBejFT]|\.[369]?f|[369]?f|:?z|#z)")
_DATES = (("F",), ("Y", "m", "d"), ("y", "m", "d"), ("Y", "b", "d"), ("Y", "B", "d"), ("y", "b", "d"), ("Y", "j"))
_LINES_MAX = 100


@dataclass(frozen=True)
class Description:
    """A CSV file described. `names`: its columns where it has no header, else none. `columns`: those that make up a
    field. `values`: by field, the standard word for a word of the file's, in small letters. `only`, `skip`: by column,
    the words in small letters that a record must have, or must not have, to be usage."""

    delimiter: str = ","
    names: tuple[str, ...] = ()
    lines_before: int = 0
    lines_behind: int = 0
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    time_format: str = "iso"
    zone: str = ""
    unit: str = "seconds"
    country: str = ""
    international: bool = False
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skip: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def used(self) -> tuple[str, ...]:
        """The columns of the file that are read, each once."""
        made = (name for names in self.columns.values() for name in names)
        return tuple(dict.fromkeys((*made, *self.only, *self.skip)))


def described(table: Mapping[str, Any]) -> tuple[Description, list[str]]:
    """The description that a TOML file, read, holds, and a sentence for each thing that is wrong with it."""
    problems: list[str] = []
    for name, section in table.items():
        if name not in _SECTIONS:
            problems.append(f"'{name}' is unknown; known are the sections {', '.join(_SECTIONS)}")
        elif not isinstance(section, dict):
            problems.append(f"{name} must be a section [{name}]")
        else:
            unknown = [key for key in section if key not in _KEYS.get(name, section)]
            problems += [f"[{name}] {key}: is unknown; known are {', '.join(_KEYS[name])}" for key in unknown]
    sections = {name: table[name] if isinstance(table.get(name), dict) else {} for name in _SECTIONS}
    columns = _columns(sections["columns"], problems)
    constants = _constants(sections["constants"], columns, problems)
    for name in NEEDED:
        if name not in columns and name not in constants:
            problems.append(f"{name}: no column of [columns] and no value of [constants] gives it")
    file, time, numbers = sections["file"], sections["time"], sections["numbers"]
    found = Description(
        delimiter=_delimiter(file.get("delimiter", ","), problems),
        names=_names(file, problems),
        lines_before=_lines(file, "lines_before", problems),
        lines_behind=_lines(file, "lines_behind", problems),
        columns=columns,
        constants=constants,
        time_format=_time_format(time.get("format", "iso"), problems),
        zone=_zone(time.get("zone", ""), problems),
        unit=_one_of("duration", "unit", sections["duration"].get("unit", "seconds"), UNITS, problems),
        country=_country(numbers, problems),
        international=_flag("numbers", "international", numbers.get("international", False), problems),
        values=_values(sections["values"], columns, problems),
        only=_conditions("only", sections["only"], problems),
        skip=_conditions("skip", sections["skip"], problems),
    )
    if found.names:
        absent = [name for name in found.used if name not in found.names]
        problems += [f"column '{name}' is not among [file] columns" for name in absent]
    return found, problems


def _columns(section: Mapping[str, Any], problems: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in section.items():
        names = value if isinstance(value, list) else [value]
        if name not in FIELDS:
            problems.append(f"[columns] {name}: is no field; the fields are {', '.join(FIELDS)}")
        elif not names or not all(isinstance(one, str) and one for one in names):
            problems.append(f"[columns] {name}: the name of a column of the file is expected")
        elif len(names) > 1 and name not in JOINED_BY:
            problems.append(f"[columns] {name}: only {', '.join(JOINED_BY)} may be made of several columns")
        else:
            found[name] = tuple(names)
    return found


def _constants(section: Mapping[str, Any], columns: Mapping[str, Any], problems: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in section.items():
        if name not in FIELDS or name in ("record_id", "started_at", "text"):
            problems.append(f"[constants] {name}: is no field that may be the same for every record")
        elif name in columns:
            problems.append(f"{name}: stands under [columns] and under [constants]")
        elif isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            problems.append(f"[constants] {name}: a text is expected")
        elif name in _WORDS and value not in _WORDS[name]:
            problems.append(f"[constants] {name}: '{value}' is none of {', '.join(_WORDS[name])}")
        else:
            found[name] = str(value)
    return found


def _values(
    section: Mapping[str, Any], columns: Mapping[str, tuple[str, ...]], problems: list[str]
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, words in section.items():
        if name not in columns or name in _UNMAPPED:
            problems.append(f"[values.{name}]: {name} is no field of [columns] whose values may be mapped")
        elif not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
            problems.append(f"[values.{name}]: a text is expected for each word of the file")
        elif len({word.lower() for word in words}) < len(words):
            problems.append(f"[values.{name}]: a word stands twice; capital letters make no difference")
        else:
            strange = [word for word in words.values() if word not in _WORDS.get(name, (word,))]
            problems += [f"[values.{name}]: '{word}' is none of {', '.join(_WORDS[name])}" for word in strange]
            found[name] = {_word(word): standard for word, standard in words.items()}
    return found


def _conditions(section: str, values: Mapping[str, Any], problems: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in values.items():
        words = value if isinstance(value, list) else [value]
        if not words or not all(isinstance(word, str) for word in words):
            problems.append(f"[{section}] {name}: a text or a list of texts is expected")
        else:
            found[name] = tuple(_word(word) for word in words)
    return found


def _word(text: str) -> str:
    return text.strip(" ").lower()


def _delimiter(value: Any, problems: list[str]) -> str:
    if (
        isinstance(value, str)
        and len(value) == 1
        and value.isascii()
        and not value.isalnum()
        and value not in '"\r\n\0'
    ):
        return value
    problems.append("[file] delimiter: one sign is expected, such as ';' or '\\t'")
    return ","


def _names(file: Mapping[str, Any], problems: list[str]) -> tuple[str, ...]:
    """The names of the columns where the file has no header; an empty name is a column that is not read."""
    header = _flag("file", "header", file.get("header", "columns" not in file), problems)
    names = file.get("columns", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        problems.append("[file] columns: a list of names is expected")
        return ()
    if header == bool(names):
        problems.append(
            "[file] either header = true, or columns = [...] with their names in order, where there is none"
        )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    problems += [f"[file] columns: '{name}' stands twice" for name in twice]
    return tuple(name or f"_{place}" for place, name in enumerate(names))


def _lines(file: Mapping[str, Any], name: str, problems: list[str]) -> int:
    value = file.get(name, 0)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LINES_MAX:
        return value
    problems.append(f"[file] {name}: a number of lines from 0 to {_LINES_MAX} is expected")
    return 0


def _flag(section: str, name: str, value: Any, problems: list[str]) -> bool:
    if not isinstance(value, bool):
        problems.append(f"[{section}] {name}: true or false is expected")
    return value is True


def _one_of(section: str, name: str, value: Any, known: tuple[str, ...], problems: list[str]) -> str:
    if value in known:
        return str(value)
    problems.append(f"[{section}] {name}: '{value}' is none of {', '.join(known)}")
    return known[0]


def _time_format(value: Any, problems: list[str]) -> str:
    if value == "iso" or (isinstance(value, str) and value in EPOCHS):
        return str(value)
    written = str(value)
    directives = [found[1] for found in _DIRECTIVE.finditer(written)]
    names = {name.replace("e", "d") for name in directives}
    hours = {"T", "H"} & names or ("I" in names and {"p", "P"} & names)
    if "%" in _DIRECTIVE.sub("", written) or not any(names >= set(date) for date in _DATES) or not hours:
        problems.append(
            f"[time] format: '{value}' is none of iso, {', '.join(EPOCHS)}, nor a date and an hour such as "
            "%d.%m.%Y %H:%M:%S"
        )
        return "iso"
    return written


def _zone(value: Any, problems: list[str]) -> str:
    try:
        if value != "":
            ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        problems.append(f"[time] zone: '{value}' is no time zone such as Europe/Paris")
        return ""
    return str(value)


def _country(numbers: Mapping[str, Any], problems: list[str]) -> str:
    value = numbers.get("country", "")
    if value != "" and value not in SUPPORTED_REGIONS:
        problems.append(f"[numbers] country: '{value}' is no country with telephone numbers, such as FR")
    if value != "" and numbers.get("international") is True:
        problems.append("[numbers] either country, or international = true")
    return str(value)
