"""On which side of a threshold a commit lies, in a search for the commit that made a test slower (pure).

The threshold is half of what the two ends of the search differ by, as a logarithm. A commit is held against the good
end, and is ``bad`` or ``good`` once the interval of its change lies above or below the threshold as a whole. So the
first bad commit is one at which the change really crosses the threshold. To ask for "slower" and "the same" instead
would name a commit that changed nothing, if a change in between is called slower once and the same the next time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

from bench.compare.experiment import PairedChange
from bench.compare.stats.pairs import ALPHA

Answer = Literal["good", "bad", "undecided", "skipped"]
_OF_PLANNED = 0.9
"""The part of the error budget that the planned decisions share; the rest is for those beyond the plan."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One commit of a search.

    ``change``, ``low`` and ``high`` are ratios to the good end, minus 1; ``None`` for an end that nothing bounds.
    ``threshold`` is the logarithm that it was held against; of the bad end, the one that follows from it. ``alpha`` is
    the part of the error budget that was spent on it, ``why`` it was skipped or has no answer. ``work`` tells how a bad
    one's work differs from the good end's, if it was counted.
    """

    commit: str
    subject: str = ""
    answer: Answer
    change: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    threshold: float | None = None
    alpha: float | None = None
    experiment: str | None = None
    why: str = ""
    work: str = ""


def ends_are_settled(figure: PairedChange) -> bool:
    """Return whether good and bad end need no more pairs: they do not differ, or by how much is known well enough."""
    if figure.outcome in ("same", "faster"):
        return True
    middle, low, _ = _worsening(figure)
    return figure.outcome == "slower" and low >= middle / 2


def threshold_of(figure: PairedChange) -> float | None:
    """Return half of what the ends differ by, which the bad end is certainly above; ``None`` if it is not slower."""
    middle, low, _ = _worsening(figure)
    least = min(middle / 2, low)
    return least if figure.outcome == "slower" and least > 0 else None


def answer_of(figure: PairedChange, threshold: float) -> Answer:
    """Return on which side of the threshold a commit certainly lies, or that its pairs do not show it yet."""
    if figure.why is not None:
        return "undecided"
    _, low, high = _worsening(figure)
    if low > threshold:
        return "bad"
    return "good" if high < threshold else "undecided"


def decisions_planned(commits: int) -> int:
    """Return how many decisions a search takes that skips nothing: one for the ends, then halving."""
    return 1 + math.ceil(math.log2(max(commits, 1)))


def share(number: int, planned: int) -> float:
    """Return what a decision may err, so that all together err in 1 % at most, however many there come to be.

    Args:
        number: of the decision, from 0 on.
        planned: how many there are if nothing is skipped.
    """
    beyond = number - planned
    return ALPHA * _OF_PLANNED / planned if beyond < 0 else ALPHA * (1 - _OF_PLANNED) / 2 ** (beyond + 1)


def decisions_made(steps: Iterable[Step]) -> int:
    """Return on how many steps some of the error budget was spent: one without an answer might have had a wrong one."""
    return sum(step.alpha is not None for step in steps)


def _worsening(figure: PairedChange) -> tuple[float, float, float]:
    """The change and its bounds, as logarithms of how many times worse; infinite if the pairs bound nothing."""
    middle = _log(figure.change, math.nan)
    low, high = _log(figure.low, -math.inf), _log(figure.high, math.inf)
    return (-middle, -high, -low) if figure.better == "higher" else (middle, low, high)


def _log(change: float | None, unknown: float) -> float:
    if change is None:
        return unknown
    return math.log1p(change) if change > -1 else -math.inf
