"""The processes below one: reading them, finding them, ending them."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from bench.agent.ending import Ladder, Tree, end_leftovers
from bench.agent.process_tree import Account, _scan_descendants, alive, parse_stat, read_descendants, read_process, send
from bench.agent.reap import Reaper


def test_stat_with_an_awkward_name() -> None:
    line = "42 (a) b (c) S 7 1 1 0 -1 4194560 100 20 3 4 50 60 7 8 20 0 1 0 1 1 1"
    process = parse_stat(line)
    assert process is not None
    assert (process.pid, process.name, process.state, process.parent) == (42, "a) b (c", "S", 7)
    assert (process.minor_faults, process.major_faults) == (120, 7)
    assert (process.user_ticks, process.system_ticks) == (57, 68)


@pytest.mark.parametrize("text", ["", "1 (x) S", "x (y) S 1 2 3 4 5 6 7 8 9 1 1 1 1 1 1"])
def test_stat_that_is_none(text: str) -> None:
    assert parse_stat(text) is None


def test_own_stat() -> None:
    process = read_process(os.getpid())
    assert process is not None
    assert process.parent == os.getppid()
    assert read_process(2**22 + 1) is None


def family(depth: int) -> int:
    """A chain of sleeping processes, each the child of the one before; returns the first."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        for _ in range(depth - 1):
            if os.fork() > 0:
                break
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(write_end, b"x")
        signal.pause()
        os._exit(0)
    seen = 0
    while seen < depth:
        seen += len(os.read(read_end, depth))
    os.close(read_end)
    os.close(write_end)
    return pid


def test_descendants_both_ways_and_ending_them() -> None:
    tree = Tree(Account("none", Reaper()))
    pid = family(3)
    found = read_descendants(os.getpid())
    assert len(set(tree.pids())) == 3
    assert set(tree.pids()) <= set(found)
    assert set(_scan_descendants(os.getpid())) >= set(tree.pids())
    assert set(_scan_descendants(pid)) == set(read_descendants(pid))
    reaper = Reaper()
    left, remaining = end_leftovers(tree, reaper)
    assert len(left) == 3
    assert remaining == []
    assert tree.running() == []


def test_a_helper_that_ends_by_itself_is_not_left_over() -> None:
    tree = Tree(Account("none", Reaper()))
    if os.fork() == 0:
        time.sleep(0.05)
        os._exit(0)
    reaper = Reaper()
    assert end_leftovers(tree, reaper) == ([], [])
    assert reaper.total.processes == 1


def test_what_was_there_before_is_left_alone() -> None:
    pid = family(1)
    tree = Tree(Account("none", Reaper()))
    assert pid not in tree.pids()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_alive_passes_over_zombies_and_the_gone() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert alive([pid, 2**22 + 1]) == []
    send([2**22 + 1], signal.SIGTERM)
    os.waitpid(pid, 0)


def test_ladder_steps() -> None:
    tree = Tree(Account("none", Reaper()))
    pid = family(1)
    ladder = Ladder(tree, pid, grace_s=5.0, ask_traceback=False)
    ladder.step(0.0)
    assert ladder.next_at is None
    ladder.begin("timeout", 100.0)
    assert (ladder.reason, ladder.next_at) == ("timeout", 105.0)
    ladder.step(104.0)
    assert alive([pid])
    ladder.hurry(104.5)
    ladder.step(104.5)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert ladder.next_at > 104.5


def test_ladder_asks_for_a_traceback_before_it_kills() -> None:
    tree = Tree(Account("none", Reaper()))
    pid = family(1)
    ladder = Ladder(tree, pid, grace_s=1.0, ask_traceback=True)
    ladder.begin("timeout", 0.0)
    ladder.step(1.0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGQUIT


def test_more_children_than_the_kernel_tells_in_one_page() -> None:
    script = "i=0; while [ $i -lt 700 ]; do sleep 60 & i=$((i+1)); done; wait"
    with subprocess.Popen(["sh", "-c", script], start_new_session=True) as shell:
        try:
            limit = time.monotonic() + 30
            while len(_scan_descendants(shell.pid)) < 700 and time.monotonic() < limit:
                time.sleep(0.1)
            assert len(set(read_descendants(shell.pid))) == 700
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
