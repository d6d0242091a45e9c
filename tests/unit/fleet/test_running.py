"""What a leg waits for, with a client that is played: no host for a result of another, nor for its own."""

import threading
from collections import deque
from pathlib import Path

import pytest

from bench.fleet.cells import Cell
from bench.fleet.dask import running as running_
from bench.fleet.dask.running import Running
from bench.fleet.node import NodeEnd, forget_there
from bench.fleet.work import Host, Work

CELLS = [(Cell(name, name), ("run", name, "--json")) for name in ("a", "b")]


class Future:
    """A task whose end, and whose result, come when the test lets them."""

    def __init__(self, key):
        self.key, self.status, self.error = key, "pending", None
        self.sent, self.end, self.was_cancelled = threading.Event(), NodeEnd(6, "nothing"), False

    def add_done_callback(self, call):
        self.done = lambda status="finished": (setattr(self, "status", status), call(self))

    def result(self, timeout):
        assert self.sent.wait(timeout)
        if isinstance(self.end, BaseException):
            raise self.end
        return self.end

    def exception(self):
        return self.error

    def release(self):
        """Nobody holds it."""

    def cancel(self, reason):
        self.was_cancelled = True


class Client:
    def __init__(self):
        self.futures, self.calls = [], []

    def submit(self, leg, order, key, **pinned):
        self.futures.append(Future(key))
        return self.futures[-1]

    def run(self, function, *given, workers, on_error):
        self.calls.append((function, given, workers))


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def running(client):
    with Running(client, Work("f", CELLS, Path("results")), print, "bench-1") as running:
        yield running


def host(name):
    return Host(name, deque(CELLS), f"worker of {name}", f"tcp://{name}")


def test_a_host_has_its_next_leg_before_its_result_is_here(client, running):
    a, b = host("a"), host("b")
    running.start(a)
    running.start(b)
    for future in client.futures:
        future.done()
    assert list(running.ended(5.0)) == []
    assert (a.running, b.running, bool(running)) == (None, None, True)
    running.start(a)
    client.futures[1].sent.set()  # in another order than they ended
    assert [end.host for end in running.ended(60.0)] == ["b"]
    client.futures[0].sent.set()
    assert [(end.host, end.cell.label) for end in running.ended(60.0)] == [("a", "a")]
    assert a.running == client.futures[2].key
    assert running.name_of(a.running) == "a"


def test_nodes_are_told_at_once_and_by_one_call_what_is_here(client, running, monkeypatch):
    taken = type("Taken", (), {"own": Path("r/a"), "name": "a", "others": (), "places": ("h/a/1",)})
    monkeypatch.setattr(running_, "take", lambda *_: taken)
    running.forget()
    assert client.calls == []
    for name in "xyz":
        running.start(host(name))
        client.futures[-1].end = NodeEnd(0, "passed", "own", b"archive")
        client.futures[-1].sent.set()
        client.futures[-1].done()
    ends = []
    while len(ends) < 3:
        ends += running.ended(60.0)
    running.forget()
    running.forget()
    home = {f"tcp://{name}": ["h/a/1"] for name in "xyz"}
    [(function, given, workers)] = client.calls
    assert (function, given, sorted(workers)) == (forget_there, ("f", home), sorted(home))


@pytest.mark.parametrize(
    ("status", "error", "end", "said"),
    [
        ("error", RuntimeError("no\nroom"), None, "it failed on the node: RuntimeError: no"),
        ("error", type("KilledWorker", (Exception,), {})("x"), None, "its worker worker of a at tcp://a was lost"),
        ("cancelled", None, None, "its worker worker of a at tcp://a was lost"),
        ("finished", None, TimeoutError("60 s"), "its result did not come: TimeoutError: 60 s"),
        ("finished", None, KeyboardInterrupt(), "its result did not come: KeyboardInterrupt"),
    ],
)
def test_why_a_leg_brought_nothing_is_named(client, running, status, error, end, said):
    a = host("a")
    running.start(a)
    [future] = client.futures
    future.error, future.end = error, end
    future.sent.set()
    future.done(status)
    ends = []
    while not ends:
        ends += running.ended(60.0)
    assert [(one.host, one.address, one.exit_code) for one in ends] == [("a", "tcp://a", 6)]
    assert ends[0].said.startswith(said)
    assert (a.running, bool(running)) == (None, False)


def test_a_host_that_is_lost_loses_what_it_runs_and_what_it_has_not_sent(client, running):
    a = host("a")
    running.start(a)
    client.futures[0].done()
    assert list(running.ended(5.0)) == []
    running.start(a)
    assert [end.cell.label for end in running.lose(a)] == ["a", "b"]
    assert all(future.was_cancelled for future in client.futures)
    client.futures[0].sent.set()  # too late
    client.futures[1].done("cancelled")
    for _ in range(2):
        assert list(running.ended(5.0)) == []
    assert not running
    assert running.lose(a) == []
