"""JSON that a person reads and that is no longer than it must be: short values side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

WIDTH = 120
"""Columns of a line, unless one value alone takes more."""
_LONG = 80
"""A value of so many columns has a line of its own."""


def laid_out(document: Any) -> str:
    """Return a document as JSON, with a final line feed; the same document gives the same text."""
    return _text(document, 0, 0) + "\n"


def _text(value: Any, indent: int, before: int) -> str:
    """A value that begins after ``before`` columns of a line of its own level."""
    if not isinstance(value, (dict, list, tuple)) or not value:
        return _plain(value)
    if isinstance(value, dict):
        parts = [f"{(name := _plain(key))}: {_text(inner, indent + 1, len(name) + 2)}" for key, inner in value.items()]
        holds: Iterable[Any] = value.values()
        opened, closed = "{}"
    else:
        parts = [_text(inner, indent + 1, 0) for inner in value]
        holds = value
        opened, closed = "[]"
    length = sum(map(len, parts)) + 2 * len(parts)
    if indent + before + length <= WIDTH and not any("\n" in part for part in parts):
        return f"{opened}{', '.join(parts)}{closed}"
    pad = "\n" + " " * (indent + 1)
    return f"{opened}{pad}{(',' + pad).join(_filled(parts, holds, WIDTH - indent - 2))}\n{' ' * indent}{closed}"


def _filled(parts: Iterable[str], holds: Iterable[Any], room: int) -> Iterator[str]:
    """The lines of a part: values that are no parts themselves side by side, others on lines of their own."""
    line = ""
    for part, value in zip(parts, holds, strict=True):
        alone = len(part) > _LONG or (isinstance(value, (dict, list, tuple)) and bool(value))
        if line and (alone or len(line) + 2 + len(part) > room):
            yield line
            line = ""
        if alone:
            yield part
        else:
            line = f"{line}, {part}" if line else part
    if line:
        yield line


def _plain(value: Any) -> str:
    return msgspec.json.encode(value).decode()
