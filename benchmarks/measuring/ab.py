"""Does `bench ab` call a 10 % slower test of 1 s beside a neighbour that comes and goes, and identical code never?

    python benchmarks/measuring/ab.py [--slower 1] [--same 20] [--budget 10min] [--max-pairs 60] [-- OPTIONS OF BENCH]

Targets: each slower test is called within 10 minutes, and identical code is the same or undecided in each try.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TEST = """
from work import ROUNDS

def test_work():
    total = 0
    for at in range(ROUNDS):
        total += at * at % 7
    assert total > 0
"""
TOML = '[diagnostic.work]\nnode = "test_work.py::test_work"\nimage = "small"\ndevices = []\ntimeout_s = 120\n'
WITHIN_S = 600.0


def rounds_of_a_second() -> int:
    """Return how many rounds take about a second on this machine, the quickest of five."""
    took = []
    for _ in range(5):
        begin, total = time.perf_counter(), 0
        for at in range(1_000_000):
            total += at * at % 7
        took.append(time.perf_counter() - begin)
    return round(1_000_000 / min(took))


REVISIONS = {"base": 1.0, "same": 1.0, "slower": 1.1}


def make_project(root: Path, rounds: int, revisions: Mapping[str, float] = REVISIONS) -> None:
    """Make a repository whose revisions take so many times as long as the base.

    Args:
        root: the folder to make.
        rounds: of the base.
        revisions: the name of each, and its factor.
    """
    root.mkdir()
    (root / "test_work.py").write_text(TEST, encoding="utf-8")
    (root / "bench.toml").write_text(TOML, encoding="utf-8")
    who = [word for name in ("user.name=bench", "user.email=bench@example.org") for word in ("-c", name)]
    subprocess.run(["git", "-C", root, "init", "-q", "."], check=True)
    for tag, more in revisions.items():
        (root / "work.py").write_text(f"# {tag}\nROUNDS = {round(rounds * more)}\n", encoding="utf-8")
        subprocess.run(["git", "-C", root, "add", "."], check=True)
        subprocess.run(["git", "-C", root, *who, "commit", "-qm", tag], check=True)
        subprocess.run(["git", "-C", root, "tag", tag], check=True)


def attempt(project: Path, head: str, options: list[str]) -> tuple[dict[str, Any], float, int]:
    """Run one experiment; return what it says, how long it took in seconds, and its exit code."""
    words = ["ab", "work", "--project", str(project), "--base", "base", "--head", head, "--json", "--quiet"]
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words, "--results", str(project.parent / "results"), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.strip():
        sys.exit(f"bench ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout), time.monotonic() - begin, done.returncode


@contextmanager
def neighbour(seed: int, *, there: bool = True) -> Iterator[None]:
    """Somebody who comes and goes beside what is done meanwhile, or nobody."""
    command = [sys.executable, str(ROOT / "benchmarks/measuring/neighbour.py"), "--seconds", "86400"]
    beside = subprocess.Popen([*command, "--seed", str(seed)], start_new_session=True) if there else None
    try:
        yield
    finally:
        if beside is not None:
            os.killpg(beside.pid, 15)
            beside.wait()


def main() -> int:
    """Print a line a try; exit code 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--slower", type=int, default=1)
    parser.add_argument("--same", type=int, default=20)
    parser.add_argument("--budget", default="10min")
    parser.add_argument("--max-pairs", default="200")
    parser.add_argument("--alone", action="store_true", help="without the neighbour")
    parser.add_argument("options", nargs="*", help="of bench ab, after --")
    given = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="bench-ab-benchmark-") as folder:
        project = Path(folder) / "project"
        make_project(project, rounds_of_a_second())
        options = ["--no-calibration", "--budget", given.budget, "--max-pairs", given.max_pairs, *given.options]
        for at, head in enumerate(["slower"] * given.slower + ["same"] * given.same):
            with neighbour(at, there=not given.alone):
                said, took_s, code = attempt(project, head, options)
            wrong = code not in (0, 6) if head == "same" else code != 1 or took_s > WITHIN_S
            wrong = wrong or (head == "same" and said["status"] == "code_improved")
            missed += wrong
            print(f"{head:6} {took_s:5.0f} s, exit code {code}: {said['sentence']}", "MISSED" * wrong, flush=True)
    print(f"{missed} missed of {given.slower + given.same}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
