"""What the local engine has under way, on disk: so that a later command can settle what a killed one left."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec
import platformdirs

from bench.engine.labels import Owner, current_owner, is_gone, owner_labels, parse_owner
from bench.engine.local.cgroup import Group
from bench.files import read_plain

MAX_BYTES = 16 * 1024**2
"""What an entry can hold, at most."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One run: who makes it, its folders, its supervisor and its control group."""

    run_id: str
    labels: dict[str, str]
    out: str
    work: str
    pid: int | None = None
    start: str | None = None
    version: int | None = None
    folders: dict[str, str] = field(default_factory=dict)

    @property
    def group(self) -> Group | None:
        """Its control group, or ``None``."""
        if self.version is None:
            return None
        return Group(self.version, {name: Path(folder) for name, folder in self.folders.items()})


def default_folder() -> Path:
    """Where entries lie: this user's, on this host's own disk."""
    return platformdirs.user_state_path("bench") / "local-runs"


class Ledger:
    """The entries, one file each."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_folder()

    def write(self, entry: Entry, task_labels: Mapping[str, str]) -> None:
        """Keep an entry, or a newer state of it, whole or not at all."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        labels = {**task_labels, **owner_labels(current_owner(), entry.run_id)}
        path = self._path(entry.run_id)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)  # it has variables
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry) | {"labels": labels}))
        os.replace(fresh, path)  # noqa: PTH105

    def forget(self, run_id: str) -> None:
        """Drop an entry."""
        with contextlib.suppress(OSError):
            self._path(run_id).unlink()

    def left_behind(self, here: Owner | None = None) -> list[Entry]:
        """The entries whose maker is gone."""
        here = here or current_owner()
        entries = [read_entry(path) for path in sorted(self._folder.glob("*.json"))]
        found = []
        for entry in entries:
            with contextlib.suppress(ValueError, OverflowError):  # one that names no process is nobody's to settle
                owner = parse_owner(entry.labels) if entry else None
                if entry is not None and owner is not None and is_gone(owner, here, running=False):
                    found.append(entry)
        return found

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.json"


def read_entry(path: Path) -> Entry | None:
    """The entry of a file, or ``None`` if it is none."""
    try:
        entry = None if path.is_symlink() else msgspec.json.decode(read_plain(path, MAX_BYTES), type=Entry)
    except (OSError, ValueError, RecursionError):
        return None
    return entry if entry is not None and entry.run_id == path.stem else None
