"""What a process and its children have used: read before and after a test, and the difference of the two.

getrusage(2): a child counts once it has been waited for. proc(5): ``io``, ``clear_refs`` and ``status``.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass

from bench.agent.plugin.bench_pytest_plugin.clock import monotonic_s

_getrusage = resource.getrusage
_open, _read, _write, _close = os.open, os.read, os.write, os.close
"""As they are now: tests replace what a module offers."""
_RESET_PEAK = b"5"
_MOST_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Counters:
    """Both readings of getrusage, the bytes of block devices, and when. ``io`` is empty if the kernel has none."""

    at_s: float
    own: resource.struct_rusage
    children: resource.struct_rusage
    io: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Used:
    """What was used between two readings; ``missing`` has the reasons for what is ``None``, by its path in a run."""

    wall_s: float
    user_s: float
    system_s: float
    minor: int
    major: int
    voluntary: int
    involuntary: int
    max_rss_bytes: int | None
    read_bytes: int | None
    write_bytes: int | None
    missing: Mapping[str, str]


def read_counters() -> Counters:
    """Return what this process and its children have used so far."""
    own, children = _getrusage(resource.RUSAGE_SELF), _getrusage(resource.RUSAGE_CHILDREN)
    return Counters(monotonic_s(), own, children, parse_pairs(_text("/proc/self/io")))


def reset_peak() -> bool:
    """Let the kernel forget this process' peak of resident memory; return whether it did."""
    try:
        descriptor = _open("/proc/self/clear_refs", os.O_WRONLY)
        try:
            _write(descriptor, _RESET_PEAK)
        finally:
            _close(descriptor)
    except OSError:
        return False
    return True


def read_peak() -> int | None:
    """Return the peak of resident memory since it was reset, in bytes; ``None`` if the kernel has none."""
    kib = parse_pairs(_text("/proc/self/status")).get("VmHWM")
    return None if kib is None else kib * 1024


def parse_pairs(text: str) -> dict[str, int]:
    """Return the whole numbers of a text of ``name: number`` a line (pure)."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        number = value.split()[0] if value.split() else ""
        if number.isascii() and number.isdigit():
            found[name] = int(number)
    return found


def used(before: Counters, after: Counters, peak_bytes: int | None) -> Used:
    """Return the difference of two readings (pure).

    Args:
        before: what had been used when the test began.
        after: what had been used when it ended.
        peak_bytes: this process' own peak since it was reset; ``None`` if that could not be had.
    """

    def grown(field: str) -> float:
        pairs = ((before.own, after.own), (before.children, after.children))
        return float(sum(max(getattr(two, field) - getattr(one, field), 0) for one, two in pairs))

    missing: dict[str, str] = {}
    memory = _peak(before, after, peak_bytes, missing)
    moved: dict[str, int | None] = {}
    for name in ("read_bytes", "write_bytes"):
        one, two = before.io.get(name), after.io.get(name)
        moved[name] = None if one is None or two is None else max(two - one, 0)
        if moved[name] is None:
            missing[f"io.{name}"] = "/proc/self/io is not readable"
    return Used(
        wall_s=after.at_s - before.at_s,
        user_s=grown("ru_utime"),
        system_s=grown("ru_stime"),
        minor=int(grown("ru_minflt")),
        major=int(grown("ru_majflt")),
        voluntary=int(grown("ru_nvcsw")),
        involuntary=int(grown("ru_nivcsw")),
        max_rss_bytes=memory,
        read_bytes=moved["read_bytes"],
        write_bytes=moved["write_bytes"],
        missing=missing,
    )


def _peak(before: Counters, after: Counters, own: int | None, missing: dict[str, str]) -> int | None:
    """The largest resident memory of one process. The kernel keeps one mark for all children ever, which only rises."""
    path = "memory.max_rss_bytes"
    earlier, mark = before.children.ru_maxrss * 1024, after.children.ru_maxrss * 1024
    waited = after.children.ru_minflt > before.children.ru_minflt
    if own is None:
        missing[path] = "the kernel does not reset a process' peak, and earlier tests are in it"
        return None
    if mark > earlier:
        return max(own, mark)
    if waited and mark > own:
        missing[path] = "a child of an earlier test used more, and hides what a child of this test used"
        return None
    return own


def _text(path: str) -> str:
    try:
        descriptor = _open(path, os.O_RDONLY)
        try:
            return _read(descriptor, _MOST_BYTES).decode("ascii", "replace")
        finally:
            _close(descriptor)
    except OSError:
        return ""
