"""Monitor a machine while something is measured on it: one light thread, a sample a second.

    with HostMonitor() as monitor:
        ...  # the run
    warnings = disturbances(monitor.summary(), run)     # bench.host.monitor.disturbances

A monitor sees the machine that it runs on. For a run on another host's engine that is the wrong one: do not start
it. Its cost is held under :data:`MOST_COST` of a core: if a sample is dear (many CPUs), they become rarer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil

from bench.host.kernel_files import SENSOR_FILES, read_texts
from bench.host.monitor.readings import (
    CPUINFO,
    FREQUENCIES,
    PRESSURES,
    THROTTLE_FILES,
    fastest_hz,
    hottest_c,
    throttle_count,
    waited_s,
)
from bench.host.sensors import cpu_limit_c, cpu_sensor_paths

INTERVAL_S = 1.0
MOST_COST = 0.001
"""The share of one core that monitoring may take."""

MOST_SAMPLES = 4096
"""Kept at most; past that every second one is dropped and they are taken half as often."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment. Times are cumulative CPU seconds of all CPUs; a value that the kernel does not offer is ``None``.

    ``own_s`` is this process's own CPU time; ``frequency_hz`` that of the fastest CPU, which is one that works;
    ``swapped_bytes`` counts both ways; ``pressure_*_s`` are the seconds in which some task waited.
    """

    t_s: float
    busy_s: float
    steal_s: float
    idle_s: float
    own_s: float
    load: float | None = None
    swapped_bytes: int | None = None
    frequency_hz: float | None = None
    temperature_c: float | None = None
    pressure_cpu_s: float | None = None
    pressure_memory_s: float | None = None
    pressure_io_s: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a monitor saw. ``started_at`` is Unix time; ``t_s`` of a sample counts from it on the monotonic clock.

    ``throttle_events`` is how often the CPU's own thermal protection acted (Intel counts it; ``None`` elsewhere);
    ``cost_s`` the CPU time that monitoring took; ``problem`` the first error of a sample, or empty.
    """

    started_at: float
    cpus: int
    samples: tuple[Sample, ...]
    throttle_events: int | None = None
    temperature_limit_c: float = 95.0
    cost_s: float = 0.0
    problem: str = ""


class HostMonitor:
    """Samples the machine from ``__enter__`` to ``__exit__``; :meth:`summary` can be asked during and after.

    Args:
        interval_s: seconds between two samples, at least.
        root: where the kernel's files lie.
        take: takes one sample, given the seconds since the start; for tests.
    """

    def __init__(
        self, interval_s: float = INTERVAL_S, root: str = "/", take: Callable[[float], Sample] | None = None
    ) -> None:
        self._interval_s = interval_s
        self._root = root
        sensors = read_texts(SENSOR_FILES, root)
        self._sensors = cpu_sensor_paths(sensors)
        self._limit_c = cpu_limit_c(sensors)
        self._take = take or self._sample
        self._samples: list[Sample] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._follow, name="bench-monitor", daemon=True)
        self._cost_s = 0.0
        self._problem = ""
        self._throttles: int | None = None
        self._started_at = 0.0
        self._zero_s = 0.0

    def __enter__(self) -> Self:
        self._started_at, self._zero_s = time.time(), time.monotonic()
        self._throttles = throttle_count(read_texts(THROTTLE_FILES, self._root))
        self._add()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=5.0)
        self._add()

    def summary(self) -> Summary:
        """Return what was seen so far."""
        now = throttle_count(read_texts(THROTTLE_FILES, self._root))
        events = None if now is None or self._throttles is None else now - self._throttles
        with self._lock:
            samples = tuple(self._samples)
        return Summary(
            started_at=self._started_at,
            cpus=psutil.cpu_count() or 1,
            samples=samples,
            throttle_events=events,
            temperature_limit_c=self._limit_c,
            cost_s=self._cost_s,
            problem=self._problem,
        )

    def _follow(self) -> None:
        interval_s, taken = self._interval_s, 0
        wait_s = interval_s
        while not self._stop.wait(wait_s):
            before_s = time.thread_time()
            self._add()
            self._cost_s += time.thread_time() - before_s
            taken += 1
            interval_s *= 2 if self._thin() else 1
            wait_s = max(interval_s, self._cost_s / taken / MOST_COST)

    def _add(self) -> None:
        try:
            sample = self._take(time.monotonic() - self._zero_s)
        except (OSError, RuntimeError, psutil.Error) as error:
            # A monitor must never end what it follows; the summary tells that there is a gap.
            self._problem = self._problem or f"{type(error).__name__}: {error}"
            return
        with self._lock:
            self._samples.append(sample)

    def _thin(self) -> bool:
        with self._lock:
            if len(self._samples) < MOST_SAMPLES:
                return False
            del self._samples[1::2]
            return True

    def _sample(self, t_s: float) -> Sample:
        times = psutil.cpu_times()
        waited = waited_s(read_texts((PRESSURES,), self._root))
        return Sample(
            t_s=t_s,
            busy_s=times.user + times.nice + times.system + times.irq + times.softirq,
            steal_s=times.steal,
            idle_s=times.idle + times.iowait,
            own_s=time.process_time(),
            load=psutil.getloadavg()[0],
            swapped_bytes=_swapped_bytes(),
            frequency_hz=self._fastest_hz(),
            temperature_c=hottest_c(read_texts(self._sensors, self._root)),
            pressure_cpu_s=waited["cpu"],
            pressure_memory_s=waited["memory"],
            pressure_io_s=waited["io"],
        )

    def _fastest_hz(self) -> float | None:
        found = fastest_hz(read_texts((FREQUENCIES,), self._root))
        return fastest_hz(read_texts((CPUINFO,), self._root)) if found is None else found


def _swapped_bytes() -> int:
    swap = psutil.swap_memory()
    return int(swap.sin + swap.sout)
