"""A benchmark reproducer: runs a diagnostic in a pinned image, keeps the evidence, says why numbers differ.

In Python: ``load`` reads results, ``compare`` judges them, ``run`` measures (``bench.api``, docs/python.md).
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as in typing, which takes longer to read than all else here
if TYPE_CHECKING:
    from typing import Any

    from bench.api import Comparisons, Result, Results, compare, load, run

__all__ = ["Comparisons", "Result", "Results", "compare", "load", "run"]
__version__ = "0.1.0"

_PACKAGES = frozenset({"compare", "run"})
"""Functions that share their name with a package, which can be called itself (``bench.callable``)."""


def __getattr__(name: str) -> Any:
    """Return a function or a type of the interface, which is read once it is asked for."""
    if name in _PACKAGES:
        return import_module(f"bench.{name}")
    if name in __all__:
        return getattr(import_module("bench.api"), name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
