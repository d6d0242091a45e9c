"""Calls of Python functions by module, by sys.monitoring (PEP 669): Python 3.12 and newer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any

from ..plain import text
from .counter import Counter

MAX_CODES = 50_000
"""Functions that are told apart: a test that makes code for ever must not fill the memory."""
MAX_MODULES = 200
NAME_CHARACTERS = 200
OTHERS = "(others)"
NAME = "bench"
FUNCTION = 0x1 | 0x2
"""inspect.CO_OPTIMIZED and CO_NEWLOCALS: a function's code, not that of a module or a class."""
OURS = ("_pytest", "pluggy", "pytest")
INSIDE_TORCH = ("_ops", "utils._python_dispatch", "utils.flop_counter", "utils._pytree")
"""Modules of torch's through which our own dispatch mode works."""


class PythonCalls(Counter):
    """Counts function starts, also of generators; not those of pytest, of this plugin, and while a module is imported:
    libraries import others at their first use, and build tables then in whatever order sets have.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[int, list[Any]] = {}
        self._sums: dict[str, int] = {}
        self._tool: int | None = None
        self._test = 0
        self._monitoring: Any = getattr(sys, "monitoring", None)
        monitoring = self._monitoring
        if monitoring is None:
            self.unavailable["python"] = "Python counts its calls from 3.12 on"
            return
        free = [tool for tool in (4, 3, 2, 1, 0) if monitoring.get_tool(tool) is None]
        if not free:
            self.unavailable["python"] = "other tools use all places of sys.monitoring"
            return
        self._tool = free[0]
        monitoring.use_tool_id(self._tool, NAME)
        self._importing: list[CodeType] = []
        monitoring.register_callback(self._tool, monitoring.events.PY_START, self._callback())
        for event in (monitoring.events.PY_RETURN, monitoring.events.PY_UNWIND):
            monitoring.register_callback(self._tool, event, self._imported)

    def begin_test(self) -> None:
        """A test begins."""
        self._test = 0

    def resume(self) -> None:
        """Count from here."""
        if self._is_ours():
            events = self._monitoring.events
            self._monitoring.set_events(self._tool, events.PY_START | events.PY_UNWIND)

    def pause(self) -> None:
        """Count no more."""
        if self._is_ours():
            self._monitoring.set_events(self._tool, 0)
            self._importing.clear()

    def end_test(self) -> dict[str, Any]:
        """The test's share."""
        if self._tool is None:
            return {}
        names = _module_names()
        for count, code in self._counts.values():
            if count:
                module = OTHERS if code is None else _module_of(code, names)
                self._sums[module] = self._sums.get(module, 0) + count
                self._test += count
        for entry in self._counts.values():
            entry[0] = 0
        return {"python_calls": self._test}

    def close(self) -> None:
        """Give the place back."""
        if self._is_ours():
            self._monitoring.free_tool_id(self._tool)

    def totals(self) -> dict[str, Any]:
        """The sums over all tests."""
        if self._tool is None:
            return {}
        ordered = sorted(self._sums.items(), key=lambda one: (-one[1], one[0]))
        modules = dict(ordered[:MAX_MODULES])
        rest = sum(count for _, count in ordered[MAX_MODULES:])
        if rest:
            modules[OTHERS] = modules.get(OTHERS, 0) + rest
        return {"python": {"calls": sum(self._sums.values()), "modules": modules}}

    def _is_ours(self) -> bool:
        """Whether there is a place, and no test has given it to another tool: what was counted is then not whole."""
        if self._tool is not None and self._monitoring.get_tool(self._tool) != NAME:
            self.unavailable["python"] = "a test took the place of sys.monitoring in which its calls were counted"
            self._tool = None
        return self._tool is not None

    def _imported(self, code: CodeType, _offset: int, _value: object) -> None:
        if self._importing and self._importing[-1] is code:
            self._importing.pop()

    def _callback(self) -> Any:
        monitoring, tool, counts, importing = self._monitoring, self._tool, self._counts, self._importing
        disable, ends = monitoring.DISABLE, monitoring.events.PY_RETURN
        rest: list[Any] = [0, None]
        counts[0] = rest
        left = _left_out()

        def started(code: CodeType, _offset: int) -> object:
            # By identity: the hash of code is that of its bytes.
            entry = counts.get(id(code))
            if entry is not None:
                if not importing:
                    entry[0] += 1
                return None
            if code.co_flags & FUNCTION != FUNCTION:
                if code.co_name != "<module>" or not _is_import(code):
                    return disable
                if monitoring.get_tool(tool) != NAME:  # a test has freed the place: an error here would be that test's
                    return disable
                importing.append(code)
                monitoring.set_local_events(tool, code, ends)
                return None
            if code.co_filename.startswith(("<frozen ", *left())):
                return disable
            if len(counts) < MAX_CODES:
                counts[id(code)] = [int(not importing), code]  # kept, so that its identity is nobody else's
            else:
                rest[0] += not importing
            return None

        return started


def _is_import(code: CodeType) -> bool:
    """Whether a module's code, which has just begun, is run by the import system, and not by ``exec``."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    caller = None if frame is None else frame.f_back
    return caller is not None and caller.f_code.co_filename.startswith("<frozen importlib")


def _left_out() -> Any:
    """Gives the beginnings of files that are not the tests' work; torch's once it is there."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    known: list[Any] = [None, ()]

    def files() -> tuple[str, ...]:
        torch = sys.modules.get("torch")
        if known[0] is not torch or not known[1]:
            names = [*OURS, *(f"torch.{name}" for name in INSIDE_TORCH if torch is not None)]
            known[:] = [torch, (here + os.sep, *_files(names))]
        found: tuple[str, ...] = known[1]
        return found

    return files


def _files(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        if type(file) is str:
            folder, last = os.path.split(file)
            yield folder + os.sep if last == "__init__.py" else file


def _module_names() -> dict[str, str]:
    """The name of each module by its file."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__") if type(module) is type(sys) else None
        if type(file) is str and type(name) is str:
            found[file] = name
    return found


def _module_of(code: CodeType, names: dict[str, str]) -> str:
    file = code.co_filename
    return text(names.get(file) or os.path.basename(file).removesuffix(".py") or "?", NAME_CHARACTERS)
