"""What the tests do to the folder of the results, to the supervisor and to its signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.agent import calls
from bench.agent.cgroup.reading import Reading
from bench.agent.clocks import FROZEN_S, Gaps, parse_wait
from bench.agent.out import KeptFile, OutFolder
from bench.agent.result import ResultFile
from tests.support.inner_pytest import INNER_PYTEST

from .conftest import Done, command, make_spec


def codes(done: Done) -> dict[str, str]:
    return {warning["code"]: warning["message"] for warning in done.result["warnings"]}


ATTACKS = {
    "result-folder": "rm result.json; mkdir -p result.json/x",
    "result-fifo": "rm result.json; mkfifo result.json",
    "result-link": "rm result.json; ln -s /dev/zero result.json",
    "result-loop": "rm result.json; ln -s result.json result.json",
    "result-read-only": "chmod 0 result.json",
    "result-forged": 'echo \'{"state": "ended", "outcome": "passed"}\' > result.json',
    "temporary": "mkfifo result.json.tmp",
    "reserve": "rm -f .reserve; mkdir .reserve",
    "samples-gone": "rm samples.csv",
    "samples-cut": ": > samples.csv",
    "samples-forged": "printf 't_s,pids\\n1,99999\\n' > samples.csv",
    "samples-fifo": "rm samples.csv; mkfifo samples.csv",
    "samples-folder": "rm samples.csv; mkdir samples.csv",
    "log-gone": "rm pytest.log",
    "log-fifo": "rm pytest.log; mkfifo pytest.log",
    "facts": "mkfifo facts.json .facts.tmp torch_env.txt",
    "everything": "rm -rf ./* ./.[a-z]*",
    "shut": "chmod 0 .",
    "many": "i=0; while [ $i -lt 2000 ]; do : > f$i; i=$((i + 1)); done",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_counters_samples_and_outcome_survive(supervise, out: Path, attack: str) -> None:
    steps = f"echo before; sleep 0.15; {attack}; sleep 0.15; echo after; exit 3"
    done = supervise("sh", "-c", steps, cwd=str(out), sample_hz=20)
    assert done.code == 0
    assert (done.result["state"], done.result["outcome"], done.result["exit_code"]) == ("ended", "failed", 3)
    rows = (out / "samples.csv").read_text().splitlines()
    assert rows[0].startswith("t_s,cpu_total_s")
    times = [float(row.split(",")[0]) for row in rows[1:]]
    assert times == sorted(times)
    assert len(times) == done.result["samples"]["samples"] + 1
    assert times[-1] >= 0.3
    assert (out / "pytest.log").read_text().strip("\0") == "before\nafter\n"
    assert json.loads((out / "facts.json").read_text())["uid"] == os.getuid()


@pytest.mark.parametrize("attack", ["samples-gone", "samples-forged", "log-gone", "shut", "everything"])
def test_what_was_destroyed_is_told(supervise, out: Path, attack: str) -> None:
    done = supervise("sh", "-c", f"sleep 0.1; {ATTACKS[attack]}", cwd=str(out), sample_hz=20)
    assert "evidence_changed" in codes(done)


def test_what_nobody_touched_is_not_complained_of(supervise) -> None:
    assert "evidence_changed" not in codes(supervise("sh", "-c", "echo fine; sleep 0.3"))


def test_a_report_that_is_gone_is_told(supervise, out: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import atexit, os, sys\ndef test_it(): pass\n")
    (tmp_path / "conftest.py").write_text(
        f"import os\ndef pytest_unconfigure(): os.unlink({str(out / 'pytest.junit.xml')!r})\n"
    )
    words = (f"--junitxml={out}/pytest.junit.xml", str(tmp_path))
    done = supervise(*INNER_PYTEST, *words, plugin=True)
    assert done.result["outcome"] == "passed"
    assert "pytest.junit.xml is not there" in codes(done)["evidence_changed"]


@pytest.mark.parametrize(
    "attack", ["mv {out} {out}.away", "mv {out} {out}.away; mkdir {out}; touch {out}/x", "rm -r {out}"]
)
def test_a_folder_that_is_moved_or_removed_is_there_again(supervise, out: Path, attack: str) -> None:
    done = supervise("sh", "-c", f"sleep 0.15; {attack.format(out=out)}; sleep 0.15", cwd="/", sample_hz=20)
    assert (done.code, done.result["outcome"]) == (0, "passed")
    assert len((out / "samples.csv").read_text().splitlines()) > 2
    assert "the folder of the results" in json.dumps(done.result["warnings"])


def test_what_runs_after_the_result_cannot_change_it(tmp_path: Path) -> None:
    file = ResultFile(str(tmp_path))
    file.write_last({"state": "ended", "outcome": "failed"})
    (tmp_path / "result.json").write_text('{"state": "ended", "outcome": "passed"}')
    file.secure()
    assert json.loads((tmp_path / "result.json").read_text())["outcome"] == "failed"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_of_the_test_stops_nothing_and_fails_it(out: Path, name: str) -> None:
    code = f"import os, signal, time; os.kill(os.getppid(), signal.{name}); time.sleep(0.2); print('went on')"
    spec = make_spec(out, [sys.executable, "-S", "-c", code])
    said = subprocess.run(command(spec), capture_output=True, check=True, timeout=30).stdout
    done = Done(0, out)
    assert done.log == b"went on\n"
    assert (done.result["outcome"], done.result["exit_code"]) == ("failed", 0)
    assert f"sent {name} to the supervisor" in done.result["signature"]
    assert "signal_from_inside" in codes(done)
    assert b"stopping" not in said


def test_a_signal_of_somebody_else_stops_in_order(out: Path) -> None:
    spec = make_spec(out, ["sleep", "30"])
    with subprocess.Popen(command(spec), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"started" in process.stdout.readline()
        process.terminate()
        process.communicate(timeout=20)
    assert json.loads((out / "result.json").read_text())["outcome"] == "interrupted"


DUMPABLE = """
from bench.agent import calls
print([calls.hide(True), calls.call("prctl", 3, 0, 0, 0, 0), calls.hide(False), calls.call("prctl", 3, 0, 0, 0, 0)])
"""


def test_a_process_hides_its_memory_and_its_descriptors() -> None:
    done = subprocess.run([sys.executable, "-c", DUMPABLE], capture_output=True, check=True)
    assert done.stdout == b"[True, 0, True, 1]\n"


def test_the_last_event_holds_outcome_and_counters(supervise) -> None:
    done = supervise("sh", "-c", "sleep 0.2; exit 2")
    ended = done.events[-1]
    assert (ended["event"], ended["outcome"], ended["exit_code"]) == ("ended", "failed", 2)
    assert ended["cpu"] == done.result["cpu"]
    assert ended["memory"] == done.result["memory"]
    assert ended["signature"] == done.result["signature"]


def test_the_last_event_survives_a_signature_of_wide_letters(supervise) -> None:
    done = supervise(
        "sh",
        "-c",
        "echo error: 🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉" * 6 + "; exit 2",
    )
    ended = done.events[-1]
    assert ended["outcome"] == "failed"
    assert ended["signature"]


def freeze(out: Path, seconds: float, code: str, **changes: object) -> dict[str, object]:
    spec = make_spec(out, [sys.executable, "-S", "-c", code], **changes)
    with subprocess.Popen(command(spec), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = json.loads(process.stdout.readline())["pid"]
        time.sleep(0.3)
        for pid in (process.pid, child):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        for pid in (child, process.pid):
            os.kill(pid, signal.SIGCONT)
        process.communicate(timeout=30)
    return dict(json.loads((out / "result.json").read_text()))


def test_a_run_that_was_stopped_says_for_how_long_also_in_a_timeout(tmp_path: Path) -> None:
    """Both are stopped at the same time: most of it is waiting."""
    runs = {"passed": ("import time; time.sleep(0.6)", 30), "timed_out": ("import time; time.sleep(20)", 3)}

    def stopped(name: str) -> dict[str, object]:
        out = tmp_path / name / "out"
        out.mkdir(parents=True)
        code, timeout_s = runs[name]
        return freeze(out, FROZEN_S + 1.5, code, timeout_s=timeout_s)

    with ThreadPoolExecutor(2) as pool:
        passed, timed_out = pool.map(stopped, runs)
    found = {warning["code"]: warning for warning in passed["warnings"]}
    assert passed["outcome"] == "passed"
    assert FROZEN_S + 0.5 < found["frozen"]["value"] < FROZEN_S + 3
    assert found["frozen"]["unit"] == "s"
    assert timed_out["outcome"] == "timed_out"
    assert "stopped from outside for" in timed_out["signature"]


def test_waiting_that_is_known_is_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gaps, "_read_wait", lambda _: 0.0)
    gaps = Gaps()
    gaps.take(FROZEN_S - 0.1, Reading(), Reading())
    assert gaps.frozen_s == 0
    gaps.take(9.0, Reading(throttled_s=1.0), Reading(throttled_s=9.0))
    gaps.take(9.0, Reading(memory_some_s=1.0), Reading(memory_some_s=9.5))
    assert gaps.frozen_s == 0
    gaps.take(9.0, Reading(throttled_s=1.0), Reading(throttled_s=1.5))
    assert gaps.frozen_s == 9.0
    monkeypatch.setattr(Gaps, "_read_wait", lambda _: 8.0)
    gaps.take(9.0, Reading(), Reading())
    assert gaps.frozen_s == 9.0
    gaps.close()


def test_the_time_that_a_process_waited_for_a_cpu() -> None:
    assert parse_wait(b"1000 2500000000 7\n") == 2.5
    assert parse_wait(b"") == parse_wait(b"x y z") == 0.0


def test_signals_with_their_senders() -> None:
    record = bytearray(128)
    record[0:4], record[12:16] = (15).to_bytes(4, "little"), (4321).to_bytes(4, "little")
    assert calls.parse_signals(bytes(record) * 2 + b"torn") == [calls.Came(15, 4321)] * 2
    assert calls.call("no_such_function_anywhere") == -1


def test_a_kept_file_without_a_twin_is_written_anew_from_what_is_open(tmp_path: Path) -> None:
    kept = KeptFile(str(tmp_path / "a"), twin=False)
    kept.write(b"one\n")
    (tmp_path / "a").unlink()
    kept.write(b"two\n")
    kept.close()
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"


def test_a_folder_without_proc_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.agent.out.os.path.isdir", lambda _: False)
    folder = OutFolder(str(tmp_path))
    assert folder.way == str(tmp_path)
    assert folder.restore() is None
    folder.close()


EVERY_SIGNAL = """
import os, signal, sys, time
harmless = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL, signal.SIGSTOP}
for number in sorted(signal.valid_signals() - harmless):
    os.kill(os.getppid(), number)
time.sleep(0.3)
print('went on')
sys.exit(3)
"""


def test_no_signal_that_can_be_blocked_ends_or_stops_the_supervisor(program) -> None:
    done = program(sys.executable, "-S", "-c", EVERY_SIGNAL)
    assert (done.code, done.stderr) == (0, "")
    assert (done.log, done.result["outcome"], done.result["exit_code"]) == (b"went on\n", "failed", 3)


def test_a_test_meets_no_signal_blocked(program) -> None:
    done = program(sys.executable, "-S", "-c", "import signal; print(*signal.pthread_sigmask(signal.SIG_BLOCK, []))")
    assert done.log == b"\n"


LIMIT = """
import os, resource, sys, time
number = getattr(resource, "RLIMIT_" + sys.argv[1])
hard = resource.prlimit(os.getppid(), number)[1]
resource.prlimit(os.getppid(), number, (0, hard if sys.argv[2] == "soft" else 0))
time.sleep(0.4)
print("went on", flush=True)
sys.exit(3)
"""


@pytest.mark.parametrize("name", ["NOFILE", "FSIZE", "AS"])
def test_limits_that_a_test_sets_for_the_supervisor_are_put_back(program, name: str) -> None:
    done = program(sys.executable, "-S", "-c", LIMIT, name, "soft")
    assert (done.code, done.result["outcome"], done.result["exit_code"]) == (0, "failed", 3)
    assert f"set limits of the supervisor: {name}" in codes(done)["evidence_changed"]


def test_a_limit_of_memory_that_the_supervisor_meets_while_it_follows_is_put_back(program) -> None:
    """What it reads of the output takes a block of memory that no heap has free."""
    flood = LIMIT.replace("time.sleep(0.4)", 'os.write(1, b"x" * 60_000 * 100)')
    done = program(sys.executable, "-S", "-c", flood, "AS", "soft")
    assert (done.code, done.result["outcome"], done.result["exit_code"]) == (0, "failed", 3)
    assert "set limits of the supervisor: AS" in codes(done)["evidence_changed"]


@pytest.mark.parametrize("name", ["NOFILE", "FSIZE"])
def test_limits_that_cannot_be_put_back_leave_the_last_event(out: Path, name: str) -> None:
    spec = make_spec(out, [sys.executable, "-S", "-c", LIMIT, name, "hard"])
    without = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"] if os.geteuid() == 0 else []
    said = subprocess.run([*without, *command(spec)], capture_output=True, timeout=30, check=False)
    ended = json.loads(said.stdout.splitlines()[-1])
    assert (ended["event"], ended["outcome"], ended["exit_code"]) == ("ended", "failed", 3)
    assert ended["cpu"]["total_s"] is not None
