"""Packages that are also functions: ``bench.compare(a, b)`` beside ``import bench.compare.comparison``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


class CallablePackage(ModuleType):
    """A package whose call is the function of its name in :mod:`bench.api`, which is read once it is called."""

    def _function(self) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(import_module("bench.api"), self.__name__.rpartition(".")[2])
        return function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self._function()(*args, **kwargs)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._function())


def make_callable(name: str) -> None:
    """Let a package that is being imported be called as the function of its name."""
    sys.modules[name].__class__ = CallablePackage
