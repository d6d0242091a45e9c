"""Runs one load by its name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from . import costs, endings
from .tools import Truth, tell

LOADS: dict[str, Callable[..., Truth]] = {
    load.__name__: load
    for load in (
        costs.cpu,
        costs.threads,
        costs.processes,
        costs.split,
        costs.memory,
        costs.cache,
        costs.faults,
        costs.switches,
        costs.write,
        costs.orphan,
        costs.quota,
        endings.balloon,
        endings.flood,
        endings.hang,
        endings.forks,
        endings.left,
    )
}


def main(arguments: list[str]) -> int:
    """Run one load and print its truth; 2 where there is none of that name."""
    name, *pairs = arguments or [""]
    if name not in LOADS:
        sys.stderr.write(f"usage: loads NAME [key=value …], NAME one of {' '.join(LOADS)}\n")
        return 2
    options: dict[str, Any] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        options[key] = value if key == "folder" else float(value)
    truth = LOADS[name](**options)
    tell({"load": name, **truth})
    return 0
