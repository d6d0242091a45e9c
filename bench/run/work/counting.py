"""The run that counts a plan's work: when it is due, how it differs from the measured runs, and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import msgspec

from bench.compare.work.repeats import merged
from bench.engine.task import is_pytest
from bench.errors import BenchError
from bench.record.schema import Record, Run
from bench.record.work import Work
from bench.run.plan import Plan
from bench.run.result.reading import read_run
from bench.run.session import Session, own_fault
from bench.run.work.reading import Uncounted, read_work

Wanted = Literal["auto", "always", "never"]
AUTO_S = 120.0
"""A first run shorter than this is counted without being asked for."""
_ENV = {"BENCH_WORK_OUT": "{out}"}
_SLOWER, _MORE_S = 10.0, 60.0
"""What a counting run may take over a measured one, at most: so many times as long, and so many seconds."""
NOT_ASKED = "it was not asked for"
NOT_PASSED = "no run passed"
NO_PYTEST = "the command is no pytest, whose tests the counters follow"
PROFILED = "the run was one under the profiler"
INTERRUPTED = "the counting run was interrupted"


@dataclass(frozen=True, slots=True)
class CountedWork:
    """What was counted, or not; ``unavailable`` gives the reasons by path, relative to the run (``work.python``)."""

    work: Work | None = None
    unavailable: dict[str, str] = field(default_factory=dict)


def not_counted(why: str) -> CountedWork:
    """Return that nothing was counted, and why."""
    return CountedWork(None, {"work": why})


def why_not(plan: Plan, runs: Sequence[Run], wanted: Wanted) -> str | None:
    """Return why a plan's work is not counted; ``None`` if it is.

    Args:
        plan: what was run.
        runs: the runs that were made.
        wanted: whether somebody asked.
    """
    first = _first_passed(runs)
    if wanted == "never":
        return NOT_ASKED
    if first is None:
        return NOT_PASSED
    if plan.profiler:
        return PROFILED
    if not is_pytest(list(plan.task.argv)):
        return NO_PYTEST
    wall_s = runs[first].wall_s
    if wanted == "auto" and (wall_s is None or wall_s >= AUTO_S):
        return f"the first run took {AUTO_S:g} s or longer: --work counts it all the same"
    return None


def counting_plan(plan: Plan, wall_s: float | None = None) -> Plan:
    """Return the plan of the run that counts another's work: the same test in the same place, with the counters on.

    Args:
        plan: what is measured.
        wall_s: how long a run of it took; the counting run has several times as long.
    """
    timeout_s = plan.task.timeout_s
    if wall_s is not None:
        timeout_s = max(timeout_s, _SLOWER * wall_s + _MORE_S)
    task = replace(plan.task, env={**plan.task.env, **_ENV}, timeout_s=timeout_s)
    return replace(plan, task=task, repeat=1)


def count_work(plan: Plan, session: Session, wall_s: float | None = None, times: int = 1) -> CountedWork:
    """Count a plan's work in runs of their own, which belong to no result, and return it; a failure is a reason.

    Args:
        plan: what is measured.
        session: where.
        wall_s: how long a measured run took, in seconds.
        times: how many counting runs are made; from two on it is known which counters repeat.
    """
    counting = counting_plan(plan, wall_s)
    work: Work | None = None
    missing: dict[str, str] = {}
    for number in range(times):
        try:
            found, why = _once(counting, session, number)
        except Uncounted as reason:
            return not_counted(str(reason))
        except KeyboardInterrupt:
            return not_counted(INTERRUPTED)
        except BenchError as error:
            return not_counted(f"the counting run could not be made: {error}")
        except Exception as fault:  # the result is measured: a count that fails takes nothing from it
            return not_counted(f"the counting run could not be made: {own_fault(fault)}")
        work, missing = (found, why) if work is None else (merged(work, found), missing | why)
    return CountedWork(work, {f"work.{path}": why for path, why in missing.items()})


def _once(counting: Plan, session: Session, number: int) -> tuple[Work, dict[str, str]]:
    out, ending = session.run_aside(counting, "work")
    run = read_run(out, number, ending).run
    if run.outcome == "interrupted":
        raise Uncounted(INTERRUPTED)
    if run.outcome != "passed":
        said = f": {run.signature}" if run.signature else ""
        raise Uncounted(f"the counting run ended as {run.outcome.replace('_', ' ')}{said}"[:300])
    return read_work(Path(out))


def with_work(record: Record, found: CountedWork) -> Record:
    """Return a record with the work that was counted, or with the reason, at its first run that passed (pure)."""
    if not record.runs:
        return record
    at = _first_passed(record.runs) or 0
    runs = list(record.runs)
    runs[at] = msgspec.structs.replace(runs[at], work=found.work)
    missing = {f"runs[{at}].{path}": why for path, why in found.unavailable.items()}
    return msgspec.structs.replace(record, runs=tuple(runs), unavailable={**record.unavailable, **missing})


def _first_passed(runs: Sequence[Run]) -> int | None:
    return next((at for at, run in enumerate(runs) if run.outcome == "passed"), None)
