"""A record with its verdict, which says so where runs are missing (pure)."""

from __future__ import annotations

import msgspec

from bench.compare.verdict import judge
from bench.errors import BenchError
from bench.record.schema import Record, Verdict, Warning_
from bench.record.unavailable import with_reasons
from bench.run.baseline import NONE, Baseline

MISSING = "runs_missing"
"""The code of the warning that fewer runs were made than were asked for; its value is how many are missing."""


def judged(
    record: Record, asked: int, baseline: Baseline = NONE, *, cut: str | None = None, interrupted: bool = False
) -> Record:
    """The record, judged, with a reason for each value that is null.

    Args:
        record: what was measured.
        asked: how many runs were asked for.
        baseline: the earlier results that it is held against.
        cut: why there are fewer.
        interrupted: whether somebody ended them; what was measured by then stays, and the outcome is ``interrupted``.
    """
    short = asked - len(record.runs)
    if short <= 0:
        return with_reasons(msgspec.structs.replace(record, verdict=_verdict(record, baseline)))
    said = f"{len(record.runs)} of {asked} runs were made" + (f": {cut}" if cut else "")
    record = _warned(record, Warning_(MISSING, said, float(short)))
    if interrupted:
        record = msgspec.structs.replace(record, outcome="interrupted")
    verdict = _verdict(record, baseline)
    verdict = msgspec.structs.replace(verdict, reasons=(said, *verdict.reasons))
    return with_reasons(msgspec.structs.replace(record, verdict=verdict))


def _verdict(record: Record, baseline: Baseline) -> Verdict:
    """The verdict. Where the judging itself fails, evidence that took hours is kept all the same."""
    try:
        return judge(record, baseline.records, asked=baseline.asked)
    except (BenchError, ArithmeticError) as failure:
        return Verdict("not_measured", (f"the runs could not be judged: {failure}",))


def _warned(record: Record, warning: Warning_) -> Record:
    if not record.runs:
        return record
    *others, last = record.runs
    last = msgspec.structs.replace(last, warnings=(*last.warnings, warning))
    return msgspec.structs.replace(record, runs=(*others, last))
