"""Runs that did not pass, beside those whose times are compared (pure)."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from bench.record.schema import Outcome, Record, Status

FAILURES: tuple[Outcome, ...] = ("failed", "timed_out", "oom_killed")
"""How the test itself ends without passing. What was interrupted, or not measured, says nothing of it."""
LOST = "the runs that passed do not stand for all: one side lost more of its runs, and their times with them"
"""Why a status is withheld (:func:`withheld`)."""
_SPOKEN: dict[Outcome, str] = {
    "failed": "failed",
    "timed_out": "timed out",
    "oom_killed": "killed for memory",
    "interrupted": "interrupted",
    "not_measured": "not measured",
}


def not_passed(record: Record) -> dict[str, int]:
    """How many runs ended otherwise than passed, by outcome, failures first."""
    counts = Counter(run.outcome for run in record.runs)
    return {outcome: counts[outcome] for outcome in _SPOKEN if counts[outcome]}


def failed(ended: dict[str, int]) -> int:
    """How many of the runs that :func:`not_passed` counts are failures."""
    return sum(ended.get(outcome, 0) for outcome in FAILURES)


def failed_share(record: Record) -> Fraction:
    """The share of failures among the runs that came to an end of their own, 0 to 1."""
    failures = failed(not_passed(record))
    passed = sum(run.outcome == "passed" for run in record.runs)
    return Fraction(failures, failures + passed) if failures else Fraction(0)


def spoken(ended: dict[str, int]) -> str:
    """Counts by outcome as words: ``2 timed out, 1 failed``."""
    return ", ".join(f"{count} {_SPOKEN[outcome]}" for outcome in _SPOKEN if (count := ended.get(outcome)))


def failure_reasons(a: Record, b: Record) -> list[str]:
    """A sentence for each side that has runs which did not pass."""
    return [
        f"{sum(ended.values())} of the {whose} {len(record.runs)} runs did not pass: {spoken(ended)}"
        for whose, record in (("reference's", a), ("result's", b))
        if (ended := not_passed(record))
    ]


def withheld(status: Status, a: Record, b: Record) -> bool:
    """Whether a status is not to be given because the runs that passed do not stand for all.

    What failed or was stopped has no time, and it is often the slow that is stopped. So nobody says "no change" or
    "faster" where one side lost a larger share of its runs, nor "slower" where that side is the reference.
    """
    one, two = failed_share(a), failed_share(b)
    return (status in ("same", "code_improved") and one != two) or (status == "code_regressed" and one > two)
