"""What stands out in one result: evidence, meaning, and a variant that ``whatif`` can try (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import fmean

import msgspec

from bench import units
from bench.compare.explain.breakdown import Budget, others_cpus
from bench.compare.explain.remedy import ALLOCATORS, PARALLEL, fitting
from bench.compare.sample import Sample
from bench.record.schema import Experiment, Record

PAGE_BYTES = 4096
ASSUMED_FAULT_S = (0.25e-6, 10e-6)
"""Seconds for one minor fault of a 4 KiB page, zeroed, if no calibration has it.

From one thread on a fast core (a trap, and a page to clear) to many threads that share the locks of one address space,
or a guest whose hypervisor takes part: a virtual machine took 1.8 to 2.5 µs with one thread. An order of magnitude, not
a measurement of the host in question.
"""


class Finding(msgspec.Struct, frozen=True):
    """One thing worth knowing. ``variants`` are names that ``bench whatif`` takes."""

    code: str
    evidence: str
    meaning: str
    remedy: str
    variants: tuple[str, ...] = ()


def findings(sample: Sample, budget: Budget) -> tuple[Finding, ...]:
    """Return all findings of a result whose budget is given, the most expensive first; variants are those that fit."""
    found = (finding for check in _CHECKS for finding in check(sample, budget))
    return tuple(
        msgspec.structs.replace(one, variants=fitting(sample.newest, one.variants)) if one.variants else one
        for one in found
    )


def fault_cost_s(record: Record) -> float | None:
    """Return the seconds for one minor fault by this host's calibration; ``None`` if it has none."""
    for values in (record.calibration.before, record.calibration.after):
        value = values.get("page_fault_s")
        if value is not None and value > 0:
            return value
    return None


def mean_of(sample: Sample, part: str, name: str) -> float | None:
    """Return the mean of a value over the passed runs; ``None`` if one lacks it.

    Args:
        sample: the result.
        part: the part of a run that has the value, as in ``cpu``.
        name: the value's key, as in ``user_s``; its unit is the mean's.
    """
    values = [getattr(getattr(run, part), name) for run in sample.runs]
    return fmean(values) if values and all(value is not None for value in values) else None


def _kernel_time(sample: Sample, _: Budget) -> Iterator[Finding]:
    user, system = mean_of(sample, "cpu", "user_s"), mean_of(sample, "cpu", "system_s")
    if user is None or system is None or user + system <= 0:
        return
    share = system / (user + system)
    if share <= 0.2:
        return
    exceeds = system > user
    yield Finding(
        "kernel_time_exceeds_user" if exceeds else "kernel_time_high",
        f"{units.seconds(system)} of CPU time in the kernel, {units.seconds(user)} in the program "
        f"({units.percent(share)} kernel)",
        "kernel time exceeds user time: more than half of the CPU time is not the program's"
        if exceeds
        else "a fifth or more of the CPU time is the kernel's, not the program's",
        "see which of the findings below accounts for it",
    )


def _fault_cost(sample: Sample, _: Budget) -> Iterator[Finding]:
    faults, system = mean_of(sample, "faults", "minor"), mean_of(sample, "cpu", "system_s")
    if not faults or not system or faults < 1e5:
        return
    each = system / faults
    cost = fault_cost_s(sample.newest)
    if cost is not None:
        estimate = cost * faults
        if estimate < 0.2 * system:
            return
        source = f"calibrated on this host: {units.seconds(cost)} a fault, so about {units.seconds(estimate)}"
        meaning = f"page faults account for about {units.percent(min(1.0, estimate / system), 0)} of the kernel time"
    elif each <= ASSUMED_FAULT_S[1]:
        low, high = (units.seconds(end) for end in ASSUMED_FAULT_S)
        source = f"assumed, since no calibration: {low} to {high} a fault, depending on contention"
        least = units.seconds(min(system, ASSUMED_FAULT_S[0] * faults))
        meaning = (
            f"faults at {units.seconds(each)} each would cost all of the kernel time, about {units.seconds(system)}; "
            f"uncontended they would cost {least}"
        )
    else:
        return
    yield Finding(
        "fault_cost",
        f"{units.count(faults)} minor faults against {units.seconds(system)} of kernel time: "
        f"{units.seconds(each)} a fault ({source})",
        meaning,
        "fault less: keep memory, or take it in larger pages",
        ALLOCATORS,
    )


def _memory_returned(sample: Sample, budget: Budget) -> Iterator[Finding]:
    faults = mean_of(sample, "faults", "minor")
    peak = mean_of(sample, "memory", "anon_peak_bytes") or mean_of(sample, "memory", "max_rss_bytes")
    if not faults or not peak or faults / budget.wall_s < 1000:
        return
    times = faults * PAGE_BYTES / peak
    if times < 5:
        return
    yield Finding(
        "memory_returned",
        f"{units.size(faults * PAGE_BYTES)} faulted in at {units.count(faults / budget.wall_s)} faults a second, "
        f"with a peak of {units.size(peak)}: {times:.0f} times over",
        "memory is returned to the kernel and faulted in again, over and over",
        "try an allocator that keeps it, or huge pages",
        ALLOCATORS,
    )


def _throttled(sample: Sample, _: Budget) -> Iterator[Finding]:
    periods, stopped = mean_of(sample, "cpu", "periods"), mean_of(sample, "cpu", "throttled_periods")
    seconds = mean_of(sample, "cpu", "throttled_s")
    if periods and stopped and stopped / periods > 0.05:
        yield Finding(
            "throttled",
            f"stopped in {units.percent(stopped / periods)} of the quota's periods, {units.seconds(seconds)} in all",
            "the CPU quota, not the code, set the pace",
            "give it more CPUs, or no more threads than the quota feeds",
            PARALLEL[:2],
        )


def _timeout(sample: Sample, _: Budget) -> Iterator[Finding]:
    stopped = [run for run in sample.runs if run.outcome == "timed_out"]
    if not stopped:
        return
    last = stopped[-1]
    after, limit = units.seconds(last.wall_s), units.seconds(last.effective_timeout_s)
    at_work = [test.node for test in last.tests if test.outcome == "unfinished"]
    which = f"; at work was {', '.join(at_work)}" if at_work else ""
    yield Finding(
        "timed_out",
        f"stopped at the timeout of {limit}, after {after}{which}",
        "it did not end by itself: the terms are those of the time until it was stopped",
        "see below what held it up; if it only needs longer, give it a longer --timeout",
    )


def _efficiency(sample: Sample, budget: Budget) -> Iterator[Finding]:
    """CPUs that nobody used: not the run, which had them, nor others, nor because the run waited or was stopped."""
    if budget.efficiency is None or budget.cpu_s is None or budget.cpus is None or budget.cpus < 2:
        return
    used, others = budget.cpu_s / budget.wall_s, others_cpus(sample.runs) or 0.0
    idle = budget.cpus - used - others
    held_up = sum(budget.seconds(name) for name in ("throttled", "cpu_wait", "steal"))
    if idle < 0.5 * budget.cpus or held_up > 0.1 * budget.wall_s:
        return
    variants: tuple[str, ...] = PARALLEL
    if used < 0.5:
        meaning, remedy, variants = (
            "the program itself was idle most of the time: it slept, or waited for something that no counter names",
            "see in its log what it waits for",
            (),
        )
    elif used < 1.25:
        meaning = "no more than about one CPU was busy: one thread did the work"
        remedy = "if it should use more, see how many threads it had"
    else:
        meaning = "those that were busy may have waited for one another"
        remedy = "try fewer threads, or pin them"
    yield Finding(
        "parallel_efficiency_low",
        f"{used:.2f} of {budget.cpus:g} CPUs busy on average ({units.percent(budget.efficiency)}), {idle:.2f} idle",
        meaning,
        remedy,
        variants,
    )


def _memory_limit(sample: Sample, budget: Budget) -> Iterator[Finding]:
    limit, pressure = mean_of(sample, "memory", "limit_bytes"), mean_of(sample, "memory", "pressure_some_s")
    anonymous = mean_of(sample, "memory", "anon_peak_bytes")
    if limit and anonymous and anonymous > 0.9 * limit:
        yield Finding(
            "memory_limit_near",
            f"{units.size(anonymous)} of {units.size(limit)} used by anonymous memory",
            "the memory limit leaves no room: reclaim and kills are near",
            "raise the memory limit",
        )
    if pressure and pressure > 0.02 * budget.wall_s:
        yield Finding(
            "memory_pressure",
            f"some task waited for memory during {units.seconds(pressure)} ({units.percent(pressure / budget.wall_s)})",
            "reclaim, refaults or swap held the run up",
            "raise the memory limit, or run on a host with more free memory",
        )


def _swap_and_disk(sample: Sample, budget: Budget) -> Iterator[Finding]:
    swap, major = mean_of(sample, "memory", "swap_peak_bytes"), mean_of(sample, "faults", "major")
    pressure = mean_of(sample, "io", "pressure_some_s")
    if swap:
        yield Finding(
            "swapped", f"up to {units.size(swap)} in swap", "memory came from a disk", "free memory or switch swap off"
        )
    if major and major > 1000:
        yield Finding(
            "major_faults",
            f"{units.count(major)} major faults",
            "pages were read from a disk: a cold cache or too little memory",
            "run once more with a warm cache",
        )
    if pressure and pressure > 0.02 * budget.wall_s:
        yield Finding(
            "io_pressure",
            f"some task waited for I/O during {units.seconds(pressure)} ({units.percent(pressure / budget.wall_s)})",
            "a disk held the run up",
            "keep its files in memory, or find who else uses the disk",
        )


def _neighbours(sample: Sample, budget: Budget) -> Iterator[Finding]:
    record = sample.newest
    states = (record.host.before, record.host.after)
    steal = [state.steal_ratio for state in states if state.steal_ratio is not None]
    if steal and max(steal) > 0.01:
        yield Finding(
            "cpu_steal",
            f"{units.percent(max(steal))} of CPU time taken by the hypervisor",
            "another guest used the CPUs; wall times from here vary with it",
            "repeat more often, or on a host of its own",
        )
    load, cpus = record.host.before.load, record.host.class_.threads
    others = others_cpus(sample.runs)
    if others is not None and cpus and others > 0.05 * cpus:
        quiet = "wait until it is quiet"
        in_pairs = isinstance(record.experiment, Experiment)
        yield Finding(
            "host_loaded",
            f"others used {others:.1f} of {cpus} CPUs during the run",
            "others were at work on this host",
            quiet if in_pairs else f"{quiet}, or compare with 'bench ab', which runs both sides in turns",
        )
    elif others is None and load is not None and cpus and load > 0.25 * cpus:
        yield Finding(
            "host_loaded",
            f"load {load:.1f} on {cpus} CPUs before the run",
            "others were at work on this host",
            "wait until it is quiet",
        )
    waited = budget.seconds("cpu_wait")
    if "cpu_wait" not in budget.unknown and waited > 0.05 * budget.wall_s:
        yield Finding(
            "cpu_wait",
            f"waited for a CPU during {units.seconds(waited)} ({units.percent(waited / budget.wall_s)})",
            "other work had the CPUs",
            "wait until the host is quiet, or give it CPUs that others do not use (--cpuset)",
        )


_CHECKS: tuple[Callable[[Sample, Budget], Iterator[Finding]], ...] = (
    _timeout,
    _kernel_time,
    _fault_cost,
    _memory_returned,
    _throttled,
    _efficiency,
    _memory_limit,
    _swap_and_disk,
    _neighbours,
)
