"""Turns or duet: which of them decides sooner beside a neighbour that comes and goes?

    python benchmarks/measuring/orders.py [--minutes 10] [--engine local|docker] [--alone] [--seed 1]
    python benchmarks/measuring/orders.py --glance --engine local       whether it works, in a few seconds

One experiment, of rounds: each makes a pair in turns and a duet of a test of 1 s and the same one 10 % slower, and of
identical code, in random order. So all four kinds of pairs meet the same neighbour, of whose comings ten minutes hold a
few dozen. Each series is then read as `ab` reads it: pairs until they decide, and from the next pair on again. Since
that makes few experiments, the pairs of a series are put in 400 random orders as well, and the first decision of each
counts. A wrong call ends the program with 1.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from ab import make_project, neighbour, rounds_of_a_second
from measuring import markdown, say  # finds this checkout

from bench.catalog.load import find
from bench.catalog.project import read_catalog
from bench.compare.stats.pairs import EFFECT, first_shown
from bench.engine.choose import choose
from bench.errors import BenchError, NotMeasured
from bench.run.ab.duet import Halves, halves_of, on
from bench.run.ab.plans import Question, Sides
from bench.run.ab.sides import Side
from bench.run.plan import Options, Plan
from bench.run.result.reading import read_run
from bench.run.session import Session

ORDERS = ("turns", "duet")
CHANGES = {"slower": "10 % slower", "same": "identical"}
"""Revisions of the project, and what they are to its base."""
SHUFFLES = 400
Cell = tuple[str, str]
"""A change, and an order."""


@dataclass(frozen=True, slots=True)
class Pair:
    """log(head / base) of the tests' own times, and seconds that the pair took."""

    difference: float
    took_s: float


@dataclass(frozen=True, slots=True)
class Call:
    """What an experiment said, and after how much."""

    said: str
    pairs: int
    took_s: float


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes pairs.

    Args:
        sessions: two of one engine, since a duet keeps two runs apart.
        plans: by revision.
        halves: the CPUs of the first and of the second of a duet.
        coin: decides which side is first, or has the first half.
    """

    sessions: tuple[Session, Session]
    plans: Mapping[str, Plan]
    halves: Halves
    coin: random.Random

    def pair(self, change: str, order: str) -> Pair:
        """Make one pair. Raises NotMeasured if a run does not pass."""
        names = self.coin.sample(("base", change), 2)
        began = time.monotonic()
        if order == "duet":
            plans = [on(self.plans[name], half) for name, half in zip(names, self.halves, strict=True)]
            with ThreadPoolExecutor(2) as pool:
                times = list(pool.map(_call_s, self.sessions, plans))
        else:
            times = [_call_s(self.sessions[0], self.plans[name]) for name in names]
        by_name = dict(zip(names, times, strict=True))
        return Pair(math.log(by_name[change] / by_name["base"]), time.monotonic() - began)


def _call_s(session: Session, plan: Plan) -> float:
    out, ending = session.run_aside(plan, "pair")
    run = read_run(out, 0, ending).run
    found = run.tests[0].call_s if run.tests else None
    if run.outcome != "passed" or not found:
        raise NotMeasured(f"a run {run.outcome}", run.signature or "it has no test")
    return found


def rounds(maker: Maker, until: float, most: int, seed: int) -> dict[Cell, list[Pair]]:
    """Make one pair of each kind a round, in an order of its own each time.

    Args:
        maker: of pairs.
        until: a moment of the monotonic clock; no round begins that would go beyond it.
        most: rounds at most.
        seed: of the orders.
    """
    made: dict[Cell, list[Pair]] = {(change, order): [] for change in CHANGES for order in ORDERS}
    chance, began = random.Random(seed), time.monotonic()
    for turn in range(most):
        if turn and time.monotonic() + (time.monotonic() - began) / turn > until:
            break
        for cell in chance.sample(list(made), len(made)):
            made[cell].append(maker.pair(*cell))
        say(f"round {turn + 1}: done")
    return made


def first_call(series: Sequence[Pair]) -> Call:
    """What `ab` says of a series: its first decision, or that all of it decides nothing."""
    said, after = first_shown(np.array([pair.difference for pair in series]), EFFECT)
    pairs = len(series) if after is None else after
    return Call(said, pairs, sum(pair.took_s for pair in series[:pairs]))


def one_after_another(series: Sequence[Pair]) -> list[Call]:
    """The experiments of a series, each from the pair after the last one's; pairs left at its end are none."""
    calls, rest = [], list(series)
    while rest and (call := first_call(rest)).said != "undecided":
        calls.append(call)
        rest = rest[call.pairs :]
    return calls


def shuffled(series: Sequence[Pair]) -> list[Call]:
    """The first decision of the same pairs in other orders."""
    chance = random.Random(1)
    return [first_call(chance.sample(series, len(series))) for _ in range(SHUFFLES)]


def is_wrong(change: str, call: Call) -> bool:
    """Whether a decision is not so: identical code changed, or slower code faster or the same."""
    return call.said not in (change, "undecided")


def row(cell: Cell, series: Sequence[Pair]) -> list[str]:
    """A kind of pairs: how far they scatter, and when they decide."""
    change, order = cell
    calls, other = one_after_another(series), shuffled(series)
    decided = [call for call in other if call.said != "undecided"]
    differences = [pair.difference for pair in series]
    scatter = 1.4826 * median(abs(one - median(differences)) for one in differences)
    took = "–"
    if 2 * len(decided) > len(other):  # the median is one that was decided
        took = f"{median(one.pairs for one in other):.0f} pairs, {median(one.took_s for one in other):.0f} s"
    return [
        CHANGES[change],
        order,
        f"{len(series)} of {median(pair.took_s for pair in series):.1f} s",
        f"{math.expm1(median(differences)):+.1%}".replace("%", " %"),
        f"{scatter * 100:.1f} %",
        ", ".join(f"{count} {said}" for said, count in Counter(one.said for one in calls).items()) or "none",
        ", ".join(f"{one.pairs}" for one in calls) or "–",
        ", ".join(f"{one.took_s:.0f}" for one in calls) or "–",
        f"{len(decided) / len(other):.0%}".replace("%", " %"),
        took,
    ]


def sooner(change: str, made: Mapping[Cell, Sequence[Pair]]) -> list[str]:
    """Which order takes fewer seconds, by the medians over all shuffles."""
    took = {}
    for order in ORDERS:
        calls = [math.inf if call.said == "undecided" else call.took_s for call in shuffled(made[change, order])]
        took[order] = median(calls)
    first, second = sorted(ORDERS, key=took.__getitem__)
    if math.isinf(took[first]):
        return [CHANGES[change], "neither decides", "–"]
    times = "the other does not decide" if math.isinf(took[second]) else f"{took[second] / took[first]:.2f}"
    return [CHANGES[change], first, times]


@contextmanager
def opened(engine: str, folder: Path) -> Iterator[tuple[Session, Session]]:
    """Two sessions of an engine, without calibration, with a state and a lock that nobody else has."""
    for part in ("results", "state", "lock"):
        (folder / part).mkdir()
    os.environ.update(XDG_STATE_HOME=f"{folder}/state", BENCH_LOCK_FOLDER=f"{folder}/lock")
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(Session(choose(engine, None, say), say, folder / "results", calibration=False))
            for _ in range(2)
        )
        yield one, other


def main() -> int:
    """Print a row for each kind of pairs, and which order is sooner."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of all rounds together")
    parser.add_argument("--engine", choices=["local", "docker"], default="local")
    parser.add_argument("--alone", action="store_true", help="without the neighbour")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--glance", action="store_true", help="two rounds of a test of 0.05 s, which decide nothing")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-orders-") as name:
        folder, project = Path(name), Path(name, "project")
        speed = rounds_of_a_second() * (0.05 if given.glance else 1.0)
        make_project(project, round(speed), {"base": 1.0, "slower": 1.1, "same": 1.0})
        catalog = read_catalog(project)
        code = folder / "code"
        code.mkdir()
        sides = Sides(Question(catalog, find(catalog, "work"), Options(), project), code)
        plans = {rev: sides.plan(Side(rev=rev)) for rev in ("base", *CHANGES)}
        try:
            with opened(given.engine, folder) as sessions, neighbour(given.seed, there=not given.alone):
                halves = halves_of(sessions[0].engine, None)
                maker = Maker(sessions, plans, halves, random.Random(given.seed))
                for order in ORDERS:
                    maker.pair("same", order)  # warms up
                until = time.monotonic() + 60 * given.minutes
                made = rounds(maker, until, 2 if given.glance else 10_000, given.seed)
        except BenchError as error:
            say(str(error))
            return int(error.exit_code)
    head = ["head", "order", "pairs", "change", "scatter of a pair", "experiments one after another", "their pairs"]
    head += ["their seconds", "decided in random orders", "median there"]
    print(markdown(head, [row(cell, series) for cell, series in made.items()]))
    print(markdown(["head", "sooner", "times as soon"], [sooner(change, made) for change in CHANGES]))
    say(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}")
    wrong = [
        call for (change, _), series in made.items() for call in one_after_another(series) if is_wrong(change, call)
    ]
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
