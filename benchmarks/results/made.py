"""Results to measure with: records of five runs that differ in their numbers, as many as are asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench.names import record_id
from bench.record.codec import encode
from bench.record.host_id import host_id
from bench.record.schema import (
    Cpu,
    Diagnostic,
    Engine,
    Faults,
    Host,
    HostClass,
    Image,
    Memory,
    Record,
    Run,
    Source,
    TestResult,
    Verdict,
)
from bench.record.unavailable import with_reasons

HOSTS = 10
DIAGNOSTICS = 5
RUNS = 5
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def hosts() -> list[Host]:
    """The machines that the results are of."""
    classes = [HostClass(cpu_model="Test CPU", threads=2 + at, cores=1 + at, memory_bytes=2**34) for at in range(HOSTS)]
    return [Host(host_id(one), one) for one in classes]


def record_of(at: int, tests: int = 3) -> Record:
    """The result of a number: always the same one."""
    rng = random.Random(at)
    host = hosts()[at % HOSTS]
    name = f"made{at // HOSTS % DIAGNOSTICS}_cpu"
    stamp = (_FIRST + timedelta(minutes=10 * at)).strftime("%Y%m%dT%H%M%SZ")
    runs = tuple(_run(index, rng, tests) for index in range(RUNS))
    made = Record(
        id=record_id(host.id, name, stamp),
        stamp=stamp,
        outcome="passed",
        diagnostic=Diagnostic(name, "test_x.py", "cpu", "full", 905.0, 1200.0, Source("catalog", sha256="5" * 64)),
        image=Image("bench-cpu", None, None, None, "f" * 64, "3.13.5", "2.7.1+cpu"),
        engine=Engine("docker", "26", 2),
        host=host,
        runs=runs,
        runs_asked=RUNS,
        verdict=Verdict("ok"),
    )
    return with_reasons(made)


def _run(index: int, rng: random.Random, tests: int) -> Run:
    wall = rng.lognormvariate(0, 0.02) * 10
    return Run(
        index=index,
        outcome="passed",
        exit_code=0,
        started_at="2026-01-01T00:00:00.000+00:00",
        wall_s=wall,
        pytest_s=wall - 0.5,
        effective_timeout_s=1200.0,
        cpu=Cpu(user_s=wall * 0.9, system_s=wall * 0.1, total_s=wall),
        memory=Memory(peak_bytes=rng.randrange(2**30), anon_peak_bytes=rng.randrange(2**30)),
        faults=Faults(minor=rng.randrange(10**6), major=0),
        tests=tuple(
            TestResult(f"test_x.py::test_work[{test}]", "passed", rng.random() / 100, wall / tests, rng.random() / 100)
            for test in range(tests)
        ),
        sources={f"cpu.{name}_s": "cgroup v2" for name in ("user", "system", "total")},
    )


def texts(count: int, *, first: int = 0, old: bool = False) -> Iterator[tuple[str, bytes]]:
    """Each result's place and its ``record.json``.

    A few are made by the program's own writer; the others are those with another stamp, and another wall time.

    Args:
        count: how many.
        first: the number of the first.
        old: as the first versions wrote them: indented, a reason for each null of its own.
    """
    patterns: dict[int, tuple[Record, bytes]] = {}
    for at in range(first, first + count):
        kind = at % (HOSTS * DIAGNOSTICS)
        if kind not in patterns:
            made = record_of(kind)
            patterns[kind] = made, _as_first(made) if old else encode(made)
        pattern, original = patterns[kind]
        stamp = (_FIRST + timedelta(minutes=10 * at)).strftime("%Y%m%dT%H%M%SZ")
        text = original.replace(pattern.stamp.encode(), stamp.encode())
        wall = repr(pattern.runs[0].wall_s).encode()
        yield (
            record_id(pattern.host.id, pattern.diagnostic.name, stamp),
            text.replace(wall, repr(10 + at % 997 / 7919).encode(), 1),
        )


def _as_first(record: Record) -> bytes:
    """As the first versions did, and no shorter than 75 KB: they had more to explain."""
    document = msgspec.to_builtins(record)
    missing = 75_000 - len(msgspec.json.format(msgspec.json.encode(document), indent=2))
    line = "the kernel does not say what the group did there, since it keeps no such file (usual in a VM)"
    for number in range(max(missing, 0) // (len(line) + 60)):
        document["unavailable"][f"runs[{number % RUNS}].host_during.other_{number:04}_ratio_max"] = line
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def write(folder: Path, count: int, *, first: int = 0, old: bool = False) -> int:
    """Write results into a folder; returns the bytes of their records.

    Args:
        folder: a folder of results.
        count: how many.
        first: the number of the first.
        old: see :func:`texts`.
    """
    size = 0
    for place, text in texts(count, first=first, old=old):
        (folder / place).mkdir(parents=True)
        size += (folder / place / "record.json").write_bytes(text)
    return size
