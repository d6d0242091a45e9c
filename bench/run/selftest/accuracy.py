"""A reading held against the truth (pure)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from bench.record.check import Held
from bench.record.schema import Metric, Run, TestResult
from bench.run.result.reading import Reading
from bench.run.selftest.checks import Check, Figure

UNSURE_RATIO = 0.5
"""A truth that is less certain than this share of its value checks nothing."""

Truth = Mapping[str, Any]
"""What a load reports of itself, by key; ``None`` or absent is not known."""


def parse_truth(log: bytes) -> Truth | None:
    """Return what the load reported: the last line that is a JSON object; ``None`` if it reported nothing."""
    for line in reversed(log.splitlines()):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "load" in said:
            return said
    return None


def hold(check: Check, reading: Reading, truth: Truth | None) -> tuple[Held, ...]:
    """Return every figure of a check, held against the truth.

    A load that did not end as it must makes all of them worthless: then one failure is returned.

    Args:
        check: the load, and the figures that are read of it.
        reading: the run of it as it was read.
        truth: what the load reported as its cost; ``None`` if it reported nothing, which is a failure too.
    """
    run = reading.run
    if run.outcome != check.outcome:
        said = f"ended as {run.outcome}, must end as {check.outcome}" + (f": {run.signature}" if run.signature else "")
        return (Held(check.name, "outcome", "failed", why=said),)
    if truth is None:
        return (Held(check.name, "outcome", "failed", why="the load did not say what it cost"),)
    return tuple(_figure(check.name, figure, reading, truth) for figure in check.figures)


def as_run(check: Check, reading: Reading, held: tuple[Held, ...]) -> Run:
    """Return the run as the record keeps it: its outcome is the check's; each figure is a test and five metrics.

    Args:
        check: the check that was made.
        reading: the run of it as it was read.
        held: its figures, held against the truth.
    """
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
    unsure = (_value(figure.unsure, truth) or 0.0) if figure.unsure else 0.0
    low, slack = max(0.0, low - unsure), slack + min(low, unsure) + unsure
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
