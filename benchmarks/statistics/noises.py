"""Kinds of noise to try a rule on: pairs of samples of wall times with a known change between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
Maker = Callable[[np.random.Generator, int, int], Pair]

DEVIATION = 0.02
RECORDED = Path(__file__).with_name("recorded_noise.json")


def _independent(draw_one: Callable[[np.random.Generator, int], Floats]) -> Maker:
    def make(draw: np.random.Generator, n: int, m: int) -> Pair:
        return np.exp(draw_one(draw, n)), np.exp(draw_one(draw, m))

    return make


def _normal(draw: np.random.Generator, size: int) -> Floats:
    return draw.normal(0, DEVIATION, size)


def _skewed(draw: np.random.Generator, size: int) -> Floats:
    shape = 0.8
    mean, spread = np.exp(shape**2 / 2), np.exp(shape**2 / 2) * np.sqrt(np.expm1(shape**2))
    scaled: Floats = (draw.lognormal(0, shape, size) - mean) / spread * DEVIATION
    return scaled


def _two_level(draw: np.random.Generator, size: int) -> Floats:
    """Three runs in ten are 4.2 % slower (another memory layout, say); 2 % standard deviation in all."""
    levels: Floats = (draw.random(size) < 0.3) * 0.042 + draw.normal(0, 0.0053, size)
    return levels


def _outliers(draw: np.random.Generator, size: int) -> Floats:
    """Normal, and one run in twenty is 10 to 50 % slower on top of it."""
    wild: Floats = _normal(draw, size) + (draw.random(size) < 0.05) * draw.uniform(0.1, 0.5, size)
    return wild


def _spreads(first: float, second: float) -> Maker:
    """Normal noise with a standard deviation of its own on each side."""

    def make(draw: np.random.Generator, n: int, m: int) -> Pair:
        return np.exp(draw.normal(0, first, n)), np.exp(draw.normal(0, second, m))

    return make


def _warming(draw: np.random.Generator, n: int, m: int) -> Pair:
    """Each session begins cold and slows by 0.3 % a run for ten runs."""

    def one(size: int) -> Floats:
        trend: Floats = 0.003 * np.minimum(np.arange(size), 10) + draw.normal(0, DEVIATION / 2, size)
        return trend

    return np.exp(one(n)), np.exp(one(m))


def _interleaved(draw: np.random.Generator, n: int, m: int) -> Pair:
    """Both drawn in turns from one wandering host (a random walk of 0.7 % a step)."""
    both = np.cumsum(draw.normal(0, 0.007, n + m)) + draw.normal(0, DEVIATION / 2, n + m)
    first, second = interleaved_places(n, m)
    return np.exp(both[list(first)]), np.exp(both[list(second)])


def interleaved_places(n: int, m: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Whose turn it is: the smaller sample spread evenly through the larger, pairs in alternating order."""
    turns = sorted([((i + 0.5) / n, i % 2, 0) for i in range(n)] + [((i + 0.5) / m, 1 - i % 2, 1) for i in range(m)])
    first, second = (tuple(at for at, turn in enumerate(turns) if turn[2] == side) for side in (0, 1))
    return first, second


def _drifting_on(slope: float) -> Maker:
    def make(draw: np.random.Generator, n: int, m: int) -> Pair:
        both = slope * np.arange(n + m) + draw.normal(0, DEVIATION / 2, n + m)
        return np.exp(both[:n]), np.exp(both[n:])

    return make


def following_places(n: int, m: int) -> tuple[range, range]:
    """One session after the other."""
    return range(n), range(n, n + m)


Places = Callable[[int, int], tuple[Sequence[int], Sequence[int]]]


EXCHANGEABLE: dict[str, Maker] = {
    "normal": _independent(_normal),
    "log-normal": _independent(_skewed),
    "two-level": _independent(_two_level),
    "with outliers": _independent(_outliers),
}
UNEQUAL: dict[str, Maker] = {
    "0.3 % against 3 %": _spreads(0.003, 0.03),
    "1 % against 3 %": _spreads(0.01, 0.03),
    "3 % against 0.3 %": _spreads(0.03, 0.003),
}
"""Normal noise around the same median, another spread on each side: a quiet history and one noisy session, say."""
DRIFTING: dict[str, tuple[Maker, Places | None]] = {
    "each session warms up": (_warming, None),
    "wandering, interleaved": (_interleaved, interleaved_places),
    "back to back, +0.1 % a run": (_drifting_on(0.001), following_places),
    "back to back, +0.3 % a run": (_drifting_on(0.003), following_places),
    "back to back, +1 % a run": (_drifting_on(0.01), following_places),
}


def sessions(draw: np.random.Generator, count: int, runs: int, between: float) -> list[Floats]:
    """Sessions of one host whose level differs by ``between`` (a standard deviation) from one to the next."""
    return [np.exp(draw.normal(0, between) + draw.normal(0, DEVIATION / 2, runs)) for _ in range(count)]


def recorded() -> Iterator[tuple[str, list[list[float]]]]:
    """Recorded A/A sessions: a name, and the wall times of each session in seconds."""
    if RECORDED.exists():
        for name, entry in json.loads(RECORDED.read_text(encoding="utf-8")).items():
            yield name, entry["sessions_s"]
