"""The supervisor's own limits on resources. A process of its user can set them (prlimit(2)), and so can a test."""

from __future__ import annotations

import resource

HELD = ("NOFILE", "FSIZE", "AS", "DATA", "STACK", "CPU")


class OwnLimits:
    """The limits as they were when this was made. ``changed`` names those that were found to be others."""

    def __init__(self) -> None:
        self._before = {name: resource.getrlimit(_number(name)) for name in HELD}
        self.changed: list[str] = []

    def restore(self) -> None:
        """Put the limits back; without the right to, as far as they can be raised."""
        for name, before in self._before.items():
            now = resource.getrlimit(_number(name))
            if now == before:
                continue
            if name not in self.changed:
                self.changed.append(name)
            if not _set(name, before):
                _set(name, (now[1], now[1]))


def _number(name: str) -> int:
    number: int = getattr(resource, f"RLIMIT_{name}")
    return number


def _set(name: str, limits: tuple[int, int]) -> bool:
    try:
        resource.setrlimit(_number(name), limits)
    except (OSError, ValueError):
        return False
    return True
