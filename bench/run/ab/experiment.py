"""An experiment from both plans to both bundles."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from bench.compare.comparison import Comparison, compare
from bench.compare.experiment import Trial
from bench.compare.sample import FAILURES
from bench.engine.interrupt import Interrupts
from bench.errors import ExitCode, NotMeasured, gravest
from bench.record.schema import Experiment, Outcome, Record
from bench.run.ab.duet import make_duets
from bench.run.ab.pairs import Ended, Pairs, Rules, planned
from bench.run.ab.resume import require_alike
from bench.run.measure import WrittenResult, conclude, look_again, look_at_work, not_begun
from bench.run.measurement import Measurement
from bench.run.plan import Plan, check_capacity
from bench.run.result.reading import OneRun
from bench.run.schedule import make_runs
from bench.run.session import Session
from bench.run.work.counting import Wanted

_BY_OUTCOME: dict[Outcome, ExitCode] = {
    "failed": ExitCode.TEST_FAILED,
    "timed_out": ExitCode.TIMED_OUT,
    "oom_killed": ExitCode.OOM_KILLED,
}


@dataclass(frozen=True, slots=True)
class Arm:
    """One side: what it runs, where, and, if the experiment goes on, what it has so far.

    ``experiment`` holds the pairs of the ``earlier`` runs; ``was`` is the newest record of them.
    """

    plan: Plan
    session: Session
    experiment: Experiment
    earlier: Sequence[OneRun] = field(default_factory=tuple)
    was: Record | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Both results, what they show together, and what ended the experiment."""

    base: WrittenResult
    head: WrittenResult
    comparison: Comparison
    ended_by: Ended

    @property
    def exit_code(self) -> ExitCode:
        """0 the same or faster, 1 slower, 3 to 5 a side failed, 6 undecided, 7 what ran differs, 130 interrupted.

        2 if the figure that was to decide cannot: no run has it, or it is not above 0.
        """
        written = (self.base, self.head)
        if any(one.interrupted for one in written):
            return ExitCode.INTERRUPTED
        failed = [_BY_OUTCOME[run.outcome] for one in written for run in one.record.runs if run.outcome in FAILURES]
        if failed:
            return gravest(failed)
        if self.ended_by == "no_figure":
            return ExitCode.USAGE
        if any(one.problem is not None or one.failure is not None for one in written):
            return ExitCode.NOT_MEASURED
        return self.comparison.exit_code


def new_sides(seed: int | None, metric: str, effect: float, words: tuple[str, str]) -> tuple[Experiment, Experiment]:
    """Return both sides of an experiment that has no pair yet.

    Args:
        seed: decides the order within each pair; drawn if it is not given.
        metric: the figure that decides.
        effect: the least change that is looked for, a ratio minus 1.
        words: what was asked of the base and of the head.
    """
    name, seed = f"ab-{secrets.token_hex(4)}", secrets.randbits(32) if seed is None else seed
    base = Experiment(name, "base", (), (), seed, metric, effect, words[0])
    return base, msgspec.structs.replace(base, side="head", words=words[1])


def run_pairs(
    base: Arm,
    head: Arm,
    rules: Rules,
    first: int = 0,
    follow: Callable[[Trial], object] = lambda _: None,
    work: Wanted = "never",
) -> Done:
    """Prepare both sides, run them in pairs until the answer is certain, and write a bundle of each.

    From the first run until the bundles are there Ctrl-C ends runs and is remembered, and takes nothing away.

    Args:
        base: what is compared with.
        head: what is judged.
        rules: when to end.
        first: the number of the first pair.
        follow: told where the experiment stands after each pair.
        work: whether the work of each side is counted, twice: only what repeats is judged.

    Raises:
        NotComparable: it was to go on, and a side is not what it was.
        NotMeasured: no folder takes the bundles.
        UsageError: a limit that the host cannot give.
    """
    arms = (base, head)
    for arm in arms:
        check_capacity(arm.plan.task.limits, arm.session.engine.capacity())
    try:
        for arm in arms:
            arm.session.place(arm.plan.need)
        before = base.session.snapshot()
    except (NotMeasured, KeyboardInterrupt) as error:
        written = [not_begun(arm.plan, arm.session, error, experiment=arm.experiment) for arm in arms]
        return _done(written, "interrupted" if isinstance(error, KeyboardInterrupt) else "lost")
    with Interrupts() as interrupts:
        sides = [Measurement(arm.plan, arm.session, before, interrupts) for arm in arms]
        for arm, side in zip(arms, sides, strict=True):
            if arm.was is not None:
                require_alike(arm.was, side.record(), arm.experiment.side)
            side.experiment = planned(arm.experiment, first, max(rules.max_pairs + arm.plan.warmup, first))
            side.begin().runs.extend(arm.earlier)  # what a store and an engine's labels keep is of the new runs alone
        order = Pairs(sides[0], sides[1], rules, first, follow)
        halves = arms[0].experiment.duet
        if len(halves) == 2:
            make_duets(order, (halves[0], halves[1]))
        else:
            make_runs(order)
        after = look_again(base.session, interrupts)
        counted = work != "never" and order.are_counted()
        for side in sides:
            side.after = after
            if order.ended_by not in ("interrupted", "lost"):  # then there are as many runs as the pairs took
                side.plan = replace(side.plan, repeat=max(1, len(side.runs) - side.plan.warmup))
            if counted:
                side.work = look_at_work(side, work, times=2)
        return _done([conclude(side) for side in sides], order.ended_by)


def _done(written: Sequence[WrittenResult], ended_by: Ended) -> Done:
    base, head = written
    return Done(base, head, compare(base.record, head.record), ended_by)
