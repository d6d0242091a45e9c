"""What counting costs, whether counts repeat, and what one run tells: python benchmarks/counters/counts.py [--glance].

For each shipped diagnostic, in both engines, under one and two threads and beside a busy neighbour, counts of `--tries`
runs that should be equal, and the wall time of the counting run over that of a plain one. Then a loop that is made
longer step by step: the smallest step that the counts of one run a side tell, beside what pyperf and hyperfine, where
they are installed, call faster or slower of the same change.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.catalog.load import builtin, find  # noqa: E402
from bench.engine.assets import diagnostics_folder  # noqa: E402
from bench.engine.choose import choose  # noqa: E402
from bench.engine.protocol import Engine  # noqa: E402
from bench.record.work import Work  # noqa: E402
from bench.run.plan import Options, Plan, make_plan  # noqa: E402
from bench.run.result.reading import read_run  # noqa: E402
from bench.run.session import Session  # noqa: E402
from bench.run.source.read import read_catalog_source  # noqa: E402
from bench.run.work.counting import counting_plan  # noqa: E402
from bench.run.work.reading import read_work  # noqa: E402

DIAGNOSTICS = ("grad_cpu", "bandwidth_cpu", "dtype_cpu")
GOAL = 2.5
STEPS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1)
LOOP = """import sys
def step(x):
    return (x * 1103515245 + 12345) % 2147483648
def loop(n):
    x = 1
    for _ in range(n):
        x = step(x)
    return x
"""
N = 200_000


@contextmanager
def busy() -> Iterator[None]:
    """A neighbour that uses one CPU."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def one(session: Session, plan: Plan, name: str) -> tuple[float, Work | None]:
    """The wall time of a run, and its work if it counted."""
    out, ending = session.run_aside(plan, name)
    run = read_run(out, 0, ending).run
    if run.outcome != "passed" or run.wall_s is None:
        raise SystemExit(f"{plan.diagnostic.name}: {run.outcome} {run.signature}")
    counted = "BENCH_WORK_OUT" in plan.task.env
    work = read_work(out)[0] if counted else None
    shutil.rmtree(out)
    return run.wall_s, work


def judged(work: Work) -> tuple[Any, ...]:
    """What a comparison judges."""
    torch, python = work.torch, work.python
    made = (torch.calls, torch.elements, torch.bytes, torch.flops, torch.digest) if torch else ()
    return (*made, python.calls if python else None)


def overhead(engines: Sequence[Engine], tries: int, profile: str, names: Sequence[str] = DIAGNOSTICS) -> bool:
    """Print what counting costs and how often counts were equal; return whether both goals were met."""
    print("| diagnostic | plain, s | counting, s | ratio | counts that were equal, of | what differed |")
    print("|---|---|---|---|---|---|")
    met = True
    source = read_catalog_source(diagnostics_folder())
    for name in names:
        ratios, seen = [], []
        with tempfile.TemporaryDirectory() as results:
            for engine in engines:
                with Session(engine, lambda _line: None, Path(results), calibration=False) as session:
                    for number in range(tries):
                        threads = 1 + number % 2
                        plan = make_plan(find(builtin(), name), Options(profile=profile, threads=threads), source)
                        plain_s, _ = one(session, plan, f"plain-{number}")
                        with busy() if number % 3 == 2 else _quiet():
                            wall_s, work = one(session, counting_plan(plan), f"work-{number}")
                        assert work is not None
                        ratios.append((plain_s, wall_s))
                        seen.append((threads, judged(work)))
        # The model of some works in larger blocks with more threads: like is held against like.
        firsts = dict(reversed(seen))
        equal = sum(one == firsts[threads] for threads, one in seen)
        differed = {at for threads, one in seen for at, value in enumerate(one) if value != firsts[threads][at]}
        apart = [("calls", "elements", "bytes", "FLOPs", "digest", "Python calls")[at] for at in sorted(differed)]
        plain, counting = (sorted(side)[len(side) // 2] for side in zip(*ratios, strict=True))
        met = met and equal == len(seen) and counting <= GOAL * plain
        said = ", ".join(apart) or "nothing"
        print(f"| {name} | {plain:.2f} | {counting:.2f} | {counting / plain:.2f} | {equal}/{len(seen)} | {said} |")
        sys.stdout.flush()
    return met


@contextmanager
def _quiet() -> Iterator[None]:
    yield


def smallest(runs: int) -> None:
    """Print, for a loop made longer by each step, what is told of it."""
    print("\n| loop longer by | counts, 1 run a side | pyperf | hyperfine |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "loop.py").write_text(LOOP)
        base = _count(here, N) if sys.version_info >= (3, 12) else 0
        for step in STEPS:
            longer = round(N * (1 + step))
            told = f"{_count(here, longer) / base - 1:+.2%}" if base else "Python 3.12 counts calls"
            rivals = (_pyperf(here, longer, runs), _hyperfine(here, longer, runs))
            print(f"| {step:.1%} | {told} | {' | '.join(rivals)} |")
            sys.stdout.flush()


def _count(here: Path, n: int) -> int:
    (here / "test_loop.py").write_text(f"from loop import loop\ndef test_loop():\n    loop({n})\n")
    for old in here.glob("work.*.json"):
        old.unlink()
    env = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'bench/agent/plugin'}:{here}",
        "PYTEST_PLUGINS": "bench_pytest_plugin",
        "BENCH_EVENTS": str(here / "events"),
        "BENCH_WORK_OUT": str(here),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_loop.py"]
    subprocess.run(command, cwd=here, env=env, check=True, stdout=subprocess.DEVNULL)
    work, _ = read_work(here)
    return work.python.calls if work.python else 0


def _pyperf(here: Path, n: int, runs: int) -> str:
    if subprocess.run([sys.executable, "-c", "import pyperf"], check=False, capture_output=True).returncode:
        return "not installed"
    for name, count in (("a", N), ("b", n)):
        out = here / f"{name}.json"
        out.unlink(missing_ok=True)
        timeit = ["timeit", "-q", "-p", str(runs), "-n", "1", "-w", "1", "-o", str(out), "-s", "from loop import loop"]
        command = [sys.executable, "-m", "pyperf", *timeit, "--inherit-environ", "PYTHONPATH", f"loop({count})"]
        subprocess.run(command, cwd=here, env={**os.environ, "PYTHONPATH": str(here)}, check=True, capture_output=True)
    command = [sys.executable, "-m", "pyperf", "compare_to", str(here / "a.json"), str(here / "b.json")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "told" if "slower" in said else f"wrong ({said.strip()[:40]})" if "faster" in said else "not told"


def _hyperfine(here: Path, n: int, runs: int) -> str:
    if shutil.which("hyperfine") is None:
        return "not installed"
    out = here / "hyperfine.json"
    timed = [f"{sys.executable} -c 'from loop import loop; loop({count})'" for count in (N, n)]
    command = ["hyperfine", "-N", "-r", str(runs), "--export-json", str(out), *timed]
    subprocess.run(command, cwd=here, env={**os.environ, "PYTHONPATH": str(here)}, check=True, capture_output=True)
    a, b = json.loads(out.read_text())["results"]
    # What hyperfine prints: the ratio and its standard deviation, and no word on whether it means anything.
    ratio = b["mean"] / a["mean"]
    spread = ratio * ((a["stddev"] / a["mean"]) ** 2 + (b["stddev"] / b["mean"]) ** 2) ** 0.5
    return f"{ratio:.3f} ± {spread:.3f}"


def main() -> int:
    """Print both tables; 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", action="append", choices=("docker", "local"), help="default: both")
    parser.add_argument("--diagnostic", action="append", choices=DIAGNOSTICS, help="default: all")
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--profile", default="smoke")
    parser.add_argument("--runs", type=int, default=10, help="of pyperf and hyperfine, a side")
    parser.add_argument("--glance", action="store_true", help="one try and two runs")
    chosen = parser.parse_args()
    engines = [choose(name, None, lambda _line: None) for name in chosen.engine or ("docker", "local")]
    began = time.monotonic()
    met = overhead(engines, 1 if chosen.glance else chosen.tries, chosen.profile, chosen.diagnostic or DIAGNOSTICS)
    smallest(2 if chosen.glance else chosen.runs)
    print(f"\n{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
