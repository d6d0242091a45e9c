"""`pytest --bench` in a project of somebody's: what it keeps, what it refuses, and that it costs nothing unasked."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import bench
from bench.cli import main
from bench.record.storage.find import bundle_folders
from tests.support.pages import ROOT, commands

pytestmark = [pytest.mark.slow]

TESTS = """
import os, subprocess, sys, pytest

HUNGRY = "x = bytearray(100_000_000); x[::4096] = b'x' * len(x[::4096])"

def test_big(record_property):
    exec(HUNGRY, {})
    record_property("rate", 2.5)

def test_small():
    pass

def test_child():
    subprocess.run([sys.executable, "-c", HUNGRY], check=True)

def test_fails():
    print("the token is", os.environ["MY_TOKEN"])
    assert 1 == 2

@pytest.mark.skip
def test_skipped(): ...

@pytest.mark.xfail
def test_is_known_to_fail():
    raise ValueError

@pytest.mark.parametrize("a", ["a-b", "a_b"])
def test_spelled_alike(a): ...
"""
INTERRUPTED = "import pytest\ndef test_one(): ...\ndef test_two(): raise KeyboardInterrupt\ndef test_three(): ..."
ALONE = (
    "import sys\ndef test_alone():\n    print(sorted(n for n in sys.modules if n.startswith('bench')))\n    assert 0\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "tests").mkdir(parents=True)
    (folder / "tests/test_x.py").write_text(TESTS)
    (folder / "bench.toml").write_text(
        '[diagnostic.little]\nabout = "little"\nnode = "tests/test_x.py::test_small"\ndevices = ["cpu"]\nceiling_s = 60\n'
    )
    return folder


def run(project: Path, line: str, code: int = 0, env: Mapping[str, str] | None = None) -> str:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("BENCH_", "PYTEST_", "COV_"))}
    environ = {
        **known,
        "PYTHONPATH": str(ROOT),
        "MY_TOKEN": "hunter2hunter2",
        "XDG_CACHE_HOME": str(project.parent / "c"),
        **(env or {}),
    }
    words = [sys.executable, "-m", *shlex.split(line), "-p", "bench.pytest_plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(words, cwd=project, env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_each_test_that_ran_has_a_bundle(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = commands("pytest.md", "pytest --bench")
    said = run(project, first, 1)
    assert "bench: 7 results kept in " in said
    assert "bench: 1 skipped, of which nothing is kept" in said
    results = bench.load(project / "results")
    found = {one.record.diagnostic.node.partition("::")[2]: one for one in results if one.record.diagnostic.node}
    assert {node: one.outcome for node, one in found.items()} == {
        "test_big": "passed",
        "test_small": "passed",
        "test_child": "passed",
        "test_fails": "failed",
        "test_is_known_to_fail": "passed",
        "test_spelled_alike[a-b]": "passed",
        "test_spelled_alike[a_b]": "passed",
    }
    assert len({one.name for one in results}) == 7
    assert (found["test_small"].name, found["test_small"].status) == ("little_cpu", "ok")
    runs = {node: one.record.runs[0] for node, one in found.items()}
    peak = {node: one.memory.max_rss_bytes or 0 for node, one in runs.items()}
    assert peak["test_big"] > 100_000_000 > peak["test_small"]
    assert peak["test_child"] > 100_000_000
    assert (runs["test_big"].faults.minor or 0) > 20_000 > (runs["test_small"].faults.minor or 0)
    assert runs["test_big"].metrics["rate"].value == 2.5
    failed = found["test_fails"]
    assert runs["test_fails"].signature == "tests/test_x.py::test_fails: assert 1 == 2"
    assert failed.path is not None
    log = (failed.path / "logs/pytest.log").read_text()
    assert "the token is" in log
    assert "hunter2" not in log
    for record in (one.record for one in results):
        assert (record.engine.name, record.image) == ("pytest", None)
        assert record.environment is not None
        assert record.environment.fingerprint
        assert "pytest" in record.environment.packages
        assert record.runs[0].cpu.throttled_s is None
        assert "control group" in record.unavailable["runs[0].cpu.throttled_s"]
    run(project, second, 1)
    assert len(bundle_folders(project / "elsewhere")) == 7
    assert main(["verify", str(project / "results")]) == 0
    capsys.readouterr()
    code = main(["compare", str(project / "results"), str(project / "elsewhere"), "--json", "--results", str(project)])
    made = json.loads(capsys.readouterr().out)["comparisons"]
    assert len(made) == 7
    assert {one["status"] for one in made} == {"insufficient_runs", "not_measured"}
    assert code == 6
    assert main(["history", "little_cpu", "--results", str(project / "results")]) == 0
    assert main(["report", str(project / "results"), "--html", str(project / "page.html")]) == 0


def test_ctrl_c_keeps_what_ran(project: Path) -> None:
    (project / "tests/test_x.py").write_text(INTERRUPTED)
    said = run(project, "pytest --bench tests", 2)
    assert "2 results kept" in said
    found = {one.record.diagnostic.node: one.outcome for one in bench.load(project / "results")}
    assert found == {"tests/test_x.py::test_one": "passed", "tests/test_x.py::test_two": "interrupted"}


def test_tests_that_run_at_once_are_refused(project: Path) -> None:
    assert "--bench measures one test at a time" in run(project, "pytest --bench -n 2", 4)
    assert not (project / "results").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_any_test(project: Path) -> None:
    (project / "file").write_text("")
    assert "--bench: " in run(project, "pytest --bench=file", 4)


def test_results_that_are_lost_are_told_and_no_pass(project: Path) -> None:
    (project / "tests/test_x.py").write_text(
        "def test_one(request):\n    (request.config.rootpath / 'results').touch()\n"
    )
    said = run(project, "pytest --bench tests", 6)
    assert "bench: not all results were kept: " in said


def test_unasked_it_reads_nothing_more_and_keeps_nothing(project: Path) -> None:
    (project / "tests/test_x.py").write_text(ALONE)
    said = run(project, "pytest tests", 1)
    assert "['bench', 'bench.pytest_plugin']" in said
    assert not (project / "results").exists()


ODD = """
import os, shutil, time, types, pytest

class Mute:
    def __repr__(self): raise RuntimeError
    __str__ = __repr__

@pytest.mark.timeout(10**400)
def test_odd(request, record_property, monkeypatch):
    request.node.user_properties += ["no pair", (Mute(), 1), ("fact:x", Mute()), ("metric:m", float("nan")), ("kept", 3)]
    print("\\ud800 \\0")
    time.time = time.monotonic = lambda: float("nan")
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)

@pytest.mark.timeout(float("nan"))
def test_next(): ...
"""
ODD_REPORTS = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    made = yield
    report = made.get_result()
    if "next" in item.nodeid:
        report.sections.append((None, object()))
        report.duration = "long"
"""


def test_what_a_test_says_or_breaks_costs_no_result_and_no_other_test(project: Path) -> None:
    (project / "tests/test_x.py").write_text(ODD)
    (project / "conftest.py").write_text(ODD_REPORTS)
    (project / "tmp").mkdir()
    said = run(
        project,
        f"pytest -q -p no:timeout --bench --basetemp={project / 'base'} tests",
        env={"TMPDIR": str(project / "tmp")},
    )
    assert "2 results kept" in said
    assert "INTERNALERROR" not in said
    records = [json.loads((path / "record.json").read_text()) for path in bundle_folders(project / "results")]
    assert sorted(one["outcome"] for one in records) == ["passed", "passed"]
    assert [one["runs"][0]["metrics"]["kept"]["value"] for one in records if "odd" in one["id"]] == [3.0]
    assert main(["verify", str(project / "results")]) == 0
