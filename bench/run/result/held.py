"""Limits that were asked for, against those that were read inside: an engine may apply none of them (pure).

A rootless engine on version 1 of control groups makes no group at all and reports no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bench import units
from bench.cpuset import parse_cpu_list
from bench.record.schema import Limits, Run, Warning_
from bench.run.plan import PIDS

CODE = "limit_not_held"
ROUNDING = 0.01
"""A quota is a whole number of microseconds a period, and memory is counted in pages."""
_CONTROLLERS = {"cpus": "cpu", "memory_bytes": "memory", "pids": "pids"}
_OPTIONS = {"cpus": "--cpus", "memory_bytes": "--memory", "pids": "--pids"}


def with_limits_held(run: Run, limits: Limits) -> Run:
    """Return the run; not measured if a limit that was asked for did not hold it.

    The bound on processes that every run has is a guard and no limit of the measurement: without it there is a warning.

    Args:
        run: the run as it was read.
        limits: what was asked for.
    """
    problems = dict(_problems(run.cgroup, limits))
    guard = problems.pop("pids", None) if limits.pids == PIDS else None
    message = f"the engine did not apply {', '.join(problems.values())}"
    told = [message] if problems else []
    if guard is not None:
        told.append(f"the engine did not apply the bound that each run has, {guard}")
    run = msgspec.structs.replace(run, warnings=(*run.warnings, *(Warning_(CODE, one) for one in told)))
    if run.outcome == "interrupted" or not problems:
        return run
    return msgspec.structs.replace(run, outcome="not_measured", signature=message)


def _problems(cgroup: Mapping[str, Any], limits: Limits) -> Iterator[tuple[str, str]]:
    read = cgroup.get("limits")
    if not isinstance(read, Mapping):
        return
    for name, controller in _CONTROLLERS.items():
        asked = getattr(limits, name)
        if asked is None:
            continue
        option = f"{_OPTIONS[name]} {_shown(name, asked)}"
        if name in read:
            if not _bounds(read[name], asked):
                yield name, f"{option} ({_shown(name, read[name])} holds in the run's group)"
        elif not _hidden(cgroup, controller):
            yield name, f"{option} (the run had no {controller} group of its own)"
    cpus = read.get("cpuset")
    if limits.cpuset is not None and isinstance(cpus, str) and not _within(cpus, limits.cpuset):
        yield "cpuset", f"--cpuset {limits.cpuset} (the run could use CPUs {cpus})"


def _shown(name: str, value: object) -> str:
    if not isinstance(value, int | float):
        return "none"
    return units.size(value) if name == "memory_bytes" else f"{value:g}"


def _bounds(read: object, asked: float) -> bool:
    return isinstance(read, int | float) and read <= asked * (1 + ROUNDING)


def _within(read: str, asked: str) -> bool:
    try:
        return parse_cpu_list(read) <= parse_cpu_list(asked)
    except ValueError:
        return True


def _hidden(cgroup: Mapping[str, Any], controller: str) -> bool:
    """Whether the group could not be looked at from inside, so that nothing is known of its limits."""
    hidden = cgroup.get("hidden")
    return isinstance(hidden, Mapping) and (controller in hidden or "" in hidden)
