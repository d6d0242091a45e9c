"""Is this machine fit to measure on? Facts to checks, each with its fix: pure (the facts come from ``preflight``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from bench.host.doctor.engine import daemon_checks, engine_checks
from bench.host.doctor.facts import Facts
from bench.host.doctor.machine import machine_checks
from bench.host.doctor.quiet import quiet_checks
from bench.record.check import Check, Level, warn

__all__ = ["Check", "Level", "examine", "worst"]


def examine(facts: Facts) -> list[Check]:
    """Every check in the order of the page: engine and limits, then the machine, then how quiet it is."""
    return [*engine_checks(facts), *machine_checks(facts), *quiet_checks(facts)]


def examine_there(facts: Facts) -> list[Check]:
    """The checks of an engine on another machine, of which only the engine speaks."""
    detail = "it is another one, and doctor looks at no machine but this: each result has its class, state and speed"
    return [*daemon_checks(facts), warn("machine", detail, "run doctor there")]


def worst(checks: Iterable[Check]) -> Level:
    """The worst level of all: what the command's end says."""
    order: tuple[Literal["ok", "warn", "fail"], ...] = ("ok", "warn", "fail")
    return max((check.level for check in checks), key=order.index, default="ok")
