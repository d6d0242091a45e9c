"""Which counters repeat: two counts of the same thing, one beside the other (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bench.record.work import Work

_LEFT_OUT = frozenset({"counted", "varies", "tests", "torch.callers", "torch.outputs"})
"""Paths of what has no counter of its own, or is the sum of others in another way."""
MAX_VARIES = 1000
_PARTS = ("torch.calls.", "python.modules.")
"""Before the names of operators and of modules, of which there may be more than are kept."""


def merged(first: Work, again: Work) -> Work:
    """Return the first count with the names of all counters that were not equal in the second.

    Args:
        first: what was counted.
        again: what was counted in one more run of the same.
    """
    one, other = _counters(first), _counters(again)
    found = {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}
    # What decides is never cut: the sums first, then operators, any of which speaks for the sum of their calls.
    varies = sorted(
        {*first.varies, *found}, key=lambda path: (path.startswith(_PARTS), path.startswith(_PARTS[1]), path)
    )
    varies = sorted(varies[:MAX_VARIES])
    return msgspec.structs.replace(first, counted=first.counted + again.counted, varies=tuple(varies))


def _counters(work: Work) -> dict[str, Any]:
    return dict(_flat("", msgspec.to_builtins(work)))


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        path = f"{prefix}.{name}" if prefix else name
        if path in _LEFT_OUT:
            continue
        if isinstance(value, dict):
            yield from _flat(path, value)
        else:
            yield path, value
