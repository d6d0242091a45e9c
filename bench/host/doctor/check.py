"""What one line of ``doctor`` holds."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["ok", "warn", "fail"]


class Check(msgspec.Struct, frozen=True):
    """One finding.

    Args:
        name: what was looked at, in a word or two.
        level: ``ok``; ``warn`` where numbers get worse or something is missing; ``fail`` where nothing can be measured.
        detail: what was found.
        fix: a command or a sentence that puts it right; empty exactly where the level is ``ok``.
    """

    name: str
    level: Level
    detail: str
    fix: str = ""


def ok(name: str, detail: str) -> Check:
    """Nothing to do."""
    return Check(name, "ok", detail)


def warn(name: str, detail: str, fix: str) -> Check:
    """Can be measured on, but worse than it could be."""
    return Check(name, "warn", detail, fix)


def fail(name: str, detail: str, fix: str) -> Check:
    """Cannot be measured on."""
    return Check(name, "fail", detail, fix)
