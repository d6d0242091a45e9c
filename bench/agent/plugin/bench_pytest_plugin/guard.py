"""Keeps a fault of ours from changing what pytest does: it costs a line of the record, never a test."""

from __future__ import annotations

from .writer import Writer

MAX_TOLD = 5


class Guard:
    """``with guard:`` around all that a hook does. Interruptions (Ctrl-C, the supervisor's TERM) pass."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._told = 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        self._told += 1
        if self._told <= MAX_TOLD:
            try:
                message = f"the pytest plugin met {kind.__name__}: the record may lack something of a test"
                self._writer.put("warning", code="plugin_fault", message=message, value=None, unit=None)
            except Exception:
                return True
        return True
