"""What other tools take for as many results: each in a process of its own, or not at all where it is not installed."""

from __future__ import annotations

import importlib.util
import json
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.results import made

_DUCKDB = """
import sys, duckdb
sql = "select host.id, median(run.wall_s) from (select host, unnest(runs) as run from read_json(?, union_by_name=true))"
sql += " group by 1"
print(len(duckdb.sql(sql, params=[sys.argv[1] + "/*/*/*/record.json"]).fetchall()))
"""
_PYPERF = """
import glob, sys, pyperf
names = sorted(glob.glob(sys.argv[1] + "/*.json"))
medians = [pyperf.Benchmark.load(name).median() for name in names]
print(len(medians), max(medians) / min(medians))
"""


def measured(results: Path, top: Path, count: int) -> list[tuple[str, float | None]]:
    """Return the seconds of CPU of each tool, ``None`` where it is not installed.

    Args:
        results: the folder of results.
        top: a folder to write in.
        count: how many results there are.
    """
    return [
        ("DuckDB's `read_json`", _timed("duckdb", _DUCKDB, results)),
        ("pyperf, load and compare", _timed("pyperf", _PYPERF, _pyperf(top / "pyperf", count))),
    ]


def _timed(module: str, code: str, folder: Path) -> float | None:
    if importlib.util.find_spec(module) is None:
        return None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{module} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _pyperf(folder: Path, count: int) -> Path:
    """As many benchmarks of five runs in pyperf's form, one a file."""
    folder.mkdir()
    for at in range(count):
        runs = [{"values": [run.wall_s], "metadata": {"load_avg_1min": 1.0}} for run in made.record_of(at % 50).runs]
        metadata = {"name": f"made{at}", "unit": "second", "loops": 1}
        document = {"version": "1.0", "metadata": metadata, "benchmarks": [{"runs": runs}]}
        (folder / f"{at:06}.json").write_text(json.dumps(document))
    return folder
