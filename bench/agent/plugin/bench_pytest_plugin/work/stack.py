"""Puts a dispatch mode below those of the tests, and takes it out from wherever it lies by then.

A fixture may enter a mode in one phase and leave it in another, and modes are left from the top of one stack. On top of
theirs ours would be what they leave. Modes of torch's own (fake tensors, tracing) have places beside the stack.
"""

from __future__ import annotations

import sys
from typing import Any


def put_below(mode: Any) -> None:
    """Enter a mode below those that are there."""
    others = _popped(_on_stack())
    try:
        mode.__enter__()
    finally:
        _pushed(others)


def take_out(mode: Any) -> bool:
    """Leave a mode, whatever lies on it; return whether it was there."""
    there = _on_stack()
    at = next((at for at, other in enumerate(there) if other is mode), None)
    if at is None:
        return False
    others = _popped(there[at + 1 :])
    try:
        mode.__exit__(None, None, None)
    finally:
        _pushed(others)
    return True


def _on_stack() -> list[Any]:
    """The modes that lie on one another, the lowest first."""
    modes = _dispatch()._get_current_dispatch_mode_stack()
    return [mode for mode in modes if getattr(mode, "_mode_key", None) is None]


def _popped(modes: list[Any]) -> list[Any]:
    """Take away so many modes from the top; return them."""
    for _ in modes:
        _dispatch()._pop_mode()
    return modes


def _pushed(modes: list[Any]) -> None:
    for mode in modes:
        _dispatch()._push_mode(mode)


def _dispatch() -> Any:
    return sys.modules["torch.utils._python_dispatch"]
