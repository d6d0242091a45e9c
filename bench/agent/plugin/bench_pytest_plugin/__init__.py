"""Tells the supervisor what pytest does, line by line, and keeps other timeouts from cutting below the supervisor's.

Loaded by PYTEST_PLUGINS into any project's pytest (7 to 9), next to its own conftest, options and plugins. Writes to
the file that BENCH_EVENTS names; without it, it does nothing at all. Whatever a test does, pytest passes as it would
without us: each hook's work is guarded, and what a test hands over is bounded, cleaned and typed here.

The agent needs nothing but the standard library: pytest, which has loaded this folder, is only looked up.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
from typing import Any

from .attempts import Attempts
from .collected import Collected
from .deadline import Deadline
from .guard import Guard, begin, end, is_within
from .junit import JUnit
from .recorder import Recorder, WorkerThreads
from .traces import die_with_traceback
from .writer import Writer

__all__ = ["Writer", "pytest_configure", "pytest_unconfigure"]

FIRST_WORKER = "gw0"


def pytest_configure(config: Any) -> None:
    """Begin, unless nobody asked. A worker of pytest-xdist counts and lifts limits, and its controller reports."""
    path = os.environ.get("BENCH_EVENTS")
    worker = getattr(config, "workerinput", None)
    is_worker = worker is not None
    if is_within(worker):
        return
    config.addinivalue_line("markers", "timeout(seconds): the supervisor's deadline replaces it")
    if not path:
        return
    begin(config, is_worker)
    writer = Writer(path, spare=not is_worker)
    guard = Guard(writer)
    attempts = Attempts(guard, is_worker)
    is_first = (worker or {}).get("workerid") == FIRST_WORKER
    deadline = Deadline(guard, writer, is_worker, is_first)
    plugins: list[tuple[str, Any]] = [
        ("bench-attempts", attempts),
        ("bench-deadline", deadline),
        ("bench-collected", Collected(guard, writer, is_worker, is_first)),
        ("bench-recorder", WorkerThreads(guard) if is_worker else Recorder(guard, writer, attempts, deadline)),
    ]
    for name, plugin in plugins:
        config.pluginmanager.register(plugin, name)
    folder = os.environ.get("BENCH_WORK_OUT")
    if folder:
        from .work import Work, one_round  # in the one run that counts: the others pay nothing

        with guard:
            one_round(config)
        config.pluginmanager.register(Work(guard, folder, (worker or {}).get("workerid", "main")), "bench-work")
    if not is_worker:
        config.pluginmanager.register(JUnit(guard, writer), "bench-junit")
        die_with_traceback()


def pytest_unconfigure(config: Any) -> None:
    """Its end."""
    end(config)


_announce = os.environ.get("BENCH_EVENTS")
if _announce:  # as early as can be: whether pytest came up at all is then known
    Writer(_announce).put("loaded")
