"""Learns when the tests have imported a module, without importing it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def after_import(name: str, then: Callable[[], None]) -> None:
    """Call once the module has been imported; nothing happens where it is there already."""
    if name not in sys.modules:
        sys.meta_path.insert(0, _Watch(name, then))


class _Watch:
    """A finder that finds nothing itself, and takes itself away when the module is asked for."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name = name
        self._then = then

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module's spec as the others find it, with one more step after it has been run."""
        if name != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        for finder in list(sys.meta_path):
            found = finder.find_spec(name, path, target)
            if found is not None:
                self._follow(found)
                return found
        sys.meta_path.insert(0, self)  # it is not installed: it may come to be
        return None

    def _follow(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        run = getattr(loader, "exec_module", None)
        if run is None:
            return
        then = self._then

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            run(module)
            then()

        try:
            loader.exec_module = exec_module
        except AttributeError:
            return  # a loader that takes no attribute: the next phase begins with torch there
