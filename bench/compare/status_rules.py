"""Runs that did not pass, beside those whose times are compared (pure)."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from bench import units
from bench.compare import sample
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
    """A sentence for each side that has runs which did not pass, or whose time is not judged."""
    sides = (("reference's", a), ("result's", b))
    lost = [
        f"{sum(ended.values())} of the {whose} {len(record.runs)} runs did not pass: {spoken(ended)}"
        for whose, record in sides
        if (ended := not_passed(record))
    ]
    return [*lost, *(said for whose, record in sides if (said := not_judged(record, f"of the {whose}")))]


def not_judged(record: Record, of: str = "of") -> str | None:
    """That the time of some passed runs is not judged, as a sentence; ``None`` where all are."""
    stopped = sum(run.outcome == "passed" and sample.stood_still(run) for run in record.runs)
    if not stopped:
        return None
    runs, time = ("runs", "their times are") if len(record.runs) != 1 else ("run", "its time is")
    return f"{stopped} {of} {len(record.runs)} {runs} stood still for a while, stopped from outside: {time} not judged"


def withheld(status: Status, a: Record, b: Record) -> bool:
    """Whether a status is not to be given because the runs that passed do not stand for all.

    What failed or was stopped has no time, and it is often the slow that is stopped. So nobody says "no change" or
    "faster" where one side lost a larger share of its runs, nor "slower" where that side is the reference.
    """
    one, two = failed_share(a), failed_share(b)
    return (status in ("same", "code_improved") and one != two) or (status == "code_regressed" and one > two)


def undisturbed(status: Status, a: Record, b: Record, *, turns: bool) -> Status:
    """No change is called where the slower side alone ran on a disturbed host.

    Runs that took turns met the same host: there the quicker side is merely too short for a disturbance to be seen.
    """
    if turns or status not in ("code_regressed", "code_improved"):
        return status
    slower, faster = (b, a) if status == "code_regressed" else (a, b)
    disturbed = sample.disturbed_share(slower)
    return "host_noisy" if disturbed >= 0.5 and disturbed > sample.disturbed_share(faster) else status


def doubts(status: Status, a: Record, b: Record, *, turns: bool) -> list[str]:
    """What a reader should know before trusting a status: disturbed runs, and a source that did not change."""
    found = []
    shares = sample.disturbed_share(a), sample.disturbed_share(b)
    if max(shares) > 0:
        found.append(
            f"the host was disturbed in {shares[0]:.0%} of the reference's runs and in {shares[1]:.0%} of the result's"
        )
    called = status in ("code_regressed", "code_improved")
    if called and not turns and min(shares) >= 0.5:
        # A shared host is never quiet, and would never hear of a regression: it is told what the call is worth.
        found.append("a disturbance need not be the same on both sides, so a false alarm may be likelier than 1 %")
    one, two = a.diagnostic.source, b.diagnostic.source
    unchanged = one.sha256 is not None and one.sha256 == two.sha256
    if called and unchanged:
        found.append(
            "the recorded source is the same on both sides: look at what changed around it with 'bench explain'"
        )
    return found


def times_s(record: Record) -> list[float]:
    """The wall times that a ceiling is held against: a run stopped at its timeout took that long at least.

    One that stood still for a while took nobody knows how long.
    """
    ended = [run for run in record.runs if run.outcome in ("passed", "timed_out") and not sample.stood_still(run)]
    return [run.wall_s for run in ended if run.wall_s is not None]


def margin_s(record: Record) -> float | None:
    """Seconds from the slowest run up to the ceiling, negative beyond it; ``None`` without a ceiling or a time."""
    ceiling, times = record.diagnostic.ceiling_s, times_s(record)
    return ceiling - max(times) if ceiling is not None and times else None


def over_reason(record: Record) -> str | None:
    """That a result was over its ceiling, as a sentence; ``None`` where it was not."""
    ceiling, margin, times = record.diagnostic.ceiling_s, margin_s(record), times_s(record)
    if ceiling is None or margin is None or margin >= 0:
        return None
    over = sum(time > ceiling for time in times)
    return (
        f"{over} of {len(times)} runs took longer than the ceiling of {units.seconds(ceiling)}, "
        f"the slowest by {units.seconds(-margin)}"
    )


def by_ceiling(status: Status, reasons: tuple[str, ...], over: str | None) -> tuple[Status, tuple[str, ...]]:
    """A result over its ceiling is said to be, unless it regressed, which says more."""
    if over is None:
        return status, reasons
    told = (*reasons, f"the result is over its ceiling: {over}")
    return status if status == "code_regressed" else "over_ceiling", told
