"""How often does the rule cry wolf, and how often does it see the wolf? One table, beside the rules of other tools.

    python benchmarks/statistics/quality.py [--quick | --glance] [--markdown FILE]

Targets: false alarms on identical code at most 1 %; power at least 95 % for a 5 % change with 10 runs at 2 % noise.
Needs pyperf, asv and pytest-benchmark for the columns beside ours; a tool that is not installed has no column.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import noises
import numpy as np
import plans
import rivals
from noises import Maker, Pair
from tables import Rows, markdown, percent

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough
from bench.compare.stats import decision, noise, prediction, rank_interval

SEED = 20251015
CHANGE = 1.05
SIZES = ((1, 1), (1, 30), (3, 3), (4, 30), (5, 5), (5, 10), (5, 30), (10, 10), (20, 20), (30, 5), (30, 30))
UNEQUAL_SIZES = ((5, 5), (10, 10), (30, 2), (60, 2), (30, 3), (100, 3), (30, 5), (100, 8), (5, 30), (30, 30))
POWER_SIZES = ((5, 5), (5, 30), (10, 10), (20, 20), (30, 30))
REFERENCE = (839.14, 844.15, 844.94, 845.68, 846.68, 900.02)
Kinds = Mapping[str, tuple[Maker, noises.Places | None]]
EXCHANGEABLE: Kinds = {name: (make, None) for name, make in noises.EXCHANGEABLE.items()}
UNEQUAL: Kinds = {name: (make, None) for name, make in noises.UNEQUAL.items()}
BACK_TO_BACK: Kinds = {"normal, back to back": (noises.EXCHANGEABLE["normal"], noises.following_places)}


def ours(first: Sequence[float], second: Sequence[float]) -> bool:
    """The rule of ``bench compare``."""
    return decision.alarm(first, second)


def ours_placed(places: noises.Places) -> rivals.Rule:
    """The same where the record says when each run began, and both sessions were one stretch of time."""

    def decide(first: Sequence[float], second: Sequence[float]) -> bool:
        return decision.alarm(first, second, places=places(len(first), len(second)))

    return decide


def rate(decide: rivals.Rule, pairs: Iterable[Pair], change: float) -> float:
    """Share of pairs in which a change is called."""
    calls = [decide(x.tolist(), (y * change).tolist()) for x, y in pairs]
    return float(np.mean(calls))


def table(kinds: Kinds, sizes: Sequence[tuple[int, int]], change: float, many: int, few: int) -> Rows:
    """One row a kind and size: ours over ``many`` pairs, the others over the first ``few`` of them."""
    rows = []
    for kind, (make, places) in kinds.items():
        own = ours if places is None else ours_placed(places)
        for n, m in sizes:
            draw = np.random.default_rng([SEED, n, m, len(kind)])
            pairs = [make(draw, n, m) for _ in range(many)]
            cells = [percent(rate(own, pairs, change))]
            if change != 1 and rank_interval.cut(n, m, decision.ALPHA) == 0:
                cells = ["too few"]
            cells += [percent(rate(other, pairs[:few], change)) for other in rivals.rules().values()]
            rows.append([kind, f"{n} / {m}", *cells])
    return rows


def between_sessions(many: int) -> Rows:
    """Sessions that differ in level, with and without the A/A noise of a history of eight sessions."""
    rows = []
    for between in (0.002, 0.005, 0.01, 0.02):
        draw = np.random.default_rng([SEED, round(between * 1e4)])
        blind, informed, seen = [], [], []
        for _ in range(many):
            *history, first, second = (one.tolist() for one in noises.sessions(draw, 10, 10, between))
            least = decision.least_effect(noise.session_noise([*history, first]))
            blind.append(decision.alarm(first, second))
            informed.append(decision.alarm(first, second, least))
            seen.append(decision.alarm(first, [value * 1.10 for value in second], least))
        cells = [percent(float(np.mean(calls))) for calls in (blind, informed, seen)]
        rows.append([f"{between:.1%}", *cells])
    return rows


def recorded(scale: int) -> Rows:
    """Pairs of recorded A/A sessions, without and with the A/A noise of the other sessions, and shuffled.

    All pairs, or with ``scale`` one in so many.
    """
    rows = []
    for name, sessions in noises.recorded():
        pairs = [(i, j) for i in range(len(sessions)) for j in range(i)][::scale]
        blind = [decision.alarm(sessions[i], sessions[j]) for i, j in pairs]
        informed = []
        for i, j in pairs:
            others = [one for k, one in enumerate(sessions) if k not in (i, j)]
            informed.append(
                decision.alarm(sessions[i], sessions[j], decision.least_effect(noise.session_noise(others)))
            )
        draw = np.random.default_rng(SEED)
        flat = np.concatenate([np.array(one) for one in sessions])
        shuffled = [draw.permutation(flat)[:20].reshape(2, 10) for _ in range(2000 // scale)]
        mixed = [decision.alarm(x.tolist(), y.tolist()) for x, y in shuffled]
        scatter = float(np.median([np.std(np.log(one), ddof=1) for one in sessions]))
        cells = [percent(float(np.mean(calls))) for calls in (mixed, blind, informed)]
        found = noise.session_noise(sessions)
        others = [
            percent(rate(other, [(np.array(sessions[i]), np.array(sessions[j])) for i, j in pairs], 1.0))
            for other in rivals.rules().values()
        ]
        rows.append([name, f"{scatter:.1%}", percent(found or 0.0), *cells, *others])
    return rows


def belonging(many: int) -> Rows:
    """How often one run of the same code falls outside the prediction interval of its history."""
    rows = []
    for kind, make in noises.EXCHANGEABLE.items():
        cells = []
        for size in (6, 10, 30):
            draw = np.random.default_rng([SEED, size])
            outside = 0
            for _ in range(many):
                history, one = make(draw, size, 1)
                expected = prediction.predict(history.tolist())
                outside += expected is not None and not expected.holds(float(one[0]))
            cells.append(percent(outside / many))
        rows.append([kind, *cells])
    return rows


def interval_quality(many: int) -> Rows:
    """How often the interval misses the true ratio, and how the planned smallest change compares with the seen one."""
    rows = []
    for kind, make in noises.EXCHANGEABLE.items():
        for n, m in ((5, 5), (10, 10), (5, 30), (30, 30)):
            draw = np.random.default_rng([SEED, n, m])
            missed, planned = 0, []
            for _ in range(many):
                x, y = make(draw, n, m)
                said = decision.decide(x.tolist(), y.tolist())
                missed += said.interval is not None and not said.interval.holds(0)
                planned.append(said.smallest_detectable or np.nan)
            change = float(np.exp(np.nanmedian(planned)))
            pairs = [make(draw, n, m) for _ in range(many)]
            seen = float(np.mean([ours(x.tolist(), (y * change).tolist()) for x, y in pairs]))
            rows.append([kind, f"{n} / {m}", percent(missed / many), percent(change - 1), percent(seen)])
    return rows


def reference() -> Rows:
    """Each of the six reference runs against the other five."""
    rows = []
    for position, value in enumerate(REFERENCE):
        expected = prediction.predict(REFERENCE[:position] + REFERENCE[position + 1 :])
        if expected is None:
            raise RuntimeError("five runs make a history")
        aside = ", ".join(f"{one:.2f}" for one in expected.set_aside) or "none"
        verdict = "belongs" if expected.holds(value) else "does not belong"
        rows.append([f"{value:.2f}", f"{expected.interval.low:.2f} to {expected.interval.high:.2f}", aside, verdict])
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_const", const=10, dest="scale", help="a tenth of the samples")
    parser.add_argument(
        "--glance",
        action="store_const",
        const=100,
        dest="scale",
        help="a hundredth: whether it works, rates mean nothing",
    )
    parser.add_argument("--markdown", type=Path, help="also write the tables there")
    parser.set_defaults(scale=1)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    scale = options.scale
    begin = time.monotonic()
    tools = ["ours", *rivals.rules()]
    false = table(EXCHANGEABLE, SIZES, 1.0, 4000 // scale, 1000 // scale)
    unequal = table(UNEQUAL, UNEQUAL_SIZES, 1.0, 4000 // scale, 500 // scale)
    drifting = table(noises.DRIFTING, ((5, 5), (10, 10), (5, 30), (30, 30)), 1.0, 2000 // scale, 500 // scale)
    seen = table(EXCHANGEABLE, POWER_SIZES, CHANGE, 400 // scale, 400 // scale)
    seen_drifting = table({**BACK_TO_BACK, **noises.DRIFTING}, ((10, 10), (30, 30)), CHANGE, 200 // scale, 200 // scale)
    parts: list[tuple[str, Sequence[str], Callable[[], Rows]]] = [
        ("False alarms on identical code", ["noise (2 %)", "runs", *tools], lambda: false),
        (
            "False alarms on identical code, unequal spread",
            ["noise, first against second", "runs", *tools],
            lambda: unequal,
        ),
        ("False alarms on identical code, drifting host", ["noise", "runs", *tools], lambda: drifting),
        ("Power: a 5 % change is called", ["noise (2 %)", "runs", *tools], lambda: seen),
        ("Power on a drifting host", ["noise", "runs", *tools], lambda: seen_drifting),
        (
            "The 99 % interval, and the smallest change it promises to show",
            ["noise (2 %)", "runs", "interval misses", "promised change", "called (promise: 95 %)"],
            lambda: interval_quality(200 // scale),
        ),
        (
            "The number of runs that is asked for, and whether a 5 % change is called with that many",
            plans.HEAD,
            lambda: plans.asked(200 // scale, SEED, CHANGE),
        ),
        (
            "False alarms when sessions differ in level (10 runs of 1 % noise each)",
            ["between sessions", "no history", "with A/A noise of 9 sessions", "10 % change called"],
            lambda: between_sessions(500 // scale),
        ),
        (
            "Recorded A/A noise, 10 against 10 runs",
            [
                "machine, load",
                "scatter",
                "A/A noise",
                "runs shuffled",
                "sessions, no history",
                "sessions, A/A noise",
                *tools[1:],
            ],
            lambda: recorded(max(1, scale // 10)),
        ),
        (
            "One run of the same code falls outside its history's 99 % prediction interval",
            ["noise (2 %)", "history of 6", "of 10", "of 30"],
            lambda: belonging(2000 // scale),
        ),
        ("The six reference runs, each against the others", ["run", "predicted", "set aside", "verdict"], reference),
    ]
    tables = []
    for title, head, make in parts:
        tables.append(markdown(title, head, make()))
        print(tables[-1], flush=True)
    text = "\n".join(tables)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    # A rate above the target by less than twice its own error is not one above the target.
    most = 0.01 + 2 * (0.01 * 0.99 / (2000 // scale)) ** 0.5
    drifted = max(float(row[2].split()[0]) for row in drifting)
    worst, spread = (max(float(row[2].split()[0]) for row in rows) for rows in (false, unequal))
    power = min(float(row[2].split()[0]) for row in seen if row[0] == "normal" and row[1] == "10 / 10")
    print(
        f"worst false-alarm rate of ours {worst} % (target 1 %), unequal spread {spread} %, drifting {drifted} %, "
        f"power {power} % (target 95 %), ",
        end="",
    )
    print(f"{time.monotonic() - begin:.0f} s")
    return int(worst > 1.0 or spread / 100 > most or drifted / 100 > most or power < 95.0)


if __name__ == "__main__":
    sys.exit(main())
