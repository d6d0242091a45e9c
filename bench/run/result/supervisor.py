"""What the supervisor reports of a run, as ``result.json`` and as its last event: read within bounds, believed only if
it can be.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import msgspec

from bench.record.schema import ContextSwitches, Cpu, Faults, Io, Memory, Outcome, Run

MAX_RESULT_BYTES = 64 * 1024**2
"""More than any honest result; a container's word is not taken without a bound."""

MAX_NESTING = 32
"""Levels of a value that is the run's own (a fact). What is deeper is left out: not every reader can follow it."""

_PARTS = {"cpu": Cpu, "memory": Memory, "faults": Faults, "context_switches": ContextSwitches, "io": Io}
MEASURED = (
    "wall_s",
    "pytest_s",
    "session",
    "pids_peak",
    *(f"{part}.{name}" for part, struct in _PARTS.items() for name in struct.__struct_fields__),
)

_MOST = 2**63 - 1
"""What a counter of the kernel can hold, and a table of results too."""


class Said(Run, frozen=True, kw_only=True):
    """The supervisor's last event (see ``bench/agent/events.py``): a run, as far as it is told, and one key more."""

    index: int = 0
    cgroup_version: int | None = None


class Result(Said, frozen=True, kw_only=True):
    """``result.json`` as the supervisor writes it: a run and three keys more. A run that only began has no outcome."""

    state: str
    outcome: Outcome = "not_measured"
    unavailable: dict[str, str] = msgspec.field(default_factory=dict)


class Unusable(Exception):
    """``result.json`` cannot be used; the message gives the reason."""


def load_result(path: Path) -> Result | None:
    """Return the result, ``None`` if there is none; a FIFO or a link in its place is not waited for.

    Raises:
        Unusable: it cannot be read, or is not what a supervisor writes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unusable(f"result.json of the run cannot be opened ({error.strerror})") from None
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise Unusable("result.json of the run is no file")
    with os.fdopen(descriptor, "rb") as file:
        if about.st_size > MAX_RESULT_BYTES:
            raise Unusable(f"result.json of the run is larger than any result ({about.st_size} bytes)")
        try:
            result = msgspec.json.decode(file.read(MAX_RESULT_BYTES), type=Result)
        except OSError as error:
            raise Unusable(f"result.json of the run cannot be read ({error.strerror})") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MemoryError) as error:
            raise Unusable(f"result.json of the run does not fit ({error or type(error).__name__})") from None
    problem = impossible(result)
    if problem is not None:
        raise Unusable(f"result.json of the run does not fit ({problem})")
    return result


def impossible(result: Said) -> str | None:
    """Return which figure cannot be, as its path and value; ``None`` if all can."""
    for path in MEASURED:
        value = figure_at(result, path)
        if isinstance(value, int | float) and not 0 <= value <= _MOST:
            return f"{path}: {value:g}"
    return "wall_s: 0" if result.wall_s == 0 else None


def shallow(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return values by name, without those that are nested too deep, and the names of these."""
    deep = [name for name, value in values.items() if not _within(value, MAX_NESTING)]
    return {name: value for name, value in values.items() if name not in deep}, deep


def _within(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_within(one, levels - 1) for one in inner)


def figure_at(run: Run, path: str) -> object:
    """Return the value at a path of a run, as in ``cpu.user_s``."""
    value: object = run
    for name in path.split("."):
        value = getattr(value, name)
    return value
