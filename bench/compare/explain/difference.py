"""Why: where one result's time went, and why two differ (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from bench import units
from bench.compare.explain import findings as notable
from bench.compare.explain.breakdown import NAMES, Budget, budget, explainable, others_cpus, settle
from bench.compare.explain.findings import Finding, findings, mean_of
from bench.compare.explain.remedy import commands
from bench.compare.likeness.differences import Difference, differences
from bench.compare.reference import require_comparable
from bench.compare.sample import Sample
from bench.compare.work.difference import WorkDifference, compare_work, work_of
from bench.compare.work.wording import with_sentence
from bench.errors import NotMeasured
from bench.record.schema import Experiment, Record
from bench.record.work import Work


class Explanation(msgspec.Struct, frozen=True):
    """One result: its budget (terms add up to the wall time), its fault rate, what stands out, and its work if that was
    counted.

    ``timed_out`` is whether the runs were stopped at their timeout; ``commands`` try what the findings propose.
    """

    id: str
    diagnostic: str
    budget: Budget
    faults_per_s: float | None
    findings: tuple[Finding, ...]
    timed_out: bool = False
    commands: tuple[str, ...] = ()
    work: Work | None = None


class DeltaTerm(msgspec.Struct, frozen=True):
    """A share of the difference in wall time, in seconds (b - a), and what it may be tied to.

    ``a_s`` and ``b_s`` are ``None`` if a side does not know the term.
    """

    name: str
    seconds: float
    a_s: float | None
    b_s: float | None
    meaning: str
    ties: tuple[str, ...] = ()


class DeltaExplanation(msgspec.Struct, frozen=True):
    """Two results. ``math.fsum`` of the terms' seconds equals ``delta_s``, which is ``b.wall_s - a.wall_s``.

    Terms are mean wall times over the passed runs; the term ``rest`` is what stays unexplained.
    """

    a: Explanation
    b: Explanation
    delta_s: float
    terms: tuple[DeltaTerm, ...]
    differences: tuple[Difference, ...]
    work: WorkDifference | None = None


def explain(record: Record) -> Explanation:
    """Return where the wall time of one result went.

    Raises:
        NotMeasured: no run passed or was stopped at its timeout.
        DamagedData: a wall time that is none.
    """
    return _explained(explainable(record))


def _explained(sample: Sample) -> Explanation:
    spent, record = budget(sample), sample.newest
    if spent is None:
        raise _nothing_to_explain(record)
    faults = mean_of(sample, "faults", "minor")
    rate = None if faults is None else faults / spent.wall_s
    found = findings(sample, spent)
    tries = commands(record, [name for finding in found for name in finding.variants])
    stopped = sample.runs[0].outcome == "timed_out"
    return Explanation(record.id, record.diagnostic.name, spent, rate, found, stopped, tries, work_of(sample))


def _nothing_to_explain(record: Record) -> NotMeasured:
    untimed = [at for at, run in enumerate(record.runs) if run.outcome == "passed" and run.warmup is not True]
    if not untimed:
        what, cause = f"{record.id} has no run that passed", f"its outcome is {record.outcome}"
    else:
        what = f"{record.id} has no wall time to explain"
        cause = record.unavailable.get(f"runs[{untimed[0]}].wall_s", "its run passed, and nobody took its time")
    return NotMeasured(what, cause, "explain a result that was measured")


def explain_difference(a: Record, b: Record) -> DeltaExplanation:
    """Return why two results differ: the difference of their budgets, each term tied to what differs around it.

    Raises:
        NotMeasured: a side has no run that passed.
        NotComparable: other diagnostics, or a run under the profiler.
        DamagedData: a wall time that is none.
    """
    require_comparable(a, b)
    sides = explainable(a), explainable(b)
    one, two = _explained(sides[0]), _explained(sides[1])
    found = differences(a, b)
    delta = two.budget.wall_s - one.budget.wall_s
    # What only one side measured cannot be a difference; it stays in the rest.
    unknown = {*one.budget.unknown, *two.budget.unknown}
    shares = {
        name: 0.0 if name in unknown else two.budget.seconds(name) - one.budget.seconds(name) for name in NAMES[:-1]
    }
    settled = settle(delta, shares)
    terms = tuple(
        DeltaTerm(
            term.name,
            settled[term.name],
            None if term.name in unknown else term.seconds,
            None if term.name in unknown else two.budget.seconds(term.name),
            term.meaning,
            tuple(_ties(term.name, *sides, found)),
        )
        for term in one.budget.terms
    )
    elsewhere = any(difference.forces == "host_differs" for difference in found)
    # The times are what is explained: on a like host the same work leaves the machine.
    work = with_sentence(compare_work(*sides), "host_differs" if elsewhere else "code_regressed", _called(a, b))
    return DeltaExplanation(one, two, delta, terms, found, work)


def _called(a: Record, b: Record) -> tuple[str, str]:
    """What the two are called; the sides of an experiment are its base and its head."""
    told = [one.experiment for one in (a, b) if isinstance(one.experiment, Experiment)]
    if len(told) == 2 and told[0].id == told[1].id and told[0].side != told[1].side:
        return told[0].side, told[1].side
    return "reference", "result"


_TIED_TO: dict[str, tuple[str, ...]] = {
    "user": (
        "host.cpu_model", "host.cpu_stepping", "host.microcode", "host.cores", "host.threads",
        "host.numa_nodes", "host.virtualization", "limits.threads", "limits.cpuset", "image", "source",
        "params", "profile", "state.governor", "state.boost", "security", "host.gpu", "host.driver",
    ),
    "system": (
        "host.kernel", "host.microcode", "host.virtualization", "state.thp", "engine", "security", "environ",
        "variant", "limits.threads",
    ),
    "throttled": ("limits.cpus", "limits.threads"),
    "cpu_wait": ("limits.cpuset", "limits.threads", "host.threads"),
    "memory_pressure": ("limits.memory_bytes", "host.memory_bytes"),
    "io_pressure": ("limits.memory_bytes", "engine"),
    "steal": ("host.virtualization",),
    "rest": ("engine", "host.virtualization", "host.gpu", "host.driver"),
}  # fmt: skip

# Calibration, by the term whose pace it sets. Names that end in _s are times; others are rates.
_CALIBRATION: dict[str, tuple[str, ...]] = {
    "user": ("one_core", "all_cores", "bandwidth", "triad"),
    "system": ("fault", "process_start"),
}


def _ties(name: str, one: Sample, two: Sample, found: tuple[Difference, ...]) -> Iterator[str]:
    """Sentences that name a difference of hosts, state, limits or calibration that this term may come from."""
    a, b = one.newest, two.newest
    for difference in found:
        if any(difference.name == key or difference.name.startswith(f"{key}.") for key in _TIED_TO[name]):
            yield f"{difference.name}: {difference.a or 'none'} against {difference.b or 'none'}"
    yield from _calibration_ties(name, a, b)
    yield from _state_ties(name, a, b)
    if name in ("cpu_wait", "rest"):
        before, after = others_cpus(one.runs), others_cpus(two.runs)
        if before is not None and after is not None and abs(after - before) > 0.1:
            yield f"CPUs that others used meanwhile: {before:.1f} against {after:.1f}"
    if name in ("user", "rest"):
        yield from _gpu_ties(a, b)
    if name == "system":
        before, after = mean_of(one, "faults", "minor"), mean_of(two, "faults", "minor")
        if before is not None and after is not None and abs(after - before) > 0.05 * max(before, after):
            cost = notable.fault_cost_s(b) or notable.fault_cost_s(a)
            each = f", at {units.seconds(cost)} each by calibration" if cost is not None else ""
            yield f"minor faults: {units.count(before)} against {units.count(after)}{each}"


def _calibration_ties(name: str, a: Record, b: Record) -> Iterator[str]:
    one, two = a.calibration.before, b.calibration.before
    for key in sorted(one.keys() & two.keys()):
        if not any(key.startswith(part) or part in key for part in _CALIBRATION.get(name, ())):
            continue
        first, second = one[key], two[key]
        if first and second and abs(second / first - 1) > 0.02:
            yield f"calibration {key}: {first:.4g} against {second:.4g} ({units.change(second / first - 1)})"


def _state_ties(name: str, a: Record, b: Record) -> Iterator[str]:
    one, two = a.host.before, b.host.before
    if name == "user" and one.frequency_hz and two.frequency_hz and abs(two.frequency_hz / one.frequency_hz - 1) > 0.02:
        yield f"frequency before: {one.frequency_hz / 1e9:.2f} GHz against {two.frequency_hz / 1e9:.2f} GHz"
    if (
        name in ("cpu_wait", "rest")
        and one.load is not None
        and two.load is not None
        and abs(two.load - one.load) > 0.5
    ):
        yield f"load before: {one.load:.1f} against {two.load:.1f}"
    if (
        name == "memory_pressure"
        and one.swap_used_bytes != two.swap_used_bytes
        and None
        not in (
            one.swap_used_bytes,
            two.swap_used_bytes,
        )
    ):
        yield f"swap in use before: {units.size(one.swap_used_bytes)} against {units.size(two.swap_used_bytes)}"
    if name == "steal" and one.steal_ratio is not None and two.steal_ratio is not None:
        yield f"steal: {units.percent(one.steal_ratio)} against {units.percent(two.steal_ratio)}"


def _gpu_ties(a: Record, b: Record) -> Iterator[str]:
    """A thread that waits for the device spins or sleeps: its time is in the program, or counted by nobody."""
    for key, what in (("memory_bytes", "GPU memory"), ("memory_used_bytes", "GPU memory in use at most")):
        one, two = _gpu_bytes(a, key), _gpu_bytes(b, key)
        if one is not None and two is not None and abs(two - one) > 0.02 * max(one, two):
            yield f"{what}: {units.size(one)} against {units.size(two)}"


def _gpu_bytes(record: Record, key: str) -> int | None:
    """Bytes of all devices together, the most of any run; ``None`` if no run has them."""
    sums = []
    for run in record.measured_runs:
        devices = run.gpu.get("devices")
        found = [device.get(key) for device in devices if isinstance(device, dict)] if isinstance(devices, list) else []
        values = [value.get("max") if isinstance(value, dict) else value for value in found]
        known = [value for value in values if isinstance(value, int | float) and math.isfinite(value)]
        sums += [int(sum(known))] if known else []
    return max(sums, default=None)
