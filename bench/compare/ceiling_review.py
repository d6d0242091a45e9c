"""Is the ceiling right? Keep, raise or lower it, from the numbers alone (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from bench import units
from bench.compare.reference import like
from bench.compare.sample import Sample, sample_of
from bench.names import stamp_time
from bench.record.schema import Record

if TYPE_CHECKING:
    from bench.compare.stats.prediction import Prediction
    from bench.compare.stats.values import Interval

Action = Literal["keep", "raise", "lower", "none"]

FEWEST = 5
"""Runs before a change is proposed."""
LOOSE = 1.5
"""A ceiling above so many times what is needed would not notice a slowdown."""
TIGHT = 0.02
"""A margin of less, as a share of the ceiling, is within what one host scatters."""


class Decision(msgspec.Struct, frozen=True):
    """What to do about the ceiling. Seconds; ``None`` is not known.

    ``margin_s`` is ceiling less the slowest run of this result. ``typical_s`` is the 99 % prediction interval with the
    history's outliers set aside; ``needed_s`` the upper end of the one that keeps them, or the slowest run, if that
    is more. ``timeout`` is a sentence on the timeout. ``about`` tells the reader of a report what this is of: the test,
    when and where it ran.
    """

    action: Action
    ceiling_s: float | None
    proposed_s: float | None
    margin_s: float | None
    timeout_s: float | None
    effective_timeout_s: float | None
    host: str
    history: tuple[tuple[str, float], ...]
    typical_s: Interval | None
    needed_s: float | None
    set_aside_s: tuple[float, ...]
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    timeout: str = ""
    about: tuple[tuple[str, str], ...] = ()


def timeout_decision(record: Record, history: Sequence[Record] = ()) -> Decision:
    """Return whether to keep, raise or lower the ceiling of this record's diagnostic.

    Args:
        record: the result at hand.
        history: earlier results; those of another host class, build or limits are left out.

    Raises:
        DamagedData: a wall time that is none.
    """
    result = sample_of(record)
    fit = (*map(sample_of, like(record, history)), result)
    times = tuple((one.newest.stamp, wall) for one in fit for wall in one.walls)
    walls = [wall for _, wall in times]
    ceiling, own = record.diagnostic.ceiling_s, result.walls
    typical, everything = _predicted(walls)
    needed = max(everything.interval.high, *walls) if everything is not None else None
    slowest = max(own, default=None)
    margin = ceiling - slowest if ceiling is not None and slowest is not None else None
    action, proposed, reasons = _choose(ceiling, needed, walls, own)
    return Decision(
        action,
        ceiling,
        proposed,
        margin,
        record.diagnostic.timeout_s,
        max(
            (run.effective_timeout_s for run in record.measured_runs if run.effective_timeout_s is not None),
            default=None,
        ),
        record.host.id,
        times,
        typical.interval if typical is not None else None,
        needed,
        typical.set_aside if typical is not None else (),
        tuple(reasons),
        tuple(_against(result, action, walls, typical, needed)),
        _timeout(result, needed),
        _about(record),
    )


def _about(record: Record) -> tuple[tuple[str, str], ...]:
    """What a report that this is pasted into has to name."""
    host, limits, diagnostic = record.host.class_, record.engine.limits, record.diagnostic
    cpus = units.NOT_KNOWN if host.threads is None else units.counted(host.threads, "CPU")
    given = f"{limits.cpus:g} of them by quota" if limits.cpus is not None else ""
    allowed = f"limit {units.size(limits.memory_bytes)}" if limits.memory_bytes is not None else ""
    moment = stamp_time(record.stamp)
    found = {
        "diagnostic": diagnostic.name,
        "test": diagnostic.node or units.NOT_KNOWN,
        "profile": diagnostic.profile or "",
        "result": record.id,
        "date": record.stamp if moment is None else moment.strftime("%Y-%m-%d %H:%M UTC"),
        "outcome": record.outcome.replace("_", " "),
        "host": record.host.id,
        "CPU": ", ".join(part for part in (host.cpu_model or units.NOT_KNOWN, cpus, given) if part),
        "memory": ", ".join(part for part in (units.size(host.memory_bytes), allowed) if part),
    }
    return tuple((name, value) for name, value in found.items() if value)


def _timeout(result: Sample, needed: float | None) -> str:
    """A sentence on the timeout: whether it stopped the test, and what it leaves above what is needed."""
    record = result.newest
    effective = [run.effective_timeout_s for run in record.runs if run.effective_timeout_s is not None]
    timeout = max(effective, default=record.diagnostic.timeout_s)
    if timeout is None:
        return "No timeout is known."
    stopped = result.not_passed.get("timed_out", 0)
    if stopped:
        runs = "The run was" if result.total == 1 else f"{stopped} of {result.total} runs were"
        how = "nobody knows how much" if needed is None else f"earlier runs needed up to {units.seconds(needed)}"
        return f"{runs} stopped at the timeout of {units.seconds(timeout)}: it would have taken longer, {how}."
    longest = max(result.times_s, default=None)
    if longest is None:
        return f"The timeout of {units.seconds(timeout)} stopped nothing; no run has a time to hold against it."
    most = max(longest, needed or 0.0)
    much = units.times(timeout / most)
    return f"The timeout of {units.seconds(timeout)} stopped nothing: it is {much} the most that was needed."


def _predicted(walls: Sequence[float]) -> tuple[Prediction | None, Prediction | None]:
    """The typical time, and the one that holds for all that happened; a single run predicts neither."""
    if len(walls) < 2:
        return None, None
    from bench.compare.stats.prediction import predict

    return predict(walls), predict(walls, keep_outliers=True)


def _choose(
    ceiling: float | None, needed: float | None, walls: Sequence[float], own: Sequence[float]
) -> tuple[Action, float | None, list[str]]:
    if ceiling is None:
        proposed = _round_up(needed) if needed is not None and len(walls) >= FEWEST else None
        return "none", proposed, ["the diagnostic has no approved ceiling"]
    if not own:
        return "keep", None, ["no run of this result passed: its time says nothing about the ceiling"]
    over = [wall for wall in walls if wall > ceiling]
    if len(walls) < FEWEST or needed is None:
        return (
            "keep",
            None,
            [f"{units.counted(len(walls), 'run')} of this host class: too few to move a ceiling; {FEWEST} are needed"],
        )
    if len(over) * 2 > len(walls):
        return (
            "raise",
            _round_up(needed),
            [f"{len(over)} of {len(walls)} runs are over it: it does not fit this host class"],
        )
    if over:
        return "keep", None, [f"{len(over)} of {len(walls)} runs are over it: find out why before it moves"]
    if needed * LOOSE < ceiling:
        return "lower", _round_up(needed * 1.1), [f"it is {ceiling / needed:.1f} times what this host class needs"]
    return "keep", None, [f"all {len(walls)} runs of this host class are under it"]


def _against(
    result: Sample,
    action: Action,
    walls: Sequence[float],
    typical: Prediction | None,
    needed: float | None,
) -> list[str]:
    against: list[str] = []
    record, own = result.newest, result.walls
    ceiling, timeout = record.diagnostic.ceiling_s, record.diagnostic.timeout_s
    if action == "raise":
        against.append("a raised ceiling hides a slowdown: compare with the result for which it was approved first")
    if action == "lower":
        against.append("slower host classes run under the same ceiling; this history is of one")
    if action == "keep" and ceiling is not None and needed is not None and needed > ceiling:
        against.append(
            f"with its outliers the history predicts runs up to {units.seconds(needed)}: "
            "a run over the ceiling would prove little"
        )
    if typical is not None and typical.set_aside:
        aside = ", ".join(units.seconds(one) for one in typical.set_aside)
        against.append(f"the history holds outliers ({aside}) that nobody has explained here")
    if 0 < len(walls) < 10:
        against.append(f"{units.counted(len(walls), 'run')}: a short history")
    if action == "keep" and ceiling is not None and own and 0 <= ceiling - max(own) < TIGHT * ceiling:
        share = units.percent(1 - max(own) / ceiling)
        against.append(f"this result's margin is {share} of the ceiling: noise alone could use it up")
    if record.diagnostic.profile not in (None, "full"):
        against.append(f"the profile is {record.diagnostic.profile}; the ceiling is meant for full")
    if ceiling is not None and timeout is not None and timeout < 1.1 * ceiling:
        against.append(f"the timeout of {units.seconds(timeout)} leaves a run over the ceiling no time to end")
    asked = {test.marker_timeout_s for run in record.runs for test in run.tests if test.marker_timeout_s is not None}
    against += [
        f"the test's own marker asks for {units.seconds(one)}; the runner's timeout holds" for one in sorted(asked)
    ]
    if result.disturbed > 0:
        against.append("the host was disturbed during this result")
    return against


def _round_up(value: float) -> float:
    """To the next 5 s above 100 s, to two digits below: nobody approves 861.37 s."""
    step = 5.0 if value >= 100 else 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / step) * step
