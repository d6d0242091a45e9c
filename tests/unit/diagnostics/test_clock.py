"""The clock waits for the device, and takes turns."""

from __future__ import annotations

import functools
import time

import pytest
import torch

from bench.diagnostics.clock import read_clock, time_call, time_in_turn

CPU = torch.device("cpu")


def test_cuda_is_waited_for_before_each_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: events.append(f"wait {device}"))
    monkeypatch.setattr(time, "perf_counter", lambda: len(events.append("read") or events))  # type: ignore[func-returns-value]
    time_call(lambda: events.append("work"), torch.device("cuda", 0))
    assert events == ["wait cuda:0", "read", "work", "wait cuda:0", "read"]


def test_cpu_needs_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(device: torch.device) -> None:
        raise AssertionError(device)

    monkeypatch.setattr(torch.cuda, "synchronize", refuse)
    assert read_clock(CPU) <= read_clock(CPU)


def test_a_call_takes_as_long_as_it_takes() -> None:
    assert time_call(lambda: time.sleep(0.02), CPU) >= 0.02


def test_actions_take_turns_after_their_warm_up() -> None:
    order: list[str] = []
    seconds = time_in_turn({name: functools.partial(order.append, name) for name in "ab"}, CPU, count=3, warm_up=2)
    assert "".join(order) == "aabb" + "ababab"
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}
