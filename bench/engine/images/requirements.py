"""A project's own requirements file: read within bounds, and whether each package in it has a hash (pure but for
``read_requirements``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from bench.errors import UsageError
from bench.files import read_plain

MAX_REQUIREMENTS_BYTES = 16 * 1024**2


def is_hash_locked(text: str) -> bool:
    """Return whether every requirement in the text of a requirements file carries a hash; false if it names none."""
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines()]
    named = [line for line in lines if line and not line.startswith("--")]
    return bool(named) and all("--hash=" in line for line in named)


def read_requirements(path: Path) -> bytes:
    """The content of a requirements file.

    Raises:
        UsageError: it cannot be read, is no text, or is larger than any (a sparse file would fill the memory).
    """
    try:
        content = read_plain(path, MAX_REQUIREMENTS_BYTES)
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"requirements {path} cannot be read", why, "give a pip requirements file") from None
    return content


def unverified(name: str, frozen: Sequence[str]) -> str:
    """The warning about requirements without hashes: what was installed is what the index had on that day."""
    return f"{name} is not hash-locked; installed was: {' '.join(frozen) or 'nothing'}"


_PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)[ \t]*(?:;(?P<marker>[^\\\n]*))?", re.MULTILINE
)
_ELSEWHERE = re.compile(r"==\s*['\"](?:win32|darwin|Windows|Darwin)['\"]")


def pinned(text: str) -> dict[str, str]:
    """Return the packages that a lock or a frozen list pins for Linux, by name (pure)."""
    found = _PINNED.finditer(text)
    return {one["name"]: one["version"] for one in found if not _ELSEWHERE.search(one["marker"] or "")}


def lock_packages(sha256: str, folder: Path) -> dict[str, str]:
    """Return the packages of the lock of that hash; none if it is none of those here.

    Args:
        sha256: the hash of the lock's content.
        folder: where the locks lie.
    """
    for path in sorted(folder.glob("image-*.txt")):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == sha256:
            return pinned(content.decode("utf-8"))
    return {}
