"""Halves of the CPUs, and both sides of a pair at once."""

import os
import threading
from types import SimpleNamespace

import pytest

from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Capacity
from bench.errors import UsageError
from bench.run.ab.duet import halves_of, read_siblings, split


@pytest.mark.parametrize(
    ("cpus", "cores", "halves"),
    [
        (range(2), [], ("0", "1")),
        (range(5), [], ("0,1", "2,3")),
        (range(4), [{0, 2}, {1, 3}], ("0,2", "1,3")),
        (range(6), [{0, 3}, {1, 4}, {2, 5}], ("0,3", "1,4")),
        (range(2), [{0, 1}], ("0", "1")),
        ([1, 3, 5, 7], [{0, 1}, {2, 3}, {4, 5}, {6, 7}], ("1,3", "5,7")),
        ([4], [], None),
        ([], [], None),
    ],
)
def test_halves_are_equal_and_keep_the_threads_of_a_core_together(cpus, cores, halves):
    assert split(list(cpus), cores) == halves


def test_one_cpu_is_refused(monkeypatch):
    engine = SimpleNamespace(remote=False, capacity=lambda: Capacity(8, None))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    with pytest.raises(UsageError, match="needs two CPUs, and there is one"):
        halves_of(engine, None)
    with pytest.raises(UsageError, match="needs two CPUs"):
        halves_of(engine, "5")
    assert halves_of(SimpleNamespace(remote=True, capacity=lambda: Capacity(4, None)), None) == ("0,1", "2,3")
    with pytest.raises(UsageError, match="none known"):
        halves_of(SimpleNamespace(remote=True, capacity=lambda: Capacity(None, None)), None)


def test_what_the_kernel_tells_of_cores_holds_every_cpu_or_nothing():
    found = read_siblings([0])
    assert not found or 0 in found[0]
    assert read_siblings([99999]) == []


def test_a_run_in_another_thread_hears_of_the_interrupts_that_come_meanwhile():
    heard, ready, go = [], threading.Event(), threading.Event()

    def follow():
        with Interrupts() as inner:
            heard.append(inner.count)
            ready.set()
            go.wait(10)
            heard.append(inner.count)

    with Interrupts() as outer:
        thread = threading.Thread(target=follow)
        thread.start()
        assert ready.wait(10)
        outer.add()
        go.set()
        thread.join()
    assert heard == [0, 1]
