"""A result under way: what is measured, where, for which question, and the runs that there are of it so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import msgspec

from bench.engine.interrupt import Interrupts
from bench.errors import BenchError
from bench.host.calibration import drift
from bench.host.identity import prefixed
from bench.record.schema import Experiment, HostState, Record, Warning_
from bench.run.baseline import NONE, Baseline
from bench.run.host_snapshot import HostSnapshot, unseen
from bench.run.plan import Plan
from bench.run.result.reading import OneRun, Reading
from bench.run.result.record_of import Surroundings, record_of
from bench.run.session import NOWHERE, Session
from bench.run.store.kept import Result
from bench.run.work.counting import CountedWork, with_work

INTERRUPTED = "the command was interrupted"


@dataclass(slots=True)
class Measurement:
    """The one object that goes from the first look at the host to the bundle.

    Args:
        plan: what is measured.
        session: where.
        before: the host before the first run.
        interrupts: how often somebody asked the command to end.
        baseline: the earlier results that it is held against.
        reproduces: the id of the record that it reproduces.
        experiment: the experiment that it is a side of, with all pairs that it may come to.
        after: the host after the last run; ``None`` if nobody looked.
        unseen_after: why nobody looked, if that is so.
        runs: the runs so far, in their order.
        cut: why there are fewer runs than were asked for.
        failure: what kept a run from being started.
        work: the work that was counted, or why not; ``None`` until somebody has looked.
        in_store: by which name the session's store keeps it, once it has begun.
    """

    plan: Plan
    session: Session
    before: HostSnapshot
    interrupts: Interrupts
    baseline: Baseline = NONE
    reproduces: str | None = None
    experiment: Experiment | msgspec.UnsetType = msgspec.UNSET
    after: HostSnapshot | None = None
    unseen_after: str = INTERRUPTED
    runs: list[OneRun] = field(default_factory=list)
    cut: str | None = None
    failure: BenchError | None = None
    work: CountedWork | None = None
    in_store: Result = field(init=False)

    @property
    def over(self) -> bool:
        """Whether no more runs of it are made."""
        return self.cut is not None or self.failure is not None

    def begin(self) -> Self:
        """Keep in the store what is known before the first run; return the measurement itself."""
        begun = msgspec.structs.replace(self.record(), experiment=self.experiment)
        self.in_store = self.session.begin(begun, self.plan.runs)
        return self

    def run(self, plan: Plan) -> OneRun:
        """Make one more run and return it; it is not among ``runs`` yet.

        Raises:
            NotMeasured: nothing could be started.
        """
        return self.session.run(plan, len(self.runs), self.in_store)

    def record(self) -> Record:
        """Return the record as far as it is known: without a verdict, and before the first run without runs."""
        host_class, class_missing = self.session.host_class()
        missing = {**prefixed(class_missing, "host.class"), **_missing("before", self.before)}
        after, why = self.after, self.unseen_after
        missing |= {"host.after": why, "calibration.after": why} if after is None else _missing("after", after)
        place = self.session.place_so_far(self.plan.need)
        engine = self.session.engine.describe(self.plan.task.limits, self.plan.task.security)
        if place is NOWHERE:
            unknown = [f"engine.{name}" for name in ("version", "cgroup_version") if getattr(engine, name) is None]
            missing |= dict.fromkeys(("image", "environment", *unknown), f"nothing was prepared to run in: {why}")
        around = Surroundings(
            place=place,
            engine=engine,
            host_class=host_class,
            before=self.before.state,
            after=after.state if after else HostState(),
            calibration_before=self.before.calibration,
            calibration_after=after.calibration if after else {},
            unavailable=missing,
        )
        changed = drift(self.before.calibration, after.calibration) if after else ()
        readings = _warned([run.reading for run in self.runs], changed)
        record = record_of(self.plan, around, readings, stamp=self.session.stamp(), reproduces=self.reproduces)
        record = msgspec.structs.replace(record, experiment=of_runs(self.experiment, range(len(readings))))
        return record if self.work is None else with_work(record, self.work)


def record_before(plan: Plan, session: Session) -> Record:
    """Return the record that a plan begins here, before anybody looks at the state of the host."""
    return Measurement(plan, session, unseen("nothing was run"), Interrupts()).record()


def of_runs(experiment: Experiment | msgspec.UnsetType, numbers: Iterable[int]) -> Experiment | msgspec.UnsetType:
    """Return the experiment with the pairs of those runs alone that were made.

    Args:
        experiment: with all pairs that it may have come to.
        numbers: of the runs that were made, in their result.
    """
    if not isinstance(experiment, Experiment):
        return experiment
    made = [number for number in numbers if number < len(experiment.pair)]
    pair, order = (tuple(told[number] for number in made) for told in (experiment.pair, experiment.order))
    return msgspec.structs.replace(experiment, pair=pair, order=order)


def _warned(readings: Sequence[Reading], found: tuple[Warning_, ...]) -> Sequence[Reading]:
    """Put what changed between the first and the last run among the warnings of the last."""
    if not readings or not found:
        return readings
    run = readings[-1].run
    warned = msgspec.structs.replace(run, warnings=(*run.warnings, *found))
    return [*readings[:-1], replace(readings[-1], run=warned)]


def _missing(when: str, seen: HostSnapshot) -> dict[str, str]:
    return prefixed(seen.state_unavailable, f"host.{when}") | {
        f"calibration.{when}.{name}".rstrip("."): why for name, why in seen.calibration_unavailable.items()
    }
