"""Whole runs of the supervisor with real children, by process accounting (no group of their own is needed)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.agent import run as run_module
from bench.agent.__main__ import load as load_main
from bench.agent.process_tree import alive
from bench.agent.spawn import Command
from bench.agent.spec import SpecError
from bench.agent.supervisor import main

from .conftest import AGENT, Done, command, load, make_spec

HANG = (
    "import signal,time\nfor s in (15, 2): signal.signal(s, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)"
)


def wait_for(path: Path, text: bytes, limit_s: float = 15.0) -> None:
    limit = time.monotonic() + limit_s
    while time.monotonic() < limit:
        if path.is_file() and text in path.read_bytes():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} never held {text!r}")


def test_a_command_that_ends_well(supervise) -> None:
    done: Done = supervise(sys.executable, "-S", "-c", "print('hello')")
    result = done.result
    assert done.code == 0
    assert (result["state"], result["outcome"], result["exit_code"], result["signal"]) == ("ended", "passed", 0, None)
    assert result["signature"] is None
    assert 0 < result["wall_s"] < 20
    assert result["started_at"].endswith("+00:00")
    assert result["rusage"]["processes"] >= 1
    assert result["context_switches"]["voluntary"] is not None
    assert done.log == b"hello\n"
    assert done.kinds()[0] == "started"
    assert done.kinds()[-1] == "ended"
    assert sorted(path.name for path in done.out.iterdir()) == [
        "facts.json",
        "pytest.log",
        "result.json",
        "samples.csv",
    ]


def test_a_command_that_fails(supervise) -> None:
    done = supervise(sys.executable, "-S", "-c", "import sys; sys.exit('bad luck')")
    assert (done.code, done.result["outcome"], done.result["exit_code"]) == (0, "failed", 1)
    assert done.result["signature"] == "exit code 1: bad luck"


def test_a_command_that_is_not_there(supervise) -> None:
    done = supervise("no-such-program")
    assert done.result["outcome"] == "not_measured"
    assert done.result["wall_s"] is None
    assert "No such file" in done.result["signature"]
    assert "started" not in done.kinds()


def test_a_folder_that_is_not_there(supervise) -> None:
    done = supervise("true", cwd="/no/such/folder")
    assert "change to /no/such/folder: No such file" in done.result["signature"]


def test_environment_and_folder_are_the_childs(supervise, out: Path) -> None:
    code = "import os; print(sorted(os.environ), os.getcwd(), os.getsid(0) == os.getpid(), os.read(0, 1))"
    done = supervise(sys.executable, "-S", "-c", code, env={"A": "b", "LC_ALL": "C.UTF-8"}, cwd=str(out))
    assert done.log.decode().strip() == f"['A', 'LC_ALL'] {out} True b''"


@pytest.mark.timed
def test_deadline_with_a_child_that_complies(supervise) -> None:
    done = supervise(sys.executable, "-S", "-c", "import time; time.sleep(60)", timeout_s=0.4, grace_s=20)
    assert done.result["outcome"] == "timed_out"
    assert done.result["signal"] == signal.SIGTERM
    assert 0.4 <= done.result["wall_s"] < 5
    assert done.result["effective_timeout_s"] == 0.4
    assert {"event": "stopping", "reason": "timeout"} in done.events


@pytest.mark.timed
def test_deadline_with_a_child_that_does_not(supervise) -> None:
    done = supervise(sys.executable, "-S", "-c", HANG, timeout_s=0.6, grace_s=0.3)
    assert done.result["outcome"] == "timed_out"
    assert done.result["signal"] == signal.SIGKILL
    assert 0.9 <= done.result["wall_s"] < 6
    assert done.log == b"deaf\n"


def test_killed_by_somebody_without_a_counter_is_not_called_memory(supervise) -> None:
    done = supervise(sys.executable, "-S", "-c", "import os; os.kill(os.getpid(), 9)")
    assert done.result["outcome"] == "failed"
    assert done.result["signal"] == 9
    assert "SIGKILL" in done.result["signature"]


@pytest.mark.timed
def test_double_fork_is_counted_and_waited_for(supervise) -> None:
    done = supervise(*load("orphan", "seconds=0.4"))
    truth = json.loads(done.log)
    assert done.result["cpu"]["total_s"] == pytest.approx(truth["cpu_total_s"], abs=0.05)
    assert done.result["warnings"] == []
    assert done.result["rusage"]["processes"] == 2


def test_what_outlives_the_command_is_killed_and_named(supervise) -> None:
    done = supervise(*load("left"))
    assert done.result["outcome"] == "passed"
    assert done.result["wall_s"] < 20
    codes = {warning["code"]: warning for warning in done.result["warnings"]}
    assert codes["leftover_processes"]["value"] == 1
    assert subprocess.run(["pgrep", "-f", f"{AGENT}/loads left"], capture_output=True, check=False).returncode == 1


def test_sampling_off(supervise) -> None:
    done = supervise(sys.executable, "-S", "-c", "pass", sample_hz=0)
    assert "sample" not in done.kinds()
    assert done.result["samples"]["samples"] == 0
    assert done.result["memory"]["anon_peak_bytes"] is None
    assert "sampling was off" in done.result["unavailable"]["memory.anon_peak_bytes"]
    assert done.result["pids_peak"] is not None or "pids_peak" in done.result["unavailable"]


@pytest.mark.timed
def test_output_that_is_not_utf8_and_too_much(supervise) -> None:
    done = supervise(*load("flood", "seconds=0.7", "mib_per_s=100"), log_limit_bytes=1 << 20)
    result = done.result
    written = json.loads(done.log.splitlines()[-1])["log_bytes"]
    assert result["log_bytes"] >= written > 4 << 20
    assert result["log_cut_bytes"] == result["log_bytes"] - (1 << 20)
    marker = f"[… {result['log_cut_bytes']} bytes cut …]".encode()
    assert done.log.count(marker) == 1
    assert b"\xff\xfe\x80" in done.log
    assert len(done.log) < (1 << 20) + 100
    assert "log_cut" in [warning["code"] for warning in result["warnings"]]
    assert "passed" in result["outcome"]


def test_memory_is_sampled_without_a_group(supervise) -> None:
    done = supervise(*load("memory", "mib=64", "hold=0.6"))
    result = done.result
    if result["cgroup_version"] is not None:
        pytest.skip("this process has a group of its own")
    truth = json.loads(done.log)
    assert result["memory"]["anon_peak_bytes"] == pytest.approx(truth["anon_bytes"], rel=0.05)
    assert result["memory"]["max_rss_bytes"] >= truth["anon_bytes"]
    assert result["memory"]["peak_bytes"] is None
    assert "own" in result["unavailable"]["memory.peak_bytes"]


def test_context_switches_and_faults(supervise) -> None:
    done = supervise(*load("switches"))
    truth = json.loads(done.log)
    assert done.result["context_switches"]["voluntary"] == pytest.approx(truth["voluntary"], rel=0.02)
    done = supervise(*load("faults"))
    truth = json.loads(done.log)
    assert done.result["faults"]["minor"] == pytest.approx(truth["minor_faults"], rel=0.02)


def test_program_by_its_path_under_another_name(tmp_path: Path, out: Path) -> None:
    """As in an image: the folder is called otherwise, and lies beside files with the names of library modules."""
    (tmp_path / "agent-copy").symlink_to(AGENT)
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    spec = make_spec(out, ["true"])
    argv = [sys.executable, "-I", "-S", "-B", str(tmp_path / "agent-copy" / "__main__.py"), f"@{tmp_path}/spec"]
    (tmp_path / "spec").write_text(spec)
    done = subprocess.run(argv, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads((out / "result.json").read_text())["outcome"] == "passed"


def test_memory_of_the_supervisor_itself(program) -> None:
    done = program(*load("cpu", "seconds=0.3"))
    assert done.code == 0, done.stderr
    assert done.result["supervisor"]["max_rss_bytes"] < 15e6


def test_interrupt_once_is_orderly(out: Path) -> None:
    with subprocess.Popen(command(make_spec(out, [sys.executable, "-S", "-c", HANG], grace_s=1.0)),
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        wait_for(out / "pytest.log", b"deaf")
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=20)
    result = json.loads((out / "result.json").read_text())
    assert process.returncode == 0
    assert (result["outcome"], result["signal"]) == ("interrupted", 9)
    assert b'{"event": "stopping", "reason": "interrupt"}' in text
    assert "python" in json.loads((out / "facts.json").read_text())["unavailable"]


def test_interrupt_twice_does_not_wait(out: Path) -> None:
    with subprocess.Popen(command(make_spec(out, [sys.executable, "-S", "-c", HANG], grace_s=600)),
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        wait_for(out / "pytest.log", b"deaf")
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        while b'"stopping"' not in process.stdout.readline():  # two at once would be one
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert json.loads((out / "result.json").read_text())["outcome"] == "interrupted"


def test_a_killed_supervisor_leaves_evidence_and_no_child(out: Path) -> None:
    with subprocess.Popen(command(make_spec(out, [sys.executable, "-S", "-c", HANG])),
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        assert process.stdout is not None
        child = json.loads(process.stdout.readline())["pid"]
        wait_for(out / "pytest.log", b"deaf")
        wait_for(out / "samples.csv", b"\n0.")
        process.kill()
    result = json.loads((out / "result.json").read_text())
    assert result["state"] == "running"
    assert result["effective_timeout_s"] == 30.0
    assert "limit_bytes" in result["memory"]
    limit = time.monotonic() + 15
    while alive([child]) and time.monotonic() < limit:
        time.sleep(0.02)
    assert alive([child]) == []


def test_a_reader_that_goes_away_stops_nothing(out: Path) -> None:
    spec = make_spec(out, [sys.executable, "-S", "-c", "import time; time.sleep(0.6)"])
    with subprocess.Popen(command(spec), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=20) == 0
    assert json.loads((out / "result.json").read_text())["outcome"] == "passed"


@pytest.mark.skipif(os.getuid() != 0, reason="a process namespace needs root")
def test_as_process_1(out: Path) -> None:
    """Reaps orphans, is not killed by what it kills, and ends a fork bomb that fills its limit."""
    bomb = "import os, resource\nresource.setrlimit(resource.RLIMIT_NPROC, (60, 60))\nos.setuid(54322)\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    spec = make_spec(out, [sys.executable, "-S", "-c", bomb], timeout_s=1.0, grace_s=0.2)
    namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    done = subprocess.run(namespace + command(spec), capture_output=True, timeout=60, check=False)
    if b"unshare" in done.stderr:
        pytest.skip(done.stderr.decode())
    assert done.returncode == 0, done.stderr
    result = json.loads((out / "result.json").read_text())
    assert result["outcome"] == "timed_out"
    assert json.loads((out / "facts.json").read_text())["supervisor_pid"] == 1


def test_a_bad_specification(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["{}"]) == 70
    assert "argv" in capsys.readouterr().err
    assert main([]) == 70
    assert "usage" in capsys.readouterr().err


def test_an_out_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([make_spec(tmp_path / "absent" / "out", ["true"])]) == 70
    assert "No such file" in capsys.readouterr().err


def test_module_entry(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench.agent"])
    assert load_main() == 70
    assert "usage" in capsys.readouterr().err
    assert issubclass(SpecError, ValueError)


def test_an_own_error_is_written(supervise, monkeypatch: pytest.MonkeyPatch, out: Path) -> None:
    monkeypatch.setattr("bench.agent.compose.measure", lambda taken: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        supervise("true")
    result = json.loads((out / "result.json").read_text())
    assert result["state"] == "error"
    assert "ZeroDivisionError" in result["signature"]
    assert not (out / ".reserve").exists()


@pytest.mark.parametrize(("slept", "stepped"), [(60.0, 0.0), (0.0, 3600.0), (0.0, -3600.0), (60.0, 3600.0), (0.0, 0.0)])
def test_clocks_that_were_stepped_and_a_machine_that_slept(
    supervise, monkeypatch: pytest.MonkeyPatch, slept: float, stepped: float
) -> None:
    """Both happen once the child has started; a machine that sleeps stops the monotonic clock and no other."""
    wall, clock, spawn, since = time.time, time.clock_gettime, run_module.spawn, []

    def spawn_and_go_on(command: Command) -> int:
        since.append(True)
        return spawn(command)

    monkeypatch.setattr("bench.agent.run.spawn", spawn_and_go_on)
    monkeypatch.setattr("bench.agent.clocks.time.time", lambda: wall() + (slept + stepped if since else 0.0))
    monkeypatch.setattr("bench.agent.clocks.time.clock_gettime", lambda which: clock(which) + (slept if since else 0.0))
    done = supervise("true")
    codes = {warning["code"]: warning["value"] for warning in done.result["warnings"]}
    assert codes == {
        code: pytest.approx(value, abs=0.5)
        for code, value in (("suspended", slept), ("clock_stepped", stepped))
        if value
    }
    assert done.result["wall_s"] < 10
