"""What is kept of the tests' own words, within bounds: metrics, facts, warnings."""

from __future__ import annotations

import json
from typing import Any

from .checked import kept, metric, number, text

MAX_FACTS = 500
MAX_FACTS_CHARACTERS = 256 * 1024
"""Of all facts of a run together, as JSON: the file that they come from lies where the tests can write to it."""
MAX_METRICS = 2000
MAX_METRICS_CHARACTERS = 256 * 1024
MAX_WARNINGS = 200
NAME_CHARACTERS = 200
CODE_CHARACTERS = 60
UNIT_CHARACTERS = 40
MESSAGE_CHARACTERS = 1500


class Keeping:
    """Takes them in and never raises. ``missing`` says why a metric has no value."""

    def __init__(self) -> None:
        self.metrics: dict[str, dict[str, Any]] = {}
        self.missing: dict[str, str] = {}
        self.facts: dict[str, Any] = {}
        self.facts_left_out = 0
        self.metrics_left_out = 0
        self.warnings: list[dict[str, Any]] = []
        self.warnings_left_out = 0
        self._facts_characters = 0
        self._metrics_characters = 0

    def warn(self, code: object, message: object, value: object = None, unit: object = None) -> None:
        """One more warning; of very many, the number."""
        if len(self.warnings) >= MAX_WARNINGS:
            self.warnings_left_out += 1
            return
        try:
            entry = {"code": text(code, CODE_CHARACTERS), "message": text(message, MESSAGE_CHARACTERS)}
        except ValueError:
            return
        found = number(value)
        known = text(unit, UNIT_CHARACTERS) if type(unit) is str else None
        self.warnings.append({**entry, "value": None if found is None else float(found), "unit": known})

    def take_metrics(self, found: object, missing: object, node: str | None = None) -> None:
        """The metrics of a test, or of a benchmark, which may tell them again."""
        why = missing if type(missing) is dict else {}
        for name, value in _items(found):
            if type(value) is not dict:
                continue
            key = self._key(name, self.metrics, node)
            entry = metric(value)
            size = len(key) + len(entry["unit"])
            full = len(self.metrics) >= MAX_METRICS or self._metrics_characters + size > MAX_METRICS_CHARACTERS
            if full and key not in self.metrics:
                self.metrics_left_out += 1
                continue
            self._metrics_characters += size
            self.metrics[key] = entry
            if entry["value"] is None:
                said = why.get(name)
                self.missing[key] = text(said, NAME_CHARACTERS) if type(said) is str else "the test gave no number"

    def take_facts(self, found: object, node: str) -> None:
        """The facts of a test."""
        for name, value in _items(found):
            key = self._key(name, self.facts, node)
            try:
                checked = kept(value)
            except (ValueError, RecursionError) as error:
                reason = str(error) if type(error) is ValueError else "is nested too deeply"
                self.warn("fact_left_out", f"the fact {key!r} of {node} {reason} and was left out")
                continue
            size = len(key) + len(json.dumps(checked))
            if len(self.facts) >= MAX_FACTS or self._facts_characters + size > MAX_FACTS_CHARACTERS:
                self.facts_left_out += 1
                continue
            self._facts_characters += size
            self.facts[key] = checked

    @staticmethod
    def _key(name: str, known: dict[str, Any], node: str | None) -> str:
        """The name, with the test's where another test has it."""
        plain = text(name, NAME_CHARACTERS)
        return plain if node is None or plain not in known else f"{plain}[{node}]"


def _items(found: object) -> Any:
    return found.items() if type(found) is dict else ()
