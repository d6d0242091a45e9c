"""What comparisons cost: python benchmarks/report/compared.py [RESULTS] [--before CHECKOUT].

Seconds of CPU time to hold so many results against so many of a baseline, as `bench report --baseline` does, in two
shapes: a few hosts with a long history, and a fleet in which every result has a host of its own; and of one comparison
of 10 runs against 10. `--before` measures another checkout of this project in the same way.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMES = 20


def measure(count: int) -> dict[str, float]:
    """Seconds of CPU time by what was done, with the package ``bench`` that is found first."""
    import msgspec

    from bench.compare.comparison import compare
    from bench.report.against import against
    from bench.report.entry import Entry
    from benchmarks.report.made import record
    from benchmarks.report.page import fleet, project

    took: dict[str, float] = {}
    for name, shape in {"project": project, "fleet": fleet}.items():
        before = [entry.record for entry in shape(count)]
        later = [msgspec.structs.replace(one, id=f"{one.id}-later") for one in before]
        entries = [Entry(one) for one in later]
        start = time.process_time()
        against(entries, before, [*later, *before])
        took[f"{name}, {count} against {count}"] = time.process_time() - start
    pair = [record("grad_cpu", "host", stamp, runs=10) for stamp in ("20261001T060000Z", "20261002T060000Z")]
    each = []
    for _ in range(TIMES):
        start = time.process_time()
        compare(*pair)
        each.append(time.process_time() - start)
    return {**took, "10 runs against 10": statistics.median(each)}


def measured(checkout: Path, count: int) -> dict[str, float]:
    """The same in a Python of its own, which finds that checkout first."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (checkout, ROOT)))}
    command = [sys.executable, __file__, str(count), "--here"]
    return dict(json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True).stdout))


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=int, nargs="?", default=1000)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here:
        print(json.dumps(measure(asked.results)))
        return
    now = measured(ROOT, asked.results)
    before = measured(asked.before.resolve(), asked.results) if asked.before is not None else {}
    for name, took in now.items():
        ratio = f"; before {before[name]:.3f} s, {before[name] / took:.1f} x" if name in before else ""
        print(f"{name}: {took:.3f} s of CPU{ratio}")


if __name__ == "__main__":
    main()
