"""Kernels that ran on a CUDA device and bytes copied to, from and on it, as torch's profiler (CUPTI) tells.

They come from the trace that the profiler writes: the events that it gives in Python have a size for allocations alone,
and 0 for a copy (torch 2.7, torch/csrc/autograd/profiler_kineto.cpp). This has not run on a device: its tests read
traces that were written by hand.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

from .counter import Counter

DEVICE, OUT = "BENCH_DEVICE", "BENCH_WORK_OUT"
KERNEL, COPY = "kernel", "gpu_memcpy"
"""Categories of Kineto's activities (libkineto/include/ActivityType.h); fills and annotations are neither."""
MAX_BYTES = 256 * 1024**2
"""Of a trace that is read: of each phase of a test, some 500 bytes a kernel."""


class TooMuch(Exception):
    """There is more than is read."""


class CudaWork(Counter):
    """Profiles the device alone, and only where the run is one for CUDA: elsewhere nobody asks whether there is one."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted = os.environ.get(DEVICE) == "cuda"
        self._profile: Any = None
        self._kernels = self._bytes = 0
        self._seen = False
        self._why = "the run is not one for a CUDA device" if not self._wanted else "the tests used no CUDA device"

    def resume(self) -> None:
        """Begin to profile, where torch is there and finds a device."""
        torch = sys.modules.get("torch")
        if not self._wanted or torch is None:
            return
        try:
            if torch.cuda.is_available():
                profiler: Any = import_module("torch.profiler")
                self._profile = profiler.profile(activities=[profiler.ProfilerActivity.CUDA])
                self._profile.start()
        except Exception as error:  # another profiler is at work, or this torch has none
            self._profile = None
            self._give_up(f"torch's profiler did not start ({type(error).__name__})")

    def pause(self) -> None:
        """End it, and count what it saw."""
        profile, self._profile = self._profile, None
        if profile is None:
            return
        try:
            profile.stop()
            kernels, copied = parse_trace(_trace(profile))
        except TooMuch:
            self._give_up(f"a trace of torch's profiler is larger than {MAX_BYTES} bytes")
        except Exception as error:
            self._give_up(f"what torch's profiler saw cannot be read ({type(error).__name__})")
        else:
            self._seen = True
            self._kernels += kernels
            self._bytes += copied

    def totals(self) -> dict[str, Any]:
        """The sums over all tests."""
        if not self._seen:
            self.unavailable["cuda"] = self._why
            return {}
        return {"cuda": {"kernels": self._kernels, "copied_bytes": self._bytes}}

    def _give_up(self, why: str) -> None:
        """A sum that lacks a phase is none."""
        self._wanted = self._seen = False
        self._why = why


def _trace(profile: Any) -> Any:
    """What the profiler writes for Chrome's viewer, read and removed."""
    path = os.path.join(os.environ[OUT], f"cuda.{os.getpid()}.json")
    try:
        profile.export_chrome_trace(path)
        if os.stat(path).st_size > MAX_BYTES:
            raise TooMuch
        with open(path, encoding="utf-8", errors="replace") as file:
            return json.load(file)
    finally:
        if os.path.lexists(path):
            os.unlink(path)


def parse_trace(trace: Any) -> tuple[int, int]:
    """Kernels, and bytes copied. Raises KeyError where the trace has no events, or a copy has no size."""
    kernels = copied = 0
    for event in trace["traceEvents"]:
        category = event.get("cat")
        if category == KERNEL:
            kernels += 1
        elif category == COPY:
            copied += int(event["args"]["bytes"])
    return kernels, copied
