"""What a command measures with, if whoever starts it in this process hands it another machine than this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.engine.protocol import Engine, Notify
    from bench.run.host_snapshot import HostProbes

    Choose = Callable[[str | None, str | None, Notify], Engine]
    """Finds an engine by its kind and address; takes the line that names it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What finds an engine, and what looks at the machine that the command runs on."""

    choose: Choose
    probes: HostProbes


_HANDED: ContextVar[Machine | None] = ContextVar("machine", default=None)


@contextmanager
def measured_on(machine: Machine | None) -> Iterator[None]:
    """Measure on a machine as long as the block runs; ``None`` for this one."""
    before = _HANDED.set(machine)
    try:
        yield
    finally:
        _HANDED.reset(before)


def machine_in_use() -> Machine:
    """Return the machine that was handed over, else this one."""
    handed = _HANDED.get()
    if handed is not None:
        return handed
    from bench.engine.choose import choose  # a verb that measures nothing reads neither
    from bench.run.host_snapshot import THIS_MACHINE

    return Machine(choose, THIS_MACHINE)
