"""From Python: a command is measured, its bundle read and compared, without Docker."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import bench
from bench.errors import UsageError

pytestmark = [pytest.mark.slow]


def test_a_command_is_measured_read_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "BENCH_LOCK_FOLDER"):
        monkeypatch.setenv(name, str(tmp_path / name))
    words = [sys.executable, "-c", "sum(range(200_000))"]
    made = bench.run(words, engine="local", name="sum_cpu", calibration=False, results=tmp_path / "results", quiet=True)
    assert (made.name, made.outcome, len(made.wall_s)) == ("sum_cpu", "passed", 1)
    (read,) = bench.load(tmp_path / "results")
    assert read == made
    assert bench.compare(read, made).only.status == "insufficient_runs"
    failed = bench.run(["false"], engine="local", calibration=False, results=tmp_path / "results", quiet=True)
    assert (failed.outcome, failed.wall_s) == ("failed", ())
    with pytest.raises(UsageError, match="nothing_cpu"):
        bench.run("nothing_cpu", engine="local", results=tmp_path / "results", quiet=True)
