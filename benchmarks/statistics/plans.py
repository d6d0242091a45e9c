"""Does the number of runs that the rule asks for do? Power with that many, for plans from few runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import noises
import numpy as np
from noises import Maker
from tables import Rows, percent

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough
from bench.compare.stats import decision

PILOTS = ((3, 3), (5, 5), (30, 1), (30, 3))
HEAD = ("noise (2 %)", "runs so far", "asks for more", "asked: median (5 % to 95 %)", "then called (promise: 95 %)")


def asked(many: int, seed: int, change: float) -> Rows:
    """For each kind of noise and size of a first comparison of equal code: what it asks for, and what that shows.

    The runs that are then made are drawn anew, none of the first is used again.
    """
    kinds: list[tuple[str, Maker, noises.Places | None]] = [
        (name, make, None) for name, make in noises.EXCHANGEABLE.items()
    ]
    kinds.append(("normal, back to back", noises.EXCHANGEABLE["normal"], noises.following_places))
    rows = []
    for kind, make, places in kinds:
        for n, m in PILOTS if places is None else ((3, 3), (5, 5), (10, 10)):
            draw = np.random.default_rng([seed, n, m])
            numbers = [_needed(make, places, draw, n, m) for _ in range(many)]
            wanted = [number for number in numbers if number is not None]
            calls = [_called(make, places, draw, number, change) for number in wanted]
            if not wanted:
                rows.append([kind, f"{n} / {m}", percent(0.0), "–", "–"])
                continue
            low, middle, high = np.percentile(wanted, [5, 50, 95])
            spread = f"{middle:.0f} ({low:.0f} to {high:.0f})"
            rows.append([kind, f"{n} / {m}", percent(len(wanted) / many), spread, percent(float(np.mean(calls)))])
    return rows


def _needed(make: Maker, places: noises.Places | None, draw: np.random.Generator, n: int, m: int) -> int | None:
    x, y = make(draw, n, m)
    return decision.decide(x.tolist(), y.tolist(), places=_at(places, n, m)).runs_needed


def _called(make: Maker, places: noises.Places | None, draw: np.random.Generator, runs: int, change: float) -> bool:
    x, y = make(draw, runs, runs)
    return decision.alarm(x.tolist(), (y * change).tolist(), places=_at(places, runs, runs))


def _at(places: noises.Places | None, n: int, m: int) -> tuple[Sequence[int], Sequence[int]] | None:
    return None if places is None else places(n, m)
