"""Names of the code as words for people (pure)."""

from __future__ import annotations

_SPECIAL = {
    "cpu_wait": "waiting for a CPU",
    "memory_pressure": "memory pressure",
    "io_pressure": "I/O pressure",
    "rest": "unexplained",
    "user": "on CPU, user",
    "system": "on CPU, system",
}


def spoken(name: str) -> str:
    """A term of the wall time in words; any other name with spaces for underscores."""
    return _SPECIAL.get(name, name.replace("_", " "))
