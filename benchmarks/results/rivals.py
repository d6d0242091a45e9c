"""What other tools take for as many results: each in a process of its own, or not at all where it is not installed."""

from __future__ import annotations

import importlib.util
import json
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

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

_ASV = """
import sys
from collections import defaultdict
from asv.results import iter_results
from asv.step_detect import detect_steps
series = defaultdict(list)
for result in iter_results(sys.argv[1]):
    for name in result.get_all_result_keys():
        values = result.get_result_value(name, result.get_result_params(name))
        series[result.params["machine"], name].append((result.date, values[0]))
print(len([detect_steps([value for _, value in sorted(one)]) for one in series.values()]))
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
        ("asv, load and find steps", _timed("asv", _ASV, _asv(top / "asv", count))),
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


def _asv(folder: Path, count: int) -> Path:
    """As many results in asv's form, a benchmark of five samples in each, by machine and commit."""
    columns = ["result", "params", "version", "started_at", "duration", "stats_number", "stats_repeat", "samples"]
    for at in range(count):
        one = made.record_of(at % 50)
        samples = [run.wall_s for run in one.runs]
        machine, commit = one.host.id, f"{at:040x}"
        document = {
            "commit_hash": commit,
            "env_name": "existing",
            "date": 1_600_000_000_000 + at * 600_000,
            "params": {"machine": machine, "python": "3.13"},
            "python": "3.13",
            "requirements": {},
            "env_vars": {},
            "result_columns": columns,
            "results": {
                one.diagnostic.name: [[median(samples)], [], "1", 0, 1.0, [1], [len(samples)], [samples]],
            },
            "durations": {},
            "version": 2,
        }
        place = folder / machine
        if not place.is_dir():
            place.mkdir(parents=True)
            (place / "machine.json").write_text(json.dumps({"machine": machine, "version": 1}))
        (place / f"{commit[-8:]}-existing.json").write_text(json.dumps(document))
    return folder
