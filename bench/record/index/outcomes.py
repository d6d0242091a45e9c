"""Outcomes of long arithmetic in the user's cache, a small file each; safe to delete, several writers at once."""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from pathlib import Path

from bench.record.index.entries import KEPT_S, index_folder, make

_CHECKSUM = 4
"""Bytes of it at a file's beginning."""
_SWEPT_AT = "0"
"""One outcome in sixteen, by the first letter of its key, looks for those that nobody has asked for in a long time."""
MOST = 4096
"""Outcomes that are kept beyond such a look, the ones asked for last: a few hundred bytes each."""


class Outcomes:
    """Outcomes by their keys, in a folder beside the indices."""

    def __init__(self) -> None:
        self._folder = index_folder(Path()).parent / "outcomes"

    def load(self, key: str) -> bytes | None:
        """Return what was saved under a key; ``None`` if it is missing or damaged."""
        file = self._folder / key
        try:
            data = file.read_bytes()
        except OSError:
            return None
        if zlib.crc32(data[_CHECKSUM:]).to_bytes(_CHECKSUM, "big") != data[:_CHECKSUM]:
            return None
        with contextlib.suppress(OSError):
            os.utime(file)  # it is in use
        return data[_CHECKSUM:]

    def save(self, key: str, data: bytes) -> None:
        """Keep it; a disk that refuses costs the next command time and nothing else."""
        fresh = self._folder / f".{key}.{os.getpid()}"
        try:
            make(self._folder)
            fresh.write_bytes(zlib.crc32(data).to_bytes(_CHECKSUM, "big") + data)
            fresh.replace(self._folder / key)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink()
            return
        if key.startswith(_SWEPT_AT):
            self._sweep()

    def _sweep(self) -> None:
        known: list[tuple[float, str]] = []
        with contextlib.suppress(OSError), os.scandir(self._folder) as found:
            for entry in found:
                with contextlib.suppress(OSError):  # another command sweeps too
                    known.append((entry.stat().st_mtime, entry.path))
        known.sort(reverse=True)
        for at, (asked, path) in enumerate(known):
            if at >= MOST or asked < time.time() - KEPT_S:
                with contextlib.suppress(OSError):
                    os.unlink(path)  # noqa: PTH108 - of a string
