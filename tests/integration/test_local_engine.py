"""The local engine on this very host: its group, its limits, its endings, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.engine.local.cgroup_mounts import read_hierarchy
from bench.engine.local.engine import LocalEngine
from bench.engine.local.grouping import Mode
from bench.engine.local.ledger import Ledger
from bench.engine.local.process import strays
from bench.engine.protocol import Ending, Need, Place, Task, Tree
from bench.errors import NotMeasured, UsageError
from bench.record.schema import Limits

pytestmark = pytest.mark.integration
NO_LIMITS = Limits()
MIB = 1 << 20


@pytest.fixture(scope="session")
def local_place() -> Place:
    """The small environment, made in this user's cache as a first run would."""
    try:
        return LocalEngine().prepare(Need("small"), print)
    except NotMeasured as error:
        pytest.skip(str(error))


@pytest.fixture
def engine(tmp_path: Path) -> LocalEngine:
    return LocalEngine(Ledger(tmp_path / "ledger"))


@pytest.fixture
def grouped(engine: LocalEngine) -> LocalEngine:
    if engine.mode.name != "group":
        pytest.skip(f"no control group of our own: {engine.mode.why}")
    return engine


Execute = Callable[..., Ending]


@pytest.fixture
def execute(local_place: Place, out: Path) -> Execute:
    def run(
        engine: LocalEngine,
        code: str,
        limits: Limits = NO_LIMITS,
        on_event: Callable[[Any], None] = lambda _: None,
        **task: Any,
    ) -> Ending:
        words = {"argv": ("{python}", "-c", code), "env": {}, "cwd": "{out}", "timeout_s": 30.0, "torch": False}
        return engine.execute(local_place, Task(**{**words, "limits": limits, **task}), out, on_event)

    return run


def result(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "result.json").read_text()))


def groups() -> list[str]:
    hierarchy = read_hierarchy()
    folders = set(hierarchy.parents.values()) if hierarchy else set()
    return [str(path) for folder in folders for path in folder.glob("bench-*")]


def test_a_run_leaves_its_evidence_and_nothing_else(execute: Execute, engine: LocalEngine, out: Path) -> None:
    before = groups()
    ending = execute(engine, "import os; print(os.environ['HOME'], os.getcwd())")
    home, cwd = (out / "pytest.log").read_text().split()
    assert (ending.exit_code, ending.error, ending.interrupted, ending.oom_killed) == (0, None, False, None)
    assert result(out)["outcome"] == "passed"
    assert cwd == str(out)
    assert not Path(home).exists()
    assert groups() == before
    assert engine.orphans() == []


def test_a_group_of_our_own_measures_and_limits(execute: Execute, grouped: LocalEngine, out: Path) -> None:
    limits = Limits(cpus=0.5, cpuset="0", memory_bytes=128 * MIB, pids=40)
    execute(
        grouped,
        "import os, time\n"
        "end = time.monotonic() + 1\n"
        "while time.monotonic() < end: pass\n"
        "print(sorted(os.sched_getaffinity(0)))",
        limits,
    )
    found = result(out)
    assert found["cgroup_version"] in {1, 2}
    assert (out / "pytest.log").read_text() == "[0]\n"
    assert found["memory"]["limit_bytes"] == 128 * MIB
    assert found["memory"]["peak_bytes"] > MIB
    assert found["cpu"]["total_s"] < 0.7 * found["wall_s"]


def test_beyond_the_memory_limit_the_child_is_oom_killed(execute: Execute, grouped: LocalEngine, out: Path) -> None:
    execute(grouped, "x = bytearray(512 << 20)", Limits(memory_bytes=64 * MIB))
    found = result(out)
    assert (found["outcome"], found["signal"]) == ("oom_killed", signal.SIGKILL)


def test_a_fork_bomb_ends_at_the_limit(execute: Execute, grouped: LocalEngine, out: Path) -> None:
    code = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    execute(grouped, code, Limits(pids=24, cpus=1.0), timeout_s=1.5, grace_s=0.5)
    found = result(out)
    assert found["outcome"] == "timed_out"
    assert found["pids_peak"] <= 24


def test_without_a_group_there_is_process_accounting_and_reasons(execute: Execute, tmp_path: Path, out: Path) -> None:
    engine = LocalEngine(Ledger(tmp_path / "ledger"), Mode("none", "nobody may make one here"))
    execute(engine, "x = bytearray(64 << 20); print(sorted(__import__('os').sched_getaffinity(0)))", Limits(cpuset="0"))
    found = result(out)
    assert found["outcome"] == "passed"
    assert found["memory"]["max_rss_bytes"] > 64 * MIB
    assert found["memory"]["peak_bytes"] is None
    assert found["unavailable"]["memory.peak_bytes"]
    assert (out / "pytest.log").read_text() == "[0]\n"
    record = engine.describe(Limits(cpuset="0"))
    assert record.facts["group_reason"] == "nobody may make one here"
    assert record.facts["cpuset_by"] == "affinity"


@pytest.mark.parametrize("limits", [Limits(cpus=1.0), Limits(memory_bytes=64 * MIB)])
def test_a_limit_that_cannot_hold_is_refused(execute: Execute, tmp_path: Path, out: Path, limits: Limits) -> None:
    engine = LocalEngine(Ledger(tmp_path / "ledger"), Mode("none", "nobody may make one here"))
    with pytest.raises(NotMeasured, match=r"cannot apply --(cpus|memory): nobody may make one here"):
        execute(engine, "pass", limits)
    assert list(out.iterdir()) == []
    assert engine.orphans() == []


def test_a_cpu_that_is_not_there_is_refused(execute: Execute, tmp_path: Path) -> None:
    engine = LocalEngine(Ledger(tmp_path / "ledger"), Mode("none", "why"))
    with pytest.raises(UsageError, match="4000"):
        execute(engine, "pass", Limits(cpuset="4000"))


def test_a_project_is_copied(execute: Execute, engine: LocalEngine, tmp_path: Path, out: Path) -> None:
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "test_x.py").write_text("def test_y():\n    open('made', 'w')\n")
    ending = execute(
        engine,
        "",
        argv=("{python}", "-m", "pytest", "-p", "no:cacheprovider", "test_x.py"),
        cwd="{src}",
        tree=Tree(root, ("test_x.py",), ""),
    )
    assert ending.error is None
    assert [test["outcome"] for test in result(out)["tests"]] == ["passed"], (out / "pytest.log").read_text()
    assert sorted(path.name for path in root.iterdir()) == ["test_x.py"]


def test_a_supervisor_that_is_killed_takes_its_children_along(execute: Execute, engine: LocalEngine, out: Path) -> None:
    """Also those that left its session and its process group."""
    code = (
        "import os, subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "open('run', 'w').write(os.environ['BENCH_RUN_ID']); time.sleep(60)"
    )

    killed: list[int] = []

    def kill(event: dict[str, Any]) -> None:
        if event["event"] == "sample" and not killed and (out / "run").exists() and (out / "run").read_text():
            child = psutil.Process(strays((out / "run").read_text())[0].pid)
            supervisor = next(
                process for process in [child, *child.parents()] if "agent" in " ".join(process.cmdline())
            )
            supervisor.kill()
            killed.append(supervisor.pid)

    ending = execute(engine, code, on_event=kill, sample_hz=4.0)
    assert ending.exit_code == 137
    assert ending.error is not None
    assert strays((out / "run").read_text()) == []
    assert (out / "samples.csv").exists()


COMMAND = """
import json, sys
from pathlib import Path
from bench.engine.local.engine import LocalEngine
from bench.engine.local.ledger import Ledger
from bench.engine.protocol import Place, Task
from bench.record.schema import Limits
python, agent, ledger, out, code, grace = sys.argv[1:]
place = Place(python, agent, "/nowhere", "")
task = Task(("{python}", "-c", code), {}, "{out}", 60.0, Limits(), grace_s=float(grace), sample_hz=4.0, torch=False)
ending = LocalEngine(Ledger(Path(ledger))).execute(place, task, Path(out),
                                                   lambda event: print(json.dumps(event), flush=True))
print(json.dumps({"event": "ending", "interrupted": ending.interrupted, "exit_code": ending.exit_code}), flush=True)
"""


def start(place: Place, ledger: Path, out: Path, code: str, grace_s: float) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", COMMAND, place.python, place.agent, str(ledger), str(out), code, str(grace_s)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])},
        cwd=root,
    )


def until(process: subprocess.Popen[str], name: str) -> dict[str, Any]:
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == name:
            return dict(event)
    raise AssertionError(f"the command ended without '{name}'")


def test_ctrl_c_once_and_twice(local_place: Place, tmp_path: Path) -> None:
    polite = "import time; time.sleep(99)"
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)"
    for times, code, grace in ((1, polite, 10.0), (2, stubborn, 60.0)):
        out = tmp_path / f"out{times}"
        out.mkdir()
        with start(local_place, tmp_path / "ledger", out, code, grace) as process:
            until(process, "sample")
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            if times == 2:
                until(process, "stopping")
                process.send_signal(signal.SIGINT)
            assert until(process, "ending") == {"event": "ending", "interrupted": True, "exit_code": 0}
            assert time.monotonic() - began < 25
        assert result(out)["outcome"] == "interrupted"


def test_a_killed_commands_run_is_finished_by_the_next_one(local_place: Place, tmp_path: Path, out: Path) -> None:
    before = groups()
    engine = LocalEngine(Ledger(tmp_path / "ledger"))
    with start(local_place, tmp_path / "ledger", out, "import time; time.sleep(99)", 5.0) as process:
        until(process, "sample")
        assert engine.orphans() == []  # its command lives
        process.kill()
        process.wait()
        (orphan,) = engine.orphans()
        assert orphan.running
        assert orphan.evidence
        saved = tmp_path / "saved"
        saved.mkdir()
        ending = engine.recover(orphan, saved)
        assert engine.discard(orphan)
    assert ending.interrupted
    assert result(saved)["outcome"] == "interrupted"
    assert (saved / "samples.csv").exists()
    assert engine.orphans() == []
    assert strays(orphan.run_id) == []
    assert groups() == before


def test_a_sweep_removes_what_a_killed_command_left(local_place: Place, tmp_path: Path, out: Path) -> None:
    engine = LocalEngine(Ledger(tmp_path / "ledger"))
    with start(local_place, tmp_path / "ledger", out, "import time; time.sleep(99)", 5.0) as process:
        until(process, "sample")
        process.kill()
        process.wait()
        (orphan,) = engine.orphans()
        said: list[str] = []
        engine.sweep(said.append)
    assert orphan.run_id in said[0]
    assert engine.orphans() == []
    assert strays(orphan.run_id) == []


def test_the_second_environment_is_there_at_once(local_place: Place) -> None:
    said: list[str] = []
    assert LocalEngine().prepare(Need("small"), said.append).handle == local_place.handle
    assert not any("installing" in line for line in said)
