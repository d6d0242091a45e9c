"""The smallest change that one run a side tells: python benchmarks/counters/smallest.py [--runs N] [--glance].

A loop is made longer step by step. Counts of one run a side stand beside what pyperf and hyperfine, if they are
installed, call faster or slower of the same change with `--runs` runs a side. Python 3.12 or newer counts calls.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # a checkout is enough

from bench.run.work.reading import read_work  # noqa: E402

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


def smallest(runs: int) -> None:
    """Print, for a loop made longer by each step, what is told of it."""
    print("| loop longer by | counts, 1 run a side | pyperf | hyperfine |\n|---|---|---|---|")
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
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="of pyperf and hyperfine, a side")
    parser.add_argument("--glance", action="store_true", help="two runs")
    chosen = parser.parse_args()
    began = time.monotonic()
    smallest(2 if chosen.glance else chosen.runs)
    print(f"\n{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
