"""Diagnostic `bandwidth`: how much of the machine's memory bandwidth the model's images reach, and how that scales."""

from __future__ import annotations

import functools

import pytest
import torch

from .machine import read_free_memory, read_last_level_cache, read_own_cpus
from .metrics import Metrics
from .peak_child import read_pass_peaks
from .settings import Profile, Settings
from .stream import StreamResult, StreamSize, choose_size, make_arrays, run_stream
from .throughput import Passes, least_bytes, measure_passes

# The rule that was approved: the largest image keeps at least half of the smallest one's effective bandwidth.
LEAST_KEPT = 0.5
# Working in blocks, a pass over the largest image needs hardly more than its inputs and its image.
MOST_MEMORY = 3.0
GIGA = 1e9


class Measured:
    """Each measurement of the run, taken when a test first asks for it and shared with the others."""

    def __init__(self, profile: Profile, device: torch.device) -> None:
        self.profile, self.device = profile, device
        self.passes = functools.cache(self._passes)
        self.stream_size = functools.cache(self._stream_size)
        self.stream = functools.cache(self._stream)

    def _passes(self) -> dict[tuple[int, torch.dtype], Passes]:
        dtypes = (torch.float64, torch.float32)
        return measure_passes(self.profile.image_sizes, dtypes, self.device, count=self.profile.passes)

    def _stream_size(self) -> StreamSize:
        if self.device.type == "cuda":
            cache: int | None = torch.cuda.get_device_properties(self.device).L2_cache_size
            free: int | None = torch.cuda.mem_get_info(self.device)[0]
        else:
            cache, free = read_last_level_cache(read_own_cpus()), read_free_memory()
        return choose_size(cache_bytes=cache, free_bytes=free, fixed_bytes=self.profile.stream_bytes)

    def _stream(self) -> dict[str, StreamResult]:
        """By name: `all` threads, and `one` where threads mean anything."""
        arrays = make_arrays(self.stream_size(), self.device)
        threads = {"all": None} if self.device.type == "cuda" else {"one": 1, "all": torch.get_num_threads()}
        repeats = self.profile.stream_repeats
        return {name: run_stream(arrays, repeats=repeats, threads=count) for name, count in threads.items()}


@pytest.fixture(scope="module")
def measured(settings: Settings, device: torch.device) -> Measured:
    """The run's measurements, none taken yet."""
    return Measured(settings.profile, device)


def test_stream(measured: Measured, metrics: Metrics) -> None:
    """STREAM copy, scale, add and triad, on one core and on all, beyond the last-level cache."""
    size = measured.stream_size()
    metrics.add("stream_array_bytes", size.array_bytes, "B")
    times = size.times_cache()
    if times is None:
        metrics.unavailable("stream_array_over_cache", "the machine names no last-level cache")
    else:
        metrics.add("stream_array_over_cache", times, "1")
    for name, result in measured.stream().items():
        for kernel, rate in result.bytes_per_s.items():
            metrics.add(f"stream_{kernel}_{name}", rate / GIGA, "GB/s", "higher")
            assert rate > 0.0


def test_effective_bandwidth(measured: Measured, metrics: Metrics) -> None:
    """GB/s of the model at each size in float64, and their share of the measured triad; the largest keeps half."""
    sizes = measured.profile.image_sizes
    triad = measured.stream()["all"].bytes_per_s["triad"]
    for pixels in sizes:
        passes = measured.passes()[pixels, torch.float64]
        metrics.add(f"bandwidth_{pixels}", passes.bytes_per_s / GIGA, "GB/s", "higher")
        metrics.add(f"bandwidth_{pixels}_share_of_triad", passes.bytes_per_s / triad, "1", "higher")
        metrics.add(f"pass_{pixels}_median_s", passes.median_s, "s", "lower")
        metrics.add(f"pass_{pixels}_variation", passes.variation, "1", "lower")
    smallest, largest = (measured.passes()[pixels, torch.float64].bytes_per_s for pixels in (sizes[0], sizes[-1]))
    kept = largest / smallest
    metrics.add(f"bandwidth_kept_{sizes[-1]}_over_{sizes[0]}", kept, "1", "higher")
    # The rule is about 512² and 2048². The smoke profile has neither, and passes of a millisecond to judge by.
    assert measured.profile.name != "full" or kept >= LEAST_KEPT, (
        f"{sizes[-1]}² reaches {largest / GIGA:.3g} GB/s, {kept:.0%} of {sizes[0]}²'s {smallest / GIGA:.3g} GB/s; "
        f"at least {LEAST_KEPT:.0%} are asked for"
    )


def test_peak_memory(measured: Measured, metrics: Metrics) -> None:
    """Peak memory of one pass beside the least it could be, inputs and image alone."""
    sizes = measured.profile.image_sizes
    over = {}
    for pixels, peak in zip(sizes, read_pass_peaks(sizes), strict=True):
        least = least_bytes(pixels, torch.float64)
        metrics.add(f"memory_{pixels}_least_bytes", least, "B")
        if peak.extra_bytes is None:
            metrics.unavailable(f"memory_{pixels}_peak_bytes", peak.reason)
            continue
        over[pixels] = 1.0 + peak.extra_bytes / least
        metrics.add(f"memory_{pixels}_peak_bytes", least + peak.extra_bytes, "B", "lower")
        metrics.add(f"memory_{pixels}_peak_over_least", over[pixels], "1", "lower")
    # On the small images of the smoke profile the temporaries of one block outweigh the image.
    if measured.profile.name == "full" and sizes[-1] in over:
        assert over[sizes[-1]] <= MOST_MEMORY


def test_float32_against_float64(measured: Measured, metrics: Metrics) -> None:
    """What half the bytes save: time of a float32 pass over that of a float64 one, at each size."""
    for pixels in measured.profile.image_sizes:
        single, double = (measured.passes()[pixels, dtype] for dtype in (torch.float32, torch.float64))
        metrics.add(f"float32_over_float64_{pixels}", single.median_s / double.median_s, "1", "lower")
        metrics.add(f"bandwidth_{pixels}_float32", single.bytes_per_s / GIGA, "GB/s", "higher")
        assert single.least_bytes * 2 == double.least_bytes
