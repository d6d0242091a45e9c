"""A plan's limits cut down to what another host has (pure)."""

from __future__ import annotations

import math
from dataclasses import replace

from msgspec import structs

from bench.compare.likeness.differences import THREADS
from bench.cpuset import parse_cpuset
from bench.engine.protocol import Capacity
from bench.record.schema import Limits
from bench.run.plan import Plan


def fitted(plan: Plan, capacity: Capacity, there: int | None = None) -> Plan:
    """Return the plan with limits that this host can give; see :func:`fitted_limits`.

    Args:
        plan: what was asked for.
        capacity: what this host has.
        there: the CPUs of the host that the limits were for.

    Raises:
        UsageError: the plan's list of CPUs is none.
    """
    limits = plan.task.limits
    fit = fitted_limits(limits, capacity, there)
    if fit == limits:
        return plan
    env = dict(plan.task.env)
    if fit.threads != limits.threads:
        # If something else was set for a library, that is its own number.
        env |= {name: str(fit.threads) for name in THREADS if env.get(name) == str(limits.threads)}
    return replace(plan, task=replace(plan.task, limits=fit, env=env))


def fitted_limits(limits: Limits, capacity: Capacity, there: int | None = None) -> Limits:
    """Return limits that this host can give: those beyond it become all that it has.

    Threads that would share fewer CPUs than they had become as many as the CPUs. If they have as many as there, more
    threads than CPUs are part of what was measured.

    Args:
        limits: what was asked for.
        capacity: what this host has.
        there: the CPUs of the host that the limits were for.

    Raises:
        UsageError: the list of CPUs is none.
    """
    cpus, memory = capacity.cpus, capacity.memory_bytes
    fit = Limits(
        cpus=float(min(limits.cpus, cpus)) if limits.cpus is not None and cpus is not None else limits.cpus,
        cpuset=_fitted_cpuset(limits.cpuset, cpus) if limits.cpuset is not None and cpus is not None else limits.cpuset,
        memory_bytes=min(limits.memory_bytes, memory)
        if limits.memory_bytes is not None and memory is not None
        else limits.memory_bytes,
        pids=limits.pids,
        threads=limits.threads,
    )
    had, has = usable_cpus(limits, there), usable_cpus(fit, cpus)
    if fit.threads is None or has is None or (had is not None and had <= has):
        return fit
    return structs.replace(fit, threads=min(fit.threads, math.ceil(has)))


def usable_cpus(limits: Limits, host: int | None) -> float | None:
    """Return the CPUs that limits leave, else those of the ``host``; ``None`` if nobody knows.

    The host's own count only stands in: no engine gives more than it has, and a record need not hold what that was.
    """
    listed = len(parse_cpuset(limits.cpuset)) if limits.cpuset is not None else None
    return min((given for given in (limits.cpus, listed) if given is not None), default=host)


def _fitted_cpuset(text: str, cpus: int) -> str:
    """Those of the CPUs that are here; as many others if none is."""
    wanted = parse_cpuset(text)
    if max(wanted) < cpus:
        return text
    kept = sorted(cpu for cpu in wanted if cpu < cpus) or range(min(len(wanted), cpus))
    return ",".join(map(str, kept))
