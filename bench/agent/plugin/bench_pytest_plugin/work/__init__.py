"""The work that each test asks for, counted in a run that nobody times: of torch, of Python, of the kernel.

Loaded where BENCH_WORK_OUT names a folder; each process that runs tests writes ``work.NAME.json`` there at its end.
Nothing is imported that the tests do not import: torch's counter begins when they have torch. A counter that cannot be
had is left out with its reason, and a fault of one costs its figures and never a test.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from ..guard import Guard
from ..hook import hook
from ..reports import node_id
from .cuda_work import CudaWork
from .hardware import Hardware
from .kernel import Kernel
from .processes import Processes
from .python_calls import PythonCalls
from .torch_calls import TorchCalls

MAX_TESTS = 2000
"""Tests that are kept one by one; the sums hold all."""


def one_round(config: Any) -> None:
    """Let pytest-benchmark call each function once: it repeats by the clock, and what it repeats cannot be counted.

    Its options are asked for when it begins, which is after us; with ``--benchmark-only`` it refuses to be disabled.
    """
    options = config.option
    if getattr(options, "benchmark_disable", None) is False and not options.benchmark_only:
        options.benchmark_disable = True


class Work:
    """The hooks. Counters stand still between the phases of a test, so pytest's own work is not counted."""

    def __init__(self, guard: Guard, folder: str, name: str) -> None:
        self._guard = guard
        self._pid = os.getpid()
        self._path = os.path.join(folder, f"work.{name}.json")
        # Those that import come first: what they load is not the tests' work.
        self._counters: tuple[Any, ...] = (CudaWork(), TorchCalls(), Hardware(), Kernel(), Processes(), PythonCalls())
        self._tests: list[dict[str, Any]] = []
        self._left_out = 0

    @hook(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        """One test, whatever repeats it."""
        with self._guard:
            for counter in self._counters:
                counter.begin_test()
        yield
        with self._guard:
            self._keep(item.nodeid)

    @hook(hookwrapper=True, trylast=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        """The fixtures that it asks for."""
        yield from self._counted()

    @hook(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """The test's own code."""
        yield from self._counted()

    @hook(hookwrapper=True, trylast=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        """After it."""
        yield from self._counted()

    @hook(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write what was counted, in the process that counted it."""
        if os.getpid() != self._pid:
            return
        with self._guard:
            for counter in self._counters:
                counter.close()
            found: dict[str, Any] = {"tests": self._tests, "tests_left_out": self._left_out, "unavailable": {}}
            for counter in self._counters:
                found |= counter.totals()
                found["unavailable"] |= counter.unavailable
            document = json.dumps(found, allow_nan=False)  # first: what cannot be written leaves no file
            with open(self._path, "x", encoding="ascii") as file:
                file.write(document)

    def _counted(self) -> Iterator[None]:
        begun = []
        with self._guard:
            for counter in self._counters:
                begun.append(counter)
                counter.resume()
        try:
            yield
        finally:
            for counter in reversed(begun):  # each apart: one that stays entered would count pytest
                with self._guard:
                    counter.pause()

    def _keep(self, nodeid: str) -> None:
        entry: dict[str, Any] = {"node": node_id(nodeid)}
        for counter in self._counters:
            entry |= counter.end_test()
        if len(self._tests) < MAX_TESTS:
            self._tests.append(entry)
        else:
            self._left_out += 1
