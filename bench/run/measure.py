"""A plan to a bundle on disk: run, read, decide, write. Every outcome leaves a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import platformdirs

from bench.compare.verdict import exit_code
from bench.engine.interrupt import Interrupts
from bench.errors import BenchError, ExitCode, NotMeasured, UsageError
from bench.record.schema import Experiment, Record
from bench.record.storage.bundle import Content, read_bundle, write_bundle
from bench.run.baseline import NONE, Baseline
from bench.run.host_snapshot import HostSnapshot, unseen
from bench.run.measurement import Measurement
from bench.run.plan import Plan, check_capacity
from bench.run.result.files import collect
from bench.run.result.record_of import with_verdict
from bench.run.schedule import Repeated, make_runs, stop_here, was_interrupted
from bench.run.session import Session, own_fault
from bench.run.work.counting import (
    INTERRUPTED,
    CountedWork,
    Wanted,
    count_work,
    not_counted,
    why_not,
)


@dataclass(frozen=True, slots=True)
class WrittenResult:
    """A result on disk.

    ``interrupted``: somebody asked the command to end, if only after the last run. ``failure``: why nothing, or not
    all, was measured. ``problem``: why it does not lie in the results folder that was asked for.
    """

    record: Record
    path: Path
    interrupted: bool = False
    problem: str | None = None
    failure: str | None = None

    @property
    def complaints(self) -> tuple[str | None, ...]:
        """What is reported to the person who waits beside the result."""
        return self.failure, self.problem

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with."""
        if self.problem is not None:
            return ExitCode.NOT_MEASURED
        return ExitCode.INTERRUPTED if self.interrupted else exit_code(self.record)


def measure(
    plan: Plan,
    session: Session,
    baseline: Baseline = NONE,
    reproduces: str | None = None,
    *,
    work: Wanted | None = None,
) -> WrittenResult:
    """Run a plan as often as it asks for and write its bundle.

    From the first run until the bundle is there Ctrl-C ends runs and is remembered, and takes nothing away. If
    nothing could be started, or somebody did not wait for it, the bundle records that and has no run.

    Args:
        plan: what to run.
        session: where.
        baseline: the earlier results that it is held against.
        reproduces: the id of the record that it reproduces.
        work: whether its work is counted too, in a run of its own after the others, which is not timed; ``None``: the
            record does not speak of it.

    Raises:
        NotMeasured: neither the results folder nor the user's state takes the bundle; then what was measured stays in
            the session's store.
        UsageError: a limit that the host cannot give, or a results folder that cannot be written.
    """
    check_capacity(plan.task.limits, session.engine.capacity())
    try:
        session.place(plan.need)
        before = session.snapshot()
    except (NotMeasured, KeyboardInterrupt) as error:
        return not_begun(plan, session, error, reproduces)
    with Interrupts() as interrupts:
        result = Measurement(plan, session, before, interrupts, baseline, reproduces).begin()
        make_runs(Repeated([result]))
        result.after = look_again(session, interrupts)
        result.work = look_at_work(result, work) if work is not None else None
        return conclude(result)


def not_begun(
    plan: Plan,
    session: Session,
    error: BenchError | KeyboardInterrupt,
    reproduces: str | None = None,
    before: HostSnapshot | None = None,
    experiment: Experiment | msgspec.UnsetType = msgspec.UNSET,
) -> WrittenResult:
    """Write the result of a command that came to no run, and return it.

    Args:
        plan: what was to run.
        session: where.
        error: what kept it from running.
        reproduces: the id of the record that it reproduces.
        before: the host, if the command came to a look at it.
        experiment: the experiment that it was to be a side of.

    Raises:
        NotMeasured: neither the results folder nor the user's state takes the bundle.
        UsageError: the results folder cannot be written, nor the user's state.
    """
    with Interrupts() as interrupts:
        failure = error if isinstance(error, BenchError) else None
        why = str(failure) if failure else was_interrupted(interrupts)
        seen = before or unseen(why)
        result = Measurement(plan, session, seen, interrupts, reproduces=reproduces, experiment=experiment)
        result.unseen_after, result.cut, result.failure = why, why, failure
        return conclude(result.begin())


def look_at_work(result: Measurement, wanted: Wanted, times: int = 1) -> CountedWork:
    """Count the work of a result whose runs are made, and return it, or why it was not counted.

    Args:
        result: the measurement.
        wanted: whether somebody asked for it.
        times: how many counting runs are made.
    """
    runs = [one.reading.run for one in result.runs]
    why = INTERRUPTED if result.interrupts.count else why_not(result.plan, runs, wanted)
    if why is not None:
        return not_counted(why)
    session = result.session
    session.notify("counting the work in one more run, which is not timed (--no-work leaves it out)")
    counted = count_work(result.plan, session, max((run.wall_s or 0.0 for run in runs), default=None), times)
    if counted.work is None:
        session.notify(f"the work was not counted: {counted.unavailable['work']}")
    return counted


def look_again(session: Session, interrupts: Interrupts) -> HostSnapshot | None:
    """Return the host after the last run; ``None`` if somebody is waiting for the command to end."""
    try:
        stop_here(interrupts)
        with interrupts.breaking():
            return session.snapshot()
    except KeyboardInterrupt:
        return None
    except Exception as fault:  # the runs are measured: a description of the host that fails takes nothing from them
        return unseen(own_fault(fault))


def conclude(result: Measurement) -> WrittenResult:
    """Give a result its verdict, write its bundle, and return it as it was written."""
    asked, interrupted = result.plan.runs, result.interrupts.count > 0
    record = with_verdict(result.record(), asked, result.baseline, cut=result.cut, interrupted=interrupted)
    files = collect(record, result.runs, result.before, result.after, result.baseline.records)
    return write_result(result, record, files)


def write_result(result: Measurement, record: Record, files: Mapping[str, Content]) -> WrittenResult:
    """Write a result's bundle, and return where it lies: the results folder, or, if that refuses it, the user's state.

    Args:
        result: the measurement that the record is of.
        record: the record with its verdict.
        files: the evidence, by name relative to the bundle.

    Raises:
        NotMeasured: neither folder takes the bundle.
        UsageError: the results folder cannot be written, nor the user's state.
    """
    session, problem = result.session, None
    try:
        path = write_bundle(session.results, record, files)
    except (NotMeasured, UsageError) as error:
        try:
            path = write_bundle(refuge(), record, files)
        except BenchError:
            raise error from None
        problem = f"{error}; the result lies in {path} until you move it"
    session.store.written(result.in_store.name)
    failure = str(result.failure) if result.failure else None
    return WrittenResult(read_bundle(path).record, path, result.interrupts.count > 0, problem, failure)


def refuge() -> Path:
    """Return the folder for bundles that their results folder does not take."""
    return platformdirs.user_state_path("bench") / "results"
