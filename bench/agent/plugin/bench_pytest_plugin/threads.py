"""How many threads torch and OpenMP really use, asked of what the tests have loaded; nothing is loaded or started."""

from __future__ import annotations

import os
import sys
from typing import Any

from .plain import LeftOut, number

MAX_THREADS = 1_000_000
OPENMP = ("libgomp", "libomp", "libiomp5")
NO_TORCH = "the tests did not import torch"
NO_OPENMP = "the tests loaded no OpenMP library"


def read_threads() -> dict[str, Any]:
    """``torch`` and ``openmp``: a number, or why there is none."""
    return {"torch": _torch(), "openmp": _openmp()}


def _torch() -> int | str:
    module = sys.modules.get("torch")
    if module is None:
        return NO_TORCH
    try:
        return _count(module.get_num_threads())
    except Exception as error:
        return f"torch did not tell ({type(error).__name__})"


def _openmp() -> int | str:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
            paths = parse_openmp(file.read())
        if not paths:
            return NO_OPENMP
        import ctypes  # only where there is somebody to ask

        # The library that is there, never one more: two of a name are two runtimes.
        counts = [_count(ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY).omp_get_max_threads()) for path in paths]
        return max(counts)
    except Exception as error:
        return f"OpenMP did not tell ({type(error).__name__})"


def parse_openmp(maps: str) -> list[str]:
    """Paths of mapped OpenMP libraries, from the text of /proc/PID/maps."""
    words = (line.split(None, 5) for line in maps.splitlines())
    paths = {found[5] for found in words if len(found) == 6 and found[5].startswith("/")}
    return sorted(path for path in paths if os.path.basename(path).startswith(OPENMP))


def _count(value: object) -> int:
    found = number(value)
    if not 1 <= found <= MAX_THREADS or found != int(found):
        raise LeftOut("is no number of threads")
    return int(found)
