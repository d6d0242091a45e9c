"""A list of CPUs as the kernel writes it, as in ``0-2,5`` (cpuset(7), list format): pure."""

from __future__ import annotations

import re

from bench.errors import UsageError

_PART = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
"""A CPU or a range of them; no machine has a number of six digits."""


def parse_cpu_list(text: str) -> frozenset[int]:
    """Return the numbers of a list of CPUs or of memory nodes; none at all if the text is no such list."""
    numbers: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            return frozenset()
        numbers.update(range(first, last + 1))
    return frozenset(numbers)


def parse_cpuset(text: str) -> frozenset[int]:
    """Return the CPUs of a list that somebody gave.

    Raises:
        UsageError: not such a list.
    """
    cpus = parse_cpu_list(text)
    if not cpus:
        raise UsageError(f"'{text}' is not a list of CPUs", fix="write it as in 0-2,5")
    return cpus
