"""Results to make pages of: records with all that a page shows, and the samples of their runs."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from bench.record.schema import (
    Calibration,
    ContextSwitches,
    Cpu,
    Diagnostic,
    Engine,
    Faults,
    Host,
    HostClass,
    HostState,
    Image,
    Io,
    Limits,
    Memory,
    Record,
    Run,
    Source,
    TestResult,
    Verdict,
    Warning_,
)

GIB = 1024**3
DIAGNOSTICS = {"grad_cpu": (845.0, 905.0), "bandwidth_cpu": (62.0, 90.0), "dtype_cpu": (21.0, 40.0)}
"""Seconds that each takes, and its ceiling."""
_NODE = "tests/test_gradients.py::test_stability"


def stamps(count: int) -> list[str]:
    """Stamps of results 18 hours apart."""
    first = datetime(2026, 10, 1, 6, tzinfo=UTC)
    return [(first + timedelta(hours=18 * at)).strftime("%Y%m%dT%H%M%SZ") for at in range(count)]


def record(name: str, host: str, stamp: str, runs: int = 5) -> Record:
    """A result of ``runs`` passed runs that scatter by half a percent.

    Args:
        name: one of :data:`DIAGNOSTICS`.
        host: the host's id; each has its own speed and microcode.
        stamp: when it was.
        runs: how many.
    """
    rng = random.Random(f"{name}{host}{stamp}")
    speed = random.Random(host).uniform(1.0, 1.5)
    reference, ceiling = DIAGNOSTICS[name]
    made = tuple(_run(at, reference * speed * rng.lognormvariate(0.0, 0.005), rng) for at in range(runs))
    slowest = max(run.wall_s or 0.0 for run in made)
    status, reason = "over_ceiling" if slowest > ceiling else "ok", f"slowest run {slowest:.2f} s, ceiling {ceiling} s"
    state = HostState(0.4, "schedutil", True, 3.4e9, 41.0, "madvise", 0)
    microcode = f"{random.Random(host).randrange(2**32):#x}"
    return Record(
        id=f"{host}/{name}/{stamp}",
        stamp=stamp,
        outcome="passed",
        unavailable={},
        diagnostic=Diagnostic(
            name, _NODE, "cpu", "full", ceiling, 1200.0, Source("catalog", "8f2c31a", False, "a" * 64)
        ),
        image=Image("bench-cpu", "sha256:" + "1" * 64, "python:3.13", "2" * 64, "3" * 64, "3.13.5", "2.7.1+cpu"),
        engine=Engine("docker", "28.3.2", 2, {"seccomp": "default"}, Limits(pids=512)),
        host=Host(host, HostClass("AMD EPYC 7763", 1, microcode, 16, 32, 1, 64 * GIB, "6.8.0", "kvm"), state, state),
        calibration=Calibration({"one_core_s": 1.02 * speed}, {"one_core_s": 1.04 * speed}),
        runs=made,
        verdict=Verdict(status, (reason,), ceiling - slowest),
    )


def _run(index: int, wall_s: float, rng: random.Random) -> Run:
    busy, throttled = wall_s * rng.uniform(3, 4), wall_s * rng.uniform(0.01, 0.06)
    during = {
        "window_s": wall_s,
        "others_cpus": 0.2,
        "steal_ratio": 0.0,
        "load_max": 4.5,
        "frequency_min_hz": 3.4e9,
        "frequency_max_hz": 4.1e9,
        "temperature_max_c": 78.0,
        "swapped_bytes": 0,
        "pressure_cpu_ratio": 0.02,
        "pressure_io_ratio": 0.001,
    }
    return Run(
        index=index,
        outcome="passed",
        exit_code=0,
        started_at="2026-11-02T08:00:00Z",
        wall_s=wall_s,
        effective_timeout_s=1200.0,
        cpu=Cpu(busy * 0.47, busy * 0.53, busy, round(wall_s * 10), round(throttled * 10), throttled, throttled, 0.0),
        memory=Memory(8 * GIB, int(7.4 * GIB), int(7.6 * GIB), 0, 12 * GIB, 0, wall_s * 0.004),
        faults=Faults(int(busy * 97_000), 12),
        context_switches=ContextSwitches(282_537, 38_740),
        io=Io(12_000_000, 212_992, wall_s * 0.002),
        pids_peak=37,
        tests=(TestResult(_NODE, "passed", 0.2, wall_s * 0.97, 0.01, 905.0, wall_s * 0.02),),
        warnings=(Warning_("host_loaded", "load average 3.1 before the run", 3.1, None),) if index == 1 else (),
        host_during=during,
    )


def samples(wall_s: float) -> str:
    """A ``samples.csv`` of a run with a sample a second, all of whose readings move."""
    rng = random.Random(1)
    names = ("cpu_user_s", "cpu_system_s", "throttled_s", "cpu_pressure_some_s", "memory_pressure_some_s")
    rates = (1.6, 1.8, 0.04, 0.05, 0.004)
    totals = [0.0] * len(names)
    rows = [f"t_s,{','.join(names)},memory_bytes,anon_bytes,pids"]
    for at in range(1, int(wall_s) + 1):
        pace = rng.uniform(0.5, 1.5)
        totals = [total + rate * pace for total, rate in zip(totals, rates, strict=True)]
        anon = int(7.4 * GIB * (0.25 + 0.75 * (at * 7 % 846) / 846) * rng.uniform(0.9, 1.0))
        rows.append(
            f"{at},{','.join(f'{total:.4f}' for total in totals)},{int(anon * 1.05)},{anon},{rng.randint(30, 37)}"
        )
    return "\n".join(rows) + "\n"
