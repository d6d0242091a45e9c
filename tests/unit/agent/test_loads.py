"""The check weights themselves: each tells a truth, and the truth is near what was asked for."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time

import pytest

from bench.agent.loads import costs, endings, tools
from bench.agent.loads.__main__ import start
from bench.agent.loads.run import main

from .conftest import load


def tell(name: str, *options: str) -> dict:
    done = subprocess.run(load(name, *options), capture_output=True, check=True, timeout=60)
    truth = json.loads(done.stdout.splitlines()[-1])
    assert truth["load"] == name
    return truth


@pytest.mark.timed
def test_cpu() -> None:
    assert tell("cpu", "seconds=0.3")["cpu_total_s"] == pytest.approx(0.3, abs=0.02)


@pytest.mark.timed
def test_in_this_process() -> None:
    """The same functions, called: what they return, not what they cost."""
    spent = time.process_time()
    assert costs.threads(seconds=0.05)["cpu_total_s"] >= spent
    assert costs.processes(seconds=0.1)["cpu_total_s"] >= spent + 0.09
    parts = costs.split(user=0.05, system=0.05)
    assert parts["cpu_user_s"] == pytest.approx(0.05, abs=0.03)
    assert parts["cpu_system_s"] == pytest.approx(0.05, abs=0.03)
    assert costs.memory(mib=4, hold=0.0)["anon_bytes"] > 4 << 20
    assert costs.cache(mib=2, hold=0.0)["file_bytes"] == 2 << 20
    caused = costs.faults(count=30_000)["caused"]
    assert caused == pytest.approx(30_000, rel=0.02)
    assert costs.switches(count=10)["voluntary"] >= 10
    assert costs.write(mib=1)["write_bytes"] in (1 << 20, None)
    assert costs.orphan(seconds=0.05)["orphan_s"] >= 0.05
    quota = costs.quota(seconds=0.1)
    assert quota["wall_s"] >= 0.1
    assert quota["throttled_s"] >= -0.01
    assert 0 <= quota["held_back_s"] <= max(quota["throttled_s"], 0.0) <= quota["held_back_s"] + quota["unsure_s"]
    assert endings.balloon(most_mib=16)["outcome"] == "passed"


def test_what_the_ticks_missed_makes_a_part_less_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"cpu_total_s": 0.03, "end_s": 0.001}  # as if nothing was spent before
    usage = resource.struct_rusage([-0.5, 0.0, *[0] * 14])
    monkeypatch.setattr(costs, "told_cpu", lambda: told)
    monkeypatch.setattr(costs, "waited_s", lambda _: 0.0)
    monkeypatch.setattr(costs.resource, "getrusage", lambda _: usage)
    parts = costs.split(user=0.01, system=0.01)
    assert parts["unsure_s"] == pytest.approx(parts["cpu_user_s"] + 0.5)
    assert tools.outside(0.5, 0.4, 0.2) == 0.0
    assert tools.outside(0.7, 0.4, 0.2) == pytest.approx(0.1)


def test_forks_and_left(capfd: pytest.CaptureFixture[str]) -> None:
    assert endings.forks(most=0) == {"started": 0, "refused": None}
    assert endings.left(seconds=0.0) == {"left": 1}
    os.wait()


def test_flood(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    written = endings.flood(seconds=0.05, mib_per_s=5)["log_bytes"]
    out = capfdbinary.readouterr().out
    assert len(out) == written > 0
    with pytest.raises(UnicodeDecodeError):
        out.decode()


def test_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["nonsense"]) == 2
    assert "balloon" in capsys.readouterr().err
    assert main(["write", "mib=1", "folder=/tmp"]) == 0
    assert json.loads(capsys.readouterr().out) == {"load": "write", "write_bytes": 1 << 20}


def test_without_a_site() -> None:
    assert tell("hang", "seconds=0") == {"load": "hang"}


def test_module_entry(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["loads", "nonsense"])
    assert start() == 2
    assert "usage" in capsys.readouterr().err
