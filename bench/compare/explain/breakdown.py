"""Where the wall time of a result went, as terms that add up to it exactly (pure).

What a control group counts are overlapping bounds, not shares of wall time: CPU seconds of many threads pass in one
wall second, throttled time counts every CPU, pressure counts any task that waits (kernel:
Documentation/accounting/psi.rst, Documentation/admin-guide/cgroup-v2.rst). The convention here, stated with each
term's own bound beside its share:

1. All CPU seconds spread over all CPUs it could run on is the least wall time spent on CPU.
2. What is left may have been waiting. Each kind of waiting gets at most its own bound; together at most what is left,
in proportion, since they overlap.
3. On-CPU time gets what remains, at most the CPU seconds themselves, split as user and system were.
4. The rest is unexplained: idle, sleeping, waiting for something that nobody counts.

A quota does not lessen the CPUs of step 1: it shows as throttling, in step 2.

A task that is ready and has no CPU waits for another task: one of the run, or one of others. Its waiting (the run delay
of ``/proc/TID/schedstat``, Linux: Documentation/scheduler/sched-stats.rst) counts both; what others kept from the run
is no more than the CPU seconds that others used meanwhile. Where no run delay was read, the group's own pressure stands
for it, and without that the whole host's.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from statistics import fmean

import msgspec

from bench.compare.sample import Sample, sample_of, stood_still
from bench.cpuset import parse_cpu_list
from bench.record.schema import Record, Run

NAMES = ("user", "system", "throttled", "cpu_wait", "memory_pressure", "io_pressure", "steal", "rest")
MEANING = {
    "user": "on CPU, in the program",
    "system": "on CPU, in the kernel",
    "throttled": "stopped by the CPU quota",
    "cpu_wait": "waiting for a CPU that others used",
    "memory_pressure": "some task waiting for memory",
    "io_pressure": "some task waiting for I/O",
    "steal": "taken by the hypervisor",
    "rest": "not explained (idle, sleeping or waiting)",
}


class Term(msgspec.Struct, frozen=True):
    """A share of wall time in seconds, and the bound it came from.

    ``bound_s`` is ``None`` if it is not known: that time is then inside the on-CPU terms or the rest.
    """

    name: str
    seconds: float
    bound_s: float | None
    meaning: str


class Budget(msgspec.Struct, frozen=True):
    """Mean over the runs that are explained; ``math.fsum`` of the terms' seconds equals ``wall_s``.

    ``unknown`` names what was not measured; ``efficiency`` is CPU time over wall time times the CPUs given, 0 to 1.
    """

    wall_s: float
    runs: int
    terms: tuple[Term, ...]
    unknown: tuple[str, ...]
    cpu_s: float | None
    cpus: float | None
    efficiency: float | None

    def seconds(self, name: str) -> float:
        """Return the share of one term, in seconds."""
        return next(term.seconds for term in self.terms if term.name == name)


def explainable(record: Record) -> Sample:
    """Return the runs whose time can be explained: those that passed; if none did, those stopped at their timeout.

    Raises:
        DamagedData: a wall time that is none.
    """
    sample = sample_of(record)
    if sample.runs:
        return sample
    runs = tuple(run for run in record.runs if run.outcome == "timed_out" and run.wall_s and not stood_still(run))
    return dataclasses.replace(sample, runs=runs, walls=tuple(run.wall_s for run in runs if run.wall_s))


def budget(sample: Sample) -> Budget | None:
    """Return the budget of the mean of a result's runs; ``None`` if it has none."""
    record, runs = sample.newest, sample.runs
    if not runs:
        return None
    wall = fmean(sample.walls)
    bounds = _bounds(record, runs, wall)
    width = cpus_usable(record)
    user, system = _mean(runs, "cpu", "user_s"), _mean(runs, "cpu", "system_s")
    total = _mean(runs, "cpu", "total_s")
    if total is None and user is not None and system is not None:
        total = user + system
    on_cpu_least = min(wall, total / width) if total is not None and width else 0.0
    waits = _share_out({name: value for name, value in bounds.items() if value is not None}, wall - on_cpu_least)
    on_cpu = min(wall - sum(waits.values()), total) if total is not None else 0.0
    shares = dict(waits)
    if user is not None and system is not None and user + system > 0:
        # A group's total and its two parts come from different clocks; neither part may exceed its own.
        shares["user"] = min(user, on_cpu * (user / (user + system)))
        shares["system"] = min(system, on_cpu * (system / (user + system)))
    known = {**bounds, "user": user, "system": system}
    terms = settle(wall, {name: shares.get(name, 0.0) for name in NAMES[:-1]})
    given = cpus_given(record)
    return Budget(
        wall,
        len(runs),
        tuple(Term(name, terms[name], known.get(name), MEANING[name]) for name in NAMES),
        tuple(name for name in NAMES[:-1] if known[name] is None),
        total,
        given,
        total / wall / given if total is not None and given else None,
    )


def settle(total: float, shares: dict[str, float]) -> dict[str, float]:
    """Return the shares, and a ``rest`` such that ``math.fsum`` of all is ``total``, to the last bit.

    Shares are put on the grid of the largest value's last bit first; what rounding then still leaves goes to the
    smallest.
    """
    largest = max([abs(total), *map(abs, shares.values())], default=0.0)
    grid = math.ulp(largest)
    placed = {name: round(value / grid) * grid if largest else 0.0 for name, value in shares.items()}
    terms = _with_rest(total, placed)
    for name, value in placed.items():
        if math.fsum(terms.values()) == total:
            return terms
        # The rest would need half a last bit more than it has; a share moved by its own last bit gives it.
        terms = _with_rest(total, {**placed, name: math.nextafter(value, 0.0)})
    if math.fsum(terms.values()) == total:
        return terms
    # No last bit of any share reaches down to the total's: a total that small is not a share of anything.
    return {**dict.fromkeys(shares, 0.0), "rest": total}


def _with_rest(total: float, shares: dict[str, float]) -> dict[str, float]:
    """The shares and the rest; what rounding of the rest leaves goes to the smallest that can take it."""
    terms = {**shares, "rest": math.fsum([total, *(-value for value in shares.values())])}
    for name in sorted(terms, key=lambda one: abs(terms[one])):
        left = math.fsum([total, *(-value for value in terms.values())])
        if left == 0:
            break
        terms[name] += left
    return terms


def cpus_usable(record: Record) -> float | None:
    """Return on how many CPUs its threads could run at one moment; a quota does not count."""
    limits, host = record.engine.limits, record.host.class_
    known = [value for value in (host.threads, len(parse_cpu_list(limits.cpuset or ""))) if value]
    return float(min(known)) if known else None


def cpus_given(record: Record) -> float | None:
    """Return how many CPUs it was given: of the host, of the set, and by quota."""
    known = [value for value in (cpus_usable(record), record.engine.limits.cpus) if value]
    return float(min(known)) if known else None


def _bounds(record: Record, runs: Sequence[Run], wall: float) -> dict[str, float | None]:
    """Upper bounds of each kind of waiting, in seconds of wall time."""
    throttled = _mean(runs, "cpu", "throttled_s")
    steal = [state.steal_ratio for state in (record.host.before, record.host.after) if state.steal_ratio is not None]
    bounds = {
        "throttled": throttled,
        "cpu_wait": _waited(runs, wall, throttled or 0.0),
        "memory_pressure": _mean(runs, "memory", "pressure_some_s"),
        "io_pressure": _mean(runs, "io", "pressure_some_s"),
        "steal": fmean(steal) * wall if steal else None,
    }
    return {name: None if value is None else max(0.0, value) for name, value in bounds.items()}


def others_cpus(runs: Sequence[Run]) -> float | None:
    """Return how many CPUs others used on average while the runs ran; ``None`` if nobody watched one of them."""
    return _watched(runs, "others_cpus")


def _waited(runs: Sequence[Run], wall: float, throttled: float) -> float | None:
    """The most wall time that was spent waiting for a CPU that others used."""
    delay, others, host = _delay(runs), others_cpus(runs), _watched(runs, "pressure_cpu_ratio")
    if delay is None:
        delay = _mean(runs, "cpu", "pressure_full_s")
    if delay is None:
        # Of the whole host's pressure the run's share is not known: it gets no more than its CPU time leaves.
        total = _mean(runs, "cpu", "total_s")
        if others is None or host is None or total is None:
            return None
        return min(min(host, others) * wall, wall - min(wall, total) or wall)
    # A throttled group is stalled too: the kernel counts those seconds twice.
    waited = max(0.0, delay - throttled)
    return waited if others is None else min(waited, others * wall)


def _delay(runs: Sequence[Run]) -> float | None:
    """The mean run delay. Tasks that came and went between two samples were not read: they are taken to have waited as
    the others did, a second of CPU time like another.
    """
    delay, total = _mean(runs, "cpu", "run_delay_s"), _mean(runs, "cpu", "total_s")
    seen = [run.supervisor.get("run_delay_of_cpu_s") for run in runs]
    known = [value for value in seen if isinstance(value, int | float) and value > 0]
    if delay is None or total is None or len(known) < len(runs):
        return delay
    return delay * max(1.0, total / fmean(known))


def _watched(runs: Sequence[Run], name: str) -> float | None:
    values = [run.host_during.get(name) for run in runs]
    known = [value for value in values if value is not None and math.isfinite(value)]
    return fmean(known) if known and len(known) == len(values) else None


def _share_out(bounds: dict[str, float], left: float) -> dict[str, float]:
    """Each bound, or in proportion so much of it that all fit into what is left."""
    clipped = {name: min(value, left) for name, value in bounds.items()}
    together = sum(clipped.values())
    scale = min(1.0, left / together) if together > 0 else 0.0
    return {name: value * scale for name, value in clipped.items()}


def _mean(runs: Sequence[Run], part: str, name: str) -> float | None:
    values = [getattr(getattr(run, part), name) for run in runs]
    if any(value is None or not math.isfinite(value) for value in values):
        return None
    return fmean(values)
