"""The verdict on one result: did it pass, under its ceiling, and as fast as its history (pure)?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from bench import units
from bench.compare.likeness.differences import ORDER
from bench.compare.reference import like_or_newest, no_reference
from bench.compare.sample import Sample, sample_of
from bench.compare.status_rules import margin_s, over_reason, stopped_reason
from bench.errors import ExitCode
from bench.record.schema import Outcome, Record, Status, Verdict, VerdictBaseline

if TYPE_CHECKING:
    from bench.compare.comparison import Comparison

_BY_OUTCOME: dict[Outcome, ExitCode] = {
    "failed": ExitCode.TEST_FAILED,
    "timed_out": ExitCode.TIMED_OUT,
    "oom_killed": ExitCode.OOM_KILLED,
    "interrupted": ExitCode.INTERRUPTED,
    "not_measured": ExitCode.NOT_MEASURED,
}


def verdict_of(record: Record, baseline: Sequence[Record] = (), *, asked: bool | None = None) -> Verdict:
    """Return the verdict that goes into a record.

    It is the first that applies: ``not_measured`` if no run has a time, ``over_ceiling``, ``not_measured`` if the
    result did not pass or the baseline that was asked for holds nothing to compare with, the comparison, ``ok``.

    Args:
        record: a result, its own verdict aside.
        baseline: earlier results, in any order. Those that are like this one are its history; if none is, the newest
            of the same diagnostic, with what is like it, is compared with, and the verdict names what differs.
        asked: whether somebody named that baseline. One that merely lay there and is not like this result leaves it
            ``ok``, unless other tests ran; the reasons name the differences all the same. If not given, a baseline was
            named if there is any.

    Raises:
        DamagedData: a wall time that is none.
    """
    asked = bool(baseline) if asked is None else asked
    result = sample_of(record)
    margin, over = margin_s(result), over_reason(result)
    reasons, status = _measured(result, beyond=over is not None)
    if status is None and over is not None:
        reasons.append(over)
        status = "over_ceiling"
    elif status is None and margin is not None:
        reasons.append(f"{units.seconds(margin)} below the ceiling of {units.seconds(record.diagnostic.ceiling_s)}")
    chosen = like_or_newest(record, baseline) if result.walls and not record.profiler else ()
    against = _compared(chosen, result) if chosen else None
    if against is not None:
        reasons += against.reasons
    if status is None and record.outcome != "passed":
        status = "not_measured"
    missing = no_reference(record, baseline) if asked and result.walls else None
    if missing is not None:
        reasons.append(f"nothing was compared: {missing}")
        # A profile is no time to compare, and nobody who asks for one expects that.
        status = status or ("ok" if record.profiler else "not_measured")
        return Verdict(status, tuple(reasons), margin, VerdictBaseline(status="not_measured"))
    if status is None:
        status = "ok" if against is None or _beside(against, asked) else against.status
    return Verdict(status, tuple(reasons), margin, _baseline(against) if against is not None else VerdictBaseline())


def exit_code(record: Record) -> ExitCode:
    """Return the exit code of ``bench run`` for a record that carries its verdict.

    How the run ended goes first. A baseline that cannot be compared with, or has too few runs, is no failure of this
    run.
    """
    if record.outcome in _BY_OUTCOME:
        return _BY_OUTCOME[record.outcome]
    if record.verdict.status in ("over_ceiling", "code_regressed"):
        return ExitCode.REGRESSED
    return ExitCode.NOT_MEASURED if record.verdict.status == "not_measured" else ExitCode.OK


def _measured(result: Sample, *, beyond: bool) -> tuple[list[str], Status | None]:
    """Why nothing was measured, if so. A run stopped ``beyond`` the ceiling was over the ceiling all the same."""
    record, stopped = result.newest, stopped_reason(result)
    if result.walls:
        failures = sum(result.not_passed.values())
        found = [f"{failures} of {result.total} runs did not pass"] if failures else []
        return [*found, *([stopped] if stopped else [])], None
    if stopped:
        return [stopped], "not_measured"
    if record.outcome == "timed_out":
        return ["no run ended before its timeout"], "over_ceiling" if beyond else "not_measured"
    if record.outcome == "passed":
        return ["no run has a time of its own to judge"], "not_measured"
    signature = next((run.signature for run in record.measured_runs or record.runs if run.signature), None)
    return [signature or f"no run passed (outcome {record.outcome})"], "not_measured"


def _compared(chosen: Sequence[Record], result: Sample) -> Comparison:
    from bench.compare.comparison import compare  # it brings numpy, 12 MB, which a first result does without

    return compare(chosen, result, ceiling=False)


def _beside(against: Comparison, asked: bool) -> bool:
    """Whether a comparison that nobody asked for leaves this result as it is."""
    return not asked and against.status in ORDER and against.status != "tests_differ"


def _baseline(comparison: Comparison) -> VerdictBaseline:
    expected = comparison.expected
    return VerdictBaseline(
        id=comparison.a.id,
        stamp=comparison.a.stamp,
        host=comparison.a.host,
        runs=comparison.a.runs,
        median_s=comparison.a.median_s,
        status=comparison.status,
        ratio=comparison.ratio,
        ratio_low=comparison.ratio_low,
        ratio_high=comparison.ratio_high,
        predicted_low_s=expected.low_s if expected is not None else None,
        predicted_high_s=expected.high_s if expected is not None else None,
        belongs=expected.belongs if expected is not None else None,
        smallest_detectable=comparison.smallest_detectable,
        runs_needed=comparison.runs_needed,
        figures=comparison.figures or msgspec.UNSET,
    )
