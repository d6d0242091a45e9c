"""Passes over images, their least traffic, and their peak memory against allocations of known size."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from bench.diagnostics import peak, peak_child
from bench.diagnostics.peak import PeakReading, measure_peak, parse_status
from bench.diagnostics.throughput import Passes, least_bytes, make_pass, measure_pass_peak, measure_passes

CPU = torch.device("cpu")
MIB = 1 << 20
CAN_RESET = peak.PROC_SELF.joinpath("clear_refs").exists()


def test_least_bytes_are_five_numbers_a_pixel() -> None:
    assert least_bytes(1024, torch.float64) == 40 * MIB
    assert least_bytes(1024, torch.float32) == 20 * MIB


def test_figures_of_passes() -> None:
    passes = Passes(100, (1.0, 4.0, 2.0, 2.0), 400000)
    assert passes.median_s == 2.0
    assert passes.bytes_per_s == 200000.0
    assert passes.variation == pytest.approx(1.2583057392117916 / 2.25)


def test_passes_are_measured_for_every_size_and_dtype() -> None:
    found = measure_passes((8, 16), (torch.float64, torch.float32), CPU, count=3)
    assert set(found) == {(8, torch.float64), (8, torch.float32), (16, torch.float64), (16, torch.float32)}
    assert all(len(passes.seconds) == 3 and passes.bytes_per_s > 0 for passes in found.values())


def test_a_pass_covers_the_same_area_at_every_size() -> None:
    """Solid angle times intensity adds up to about the same, however finely the area is divided."""
    coarse, fine = (make_pass(pixels, torch.float64, CPU)() for pixels in (256, 512))
    assert isinstance(coarse, torch.Tensor)
    assert isinstance(fine, torch.Tensor)
    assert fine.shape == (512, 512)
    assert fine.sum().item() == pytest.approx(coarse.sum().item(), rel=0.05)


@pytest.mark.skipif(not CAN_RESET, reason="the kernel has no /proc/self/clear_refs")
def test_peak_sees_what_was_allocated_and_freed_again() -> None:
    reading = measure_peak(lambda: torch.ones(64 * MIB // 8, dtype=torch.float64).sum(), CPU)
    assert reading.extra_bytes is not None
    assert 60 * MIB < reading.extra_bytes < 90 * MIB


def test_peak_that_cannot_be_read_has_a_reason(tmp_path: Path) -> None:
    done: list[bool] = []
    reading = measure_peak(lambda: done.append(True), CPU, proc=tmp_path / "absent")
    assert reading.extra_bytes is None
    assert "cannot be set back" in reading.reason
    (tmp_path / "status").write_text("Name: x\n")
    reading = measure_peak(lambda: done.append(True), CPU, proc=tmp_path)
    assert reading.extra_bytes is None
    assert "does not say" in reading.reason
    assert done == [True, True]


def test_peak_is_never_negative(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("VmHWM:\t   90 kB\nVmRSS:\t  100 kB\n")
    assert measure_peak(lambda: None, CPU, proc=tmp_path).extra_bytes == 0


def test_peak_on_cuda_is_the_allocators(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: events.append("wait"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: events.append("reset"))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 100)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 175)
    reading = measure_peak(lambda: events.append("work"), torch.device("cuda"))
    assert reading.extra_bytes == 75
    assert events == ["wait", "reset", "work", "wait"]


def test_status_is_parsed_by_its_sizes() -> None:
    text = "Name:\tpython\nVmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\nThreads:\t3\n"
    assert parse_status(text) == {"VmHWM": 2048 * 1024, "VmRSS": 1024 * 1024}


def test_a_pass_in_blocks_takes_little_more_than_a_block() -> None:
    """A block's temporaries are 3 MiB each; without blocks those of an image alone would be five times 24 MiB."""
    reading = measure_pass_peak(1024, CPU)
    assert reading.extra_bytes is None or reading.extra_bytes < 60 * MIB


def test_child_answers_for_each_size_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_THREADS", str(torch.get_num_threads()))
    monkeypatch.setenv("BENCH_DEVICE", "cpu")
    readings = json.loads(peak_child.main(["8", "16"]))
    assert [set(reading) for reading in readings] == [{"extra_bytes", "reason"}] * 2


def test_a_failing_child_is_an_error_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho Traceback >&2\necho 'MemoryError: no room' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(RuntimeError, match=r"ended with 3: MemoryError: no room"):
        peak_child.read_pass_peaks([8])


def test_the_childs_answer_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "python"
    other.write_text("""#!/bin/sh
[ "$1 $2" = "-m bench.diagnostics.peak_child" ] || exit 9
echo '[{"extra_bytes": '$3', "reason": ""}, {"extra_bytes": null, "reason": "'${PYTHONPATH%%:*}'"}]'
""")
    other.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(other))
    root = str(Path(peak_child.__file__).resolve().parents[2])
    assert peak_child.read_pass_peaks([8, 16]) == [PeakReading(8), PeakReading(None, root)]
