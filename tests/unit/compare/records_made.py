"""Records for the tests, made from keywords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from bench.record.host_id import host_id
from bench.record.schema import (
    Cpu,
    Diagnostic,
    Engine,
    Faults,
    Host,
    HostClass,
    HostState,
    Image,
    Limits,
    Memory,
    Record,
    Run,
    Source,
    Verdict,
)

RYZEN = HostClass(
    cpu_model="AMD Ryzen 9 5950X 16-Core Processor",
    cpu_stepping=0,
    cores=16,
    threads=32,
    memory_bytes=125 * 1024**3,
    kernel="6.14.0",
)
XEON = HostClass(
    cpu_model="Intel(R) Xeon(R) CPU @ 2.20GHz", cores=1, threads=2, memory_bytes=8 * 1024**3, kernel="6.1.0"
)
SIX = (839.14, 844.15, 844.94, 845.68, 846.68, 900.02)


def replace(struct: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(struct, **changes)


def record(
    walls: Sequence[float | None] = (100.0,),
    *,
    name: str = "grad_cpu",
    id: str = "a",  # noqa: A002
    **changes: Any,
) -> Record:
    """A record; ``changes`` name fields of the record, of its diagnostic, engine, limits, host class or host state."""
    limits = Limits(
        **{key: changes.pop(key) for key in ("cpus", "cpuset", "memory_bytes", "threads", "pids") if key in changes}
    )
    state = HostState(
        **{
            key: changes.pop(key)
            for key in ("governor", "boost", "thp", "load", "steal_ratio", "frequency_hz")
            if key in changes
        }
    )
    host_class = changes.pop("host_class", RYZEN)
    outcome = changes.pop("outcome", "passed")
    runs = changes.pop("runs", None) or tuple(
        Run(index=index, outcome=outcome, wall_s=wall) for index, wall in enumerate(walls)
    )
    source = changes.pop("source", Source("catalog", sha256="5" * 64))
    image = changes.pop("image", Image("bench-cpu", None, None, None, "f" * 64, "3.13.5", "2.7.1+cpu"))
    return Record(
        id=id,
        stamp=changes.pop("stamp", "20251015T134434Z"),
        outcome=outcome,
        diagnostic=Diagnostic(
            name=name,
            node=changes.pop("node", "test_grad.py::test_gradient_stability"),
            device=changes.pop("device", "cpu"),
            profile=changes.pop("profile", "full"),
            ceiling_s=changes.pop("ceiling_s", 905.0),
            timeout_s=changes.pop("timeout_s", 1200.0),
            source=source,
            params=changes.pop("params", {}),
        ),
        image=image,
        engine=Engine(changes.pop("engine", "docker"), "26", 2, changes.pop("security", {}), limits),
        host=Host(host_id(host_class), host_class, state, changes.pop("after", HostState())),
        runs=runs,
        verdict=Verdict("ok"),
        **changes,
    )


def phase_d() -> Record:
    """The Phase D run of the design's table, as an import gives it."""
    run = Run(
        index=0,
        outcome="passed",
        exit_code=0,
        wall_s=844.94,
        cpu=Cpu(user_s=5167.74, system_s=5772.58),
        memory=Memory(max_rss_bytes=8844712 * 1024),
        faults=Faults(minor=1065734110, major=0),
    )
    return record(runs=(run,), id="phase_d", source=Source("imported"), image=None, engine="native")
