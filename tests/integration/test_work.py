"""The work of real runs in real images: equal where it is the same work, and told where it is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.engine.images.facts import ImageFacts
from tests.integration.command import Command

pytestmark = pytest.mark.integration

LOOP = "def step(x):\n    return x + 1\n\n\ndef test_loop():\n    x = 0\n    for _ in range({}):\n        x = step(x)\n"


@contextmanager
def busy() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def project(folder: Path, times: int) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "test_loop.py").write_text(LOOP.format(times))
    toml = '[diagnostic.loop]\nnode = "test_loop.py"\ndevices = ["cpu"]\nimage = "small"\ntimeout_s = 60\n'
    (folder / "bench.toml").write_text(toml)
    return folder


def work(record: dict[str, Any]) -> dict[str, Any]:
    found = record["runs"][0]["work"]
    assert found is not None, record["unavailable"]
    return found


def test_two_percent_more_of_a_loop_are_told_by_one_run_a_side(tmp_path: Path, small_image: ImageFacts) -> None:
    """Also on a host on which times say nothing; counts are those derived by hand, and equal in both engines."""
    command = Command(tmp_path)
    run = ("run", "loop_cpu", "--project", project(tmp_path / "project", 1000), "--no-calibration", "--json", "--work")
    base = command(*run, "--engine", "docker")
    assert base.code == 0, base.err
    assert len(base.record()["runs"]) == 1
    assert work(base.record())["python"]["modules"]["test_loop"] == 1001
    with busy():
        local = command(*run, "--engine", "local")
    assert local.code == 0, local.err
    counted = work(local.record())["python"]
    if counted is not None:  # a local environment may be of Python 3.11
        assert counted["modules"]["test_loop"] == 1001
    project(tmp_path / "project", 1020)
    more = command(*run, "--engine", "docker", "--baseline", base.path(), "--fail-on", "work:1%")
    assert more.code == 1, more.err
    assert "the work grew by" in more.complaint
    said = command("compare", base.path(), more.path())
    assert "1.9 % more Python calls" in said.out
    assert "functions of test_loop 1 001 → 1 021 calls" in " ".join(said.out.split())
    asked = f"SELECT value FROM work WHERE name = 'test_loop' AND stamp = '{more.record()['stamp']}'"
    rows = command("query", asked, "--json").document
    assert "1021" in str(rows)


def test_a_counting_run_that_fails_costs_the_result_nothing(tmp_path: Path, small_image: ImageFacts) -> None:
    folder = project(tmp_path / "project", 10)
    (folder / "test_loop.py").write_text("import os\ndef test_loop(): assert 'BENCH_WORK_OUT' not in os.environ\n")
    run = ("run", "loop_cpu", "--project", folder, "--no-calibration", "--json", "--work", "--engine", "docker")
    done = Command(tmp_path)(*run)
    assert done.code == 0, done.err
    record = done.record()
    assert (record["outcome"], record["runs"][0]["work"]) == ("passed", None)
    assert "the counting run ended as failed" in record["unavailable"]["runs[0].work"]


def test_a_shipped_diagnostic_counts_equal_under_any_threads_and_beside_a_busy_neighbour(
    tmp_path: Path, cpu_image: ImageFacts
) -> None:
    command = Command(tmp_path)
    run = ("run", "grad_cpu", "--profile", "smoke", "--engine", "docker", "--no-calibration", "--json", "--work")
    one = command(*run, "--threads", 2)
    with busy():
        two = command(*run, "--threads", 1)
    assert (one.code, two.code) == (0, 0), one.err + two.err
    first, second = work(one.record()), work(two.record())
    assert first["torch"] == second["torch"]
    assert first["torch"]["calls"]
    assert first["python"] == second["python"]
