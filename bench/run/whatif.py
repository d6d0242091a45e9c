"""The same diagnostic under variants, interleaved, so that a drift of the host falls on all of them alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.catalog.load import find_variant
from bench.catalog.model import Catalog, Variant
from bench.engine.interrupt import Interrupts
from bench.errors import BenchError, NotMeasured, UsageError
from bench.record.schema import Record
from bench.run.host_snapshot import HostSnapshot
from bench.run.measure import WrittenResult, conclude, look_again, look_at_work, not_begun
from bench.run.measurement import Measurement
from bench.run.plan import Plan, check_capacity
from bench.run.schedule import Interleaved, make_runs
from bench.run.session import Session
from bench.run.work.counting import Wanted

DEFAULT = ("glibc", "glibc-keep", "jemalloc", "tcmalloc", "thp")
"""What is tried if nothing else is asked for: the allocators and huge pages."""
VARIED = ("variant", "environ", "engine", "limits", "security", "image")
"""Differences between variants that are the thing under test."""
UNBEGUN = "interrupted before its first run"


@dataclass(frozen=True, slots=True)
class Tried:
    """One variant's result, and why it could not be measured, or not to the end."""

    variant: Variant
    written: WrittenResult | None
    problem: str | None = None


def select(known: Sequence[Variant], names: Sequence[str], cpus: int | None) -> tuple[Variant, ...]:
    """Return the variants to try: those named, or the usual ones.

    Args:
        known: the variants of the catalog.
        names: the names asked for; ``threads`` stands for 1, 2, 4 … up to the CPUs there are. Empty for the usual ones.
        cpus: how many CPUs the host has; ``None`` if nobody knows.

    Raises:
        UsageError: an unknown name, one named twice, or fewer than two in all.
    """
    catalog = Catalog((), tuple(known))
    wanted: list[str] = []
    for name in names or DEFAULT:
        wanted += _thread_counts(known, cpus) if name == "threads" else [name]
    chosen = tuple(find_variant(catalog, name) for name in wanted)
    if len(set(wanted)) != len(wanted):
        raise UsageError("a variant is named twice", fix="name each once")
    if len(wanted) < 2:
        raise UsageError("one variant alone shows no difference", fix="name two or more, the reference first")
    return chosen


def try_variants(plans: Sequence[Plan], sessions: Mapping[str, Session], work: Wanted = "never") -> tuple[Tried, ...]:
    """Run every plan as often as it asks for, interleaved, and write one bundle a variant.

    A variant that cannot be measured (no such allocator, no engine) is left out from then on, with its reason; Ctrl-C
    ends the rounds and keeps what there is. If nothing ran at all, each variant has a bundle that records why.

    Args:
        plans: one a variant.
        sessions: where each variant runs, by its name.
        work: whether each variant's work is counted, in one more run of each.
    """
    for plan in plans:
        check_capacity(plan.task.limits, sessions[name_of(plan)].engine.capacity())
    problems: dict[str, BenchError] = {}
    first = next(iter(sessions.values()))
    try:
        _prepare(plans, sessions, problems)
        if len(problems) == len(plans):
            return _nothing(plans, sessions, problems)
        before = first.snapshot()
    except KeyboardInterrupt:
        return _nothing(plans, sessions, problems)
    with Interrupts() as interrupts:
        results = {
            name_of(plan): Measurement(plan, sessions[name_of(plan)], before, interrupts).begin()
            for plan in plans
            if name_of(plan) not in problems
        }
        make_runs(Interleaved([results.get(name_of(plan)) for plan in plans]))
        problems |= {name: one.failure for name, one in results.items() if one.failure is not None}
        if not any(one.runs for one in results.values()):
            return _nothing(plans, sessions, problems, before)
        after = look_again(first, interrupts)
        for one in results.values():
            if work != "never" and one.runs:
                one.work = look_at_work(one, work)
        return tuple(_tried(plan, results.get(name_of(plan)), after, problems.get(name_of(plan))) for plan in plans)


def _prepare(plans: Sequence[Plan], sessions: Mapping[str, Session], problems: dict[str, BenchError]) -> None:
    """Prepare every variant's place while Ctrl-C still breaks off; adds to ``problems`` why some cannot be had."""
    for plan in plans:
        try:
            sessions[name_of(plan)].place(plan.need)
        except NotMeasured as error:
            problems[name_of(plan)] = error


def _nothing(
    plans: Sequence[Plan],
    sessions: Mapping[str, Session],
    problems: Mapping[str, BenchError],
    before: HostSnapshot | None = None,
) -> tuple[Tried, ...]:
    """Every variant of a command in which nothing ran: what kept it from that, else that it was interrupted."""
    tried = []
    for plan in plans:
        error = problems.get(name_of(plan)) or KeyboardInterrupt()
        written = not_begun(plan, sessions[name_of(plan)], error, before=before)
        tried.append(Tried(_variant(plan), written, written.failure or UNBEGUN))
    return tuple(tried)


def _tried(plan: Plan, result: Measurement | None, after: HostSnapshot | None, error: BenchError | None) -> Tried:
    problem = str(error) if error is not None else None
    if result is None or not result.runs:
        return Tried(_variant(plan), None, problem or UNBEGUN)
    result.after = after
    written = conclude(result)
    return Tried(_variant(plan), written, problem or _not_started(written.record))


def _not_started(record: Record) -> str | None:
    """Why not one run was measured, as its first says it; ``None`` if one was."""
    if any(run.outcome != "not_measured" for run in record.runs):
        return None
    return next((run.signature for run in record.runs if run.signature), None)


def _variant(plan: Plan) -> Variant:
    assert plan.variant is not None  # noqa: S101, whatif makes every plan of one
    return plan.variant


def name_of(plan: Plan) -> str:
    """Return the variant's name."""
    return plan.variant.name if plan.variant else "as it is"


def _thread_counts(known: Sequence[Variant], cpus: int | None) -> list[str]:
    """1, 2, 4 … and the CPUs there are; those of the catalog if nobody knows how many that is."""
    if cpus is None:
        return [name for _, name in sorted((one.threads, one.name) for one in known if one.threads)]
    counts = {2**power for power in range(cpus.bit_length()) if 2**power <= cpus} | {cpus}
    return [f"threads-{count}" for count in sorted(counts)]
