"""One JSON object as the fields of a record: every scalar as text, as Polars reads many at once."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import polars as pl

from transforms.mediation.text_lines import NOT_UTF8, TOO_LONG


def shortest(number: str) -> str:
    """A number with a point or an exponent as Polars writes it: its double, in the fewest digits."""
    value = float(number)
    if value in (float("inf"), float("-inf")):
        return number
    digits = format(Decimal(repr(value)), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _no_constant(name: str) -> str:
    raise ValueError(f"{name} is no JSON")


def whole(number: str) -> str:
    """A whole number as Polars writes it."""
    return "0" if number == "-0" else number


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def parse_object(line: str) -> tuple[dict[str, Any] | None, str]:
    """The object of a line, or None and why it is none."""
    if NOT_UTF8 in line:
        return None, "the line is no UTF-8"
    if TOO_LONG in line:
        return None, "the line is longer than a line may be"
    try:
        value = json.loads(
            line,
            parse_float=shortest,
            parse_int=whole,
            parse_constant=_no_constant,
            object_pairs_hook=_first_of_each,
        )
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None, "the line is no JSON object"
    return (value, "") if isinstance(value, dict) else (None, "the line is no JSON object")


def as_schema(value: dict[str, Any], schema: pl.Struct) -> dict[str, Any]:
    """`value` with the fields of `schema` alone, scalars as text. Raises ValueError naming a field of another shape."""
    result: dict[str, Any] = {}
    for item in schema.fields:
        found = value.get(item.name)
        if isinstance(item.dtype, pl.Struct):
            if found is not None and not isinstance(found, dict):
                raise ValueError(f"{item.name}: an object is expected")
            result[item.name] = None if found is None else as_schema(found, item.dtype)
        elif isinstance(item.dtype, pl.List) and isinstance(item.dtype.inner, pl.Struct):
            result[item.name] = _as_objects(item.name, found, item.dtype.inner)
        elif isinstance(found, dict | list):
            raise ValueError(f"{item.name}: a plain value is expected")
        elif isinstance(found, bool):
            result[item.name] = "true" if found else "false"
        else:
            result[item.name] = found
    return result


def _as_objects(name: str, found: Any, schema: pl.Struct) -> list[dict[str, Any] | None] | None:
    """The objects of a list with the fields of `schema`; one that stands alone is a list of one."""
    objects = [found] if isinstance(found, dict) else found
    if objects is None:
        return None
    if not isinstance(objects, list) or not all(item is None or isinstance(item, dict) for item in objects):
        raise ValueError(f"{name}: objects are expected")
    return [None if item is None else as_schema(item, schema) for item in objects]
