"""Both sides of a pair at once, each on one half of the CPUs, which swap by the coin: what hits both falls out.

A duet cancels what a neighbour takes from both at the same moment (Bulej et al. 2020, Duet benchmarking, ICPE). It is
another measurement: the sides share caches and memory bandwidth, each has half of the CPUs, and they start within
moments of one another, not at the same one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec

from bench.cpuset import parse_cpu_list, parse_cpuset
from bench.engine.protocol import Engine
from bench.errors import BenchError, NotMeasured, UsageError
from bench.run.ab.pairs import Pairs
from bench.run.plan import Plan
from bench.run.result.reading import OneRun
from bench.run.schedule import Turn, was_interrupted
from bench.run.session import own_fault

_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
Halves = tuple[str, str]


def halves_of(engine: Engine, cpuset: str | None) -> Halves:
    """Return the two halves of the CPUs that runs may use, as the kernel writes such lists.

    Args:
        engine: where they run.
        cpuset: the CPUs that were asked for; else all that the command, or the engine's host, has.

    Raises:
        UsageError: there are fewer than two.
    """
    if cpuset is not None:
        cpus = parse_cpuset(cpuset)
    elif engine.remote:
        cpus = frozenset(range(engine.capacity().cpus or 0))
    else:
        cpus = frozenset(os.sched_getaffinity(0))
    found = split(cpus, [] if engine.remote else read_siblings(cpus))
    if found is None:
        what = f"--duet needs two CPUs, and there {'is one' if len(cpus) == 1 else 'are none known'}"
        raise UsageError(what, fix="leave --duet away: the sides then take turns")
    return found


def split(cpus: Collection[int], cores: Iterable[Collection[int]]) -> Halves | None:
    """Return two equal halves of CPUs; threads of one core stay together if there are cores for both (pure).

    Args:
        cpus: the CPUs to share; of an odd number one stays idle.
        cores: which of them are threads of one core, as far as that is known.
    """
    left = sorted(cpus)
    groups = {tuple(sorted(set(core) & set(left))) for core in cores} - {()}
    whole = sorted(group for group in groups if len(group) == max(map(len, groups)))
    if len(whole) >= 2:
        many = len(whole) // 2
        sides = (whole[:many], whole[many : 2 * many])
        first, second = (sorted(cpu for core in side for cpu in core) for side in sides)
    else:
        many = len(left) // 2
        first, second = left[:many], left[many : 2 * many]
    return (_listed(first), _listed(second)) if first else None


def read_siblings(cpus: Iterable[int]) -> list[frozenset[int]]:
    """Return which CPUs are threads of one core, as far as the kernel reports."""
    found = set()
    for cpu in cpus:
        try:
            found.add(parse_cpu_list(Path(_SIBLINGS.format(cpu)).read_text(encoding="ascii").strip()))
        except (OSError, UnicodeDecodeError):
            return []
    return sorted(found, key=sorted)


def make_duets(pairs: Pairs, halves: Halves) -> None:
    """Make the runs of an experiment, both of a pair at once, until it ends or somebody asks for the end.

    Args:
        pairs: the experiment; its sides have sessions of their own.
        halves: the CPUs of the first and of the second of each pair.

    Raises:
        BenchError: what keeps even the first run from being made.
    """
    pair = pairs.first
    interrupts = pairs.base.interrupts
    with ThreadPoolExecutor(2) as pool:
        while (ended := pairs.over(pair)) is None:
            if interrupts.count:
                break
            turns = [Turn(side, on(side.plan, half)) for side, half in zip(pairs.in_order(pair), halves, strict=True)]
            _keep(pairs, turns, [pool.submit(pairs.start, turn) for turn in turns])
            if interrupts.count or any(one.runs[-1].reading.run.outcome == "interrupted" for one in pairs.results):
                break
            if any(side.over for side in pairs.results):
                pairs.ended_by = "lost"
                return
            pair += 1
        else:
            pairs.ended_by = ended
            return
    for side in pairs.results:
        side.cut = side.cut or was_interrupted(interrupts)


def on(plan: Plan, cpus: str) -> Plan:
    """Return the plan on these CPUs."""
    limits = msgspec.structs.replace(plan.task.limits, cpuset=cpus)
    return replace(plan, task=replace(plan.task, limits=limits))


def _keep(pairs: Pairs, turns: Sequence[Turn], runs: Sequence[Future[OneRun]]) -> None:
    """Keep both runs; one that could not be started is its side's last, and the other's evidence is kept beside it."""
    for turn, run in zip(turns, runs, strict=True):
        try:
            pairs.ended(turn, run.result())
        except NotMeasured as error:
            pairs.refused(turn, error)
        except BenchError as error:
            if not turn.of.runs:
                raise
            pairs.refused(turn, error)
        except Exception as fault:
            if not turn.of.runs:
                raise
            pairs.refused(turn, NotMeasured(own_fault(fault)))


def _listed(cpus: Iterable[int]) -> str:
    return ",".join(map(str, cpus))
