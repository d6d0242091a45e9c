"""What a counting run costs over a plain one: python benchmarks/counters/overhead.py [--rounds N] [--glance].

In each round every diagnostic is run with and without counters, one right after the other and in random order, so that
other work on the machine meets both. Ratios are of the same round, and their median counts. A run counts its tests
alone: starting a container is in neither.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from runs import DIAGNOSTICS, ENGINES, counted, open_session, plain  # finds this checkout

from bench.catalog.load import builtin, find
from bench.engine.assets import diagnostics_folder
from bench.record.schema import Run
from bench.run.plan import Options, make_plan
from bench.run.source.read import read_catalog_source

GOAL = 2.5


def overhead(engines: Sequence[str], names: Sequence[str], rounds: int, profile: str) -> bool:
    """Print the ratios; return whether the wall time's is within the goal for each diagnostic."""
    print("| diagnostic | engine | rounds | wall time, counting over plain | CPU time, likewise | within the goal |")
    print("|---|---|---|---|---|---|")
    met = True
    source = read_catalog_source(diagnostics_folder())
    draw = random.Random(0)
    for engine in engines:
        with tempfile.TemporaryDirectory() as results, open_session(engine, Path(results)) as session:
            for name in names:
                plan = make_plan(find(builtin(), name), Options(profile=profile), source)
                walls, cpus = [], []
                for number in range(rounds):
                    pair: dict[bool, Run] = {}
                    for counts in draw.sample((False, True), 2):
                        at = f"{name}-{number}-{counts}"
                        pair[counts] = counted(session, plan, at)[0] if counts else plain(session, plan, at)
                    walls.append((pair[True].wall_s or 0) / (pair[False].wall_s or 1))
                    one, other = pair[True].cpu.total_s, pair[False].cpu.total_s
                    cpus += [one / other] if one and other else []
                within = median(walls) <= GOAL
                met = met and within
                spread = f"{median(walls):.2f} ({min(walls):.2f} to {max(walls):.2f})"
                cpu = f"{median(cpus):.2f}" if cpus else "not known"
                print(
                    f"| `{name}` | {engine} | {rounds} | {spread} | {cpu} | {'yes' if within else 'no'} |", flush=True
                )
    return met


def main() -> int:
    """Print the table; 1 if the goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", action="append", choices=ENGINES, help="default: both")
    parser.add_argument("--diagnostic", action="append", choices=DIAGNOSTICS, help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", default="smoke")
    parser.add_argument("--glance", action="store_true", help="one round")
    chosen = parser.parse_args()
    began = time.monotonic()
    rounds = 1 if chosen.glance else chosen.rounds
    met = overhead(chosen.engine or ENGINES, chosen.diagnostic or DIAGNOSTICS, rounds, chosen.profile)
    print(f"\n{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0 if met or chosen.glance else 1  # one round says nothing


if __name__ == "__main__":
    sys.exit(main())
