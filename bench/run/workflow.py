"""A plan to a bundle on disk: run, read, judge, write. Every outcome leaves a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import __version__
from bench.compare.verdict import judge
from bench.errors import ExitCode, NotMeasured
from bench.record.bundle import write_bundle
from bench.record.schema import HostState, Record
from bench.run.assemble import Surroundings, assemble
from bench.run.evidence import collect
from bench.run.plan import Plan
from bench.run.session import Observation, OneRun, Session

_BY_OUTCOME = {
    "failed": ExitCode.TEST_FAILED,
    "timed_out": ExitCode.TIMED_OUT,
    "oom_killed": ExitCode.OOM_KILLED,
    "not_measured": ExitCode.NOT_MEASURED,
    "interrupted": ExitCode.INTERRUPTED,
}


@dataclass(frozen=True, slots=True)
class Finished:
    """A result on disk."""

    record: Record
    path: Path

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with."""
        return exit_code(self.record)


def exit_code(record: Record) -> ExitCode:
    """The exit code of a result: its outcome's, and 1 where it passed but is over the ceiling or has regressed."""
    if record.outcome != "passed":
        return _BY_OUTCOME[record.outcome]
    return ExitCode.REGRESSED if record.verdict.status in {"over_ceiling", "code_regressed"} else ExitCode.OK


def measure(plan: Plan, session: Session, baseline: Sequence[Record] = (), reproduces: str | None = None) -> Finished:
    """Run a plan as often as it says and write its bundle.

    Args:
        plan: what to run.
        session: where.
        baseline: the earlier results that it is held against.
        reproduces: the id of the record that it reproduces.

    Raises:
        NotMeasured: nothing could be started, or the disk is full; then nothing is left behind.
        UsageError: a limit that the host cannot give, or a results folder that cannot be written.
    """
    session.place(plan.need)
    before = session.observe()
    runs = run_all(plan, session)
    after = look_again(session, any(run.reading.run.outcome == "interrupted" for run in runs))
    return finish(plan, session, before, after, runs, baseline, reproduces)


def run_all(plan: Plan, session: Session) -> list[OneRun]:
    """The runs of a plan one after another; the first that is interrupted or could not be measured is the last."""
    runs: list[OneRun] = []
    for index in range(plan.repeat):
        try:
            runs.append(session.run(plan, index))
        except (NotMeasured, KeyboardInterrupt):
            if not runs:
                raise
            break
        if runs[-1].reading.run.outcome in {"interrupted", "not_measured"}:
            break
    return runs


def look_again(session: Session, interrupted: bool) -> Observation | None:
    """The host after the last run; ``None`` where somebody is waiting for the command to end."""
    try:
        return None if interrupted else session.observe()
    except KeyboardInterrupt:
        return None


def finish(
    plan: Plan,
    session: Session,
    before: Observation,
    after: Observation | None,
    runs: Sequence[OneRun],
    baseline: Sequence[Record] = (),
    reproduces: str | None = None,
) -> Finished:
    """Judge the runs and write the bundle."""
    record = _record(plan, session, before, after, runs, reproduces)
    record = msgspec.structs.replace(record, verdict=judge(record, baseline))
    files = collect(runs, before, after)
    return Finished(record, write_bundle(session.results, record, files))


def _record(
    plan: Plan,
    session: Session,
    before: Observation,
    after: Observation | None,
    runs: Sequence[OneRun],
    reproduces: str | None,
) -> Record:
    host_class, class_missing = session.host_class()
    missing = {f"host.class.{path}": why for path, why in class_missing.items()}
    missing |= {f"host.before.{path}": why for path, why in before.unavailable.items()}
    missing |= {f"calibration.before.{name}": why for name, why in before.uncalibrated.items()}
    if after is None:
        missing |= {"host.after": "the run was interrupted", "calibration.after": "the run was interrupted"}
    else:
        missing |= {f"host.after.{path}": why for path, why in after.unavailable.items()}
        missing |= {f"calibration.after.{name}": why for name, why in after.uncalibrated.items()}
    around = Surroundings(
        host_class=host_class,
        before=before.state,
        after=after.state if after else HostState(),
        calibration_before=before.calibration,
        calibration_after=after.calibration if after else {},
        unavailable=missing,
    )
    readings = [run.reading for run in runs]
    return assemble(
        plan,
        session.place(plan.need),
        session.engine.describe(plan.task.limits, plan.task.security),
        around,
        readings,
        stamp=session.stamp(),
        version=__version__,
        reproduces=reproduces,
    )
