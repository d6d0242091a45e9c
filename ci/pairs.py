"""A leg whose base and head were measured in pairs on one machine: its two bundles, and its row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ci.summary import Paired, Row


def sides_of(paths: Sequence[Path]) -> tuple[Path, Path] | None:
    """The bundles of base and head of the newest experiment; ``None`` if the newest bundle is of no experiment."""
    told = [(path, record_of(path).get("experiment")) for path in paths]
    newest = told[-1][1] if told else None
    if not isinstance(newest, dict):
        return None
    sides = {one["side"]: path for path, one in told if isinstance(one, dict) and one["id"] == newest["id"]}
    return (sides["base"], sides["head"]) if sides.keys() == {"base", "head"} else None


def record_of(path: Path) -> dict[str, Any]:
    """The record of a bundle."""
    found: dict[str, Any] = json.loads((path / "record.json").read_text(encoding="utf-8"))
    return found


def worse_side(base: Mapping[str, Any], head: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record that the row is of: the head's, unless only the base's runs did not pass."""
    return base if head["outcome"] == "passed" != base["outcome"] else head


def paired_row(row: Row, comparison: Mapping[str, Any], base: Mapping[str, Any]) -> Row:
    """The row with what ``bench compare`` says of both sides.

    Args:
        row: of the head alone.
        comparison: one of ``bench compare --json``.
        base: the record of the base.
    """
    trial = comparison["experiment"]
    figure = trial["decides"]
    found = Paired(figure["name"], figure["change"], figure["low"], figure["high"], figure["pairs"])
    commit = base["diagnostic"]["source"]["commit"] or "the base"
    status = row.status if row.status == "over_ceiling" else comparison["status"]
    why = row.why if row.status == "over_ceiling" else comparison["reasons"][0]
    return replace(row, status=status, why=why, baseline=f"pairs with {commit[:12]}", paired=found)
