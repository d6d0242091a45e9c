"""Turns or duet: which of them decides sooner beside a neighbour that comes and goes?

    python benchmarks/measuring/orders.py [--tries 3] [--budget 4min] [--glance] [-- OPTIONS OF BENCH]

A test of 1 s, the same 5 % and 10 % slower, and identical code: each is tried in turns and as a duet, one after the
other in random order, beside a neighbour that comes and goes in the same way for both. It prints, for each change and
order, how many tries were decided, wrong or undecided, and the pairs and seconds that they took. A wrong call ends it
with 1.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ab import ROOT, attempt, make_project, rounds_of_a_second

ORDERS = {"turns": (), "duet": ("--duet",)}
CHANGES = {"slower-10": 1.1, "slower-5": 1.05, "same": 1.0}
SHORT_S = 0.05


@dataclass(frozen=True, slots=True)
class Try:
    """One experiment. ``status`` is that of the comparison."""

    change: str
    order: str
    status: str
    pairs: int
    seconds: float

    @property
    def wrong(self) -> bool:
        """Whether identical code was called changed, or slower code faster."""
        return self.status == "code_improved" or (self.change == "same" and self.status == "code_regressed")

    @property
    def decided(self) -> bool:
        """Whether it ended by a decision."""
        return self.status in ("same", "code_regressed", "code_improved")


def tries(project: Path, changes: Sequence[str], count: int, options: list[str]) -> Iterator[Try]:
    """Yield both orders of each change, so often, each pair of them beside the same neighbour.

    Args:
        project: the repository that ``make_project`` made.
        changes: what is tried.
        count: how often.
        options: of bench.
    """
    draw = random.Random(1)
    for at in range(count):
        for change in changes:
            for order in draw.sample(sorted(ORDERS), 2):
                script = ROOT / "benchmarks/measuring/neighbour.py"
                words = [sys.executable, str(script), "--seconds", "86400", "--seed", str(at)]
                neighbour = subprocess.Popen(words, start_new_session=True)
                try:
                    said, took_s, _ = attempt(project, change, [*ORDERS[order], *options])
                finally:
                    os.killpg(neighbour.pid, 15)
                    neighbour.wait()
                yield Try(change, order, said["status"], said["experiment"]["made"], took_s)


def table(done: Sequence[Try]) -> str:
    """Return a row for each change and order."""
    lines = ["| change | order | decided | wrong | pairs, median | seconds, median |", "|---|---|---|---|---|---|"]
    for change in dict.fromkeys(one.change for one in done):
        for order in ORDERS:
            of = [one for one in done if (one.change, one.order) == (change, order)]
            pairs, seconds = (statistics.median(getattr(one, name) for one in of) for name in ("pairs", "seconds"))
            counts = f"{sum(one.decided for one in of)} of {len(of)} | {sum(one.wrong for one in of)}"
            lines.append(f"| {change} | {order} | {counts} | {pairs:g} | {seconds:.0f} |")
    return "\n".join(lines)


def main() -> int:
    """Print a line a try to standard error, and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--budget", default="4min")
    parser.add_argument(
        "--glance", action="store_true", help="one pair of a short test in each order, which decides nothing"
    )
    parser.add_argument("options", nargs="*", help="of bench ab, after --")
    given = parser.parse_args()
    changes = ["slower-10"] if given.glance else list(CHANGES)
    limits = ["--max-pairs", "1"] if given.glance else ["--budget", given.budget, "--max-pairs", "200"]
    options = ["--no-calibration", "--no-work", *limits, *given.options]
    done = []
    with tempfile.TemporaryDirectory(prefix="bench-orders-") as folder:
        project = Path(folder) / "project"
        rounds = rounds_of_a_second() * (SHORT_S if given.glance else 1.0)
        make_project(project, round(rounds), {"base": 1.0, **CHANGES})
        for one in tries(project, changes, 1 if given.glance else given.tries, options):
            print(
                f"{one.change:9} {one.order:5} {one.status} after {one.pairs} pairs, {one.seconds:.0f} s",
                file=sys.stderr,
            )
            done.append(one)
    print(table(done))
    return int(any(one.wrong for one in done))


if __name__ == "__main__":
    sys.exit(main())
