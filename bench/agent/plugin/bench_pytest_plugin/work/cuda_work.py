"""Kernels that ran on a CUDA device and bytes copied to, from and on it, as torch's profiler (CUPTI) tells."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from .counter import Counter

DEVICE = "BENCH_DEVICE"
COPY, FILL = "Memcpy", "Memset"
"""Begin the names of what runs on a device and is no kernel."""


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
            self._profile, self._wanted = None, False
            self._why = f"torch's profiler did not start ({type(error).__name__})"

    def pause(self) -> None:
        """End it, and count what it saw."""
        profile, self._profile = self._profile, None
        if profile is None:
            return
        try:
            profile.stop()
            kernels, copied = parse_events(profile.profiler.kineto_results.events())
        except Exception as error:
            self._wanted, self._seen = False, False
            self._why = f"what torch's profiler saw cannot be read ({type(error).__name__})"
            return
        self._seen = True
        self._kernels += kernels
        self._bytes += copied

    def totals(self) -> dict[str, Any]:
        """The sums over all tests."""
        if not self._seen:
            self.unavailable["cuda"] = self._why
            return {}
        return {"cuda": {"kernels": self._kernels, "copied_bytes": self._bytes}}


def parse_events(events: Iterable[Any]) -> tuple[int, int]:
    """Kernels, and bytes copied, among the profiler's events; those of the host are passed over."""
    kernels = copied = 0
    for event in events:
        if str(event.device_type()).rpartition(".")[2] != "CUDA":
            continue
        name = event.name()
        if name.startswith(COPY):
            copied += int(event.nbytes())
        elif not name.startswith(FILL):
            kernels += 1
    return kernels, copied
