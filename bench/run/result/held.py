"""Limits that were asked for, against those that were read inside: an engine may apply none of them (pure).

A rootless engine on version 1 of control groups makes no group at all and reports no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bench.cpuset import parse_cpu_list
from bench.record.schema import Limits, Run, Warning_
from bench.run.plan import PIDS

CODE = "limit_not_held"
ROUNDING = 0.01
"""A quota is a whole number of microseconds a period, and memory is counted in pages."""
_CONTROLLERS = {"cpus": "cpu", "memory_bytes": "memory", "pids": "pids"}
_OPTIONS = {"cpus": "--cpus", "cpuset": "--cpuset", "memory_bytes": "--memory", "pids": "--pids"}


def with_limits_held(run: Run, limits: Limits) -> Run:
    """Return the run; not measured if a limit that was asked for did not hold it.

    The bound on processes that every run has is a guard and no limit of the measurement: without it there is a warning.

    Args:
        run: the run as it was read.
        limits: what was asked for.
    """
    problems = dict(_problems(run.cgroup, limits))
    if not problems:
        return run
    options = ", ".join(_OPTIONS[name] for name in problems)
    message = f"the engine did not apply {options}: {'; '.join(problems.values())}"
    run = msgspec.structs.replace(run, warnings=(*run.warnings, Warning_(CODE, message)))
    if run.outcome == "interrupted" or (problems.keys() == {"pids"} and limits.pids == PIDS):
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
        if name in read:
            if not _bounds(read[name], asked):
                found = f"{read[name]:g}" if isinstance(read[name], int | float) else "none"
                yield name, f"{asked:g} was asked for, and {found} holds in the run's group"
        elif not _hidden(cgroup, controller):
            yield name, f"{asked:g} was asked for, and the run had no {controller} group of its own"
    cpus = read.get("cpuset")
    if limits.cpuset is not None and isinstance(cpus, str) and not _within(cpus, limits.cpuset):
        yield "cpuset", f"CPUs {limits.cpuset} were asked for, and the run could use {cpus}"


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
