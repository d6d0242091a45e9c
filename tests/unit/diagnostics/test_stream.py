"""STREAM's sizes, and that its kernels compute what STREAM's do."""

from __future__ import annotations

import pytest
import torch

from bench.diagnostics import stream
from bench.diagnostics.stream import choose_size, make_arrays, run_stream

CPU = torch.device("cpu")
MIB = 1 << 20


def test_arrays_are_four_caches_where_memory_allows() -> None:
    size = choose_size(cache_bytes=260 * MIB, free_bytes=100 << 30)
    assert size.array_bytes == 4 * 260 * MIB
    assert size.times_cache() == 4.0


def test_all_three_arrays_fit_into_half_of_the_free_memory() -> None:
    size = choose_size(cache_bytes=260 * MIB, free_bytes=600 * MIB)
    assert size.array_bytes == 100 * MIB
    assert size.times_cache() == pytest.approx(100 / 260)


def test_unknown_cache_and_memory() -> None:
    size = choose_size(cache_bytes=None, free_bytes=None)
    assert size.array_bytes == 4 * stream.ASSUMED_CACHE_BYTES
    assert size.times_cache() is None


def test_a_fixed_size_yields_to_memory_only() -> None:
    assert choose_size(cache_bytes=1 << 30, free_bytes=1 << 30, fixed_bytes=32 * MIB).array_bytes == 32 * MIB
    assert choose_size(cache_bytes=1 << 30, free_bytes=60 * MIB, fixed_bytes=32 * MIB).array_bytes == 10 * MIB


def test_kernels_compute_what_streams_do() -> None:
    arrays = make_arrays(choose_size(cache_bytes=None, free_bytes=None, fixed_bytes=8000), CPU)
    assert [array.shape for array in arrays] == [(1000,)] * 3
    run_stream(arrays, repeats=2, threads=1)
    a, b, c = 1.0, 2.0, 0.0
    # Each kernel once by itself to warm up, then two rounds of all four; scalars stand for whole arrays.
    for _ in range(1 + 2):
        c = a
        b = 3.0 * c
        c = a + b
        a = b + 3.0 * c
    assert [array.unique().tolist() for array in arrays] == [[a], [b], [c]]


def test_rates_count_bytes_as_stream_does_and_threads_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []

    def slow(actions, device, *, count, warm_up):  # type: ignore[no-untyped-def]
        used.append(torch.get_num_threads())
        return {name: [4.0, 2.0, 3.0] for name in actions}

    monkeypatch.setattr(stream, "time_in_turn", slow)
    before = torch.get_num_threads()
    result = run_stream(
        make_arrays(choose_size(cache_bytes=None, free_bytes=None, fixed_bytes=8000), CPU), repeats=3, threads=1
    )
    assert result.bytes_per_s == {"copy": 8000.0, "scale": 8000.0, "add": 12000.0, "triad": 12000.0}
    assert used == [1]
    assert torch.get_num_threads() == before
