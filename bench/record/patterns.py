"""A reason is written once: the paths of all nulls that it explains, in a form that a person reads (pure).

``runs[*].signal`` is the null of every run, ``runs[0-2,5].io.read_bytes`` that of four, ``runs[*].tests[3].call_s``
that of one test in every run. Several paths of one reason stand in one key, with a comma and a space between them; a
backslash precedes a comma or a backslash of a name, since a metric may be called anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

BETWEEN = ", "
MOST = 1_000_000
"""So many paths are unfolded, at most: patterns multiply, and a record from anywhere can hold many."""
_PLACE = re.compile(r"runs\[(\d{1,9})\](?:\.(tests|warnings)\[(\d{1,9})\])?(.*)", re.DOTALL)
_SET = r"\[(\*|\d{1,9}(?:-\d{1,9})?(?:,\d{1,9}(?:-\d{1,9})?)*)\]"
_PATTERN = re.compile(rf"runs{_SET}(?:\.(tests|warnings){_SET})?(.*)", re.DOTALL)
_PIECE = re.compile(r"\\(.)|, |[^\\,]+|.", re.DOTALL)
_FOLDED = re.compile(r"^runs\[(?:\*|\d+[-,])|^runs\[\d+\]\.(?:tests|warnings)\[(?:\*|\d+[-,])|, |\\")

_SHORT, _FEW = 500, 40
"""Characters of a key, and runs with their tests and warnings, of which the paths are remembered."""
_Counts = tuple[tuple[int, int], ...]
"""How many tests and warnings each run has."""
_Shape = tuple[str, str]
"""The list within a run, if there is one, and what follows."""


def folded(reasons: Mapping[str, str], runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return reasons by path with each reason once.

    Args:
        reasons: a reason by path.
        runs: the runs of the record, as builtins.
    """
    keys: dict[str, list[str]] = {}
    places: dict[tuple[str, _Shape], dict[int, list[int]]] = {}
    for path, why in reasons.items():
        found = _PLACE.fullmatch(path)
        if found is None or int(found[1]) >= len(runs):
            keys.setdefault(why, []).append(_escape(path))
            continue
        shape = found[2] or "", found[4]
        keys.setdefault(why, [])
        inner = places.setdefault((why, shape), {}).setdefault(int(found[1]), [])
        if found[3] is not None:
            inner.append(int(found[3]))
    for (why, shape), by_run in places.items():
        keys[why] += _patterns(shape, by_run, runs)
    return {BETWEEN.join(paths): why for why, paths in keys.items()}


def unfolded(reasons: Mapping[str, str], runs: Sequence[Any]) -> dict[str, str]:
    """Return a reason by each path of its own, as a record has them in memory; those of older records stay as they are.

    Args:
        reasons: what ``unavailable`` of a record holds.
        runs: the runs of the record, with their ``tests`` and ``warnings``.
    """
    if not any(_FOLDED.search(key) for key in reasons):
        return dict(reasons)
    counts = tuple((len(run.tests), len(run.warnings)) for run in runs)
    few = len(counts) + sum(map(sum, counts)) <= _FEW
    found: dict[str, str] = {}
    for key, why in reasons.items():
        if few and len(key) <= _SHORT:
            found.update(dict.fromkeys(_known(key, counts), why))
            continue
        for one in _unfolded(key, counts):
            found[one] = why
            if len(found) >= MOST:
                return found
    return found


def _unfolded(key: str, counts: _Counts) -> Iterator[str]:
    return (one for path in _apart(key) for one in _paths(path, counts))


@lru_cache(maxsize=256)
def _known(key: str, counts: _Counts) -> tuple[str, ...]:
    """The paths of a key, worked out once for all records of one form: a history has hundreds."""
    return tuple(_unfolded(key, counts))


def _patterns(shape: _Shape, by_run: Mapping[int, Sequence[int]], runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The patterns of all places of one shape: runs that have it at the same places share one."""
    part, rest = shape
    alike: dict[str, list[int]] = {}
    for run, places in sorted(by_run.items()):
        inner = f".{part}[{_set(sorted(places), len(runs[run].get(part, ())))}]" if part else ""
        alike.setdefault(inner, []).append(run)
    return [f"runs[{_set(indices, len(runs))}]{inner}{_escape(rest)}" for inner, indices in alike.items()]


def _set(indices: Sequence[int], length: int) -> str:
    if len(indices) == length > 1:
        return "*"
    ranges = [
        [index for _, index in group] for _, group in groupby(enumerate(indices), key=lambda one: one[1] - one[0])
    ]
    return ",".join(f"{one[0]}-{one[-1]}" if len(one) > 2 else ",".join(map(str, one)) for one in ranges)


def _paths(pattern: str, counts: _Counts) -> Iterator[str]:
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        yield pattern
        return
    outer, part, inner, rest = found.groups()
    for run in _members(outer, len(counts)):
        if part is None:
            yield f"runs[{run}]{rest}"
            continue
        there = counts[run][part == "warnings"] if run < len(counts) else 0
        for place in _members(inner, there):
            yield f"runs[{run}].{part}[{place}]{rest}"


def _members(text: str, length: int) -> Iterator[int]:
    """The places that a set stands for. A single one may lie beyond the end, as in an older record; a range may not."""
    if text == "*":
        yield from range(length)
        return
    for part in text.split(","):
        low, _, high = part.partition("-")
        if high:
            yield from range(int(low), min(int(high) + 1, length))
        else:
            yield int(low)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,")


def _apart(key: str) -> Iterator[str]:
    """The paths that one key holds, as they are."""
    if ", " not in key and "\\" not in key:
        yield key
        return
    path: list[str] = []
    for found in _PIECE.finditer(key):
        if found[0] == BETWEEN:
            yield "".join(path)
            path = []
        else:
            path.append(found[1] or found[0])
    yield "".join(path)
