"""A plan to a bundle on disk: run, read, judge, write. Every outcome leaves a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from bench.compare.verdict import exit_code
from bench.engine.interrupt import Interrupts
from bench.errors import BenchError, ExitCode, NotMeasured, UsageError
from bench.record.schema import Record
from bench.record.storage.bundle import Content, read_bundle, write_bundle
from bench.run.baseline import NONE, Baseline
from bench.run.host_snapshot import Observation, unseen
from bench.run.plan import Plan, check_capacity
from bench.run.result.files import collect
from bench.run.result.reading import OneRun, never_ran
from bench.run.result.record_of import judged
from bench.run.session import INTERRUPTED, Session, assembled, own_fault
from bench.run.store import Result


@dataclass(frozen=True, slots=True)
class Finished:
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
        """What the person who waits is told beside the result."""
        return self.failure, self.problem

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with."""
        if self.problem is not None:
            return ExitCode.NOT_MEASURED
        return ExitCode.INTERRUPTED if self.interrupted else exit_code(self.record)


@dataclass(slots=True)
class Runs:
    """The runs of a result so far; ``cut`` says why there are fewer than it asks for, ``failure`` what went wrong."""

    result: Result
    done: list[OneRun] = field(default_factory=list)
    cut: str | None = None
    failure: str | None = None


def measure(plan: Plan, session: Session, baseline: Baseline = NONE, reproduces: str | None = None) -> Finished:
    """Run a plan as often as it says and write its bundle.

    From the first run until the bundle is there Ctrl-C ends runs and is remembered, and takes nothing away. Where
    nothing could be started, or somebody did not wait for it, the bundle says so and has no run.

    Args:
        plan: what to run.
        session: where.
        baseline: the earlier results that it is held against.
        reproduces: the id of the record that it reproduces.

    Raises:
        NotMeasured: neither the results folder nor the user's state takes the bundle; then what was measured stays in
            the session's store.
        UsageError: a limit that the host cannot give, or a results folder that cannot be written.
    """
    check_capacity(plan.task.limits, session.engine.capacity())
    try:
        session.place(plan.need)
        before = session.observe()
    except (NotMeasured, KeyboardInterrupt) as error:
        return not_begun(plan, session, error, reproduces)
    with Interrupts() as interrupts:
        result = session.begin(assembled(plan, session, before, None, (), reproduces), plan.repeat)
        runs = run_all(plan, session, result, interrupts)
        after = look_again(session, interrupts)
        return finish(plan, session, before, after, runs, interrupts, baseline, reproduces)


def not_begun(
    plan: Plan,
    session: Session,
    error: NotMeasured | KeyboardInterrupt,
    reproduces: str | None = None,
    before: Observation | None = None,
) -> Finished:
    """The result of a command that came to no run; ``before`` where it came to a look at the host."""
    with Interrupts() as interrupts:
        why = str(error) if isinstance(error, NotMeasured) else was_interrupted(interrupts)
        before = before or unseen(why)
        result = session.begin(assembled(plan, session, before, None, (), reproduces, why), plan.repeat)
        runs = Runs(result, cut=why, failure=why if isinstance(error, NotMeasured) else None)
        return finish(plan, session, before, None, runs, interrupts, reproduces=reproduces, why=why)


def run_all(plan: Plan, session: Session, result: Result, interrupts: Interrupts) -> Runs:
    """The runs of a plan one after another; the first that is interrupted or could not be measured is the last."""
    runs = Runs(result)
    for index in range(plan.repeat):
        try:
            stop_here(interrupts)
            runs.done.append(session.run(plan, index, result))
        except NotMeasured as error:
            runs.failure = str(error)
            runs.done.append(never_ran(index, runs.failure))
        except KeyboardInterrupt:
            runs.cut = was_interrupted(interrupts)
            break
        except Exception as fault:
            if not runs.done:
                raise
            runs.failure = own_fault(fault)
            runs.done.append(never_ran(index, runs.failure))
        outcome = runs.done[-1].reading.run.outcome
        if outcome in {"interrupted", "not_measured"}:
            runs.cut = was_interrupted(interrupts) if outcome == "interrupted" else f"run {index} was not measured"
            break
    return runs


def stop_here(interrupts: Interrupts) -> None:
    """Begin nothing more where somebody asked for the end.

    Raises:
        KeyboardInterrupt: somebody did.
    """
    if interrupts.count:
        raise KeyboardInterrupt


def was_interrupted(interrupts: Interrupts) -> str:
    """Why there are no more runs. An interrupt that came in another way than as a signal is counted too."""
    if not interrupts.count:
        interrupts.add()
    return INTERRUPTED


def look_again(session: Session, interrupts: Interrupts) -> Observation | None:
    """The host after the last run; ``None`` where somebody is waiting for the command to end."""
    try:
        stop_here(interrupts)
        with interrupts.breaking():
            return session.observe()
    except KeyboardInterrupt:
        return None
    except Exception as fault:  # the runs are measured: a description of the host that fails takes nothing from them
        return unseen(own_fault(fault))


def finish(
    plan: Plan,
    session: Session,
    before: Observation,
    after: Observation | None,
    runs: Runs,
    interrupts: Interrupts,
    baseline: Baseline = NONE,
    reproduces: str | None = None,
    why: str = INTERRUPTED,
) -> Finished:
    """Judge the runs and write the bundle; ``why`` nobody looked at the host afterwards, where that is so."""
    record = assembled(plan, session, before, after, runs.done, reproduces, why)
    record = judged(record, plan.repeat, baseline, cut=runs.cut, interrupted=interrupts.count > 0)
    files = collect(record, runs.done, before, after, baseline.records)
    return replace(write(session, runs.result, record, files, interrupts), failure=runs.failure)


def write(
    session: Session, result: Result, record: Record, files: Mapping[str, Content], interrupts: Interrupts
) -> Finished:
    """Write a result's bundle: to the results folder, or, where that has become full, to the user's state."""
    problem = None
    try:
        path = write_bundle(session.results, record, files)
    except (NotMeasured, UsageError) as error:
        try:
            path = write_bundle(refuge(), record, files)
        except BenchError:
            raise error from None
        problem = f"{error}; the result lies in {path} until you move it"
    session.store.written(result.name)
    return Finished(read_bundle(path).record, path, interrupts.count > 0, problem)


def refuge() -> Path:
    """Where a bundle goes that its results folder does not take."""
    return platformdirs.user_state_path("bench") / "results"
