"""What a check found: one line of ``doctor``, and one reading of a self-test held against the truth (pure)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from bench import units

Level = Literal["ok", "warn", "fail"]
_Outcome = Literal["passed", "failed", "skipped"]


class Check(msgspec.Struct, frozen=True):
    """One finding of ``doctor``.

    Args:
        name: what was looked at, in a word or two.
        level: ``ok``; ``warn`` if numbers get worse or something is missing; ``fail`` if nothing can be measured.
        detail: what was found.
        fix: a command or a sentence that puts it right; empty exactly if the level is ``ok``.
    """

    name: str
    level: Level
    detail: str
    fix: str = ""


def ok(name: str, detail: str) -> Check:
    """Return a check that found nothing to do."""
    return Check(name, "ok", detail)


def warn(name: str, detail: str, fix: str) -> Check:
    """Return a check of what can be measured on, but worse than it could be.

    Args:
        name: what was looked at.
        detail: what was found.
        fix: what puts it right.
    """
    return Check(name, "warn", detail, fix)


def fail(name: str, detail: str, fix: str) -> Check:
    """Return a check of what cannot be measured on.

    Args:
        name: what was looked at.
        detail: what was found.
        fix: what puts it right.
    """
    return Check(name, "fail", detail, fix)


@dataclass(frozen=True, slots=True)
class Held:
    """One figure, held against the truth, which lies between ``truth`` and ``most``.

    ``error`` and ``bound`` are in the figure's own unit; ``relative`` means that they are best read as a share of the
    truth.
    """

    check: str
    path: str
    outcome: _Outcome
    reading: float | None = None
    truth: float | None = None
    most: float | None = None
    error: float | None = None
    bound: float | None = None
    relative: bool = True
    why: str | None = None

    @property
    def unit(self) -> str:
        """The figure's unit."""
        return "s" if self.path.endswith("_s") else "bytes" if self.path.endswith("_bytes") else "count"

    @property
    def true_text(self) -> str:
        """The truth with its unit."""
        least, most = self.text(self.truth), self.text(self.most)
        return least if least == most else f"{least} to {most}"

    @property
    def error_text(self) -> str:
        """How far off the reading is."""
        return self._share(self.error, units.signed_percent, 2)

    @property
    def bound_text(self) -> str:
        """How far off it may be."""
        return self._share(self.bound, units.percent, 0)

    def sentence(self) -> str:
        """Return the check for people, in one line."""
        if self.why is not None:
            return f"{self.check}, {self.path}: {self.why}"
        return (
            f"{self.check}, {self.path}: reads {self.text(self.reading)}, true is {self.true_text}; "
            f"off by {self.error_text}, may be off by {self.bound_text}"
        )

    def text(self, value: float | None) -> str:
        """Return a value of this figure with its unit."""
        return {"s": units.seconds, "bytes": units.size}.get(self.unit, units.count)(value)

    def _share(self, value: float | None, form: Callable[[float | None, int], str], digits: int) -> str:
        if not self.relative or not self.truth or value is None:
            return self.text(value)
        return form(value / self.truth, digits)
