"""What was asked for: the diagnostic, and where its code came from."""

from __future__ import annotations

from typing import Any

import msgspec


class Source(msgspec.Struct, frozen=True):
    """Where the test's code came from. ``kind`` is ``catalog``, ``project``, ``command`` or ``imported``."""

    kind: str
    commit: str | None = None
    dirty: bool | None = None
    sha256: str | None = None


class Diagnostic(msgspec.Struct, frozen=True):
    """The test that ran. ``name`` is NAME of the command line, as in ``grad_cpu``. If a command ran instead,
    ``command`` holds its words and ``node`` is ``None``; a test has no such key.
    """

    name: str
    node: str | None
    device: str | None
    profile: str | None
    ceiling_s: float | None
    timeout_s: float | None
    source: Source
    params: dict[str, Any] = {}
    command: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
