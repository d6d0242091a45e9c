"""What has come of a fleet's legs so far, on disk as they end: a command that was killed goes on with ``--resume``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import platformdirs

from bench.errors import NotMeasured, UsageError
from bench.files import read_plain
from bench.fleet.cells import Cell
from bench.fleet.legs import LegEnd

MAX_BYTES = 64 * 1024**2


class _Line(msgspec.Struct, frozen=True):
    """One leg that was measured."""

    host: str
    cell: str
    exit_code: int
    path: str
    said: str
    address: str = ""


class Ledger:
    """The legs of one fleet that were measured, by host and cell.

    Args:
        path: the file; one JSON document a line.
        cells: what this fleet measures.
        resume: whether legs that stand there count, else they are forgotten.

    Raises:
        UsageError: there is nothing to go on with.
        NotMeasured: the file cannot be written.
    """

    def __init__(self, path: Path, cells: Sequence[Cell], *, resume: bool) -> None:
        self._path = path
        self._known: dict[tuple[str, str], LegEnd] = {}
        if resume:
            self._read({cell.key: cell for cell in cells})
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not resume:
                path.write_bytes(b"")
        except OSError as error:
            raise _refused(error) from None

    def known(self, host: str, cell: Cell) -> LegEnd | None:
        """Return how a leg ended that need not be run again."""
        return self._known.get((host, cell.key))

    def knows(self, host: str, cell: Cell) -> bool:
        """Return whether a leg need not be run again."""
        return self.known(host, cell) is not None

    @property
    def ends(self) -> tuple[LegEnd, ...]:
        """The legs that were measured, in the order in which they ended."""
        return tuple(self._known.values())

    def add(self, end: LegEnd) -> None:
        """Keep a leg that was measured; any other is to be run again.

        Raises:
            NotMeasured: the file cannot be written.
        """
        if not end.measured or (end.host, end.cell.key) in self._known:
            return
        self._known[end.host, end.cell.key] = end
        path = str(Path(end.bundle or "").resolve())
        line = _Line(end.host, end.cell.key, end.exit_code, path, end.said, end.address)
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise _refused(error) from None

    def _read(self, cells: dict[str, Cell]) -> None:
        fix = "leave --resume away to begin"
        try:
            content = read_plain(self._path, MAX_BYTES)
        except FileNotFoundError:
            raise UsageError("there is nothing to resume", "no fleet of these words was begun here", fix) from None
        except OSError as error:
            raise UsageError("what this fleet has measured cannot be read", str(error), fix) from None
        for raw in content.split(b"\n"):
            try:
                line = msgspec.json.decode(raw, type=_Line)
            except (ValueError, RecursionError):
                continue  # the last line of a command that was killed: that leg is run again
            cell, path = cells.get(line.cell), Path(line.path)
            if cell is not None and path.is_dir():
                end = LegEnd(line.host, cell, line.exit_code, path, line.said, line.address)
                self._known[line.host, cell.key] = end


def fleet_id(cells: Sequence[Cell], words: Sequence[str], results: Path) -> str:
    """Return the name of a fleet: the same for the same words, so that a second command finds what the first began.

    Args:
        cells: what it measures.
        words: further options, and where it runs.
        results: where its bundles go.
    """
    asked = [[cell.label, cell.named, cell.command, cell.variant] for cell in cells]
    text = msgspec.json.encode([asked, list(words), os.fspath(results.resolve())])
    return hashlib.sha256(text).hexdigest()[:16]


def ledger_path(fleet: str) -> Path:
    """Return where a fleet's ledger lies: the user's state, apart from all results."""
    return platformdirs.user_state_path("bench") / "fleets" / f"{fleet}.jsonl"


def _refused(error: OSError) -> NotMeasured:
    what = "what a fleet measures cannot be noted down"
    return NotMeasured(what, f"{error.filename}: {error.strerror}", "make room, or set XDG_STATE_HOME")
