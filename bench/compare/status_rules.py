"""Runs that did not pass, beside those whose times are compared (pure)."""

from __future__ import annotations

from bench import units
from bench.compare.sample import Sample
from bench.record.schema import Outcome, Status

LOST = "the runs that passed do not stand for all: one side lost more of its runs, and their times with them"
"""Why a status is withheld (:func:`withheld`)."""
_SHOWN = 200
"""Characters of how a run failed, at most."""
_SPOKEN: dict[Outcome, str] = {
    "failed": "failed",
    "timed_out": "timed out",
    "oom_killed": "killed for memory",
    "interrupted": "interrupted",
    "not_measured": "not measured",
}


def spoken(ended: dict[str, int]) -> str:
    """Return counts by outcome as words: ``2 timed out, 1 failed``."""
    return ", ".join(f"{count} {_SPOKEN[outcome]}" for outcome in _SPOKEN if (count := ended.get(outcome)))


def failure_reasons(a: Sample, b: Sample) -> list[str]:
    """Return a sentence for each side that has runs which did not pass, or whose time is not judged."""
    sides = (("reference's", a), ("result's", b))
    lost = [
        f"{sum(side.not_passed.values())} of the {whose} {side.total} runs did not pass: {_how(side)}"
        for whose, side in sides
        if side.not_passed
    ]
    return [*lost, *(said for whose, side in sides if (said := stopped_reason(side, f"of the {whose}")))]


def _how(side: Sample) -> str:
    """How runs ended, and if none passed what the first says that says anything: there is nothing else to read."""
    every = (run for record in side.records for run in record.measured_runs)
    said = None if side.runs else next((run.signature for run in every if run.signature), None)
    more = "" if said is None else f" ({said[:_SHOWN]}{'…' * (len(said) > _SHOWN)})"
    return spoken(side.not_passed) + more


def stopped_reason(result: Sample, of: str = "of") -> str | None:
    """Return a sentence that the time of some passed runs is not judged; ``None`` if all are."""
    if not result.stopped:
        return None
    runs, time = ("runs", "their times are") if result.total != 1 else ("run", "its time is")
    return (
        f"{result.stopped} {of} {result.total} {runs} stood still for a while, stopped from outside: {time} not judged"
    )


def withheld(status: Status, a: Sample, b: Sample) -> bool:
    """Return whether a status may not be given because the runs that passed do not stand for all.

    What failed or was stopped has no time, and it is often the slow that is stopped. So "no change" and "faster" are
    not reported if one side lost a larger share of its runs, nor "slower" if that side is the reference.

    Args:
        status: by the times alone.
        a: the reference.
        b: the result.
    """
    one, two = a.failed_share, b.failed_share
    return (status in ("same", "code_improved") and one != two) or (status == "code_regressed" and one > two)


def undisturbed(status: Status, a: Sample, b: Sample, *, turns: bool) -> Status:
    """Return the status, or ``host_noisy`` for a change if the slower side alone ran on a disturbed host.

    Args:
        status: by the times alone.
        a: the reference.
        b: the result.
        turns: whether the runs of both took turns. Then they met the same host, and the quicker side is merely too
            short for a disturbance to be seen.
    """
    if turns or status not in ("code_regressed", "code_improved"):
        return status
    slower, faster = (b, a) if status == "code_regressed" else (a, b)
    return "host_noisy" if slower.disturbed >= 0.5 and slower.disturbed > faster.disturbed else status


def doubts(status: Status, a: Sample, b: Sample, *, turns: bool) -> list[str]:
    """Return sentences that a reader should know before trusting a status: disturbed runs, an unchanged source.

    Args:
        status: the status of the comparison.
        a: the reference.
        b: the result.
        turns: whether the runs of both took turns.
    """
    found = []
    shares = a.disturbed, b.disturbed
    if max(shares) > 0:
        named = (f"{_disturbed(a)} of the reference's {len(a.runs)}", f"{_disturbed(b)} of the result's {len(b.runs)}")
        every = "all runs on both sides" if min(shares) == 1 else f"{' and in '.join(named)} runs"
        found.append(f"the host was disturbed in {every}")
    called = status in ("code_regressed", "code_improved")
    if called and not turns and min(shares) >= 0.5:
        # A shared host is never quiet, and would never hear of a regression: so its users learn what the call is worth.
        found.append("a disturbance need not be the same on both sides, so a false alarm may be likelier than 1 %")
    one, two = a.newest.diagnostic.source, b.newest.diagnostic.source
    unchanged = one.sha256 is not None and one.sha256 == two.sha256
    if called and unchanged:
        found.append(
            "the recorded source is the same on both sides: look at what changed around it with 'bench explain'"
        )
    return found


def _disturbed(side: Sample) -> int:
    """How many of the runs were made on a disturbed host."""
    return round(side.disturbed * len(side.runs))


def margin_s(result: Sample) -> float | None:
    """Return the seconds from the slowest run up to the ceiling, negative beyond it; ``None`` without one of them."""
    ceiling = result.newest.diagnostic.ceiling_s
    return ceiling - max(result.times_s) if ceiling is not None and result.times_s else None


def over_reason(result: Sample) -> str | None:
    """Return a sentence that a result was over its ceiling; ``None`` if it was not."""
    ceiling, margin, times = result.newest.diagnostic.ceiling_s, margin_s(result), result.times_s
    if ceiling is None or margin is None or margin >= 0:
        return None
    over = sum(time > ceiling for time in times)
    return (
        f"{over} of {len(times)} runs took longer than the ceiling of {units.seconds(ceiling)}, "
        f"the slowest by {units.seconds(-margin)}"
    )


def by_ceiling(status: Status, reasons: tuple[str, ...], over: str | None) -> tuple[Status, tuple[str, ...]]:
    """Return status and reasons of a result over its ceiling: ``over_ceiling``, unless it regressed, which means more.

    Args:
        status: by the comparison alone.
        reasons: its sentences.
        over: the sentence of :func:`over_reason`; without one nothing changes.
    """
    if over is None:
        return status, reasons
    sentences = (*reasons, f"the result is over its ceiling: {over}")
    return status if status == "code_regressed" else "over_ceiling", sentences
