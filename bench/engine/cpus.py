"""A list of CPUs as the kernel writes it (pure)."""

from __future__ import annotations

from bench.errors import UsageError


def parse_cpuset(text: str) -> frozenset[int]:
    """The CPUs of ``0-2,5`` (cpuset(7), list format).

    Raises:
        UsageError: not such a list.
    """
    cpus: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
            raise UsageError(f"'{text}' is not a list of CPUs", fix="write it as in 0-2,5")
        cpus.update(range(int(first), int(last or first) + 1))
    return frozenset(cpus)
