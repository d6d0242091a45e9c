"""A foreign JSON document, read with the path of whatever is not as it should be (pure)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any, TypeVar

from bench.record.storage.manifest import Problem

_Read = TypeVar("_Read")
MAX_SAMPLES = 1_000_000
"""So many samples may one benchmark have."""
LARGEST = 1e150
"""So large may a figure be: its square is one too."""
MOST = 2**63
"""Whole numbers below this can be kept."""


class Unreadable(Exception):
    """A part of a file is not what its tool writes: where, and what is wrong."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line

    def problem(self, file: str) -> Problem:
        """Return it as a problem of a file."""
        return Problem(file, self.reason, self.line)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document and its path: ``benchmarks[0].runs[2].values``."""

    value: Any
    path: str = ""

    def __getitem__(self, key: str) -> Node:
        """The value of a key that has to be there."""
        if not isinstance(self.value, dict):
            raise Unreadable(f"{self.path or 'the document'}: an object is expected, not {_kind(self.value)}")
        if key not in self.value:
            raise Unreadable(f"{self._at(key)}: missing")
        return Node(self.value[key], self._at(key))

    def get(self, key: str) -> Node | None:
        """Return the value of a key; ``None`` if it is not there or is null."""
        if not isinstance(self.value, dict) or self.value.get(key) is None:
            return None
        return Node(self.value[key], self._at(key))

    def each(self) -> Iterator[Node]:
        """Yield the items of a list."""
        if not isinstance(self.value, list):
            raise Unreadable(f"{self.path or 'the document'}: a list is expected, not {_kind(self.value)}")
        yield from (Node(item, f"{self.path}[{at}]") for at, item in enumerate(self.value))

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield keys and values of an object."""
        if not isinstance(self.value, dict):
            raise Unreadable(f"{self.path or 'the document'}: an object is expected, not {_kind(self.value)}")
        yield from ((str(key), Node(value, self._at(str(key)))) for key, value in self.value.items())

    def number(self) -> float:
        """Return a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            raise Unreadable(f"{self.path}: a number is expected, not {_kind(self.value)}")
        try:
            found = float(self.value)
        except OverflowError:
            found = math.inf
        if not math.isfinite(found):
            raise Unreadable(f"{self.path}: not a finite number")
        if abs(found) > LARGEST:
            raise Unreadable(f"{self.path}: {found:g} is too large for a figure")
        return found

    def whole(self) -> int:
        """Return a whole number."""
        if (found := whole_of(self.number())) is None:
            raise Unreadable(f"{self.path}: {self.value!r:.40} is no whole number that can be kept")
        return found

    def time(self) -> float:
        """Return a number that is no less than 0."""
        if (found := self.number()) < 0:
            raise Unreadable(f"{self.path}: {found:g} is no time")
        return found

    def numbers(self) -> list[float]:
        """Return a list of finite numbers."""
        if isinstance(self.value, list) and len(self.value) > MAX_SAMPLES:
            raise Unreadable(f"{self.path}: {len(self.value)} samples, over {MAX_SAMPLES}")
        return [item.number() for item in self.each()]

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self.value, str):
            raise Unreadable(f"{self.path}: a text is expected, not {_kind(self.value)}")
        return self.value

    def dumped(self) -> str:
        """Return the value as indented JSON."""
        return json.dumps(self.value, indent=1, ensure_ascii=False) + "\n"

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def text_of(node: Node | None) -> str | None:
    """Return a text if there is one; anything else is passed over."""
    return node.value if node is not None and isinstance(node.value, str) and node.value else None


def number_of(node: Node | None) -> float | None:
    """Return a finite number if there is one; anything else is passed over."""
    try:
        return node.number() if node is not None else None
    except Unreadable:
        return None


def count_of(node: Node | None) -> int | None:
    """Return a whole number above 0 if there is one; anything else is passed over."""
    found = number_of(node)
    return whole_of(found) if found is not None and found >= 1 else None


def whole_of(value: float | None) -> int | None:
    """Return a figure as a whole number; ``None`` if it is none, or one of more than 64 bits."""
    return int(value) if value is not None and abs(value) < MOST and value == int(value) else None


def figure_of(text: str, line: int | None = None) -> float:
    """Return the number that a text spells, with a comma for a point if it has one.

    Raises:
        Unreadable: it is too large for a figure.
    """
    if abs(found := float(text.replace(",", "."))) > LARGEST:
        raise Unreadable(f"{text:.40} is too large for a figure", line)
    return found


def moment_of(text: str | None) -> datetime | None:
    """Return the moment of an ISO text; without a time zone if it names none."""
    try:
        found = datetime.fromisoformat(text) if text is not None else None
    except ValueError:
        return None
    # The first and the last year hold moments that another zone's calendar has not.
    return found if found is not None and MINYEAR < found.year < MAXYEAR else None


def moment_of_ms(value: float | None) -> datetime | None:
    """Return the moment that is so many milliseconds after 1970."""
    try:
        return datetime.fromtimestamp(value / 1000, UTC) if value is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def read_each(
    nodes: Sequence[Node] | Iterator[Node], read: Callable[[Node], _Read], file: str
) -> tuple[list[_Read], list[Problem]]:
    """Return what could be read of each node, and a problem for each that could not.

    Args:
        nodes: the parts of a document.
        read: reads one; it raises :class:`Unreadable` with the path.
        file: what problems call the file.
    """
    found: list[_Read] = []
    problems: list[Problem] = []
    for node in nodes:
        try:
            found.append(read(node))
        except Unreadable as error:
            problems.append(error.problem(file))
    return found, problems


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
