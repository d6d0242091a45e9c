"""The mark that stands where a secret stood (pure)."""

from __future__ import annotations


def mark(kind: str) -> str:
    """The mark of a kind of secret."""
    return f"[redacted:{kind}]"
