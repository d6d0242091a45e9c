"""How soon do pairs of runs in random order decide, and how often wrongly, if one looks after every pair?

    python benchmarks/statistics/pairs.py [--glance] [--markdown FILE]

Targets: identical code is called changed in at most 1 % of the sequences, at whichever pair one stops, under any noise;
a 5 % change is called within 60 pairs in at least 95 % of them. Beside it, on the same samples and asked as often, the
rules of pyperf, asv, pytest-benchmark (those that are installed) and hyperfine.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import noises
import numpy as np
import rivals
from noises import Floats
from tables import Rows, markdown, percent

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough
from bench.compare.stats import pairs

SEED = 20251015
MOST = 60
CHANGE = 1.05
FIRST_LOOK = 5
"""Nobody asks the other rules before the fifth pair: t-tests of two runs would call still more."""
Runs = Callable[[np.random.Generator], Floats]
"""Logarithms of wall times, shape (pairs, 2), in the order in which the runs are made."""


def _independent(kind: str) -> Runs:
    def make(draw: np.random.Generator) -> Floats:
        return np.log(noises.EXCHANGEABLE[kind](draw, 2 * MOST, 0)[0]).reshape(MOST, 2)

    return make


def _normal(own: float, common: float = 0.0, drift: float = 0.0, second: float = 0.0) -> Runs:
    """Normal noise of each run, and what pairs share, a drift a run, and how much slower the second of a pair is."""

    def make(draw: np.random.Generator) -> Floats:
        shared = draw.normal(0, common, (MOST, 1)) + drift * np.arange(2 * MOST).reshape(MOST, 2)
        runs: Floats = draw.normal(0, own, (MOST, 2)) + shared + np.array([0.0, second])
        return runs

    return make


def _loud_and_quiet(draw: np.random.Generator) -> Floats:
    """A neighbour comes and goes every ten pairs: 1 % noise without it, 8 % with it."""
    loud = (np.arange(MOST) // 10 % 2 == 1)[:, None]
    runs: Floats = draw.normal(0, 1, (MOST, 2)) * np.where(loud, 0.08, 0.01)
    return runs


NOISES: dict[str, Runs] = {
    "normal 2 %": _independent("normal"),
    "two-level 4 %": _independent("two-level"),
    "drift of 1 % a run, 2 % own": _normal(0.02, drift=0.01),
    "20 % common to a pair, 3 % own": _normal(0.03, common=0.20),
    "normal 5 %": _normal(0.05),
    "2 % with outliers (5 %, +10 to 50 %)": _independent("with outliers"),
    "the second of a pair 4 % slower, 2 % own": _normal(0.02, second=0.04),
    "a neighbour comes and goes, 1 % and 8 %": _loud_and_quiet,
}


def sequences(make: Runs, many: int) -> Iterator[tuple[Floats, Floats]]:
    """Base and head of identical code, as logarithms: of each pair of runs a coin says which is whose."""
    draw = np.random.default_rng(SEED)
    for _ in range(many):
        runs = make(draw)
        head_first = draw.random(MOST) < 0.5
        yield np.where(head_first, runs[:, 1], runs[:, 0]), np.where(head_first, runs[:, 0], runs[:, 1])


def ours(many: int) -> Rows:
    """What the bets say: a change of 5 %, and identical code, each within 60 pairs."""
    rows = []
    for kind, make in NOISES.items():
        slower, wrong, same = [], 0, []
        for base, head in sequences(make, many):
            change = head - base
            outcome, after = pairs.first_shown(change + math.log(CHANGE), pairs.EFFECT)
            slower.append(after if outcome == "slower" and after else math.inf)
            outcome, after = pairs.first_shown(change, pairs.EFFECT)
            same.append(after if outcome == "same" and after else math.inf)
            # Never content with "same", for as long as one likes.
            wrong += pairs.first_shown(change, 0.0)[0] != "undecided"
        cells = [_within(slower), _middle(slower), rate(wrong, many), _within(same), _middle(same)]
        rows.append([kind, *cells])
    return rows


def _within(found: list[float]) -> str:
    return rate(sum(map(math.isfinite, found)), len(found))


def _middle(found: list[float]) -> str:
    middle = float(np.median(found))
    return f"{middle:.0f}" if math.isfinite(middle) else f"over {MOST}"


def rate(count: int, many: int) -> str:
    """A share with its simulation's own error, at 95 % (Agresti & Coull 1998, Am. Stat. 52:119)."""
    near = (count + 2) / (many + 4)
    return f"{percent(count / many)} ± {1.96 * math.sqrt(near * (1 - near) / (many + 4)) * 100:.1f}"


def others(many: int, change: float) -> Rows:
    """The bets and the other rules on the same samples, each asked after every pair: how often a change is called."""
    rows = []
    rules = {**rivals.rules(), "hyperfine": rivals.hyperfine}
    for kind, make in NOISES.items():
        own, called = 0, dict.fromkeys(rules, 0)
        for base, head in sequences(make, many):
            own += pairs.first_shown(head - base + math.log(change), 0.0)[0] != "undecided"
            times, changed = np.exp(base).tolist(), (np.exp(head) * change).tolist()
            for name, rule in rules.items():
                called[name] += any(rule(times[:n], changed[:n]) for n in range(FIRST_LOOK, MOST + 1))
        rows.append([kind, percent(own / many), *(percent(count / many) for count in called.values())])
    return rows


def main() -> int:
    """Print the tables; exit code 1 where a target is missed by more than the simulation's own error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--glance", action="store_true", help="few samples: do the tables come out at all?")
    parser.add_argument("--markdown", type=Path, help="also write the tables there")
    options = parser.parse_args()
    many, few = (12, 3) if options.glance else (4000, 200)
    begin = time.monotonic()
    found = ours(many)
    head = ["noise", "5 % slower: called", "pairs, median", "identical: called changed", "`same`", "pairs, median"]
    tools = ["noise", "bets", *rivals.rules(), "hyperfine"]
    parts = [
        (f"Pairs in random order, {MOST} at most ({many} sequences)", head, found),
        (f"Identical code called changed, asked after every pair ({few} sequences)", tools, others(few, 1.0)),
        (f"5 % slower code called changed, asked after every pair ({few} sequences)", tools, others(few, CHANGE)),
    ]
    text = "\n".join(markdown(*part) for part in parts)
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    wrong = max(float(row[3].split()[0]) for row in found)
    seen = min(float(row[1].split()[0]) for row in found[:6])
    spent = time.monotonic() - begin
    print(f"most false alarms {wrong} % (target 1 %), least power {seen} % (target 95 %), {spent:.0f} s")
    most = 1 + 200 * math.sqrt(0.01 * 0.99 / many)
    return int(wrong > most or seen < 95 - 200 * math.sqrt(0.05 * 0.95 / many))


if __name__ == "__main__":
    sys.exit(main())
