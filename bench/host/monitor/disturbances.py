"""What disturbed a run, decided from what a monitor saw: pure.

Each bound below is the least that is worth a reader's attention; none of them changes a verdict by itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from bench.host.monitor.figures import LEAST_FREQUENCIES, During, during
from bench.host.monitor.monitor import Summary
from bench.record.schema import Run, Warning_
from bench.units import percent, seconds, size

STEAL_RATIO = 0.01
"""Stolen share of the CPU time that was wanted. Below, a virtual machine's usual bookkeeping."""

OTHERS_RATIO = 0.05
"""Share of the machine's CPUs that others used; an idle desktop uses 1 to 3 %."""

LEAST_OTHERS_CPUS = 0.1
LEAST_WINDOW_S = 1.0
"""In less than a second, ticks of 10 ms and the engine's own start-up decide, not the neighbours."""

FREQUENCY_RATIO = 0.10
SWAPPED_BYTES = 1 << 20
THROTTLED_RATIO = 0.01
"""Throttled time as a share of the run's wall time."""

THERMAL_MARGIN_C = 3.0


def disturbances(summary: Summary, run: Run) -> tuple[Warning_, ...]:
    """Return the warnings that a run deserves: ``host_loaded cpu_steal frequency_changed swapping throttled thermal``.

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
    return Warning_("host_loaded", f"others used {others:.1f} of {cpus} CPUs", others, "cpus")


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
    """Return the warning of what a run's own CPU limit cost it, by its control group: known of any host."""
    throttled_s = run.cpu.throttled_s
    if not throttled_s or not run.wall_s or throttled_s < THROTTLED_RATIO * run.wall_s:
        return None
    periods = f" in {run.cpu.throttled_periods} periods" if run.cpu.throttled_periods else ""
    above = "those above" in run.sources.get("cpu.throttled_s", "")
    whose = "a CPU limit of its group or of one above" if above else "the run's CPU limit"
    return Warning_("throttled", f"{whose} held it back for {seconds(throttled_s)}{periods}", throttled_s, "s")


def _thermal(seen: During, limit_c: float) -> Warning_ | None:
    if seen.throttle_events:
        message = f"the CPU's thermal protection acted {seen.throttle_events} times"
        return Warning_("thermal", message, float(seen.throttle_events), "events")
    hottest = seen.temperature_max_c
    if hottest is None or hottest < limit_c - THERMAL_MARGIN_C:
        return None
    return Warning_("thermal", f"the CPU reached {hottest:.0f} °C of {limit_c:.0f} °C permitted", hottest, "c")


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
class Monitored:
    """Figures by their name in ``host_during``, reasons by path in the run, and the warnings of the run."""

    figures: dict[str, float | None] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    warnings: tuple[Warning_, ...] = ()


def monitored(summary: Summary, run: Run) -> Monitored:
    """Return what a monitor saw of the host while ``run`` ran, with a warning if it has a gap."""
    if len(summary.samples) < 2:
        return not_monitored(summary.problem or "fewer than two samples were taken", run)
    seen = during(summary, run)
    figures = asdict(seen)
    missing = {f"host_during.{name}": _reason(name, seen) for name, value in figures.items() if value is None}
    gap = (_warning(f"not all the time: {summary.problem}"),) if summary.problem else ()
    return Monitored(figures, missing, (*disturbances(summary, run), *gap))


def not_monitored(why: str, run: Run) -> Monitored:
    """Return that nobody monitored the host, with the reason: that is not a quiet host.

    The run's own quota is told by its control group all the same.
    """
    own = throttled(run)
    return Monitored({}, {"host_during": why}, (*((own,) if own else ()), _warning(why)))


def _warning(why: str) -> Warning_:
    return Warning_("host_not_watched", f"what else the host did during the run is not known: {why}")


def _reason(name: str, seen: During) -> str:
    return "the monitor ran too short" if seen.window_s <= 0 else REASONS.get(name, "the kernel does not tell")
