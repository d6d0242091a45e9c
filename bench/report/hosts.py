"""What a result tells of its host: class, limits, build and state, and which of it differs between hosts (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench import units
from bench.record.schema import Record
from bench.report.presentation import build_of, engine_text


def _text(value: object) -> str:
    if value is None:
        return units.NOT_KNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _size(value: float | None) -> str:
    return units.size(value)


FACTS: Mapping[str, Callable[[Record], str]] = {
    "CPU": lambda record: _text(record.host.class_.cpu_model),
    "stepping": lambda record: _text(record.host.class_.cpu_stepping),
    "microcode": lambda record: _text(record.host.class_.microcode),
    "cores": lambda record: _text(record.host.class_.cores),
    "threads": lambda record: _text(record.host.class_.threads),
    "NUMA nodes": lambda record: _text(record.host.class_.numa_nodes),
    "memory": lambda record: _size(record.host.class_.memory_bytes),
    "kernel": lambda record: _text(record.host.class_.kernel),
    "virtualization": lambda record: _text(record.host.class_.virtualization),
    "GPU": lambda record: _text(record.host.class_.gpu),
    "driver": lambda record: _text(record.host.class_.driver),
    "engine": engine_text,
    "cgroup": lambda record: "v" + _text(record.engine.cgroup_version) if record.engine.cgroup_version else _text(None),
    "CPU limit": lambda record: _text(record.engine.limits.cpus),
    "CPU set": lambda record: _text(record.engine.limits.cpuset),
    "memory limit": lambda record: _size(record.engine.limits.memory_bytes),
    "thread limit": lambda record: _text(record.engine.limits.threads),
    "governor": lambda record: _text(record.host.before.governor),
    "boost": lambda record: _text(record.host.before.boost),
    "huge pages": lambda record: _text(record.host.before.thp),
    "load before": lambda record: _text(record.host.before.load),
    "frequency before": lambda record: units.hertz(record.host.before.frequency_hz),
    "swap used before": lambda record: _size(record.host.before.swap_used_bytes),
    "Python": lambda record: _text(getattr(build_of(record), "python", None)),
    "torch": lambda record: _text(getattr(build_of(record), "torch", None)),
}
"""What a host's line may say: class, limits and build of the newest result, state from before its first run."""


def differing_facts(records: Sequence[Record]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the facts in which hosts differ, each with a text a host, and those that they share and that are known.

    Args:
        records: the newest result of each host.
    """
    values = {name: [fact(record) for record in records] for name, fact in FACTS.items()}
    differing = {name: texts for name, texts in values.items() if len(set(texts)) > 1}
    shared = {name: texts[0] for name, texts in values.items() if len(set(texts)) == 1 and texts[0] != units.NOT_KNOWN}
    return differing, shared


def calibrations(records: Sequence[Record]) -> list[str]:
    """Return the figures of the calibration that any of the results has, in the order of their names."""
    return sorted({metric for record in records for metric in record.calibration.before})


def calibration_text(metric: str, value: float | None) -> str:
    """Return a figure of the calibration with its unit."""
    if value is None:
        return units.NOT_KNOWN
    if metric.endswith("_bytes_per_s"):
        return f"{units.size(value)}/s"
    return units.seconds(value) if metric.endswith("_s") else f"{value:.4g}"


def calibration_name(metric: str) -> str:
    """Return what a figure of the calibration is called in a table."""
    spoken = metric.removesuffix("_bytes_per_s").removesuffix("_per_s").removesuffix("_s").replace("_", " ")
    return f"calibration: {spoken}"
