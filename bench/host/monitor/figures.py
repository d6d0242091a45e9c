"""The figures of what the host did during a run, from what a monitor saw: pure."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from bench.host.monitor.monitor import Sample, Summary
from bench.record.schema import Run
from bench.times import parse_moment

LEAST_FREQUENCIES = 5


@dataclass(frozen=True, slots=True)
class During:
    """The figures of one run's window; ``None`` if they could not be had. For the record and for the page.

    ``steal_ratio`` is stolen over wanted (busy and stolen) CPU time; ``others_cpus`` what neither the run nor this
    process used, in CPUs; pressures are shares of the window in which some task of the machine waited.
    """

    window_s: float
    others_cpus: float | None = None
    steal_ratio: float | None = None
    stolen_s: float | None = None
    load_max: float | None = None
    frequency_min_hz: float | None = None
    frequency_max_hz: float | None = None
    temperature_max_c: float | None = None
    swapped_bytes: int | None = None
    throttle_events: int | None = None
    pressure_cpu_ratio: float | None = None
    pressure_memory_ratio: float | None = None
    pressure_io_ratio: float | None = None


def during(summary: Summary, run: Run) -> During:
    """Return the figures of ``run``'s window within ``summary``; of all of it if the run's times do not lie in it."""
    if len(summary.samples) < 2:
        return During(window_s=0.0)
    start_s, end_s = _window(summary, run)
    first, last = _at(summary.samples, start_s), _at(summary.samples, end_s)
    window_s = end_s - start_s
    inside = [sample for sample in summary.samples if start_s <= sample.t_s <= end_s]
    stolen_s, busy_s = last.steal_s - first.steal_s, last.busy_s - first.busy_s
    used_s = _used_s(run)
    others_s = None if used_s is None else busy_s - used_s - (last.own_s - first.own_s)
    frequencies = _middle([sample.frequency_hz for sample in inside])
    return During(
        window_s=window_s,
        others_cpus=None if others_s is None or window_s <= 0 else max(0.0, others_s / window_s),
        steal_ratio=stolen_s / (busy_s + stolen_s) if busy_s + stolen_s > 0 else None,
        stolen_s=stolen_s,
        load_max=max((sample.load for sample in inside if sample.load is not None), default=None),
        frequency_min_hz=min(frequencies, default=None),
        frequency_max_hz=max(frequencies, default=None),
        temperature_max_c=max((s.temperature_c for s in inside if s.temperature_c is not None), default=None),
        swapped_bytes=_grown(first.swapped_bytes, last.swapped_bytes),
        throttle_events=summary.throttle_events,
        pressure_cpu_ratio=_share(first.pressure_cpu_s, last.pressure_cpu_s, window_s),
        pressure_memory_ratio=_share(first.pressure_memory_s, last.pressure_memory_s, window_s),
        pressure_io_ratio=_share(first.pressure_io_s, last.pressure_io_s, window_s),
    )


def _used_s(run: Run) -> float | None:
    """The CPU seconds of the run itself: the group's total, else the process accounting."""
    if run.cpu.total_s is not None:
        return run.cpu.total_s
    if run.cpu.user_s is None or run.cpu.system_s is None:
        return None
    return run.cpu.user_s + run.cpu.system_s


def _window(summary: Summary, run: Run) -> tuple[float, float]:
    """The run's start and end in seconds since the monitor's start.

    The start comes from a wall clock, which may have been stepped: times that do not fit are not believed.
    """
    begin_s, end_s = summary.samples[0].t_s, summary.samples[-1].t_s
    started = parse_moment(run.started_at)
    if started is None or run.wall_s is None:
        return begin_s, end_s
    start_s = started.timestamp() - summary.started_at
    stop_s = start_s + run.wall_s
    if start_s < begin_s - 1 or stop_s > end_s + 1:
        return begin_s, end_s
    return max(begin_s, start_s), min(end_s, stop_s)


def _at(samples: tuple[Sample, ...], t_s: float) -> Sample:
    """The cumulative figures at ``t_s``, on the straight line between the samples around it."""
    index = bisect_left(samples, t_s, key=lambda sample: sample.t_s)
    if index == 0:
        return samples[0]
    if index == len(samples):
        return samples[-1]
    left, right = samples[index - 1], samples[index]
    part = (t_s - left.t_s) / (right.t_s - left.t_s)

    def between(a: float, b: float) -> float:
        return a + (b - a) * part

    def between_known(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else between(a, b)

    swapped = between_known(left.swapped_bytes, right.swapped_bytes)
    return Sample(
        t_s=t_s,
        busy_s=between(left.busy_s, right.busy_s),
        steal_s=between(left.steal_s, right.steal_s),
        idle_s=between(left.idle_s, right.idle_s),
        own_s=between(left.own_s, right.own_s),
        swapped_bytes=None if swapped is None else round(swapped),
        pressure_cpu_s=between_known(left.pressure_cpu_s, right.pressure_cpu_s),
        pressure_memory_s=between_known(left.pressure_memory_s, right.pressure_memory_s),
        pressure_io_s=between_known(left.pressure_io_s, right.pressure_io_s),
    )


def _middle(values: list[float | None]) -> list[float]:
    """The known values without the lowest and highest twentieth: one odd sample is no change of frequency."""
    known = sorted(value for value in values if value is not None)
    if len(known) < LEAST_FREQUENCIES:
        return []
    cut = -(-len(known) // 20)
    return known[cut:-cut]


def _grown(first: int | None, last: int | None) -> int | None:
    return None if first is None or last is None else last - first


def _share(first: float | None, last: float | None, window_s: float) -> float | None:
    return None if first is None or last is None or window_s <= 0 else (last - first) / window_s
