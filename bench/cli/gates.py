"""What ``--fail-on`` asks for: a bound that a comparison may not pass, whatever the times say."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench import units
from bench.cli.output import Console, complain
from bench.compare.work.difference import WorkDifference
from bench.errors import ExitCode, UsageError
from bench.report.status import GLYPHS, Level

_ROUNDING = 1e-9
"""What a ratio of whole numbers may be off by."""
_GATE = re.compile(r"work:(?P<share>\d+(\.\d+)?|\.\d+)\s*%?", re.ASCII)


def parse_gates(words: Sequence[str]) -> float | None:
    """Return the growth of work that is too much, as a ratio: 0.01 of ``work:1%``; ``None`` if nothing was asked.

    Raises:
        UsageError: a gate that does not exist, or a share that is no percentage.
    """
    found = []
    for word in words:
        match = _GATE.fullmatch(word.strip())
        if match is None:
            raise UsageError(f"--fail-on '{word:.60}' is no gate", fix="write it as in --fail-on work:1%")
        found.append(float(match["share"]) / 100)
    return min(found, default=None)


_WORDS: dict[ExitCode, tuple[Level, str]] = {
    ExitCode.OK: ("good", "passed"),
    ExitCode.REGRESSED: ("bad", "failed"),
    ExitCode.NOT_MEASURED: ("caution", "not measured"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """What a bound made of a command: its end, and why in a line for each comparison that it stopped."""

    allowed: float
    exit_code: ExitCode
    reasons: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """Return it as a part of a JSON document."""
        status = _WORDS[self.exit_code][1].replace(" ", "_")
        return {"gate": {"what": "work", "allowed": self.allowed, "status": status, "reasons": self.reasons}}

    def lines(self) -> list[tuple[Level, str]]:
        """Return it as people read it above the figures: it decides how the command ends, whatever they show."""
        if not self.reasons:
            return [("good", f"passed --fail-on work: at most {units.percent(self.allowed, 2)} more work")]
        level, word = _WORDS[self.exit_code]
        return [(level, f"{word} --fail-on work: {reason}") for reason in self.reasons]

    def complain(self) -> None:
        """Report what it stopped on standard error, for a log that holds no more."""
        for reason in self.reasons:
            complain(f"--fail-on work: {reason}")


def held_to(bound: float | None, found: Iterable[WorkDifference | None]) -> Held | None:
    """Return what a bound makes of a command: 1 if a comparison has more work than that, 6 if one has no count.

    Args:
        bound: the growth that is too much, as a ratio; with ``None`` there is nothing to hold to.
        found: the comparisons' work.
    """
    if bound is None:
        return None
    code, reasons = ExitCode.OK, []
    for one in found:
        if one is None or not any(quantity.judged for quantity in one.quantities):
            reasons.append("no work that repeats was counted on both sides")
            code = code or ExitCode.NOT_MEASURED
        elif one.growth > bound + _ROUNDING:
            grown = f"by {units.percent(one.growth, 2)}" if math.isfinite(one.growth) else "from nothing"
            reasons.append(f"the work grew {grown}, and {units.percent(bound, 2)} is allowed")
            code = ExitCode.REGRESSED
    return Held(bound, code, tuple(reasons))


def document_of(held: Held | None) -> dict[str, object]:
    """Return what a command was held to as a part of a JSON document; nothing if nobody asked."""
    return {} if held is None else held.document()


def print_held(held: Held | None) -> None:
    """Print above the figures what a command was held to, if somebody asked."""
    if held is None:
        return
    from bench.report.terminal.cells import STYLES, text

    for level, line in held.lines():
        Console.out().print(text(f"{GLYPHS[level]} {line}", STYLES[level]))


def code_of(held: Held | None) -> ExitCode:
    """Return how a command ends by what it was held to, and complain of what that stopped."""
    if held is None:
        return ExitCode.OK
    held.complain()
    return held.exit_code
