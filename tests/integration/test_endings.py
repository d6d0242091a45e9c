"""Every way in which a run can end, with the real engine: the right outcome, the evidence kept, nothing left behind."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from bench.engine.docker.client import Endpoint
from bench.engine.docker.engine import DockerEngine
from bench.engine.images.facts import ImageFacts
from bench.engine.labels import current_owner, owner_labels
from bench.engine.protocol import Ending, Place, Task
from bench.record.schema import Limits
from tests.integration.private_daemon import PrivateDaemon
from tests.integration.private_engine import client_of

pytestmark = pytest.mark.integration
NO_LIMITS = Limits()
MIB = 1 << 20


Execute = Callable[..., Ending]


@pytest.fixture
def execute(engine: DockerEngine, place: Place, out: Path) -> Iterator[Execute]:
    def run(
        code: str, limits: Limits = NO_LIMITS, on_event: Callable[[Any], None] = lambda _: None, **task: Any
    ) -> Ending:
        words = {"argv": ("{python}", "-c", code), "env": {}, "cwd": "{out}", "timeout_s": 30.0, "torch": False}
        labels = {"test.out": str(out)}
        return engine.execute(place, Task(**{**words, "labels": labels, "limits": limits, **task}), out, on_event)

    yield run
    assert left(engine._client, out) == []


def left(client: docker.DockerClient, out: Path) -> list[str]:
    label = {"label": f"test.out={out}"}
    return [
        *(str(item.name) for item in client.containers.list(all=True, filters=label)),
        *(str(item.name) for item in client.volumes.list(filters=label)),
    ]


def result(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "result.json").read_text()))


def test_a_failing_test_is_a_failed_run_with_its_signature(execute: Execute, out: Path) -> None:
    ending = execute(
        "open('test_x.py', 'w').write('def test_y():\\n    assert 1 == 2, \"no\"\\n')\n"
        "import pytest, sys; sys.exit(pytest.main(['-p', 'no:cacheprovider', 'test_x.py']))",
    )
    assert (ending.exit_code, ending.error) == (0, None)
    found = result(out)
    assert (found["outcome"], found["exit_code"]) == ("failed", 1)
    assert "assert 1 == 2" in (out / "pytest.log").read_text()


def test_a_hang_that_ignores_term_is_timed_out_and_killed(execute: Execute, out: Path) -> None:
    began = time.monotonic()
    ending = execute(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('hangs', flush=True); time.sleep(99)",
        timeout_s=1.0,
        grace_s=0.5,
    )
    found = result(out)
    assert (found["outcome"], found["signal"]) == ("timed_out", signal.SIGKILL)
    assert found["effective_timeout_s"] == 1.0
    assert (ending.exit_code, ending.error) == (0, None)
    assert "hangs" in (out / "pytest.log").read_text()
    assert time.monotonic() - began < 20


def test_a_fork_bomb_ends_at_the_limit_and_the_result_is_written(execute: Execute, out: Path) -> None:
    execute(
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        limits=Limits(pids=24, cpus=1.0),
        timeout_s=2.0,
        grace_s=0.5,
    )
    found = result(out)
    assert found["outcome"] == "timed_out"
    assert 20 <= found["pids_peak"] <= 24
    assert "pids_limit" in {warning["code"] for warning in found["warnings"]}


def test_a_child_beyond_the_memory_limit_is_oom_killed(execute: Execute, out: Path) -> None:
    ending = execute("x = bytearray(512 << 20); print('survived')", limits=Limits(memory_bytes=64 * MIB))
    found = result(out)
    assert (found["outcome"], found["signal"]) == ("oom_killed", signal.SIGKILL)
    assert found["memory"]["oom_kills"] >= 1
    assert ending.exit_code == 0


def test_a_kill_by_hand_is_not_taken_for_the_memory_killers(execute: Execute, out: Path) -> None:
    ending = execute("import os; os.kill(os.getpid(), 9)", limits=Limits(memory_bytes=64 * MIB))
    found = result(out)
    assert (found["outcome"], found["signal"]) == ("failed", signal.SIGKILL)
    assert ending.oom_killed is False


def test_a_supervisor_that_the_memory_killer_takes_is_told_by_the_engine(execute: Execute, out: Path) -> None:
    ending = execute("pass", limits=Limits(memory_bytes=7 * MIB))
    assert (ending.exit_code, ending.oom_killed) == (137, True)
    assert not ending.interrupted


def test_a_supervisor_that_somebody_kills_leaves_its_samples(
    execute: Execute, out: Path, docker_client: docker.DockerClient
) -> None:
    def kill(event: Mapping[str, Any]) -> None:
        if event["event"] == "sample":
            for container in docker_client.containers.list(filters={"label": f"test.out={out}"}):  # none: it is done
                container.kill()

    ending = execute("import time; time.sleep(60)", on_event=kill, sample_hz=4.0)
    assert (ending.exit_code, ending.oom_killed) == (137, False)
    assert ending.error is not None
    assert "killed by somebody else" in ending.error
    assert result(out)["state"] == "running"
    assert len((out / "samples.csv").read_text().splitlines()) >= 2


def test_a_flood_of_output_is_bounded_and_marked_where_it_was_cut(execute: Execute, out: Path) -> None:
    execute(
        "import os, time\n"
        "block = b'x' * 65535 + b'\\n'\n"
        "os.write(1, b'the head\\n')\n"
        "for _ in range(16 * 300): os.write(1, block)\n"
        "os.write(1, b'the tail\\n')\n",
    )
    log = (out / "pytest.log").read_bytes()
    found = result(out)
    assert found["outcome"] == "passed"
    assert len(log) < 17 * MIB
    assert log.startswith(b"the head\n")
    assert log.endswith(b"the tail\n")
    assert b"bytes cut" in log
    assert found["log_cut_bytes"] > 280 * MIB
    assert found["log_bytes"] > 299 * MIB


def test_output_that_is_not_utf8_is_kept_as_it_is(execute: Execute, out: Path) -> None:
    execute("import os; os.write(1, bytes(range(256)))")
    assert (out / "pytest.log").read_bytes() == bytes(range(256))
    assert result(out)["outcome"] == "passed"


COMMAND = """
import json, sys
from pathlib import Path
from bench.engine.docker.engine import DockerEngine
from bench.engine.docker.client import connect
from bench.engine.protocol import Place, Task
from bench.record.schema import Limits
handle, out, code, grace = sys.argv[1:]
engine = DockerEngine(*connect(None))
place = Place("/opt/bench/venv/bin/python", "/opt/bench/agent", "/opt/bench/diagnostics", handle)
task = Task(("{python}", "-c", code), {}, "{out}", 60.0, Limits(), grace_s=float(grace), sample_hz=4.0, torch=False,
            labels={"test.out": out})
ending = engine.execute(place, task, Path(out), lambda event: print(json.dumps(event), flush=True))
print(json.dumps({"event": "ending", "interrupted": ending.interrupted, "exit_code": ending.exit_code,
                  "error": ending.error}), flush=True)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)"
POLITE = "import time; time.sleep(99)"


class Command:
    """A bench of its own, in its own process, as a user's terminal has it."""

    def __init__(self, place: Place, out: Path, code: str, grace_s: float) -> None:
        argv = [sys.executable, "-c", COMMAND, place.handle, str(out), code, str(grace_s)]
        root = Path(__file__).parents[2]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env, cwd=root)

    def until(self, name: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == name:
                return dict(event)
        raise AssertionError(f"the command ended without '{name}'")


@pytest.fixture
def command(place: Place, out: Path, docker_client: docker.DockerClient) -> Iterator[Callable[..., Command]]:
    made: list[Command] = []

    def start(code: str, grace_s: float) -> Command:
        made.append(Command(place, out, code, grace_s))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.wait()
        if one.process.stdout:
            one.process.stdout.close()
    assert left(docker_client, out) == []


def test_ctrl_c_once_stops_in_order_and_keeps_the_evidence(command: Callable[..., Command], out: Path) -> None:
    one = command(POLITE, 10.0)
    one.until("sample")
    one.process.send_signal(signal.SIGINT)
    assert one.until("ending") == {"event": "ending", "interrupted": True, "exit_code": 0, "error": None}
    assert one.process.wait(20) == 0
    assert result(out)["outcome"] == "interrupted"
    assert (out / "samples.csv").exists()


def test_ctrl_c_twice_does_not_wait_for_the_grace(command: Callable[..., Command], out: Path) -> None:
    one = command(STUBBORN, 50.0)
    one.until("sample")
    began = time.monotonic()
    one.process.send_signal(signal.SIGINT)
    one.until("stopping")
    one.process.send_signal(signal.SIGINT)
    ending = one.until("ending")
    assert ending["interrupted"] is True
    assert time.monotonic() - began < 25
    assert one.process.wait(20) == 0
    assert result(out)["outcome"] == "interrupted"


def test_a_killed_commands_run_is_finished_by_the_next_one(
    command: Callable[..., Command], out: Path, engine: DockerEngine, tmp_path: Path
) -> None:
    one = command(POLITE, 10.0)
    one.until("sample")
    assert [orphan for orphan in engine.orphans() if orphan.labels.get("test.out") == str(out)] == []
    one.process.kill()
    one.process.wait()
    (orphan,) = (orphan for orphan in engine.orphans() if orphan.labels.get("test.out") == str(out))
    assert orphan.running
    assert orphan.evidence
    saved = tmp_path / "saved"
    saved.mkdir()
    ending = engine.recover(orphan, saved)
    assert (ending.interrupted, ending.exit_code) == (True, 0)
    assert ending.error is not None
    assert "killed" in ending.error
    assert result(saved)["outcome"] == "interrupted"
    assert len((saved / "samples.csv").read_text().splitlines()) >= 2
    assert engine.discard(orphan)
    assert left(engine._client, out) == []


def test_a_sweep_takes_what_is_ours_and_nothing_else(
    engine: DockerEngine, place: Place, docker_client: docker.DockerClient, out: Path
) -> None:
    """Of four volumes: a dead process's, a living one's, another host's, and one that is not ours at all."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = current_owner()
    ours = {"test.out": str(out)}
    owners = {
        "dead": owner_labels(type(here)(here.host, here.boot, here.pidns, gone.pid, "1"), "dead"),
        "alive": owner_labels(here, "alive"),
        "elsewhere": owner_labels(type(here)("another", here.boot, here.pidns, gone.pid, "1"), "elsewhere"),
        "foreign": {},
    }
    volumes = {name: docker_client.volumes.create(labels={**labels, **ours}) for name, labels in owners.items()}
    container = docker_client.containers.create(place.handle, labels={**owners["dead"], **ours})
    said: list[str] = []
    try:
        engine.sweep(said.append)
        kept = {volume.name for volume in docker_client.volumes.list(filters={"label": f"test.out={out}"})}
        assert kept == {volumes[name].name for name in ("alive", "elsewhere", "foreign")}
        assert container.id not in {item.id for item in docker_client.containers.list(all=True)}
        assert any("run dead" in line for line in said)
    finally:
        for name in ("alive", "elsewhere", "foreign"):
            volumes[name].remove()


def test_a_daemon_that_goes_and_comes_back_costs_the_run_and_not_the_evidence(
    private_daemon: PrivateDaemon, place: Place, small_image: ImageFacts, out: Path
) -> None:
    def restart() -> None:
        private_daemon.stop(signal.SIGTERM)
        private_daemon.start()

    restarts: list[threading.Thread] = []

    def on_event(event: Mapping[str, Any]) -> None:
        if event["event"] == "sample" and not restarts:
            restarts.append(threading.Thread(target=restart))
            restarts[0].start()

    client = client_of(private_daemon.url, 30)
    engine = DockerEngine(client, Endpoint(private_daemon.url, "test"))
    where = replace(place, handle=private_daemon.image_id(small_image.name))
    limits = Limits(pids=64)
    task = Task(("{python}", "-c", POLITE), {}, "{out}", 60.0, limits, sample_hz=4.0, torch=False)
    ending = engine.execute(where, task, out, on_event)
    restarts[0].join()
    assert ending.error is not None
    assert "engine" in ending.error
    assert not ending.interrupted
    assert result(out)["outcome"] == "interrupted"
    assert len((out / "samples.csv").read_text().splitlines()) >= 2
    assert client.containers.list(all=True) == []
    assert client.volumes.list() == []
    client.close()
    del engine, client
    gc.collect()
