"""What bench itself wrote into a project: results, and its caches where somebody keeps them there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from bench.names import PARTIAL, is_part, is_stamp
from bench.record.storage.partial import IMPORT, is_marked

_RECORD = re.compile(rb'\A\s*\{\s*"schema"\s*:\s*"bench\.record/')
_RECORD_START = 256
_DEPTH = 3
"""Folders that a bundle lies below its results: the host's, the diagnostic's and its own."""


@dataclass(frozen=True, slots=True)
class Own:
    """Separates files of bench from a project's.

    Args:
        root: the project, as it is on the disk (no links on the way).
        results: where results go now.
        kept: names that git tracks: committed bundles that lie elsewhere are data of the project's tests.
    """

    root: Path
    results: Path | None
    kept: frozenset[str] = frozenset()
    _bundles: dict[Path, bool] = field(default_factory=dict)

    def is_result(self, name: str) -> bool:
        """Return whether a file belongs to a result, finished or not, by its path relative to the root."""
        parts = Path(name).parts
        below = _below(self.root, self.results)
        if below is not None and parts[: len(below)] == below and _is_in_bundle(parts[len(below) :]):
            return True
        if name in self.kept:
            return False
        folders = (self.root.joinpath(*parts[:length]) for length in range(1, len(parts)))
        return any(self._is_bundle(folder) for folder in folders)

    def is_cache(self, name: str) -> bool:
        """Return whether a file lies in the folders where bench keeps environments and what it has under way."""
        path = self.root / name
        return any(path.is_relative_to(folder.resolve()) for folder in own_folders())

    def _is_bundle(self, folder: Path) -> bool:
        if folder not in self._bundles:
            self._bundles[folder] = is_bundle(folder)
        return self._bundles[folder]


def own_folders() -> tuple[Path, ...]:
    """Return where bench keeps what it may make anew or has under way, for this user."""
    return platformdirs.user_cache_path("bench"), platformdirs.user_state_path("bench")


def _below(root: Path, folder: Path | None) -> tuple[str, ...] | None:
    """The parts of a folder's path below a root; ``None`` if it does not lie there."""
    if folder is None:
        return None
    real = folder.resolve()
    return real.relative_to(root).parts if real.is_relative_to(root) else None


def _is_in_bundle(parts: tuple[str, ...]) -> bool:
    """Return whether the path of a file below the results folder is that of a file in a result.

    ``HOST/DIAGNOSTIC/STAMP/…``, one folder deeper for shipped and imported references, and what an import has begun.
    """
    if len(parts) > 1 and parts[0].startswith(IMPORT) and parts[0].endswith(PARTIAL):
        return True
    for start in (0, 1):
        host, diagnostic, stamp = (*parts[start : start + _DEPTH], "", "", "")[:_DEPTH]
        named = is_part(host) and is_part(diagnostic) and is_stamp(stamp.removesuffix(PARTIAL))
        if named and len(parts) > start + _DEPTH:
            return True
    return False


def is_bundle(folder: Path) -> bool:
    """Return whether a folder is a result, by its name and its record, or one that is still being written."""
    if not is_stamp(folder.name.removesuffix(PARTIAL)):
        return False
    if folder.name.endswith(PARTIAL):
        return is_marked(folder)
    try:
        with (folder / "record.json").open("rb") as file:
            return _RECORD.match(file.read(_RECORD_START)) is not None
    except OSError:
        return False
