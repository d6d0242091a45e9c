"""Runs every check in a fresh container each and writes the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from bench.catalog.model import Diagnostic, Variant
from bench.engine.assets import agent_folder
from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Need, Place, Task
from bench.errors import NotMeasured
from bench.record.check import Held
from bench.record.schema import Limits, Outcome, Record, Verdict
from bench.record.unavailable import with_reasons
from bench.report.files.summary import render_summary
from bench.run.measure import WrittenResult, look_again, not_begun, write_result
from bench.run.measurement import INTERRUPTED, Measurement
from bench.run.plan import BASE_ENV, PIDS, Plan
from bench.run.result.files import collect
from bench.run.result.reading import OneRun
from bench.run.schedule import OneByOne, Turn, make_runs
from bench.run.selftest.accuracy import as_run, hold, parse_truth
from bench.run.selftest.checks import CHECKS, Check
from bench.run.session import Session
from bench.run.source.read import read_catalog_source
from bench.run.trust import remember

_MAX_LOG_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Checked:
    """A self-test on disk: its bundle, every figure, and the checks that could not be made, with the reason."""

    written: WrittenResult
    held: tuple[Held, ...]
    not_made: tuple[tuple[str, str], ...]


def plan_of(diagnostic: Diagnostic) -> Plan:
    """Return the plan that all checks have in common."""
    task = Task(
        argv=(),
        env=dict(BASE_ENV),
        cwd="{out}",
        timeout_s=diagnostic.timeout_s,
        limits=Limits(pids=PIDS),
        torch=False,
    )
    source = read_catalog_source(agent_folder() / "loads")
    return Plan(diagnostic, "full", source, Need(diagnostic.image), task, repeat=1)


def for_check(plan: Plan, check: Check, place: Place) -> Plan:
    """Return the plan of one check (pure), called like a variant while it runs.

    Args:
        plan: what all checks have in common.
        check: the load, and its limits.
        place: where it will run; the loads lie in its folder of the agent.
    """
    argv = ("{python}", "-I", "-S", "-B", f"{place.agent}/loads", *check.load)
    limits = msgspec.structs.replace(check.limits, pids=PIDS)
    return replace(plan, task=replace(plan.task, argv=argv, limits=limits), variant=Variant(check.name, check.about))


def self_test(session: Session, diagnostic: Diagnostic, checks: Sequence[Check] = CHECKS) -> Checked:
    """Make every check and write the bundle.

    A check whose limit this engine cannot apply is left out, with the reason. If not one could be made, the bundle
    records why and has no run.

    Args:
        session: where to run.
        diagnostic: the self-test, with its image and timeout.
        checks: the checks to make, in their order.
    """
    plan = replace(plan_of(diagnostic), repeat=len(checks))
    try:
        place = session.place(plan.need)
        before = session.snapshot()
    except (NotMeasured, KeyboardInterrupt) as error:
        return Checked(not_begun(plan, session, error), (), ())
    with Interrupts() as interrupts:
        result = Measurement(plan, session, before, interrupts).begin()
        order = HeldChecks(result, checks, place)
        make_runs(order)
        result.after = look_again(session, interrupts)
        interrupted = result.cut is not None
        record = with_readings_verdict(result.record(), order.held, order.not_made, interrupted=interrupted)
        if not result.runs and not interrupted:
            result.failure = NotMeasured(record.verdict.reasons[0])
        files = collect(record, result.runs, before, result.after)
        files["summary.md"] = partial(render_summary, findings=[one.sentence() for one in order.held])
        written = write_result(result, record, files)
    remember(written.record)
    return Checked(written, tuple(order.held), tuple(order.not_made))


class HeldChecks(OneByOne):
    """The checks in their order, each reading held against the truth as soon as it is there."""

    def __init__(self, result: Measurement, checks: Sequence[Check], place: Place) -> None:
        self._checks = {check.name: check for check in checks}
        self.held: list[Held] = []
        super().__init__(result, [for_check(result.plan, check, place) for check in checks])

    @property
    def not_made(self) -> tuple[tuple[str, str], ...]:
        """The checks that could not be made, with the reason."""
        return tuple((_name(plan), str(error)) for plan, error in self.left_out)

    def ended(self, turn: Turn, run: OneRun) -> None:
        """Keep the run with its readings held against the truth; report each that is off."""
        if run.reading.run.outcome == "interrupted":
            super().ended(turn, run)
            return
        check = self._checks[_name(turn.plan)]
        found = hold(check, run.reading, read_truth(run))
        self.held += found
        super().ended(turn, replace(run, reading=replace(run.reading, run=as_run(check, run.reading, found))))
        for figure in found:
            if figure.outcome == "failed":
                turn.of.session.notify(figure.sentence())


def _name(plan: Plan) -> str:
    assert plan.variant is not None  # noqa: S101, for_check names each plan after its check
    return plan.variant.name


def with_readings_verdict(
    record: Record, held: Sequence[Held], not_made: Sequence[tuple[str, str]], *, interrupted: bool = False
) -> Record:
    """Return the record with its outcome and verdict (pure). What could not be read is reported, and fails nothing.

    Args:
        record: the record with its runs, and no verdict yet.
        held: every figure that was held against the truth.
        not_made: the name of each check that could not be made, with the reason.
        interrupted: whether somebody asked the command to end before all checks were made.
    """
    failed = [one for one in held if one.outcome == "failed"]
    passed = sum(one.outcome == "passed" for one in held)
    outcome: Outcome = "interrupted" if interrupted else "failed" if failed else "passed" if passed else "not_measured"
    held_up = f"{passed} of {passed + len(failed)} readings hold"
    why = INTERRUPTED if interrupted else not_made[0][1] if not_made else "there are none"
    reasons = [held_up if record.runs else f"not one check could be made: {why}"]
    reasons += [one.sentence() for one in held if one.outcome != "passed"]
    reasons += [f"{name}: not made: {why}" for name, why in not_made]
    status = Verdict("ok" if outcome == "passed" else "not_measured", tuple(reasons))
    return with_reasons(msgspec.structs.replace(record, outcome=outcome, verdict=status))


def read_truth(run: OneRun) -> dict[str, object] | None:
    """Return what the load of a run reported as its cost; ``None`` if it left no report."""
    path = run.out / "pytest.log"
    if not path.is_file() or path.stat().st_size > _MAX_LOG_BYTES:
        return None
    found = parse_truth(path.read_bytes())
    return dict(found) if found is not None else None
