"""The check weights themselves: each tells a truth, and the truth is near what was asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from bench.agent import loads

from .conftest import load


def tell(name: str, *options: str) -> dict:
    done = subprocess.run(load(name, *options), capture_output=True, check=True, timeout=60)
    truth = json.loads(done.stdout.splitlines()[-1])
    assert truth["load"] == name
    return truth


def test_cpu() -> None:
    assert tell("cpu", "seconds=0.3")["cpu_total_s"] == pytest.approx(0.3, abs=0.02)


def test_in_this_process() -> None:
    """The same functions, called: what they return, not what they cost."""
    spent = time.process_time()
    assert loads.threads(seconds=0.05)["cpu_total_s"] >= spent
    assert loads.processes(seconds=0.1)["cpu_total_s"] >= spent + 0.09
    parts = loads.split(user=0.05, system=0.05)
    assert parts["cpu_user_s"] == pytest.approx(0.05, abs=0.03)
    assert parts["cpu_system_s"] == pytest.approx(0.05, abs=0.03)
    assert loads.memory(mib=4, hold=0.0)["anon_bytes"] > 4 << 20
    assert loads.cache(mib=2, hold=0.0)["file_bytes"] == 2 << 20
    caused = loads.faults(count=30_000)["caused"]
    assert caused == pytest.approx(30_000, rel=0.02)
    assert loads.switches(count=10)["voluntary"] >= 10
    assert loads.write(mib=1) == {"write_bytes": 1 << 20}
    assert loads.orphan(seconds=0.05)["orphan_s"] >= 0.05
    quota = loads.quota(seconds=0.1)
    assert quota["wall_s"] >= 0.1
    assert quota["throttled_s"] >= -0.01
    assert loads.balloon(most_mib=16)["outcome"] == "passed"


def test_forks_and_left(capfd: pytest.CaptureFixture[str]) -> None:
    assert loads.forks(most=0) == {"started": 0, "refused": None}
    assert loads.left(seconds=0.0) == {"left": 1}
    os.wait()


def test_flood(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    written = loads.flood(seconds=0.05, mib_per_s=5)["log_bytes"]
    out = capfdbinary.readouterr().out
    assert len(out) == written > 0
    with pytest.raises(UnicodeDecodeError):
        out.decode()


def test_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert loads.main([]) == 2
    assert loads.main(["nonsense"]) == 2
    assert "balloon" in capsys.readouterr().err
    assert loads.main(["write", "mib=1", "folder=/tmp"]) == 0
    assert json.loads(capsys.readouterr().out) == {"load": "write", "write_bytes": 1 << 20}


def test_without_a_site(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", loads.__file__, "hang", "seconds=0"], capture_output=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[0]) == {"load": "hang", "deaf": True}
