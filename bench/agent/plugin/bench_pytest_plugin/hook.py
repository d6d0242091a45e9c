"""pytest.hookimpl, for the type checker: pytest, which has loaded this, is only looked up."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeVar

api: Any = importlib.import_module("pytest")
_F = TypeVar("_F", bound=Callable[..., Any])


def hook(**options: bool) -> Callable[[_F], _F]:
    """Marks a hook, with pytest's options for it."""
    made: Callable[[_F], _F] = api.hookimpl(**options)
    return made
