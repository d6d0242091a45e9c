"""What time it is once the device has done all that it was asked to do."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch


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


def time_calls(action: Callable[[], object], device: torch.device, *, count: int, warm_up: int) -> list[float]:
    """Wall seconds of `count` calls one by one, after `warm_up` calls that are not kept."""
    for _ in range(warm_up):
        action()
    return [time_call(action, device) for _ in range(count)]
