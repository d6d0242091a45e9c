"""Events reach a reader whole, never wait for a slow one, and outlive one that is gone."""

from __future__ import annotations

import fcntl
import json
import os
import time

import pytest

from bench.agent.events import LINE_BYTES, WAITING_LINES, Events


@pytest.fixture
def pipe():
    ends = list(os.pipe())
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            continue


def drain(fd: int) -> list[dict]:
    os.set_blocking(fd, False)
    data = b""
    try:
        while part := os.read(fd, 1 << 20):
            data += part
    except BlockingIOError:
        pass
    return [json.loads(line) for line in data.splitlines()]


def test_lines(pipe) -> None:
    events = Events(pipe[1])
    events.emit("test", node="ü\n", outcome="passed")
    assert drain(pipe[0]) == [{"event": "test", "node": "ü\n", "outcome": "passed"}]


def test_long_values_are_cut_to_an_atomic_line(pipe) -> None:
    events = Events(pipe[1])
    events.emit("test", node="x" * 9000)
    events.emit("test", node="ü" * 9000, **{f"k{i}": "ü" * 500 for i in range(9)})
    first, second = drain(pipe[0])
    assert len(json.dumps(first)) <= LINE_BYTES
    assert first["node"] == "x" * 500
    assert second == {"event": "test"}


@pytest.mark.timed
def test_a_slow_reader_never_holds_us_up_and_loses_samples_first(pipe) -> None:
    events = Events(pipe[1])
    start = time.monotonic()
    for i in range(WAITING_LINES * 2):
        events.emit("sample", elapsed_s=i, filler="x" * 200)
        if i % 100 == 0:
            events.emit("test", node=str(i))
    assert time.monotonic() - start < 5
    seen = []
    while got := drain(pipe[0]):
        seen += got
        events.flush(0.0)
    nodes = [event["node"] for event in seen if event["event"] == "test"]
    assert nodes == [str(i) for i in range(0, WAITING_LINES * 2, 100)]
    assert len(seen) < WAITING_LINES * 2


def test_a_reader_that_is_gone(pipe) -> None:
    events = Events(pipe[1])
    os.close(pipe[0])
    events.emit("started")
    events.emit("ended")
    events.close()


def test_no_descriptor_at_all() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    os.close(write_end)
    events = Events(write_end)
    events.emit("started")
    events.close()


def test_the_descriptor_is_left_as_it_was(pipe) -> None:
    before = fcntl.fcntl(pipe[1], fcntl.F_GETFL)
    events = Events(pipe[1])
    assert fcntl.fcntl(pipe[1], fcntl.F_GETFL) & os.O_NONBLOCK
    events.close()
    assert fcntl.fcntl(pipe[1], fcntl.F_GETFL) == before


@pytest.mark.timed
def test_closing_gives_a_stuck_reader_a_bounded_time(pipe) -> None:
    events = Events(pipe[1])
    for _ in range(400):
        events.emit("test", node="x" * 400)
    start = time.monotonic()
    events.flush(0.2)
    assert time.monotonic() - start < 2
