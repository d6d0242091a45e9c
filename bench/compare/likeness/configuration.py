"""In what way a result ran, in the few words that set its group apart from others of its diagnostic (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from bench.compare.likeness.differences import differences
from bench.record.schema import Experiment, Limits, Record
from bench.units import counted


def _cpus(limits: Limits) -> str:
    return counted(limits.cpus or 0, "CPU") + (", threads not set" if limits.threads is None else "")


def _threads(limits: Limits) -> str:
    """Nothing if there are as many threads as CPUs: a CPU limit sets so many unless told otherwise."""
    if limits.threads is None or (limits.cpus is not None and limits.threads - 1 < limits.cpus <= limits.threads):
        return ""
    return counted(limits.threads, "thread")


def _memory(limits: Limits) -> str:
    """All digits, since two limits that differ are two groups."""
    size = float(limits.memory_bytes or 0)
    unit, scale = ("GiB", 2**30) if size >= 2**30 else ("MiB", 2**20)
    return f"{size / scale:.13g} {unit}"


_WORDS: Mapping[str, Callable[[Record], str]] = {
    "profile": lambda record: str(record.diagnostic.profile),
    "variant": lambda record: str(record.variant),
    "limits.cpus": lambda record: _cpus(record.engine.limits),
    "limits.cpuset": lambda record: f"on CPUs {record.engine.limits.cpuset}",
    "limits.threads": lambda record: _threads(record.engine.limits),
    "limits.memory_bytes": lambda record: _memory(record.engine.limits),
    "engine": lambda record: f"{record.engine.name} engine",
}


def setup_of(record: Record) -> tuple[str, ...]:
    """Return what was chosen otherwise than ``bench run NAME`` does, in words, by the comparison's own rule.

    Builds, variables and the state of a host change under a diagnostic as time goes on: they belong to its history
    (:func:`bench.report.trend.bands`), not to its name. The sides of an experiment each stand apart.
    """
    bare = msgspec.structs.replace(record, runs=())  # nothing that is chosen shows in the runs alone
    plain = msgspec.structs.replace(
        bare,
        variant=None,
        diagnostic=msgspec.structs.replace(record.diagnostic, profile="full"),
        engine=msgspec.structs.replace(record.engine, name="docker", limits=Limits()),
    )
    found = {one.name for one in differences(plain, bare) if one.forces is not None}
    words = tuple(text for name, words in _WORDS.items() if name in found and (text := words(record)))
    told = record.experiment
    return (*words, f"{told.side} of experiment {told.id}") if isinstance(told, Experiment) else words
