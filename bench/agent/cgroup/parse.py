"""The kernel's text formats, as pure functions (Linux: admin-guide/cgroup-v2.rst, cgroup-v1/, accounting/psi.rst)."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

NO_LIMIT = 1 << 60
"""Version 1 writes "no limit" as the largest page-aligned number; anything this large is one."""


class Membership(NamedTuple):
    """One line of /proc/PID/cgroup. The unified hierarchy has number 0 and no controllers."""

    hierarchy: int
    controllers: tuple[str, ...]
    path: str


class Mount(NamedTuple):
    """One line of /proc/PID/mountinfo: ``root`` is the folder of the file system that is seen at ``point``."""

    root: str
    point: str
    kind: str
    options: tuple[str, ...]
    super_options: tuple[str, ...]


def parse_keyed(text: str) -> dict[str, int]:
    """A flat keyed file (``cpu.stat``, ``memory.stat``, ``memory.events``); lines of another form are left out."""
    values = {}
    for line in text.splitlines():
        key, _, word = line.partition(" ")
        value = parse_number(word)
        if value is not None:
            values[key] = value
    return values


def parse_number(text: str) -> int | None:
    """A file with one number; ``max`` is no limit and gives ``None``."""
    try:
        return int(text.strip())
    except ValueError:
        return None


def parse_limit(text: str) -> int | None:
    """A memory limit in bytes, ``None`` where there is none (``max``, or version 1's very large number)."""
    value = parse_number(text)
    return None if value is None or value >= NO_LIMIT else value


def parse_pressure(text: str) -> dict[str, float]:
    """Stall totals in seconds by ``some`` and ``full`` (PSI; the file counts microseconds)."""
    totals = {}
    for line in text.splitlines():
        words = line.split()
        for word in words[1:]:
            total = parse_number(word[6:]) if word.startswith("total=") else None
            if total is not None:
                totals[words[0]] = total / 1e6
    return totals


def parse_io_stat(text: str) -> tuple[int, int]:
    """Bytes read and written, summed over the devices of ``io.stat``."""
    read = written = 0
    for line in text.splitlines():
        for word in line.split()[1:]:
            key, _, value = word.partition("=")
            if key == "rbytes":
                read += parse_number(value) or 0
            elif key == "wbytes":
                written += parse_number(value) or 0
    return read, written


def parse_blkio(text: str) -> tuple[int, int]:
    """Bytes read and written, summed over the devices of a version 1 ``blkio`` file (``8:0 Read 4096``)."""
    read = written = 0
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] == "Read":
            read += parse_number(words[2]) or 0
        elif len(words) == 3 and words[1] == "Write":
            written += parse_number(words[2]) or 0
    return read, written


def counts_in_version_1(controllers: Collection[str], unified: bool) -> bool:
    """Whether a machine counts as version 1: the one rule for machines that mount both.

    It does where a version 1 hierarchy has the memory or the CPU accounting controller, whatever else there is: a
    controller lives in one hierarchy only, so that the unified one is then without, and engines make their groups in
    version 1. Any other controller there (``blkio`` alone) decides only where there is no unified hierarchy.

    Args:
        controllers: those in version 1 hierarchies.
        unified: whether there is a version 2 hierarchy.
    """
    return "memory" in controllers or "cpuacct" in controllers or (bool(controllers) and not unified)


def parse_memberships(text: str) -> list[Membership]:
    """The lines of /proc/PID/cgroup (cgroups(7))."""
    found = []
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number.isdigit():
            found.append(Membership(int(number), tuple(word for word in controllers.split(",") if word), path))
    return found


def parse_mounts(text: str) -> list[Mount]:
    """The lines of /proc/PID/mountinfo (proc_pid_mountinfo(5)); octal escapes are undone."""
    mounts = []
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        words, tail = left.split(" "), right.split(" ")
        if dash and len(words) >= 6 and len(tail) >= 3:
            mounts.append(
                Mount(
                    _unescape(words[3]),
                    _unescape(words[4]),
                    tail[0],
                    tuple(words[5].split(",")),
                    tuple(tail[2].split(",")),
                )
            )
    return mounts


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
