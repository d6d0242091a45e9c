"""What came out of each folder of an import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.record.schema import Record
from bench.record.storage.manifest import Problem

Came = Literal["imported", "present", "skipped", "refused", "damaged"]
"""``present`` was here already; ``skipped`` is what the tool that wrote the file left out itself; ``refused`` is no
evidence of a run, or cannot be brought in; nothing is lost."""


@dataclass(frozen=True, slots=True)
class Row:
    """One result, or one folder without any: where it lies in what was imported, and what came of it."""

    source: str
    came: Came
    reason: str | None = None
    path: Path | None = None
    record: Record | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedTree:
    """All rows, in order of their sources, and what was left out of the tree itself."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def damaged(self) -> bool:
        """Whether anything was."""
        return any(row.came == "damaged" for row in self.rows)
