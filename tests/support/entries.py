"""Synthetic records that look like real ones: several machines, statuses, runs and sampled timelines."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bench.record.schema import (
    Calibration,
    ContextSwitches,
    Cpu,
    Engine,
    Faults,
    Host,
    HostClass,
    HostState,
    Image,
    Io,
    Limits,
    Memory,
    Metric,
    Record,
    Run,
    Source,
    TestResult,
    Verdict,
    Warning_,
)
from bench.report.entry import Entry
from tests.support.records import MEASURED, changed

GIB = 1024**3
CLASSES = {
    "ryzen9-5950x-1f3a": HostClass(
        "AMD Ryzen 9 5950X 16-Core Processor", 2, "0xa20120e", 16, 32, 1, 67_300_000_000, "6.14.0", "none"
    ),
    "xeon-8488c-77be": HostClass(
        "Intel(R) Xeon(R) Platinum 8488C", 8, "0x2b0005c0", 2, 4, 1, 16_500_000_000, "6.8.0", "kvm"
    ),
    "epyc-7763-a01c": HostClass(
        "AMD EPYC 7763 64-Core Processor", 1, "0xa0011d5", 2, 4, 1, 16_700_000_000, "6.8.0", "microsoft"
    ),
    "m-laptop-90d2": HostClass(
        "13th Gen Intel(R) Core(TM) i7-1365U", 3, "0x4121", 10, 12, 1, 33_300_000_000, "6.12.9", "none"
    ),
}
SPEEDS = {"ryzen9-5950x-1f3a": 1.0, "xeon-8488c-77be": 1.31, "epyc-7763-a01c": 1.42, "m-laptop-90d2": 1.18}
DIAGNOSTICS = {
    "grad_cpu": ("cpu", 845.0, 905.0, 1200.0),
    "bandwidth_cpu": ("cpu", 62.0, 90.0, 180.0),
    "dtype_cpu": ("cpu", 21.0, 40.0, 120.0),
    "grad_cuda": ("cuda", 48.0, 60.0, 180.0),
}


def _synthetic_run(index: int, wall_s: float, cpus: float, rng: random.Random, **changes: Any) -> Run:
    """One run whose counters fit together."""
    busy = wall_s * cpus * rng.uniform(0.78, 0.84)
    throttled = wall_s * rng.uniform(0.01, 0.06)
    run = Run(
        index=index,
        outcome="passed",
        exit_code=0,
        started_at="2026-11-02T08:00:00Z",
        wall_s=wall_s,
        effective_timeout_s=1200.0,
        cpu=Cpu(
            busy * 0.47, busy * 0.53, busy, round(wall_s * 10), round(throttled * 10), throttled, throttled * 1.2, 0.0
        ),
        memory=Memory(8 * GIB, int(7.4 * GIB), int(7.6 * GIB), 0, 12 * GIB, 0, wall_s * 0.004),
        faults=Faults(int(busy * 97_000), 12),
        context_switches=ContextSwitches(282_537, 38_740),
        io=Io(12_000_000, 212_992, wall_s * 0.002),
        pids_peak=37,
        tests=(
            TestResult(
                "tests/test_gradients.py::test_stability", "passed", 0.2, wall_s * 0.97, 0.01, 905.0, wall_s * 0.02
            ),
        ),
        metrics={"max_gradient_error": Metric(3.1e-7, "1", "lower"), "rate": Metric(1.2e9 / wall_s, "B/s", "higher")},
        warnings=(Warning_("host_loaded", "load average 3.1 before the run", 3.1, None),) if index == 1 else (),
        pytest_s=wall_s * 0.985,
        host_during={
            "window_s": wall_s,
            "others_cpus": 0.2,
            "steal_ratio": 0.0,
            "stolen_s": 0.0,
            "load_max": cpus + 0.5,
            "frequency_min_hz": 3.4e9,
            "frequency_max_hz": 4.1e9,
            "temperature_max_c": 78.0,
            "swapped_bytes": 0,
            "throttle_events": None,
            "pressure_cpu_ratio": 0.02,
            "pressure_memory_ratio": 0.0,
            "pressure_io_ratio": 0.001,
        },
    )
    return msgspec.structs.replace(run, **changes)


def make_samples(run: Run, rng: random.Random, step_s: float = 1.0) -> str:
    """A ``samples.csv`` whose totals are the run's."""
    wall = run.wall_s or 0.0
    count = max(int(wall / step_s), 2)
    rows = [
        "t_s,cpu_user_s,cpu_system_s,throttled_s,memory_bytes,anon_bytes,file_bytes,swap_bytes,cpu_pressure_some_s,memory_pressure_some_s,pids"
    ]
    weights = [rng.uniform(0.5, 1.5) * (0.2 if i < count * 0.02 else 1.0) for i in range(count)]
    total, done = sum(weights), 0.0
    for i in range(count):
        done += weights[i] / total
        anon = (run.memory.anon_peak_bytes or GIB) * (0.25 + 0.75 * ((i * 7 % count) / count)) * rng.uniform(0.9, 1.0)
        user, system = (run.cpu.user_s or 0.0) * done, (run.cpu.system_s or 0.0) * done
        pressure = (run.cpu.pressure_some_s or 0.0) * done
        rows.append(
            f"{(i + 1) * wall / count:.3f},{user:.3f},{system:.3f},{(run.cpu.throttled_s or 0) * done:.4f},{int(anon * 1.05)},"
            f"{int(anon)},{int(anon * 0.05)},0,{pressure:.4f},{(run.memory.pressure_some_s or 0) * done:.5f},{rng.randint(30, 37)}"
        )
    return "\n".join(rows) + "\n"


def synthetic_record(
    name: str = "grad_cpu",
    host: str = "ryzen9-5950x-1f3a",
    *,
    stamp: str = "20261102T080000Z",
    runs: int = 3,
    seed: int = 1,
    scale: float = 1.0,
    noise: float = 0.006,
    **changes: Any,
) -> Record:
    """One result; ``changes`` as :func:`tests.support.records.changed` has them."""
    rng = random.Random(f"{name}{host}{stamp}{seed}")
    device, reference, ceiling, timeout = DIAGNOSTICS[name]
    class_ = CLASSES[host]
    wall = reference * SPEEDS[host] * scale
    cpus = min(class_.threads or 2, 13)
    made = tuple(_synthetic_run(index, wall * rng.lognormvariate(0.0, noise), cpus, rng) for index in range(runs))
    slowest = max((run.wall_s or 0.0 for run in made), default=0.0)
    record = changed(
        MEASURED,
        id=f"{host}/{name}/{stamp}",
        stamp=stamp,
        unavailable={"runs[0].cpu.pressure_full_s": "cgroup v1 has no pressure file"},
        name=name,
        node="tests/test_gradients.py::test_stability",
        device=device,
        ceiling_s=ceiling,
        timeout_s=timeout,
        source=Source("catalog", "8f2c31a", False, "ab" * 32),
        image=Image("bench-cpu", "sha256:" + "1" * 64, "python:3.13-slim", "2" * 64, "3f" * 32, "3.13.5", "2.7.1+cpu"),
        engine=Engine("docker", "28.3.2", 2, {"seccomp": "default"}, Limits(pids=512)),
        host=Host(
            host,
            class_,
            HostState(0.4, "schedutil", True, 3.4e9, 41.0, "madvise", 0),
            HostState(9.8, "schedutil", True, 4.1e9, 78.0, "madvise", 0),
        ),
        calibration=Calibration({"one_core_s": 1.02 * SPEEDS[host]}, {"one_core_s": 1.04 * SPEEDS[host]}),
        runs=made,
        verdict=Verdict(
            "over_ceiling" if slowest > ceiling else "ok",
            (f"slowest run {slowest:.2f} s, ceiling {ceiling:.0f} s",),
            ceiling - slowest,
        ),
        tool={"name": "bench", "version": "0.1.0"},
        environ={"MALLOC_ARENA_MAX": "2"},
    )
    return changed(record, **changes)


def limited(record: Record, **limits: Any) -> Record:
    """The same under limits, as ``--cpus`` and ``--memory`` set them; without them a record has none."""
    return changed(record, **limits)


def with_tests(nodes: Sequence[str], *, outcome: str = "passed", uneven: bool = False) -> Run:
    """A run of these tests, which fill nine tenths of it."""
    run = synthetic_record(runs=1).runs[0]
    lengths = [1.0 + (at % 7 if uneven else 0) for at in range(len(nodes))]
    scale = 0.9 * (run.wall_s or 0.0) / sum(lengths)
    tests = tuple(TestResult(node, outcome, 0.0, scale * size, 0.0) for node, size in zip(nodes, lengths, strict=True))
    return msgspec.structs.replace(run, tests=tests)


def make_entry(*args: Any, sampled: bool = True, step_s: float = 1.0, **kwargs: Any) -> Entry:
    """A record with the samples of its runs."""
    record = synthetic_record(*args, **kwargs)
    rng = random.Random(record.id)
    samples = {run.index: make_samples(run, rng, step_s) for run in record.runs} if sampled else {}
    return Entry(record, f"results/{record.id}", samples)


def stamps(count: int, start: str = "20261001T060000Z", hours: float = 18.0) -> list[str]:
    """Stamps ``hours`` apart."""
    first = datetime.strptime(start, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return [(first + timedelta(hours=hours * index)).strftime("%Y%m%dT%H%M%SZ") for index in range(count)]


def make_entries(history: int = 6, *, sampled: bool = True) -> list[Entry]:
    """Three diagnostics on four machines, with a history, and one result of each bad kind."""
    entries = []
    for name in ("grad_cpu", "bandwidth_cpu", "dtype_cpu"):
        for host in CLASSES:
            for index, stamp in enumerate(stamps(history)):
                last = index == history - 1
                scale = 1.09 if last and (name, host) == ("bandwidth_cpu", "ryzen9-5950x-1f3a") else 1.0
                entries.append(make_entry(name, host, stamp=stamp, scale=scale, noise=0.01, sampled=sampled and last))
    return entries + bad_entries()


def bad_entries() -> list[Entry]:
    """A timeout, a memory kill, a failing test and a result that was not measured."""
    base = synthetic_record("grad_cpu", "m-laptop-90d2", stamp="20261103T090000Z", runs=1)
    slow = msgspec.structs.replace(
        base.runs[0],
        outcome="timed_out",
        exit_code=None,
        signal=15,
        wall_s=1200.0,
        signature="Timeout: test_stability after 1200 s",
    )
    killed = msgspec.structs.replace(base.runs[0], outcome="oom_killed", signal=9, exit_code=None, wall_s=14.2)
    failed = msgspec.structs.replace(
        base.runs[0],
        outcome="failed",
        exit_code=1,
        wall_s=33.0,
        signature="AssertionError: gradient error 2.1e-3 > 1e-5",
    )

    def entry(host: str, name: str, run: Run | None, outcome: str, reason: str) -> Entry:
        record = synthetic_record(name, host, stamp="20261103T090000Z", runs=0)
        return Entry(
            msgspec.structs.replace(
                record,
                outcome=outcome,
                runs=(run,) if run else (),
                verdict=Verdict("not_measured", (reason,)),
                image=record.image if run else None,
            ),
            f"results/{record.id}",
        )

    return [
        entry("m-laptop-90d2", "grad_cpu", slow, "timed_out", "stopped at 1200 s"),
        entry("epyc-7763-a01c", "bandwidth_cpu", killed, "oom_killed", "killed at 12 GiB"),
        entry("xeon-8488c-77be", "dtype_cpu", failed, "failed", "its own test failed"),
        entry("ryzen9-5950x-1f3a", "grad_cuda", None, "not_measured", "no GPU: nvidia-smi not found"),
    ]
