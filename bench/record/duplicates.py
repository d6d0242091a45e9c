"""Keys that a record holds twice: readers differ in which of them they believe (pure)."""

from __future__ import annotations

import json
from collections.abc import Sequence

NAMED = 5
"""Keys that are named."""


def duplicate_keys(data: bytes) -> list[str]:
    """Return keys that one object of a JSON text holds more than once, at most ``NAMED``; none if it is no JSON."""
    found: dict[str, None] = {}

    def look(pairs: Sequence[tuple[str, object]]) -> None:
        # Of an object nothing is kept: what is looked at may be large.
        if len(pairs) > 1 and len({key for key, _ in pairs}) < len(pairs) and len(found) < NAMED:
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    found[key] = None
                seen.add(key)

    try:
        json.loads(data, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return []
    return list(found)[:NAMED]
