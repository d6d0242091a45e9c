"""Records for the tests: one builder, and the few records that it starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bench.names import record_id
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
from bench.record.schema import TestResult as Node

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
HOST_CLASS = HostClass(cpu_model="Test CPU", threads=2)
HOST = host_id(HOST_CLASS)
OTHER_CLASS = HostClass(cpu_model="Other", threads=4)
OTHER = host_id(OTHER_CLASS)
STAMP = "20260102T030405Z"
SIX = (839.14, 844.15, 844.94, 845.68, 846.68, 900.02)
"""Seconds that six runs of the design's table took."""

_INNER: Mapping[str, str] = {
    field: f"{part}.{field}"
    for part, struct in (("diagnostic", Diagnostic), ("engine.limits", Limits), ("host.before", HostState))
    for field in struct.__struct_fields__
} | {"security": "engine.security", "after": "host.after"}
"""Fields of a record's parts that are changed by their own names."""


def replace(struct: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(struct, **changes)


def changed(record: Record, **changes: Any) -> Record:
    """The record with other values: of its fields, or of those of its diagnostic, limits or host before.

    A host may be given as its class alone and an engine as its name; ``host_class`` leaves the host's state as it was.
    """
    for name, value in changes.items():
        match name, value:
            case "host", HostClass():
                record = replace(record, host=Host(host_id(value), value))
            case "host_class", _:
                record = replace(record, host=replace(record.host, id=host_id(value), class_=value))
            case "engine", str():
                record = _set(record, ["engine", "name"], value)
            case _:
                record = _set(record, _INNER.get(name, name).split("."), value)
    return record


def _set(struct: Any, path: Sequence[str], value: Any) -> Any:
    name, *rest = path
    return replace(struct, **{name: _set(getattr(struct, name), rest, value) if rest else value})


MEASURED = Record(
    id="a",
    stamp="20251015T134434Z",
    outcome="passed",
    diagnostic=Diagnostic(
        "grad_cpu",
        "test_grad.py::test_gradient_stability",
        "cpu",
        "full",
        905.0,
        1200.0,
        Source("catalog", sha256="5" * 64),
    ),
    image=Image("bench-cpu", None, None, None, "f" * 64, "3.13.5", "2.7.1+cpu"),
    engine=Engine("docker", "26", 2),
    host=Host(host_id(RYZEN), RYZEN),
    verdict=Verdict("ok"),
)
"""Without a run: what a comparison asks for, and no more."""
KEPT = changed(
    MEASURED,
    node="test_x.py::test_y",
    ceiling_s=20.0,
    timeout_s=60.0,
    source=Source("catalog"),
    image=None,
    engine=Engine("local", "1", 1),
    host=HOST_CLASS,
)
"""Without a run, an id and a stamp: small, as bundles hold it."""


def record(walls: Sequence[float | None] = (100.0,), **changes: Any) -> Record:
    """A record to compare, of runs that took so long and ended as the record did; ``changes`` as :func:`changed` has them."""
    outcome = changes.get("outcome", "passed")
    runs = tuple(Run(index=index, outcome=outcome, wall_s=wall) for index, wall in enumerate(walls))
    return changed(MEASURED, **{"runs": runs, **changes})


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
    return replace(run, **changes)


def make_record(
    *,
    stamp: str = STAMP,
    host: HostClass | Host = HOST_CLASS,
    name: str = "grad_cpu",
    runs: tuple[Run, ...] | None = None,
    **changes: Any,
) -> Record:
    """A record to keep, whose id is that of its place; ``changes`` as :func:`changed` has them."""
    made = changed(KEPT, stamp=stamp, host=host, name=name, runs=(make_run(),) if runs is None else runs)
    return changed(made, **{"id": record_id(made.host.id, name, stamp), **changes})


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
