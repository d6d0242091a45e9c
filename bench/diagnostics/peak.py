"""How much memory an action takes at its peak, over what the process held before."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

PROC_SELF = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class PeakReading:
    """Bytes at the peak beyond those before the action, or None and the reason."""

    extra_bytes: int | None
    reason: str = ""


def measure_peak(action: Callable[[], object], device: torch.device, proc: Path = PROC_SELF) -> PeakReading:
    """Run `action` and read its peak: torch's allocator on CUDA, else the kernel's high-water mark of resident memory.

    The mark is set back through /proc/self/clear_refs (Documentation/filesystems/proc.rst). The C library is asked to
    return free memory first: what it kept would be used again unseen.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        action()
        torch.cuda.synchronize(device)
        return PeakReading(torch.cuda.max_memory_allocated(device) - before)
    _return_free_memory()
    try:
        (proc / "clear_refs").write_text("5")
    except OSError as error:
        action()
        return PeakReading(None, f"the high-water mark cannot be set back: {error}")
    start = parse_status((proc / "status").read_text())
    action()
    end = parse_status((proc / "status").read_text())
    if "VmRSS" not in start or "VmHWM" not in end:
        return PeakReading(None, "the kernel does not say this process's resident memory")
    return PeakReading(max(0, end["VmHWM"] - start["VmRSS"]))


def parse_status(text: str) -> dict[str, int]:
    """The entries of /proc/PID/status that have a size, in bytes."""
    fields = [line.split() for line in text.splitlines()]
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in fields if len(words) == 3 and words[2] == "kB"}


def _return_free_memory() -> None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it; musl and other allocators do not
    if trim is not None:
        trim(0)
