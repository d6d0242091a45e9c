"""What a command costs before it does anything: python benchmarks/start/start.py [--rounds N] [--before CHECKOUT].

Seconds of CPU time (user and system, the steadier figure on a machine that does other work too) and on the clock:
medians of rounds in which each command is started once, as ratios to `python -c pass` in the same rounds. With
`--before` another checkout of this project, by the same Python, in the same rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Command = tuple[str, Sequence[str], Mapping[str, str]]


def tab(line: str) -> dict[str, str]:
    """What a bash gives the program at a TAB behind a line."""
    return {"_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}


def commands(results: str) -> list[Command]:
    """Each command with its name, its words and its variables; the first is Python alone."""
    program = ["-m", "bench"]
    return [
        ("python -c pass", ["-c", "pass"], {}),
        ("bench --version", [*program, "--version"], {}),
        ("bench --help", [*program, "--help"], {}),
        ("bench list", [*program, "list", "--results", results], {}),
        ("bench list --json", [*program, "list", "--json", "--results", results], {}),
        ("bench run --help", [*program, "run", "--help"], {}),
        ("bench history<TAB>", program, tab("bench his")),
        ("bench run grad_cp<TAB>", program, tab("bench run grad_cp")),
        ("bench run grad_cpu --prof<TAB>", program, tab("bench run grad_cpu --prof")),
    ]


def started(words: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Seconds of CPU time, and on the clock, of one start of Python."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    began = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, *words], env, file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - began


def medians(every: Sequence[Command], rounds: int, base: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """The median CPU time and time on the clock by a command's name; a round before the first fills caches."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in every}
    for number in range(rounds + 1):
        for name, words, more in every:
            took = started(words, {**base, **more})
            if number:
                found[name].append(took)
    return {
        name: (statistics.median(cpu for cpu, _ in each), statistics.median(wall for _, wall in each))
        for name, each in found.items()
    }


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = str(Path(folder, "results"))
        known = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
        known |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(folder, "bytecode"))}
        every = [(name, words, {"PYTHONPATH": str(ROOT), **more}) for name, words, more in commands(results)]
        if asked.before is not None:
            before = str(asked.before.resolve())
            every += [
                (f"{name} before", words, {"PYTHONPATH": before, **more}) for name, words, more in commands(results)
            ]
        os.chdir(folder)  # else "-m" finds the checkout that lies here
        took = medians(every, asked.rounds, known)
        base = took["python -c pass"][0]
        for name, _, _ in commands(results):
            cpu, wall = took[name]
            line = f"{name:31} {cpu:.3f} s of CPU ({cpu / base:4.1f} x Python alone), {wall:.3f} s on the clock"
            if asked.before is not None:
                line += f"; before {took[f'{name} before'][0]:.3f} s of CPU"
            print(line)


if __name__ == "__main__":
    main()
