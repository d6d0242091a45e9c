"""A reason is written once: the paths of all nulls that it explains, in a form that a person reads (pure).

``runs[*].signal`` is the null of every run, ``runs[0-2,5].io.read_bytes`` that of four; several paths of one reason
stand in one key with a comma and a space between them. A backslash precedes a comma, an asterisk or a backslash of a
name (a metric may be called anything).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

BETWEEN = ", "
MOST = 1_000_000
"""So many paths are unfolded, at most: patterns multiply, and a record from anywhere can hold many."""
_INDEX = re.compile(r"\[(\d+)\]")
_SET = re.compile(r"\[(\*|\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)\]")
_APART = re.compile(r"(?<!\\), ")
_ESCAPED = re.compile(r"\\(.)")
_NEEDS = re.compile(r"[\\,*]")
_FOLDED = re.compile(r"\[\*\]|\[\d+[-,]|, |\\")


def folded(reasons: Mapping[str, str], document: Mapping[str, Any]) -> dict[str, str]:
    """Return reasons by path with each reason once.

    Args:
        reasons: a reason by path.
        document: the record that the paths are of, as builtins: ``[*]`` needs the number of runs and of tests.
    """
    alike: dict[str, dict[tuple[str, ...], list[tuple[int, ...]]]] = {}
    for path, why in reasons.items():
        parts = _INDEX.split(path)
        indices = tuple(int(part) for part in parts[1::2])
        alike.setdefault(why, {}).setdefault(tuple(parts[::2]), []).append(indices)
    keys: dict[str, list[str]] = {}
    for why, shapes in alike.items():
        keys[why] = [key for shape, found in shapes.items() for key in _keys(shape, sorted(found), document)]
    return {BETWEEN.join(paths): why for why, paths in keys.items()}


def unfolded(reasons: Mapping[str, str], runs: Sequence[Any]) -> dict[str, str]:
    """Return a reason by each path of its own, as a record has them in memory; those of older records stay as they are.

    Args:
        reasons: what ``unavailable`` of a record holds.
        runs: the runs of the record, with their ``tests`` and ``warnings``.
    """
    if not any(_FOLDED.search(key) for key in reasons):
        return dict(reasons)
    found: dict[str, str] = {}
    for key, why in reasons.items():
        for path in _APART.split(key):
            for one in _paths(path, runs):
                found[one] = why
                if len(found) > MOST:
                    return found
    return found


def _keys(shape: tuple[str, ...], found: Sequence[tuple[int, ...]], document: Mapping[str, Any]) -> list[str]:
    """The patterns that stand for all places of one shape: no index, or a set of them at each."""
    if not found[0]:
        return [_escape(shape[0])]
    rest = _groups(found, (), document, shape)
    return [_escape(shape[0]) + one for one in rest]


def _groups(
    found: Sequence[tuple[int, ...]], before: tuple[int, ...], document: Mapping[str, Any], shape: tuple[str, ...]
) -> list[str]:
    """What follows the first part of a shape, for places that begin with the indices ``before``."""
    depth = len(before)
    by_rest: dict[tuple[str, ...], list[int]] = {}
    for index, group in groupby(found, key=lambda place: place[depth]):
        places = list(group)
        tail = _escape(shape[depth + 1])
        last = depth + 1 == len(places[0])
        rest = (tail,) if last else tuple(tail + one for one in _groups(places, (*before, index), document, shape))
        by_rest.setdefault(rest, []).append(index)
    length = _length(document, shape, before)
    return [f"[{_set(indices, length)}]{one}" for rest, indices in by_rest.items() for one in rest]


def _length(document: Any, shape: tuple[str, ...], before: tuple[int, ...]) -> int | None:
    """How long the list is whose places are meant; ``None`` if it is not to be found by plain names."""
    value = document
    for depth, part in enumerate(shape[: len(before) + 1]):
        for name in part.removeprefix(".").split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if depth < len(before):
            at = before[depth]
            value = value[at] if isinstance(value, (list, tuple)) and at < len(value) else None
    return len(value) if isinstance(value, (list, tuple)) else None


def _set(indices: Sequence[int], length: int | None) -> str:
    if length is not None and len(indices) == length > 1:
        return "*"
    ranges = [
        [index for _, index in group] for _, group in groupby(enumerate(indices), key=lambda one: one[1] - one[0])
    ]
    return ",".join(f"{one[0]}-{one[-1]}" if len(one) > 2 else ",".join(map(str, one)) for one in ranges)


def _paths(pattern: str, runs: Sequence[Any]) -> Iterator[str]:
    found = _SET.search(pattern)
    if found is None:
        yield _ESCAPED.sub(r"\1", pattern)
        return
    head, tail = _ESCAPED.sub(r"\1", pattern[: found.start()]), pattern[found.end() :]
    within = _SET.search(tail)
    for at in _members(found[1], len(runs) if head == "runs" else 0):
        here = f"{head}[{at}]"
        if within is None:
            yield here + _ESCAPED.sub(r"\1", tail)
            continue
        middle, rest = _ESCAPED.sub(r"\1", tail[: within.start()]), _ESCAPED.sub(r"\1", tail[within.end() :])
        inner = _inner(runs[at], middle) if head == "runs" and at < len(runs) else 0
        for place in _members(within[1], inner):
            yield f"{here}{middle}[{place}]{rest}"


def _inner(run: Any, middle: str) -> int:
    """How many tests, or warnings, a run has."""
    value = getattr(run, middle.removeprefix("."), ())
    return len(value) if isinstance(value, (list, tuple)) else 0


def _members(text: str, length: int) -> Iterator[int]:
    """The places that a set stands for. One that it names beyond the end is kept only alone: it may be of an older
    record, and ranges without an end are nobody's.
    """
    if text == "*":
        yield from range(length)
        return
    for part in text.split(","):
        low, _, high = part.partition("-")
        if high:
            yield from range(int(low[:9]), min(int(high[:9]) + 1, length))
        else:
            yield int(low[:9])


def _escape(part: str) -> str:
    return _NEEDS.sub(r"\\\g<0>", part) if _NEEDS.search(part) else part
