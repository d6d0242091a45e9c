"""Whether counts repeat, and planted changes are told: python benchmarks/counters/tries.py [--tries N] [--glance].

Each shipped diagnostic is counted `--tries` times in each engine, under one and two threads in turn, every third beside
a busy neighbour, and each count is held against the first one of all (Python's calls against the engine's first). Then
small changes are planted in loops of known length, and each try counts one run a side: is the change told with its
exact number, and is no change told of the same?
Ends with 1 if anything came out otherwise in one try.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runs import DIAGNOSTICS, ENGINES, apart, counted, neighbour, open_session  # finds this checkout

from bench.catalog.load import builtin, find
from bench.catalog.project import read_catalog
from bench.compare.work.difference import WorkDifference, compare_counts
from bench.engine.assets import diagnostics_folder
from bench.engine.protocol import Need
from bench.record.work import Work
from bench.run.plan import Options, Plan, make_plan
from bench.run.source.read import read_catalog_source, read_project

TOML = "".join(
    f'[diagnostic.{name}]\nnode = "test_{name}.py"\ndevices = ["cpu"]\nimage = "{image}"\ntimeout_s = 600\n'
    for name, image in (("python", "small"), ("torch", "cpu"))
)
PYTHON = """import os


def step(x):
    return x + 1


def test_python():
    x = 0
    for _ in range(int(os.environ["STEPS"])):
        x = step(x)
"""
TORCH = """import os

import torch


def test_torch():
    x = torch.ones(int(os.environ["SIZE"]))
    for _ in range(int(os.environ["STEPS"])):
        x = x.mul(0.5)
"""


@dataclass(frozen=True, slots=True)
class Planted:
    """A change of a loop, and how a comparison of one run a side has to tell it."""

    words: str
    test: str
    env: Mapping[str, str]
    told: Callable[[WorkDifference], bool]


def _grew(name: str, a: int, b: int) -> Callable[[WorkDifference], bool]:
    return lambda found: found.kind == "more" and any((one.name, one.a, one.b) == (name, a, b) for one in found.calls)


CHANGES = (
    Planted("none, Python", "python", {"STEPS": "1000"}, lambda found: found.kind == "same"),
    Planted("2 % more of a Python loop", "python", {"STEPS": "1020"}, _grew("functions of test_python", 1001, 1021)),
    Planted("none, torch", "torch", {"STEPS": "1000"}, lambda found: found.kind == "same"),
    Planted("2 % more of a torch loop", "torch", {"STEPS": "1020"}, _grew("aten::mul", 1000, 1020)),
    Planted(
        "as many calls, 2 % larger",
        "torch",
        {"SIZE": "102"},
        lambda found: found.kind == "more" and not found.digests_equal and not found.calls,
    ),
)
OF_PYTHON = "Python calls"
BASE = {"STEPS": "1000", "SIZE": "100"}


def repeats(engines: Sequence[str], names: Sequence[str], tries: int) -> bool:
    """Print how often each diagnostic's counts were equal to the first; return whether all were."""
    print("| diagnostic | engine | tries | torch equal | Python equal | processes equal | not equal |")
    print("|---|---|---|---|---|---|---|")
    met = True
    source = read_catalog_source(diagnostics_folder())
    for name in names:
        first: Work | None = None
        for engine in engines:
            own: Work | None = None
            seen: list[list[str]] = []
            with tempfile.TemporaryDirectory() as results, open_session(engine, Path(results)) as session:
                for number in range(tries):
                    options = Options(profile="smoke", threads=1 + number % 2)
                    plan = make_plan(find(builtin(), name), options, source)
                    with neighbour(number % 3 == 2):
                        work = counted(session, plan, f"try-{number}")[1]
                    first, own = first or work, own or work
                    # An engine may have another Python, whose library calls other functions.
                    seen.append([name for name in apart(first, work) if name != OF_PYTHON])
                    seen[-1] += [name for name in apart(own, work) if name == OF_PYTHON]
            met = met and not any(seen)
            print(f"| `{name}` | {engine} | {tries} | {_row(seen)} |", flush=True)
    return met


def _row(seen: Sequence[Sequence[str]]) -> str:
    """How many tries had nothing of a kind that was not equal, and what was not."""
    kinds = (("calls", "elements", "bytes", "FLOPs", "digest"), (OF_PYTHON,), ("processes",))
    equal = [sum(not set(kind) & set(names) for names in seen) for kind in kinds]
    worst = Counter(name for names in seen for name in names)
    return " | ".join([*map(str, equal), ", ".join(worst) or "nothing"])


def planted(engines: Sequence[str], tries: int) -> bool:
    """Print in how many tries each planted change was told; return whether in all."""
    print("\n| planted | engine | tries | told by one run a side |\n|---|---|---|---|")
    met = True
    for engine in engines:
        told: Counter[str] = Counter()
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder) / "project"
            _write(project)
            with open_session(engine, Path(folder)) as session:
                for number in range(tries):
                    for test in ("python", "torch"):
                        base = counted(session, _plan(project, test, {}), f"base-{test}-{number}")[1]
                        for at, one in enumerate(CHANGES):
                            if one.test != test:
                                continue
                            with neighbour():
                                head = counted(session, _plan(project, test, one.env), f"head-{at}-{number}")[1]
                            told[one.words] += one.told(compare_counts(base, head))
        for one in CHANGES:
            met = met and told[one.words] == tries
            print(f"| {one.words} | {engine} | {tries} | {told[one.words]} |", flush=True)
    return met


def _write(project: Path) -> None:
    project.mkdir()
    for name, text in (("bench.toml", TOML), ("test_python.py", PYTHON), ("test_torch.py", TORCH)):
        (project / name).write_text(text)


def _plan(project: Path, test: str, env: Mapping[str, str]) -> Plan:
    diagnostic = next(one for one in read_catalog(project).diagnostics if one.name == f"{test}_cpu")
    source, tree = read_project(project)
    options = Options(env={**BASE, **env}, threads=1)
    return make_plan(diagnostic, options, source, tree=tree, need=Need(diagnostic.image))


def main() -> int:
    """Print both tables; 1 if something was not equal, or not told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", action="append", choices=ENGINES, help="default: both")
    parser.add_argument("--diagnostic", action="append", choices=DIAGNOSTICS, help="default: all")
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--only", choices=("repeats", "planted"), help="one of the tables")
    parser.add_argument("--glance", action="store_true", help="one try")
    chosen = parser.parse_args()
    began = time.monotonic()
    engines, tries = chosen.engine or ENGINES, 1 if chosen.glance else chosen.tries
    met = [repeats(engines, chosen.diagnostic or DIAGNOSTICS, tries)] if chosen.only != "planted" else []
    met += [planted(engines, tries)] if chosen.only != "repeats" else []
    print(f"\n{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
