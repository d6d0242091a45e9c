"""Records to test with."""

from __future__ import annotations

from typing import Any

import msgspec

from bench.names import record_id
from bench.record.host_id import host_id
from bench.record.schema import (
    Cpu,
    Diagnostic,
    Engine,
    Host,
    HostClass,
    Memory,
    Record,
    Run,
    Source,
    Verdict,
)
from bench.record.schema import TestResult as Node

HOST_CLASS = HostClass(cpu_model="Test CPU", threads=2)
HOST = host_id(HOST_CLASS)
OTHER_CLASS = HostClass(cpu_model="Other", threads=4)
OTHER = host_id(OTHER_CLASS)
STAMP = "20260102T030405Z"


def make_run(index: int = 0, **changes: Any) -> Run:
    run = Run(
        index=index,
        outcome="passed",
        exit_code=0,
        wall_s=10.5,
        pytest_s=10.0,
        effective_timeout_s=60.0,
        cpu=Cpu(user_s=12.0, system_s=3.0, total_s=15.0, throttled_s=0.0),
        memory=Memory(peak_bytes=4 * 1024**3, anon_peak_bytes=3 * 1024**3, max_rss_bytes=2 * 1024**3),
        tests=(Node("test_x.py::test_y", "passed", 0.1, 9.5, 0.2),),
    )
    return msgspec.structs.replace(run, **changes)


def make_record(
    *,
    stamp: str = STAMP,
    host: HostClass | Host = HOST_CLASS,
    name: str = "grad_cpu",
    runs: tuple[Run, ...] | None = None,
    **changes: Any,
) -> Record:
    found = host if isinstance(host, Host) else Host(host_id(host), host)
    record = Record(
        id=record_id(found.id, name, stamp),
        stamp=stamp,
        outcome="passed",
        diagnostic=Diagnostic(name, "test_x.py::test_y", "cpu", "full", 20.0, 60.0, Source("catalog")),
        engine=Engine("local", "1", 1),
        host=found,
        runs=(make_run(),) if runs is None else runs,
        verdict=Verdict("ok"),
    )
    return msgspec.structs.replace(record, **changes)
