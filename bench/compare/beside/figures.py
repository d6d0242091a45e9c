"""Every figure of two results held against one another, each by its own direction (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from bench.compare.measures import WALL, Measure, measures, units_apart
from bench.compare.sample import Sample, sample_of
from bench.compare.stats import decision as rule
from bench.compare.stats import power, rank_interval
from bench.compare.stats.drift import Places
from bench.compare.stats.noise import session_noise
from bench.compare.stats.values import ArithmeticFailed
from bench.errors import NotComparable, UsageError
from bench.record.schema import Better, Compared, Record, Word

Known = dict[str, Measure]


def figures_of(sample: Sample) -> Known:
    """Return the figures of the runs that passed, by name; a figure's values are in the order of ``sample.runs``."""
    return measures(msgspec.structs.replace(sample.newest, runs=sample.runs))


def compare_figures(
    a: Sample, b: Sample, sessions: Sequence[Record] = (), places: Places | None = None
) -> tuple[Compared, ...]:
    """Return every figure of two results but the wall time, ours first, then the tests' own.

    Each has an interval of its own, so that one of a hundred misses by luck; none decides anything here.

    Args:
        a: the reference.
        b: the result.
        sessions: results of the same code on the same host, for each figure's own A/A noise.
        places: as :func:`bench.compare.stats.decision.decide` takes it.
    """
    known = figures_of(a), figures_of(b)
    names = [name for name in dict.fromkeys((*known[0], *known[1])) if name != WALL]
    history = [figures_of(one) for one in _sound(sessions)]
    return tuple(_compared(name, known, history, places) for name in names)


def deciding(name: str, a: Sample, b: Sample) -> tuple[tuple[float, ...], tuple[float, ...], Measure]:
    """Return the values of both sides, and the figure, that a reader named to decide.

    Args:
        name: the figure.
        a: the reference.
        b: the result.

    Raises:
        UsageError: neither side has it, or nobody told which direction is better.
        NotComparable: the sides have it in different units.
    """
    sides = figures_of(a), figures_of(b)
    measure = sides[1].get(name) or sides[0].get(name)
    if measure is None:
        there = ", ".join(dict.fromkeys((*sides[0], *sides[1]))) or "none"
        raise UsageError(f"these results have no figure '{name}'", fix=f"name one of: {there}")
    if measure.better == "none":
        raise UsageError(
            f"nobody told whether more or less of '{name}' is better, so it cannot decide",
            fix='let the test record it with "better": "higher" or "lower"',
        )
    apart = units_apart(sides[0].get(name), sides[1].get(name))
    if apart is not None:
        raise NotComparable(f"'{name}' cannot decide", apart, "let the test record it in one unit")
    values = [[value for value in side[name].values if value is not None] if name in side else [] for side in sides]
    return tuple(values[0]), tuple(values[1]), measure


def noise_of(name: str, sessions: Sequence[Record]) -> float | None:
    """Return the A/A noise of one figure over sessions, a ratio minus 1; ``None`` for too few of them."""
    return _noise(name, [figures_of(one) for one in _sound(sessions)])


def _compared(name: str, known: tuple[Known, Known], history: Sequence[Known], places: Places | None) -> Compared:
    newest = known[1].get(name) or known[0][name]
    first, second = (_values(side.get(name)) for side in known)
    if units_apart(known[0].get(name), known[1].get(name)) is not None:
        first = []  # a value in another unit is none in this one
    unknown = Compared(name, newest.unit, newest.better, _middle(first), _middle(second))
    if not first or not second:
        return unknown
    if min(*first, *second) <= 0:
        return msgspec.structs.replace(unknown, word=_without_ratio(first, second, newest.better))
    whole = all(None not in side[name].values for side in known)
    try:
        least = rule.least_effect(_noise(name, history))
        found = rule.decide(first, second, least, places=places if whole else None)
    except ArithmeticFailed:
        return unknown
    return msgspec.structs.replace(
        unknown,
        ratio=math.exp(found.estimate),
        ratio_low=None if found.interval is None else math.exp(found.interval.low),
        ratio_high=None if found.interval is None else math.exp(found.interval.high),
        word=_word(found.outcome, newest.better),
    )


def _middle(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


def _word(outcome: rule.Outcome, better: Better) -> Word:
    if outcome not in ("slower", "faster"):
        return "same" if outcome == "none" else "cannot_be_said"
    more = outcome == "slower"
    if better == "none":
        return "more" if more else "less"
    return "better" if more == (better == "higher") else "worse"


def _without_ratio(first: Sequence[float], second: Sequence[float], better: Better) -> Word:
    """Values of 0 and below have no ratio; their order shows a change all the same."""
    if len({*first, *second}) == 1 and min(len(first), len(second)) >= power.FEWEST:
        return "same"
    found = rank_interval.interval(np.sort(np.asarray(first)), np.sort(np.asarray(second)), rule.ALPHA)
    if found is None or found.holds(0):
        return "cannot_be_said"
    return _word("slower" if found.low > 0 else "faster", better)


def _values(measure: Measure | None) -> list[float]:
    values = measure.values if measure is not None else ()
    return [float(value) for value in values if value is not None and math.isfinite(value)]


def _sound(sessions: Sequence[Record]) -> list[Sample]:
    return [sample_of(record) for record in sessions]


def _noise(name: str, history: Sequence[Known]) -> float | None:
    sessions = [_values(one.get(name)) for one in history]
    return session_noise([values for values in sessions if values and min(values) > 0])
