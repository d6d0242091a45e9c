"""The facts of the place, and small commands run aside."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.agent.facts import (
    parse_allocators,
    parse_answer,
    parse_root_read_only,
    parse_status,
    read_allocators,
    read_quick_facts,
    write_facts,
)
from bench.agent.side import run_aside
from bench.agent.signals import Signals
from bench.agent.spawn import Command
from bench.agent.spec import parse_spec

from .conftest import make_spec

MAPS = """\
55d0a0000000-55d0a0001000 r--p 00000000 fe:00 1201 /opt/venv/bin/python3.13
7f00a0000000-7f00a0001000 r-xp 00000000 fe:00 1300 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
7f00a0001000-7f00a0002000 rw-p 00001000 fe:00 1300 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
7f00b0000000-7f00b0001000 r-xp 00000000 fe:00 1301 /usr/lib/x86_64-linux-gnu/libc.so.6
7f00c0000000-7f00c0001000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00001000 rw-p 00000000 00:00 0 [stack]
"""


@pytest.fixture
def signals():
    found = Signals()
    yield found
    found.close()


def test_allocators() -> None:
    assert parse_allocators(MAPS) == {
        "allocators": ["/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"],
        "libc": ["/usr/lib/x86_64-linux-gnu/libc.so.6"],
    }
    own = read_allocators(os.getpid())
    assert own is not None
    assert own["libc"]
    assert read_allocators(2**22 + 1) is None


def test_rights() -> None:
    status = parse_status("Name:\tpython\nSeccomp:\t2\nCapEff:\t0000000000000000\nUid:\t1 1 1 1\n")
    assert status == {"Seccomp": "2", "CapEff": "0000000000000000", "Uid": "1 1 1 1"}


def test_root_read_only() -> None:
    line = "1 0 0:1 / / {},relatime - overlay overlay rw,lowerdir=x\n"
    assert parse_root_read_only(line.format("ro")) is True
    assert parse_root_read_only(line.format("rw")) is False
    assert parse_root_read_only(line.format("rw") + line.format("ro")) is True  # the later mount covers the earlier
    assert parse_root_read_only("") is None


def test_quick_facts() -> None:
    facts = read_quick_facts()
    assert facts["uid"] == os.getuid()
    assert facts["kernel"]["release"] == os.uname().release
    assert "CapEff" in facts["security"]


def test_slow_facts_come_from_the_childs_interpreter(out: Path, signals: Signals) -> None:
    spec = parse_spec(make_spec(out, [sys.executable, "-c", "pass"], ask={}))
    write_facts(spec, {"uid": 1}, None, signals)
    facts = json.loads((out / "facts.json").read_text())
    assert facts["uid"] == 1
    assert facts["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["python"]["packages"]["pytest"]
    assert facts["unavailable"] == {}


def test_an_interpreter_that_does_not_answer(out: Path, signals: Signals, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho nonsense\nexit $CODE\n")
    fake.chmod(0o755)
    for code, words in (("3", "exit code 3"), ("0", "not JSON")):
        spec = parse_spec(make_spec(out, [str(fake)], ask={"CODE": code}, torch=True))
        write_facts(spec, {}, None, signals)
        facts = json.loads((out / "facts.json").read_text())
        assert facts["python"] is None
        assert words in facts["unavailable"]["python"]
    assert "nonsense" in (out / "torch_env.txt").read_text()


COLLECT_ENV = """
import importlib.util
COMMON_PATTERNS, NVIDIA_PATTERNS = ["pytest"], ["nvidia"]
PIP_PATTERNS = []
def get_pip_packages(run_lambda, patterns=None):
    return None.splitlines()
def main():
    version, packages = get_pip_packages(None)
    print("\\n".join(f"[{version}] {line}" for line in packages.splitlines()))
"""


def test_torchs_description_needs_no_pip(out: Path, signals: Signals, tmp_path: Path) -> None:
    """torch's collect_env falls over where pip is missing, as it is in our images."""
    for name in ("torch", "torch/utils"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "torch/utils/collect_env.py").write_text(COLLECT_ENV)
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pip'] = None\n")
    spec = parse_spec(make_spec(out, [sys.executable], ask={"PYTHONPATH": str(tmp_path)}, torch=True))
    write_facts(spec, {}, None, signals)
    text = (out / "torch_env.txt").read_text()
    assert "[pip3] pytest==" in text
    assert "Traceback" not in text


def test_a_place_that_is_known_is_asked_nothing(out: Path, signals: Signals, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    fake.chmod(0o755)
    write_facts(parse_spec(make_spec(out, [str(fake)], torch=True)), {"uid": 1}, None, signals)
    facts = json.loads((out / "facts.json").read_text())
    assert (facts["uid"], facts["python"]) == (1, None)
    assert "an earlier run" in facts["unavailable"]["python"]
    assert not (tmp_path / "asked").exists()
    assert not (out / "torch_env.txt").exists()


def test_what_the_test_left_in_its_folders_answers_nothing(out: Path, signals: Signals, tmp_path: Path) -> None:
    """The answers are kept for other runs: neither the folder of the tests nor their variables may make them."""
    (tmp_path / "re.py").write_text("raise SystemExit(7)\n")
    wrong = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "re.py")}
    spec = parse_spec(make_spec(out, [sys.executable], env=wrong, cwd=str(tmp_path), ask={"PYTHONSAFEPATH": "1"}))
    write_facts(spec, {}, None, signals)
    assert json.loads((out / "facts.json").read_text())["unavailable"] == {}


def test_skipped(out: Path, signals: Signals) -> None:
    spec = parse_spec(make_spec(out, ["true"], ask={}, torch=True))
    write_facts(spec, {}, "interrupted", signals)
    unavailable = json.loads((out / "facts.json").read_text())["unavailable"]
    assert unavailable == {"python": "interrupted", "torch_env": "interrupted"}
    assert "interrupted" in (out / "torch_env.txt").read_text()


def test_aside(tmp_path: Path, signals: Signals) -> None:
    env, path = {"PATH": os.environ["PATH"]}, str(tmp_path / "o")

    def aside(*argv: str, limit_s: float = 20.0) -> str | None:
        return run_aside(Command(argv, env, "/", -1), path, limit_s, signals)

    assert aside("sh", "-c", "echo out; echo err >&2") is None
    assert (tmp_path / "o").read_text() == "out\nerr\n"
    assert aside("false") == "exit code 1"
    assert "No such file" in str(aside("no-such-program"))
    assert "not done within" in str(aside("sleep", "30", limit_s=0.1))
    assert "No such file" in str(run_aside(Command(("true",), env, "/", -1), "/no/such/o", 1.0, signals))
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
    start = time.monotonic()
    assert aside("sleep", "30") == "asked to stop"
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    "answer", ["", "no JSON", "[1]", '{"a": 1e999}', "[" * 100_000, '{"a": ' + "[" * 90 + "]" * 90 + "}"]
)
def test_an_answer_that_nobody_could_read(answer: str) -> None:
    assert parse_answer(answer) is None


def test_the_answer_is_the_last_line_and_valid_text() -> None:
    assert parse_answer('said before\n{"packages": {"odd\\udc80": "1"}}\n') == {"packages": {"odd\\udc80": "1"}}
