"""What pytest's session was to run, and how it ended."""

from __future__ import annotations

from typing import Any

from .checked import count, node_id, text

MAX_NODES = 20_000
MAX_CHARACTERS = 2 * 1024 * 1024
LISTED = 1000
"""Ids that the result names of those that did not run."""
REASON_CHARACTERS = 300
UNKNOWN = "unknown"
CAME_TO_ITS_END = "the session came to its end"
NO_END, NO_REASON = "pytest did not end its session", "nothing said why"


class Session:
    """``collected`` is how many tests pytest had after its collection, ``None`` where it never came so far; ``reason``
    what ended it at once, in pytest's words; ``only``, the option with which no test's body runs.
    """

    def __init__(self) -> None:
        self.collected: int | None = None
        self.reason: str | None = None
        self.only: str | None = None
        self.threads: list[tuple[object, object]] = []
        self._nodes: dict[str, None] = {}
        self._told = 0
        self._characters = 0
        self._deselected = 0
        self._deselected_nodes: list[str] = []

    def take(self, kind: object, entry: dict[str, Any]) -> bool:
        """Take in a line; false where it is none of these. Raises ValueError and the like."""
        if kind == "collected":
            found = count(entry["tests"])
            if found is None:
                raise ValueError("no number of tests")
            self.collected = found
        elif kind == "nodes":
            self._take_nodes(entry["nodes"])
        elif kind == "deselected":
            self._deselected = count(entry["tests"]) or 0
            self._deselected_nodes = [node_id(node) for node in entry["nodes"][:LISTED]]
        elif kind == "stopped":
            self.reason = self.reason or text(entry["reason"], REASON_CHARACTERS)
        elif kind == "only":
            self.only = text(entry["option"], 40)
        elif kind == "threads":
            if len(self.threads) < LISTED:
                self.threads.append((entry["torch"], entry["openmp"]))
        else:
            return False
        return True

    def not_run(self, begun: dict[str, Any]) -> tuple[int | None, list[str]]:
        """How many of the collected tests never began, and which, as far as their ids are known."""
        if self.collected is None:
            return None, []
        if self._told < self.collected:
            return max(0, self.collected - len(begun)), []
        missing = [node for node in self._nodes if node not in begun]
        return len(missing), missing[:LISTED]

    def describe(
        self, begun: dict[str, Any], unfinished: bool, finished: bool, incomplete: str | None
    ) -> dict[str, Any]:
        """In the result's form, with ``unknown``: why values are missing, by their key."""
        missing, nodes = self.not_run(begun) if incomplete is None else (None, [])
        unknown = {}
        if self.collected is None:
            unknown = dict.fromkeys(("collected", "deselected", "not_run"), "pytest did not end its collection")
        elif incomplete is not None:
            unknown["not_run"] = incomplete
        early: bool | None = bool(unfinished or missing or not finished or self.collected is None)
        if incomplete is not None and not early:
            early = True if self.reason else None
            unknown["ended_early"] = incomplete
        reason = self.reason or self.only or (NO_END if not finished else NO_REASON)
        if not early:
            unknown["reason"] = CAME_TO_ITS_END if early is False else str(incomplete)
        return {
            "collected": self.collected,
            "deselected": None if self.collected is None else self._deselected,
            "deselected_nodes": self._deselected_nodes,
            "not_run": missing,
            "not_run_nodes": nodes,
            "ended_early": early,
            "reason": reason if early else None,
            UNKNOWN: unknown,
        }

    def _take_nodes(self, nodes: list[object]) -> None:
        for node in nodes:
            known = node_id(node)
            self._characters += len(known)
            if len(self._nodes) >= MAX_NODES or self._characters > MAX_CHARACTERS:
                return
            self._nodes[known] = None
            self._told += 1
