"""Torch's work as the counting plugin sees it, beside counts derived by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bench.agent.plugin.bench_pytest_plugin.work import cuda_work, mode
from bench.agent.plugin.bench_pytest_plugin.work.torch_calls import TorchCalls

M, K, N = 64, 32, 16


def counted(action: Callable[[], object]) -> dict[str, Any]:
    counter = TorchCalls()
    counter.begin_test()
    counter.resume()
    action()
    counter.pause()
    torch.ones(3)  # between the phases: not the test's
    counter.end_test()
    return counter.totals()["torch"]


def test_a_matrix_product_s_operators_elements_and_flops() -> None:
    a, b = torch.ones(M, K), torch.ones(K, N, dtype=torch.float32)
    work = counted(lambda: a @ b)
    assert work["calls"] == {"aten::mm": 1}
    assert (work["elements"], work["bytes"], work["flops"]) == (M * N, 4 * M * N, 2 * M * K * N)
    assert work["outputs"] == {"float32 cpu": {"elements": M * N, "bytes": 4 * M * N}}


def test_the_backward_pass_is_two_more_products() -> None:
    a = torch.ones(M, K, dtype=torch.float64, requires_grad=True)
    b = torch.ones(K, N, dtype=torch.float64, requires_grad=True)
    grad = torch.ones(M, N, dtype=torch.float64)
    work = counted(lambda: (a @ b).backward(grad))
    assert work["calls"]["aten::mm"] == 3
    assert work["flops"] == 3 * 2 * M * K * N
    views = {"aten::t", "aten::detach"}
    assert set(work["calls"]) == {"aten::mm", *views}
    # the product, and a gradient of each factor; a view makes nothing
    assert work["elements"] == M * N + M * K + K * N


def test_in_inference_mode_what_is_made_of_others_counts_as_them() -> None:
    x, weight = torch.ones(M, K), torch.ones(N, K)

    def plain() -> None:
        torch.nn.functional.linear(x, weight)

    def inference() -> None:
        with torch.inference_mode():
            torch.nn.functional.linear(x, weight)

    assert counted(inference)["calls"] == counted(plain)["calls"]
    assert counted(inference)["flops"] == 2 * M * K * N


def test_the_digest_tells_shapes_and_types_and_no_order() -> None:
    small, large = torch.ones(4), torch.ones(5)

    def both(first: torch.Tensor, second: torch.Tensor) -> Callable[[], None]:
        return lambda: (first + first, second + second)

    one = counted(both(small, large))
    assert one["digest"] == counted(both(large, small))["digest"]
    assert one["calls"] == counted(both(small, small))["calls"]
    assert one["digest"] != counted(both(small, small))["digest"]
    assert one["digest"] != counted(both(small.double(), large))["digest"]


def test_the_function_that_calls_is_named() -> None:
    class Simulator:
        def run(self, times: int) -> None:
            for _ in range(times):
                torch.nn.Linear(4, 4)(torch.ones(1, 4))

    work = counted(lambda: Simulator().run(3))
    (caller,) = work["callers"]["aten::addmm"]
    assert caller.startswith(f"{__name__}.")
    assert caller.endswith("Simulator.run")
    assert work["callers"]["aten::addmm"] == {caller: 3}


def test_a_tensor_s_kind_that_cannot_be_read_costs_the_sums_and_not_the_test(monkeypatch: Any) -> None:
    def broken(*_: object) -> None:
        raise TypeError

    monkeypatch.setattr(mode.Names, "caller", broken)
    counter = TorchCalls()
    counter.begin_test()
    counter.resume()
    assert torch.equal(torch.ones(2) + 1, torch.full((2,), 2.0))
    counter.pause()
    counter.end_test()
    work = counter.totals()["torch"]
    assert work["flops"] is work["digest"] is None
    assert "TypeError" in counter.unavailable["torch.flops"]


def test_more_kinds_of_calls_than_are_told_apart_leave_the_digest_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(mode, "MAX_KINDS", 2)
    counter = TorchCalls()
    counter.begin_test()
    counter.resume()
    for size in range(5):
        torch.ones(size).neg()
    counter.pause()
    counter.end_test()
    assert counter.totals()["torch"]["digest"] is None
    assert counter.totals()["torch"]["calls"] == {"aten::neg": 5, "aten::ones": 5}
    assert "more kinds" in counter.unavailable["torch.digest"]


def test_a_test_s_own_mode_and_its_results_are_left_as_they_are() -> None:
    from bench.diagnostics.watch import watch_dtypes

    found: list[list[str]] = []
    work = counted(lambda: found.append(watch_dtypes(lambda: torch.ones(2).double() + 1)))
    assert found == [["float32", "float64"]]
    assert work["calls"] == {"aten::_to_copy": 1, "aten::add": 1, "aten::ones": 1}


def test_two_percent_more_of_a_loop_are_two_percent_more_calls() -> None:
    x = torch.ones(8)

    def loop(times: int) -> None:
        for _ in range(times):
            x.mul(2.0)

    assert counted(lambda: loop(102))["calls"] == {"aten::mul": 102}
    assert counted(lambda: loop(100))["calls"] == {"aten::mul": 100}


def test_what_torch_s_profiler_writes_is_what_the_device_s_counter_reads(tmp_path: Path, monkeypatch: Any) -> None:
    """Of the CPU's own activities, without a device: the file, its list of events, and their categories."""
    monkeypatch.setenv("BENCH_WORK_OUT", str(tmp_path))
    profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
    profile.start()
    torch.ones(3).neg()
    profile.stop()
    trace = cuda_work._trace(profile)
    assert "aten::neg" in [event["name"] for event in trace["traceEvents"] if event.get("cat") == "cpu_op"]
    assert cuda_work.parse_trace(trace) == (0, 0)
    assert not list(tmp_path.iterdir())
