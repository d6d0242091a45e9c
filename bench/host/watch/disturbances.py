"""What disturbed a run, decided from what a watcher saw: pure.

Each bound below is the least that is worth a reader's attention; none of them changes a verdict by itself.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import asdict, dataclass, field

from bench.host.watch.watcher import Sample, Summary
from bench.record.schema import Run, Warning_
from bench.times import parse_moment
from bench.units import percent, seconds, size

STEAL_RATIO = 0.01
"""Stolen share of the CPU time that was wanted. Below, a virtual machine's usual bookkeeping."""

OTHERS_RATIO = 0.05
"""Share of the machine's CPUs that others used; an idle desktop uses 1 to 3 %."""

LEAST_OTHERS_CPUS = 0.1
LEAST_WINDOW_S = 1.0
"""In less than a second, ticks of 10 ms and the engine's own start-up decide, not the neighbours."""

FREQUENCY_RATIO = 0.10
LEAST_FREQUENCIES = 5
SWAPPED_BYTES = 1 << 20
THROTTLED_RATIO = 0.01
"""Throttled time as a share of the run's wall time."""

THERMAL_MARGIN_C = 3.0


@dataclass(frozen=True, slots=True)
class During:
    """The figures of one run's window; ``None`` where they could not be had. For the record and for the page.

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
    """The figures of ``run``'s window within ``summary``; of the whole watch where the run's times do not lie in it."""
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


def disturbances(summary: Summary, run: Run) -> tuple[Warning_, ...]:
    """The warnings that a run deserves: ``host_loaded cpu_steal frequency_changed swapping throttled thermal``.

    ``throttled`` is the run's own quota and comes from its control group; the others are the machine's.
    """
    seen = during(summary, run)
    long_enough = seen.window_s >= LEAST_WINDOW_S
    found = (
        _host_loaded(seen, summary.cpus) if long_enough else None,
        _cpu_steal(seen) if long_enough else None,
        _frequency_changed(seen),
        _swapping(seen),
        throttled(run),
        _thermal(seen, summary.temperature_limit_c),
    )
    return tuple(warning for warning in found if warning is not None)


def _host_loaded(seen: During, cpus: int) -> Warning_ | None:
    others = seen.others_cpus
    if others is None or others < max(LEAST_OTHERS_CPUS, OTHERS_RATIO * cpus):
        return None
    return Warning_("host_loaded", f"other processes used {others:.2f} of the machine's {cpus} CPUs", others, "cpus")


def _cpu_steal(seen: During) -> Warning_ | None:
    ratio = seen.steal_ratio
    if ratio is None or seen.stolen_s is None or ratio < STEAL_RATIO or seen.stolen_s < 0.1:
        return None
    return Warning_(
        "cpu_steal", f"the hypervisor took {percent(ratio)} of the CPU time that was wanted", ratio, "ratio"
    )


def _frequency_changed(seen: During) -> Warning_ | None:
    low, high = seen.frequency_min_hz, seen.frequency_max_hz
    if low is None or high is None or high <= 0 or 1 - low / high < FREQUENCY_RATIO:
        return None
    drop = 1 - low / high
    message = f"the fastest CPU ran between {low / 1e9:.2f} and {high / 1e9:.2f} GHz, {percent(drop)} apart"
    return Warning_("frequency_changed", message, drop, "ratio")


def _swapping(seen: During) -> Warning_ | None:
    if seen.swapped_bytes is None or seen.swapped_bytes < SWAPPED_BYTES:
        return None
    return Warning_(
        "swapping", f"the machine swapped {size(seen.swapped_bytes)} in and out", float(seen.swapped_bytes), "bytes"
    )


def throttled(run: Run) -> Warning_ | None:
    """What the run's own CPU limit cost it, by its control group: known of any host."""
    throttled_s = run.cpu.throttled_s
    if not throttled_s or not run.wall_s or throttled_s < THROTTLED_RATIO * run.wall_s:
        return None
    periods = f" in {run.cpu.throttled_periods} periods" if run.cpu.throttled_periods else ""
    return Warning_(
        "throttled", f"the run's CPU limit held it back for {seconds(throttled_s)}{periods}", throttled_s, "s"
    )


def _thermal(seen: During, limit_c: float) -> Warning_ | None:
    if seen.throttle_events:
        message = f"the CPU's thermal protection acted {seen.throttle_events} times"
        return Warning_("thermal", message, float(seen.throttle_events), "events")
    hottest = seen.temperature_max_c
    if hottest is None or hottest < limit_c - THERMAL_MARGIN_C:
        return None
    return Warning_("thermal", f"the CPU reached {hottest:.0f} °C of {limit_c:.0f} °C permitted", hottest, "c")


def _used_s(run: Run) -> float | None:
    """The CPU seconds of the run itself: the group's total, else the process accounting."""
    if run.cpu.total_s is not None:
        return run.cpu.total_s
    if run.cpu.user_s is None or run.cpu.system_s is None:
        return None
    return run.cpu.user_s + run.cpu.system_s


def _window(summary: Summary, run: Run) -> tuple[float, float]:
    """The run's start and end in seconds of the watch.

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


NO_PRESSURE = "the kernel keeps no pressure figures (CONFIG_PSI off, or not booted with psi=1)"
REASONS = {
    "others_cpus": "the run's own CPU time is not known",
    "steal_ratio": "no CPU was busy between two samples",
    "load_max": "no sample fell within the run",
    "frequency_min_hz": f"fewer than {LEAST_FREQUENCIES} samples of a frequency fell within the run",
    "frequency_max_hz": f"fewer than {LEAST_FREQUENCIES} samples of a frequency fell within the run",
    "temperature_max_c": "no sensor of the CPU (usual in a VM), or no sample fell within the run",
    "throttle_events": "the kernel counts none here (Intel's CPUs have the counters)",
    "pressure_cpu_ratio": NO_PRESSURE,
    "pressure_memory_ratio": NO_PRESSURE,
    "pressure_io_ratio": NO_PRESSURE,
}


@dataclass(frozen=True, slots=True)
class Watched:
    """Figures by their name in ``host_during``, reasons by path in the run, and the warnings of the run."""

    figures: dict[str, float | None] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    warnings: tuple[Warning_, ...] = ()


def watched(summary: Summary, run: Run) -> Watched:
    """What a watcher saw of the host while ``run`` ran. A watch with a gap is said: it may have missed something."""
    if len(summary.samples) < 2:
        return not_watched(summary.problem or "fewer than two samples were taken", run)
    seen = during(summary, run)
    figures = asdict(seen)
    missing = {f"host_during.{name}": _reason(name, seen) for name, value in figures.items() if value is None}
    gap = (_warning(f"not all the time: {summary.problem}"),) if summary.problem else ()
    return Watched(figures, missing, (*disturbances(summary, run), *gap))


def not_watched(why: str, run: Run) -> Watched:
    """A host that nobody watched is not a quiet one. The run's own quota is told by its control group all the same."""
    own = throttled(run)
    return Watched({}, {"host_during": why}, (*((own,) if own else ()), _warning(why)))


def _warning(why: str) -> Warning_:
    return Warning_("host_not_watched", f"what else the host did during the run is not known: {why}")


def _reason(name: str, seen: During) -> str:
    return "the watch was too short" if seen.window_s <= 0 else REASONS.get(name, "the kernel does not tell")
