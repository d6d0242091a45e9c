"""What the machine's memory can do: STREAM's four kernels, written in torch.

After J. McCalpin's STREAM benchmark: copy, scale, add and triad over three float64 arrays, each four times the size of
the last-level caches if memory allows; bytes are counted as STREAM does (two or three arrays, no write-allocate
traffic); of several repeats the first is dropped and the quickest counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .clock import time_in_turn

ARRAYS = 3
ARRAYS_MOVED = {"copy": 2, "scale": 2, "add": 3, "triad": 3}
CACHE_MULTIPLE = 4
# Half of what is free is left to torch, the page cache and everybody else.
MEMORY_SHARE = 0.5
# Where no cache size can be read; more than most machines have.
ASSUMED_CACHE_BYTES = 64 << 20
_ITEM = torch.float64.itemsize


@dataclass(frozen=True, slots=True)
class StreamSize:
    """Bytes of one array, and of the last-level cache it was made for (None: not known)."""

    array_bytes: int
    cache_bytes: int | None

    def times_cache(self) -> float | None:
        """How many caches one array would fill; STREAM asks for four."""
        return self.array_bytes / self.cache_bytes if self.cache_bytes else None


@dataclass(frozen=True, slots=True)
class StreamResult:
    """Bytes per second of each kernel with `threads` threads (None on an accelerator)."""

    threads: int | None
    bytes_per_s: dict[str, float]


def choose_size(*, cache_bytes: int | None, free_bytes: int | None, fixed_bytes: int | None = None) -> StreamSize:
    """The array size: `fixed_bytes`, else four caches, but all three within half of the free memory."""
    wanted = fixed_bytes or CACHE_MULTIPLE * (cache_bytes or ASSUMED_CACHE_BYTES)
    if free_bytes is not None:
        wanted = min(wanted, int(free_bytes * MEMORY_SHARE) // ARRAYS)
    return StreamSize(max(_ITEM, wanted // _ITEM * _ITEM), cache_bytes)


def make_arrays(size: StreamSize, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """STREAM's a = 1, b = 2, c = 0, each of shape (array_bytes / 8,), written once so that every page is there."""
    count = size.array_bytes // _ITEM
    a, b, c = (torch.full((count,), start, dtype=torch.float64, device=device) for start in (1.0, 2.0, 0.0))
    return a, b, c


def run_stream(arrays: tuple[Tensor, Tensor, Tensor], *, repeats: int, threads: int | None) -> StreamResult:
    """Time the four kernels in STREAM's order with `threads` threads of torch (None: as they are set)."""
    a, b, c = arrays
    scalar = 3.0
    kernels: dict[str, Callable[[], object]] = {
        "copy": lambda: c.copy_(a),
        "scale": lambda: torch.mul(c, scalar, out=b),
        "add": lambda: torch.add(a, b, out=c),
        "triad": lambda: torch.add(b, c, alpha=scalar, out=a),
    }
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        seconds = time_in_turn(kernels, a.device, count=repeats, warm_up=1)
    finally:
        torch.set_num_threads(before)
    moved = a.numel() * _ITEM
    return StreamResult(threads, {name: ARRAYS_MOVED[name] * moved / min(times) for name, times in seconds.items()})
