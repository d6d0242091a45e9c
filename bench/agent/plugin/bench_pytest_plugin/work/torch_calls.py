"""Torch's operators as its dispatcher sees them, forward and backward: calls, results, floating-point operations.

Below autograd, so a backward pass counts like any code; what torch computes in one fused call is one call. Threads that
the test starts itself, and child processes, have a dispatcher of their own and are not counted.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from .counter import Counter
from .importing import after_import
from .mode import Tally, make_mode
from .stack import put_below, take_out

MAX_OPERATORS = 1000
MAX_CALLERS = 6
"""Callers of an operator that are named, those that call most."""
MAX_OUTPUTS = 100
NO_TORCH = "the tests did not import torch"
TAKEN_OUT = "the test took the counter from torch's stack of modes"
MOST = 2**63 - 1


class TorchCalls(Counter):
    """A dispatch mode around each phase of a test, from the moment on when torch is there."""

    def __init__(self) -> None:
        super().__init__()
        self._all = Tally()
        self._digests: list[str | None] = []
        self._mode: Any = None
        self._why: str | None = None
        self._counting = self._entered = False
        self._test = Tally()
        after_import("torch", self._enter)

    def begin_test(self) -> None:
        """A test begins."""
        self._test = Tally()
        if self._mode is not None:
            self._mode.tally = self._test

    def resume(self) -> None:
        """Enter the mode."""
        self._counting = True
        if "torch" in sys.modules:
            self._enter()

    def pause(self) -> None:
        """Leave the mode."""
        self._counting = False
        if self._entered:
            self._entered = False
            if not take_out(self._mode):
                self._test.unseen = self._test.unseen or TAKEN_OUT

    def end_test(self) -> dict[str, Any]:
        """The test's share."""
        self._all.add(self._test)
        self._digests.append(digest(self._test))
        if self._mode is None or self._test.unseen:
            return {}
        return {
            "operator_calls": sum(self._test.calls.values()),
            "elements": self._test.elements,
            "bytes": self._test.bytes,
            "flops": self._test.flops,
            "digest": self._digests[-1],
        }

    def totals(self) -> dict[str, Any]:
        """The sums over all tests."""
        if self._mode is None:
            self.unavailable["torch"] = self._why or NO_TORCH
            return {}
        tally = self._all
        if tally.unseen:  # a sum that lacks some calls is none
            self.unavailable["torch"] = tally.unseen
            return {}
        if tally.faults:
            why = f"{tally.faults} call(s) could not be read ({tally.fault})"
            self.unavailable |= {f"torch.{name}": why for name in ("elements", "bytes", "flops", "digest")}
        whole = not tally.faults and all(self._digests)
        if not whole:
            self.unavailable.setdefault("torch.digest", "there are more kinds of calls than are told apart")
        by_operator = sorted(tally.calls.items(), key=lambda one: (-one[1], one[0]))
        outputs = sorted(tally.outputs.items(), key=lambda one: (-one[1][1], one[0]))[:MAX_OUTPUTS]
        return {
            "torch": {
                "calls": dict(by_operator[:MAX_OPERATORS]),
                "elements": None if tally.faults else tally.elements,
                "bytes": None if tally.faults else tally.bytes,
                "flops": None if tally.faults else min(tally.flops, MOST),
                "digest": _together(self._digests) if whole else None,
                "outputs": {name: {"elements": sizes[0], "bytes": sizes[1]} for name, sizes in outputs},
                "callers": {name: _most(tally.callers[name]) for name, _ in by_operator[:MAX_OPERATORS]},
            }
        }

    def _enter(self) -> None:
        """Torch is there: count, if a test is under way."""
        if not self._counting or self._entered or self._why is not None:
            return
        try:
            if self._mode is None:
                self._mode = make_mode(self._test)
            put_below(self._mode)
        except Exception as error:  # a torch that has no such thing
            self._mode = None
            self._why = f"this torch has no dispatch mode to count with ({type(error).__name__})"
            return
        self._entered = True


def digest(tally: Tally) -> str | None:
    """A hash of the sorted list of (operator, shapes, dtypes), each as often as it was called; ``None`` where the list
    is not whole.
    """
    if tally.kinds_left_out or tally.faults:
        return None
    lines = sorted(f"{operator} {arguments} {count}\n" for (operator, arguments), count in tally.named_kinds())
    return hashlib.sha256("".join(lines).encode("utf-8", "backslashreplace")).hexdigest()


def _together(digests: list[str | None]) -> str:
    """One digest of several tests, in whatever order or process they ran."""
    return hashlib.sha256("\n".join(sorted(one or "" for one in digests)).encode()).hexdigest()


def _most(callers: dict[str, int]) -> dict[str, int]:
    ordered = sorted(callers.items(), key=lambda one: (-one[1], one[0]))
    return dict(ordered[:MAX_CALLERS])
