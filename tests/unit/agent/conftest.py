"""Helpers of the supervisor's tests: running it in this process and as a program of its own, and control groups made by hand."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import bench.agent
from bench.agent.spec import parse_spec
from bench.agent.supervisor import run
from tests.support.inner_pytest import INNER_PYTEST, bytecode, started_at_once

AGENT = Path(bench.agent.__file__).parent
FIXTURES = Path(__file__).parent / "fixtures"
V1_ROOT = Path("/sys/fs/cgroup")
V1_CONTROLLERS = ("cpu", "cpuacct", "memory", "pids", "blkio")


@dataclass
class Done:
    """What a run left."""

    code: int
    out: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    stderr: str = ""

    @property
    def result(self) -> dict[str, Any]:
        return json.loads((self.out / "result.json").read_text())

    @property
    def log(self) -> bytes:
        return (self.out / "pytest.log").read_bytes()

    def ends_as(self) -> str | None:
        """The outcome; ``None`` if the run left none that can be read."""
        try:
            outcome = self.result["outcome"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return str(outcome)

    def kinds(self) -> list[str]:
        return [event["event"] for event in self.events]


def make_spec(out: Path, argv: list[str], **changes: Any) -> str:
    spec = {
        "argv": argv,
        # A temporary folder of its own: pytest ends with removing what earlier sessions of the user left in the shared one.
        "env": {"PATH": os.environ["PATH"], **bytecode(), "TMPDIR": str(out.parent)},
        "cwd": str(out.parent),
        "out": str(out),
        "timeout_s": 30,
        "grace_s": 2,
    }
    return json.dumps(spec | changes)


def command(spec: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-B", str(AGENT / "__main__.py"), spec]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def supervise(out: Path) -> Callable[..., Done]:
    """Run the supervisor within this process (so that coverage sees it) and return what it left."""

    def once(argv: tuple[str, ...], changes: dict[str, Any], starting: AbstractContextManager[None]) -> Done:
        read_end, write_end = os.pipe()
        try:
            with starting:
                code = run(parse_spec(make_spec(out, list(argv), **changes)), write_end)
        finally:
            os.close(write_end)
            with os.fdopen(read_end, "rb") as file:
                events = [json.loads(line) for line in file.read().splitlines()]
        return Done(code, out, events)

    def go(*argv: str, **changes: Any) -> Done:
        done = once(argv, changes, started_at_once())
        if argv[:3] != INNER_PYTEST[:3] or "timeout_s" in changes or done.ends_as() != "timed_out":
            return done
        # A fork of a process with threads can hang, which happened once in some ten thousand. If the code under test
        # hangs, it does so again in an interpreter of its own.
        print(done.log.decode("utf-8", "replace"))
        shutil.rmtree(out)
        out.mkdir()
        return once(argv, changes, nullcontext())

    return go


@pytest.fixture
def program(out: Path) -> Callable[..., Done]:
    """Run the supervisor as the program that an engine starts."""

    def go(*argv: str, **changes: Any) -> Done:
        done = subprocess.run(
            command(make_spec(out, list(argv), **changes)), capture_output=True, timeout=60, check=False
        )
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return Done(done.returncode, out, events, done.stderr.decode())

    return go


@pytest.fixture
def v1_group() -> Iterator[dict[str, str]]:
    """Fresh version 1 groups, one a controller; skips where there are none or they may not be made."""
    paths: dict[str, str] = {}
    try:
        for controller in V1_CONTROLLERS:
            folder = V1_ROOT / controller / f"bench-unit-{os.getpid()}"
            folder.mkdir()
            paths[controller] = str(folder)
    except OSError as error:
        for path in paths.values():
            Path(path).rmdir()
        pytest.skip(f"no version 1 control groups can be made here: {error}")
    yield paths
    for path in paths.values():
        for word in (Path(path) / "cgroup.procs").read_text().split():
            os.kill(int(word), signal.SIGKILL)
        Path(path).rmdir()


@pytest.fixture
def python() -> str:
    return sys.executable


def load(name: str, *options: str) -> tuple[str, ...]:
    """The command of a check weight."""
    return (sys.executable, "-I", "-S", "-B", str(AGENT / "loads"), name, *options)
