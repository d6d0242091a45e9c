"""A reading held against the truth (pure)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import msgspec

from bench import units
from bench.record.schema import Metric, Run, TestResult
from bench.run.result.reading import Reading
from bench.run.selftest.checks import Check, Figure

_Outcome = Literal["passed", "failed", "skipped"]

UNSURE_RATIO = 0.5
"""A truth that is less certain than this share of its value checks nothing."""

Truth = Mapping[str, Any]
"""What a load says of itself, by key; ``None`` or absent is not known."""


@dataclass(frozen=True, slots=True)
class Held:
    """One figure, held against the truth, which lies between ``truth`` and ``most``.

    ``error`` and ``bound`` are in the figure's own unit; ``relative`` says that they are best read as a share of the
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
        """For people, in one line."""
        if self.why is not None:
            return f"{self.check}, {self.path}: {self.why}"
        return (
            f"{self.check}, {self.path}: reads {self.text(self.reading)}, true is {self.true_text}; "
            f"off by {self.error_text}, may be off by {self.bound_text}"
        )

    def text(self, value: float | None) -> str:
        """A value of this figure with its unit."""
        return {"s": units.seconds, "bytes": units.size}.get(self.unit, units.count)(value)

    def _share(self, value: float | None, form: Callable[[float | None, int], str], digits: int) -> str:
        if not self.relative or not self.truth or value is None:
            return self.text(value)
        return form(value / self.truth, digits)


def parse_truth(log: bytes) -> Truth | None:
    """What the load said: the last line that is a JSON object; ``None`` where it said nothing."""
    for line in reversed(log.splitlines()):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "load" in said:
            return said
    return None


def hold(check: Check, reading: Reading, truth: Truth | None) -> tuple[Held, ...]:
    """Every figure of a check. A load that did not end as it must makes them all worthless: that is one failure."""
    run = reading.run
    if run.outcome != check.outcome:
        said = f"ended as {run.outcome}, must end as {check.outcome}" + (f": {run.signature}" if run.signature else "")
        return (Held(check.name, "outcome", "failed", why=said),)
    if truth is None:
        return (Held(check.name, "outcome", "failed", why="the load did not say what it cost"),)
    return tuple(_figure(check.name, figure, reading, truth) for figure in check.figures)


def as_run(check: Check, reading: Reading, held: tuple[Held, ...]) -> Run:
    """The run as the record keeps it: its outcome is the check's; each figure is a test and five metrics."""
    tests = tuple(TestResult(node=f"{check.name}::{one.path}", outcome=one.outcome) for one in held)
    failures = [one.sentence() for one in held if one.outcome == "failed"]
    metrics: dict[str, Metric] = {}
    for one in held:
        if one.path != "outcome":
            metrics[f"{one.path}.reading"] = Metric(one.reading, one.unit)
            metrics[f"{one.path}.truth"] = Metric(one.truth, one.unit)
            metrics[f"{one.path}.truth_most"] = Metric(one.most, one.unit)
            metrics[f"{one.path}.error"] = Metric(one.error, one.unit)
            metrics[f"{one.path}.bound"] = Metric(one.bound, one.unit)
    everything_skipped = all(one.outcome == "skipped" for one in held)
    return msgspec.structs.replace(
        reading.run,
        outcome="failed" if failures else "not_measured" if everything_skipped else "passed",
        tests=tests,
        metrics=metrics,
        signature="; ".join(failures) or None,
    )


def _figure(check: str, figure: Figure, reading: Reading, truth: Truth) -> Held:
    low = _value(figure.truth, truth)
    if low is None:
        why = f"the load could not tell its own {figure.truth} here (a folder in memory has no disk below it)"
        return Held(check, figure.path, "skipped", why=why)
    slack = (_value(figure.slack, truth) or 0.0) if figure.slack else 0.0
    scale = low if figure.scale is None else _value(figure.scale, truth)
    bound = figure.within * (scale or 0.0)
    held = partial(Held, check, figure.path, truth=low, most=low + slack, bound=bound, relative=figure.scale is None)
    read = _at(reading.run, figure.path)
    if read is None:
        return held("skipped", why=f"not read: {reading.unavailable.get(figure.path, 'no reason was given')}")
    error = _off(read, low, low + slack, at_least=figure.at_least)
    if abs(error) > bound:
        return held("failed", reading=read, error=error)
    if slack > UNSURE_RATIO * (low + slack):
        why = "this machine is too busy or too slow for the load to tell the truth"
        return held("skipped", reading=read, error=error, why=why)
    return held("passed", reading=read, error=error)


def _off(read: float, low: float, most: float, *, at_least: bool) -> float:
    """How far a reading lies outside what is true."""
    if read < low:
        return read - low
    return 0.0 if at_least or read <= most else read - most


def _value(of: str | float, truth: Truth) -> float | None:
    found = truth.get(of) if isinstance(of, str) else of
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def _at(run: Run, path: str) -> float | None:
    first, _, last = path.partition(".")
    if first == "warnings":
        return float(sum(warning.code == last for warning in run.warnings))
    value = getattr(getattr(run, first), last)
    return None if value is None else float(value)
