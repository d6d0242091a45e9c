"""`bench run` of small tests that end badly, each in a folder of its own, and what a run may not leave behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from bench.record.storage.bundle import Bundle, read_bundle
from bench.record.storage.verify import verify_bundle
from tests.integration.command import ROOT

PATIENCE = float(os.environ.get("BENCH_PATIENCE", "1"))
"""By how much a wait may take longer here than on a machine of one's own: an emulated one is slow."""

TESTS = {
    "passes": "pass",
    "fails": 'assert 1 == 2, "two is not one"',
    "waits": "import time; time.sleep(99)",
    "lasts": "import pathlib, time; time.sleep(float(pathlib.Path(__file__).with_name('pause').read_text()))",
    "ignores": "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)",
    "forks": "import os\n    while True:\n        try: os.fork()\n        except OSError: pass",
    "eats": "x = bytearray(512 << 20)",
    "floods": (
        "import os, time\n"
        "    block, began = b'x' * 65535 + b'\\n', time.monotonic()\n"
        "    with capfd.disabled():\n"
        "        os.write(1, b'the head\\n')\n"
        "        for tenth in range(100):\n"  # 10 MiB each tenth of a second
        "            for _ in range(160): os.write(1, block)\n"
        "            time.sleep(max(0, began + tenth / 10 - time.monotonic()))\n"
        "        os.write(1, b'the tail\\n')"
    ),
    "babbles": "import os\n    with capfd.disabled(): os.write(1, bytes(range(256)))",
}


def make_project(folder: Path) -> Path:
    """A project whose diagnostics are the tests above."""
    folder.mkdir()
    toml = []
    for name, body in TESTS.items():
        (folder / f"test_{name}.py").write_text(f"def test_{name}(capfd):\n    {body}\n")
        toml.append(
            f'[diagnostic.{name}]\nnode = "test_{name}.py"\ndevices = ["cpu"]\nimage = "small"\ntimeout_s = 100\n'
        )
    (folder / "bench.toml").write_text("\n".join(toml))
    pause(folder, 0)
    return folder


def pause(project: Path, seconds: float) -> None:
    """How long the test `lasts` takes in containers that are filled from now on."""
    (project / "pause").write_text(str(seconds))


class Started:
    """A `bench run` under way, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder

    @property
    def labels(self) -> dict[str, Any]:
        """The filter that shows in an engine what this command made, and nothing of anybody else's."""
        return {"label": f"bench.owner.pid={self.process.pid}"}

    def until(self, client: docker.DockerClient, word: str, index: int = 0, patience_s: float = 60) -> None:
        """Wait until the supervisor of a run has said something."""
        until = time.monotonic() + patience_s * PATIENCE
        label = [self.labels["label"], f"bench.index={index}"]
        while time.monotonic() < until:
            for one in client.containers.list(filters={"label": label, "status": "running"}):
                if f'"{word}"' in one.logs().decode():
                    return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.1)
        raise AssertionError(f"no '{word}' in {patience_s} s")

    def end(self, timeout: float = 120) -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=timeout * PATIENCE)
        ended = Ended(self.process.returncode, out or "", err or "", self.folder)
        assert "Traceback" not in ended.err, ended.err
        return ended

    def left(self, client: docker.DockerClient) -> list[str]:
        """What of it is still in an engine."""
        return [
            *(str(one.name) for one in client.containers.list(all=True, filters=self.labels)),
            *(str(one.name) for one in client.volumes.list(filters=self.labels)),
        ]


@dataclass(frozen=True)
class Ended:
    """A `bench run` that has ended."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def why(self) -> str:
        """What it said, and how each run ended: for the message of an assertion that fails."""
        runs = json.loads(self.out)["record"]["runs"] if self.out else []
        said = "".join(f"\nrun {run['index']}: {run['outcome']}: {run.get('signature')}" for run in runs)
        return f"exit code {self.code}{said}\n{self.err}"

    def bundle(self) -> Bundle:
        """Its bundle, which holds what its manifest says and has the failure's signature first."""
        found = read_bundle(self.folder / json.loads(self.out)["path"])
        assert not verify_bundle(found.path)
        for run in found.record.runs:
            if run.outcome != "passed":
                assert run.signature
                head = (found.read_text("summary.md") or "").split("##")[0]
                assert run.signature.splitlines()[0][:60] in head
        return found


@dataclass(frozen=True)
class Runs:
    """Starts commands in a folder of their own, with everything that they may leave behind inside of it."""

    folder: Path
    client: docker.DockerClient

    def start(
        self,
        name: str,
        *words: object,
        results: object = "results",
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
    ) -> Started:
        """Start `bench run NAME_cpu` with the Docker engine."""
        for part in ("tmp", "state", "lock"):
            (self.folder / part).mkdir(exist_ok=True)
        env = {
            **{name: value for name, value in os.environ.items() if name != "BENCH_ENGINE"},
            "PYTHONPATH": str(ROOT),
            "BENCH_LOCK_FOLDER": str(self.folder / "lock"),
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        more = ("--engine", "docker", "--no-calibration", "--json", "--results", str(results))
        argv = [sys.executable, "-m", "bench", "run", f"{name}_cpu", "--project", str(self.folder / "project"), *more]
        process = subprocess.Popen(
            [*argv, *(str(word) for word in words)],
            cwd=self.folder,
            env=env,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
        return Started(process, self.folder)

    def __call__(self, name: str, *words: object) -> Ended:
        """Run to the end and see that nothing is left."""
        started = self.start(name, *words)
        ended = started.end()
        assert started.left(self.client) == []
        self.nothing_left()
        return ended

    def nothing_left(self) -> None:
        """No temporary folder, and no evidence that waits to be finished."""
        assert list((self.folder / "tmp").iterdir()) == []
        assert list(self.folder.glob("state/bench/*/*")) == []


@contextmanager
def cleaned(started: Started) -> Iterator[Started]:
    """End a command that a failing test leaves."""
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()
        for stream in (started.process.stdout, started.process.stderr):
            if stream is not None:
                stream.close()
