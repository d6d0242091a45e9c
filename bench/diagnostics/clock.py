"""What time it is once the device has done all that it was asked to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import torch

Key = TypeVar("Key", bound=Hashable)


def read_clock(device: torch.device) -> float:
    """Monotonic seconds, read after all work queued on `device` has ended.

    CUDA kernels are queued, not run, by the call that starts them. Without waiting, the clock would show how long
    queueing took.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def time_call(action: Callable[[], object], device: torch.device) -> float:
    """Wall seconds that `action` and the work it queues on `device` take."""
    start = read_clock(device)
    action()
    return read_clock(device) - start


def time_in_turn(
    actions: Mapping[Key, Callable[[], object]], device: torch.device, *, count: int, warm_up: int
) -> dict[Key, list[float]]:
    """Wall seconds of `count` calls of each action, taking turns, after `warm_up` calls that are not kept.

    Taking turns, whatever disturbs the machine for a while disturbs all actions alike, and their ratios less.
    """
    for action in actions.values():
        for _ in range(warm_up):
            action()
    seconds: dict[Key, list[float]] = {key: [] for key in actions}
    for _ in range(count):
        for key, action in actions.items():
            seconds[key].append(time_call(action, device))
    return seconds
