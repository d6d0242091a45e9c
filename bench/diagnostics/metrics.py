"""How a diagnostic hands its own numbers to whoever ran it: pytest's `record_property`, by one convention.

A number is the property `metric:<name>` with JSON `{"value": …, "unit": …, "better": …}`. Anything else that is worth
keeping is `fact:<name>` with any JSON; a number that could not be had is the fact `unavailable:<name>`, a reason.
A name belongs to the run, so only one test records it; what sums up several cases is left to the last of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Literal

Better = Literal["higher", "lower", "none"]
Record = Callable[[str, object], None]


class Metrics:
    """Writes metrics of one test through the function that pytest's `record_property` fixture gives."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def add(self, name: str, value: float, unit: str, better: Better = "none") -> None:
        """Record a finite number. Raises ValueError otherwise: a failed measurement is no metric."""
        if not math.isfinite(value):
            raise ValueError(f"metric {name}: {value} is no finite number")
        self._record(f"metric:{name}", json.dumps({"value": value, "unit": unit, "better": better}))

    def fact(self, name: str, value: object) -> None:
        """Record anything that JSON can hold."""
        self._record(f"fact:{name}", json.dumps(value, sort_keys=True))

    def unavailable(self, name: str, reason: str) -> None:
        """Record why the metric of that name is missing."""
        self.fact(f"unavailable:{name}", reason)
