"""A pytest plugin that runs torch's profiler around each test's call, the test unchanged (``-p bench_profiler``).

Writes to the folder that BENCH_PROFILER_OUT names: ``profiler.json``, the trace of the first test (Chrome's trace
format, which Perfetto opens), and ``operators.json``, each operator's own time and calls over all tests. This folder
alone goes on PYTHONPATH, so that nothing else here can shadow a module of the tests'.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

MOST_EVENTS = 200_000
"""Events of the trace that are kept, the first: Perfetto opens as many quickly."""


class Profiler:
    """The hooks of one session."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._operators: dict[str, list[float]] = {}
        self._traced = False

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Profile the call alone, without set-up and teardown."""
        activities = [ProfilerActivity.CPU]
        if torch.cuda.is_available():
            activities.append(ProfilerActivity.CUDA)
        with profile(activities=activities) as profiler:
            yield
        for event in profiler.key_averages():
            own_us = event.self_cpu_time_total + getattr(event, "self_device_time_total", 0)
            total = self._operators.setdefault(event.key, [0.0, 0])
            total[0] += own_us * 1e-6
            total[1] += event.count
        if not self._traced:
            self._traced = True
            path = self._out / "profiler.json"
            profiler.export_chrome_trace(str(path))
            _shorten(path, item.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write what the operators took in all."""
        rows = [
            {"name": name, "self_s": self_s, "calls": int(calls)}
            for name, (self_s, calls) in sorted(self._operators.items(), key=lambda entry: -entry[1][0])
        ]
        (self._out / "operators.json").write_text(json.dumps(rows))


def _shorten(path: Path, node: str) -> None:
    """Keep the first events, and say in the trace which test it is and whether events were left out."""
    trace = json.loads(path.read_text())
    events = trace.get("traceEvents", [])
    trace["traceEvents"] = events[:MOST_EVENTS]
    trace["bench"] = {"test": node, "events": len(events), "kept": min(len(events), MOST_EVENTS)}
    path.write_text(json.dumps(trace))


def pytest_configure(config: pytest.Config) -> None:
    """Begin where a folder was named."""
    out = os.environ.get("BENCH_PROFILER_OUT")
    if out:
        config.pluginmanager.register(Profiler(Path(out)), "bench-profiler-hooks")
