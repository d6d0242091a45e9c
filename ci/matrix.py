"""What the matrix measures: diagnostics times runners, from ``ci/matrix.json`` or the file that BENCH_MATRIX names."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("matrix.json")


@dataclass(frozen=True, slots=True)
class Leg:
    """One diagnostic on one kind of runner.

    Args:
        diagnostic: NAME of ``bench run``; ends in the device that it needs.
        runner: the name of the runner in the matrix.
        runs_on: the labels by which the system chooses a machine.
        arguments: what is added to ``bench run``.
    """

    diagnostic: str
    runner: str
    runs_on: tuple[str, ...]
    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        """The leg's own name: of its artifact, and of its row in the summary."""
        return f"{self.diagnostic}-{self.runner}"


def read_matrix(path: Path | None = None) -> list[Leg]:
    """The legs of the matrix, in its order."""
    chosen = path or Path(os.environ.get("BENCH_MATRIX") or FILE)
    return parse_matrix(json.loads(chosen.read_text(encoding="utf-8")))


def parse_matrix(document: Mapping[str, Any]) -> list[Leg]:
    """Every diagnostic on every runner that has its device.

    Raises:
        ValueError: a name that could not be an artifact's, two legs of one name, or no leg at all.
    """
    legs = [
        Leg(diagnostic, runner["name"], tuple(runner["runs_on"]), tuple(runner.get("arguments", ())))
        for diagnostic in document["diagnostics"]
        for runner in document["runners"]
        if diagnostic.rpartition("_")[2] in runner["devices"]
    ]
    names = [leg.name for leg in legs]
    wrong = [name for name in names if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)]
    if wrong or len(set(names)) != len(names) or not names:
        raise ValueError(f"the matrix makes no legs of distinct plain names: {names}")
    return legs


def find_leg(legs: Sequence[Leg], diagnostic: str, runner: str) -> Leg:
    """The leg of a diagnostic and a runner.

    Raises:
        ValueError: the matrix has none.
    """
    for leg in legs:
        if (leg.diagnostic, leg.runner) == (diagnostic, runner):
            return leg
    raise ValueError(f"the matrix has no leg {diagnostic} on {runner}: {', '.join(leg.name for leg in legs)}")


def settings(leg: Leg, profile: str, repeat: str) -> str:
    """A short hash of what a leg was run with: results of different settings are no baseline of one another."""
    text = json.dumps([leg.diagnostic, leg.runner, list(leg.arguments), profile, repeat])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
