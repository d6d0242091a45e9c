"""How long a command takes that asks many results: the first time, again, and after one more; beside other tools.

    python benchmarks/results/many.py 1000 10000          # results of 5 runs; a table
    python benchmarks/results/many.py --old 1000          # with records as long as those of the first versions
    python benchmarks/results/many.py --rivals 1000       # and what asv, pyperf and DuckDB's read_json take

Each figure is a command of its own with its start, in seconds of CPU and (in brackets) on the clock; only the former
mean something where others work on the machine. All of them run one after the other.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that it runs as a script
from benchmarks.results import made, rivals

QUERY = ("query", "select host, median(wall_s) from runs group by host")


def main(arguments: list[str]) -> int:
    """Measure and print the tables; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("counts", type=int, nargs="+", help="how many results")
    parser.add_argument("--old", action="store_true", help="records of 75 KB, as the first versions wrote them")
    parser.add_argument("--rivals", action="store_true", help="measure other tools on as much as well")
    asked = parser.parse_args(arguments)
    print("| results | record | first query | MB of memory | query | list | history | compare | query after one more |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    beside = [_measured(count, old=asked.old, rival=asked.rivals) for count in asked.counts]
    if asked.rivals:
        print("\n| results | " + " | ".join(name for name, _ in beside[0]) + " |")
        print("|--:|" + "--:|" * len(beside[0]))
        for count, times in zip(asked.counts, beside, strict=True):
            print(f"| {count} | " + " | ".join(_ratio(one, times[0][1]) for _, one in times) + " |", flush=True)
    return 0


def _measured(count: int, *, old: bool, rival: bool) -> list[tuple[str, float | None]]:
    """Print the row of so many results; returns what other tools take."""
    with tempfile.TemporaryDirectory(prefix="bench-many-") as folder:
        top = Path(folder)
        results = top / "results"
        size = made.write(results, count, old=old)
        env = {**os.environ, "BENCH_INDEX": str(top / "index"), "BENCH_RESULTS": str(results)}
        one = made.record_of(count // made.DIAGNOSTICS % made.HOSTS)
        place = next(iter(made.texts(1)))[0]
        host = place.split("/")[0]
        said, first, memory = _timed(QUERY, env)
        row = [_timed(words, env)[0] for words in (QUERY, ("list",), ("history", one.diagnostic.name))]
        row.append(_timed(("compare", host, f"{results}/{place}"), env, allowed=range(9))[0])
        made.write(results, 1, first=count, old=old)
        row.append(_timed(QUERY, env)[0])
        print(f"| {count} | {size // count / 1000:.1f} KB | {said} | {memory:.0f} | {' | '.join(row)} |", flush=True)
        if not rival:
            return []
        return [("`bench query`, first", first), *rivals.measured(results, top, count)]


def _timed(words: Iterable[str], env: dict[str, str], allowed: Iterable[int] = (0,)) -> tuple[str, float, float]:
    """What a command takes as text, its seconds of CPU, and the most memory of all commands so far, in MB."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "bench", *words, "--quiet"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{cpu:.2f} s ({time.perf_counter() - began:.2f})", cpu, after.ru_maxrss / 1000


def _ratio(seconds: float | None, ours: float | None) -> str:
    if seconds is None or not ours:
        return "not here"
    return f"{seconds:.2f} s ({seconds / ours:.1f}x)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
