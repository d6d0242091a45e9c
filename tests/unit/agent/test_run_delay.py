"""How long tasks waited for a CPU: read of each, kept when it has ended."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.agent.reap import Reaper
from bench.agent.run_delay import RunDelay, parse_delay


def wait(proc, pid: int, task: int, waited_ns: object) -> None:
    folder = proc / str(pid) / "task" / str(task)
    folder.mkdir(parents=True, exist_ok=True)
    for place in (folder, *([proc / str(pid)] if pid == task else [])):
        (place / "schedstat").write_text(f"900 {waited_ns} 3\n")


def test_a_schedstat_is_read_and_what_is_none_is_not() -> None:
    assert parse_delay(b"1218806236 929472122 710\n") == 929472122
    assert parse_delay(b"0 0 0\n") == 0
    assert [parse_delay(text) for text in (b"", b"1 2", b"1 x 3", b"1 -2 3")] == [None] * 4


def test_every_thread_counts_and_one_that_ended_stays(tmp_path) -> None:
    delay = RunDelay(lambda: [5, 9], str(tmp_path))
    assert delay.seconds is None
    wait(tmp_path, 5, 5, 1_000_000_000)
    wait(tmp_path, 5, 6, 500_000_000)
    delay.sample()
    assert delay.seconds == 1.5
    (tmp_path / "5" / "task" / "6" / "schedstat").unlink()
    wait(tmp_path, 5, 5, 2_000_000_000)
    delay.sample()
    assert delay.seconds == 2.5
    wait(tmp_path, 5, 5, 2_250_000_000)
    delay.end(5)
    assert delay.seconds == 2.75


def test_a_number_that_another_thread_has_now_loses_nothing(tmp_path) -> None:
    delay = RunDelay(lambda: [5], str(tmp_path))
    for waited in (3_000_000_000, 1_000_000_000):
        wait(tmp_path, 5, 5, waited)
        delay.sample()
    assert delay.seconds == 4.0
    assert delay.seen_cpu_s == 1800 / 1e9


def test_no_more_threads_are_read_than_the_run_can_bear(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bench.agent.run_delay.MOST_TASKS", 2)
    for task in (5, 6, 7):
        wait(tmp_path, 5, task, 1_000_000_000)
    delay = RunDelay(lambda: [5, 9], str(tmp_path))
    delay.sample()
    assert delay.seconds == 2.0
    assert "the first 2 of each sample" in delay.source


def test_a_kernel_without_the_file_tells_nothing(tmp_path) -> None:
    (tmp_path / "5" / "task" / "5").mkdir(parents=True)
    delay = RunDelay(lambda: [5], str(tmp_path))
    delay.sample()
    delay.end(5)
    assert delay.seconds is None


def test_a_child_is_read_before_it_is_waited_for() -> None:
    reaper, delay = Reaper(), RunDelay(list)
    reaper.before = delay.end
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
    reaper.watch(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    reaper.collect()
    child.returncode = 0  # it was waited for: by the reaper
    assert reaper.status == 0
    assert delay.seconds is not None
