"""A project's own requirements file: whether it is hash-locked, and what is said where it is not."""

from __future__ import annotations

from collections.abc import Sequence

from bench.engine.images.derived import is_hash_locked

__all__ = ["is_hash_locked", "unverified"]


def unverified(name: str, frozen: Sequence[str]) -> str:
    """The warning about requirements without hashes: what was installed is what the index had on that day."""
    return f"{name} is not hash-locked; installed was: {' '.join(frozen) or 'nothing'}"
