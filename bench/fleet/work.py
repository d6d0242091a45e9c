"""What a fleet does on a cluster, and where each of its hosts stands."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.fleet.cells import Cell
from bench.fleet.node import NodeEnd, Order, introduce, run_leg


@dataclass(frozen=True, slots=True)
class Work:
    """What a fleet does on each host: its name, cells with their words, where bundles go, and what is done already.

    ``leg`` and ``introduce`` are what runs there.
    """

    fleet: str
    cells: Sequence[tuple[Cell, tuple[str, ...]]]
    results: Path
    done: Callable[[str, Cell], bool] = lambda _host, _cell: False
    leg: Callable[[Order], NodeEnd] = run_leg
    introduce: Callable[..., Any] = introduce


@dataclass(slots=True)
class Host:
    """One host of a cluster: its cells that are left, the worker it is reached by, and the key of the leg that runs."""

    name: str
    left: deque[tuple[Cell, tuple[str, ...]]]
    worker: Any = None
    address: str = ""
    gone_at: float | None = None
    running: str | None = None

    def reached_by(self, address: str, worker: Any) -> None:
        """Reach it by this worker from now on."""
        self.address, self.worker, self.gone_at = address, worker, None


def why(error: object) -> str:
    """Return an error in one line."""
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
