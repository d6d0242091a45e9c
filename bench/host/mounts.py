"""Which kind of file system a folder lies on: one that is held in memory takes it from what is measured."""

from __future__ import annotations

import os
from pathlib import Path

IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def lies_in_memory(folder: Path) -> bool:
    """Return whether what is written into a folder goes into memory; ``False`` if nobody can tell."""
    try:
        device = folder.stat().st_dev
        text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return parse_type(text, f"{os.major(device)}:{os.minor(device)}") in IN_MEMORY


def parse_type(mountinfo: str, device: str) -> str | None:
    """Return the type of the file system with a device number, as in ``0:25``; ``None`` if it is not mounted."""
    for line in mountinfo.splitlines():
        about, _, rest = line.partition(" - ")
        words = about.split()
        if len(words) > 2 and words[2] == device and rest:
            return rest.split()[0]
    return None
