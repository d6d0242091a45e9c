"""Which of two sides is slower, asked after every pair of runs (pure)?

The order within each pair is drawn at random. Then identical code makes the sign of a pair's difference
``d = log(head / base)`` a fair coin, whatever the noise, a drift of the machine or the effect of running second; and
with a change of ``shift`` the same holds of ``d - shift``. Somebody who bets on a fair coin does not get rich: the
wealth ``∏ exp(λ g) / cosh(λ g)``, in which ``g`` has the sign of ``d - shift`` and a size that does not depend on that
sign, ever reaches 100 with a probability of 1 % at most, however often one looks and whenever one stops (symmetric
variables: de la Peña 1999, Ann. Probab. 27:537; at any time: Howard, Ramdas, McAuliffe & Sekhon 2021, Ann. Stat.
49:1055, after Ville). Half of the wealth is bet on each sign. The shifts at which the bets have not yet won that much
are a confidence sequence: an interval that is valid at whatever pair one stops.

The size of ``g`` is ``|d - shift|`` in units of a scale that is taken from the pairs *before*, drawn in at ``REACH``:
what is far off may be an outlier, and tells no more than its sign. The scale does not change when all differences are
shifted, so that the wealth falls as the shift rises, and the confidence sequence has no holes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.compare.stats.spreads import scales
from bench.compare.stats.values import Floats, logs
from bench.errors import DamagedData

ALPHA = 0.01
EFFECT = 0.05
"""The least change that is looked for, as a ratio minus 1: smaller ones are ``same``."""
BETS = ((0.2, 0.02), (0.55, 0.63), (12.0, 0.35))
"""What is staked, λ, and the share of the wealth that begins with it. Most of it wins fastest if the change is about
half as large as the noise of a pair; the last doubles at every pair until the sign turns, and decides if it does
not. Chosen by simulation (``benchmarks/statistics/pairs.py``)."""
REACH = 2.5
_HALVINGS = 45
_MOST = 1000

Outcome = Literal["slower", "faster", "same", "undecided"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the pairs show, and the interval for the change as logarithms of head over base.

    Attributes:
        outcome: the first thing that was shown; later pairs never take it back.
        decided_after: the pair after which it was, ``None`` while undecided.
        low: the lower end; ``None`` while the pairs bound nothing.
        high: the upper end, likewise.
        estimate: the change, by Hodges and Lehmann.
        to_go: about how many more pairs would decide; ``None`` if they have, or if nobody knows.
    """

    outcome: Outcome
    decided_after: int | None
    low: float | None
    high: float | None
    estimate: float
    to_go: int | None = None


def have_ratio(base: float, head: float) -> bool:
    """Return whether two values have a ratio: both are above 0, or they are equal."""
    return math.isfinite(base) and math.isfinite(head) and (base == head or min(base, head) > 0)


def differences(base: Sequence[float], head: Sequence[float]) -> Floats:
    """Return log(head / base) of each pair; 0 if both are equal, whatever they are.

    Raises:
        DamagedData: two values have no ratio (:func:`have_ratio`), or one side has more runs than the other.
    """
    if len(base) != len(head):
        raise DamagedData("the runs are not in pairs", f"{len(base)} of the base, {len(head)} of the head")
    found: Floats = np.zeros(len(base))
    apart = [at for at, pair in enumerate(zip(base, head, strict=True)) if pair[0] != pair[1]]
    found[apart] = logs([head[at] for at in apart]) - logs([base[at] for at in apart])
    return found


def decide(pairs: Floats, effect: float = EFFECT, alpha: float = ALPHA) -> Decision:
    """Return what the pairs show so far: the answer after every pair, and not only the last, is wrong in 1 % at most.

    Args:
        pairs: log(head / base) in the order in which the pairs ran, the order within each drawn at random.
        effect: a ratio minus 1. ``same`` is said of a change that is certainly smaller, either way, even if it is
            certainly not 0.
        alpha: the chance of calling identical code changed; also that of the interval to ever miss the change.

    Raises:
        DamagedData: there is no pair.
    """
    if pairs.size == 0:
        raise DamagedData("nothing can be decided", "there is no pair of runs")
    units = scales(pairs)
    outcome, after = _shown(pairs, units, effect, alpha)
    low, high = _interval(pairs, units, alpha)
    more = None if after is not None else _to_go(pairs, units, effect, alpha)
    return Decision(outcome, after, low, high, estimate(pairs), more)


def first_shown(pairs: Floats, effect: float, alpha: float = ALPHA) -> tuple[Outcome, int | None]:
    """Return the outcome of :func:`decide`, and the number of pairs after which it was certain.

    Args:
        pairs: as there.
        effect: as there. With 0 nothing is ever the same.
        alpha: as there.
    """
    return _shown(pairs, scales(pairs), effect, alpha)


def _shown(pairs: Floats, units: Floats, effect: float, alpha: float) -> tuple[Outcome, int | None]:
    least, enough = math.log1p(effect), math.log(2 / alpha)
    slower, faster = (_first(wealth(side, units), enough) for side in (pairs, -pairs))
    inside = max(_first(wealth(least + side, units), enough) for side in (pairs, -pairs))
    # In this order: what one pair shows to differ, and by less than is looked for, is the same.
    shown: list[tuple[float, Outcome]] = [(inside, "same"), (slower, "slower"), (faster, "faster")]
    after, outcome = min(shown, key=lambda one: one[0])
    return ("undecided", None) if math.isinf(after) else (outcome, int(after))


def to_go(pairs: Floats, effect: float, alpha: float = ALPHA) -> int | None:
    """Return about how many more pairs would decide, if the bets that lead go on to win as fast as so far.

    Args:
        pairs: as for :func:`decide`, at least one.
        effect: as there.
        alpha: as there.

    Returns:
        At least 1; ``None`` while no bet leads, or if it would take more than a thousand.
    """
    return _to_go(pairs, scales(pairs), effect, alpha)


def _to_go(pairs: Floats, units: Floats, effect: float, alpha: float) -> int | None:
    least, enough = math.log1p(effect), math.log(2 / alpha)
    changed = (wealth(side, units)[-1] for side in (pairs, -pairs))
    inside = min(wealth(least + side, units)[-1] for side in (pairs, -pairs))
    lead = float(max(*changed, inside))
    if lead <= enough / 20:
        return None
    more = math.ceil(pairs.size * (enough / lead - 1))
    return max(1, more) if more <= _MOST else None


def interval(pairs: Floats, alpha: float = ALPHA) -> tuple[float | None, float | None]:
    """Return the ends of the confidence sequence; ``None`` for one that the pairs do not bound yet.

    With each pair it only gets narrower. It holds the change at every pair at once with probability ``1 - alpha``.

    Args:
        pairs: as for :func:`decide`.
        alpha: the chance of ever missing the change, both ends together.
    """
    return _interval(pairs, scales(pairs), alpha)


def _interval(pairs: Floats, units: Floats, alpha: float) -> tuple[float | None, float | None]:
    enough = math.log(2 / alpha)
    above = _bound(-pairs, units, enough)
    return _bound(pairs, units, enough), None if above is None else -above


def e_value(pairs: Floats, shift: float = 0.0) -> Floats:
    """Return after each pair the wealth of bets in both directions, against a change of exactly ``shift``.

    Under that change its expectation is 1 at most at every stopping time (an e-process).
    """
    units = scales(pairs)
    both: Floats = np.exp(np.logaddexp(wealth(pairs - shift, units), wealth(shift - pairs, units)) - math.log(2))
    return both


def wealth(rest: Floats, units: Floats) -> Floats:
    """Return after each pair the logarithm of what betting 1 on positive signs has become.

    Args:
        rest: shape (n,), differences less the shift that is tested.
        units: shape (n,), a scale for each that must not depend on its sign nor on what came after (:func:`scales`).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.where(units > 0, np.minimum(np.abs(rest) / units, REACH), REACH)
    scores = np.sign(rest) * np.where(np.isnan(units), 1.0, sizes)
    # exp(x) / cosh(x) = 2 / (1 + exp(-2 x))
    grown = [math.log(share) + np.cumsum(math.log(2) - np.logaddexp(0.0, -2 * stake * scores)) for stake, share in BETS]
    total: Floats = np.logaddexp.reduce(grown, axis=0)
    return total


def estimate(pairs: Floats) -> float:
    """Return the median of all means of two pairs, each with itself too (Hodges & Lehmann 1963)."""
    return float(np.median(np.add.outer(pairs, pairs)[np.triu_indices(pairs.size)])) / 2


def _first(path: Floats, enough: float) -> float:
    """The first pair, counted from 1, after which the wealth is enough; infinite if it never is."""
    over = path >= enough
    return int(over.argmax()) + 1 if over.any() else math.inf


def _bound(pairs: Floats, units: Floats, enough: float) -> float | None:
    """The largest shift against which bets on positive signs have won enough, by halving."""
    if pairs.size == 0:
        return None
    spread = float(np.nanmax(units, initial=0.0))
    lost, won = float(pairs.max()), float(pairs.min()) - REACH * spread - 1.0
    if math.isinf(_first(wealth(pairs - won, units), enough)):
        return None
    for _ in range(_HALVINGS):
        middle = (won + lost) / 2
        if math.isinf(_first(wealth(pairs - middle, units), enough)):
            lost = middle
        else:
            won = middle
    return won
