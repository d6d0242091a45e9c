"""What was seen of the host during a run, as the record keeps it: figures, warnings, and why there are none."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from bench.host.disturbances import LEAST_FREQUENCIES, During, disturbances, during, throttled
from bench.host.neighbours import Summary
from bench.record.schema import Run, Warning_

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
