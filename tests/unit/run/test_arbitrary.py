"""Whatever a test records, prints and leaves in its folder, there is a bundle, and `verify` accepts it.

Arbitrary JSON, text and bytes go through the plugin's properties and file, the follower, the supervisor's result and the
host's reading to a bundle. BENCH_EXAMPLES=N tries N examples.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.agent.events import Events
from bench.agent.follow import TestLog
from bench.agent.follow.result import early_end, read_told
from bench.agent.plugin.bench_pytest_plugin.properties import Properties
from bench.agent.plugin.bench_pytest_plugin.writer import Writer
from bench.agent.result import encode
from bench.catalog.load import builtin, find
from bench.engine.protocol import Ending
from bench.record.schema import Source
from bench.record.storage.verify import verify_bundle
from bench.run.measure import measure
from bench.run.plan import Options, Plan, make_plan
from bench.run.session import Session

TEXT = st.text(st.characters(), max_size=30)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from((10**400, -1, 2**63, 2**64, 1e308, 0, True)))
LEAVES = st.one_of(st.none(), NUMBERS, TEXT)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
NODES = st.sampled_from(("test_x.py::test_y", "test_x.py::test_z[\udc80]", "")) | TEXT
WORDS = st.sampled_from(("passed", "failed", "error", "skipped", "xfailed", "xpassed", "splendid"))
KINDS = st.sampled_from(
    [
        "loaded",
        "collected",
        "nodes",
        "deselected",
        "stopped",
        "only",
        "threads",
        "test_started",
        "test",
        "asked",
        "progress",
        "failure",
        "warning",
        "benchmarks",
        "finished",
        "unheard",
    ]
)
KEYS = [
    "tests",
    "nodes",
    "reason",
    "option",
    "torch",
    "openmp",
    "node",
    "timeout_s",
    "why",
    "label",
    "done",
    "of",
    "message",
    "code",
    "value",
    "unit",
    "metrics",
    "pytest_s",
    "lost",
    "outcomes",
    "outcome",
    "setup_s",
    "call_s",
    "teardown_s",
    "marker_timeout_s",
    "attempts",
    "facts",
    "missing",
    "monotonic_s",
]
GIVEN = {"node": NODES, "outcome": WORDS, "tests": st.integers(0, 9), "pytest_s": st.floats(0, 9)}
EVENTS = st.builds(
    lambda kind, given, more: {"type": kind, **given, **more},
    KINDS,
    st.fixed_dictionaries(GIVEN),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4),
)
LINES = st.one_of(
    EVENTS.map(lambda event: json.dumps(event).encode()), VALUES.map(lambda one: json.dumps(one).encode())
)
NAMES = st.builds(str.__add__, st.sampled_from(("", "metric:", "fact:", "metric:a ", "unavailable:")), TEXT)
RAW = VALUES | VALUES.map(json.dumps) | st.binary(max_size=9)
FILES = st.sampled_from(
    [
        "pytest.log",
        "pytest.log.tail",
        "pytest.junit.xml",
        "samples.csv",
        "facts.json",
        "profiler.json",
        "operators.json",
        "torch_env.txt",
    ]
)
CONTENTS = st.one_of(
    st.binary(max_size=200),
    VALUES.map(lambda one: json.dumps(one).encode()),
    st.sampled_from((b"t_s,cpu_s\n1,nan\n-1,1e999\n", b"t_s\n\xff\n", b"<testsuites><testcase/>", b"[" * 9000, None)),
)
FIELDS = [
    "outcome",
    "exit_code",
    "signal",
    "started_at",
    "wall_s",
    "effective_timeout_s",
    "cgroup_version",
    "cpu",
    "memory",
    "faults",
    "io",
    "tests",
    "metrics",
    "facts",
    "session",
    "threads_used",
    "warnings",
    "unavailable",
    "sources",
    "signature",
    "gpu",
    "cgroup",
    "supervisor",
    "pids_peak",
    "index",
    "work",
]
RESULTS = st.one_of(
    st.just({}),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
    st.binary(max_size=60),
    VALUES.map(lambda one: json.dumps(one).encode()),
    st.none(),
)
DEEP: Any = 1
for _ in range(60):
    DEEP = [DEEP]
SEEN = [
    {"type": "test", "node": "a", "outcome": "passed", "call_s": float("nan")},
    {"type": "test", "node": "a", "outcome": "passed", "marker_timeout_s": float("inf")},
    {"type": "test", "node": "a", "outcome": "passed", "metrics": {"x": {"value": 10**400}}},
    {"type": "test", "node": "a\udc80", "outcome": "passed", "facts": {"deep": DEEP, "\ud800": "\udfff"}},
    {"type": "asked", "node": "a", "timeout_s": float("-inf")},
    {"type": "warning", "code": 5, "message": [], "value": "x", "unit": {}},
    {"type": "test", "node": "a", "outcome": "passed", "facts": {"n": 2**64}},
]
"""Events of which results were lost once."""
EXAMPLES = int(os.environ.get("BENCH_EXAMPLES", "10"))
CPU = {"user_s": 1.0, "system_s": 0.5, "total_s": 1.5}


def follow(folder: Path, properties: list[tuple[str, Any]], lines: list[bytes]) -> dict[str, Any]:
    """What the supervisor says of a run in which the plugin and the test wrote these."""
    path = str(folder / "tests.jsonl")
    with Path(os.devnull).open("wb") as nowhere:
        log = TestLog(path, Events(nowhere.fileno()))
        writer = Writer(path)
        told = Properties("test_x.py::test_y", properties)
        writer.put("collected", tests=1)
        writer.put("test_started", node="test_x.py::test_y")
        with Path(path).open("ab") as file:
            file.write(b"".join(line + b"\n" for line in lines))
        writer.put(
            "test",
            node="test_x.py::test_y",
            outcome="passed",
            metrics=told.metrics,
            facts=told.facts,
            missing=told.missing,
        )
        writer.put_last("finished", pytest_s=1.0)
        log.begin(0.0)
        log.poll()
        log.close()
    part = read_told(log, {"OMP_NUM_THREADS": "2"})
    return {
        "state": "ended",
        "outcome": "passed",
        "wall_s": 2.5,
        "cpu": CPU,
        "started_at": "2026-01-01T00:00:00Z",
        "cgroup_version": 2,
        **part.fields,
        "signature": early_end(log),
        "warnings": part.warnings + log.warnings,
        "unavailable": part.unavailable,
    }


@pytest.fixture
def bundle_of(
    open_session: Callable[..., Session], stand_in: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[Path, str]]:
    """Measures once, in an engine whose run leaves what it is given; returns the bundle and its outcome."""
    plan: Plan = make_plan(find(builtin(), "grad_cpu"), Options(repeat=1), Source(kind="catalog", sha256="0" * 64))

    def made(
        properties: list[tuple[str, Any]],
        lines: list[bytes],
        result: dict[str, Any] | bytes | None,
        files: dict[str, bytes | None],
        ended: Any,
    ) -> tuple[Path, str]:
        def execute(_place: Any, _task: Any, out: Path, _on_event: Any) -> Ending:
            folder = tmp_path / "inside"
            folder.mkdir()
            said = encode(follow(folder, properties, lines))
            shutil.rmtree(folder)
            if isinstance(result, dict):
                said = json.dumps(json.loads(said) | result).encode()
            if result is not None:
                (out / "result.json").write_bytes(result if isinstance(result, bytes) else said)
            for name, content in files.items():
                if content is None:
                    (out / name).mkdir()
                else:
                    (out / name).write_bytes(content)
            return Ending(0, ended=ended if isinstance(ended, dict) else None)

        monkeypatch.setattr(stand_in, "execute", execute)
        with open_session() as session:
            written = measure(plan, session)
        assert not (session.store.path).exists()
        assert written.path is not None
        return written.path, written.record.outcome

    return made


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example([], [], {"wall_s": -1.0}, {}, None)
@example([], [], {"wall_s": None}, {}, None)
@example([], [], {}, {}, {"outcome": "\ud800", "wall_s": 10**30})
@example([], [], {"cpu": {"user_s": 2**64}}, {}, None)
@example([], [], {"facts": {"deep": DEEP}}, {}, None)
@example([], [], None, {"samples.csv": b"t_s\n1e999\n", "facts.json": None}, {"outcome": "passed", "wall_s": -1})
@given(
    st.lists(st.tuples(NAMES, RAW), max_size=4),
    st.lists(LINES | st.binary(max_size=30), max_size=6),
    RESULTS,
    st.dictionaries(FILES, CONTENTS, max_size=4),
    st.none() | st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
)
def test_there_is_always_a_bundle_that_verifies(
    bundle_of: Callable[..., tuple[Path, str]],
    properties: list[tuple[str, Any]],
    lines: list[bytes],
    result: dict[str, Any] | bytes | None,
    files: dict[str, bytes | None],
    ended: Any,
) -> None:
    path, _ = bundle_of(properties, lines, result, files, ended)
    assert verify_bundle(path) == []
    shutil.rmtree(path)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example([], [json.dumps(event).encode() for event in SEEN])
@example([("fact:x", DEEP), ("metric:y", float("nan")), ("fact:\udc80", "\ud800"), ("z", 10**400)], [b"\xff" * 99])
@given(st.lists(st.tuples(NAMES, RAW), max_size=6), st.lists(LINES | st.binary(max_size=30), max_size=6))
def test_what_a_test_records_and_writes_keeps_its_outcome(
    bundle_of: Callable[..., tuple[Path, str]], properties: list[tuple[str, Any]], lines: list[bytes]
) -> None:
    path, outcome = bundle_of(properties, lines, {}, {}, None)
    assert outcome == "passed"
    assert verify_bundle(path) == []
    shutil.rmtree(path)
