"""Temporary folders of a command: gone when it ends, and removed by the next command if it was killed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.record.storage.disk import claimed
from bench.record.storage.partial import held, is_left, remove_marked

KINDS = ("ab", "bisect", "code", "fleet", "import", "index", "orphan", "verify")
"""What such a folder is for; the second part of its name."""
_HELD = "held"


def spare_folder() -> Path:
    """Return where temporary folders lie that are too large for the system's: the user's cache, on a disk."""
    import platformdirs  # here, since few commands ask

    return platformdirs.user_cache_path("bench") / "temporary"


@contextmanager
def temporary_folder(kind: str, parent: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder for one of :data:`KINDS`, among the system's temporary files or in :func:`spare_folder`.

    Args:
        kind: what it is for.
        parent: where; the system's folder if not given.

    Raises:
        OSError: the disk refuses.
    """
    assert kind in KINDS  # noqa: S101, else nobody would remove it
    with held(parent or Path(tempfile.gettempdir()), f"bench-{kind}-") as folder:
        inside = folder / _HELD
        inside.mkdir(mode=0o700)
        yield inside


def remove_left() -> list[Path]:
    """Remove the folders of commands that were killed; returns them. What is another user's, or not marked, stays."""
    removed = []
    for parent in (Path(tempfile.gettempdir()), spare_folder()):
        for folder in sorted(one for kind in KINDS for one in parent.glob(f"bench-{kind}-*")):
            with contextlib.suppress(OSError):
                if folder.stat(follow_symlinks=False).st_uid != os.geteuid():
                    continue
                with claimed(folder) as idle:
                    if idle and is_left(folder):
                        remove_marked(folder)
                        removed.append(folder)
    return removed
