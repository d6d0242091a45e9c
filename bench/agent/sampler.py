"""Samples the group at a steady rate: a CSV line each, the largest values seen, and an event for the person who
waits.
"""

from __future__ import annotations

from typing import NamedTuple

from .cgroup.reading import Group, Reading
from .events import Events
from .out import KeptFile

COUNTERS = (
    "cpu_total_s",
    "cpu_user_s",
    "cpu_system_s",
    "throttled_s",
    "minor_faults",
    "major_faults",
    "read_bytes",
    "write_bytes",
    "cpu_some_s",
    "cpu_full_s",
    "memory_some_s",
    "io_some_s",
)
"""Columns that grow; the file shows the growth since the child's start."""

GAUGES = ("memory_bytes", "anon_bytes", "file_bytes", "swap_bytes", "pids")
"""Columns of the moment."""

RENAMED = {
    "cpu_some_s": "cpu_pressure_some_s",
    "cpu_full_s": "cpu_pressure_full_s",
    "memory_some_s": "memory_pressure_some_s",
    "io_some_s": "io_pressure_some_s",
}
FIRST_AFTER_S = 0.1
EARLY_EVERY_S, EARLY_UNTIL_S = 0.25, 2.0
"""The first samples come early and close together, so that a run of less than a few periods has some."""


class Maxima(NamedTuple):
    """The largest value of each gauge over all samples; ``None`` where none was had."""

    samples: int = 0
    memory_bytes: int | None = None
    anon_bytes: int | None = None
    file_bytes: int | None = None
    swap_bytes: int | None = None
    pids: int | None = None


class Sampler:
    """Reads the group every ``1 / hz`` seconds and writes each sample out at once: a supervisor that is killed leaves
    them.
    """

    def __init__(self, path: str, group: Group, events: Events, hz: float) -> None:
        self._group = group
        self._events = events
        self._period = 1.0 / hz if hz > 0 else None
        self._start = 0.0
        self._before = Reading()
        self.latest = Reading()
        """The newest reading."""
        self._last: tuple[float, float | None] = (0.0, 0.0)
        self._next_s = FIRST_AFTER_S
        self.maxima = Maxima()
        self.error: str | None = None
        self._torn = False
        self._file = KeptFile(path)
        self._put(",".join(("t_s", *(RENAMED.get(name, name) for name in (*COUNTERS, *GAUGES)))))

    def begin(self, start: float, before: Reading) -> None:
        """The child starts now (monotonic seconds), from this reading."""
        self._start, self._before, self.latest = start, before, before

    def next_at(self) -> float | None:
        """When the next sample is due on the monotonic clock; ``None`` where sampling is off."""
        if self._period is None:
            return None
        return self._start + self._next_s

    def sample(self, now: float) -> None:
        """Take one; samples that were missed (a stopped machine) are left out, not made up."""
        if self._period is None:
            return
        elapsed = now - self._start
        reading = self.latest = self._group.read()
        self._next_s = next_after(elapsed, self._period)
        self.write(elapsed, reading)
        self._keep_maxima(reading)
        before = self._before.cpu_total_s
        used = None if reading.cpu_total_s is None or before is None else reading.cpu_total_s - before
        then, used_then = self._last
        ratio = None
        if used is not None and used_then is not None and elapsed > then:
            ratio = max(0.0, (used - used_then) / (elapsed - then))
        self._last = (elapsed, used)
        self._events.emit(
            "sample",
            elapsed_s=round(elapsed, 3),
            cpu_s=used,
            cpu_ratio=ratio,
            memory_bytes=reading.memory_bytes,
            anon_bytes=reading.anon_bytes,
            pids=reading.pids,
        )

    def write(self, elapsed: float, reading: Reading) -> None:
        """Write a line. The last one, after the child's end, is written by this alone: it is no sample of the child."""
        cells = [f"{elapsed:.3f}"]
        for name in COUNTERS:
            value, origin = getattr(reading, name), getattr(self._before, name)
            cells.append("" if value is None or origin is None else _cell(value - origin))
        cells.extend("" if getattr(reading, name) is None else str(getattr(reading, name)) for name in GAUGES)
        self._put(",".join(cells))

    def _keep_maxima(self, reading: Reading) -> None:
        old = self.maxima
        self.maxima = Maxima(
            old.samples + 1,
            _larger(old.memory_bytes, reading.memory_bytes),
            _larger(old.anon_bytes, reading.anon_bytes),
            _larger(old.file_bytes, reading.file_bytes),
            _larger(old.swap_bytes, reading.swap_bytes),
            _larger(old.pids, reading.pids),
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def changed(self) -> str | None:
        """What the tests made of the file, which then was written anew."""
        return self._file.changed

    def _put(self, line: str) -> None:
        data = (b"\n" if self._torn else b"") + line.encode("ascii") + b"\n"
        try:
            done = self._file.write(data)
        except OSError as error:
            self.error = self.error or f"{error.strerror}"
            return
        self._torn = done < len(data) if done else self._torn
        if done < len(data):
            self.error = self.error or "a line was cut"


def next_after(elapsed_s: float, period_s: float) -> float:
    """When the next sample is due, in seconds since the start: on a grid, so that lateness does not add up."""
    step = min(period_s, EARLY_EVERY_S) if elapsed_s < EARLY_UNTIL_S else period_s
    return (int(elapsed_s / step + 0.05) + 1) * step


def _larger(old: int | None, new: int | None) -> int | None:
    return old if new is None else new if old is None else max(old, new)


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6f}"
