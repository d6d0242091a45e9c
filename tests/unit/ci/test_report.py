"""The whole of a gathering over real bundles: two runners of one class of hosts, which are told apart by their limits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from bench.record.host_id import host_id
from bench.record.storage.bundle import write_bundle
from ci.junit import render_legs
from ci.matrix import parse_matrix, settings
from ci.summary import Row
from tests.support.entries import limited, synthetic_record

ROOT = Path(__file__).resolve().parents[3]
RUNNERS = {"large": (4, 1.0, 1.2), "small": (1, 1.8, 1.8)}
"""CPUs, then how slow the baseline and the new result are."""


def result(cpus, scale, stamp):
    made = synthetic_record("dtype_cpu", runs=8, stamp=stamp, scale=scale, noise=0.002)
    quiet = tuple(msgspec.structs.replace(run, warnings=()) for run in made.runs)
    host = msgspec.structs.replace(made.host, id=host_id(made.host.class_))
    named = msgspec.structs.replace(made, runs=quiet, host=host, id=f"{host.id}/dtype_cpu/{stamp}")
    return limited(named, cpus=float(cpus), threads=cpus)


@pytest.fixture
def gathered(tmp_path):
    """The report of a matrix of both runners, of which one got slower."""
    runners = [
        {"name": name, "runs_on": ["x"], "devices": ["cpu"], "arguments": ["--cpus", str(cpus)]}
        for name, (cpus, *_) in RUNNERS.items()
    ]
    matrix = {"diagnostics": ["dtype_cpu"], "runners": runners}
    (tmp_path / "matrix.json").write_text(json.dumps(matrix))
    for at, leg in enumerate(parse_matrix(matrix)):
        cpus, before, after = RUNNERS[leg.runner]
        chosen = settings(leg, "smoke", "8")
        base, home = tmp_path / "baseline" / leg.name / chosen, tmp_path / "legs" / f"leg-{leg.name}"
        write_bundle(base, result(cpus, before, f"20261101T08000{at}Z"), {}, secrets=frozenset())
        write_bundle(home / "results", result(cpus, after, f"20261102T08000{at}Z"), {}, secrets=frozenset())
        (home / "leg.json").write_text(
            json.dumps({"leg": leg.name, "settings": chosen, "exit_code": 0, "said": []}),
        )
    env = os.environ | {"BENCH_MATRIX": "matrix.json", "PYTHONPATH": str(ROOT)}
    for module, code in (("ci.gather", 0), ("ci.gate", 1)):
        answer = subprocess.run([sys.executable, "-m", module], cwd=tmp_path, env=env, capture_output=True, check=False)
        assert answer.returncode == code, answer.stderr.decode()
    return tmp_path / "report"


def test_no_part_of_the_report_denies_what_the_gate_says(gathered):
    assert json.loads((gathered / "verdict.json").read_text())["failing"] == ["dtype_cpu-large"]
    summary = (gathered / "summary.md").read_text()
    assert "❌ 1 code regressed · ✅ 1 same" in summary
    assert "`dtype_cpu (4 CPUs)`" in summary
    root = ET.fromstring((gathered / "junit.xml").read_text())
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    (failing,) = [case for case in root.iter("testcase") if case.find("failure") is not None]
    assert failing.get("name") == "dtype_cpu-large"
    document = json.loads((gathered / "report.json").read_text())
    assert document["counts"] == {"code_regressed": 1, "same": 1}
    assert sorted(one["status"] for one in document["comparisons"]) == ["code_regressed", "same"]
    said = [json.loads(path.read_text())["comparisons"] for path in sorted(gathered.glob("compare-*.json"))]
    assert sorted(map(str, document["comparisons"])) == sorted(str(one) for (one,) in said)
    assert (gathered / "baseline").is_dir()


def test_junit_has_a_case_for_each_leg_of_whatever_end():
    rows = [
        Row("a-x", "x", "same", "no change", outcome="passed", host="h", wall_s=2.0, baseline="same", ratio=1.0),
        Row("a-y", "y", "not_measured", "no engine answers"),
        Row("b-x", "x", "not_measured", "no run passed", outcome="timed_out", host="h"),
        Row("b-y", "y", "over_ceiling", "by 3 s", outcome="passed", host="h"),
        Row("c-y", "y", "over_ceiling", "<&\x00", outcome="failed", host="h"),
    ]
    root = ET.fromstring(render_legs(rows))
    ends = {case.get("name"): [child.tag for child in case][-1] for case in root.iter("testcase")}
    assert ends == {"a-x": "system-out", "a-y": "skipped", "b-x": "error", "b-y": "failure", "c-y": "failure"}
    assert [suite.get("name") for suite in root] == ["x", "y"]
    assert root.get("time") == "2.000000"
