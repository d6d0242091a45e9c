"""Both sides of an experiment, judged by their pairs of runs: from the records alone, on any machine (pure)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from bench import units
from bench.compare.likeness.differences import KILLING_LIMITS
from bench.compare.measures import Measure, measures, units_apart
from bench.compare.sample import stood_still
from bench.compare.stats import pairs as rule
from bench.errors import DamagedData, NotComparable
from bench.record.schema import Better, Experiment, Record, Status

CONFIDENCE = 1 - rule.ALPHA
_THREADS = ("limits.threads", "limits.threads_used.torch", "limits.threads_used.openmp")
UNDER_TEST = ("variant", "environ", "image", "source", "engine", "security", "limits.cpuset", *_THREADS)
"""Differences between the sides of an experiment that are what it asks about."""
STATUS: dict[rule.Outcome, Status] = {
    "slower": "code_regressed",
    "faster": "code_improved",
    "same": "same",
    "undecided": "insufficient_runs",
}


class PairedChange(msgspec.Struct, frozen=True):
    """One figure of both sides: what its pairs show, and with what certainty.

    ``change``, ``low`` and ``high`` are ratios of the second side to the first, minus 1; an end that the pairs do not
    bound yet is ``None``. ``outcome`` is by the direction in which the figure is better: ``slower`` is worse, also of
    what is no time. Without a direction a larger one is ``slower``. ``to_go`` is about how many more pairs would
    decide, if anybody can tell. ``why`` it has no change.
    """

    name: str
    unit: str
    better: Better
    a: float | None
    b: float | None
    pairs: int
    outcome: rule.Outcome = "undecided"
    decided_after: int | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    to_go: int | None = None
    why: str | None = None


class Trial(msgspec.Struct, frozen=True, rename={"compared": "judged"}):
    """What an experiment shows. ``decides`` is the figure that ``metric`` names; the other figures inform.

    ``made`` counts the pairs that both sides ran, ``compared`` those whose figures count; ``left_out`` is why
    others do not.
    """

    id: str
    seed: int
    metric: str
    effect: float
    made: int
    compared: int
    decides: PairedChange
    informs: tuple[PairedChange, ...]
    left_out: tuple[str, ...]
    duet: bool = False


NO_DIRECTION = "nobody told whether more or less of it is better"


def head_goes_first(seed: int, pair: int) -> bool:
    """Return the coin that was tossed for a pair: one bit of a hash, the same wherever it is asked.

    In a duet it says which side has the first half of the CPUs.
    """
    return bool(hashlib.sha256(f"{seed} {pair}".encode()).digest()[0] & 1)


def place(side: str, seed: int, pair: int) -> int:
    """Return a side's place in a pair, 0 or 1.

    Args:
        side: ``base`` or ``head``.
        seed: the experiment's.
        pair: the number of the pair, from 0 on.
    """
    return int(head_goes_first(seed, pair) != (side == "head"))


def under_test(a: Record, b: Record) -> frozenset[str]:
    """Return the differences that the sides ask about: of two kinds of engine also the resource limits they set."""
    engines = a.engine.name != b.engine.name
    return frozenset(UNDER_TEST) | {f"limits.ulimit.{name}" for name in KILLING_LIMITS if engines}


def are_sides(a: Record, b: Record) -> bool:
    """Return whether two records are the two sides of one experiment."""
    one, two = a.experiment, b.experiment
    if not (isinstance(one, Experiment) and isinstance(two, Experiment)):
        return False
    return one.id == two.id and one.side != two.side


def sides_of(a: Record, b: Record) -> tuple[str, str]:
    """Return which side of its experiment each of two records is, in whatever order they were named."""
    return _experiment(a).side, _experiment(b).side


def trial_of(a: Record, b: Record, *, informs: bool = True, alpha: float = rule.ALPHA) -> Trial:
    """Return what an experiment shows.

    Args:
        a: the side that is compared with.
        b: the other one.
        informs: whether the other figures are judged beside the one that decides.
        alpha: the chance of a wrong decision, and of an interval that ever misses the change.

    Raises:
        NotComparable: they are not sides of one experiment, or no run of both has the figure.
        DamagedData: the order of a pair is not the one that the seed gives.
    """
    one, two = _experiment(a), _experiment(b)
    if not are_sides(a, b) or any(getattr(one, name) != getattr(two, name) for name in _ALIKE):
        raise NotComparable(f"{a.id} and {b.id} are not the two sides of one experiment")
    if not 0 < one.effect <= 1:
        raise DamagedData(f"{a.id} has an effect of {one.effect:g}", "it is a ratio minus 1, above 0 and up to 1")
    matched, metric = _matched(a, b), one.metric
    known = (measures(a), measures(b))
    names = [name for name in dict.fromkeys([*known[0], *known[1]]) if informs or name == metric]
    asked = one.effect, alpha
    figures = {name: _paired(name, known[0].get(name), known[1].get(name), matched.compared, asked) for name in names}
    decides = figures.pop(metric, None) or PairedChange(metric, "", "none", None, None, 0, why="no run has it")
    if decides.better == "none" and decides.why is None:
        decides = msgspec.structs.replace(
            decides, outcome="undecided", decided_after=None, to_go=None, why=NO_DIRECTION
        )
    return Trial(
        id=one.id,
        seed=one.seed,
        metric=metric,
        effect=one.effect,
        made=matched.made,
        compared=len(matched.compared),
        decides=decides,
        informs=tuple(figures.values()),
        left_out=matched.left_out,
        duet=bool(one.duet),
    )


_ALIKE = ("seed", "metric", "effect", "duet")
"""What both sides of an experiment tell alike."""


@dataclass(frozen=True, slots=True)
class _Matched:
    """Positions of the runs of each pair that is compared; how many pairs both sides ran; why some are not compared."""

    compared: tuple[tuple[int, int], ...]
    made: int
    left_out: tuple[str, ...]


def _matched(a: Record, b: Record) -> _Matched:
    sides = [_positions(record) for record in (a, b)]
    both = [(sides[0][pair], sides[1][pair]) for pair in sorted(sides[0].keys() & sides[1].keys())]
    pairs = [(one, two) for one, two in both if not (a.runs[one].warmup is True or b.runs[two].warmup is True)]
    passed = [pair for pair in pairs if a.runs[pair[0]].outcome == b.runs[pair[1]].outcome == "passed"]
    moved = [pair for pair in passed if not (stood_still(a.runs[pair[0]]) or stood_still(b.runs[pair[1]]))]
    half = len(sides[0].keys() ^ sides[1].keys())
    lines = (
        (half, "one side did not run"),
        (len(pairs) - len(passed), "a run did not pass"),
        (len(passed) - len(moved), "a run stood still for a while"),
    )
    left_out = tuple(f"{units.counted(count, 'pair')} not judged: {why}" for count, why in lines if count)
    return _Matched(tuple(moved), len(pairs), left_out)


def _positions(record: Record) -> dict[int, int]:
    """Where each pair's run stands among the runs; a resumed experiment has numbers that are passed over."""
    told = _experiment(record)
    if not len(told.pair) == len(told.order) == len(record.runs) or len(set(told.pair)) != len(told.pair):
        raise DamagedData(f"{record.id} does not tell which run is of which pair", fix="run 'bench verify' on it")
    if any(order != place(told.side, told.seed, pair) for pair, order in zip(told.pair, told.order, strict=True)):
        raise DamagedData(
            f"the order of the pairs of {record.id} is not the one that was drawn", f"its seed is {told.seed}"
        )
    return {pair: at for at, pair in enumerate(told.pair)}


def _experiment(record: Record) -> Experiment:
    if not isinstance(record.experiment, Experiment):
        raise NotComparable(f"{record.id} is no side of an experiment")
    return record.experiment


def _paired(
    name: str, a: Measure | None, b: Measure | None, matched: Sequence[tuple[int, int]], asked: tuple[float, float]
) -> PairedChange:
    """One figure by the pairs that have it on both sides; ``asked`` is the least effect, and what may go wrong."""
    told = b or a
    assert told is not None  # noqa: S101, the name comes from one of them
    apart = units_apart(a, b)
    if apart is not None:
        return PairedChange(name, told.unit, told.better, None, None, 0, why=apart)
    both = [(a.values[one], b.values[two]) for one, two in matched] if a and b else []
    values = [(float(one), float(two)) for one, two in both if one is not None and two is not None]
    base, head = ([pair[side] for pair in values] for side in (0, 1))
    made = PairedChange(name, told.unit, told.better, _median(base), _median(head), len(values))
    if not values:
        return msgspec.structs.replace(made, why="no pair has it on both sides")
    if not all(rule.have_ratio(*pair) for pair in values):
        return msgspec.structs.replace(made, why=_no_ratio(values))
    decision = rule.decide(rule.differences(base, head), *asked)
    return msgspec.structs.replace(
        made,
        outcome=by_direction(decision.outcome, told.better),
        decided_after=decision.decided_after,
        change=math.expm1(min(decision.estimate, _LARGEST)),
        low=None if decision.low is None else _ratio(decision.low),
        high=None if decision.high is None else _ratio(decision.high),
        to_go=decision.to_go,
    )


_LARGEST = 700.0
"""The largest logarithm of which a float holds the number."""


def _no_ratio(values: Sequence[tuple[float, float]]) -> str:
    below = min(value for pair in values for value in pair) < 0
    return "a figure below 0 has no ratio" if below else "a figure of 0 has no ratio"


def by_direction(outcome: rule.Outcome, better: Better) -> rule.Outcome:
    """Return what a larger or smaller figure means, if it is better so."""
    turned: dict[rule.Outcome, rule.Outcome] = {"slower": "faster", "faster": "slower"}
    return turned.get(outcome, outcome) if better == "higher" else outcome


def _ratio(logarithm: float) -> float | None:
    """A change, unless it is beyond any number: then the pairs bound nothing."""
    return math.expm1(logarithm) if logarithm < math.log(1e12) else None


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
