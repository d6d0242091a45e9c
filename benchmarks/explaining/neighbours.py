"""How much of a run's wall time stays unexplained beside neighbours that use the CPUs: a table in Markdown.

``python benchmarks/explaining/neighbours.py --engine local --engine docker`` runs four small tests with no neighbour,
one and two (each a process that never rests), and reports of each the wall time, the terms of ``bench explain`` in
percent, and the rest. The last column is the rest without the waiting for a CPU, as it was explained before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough
import msgspec

from bench.compare.explain.breakdown import Budget, budget, explainable
from bench.record.schema import Record
from bench.record.storage.find import find_bundles

ROOT = Path(__file__).resolve().parents[2]
TESTS = {
    "one": """
import time
def test_one_thread():
    end = time.process_time() + 5
    while time.process_time() < end:
        sum(range(1000))
""",
    "two": """
import multiprocessing as mp, time
def work():
    end = time.process_time() + 5
    while time.process_time() < end:
        sum(range(1000))
def test_two_processes():
    parts = [mp.get_context("fork").Process(target=work) for _ in range(2)]
    [part.start() for part in parts]
    [part.join() for part in parts]
""",
    "many": """
import subprocess, sys
def test_many_short_processes():
    for _ in range(40):
        subprocess.run([sys.executable, "-I", "-S", "-c", "sum(range(8_000_000))"], check=True)
""",
    "memory": """
import mmap
def test_faults():
    for _ in range(120):
        area = mmap.mmap(-1, 64 << 20)
        for at in range(0, 64 << 20, 4096):
            area[at] = 1
        area.close()
""",
}
SPIN = "while True: pass"


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """So many processes that never rest."""
    made = [subprocess.Popen([sys.executable, "-I", "-S", "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for one in made:
            one.kill()
            one.wait()


def project(folder: Path) -> None:
    """A checkout with the tests."""
    (folder / "tests").mkdir(parents=True)
    tables = []
    for name, text in TESTS.items():
        (folder / "tests" / f"test_{name}.py").write_text(text)
        tables.append(f'[diagnostic.{name}]\nnode = "tests/test_{name}.py"\nimage = "small"\ntimeout_s = 300.0\n')
    (folder / "bench.toml").write_text("\n".join(tables))
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-C", str(folder)]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "tests"]):
        subprocess.run([*git, *words], check=True)


def measured(name: str, engine: str, beside: int, work: Path) -> Record:
    """One run of a test beside so many neighbours."""
    results = work / f"{engine}-{name}-{beside}"
    environ = {
        **os.environ,
        "BENCH_RESULTS": str(results),
        "BENCH_LOCK_FOLDER": str(work / "lock"),
        "XDG_STATE_HOME": str(work / "state"),
        "PYTHONPATH": str(ROOT),
    }
    words = ["run", f"{name}_cpu", "--project", str(work / "project"), "--engine", engine, "--no-calibration", "-q"]
    with neighbours(beside):
        subprocess.run([sys.executable, "-m", "bench", *words], env=environ, check=True, stdout=subprocess.DEVNULL)
    (bundle,) = find_bundles(results)
    return bundle.record


def row(name: str, engine: str, beside: int, record: Record) -> dict[str, Any]:
    """The terms of one run as shares of its wall time."""
    spent = budget(explainable(record))
    before = budget(explainable(_without_delay(record)))
    assert spent is not None
    assert before is not None
    share = {term.name: term.seconds / spent.wall_s for term in spent.terms}
    return {
        "engine": engine,
        "test": name,
        "neighbours": beside,
        "others_cpus": record.runs[0].host_during.get("others_cpus"),
        "wall_s": spent.wall_s,
        "on_cpu": share["user"] + share["system"],
        "waiting": share["cpu_wait"],
        "rest": share["rest"],
        "rest_before": _rest(before),
    }


def _rest(spent: Budget) -> float:
    """The rest as it was before: what waited for a CPU was in it."""
    return (spent.seconds("rest") + spent.seconds("cpu_wait")) / spent.wall_s


def _without_delay(record: Record) -> Record:
    runs = tuple(
        msgspec.structs.replace(run, cpu=msgspec.structs.replace(run.cpu, run_delay_s=None)) for run in record.runs
    )
    return msgspec.structs.replace(record, runs=runs)


def main() -> int:
    """Print the table; with ``--json`` its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", action="append", choices=("local", "docker"))
    parser.add_argument("--neighbours", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--test", action="append", choices=tuple(TESTS))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        project(work / "project")
        (work / "lock").mkdir()
        for engine in given.engine or ["local"]:
            for name in given.test or TESTS:
                for beside in given.neighbours:
                    rows.append(row(name, engine, beside, measured(name, engine, beside, work)))
                    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    if given.json:
        print(json.dumps(rows, indent=2))
        return 0
    print("| engine | test | neighbours | CPUs of others | wall s | on CPU | waiting | unexplained | before |")
    print("|---|---|---|---|---|---|---|---|---|")
    for one in rows:
        others = "–" if one["others_cpus"] is None else f"{one['others_cpus']:.1f}"
        shares = " | ".join(f"{100 * one[key]:.0f} %" for key in ("on_cpu", "waiting", "rest", "rest_before"))
        print(f"| {one['engine']} | {one['test']} | {one['neighbours']} | {others} | {one['wall_s']:.1f} | {shares} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
