"""Values of decoded JSON, typed and bounded (pure): a test may have written anything to the file."""

from __future__ import annotations

import math
from typing import Any

MAX_DEPTH = 24
"""A little more than the plugin lets through."""
MAX_INTEGER = 2**63 - 1
NODE_CHARACTERS = 1000
MAX_SECONDS = 1e10
MAX_COUNT = 10**9


def text(value: object, characters: int) -> str:
    """Text of valid Unicode, cut to a length. Raises ValueError where it is none."""
    if type(value) is not str:
        raise ValueError("is no text")
    valid = value[: characters + 1].encode("utf-8", "backslashreplace").decode()
    return valid if len(valid) <= characters else valid[: characters - 1] + "…"


def node_id(value: object) -> str:
    """A test's id. Raises ValueError."""
    return text(value, NODE_CHARACTERS)


def number(value: object, least: float = -math.inf, most: float = math.inf) -> float | None:
    """A finite number between two others, ``None`` where it is none."""
    if type(value) not in (int, float):
        return None
    try:
        found = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None
    if not math.isfinite(found) or not least <= found <= most:
        return None
    # What is whole and exact stays whole.
    return value if type(value) is int and abs(value) <= MAX_INTEGER else found


def seconds(value: object) -> float | None:
    """A duration, ``None`` where it is none."""
    return number(value, 0, MAX_SECONDS)


def count(value: object, most: int = MAX_COUNT) -> int | None:
    """A whole number from 0, ``None`` where it is none."""
    return value if type(value) is int and 0 <= value <= most else None


def kept(value: Any, depth: int = MAX_DEPTH) -> Any:
    """A value that every reader of JSON can read. Raises ValueError with the reason why it is none."""
    if value is None or type(value) is bool:
        return value
    if type(value) is str:
        return text(value, len(value) * 6 + 1)
    if type(value) in (int, float):
        if (abs(value) > MAX_INTEGER) if type(value) is int else not math.isfinite(value):
            raise ValueError("holds a number that is out of range")
        return value
    if depth <= 0:
        raise ValueError("is nested too deeply")
    if type(value) is dict:
        return {text(key, len(key) * 6 + 1): kept(inner, depth - 1) for key, inner in value.items()}
    return [kept(inner, depth - 1) for inner in value]


def metric(value: dict[str, Any]) -> dict[str, Any]:
    """A metric as the record has it."""
    found, better = number(value.get("value")), value.get("better")
    unit = value.get("unit")
    return {
        "value": None if found is None else float(found),
        "unit": text(unit, 100) if type(unit) is str else "",
        "better": better if better in ("lower", "higher") else "none",
    }
