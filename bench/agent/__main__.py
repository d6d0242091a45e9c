"""Starts the supervisor, as ``python -m bench.agent SPEC`` or by the path of this folder, whatever its name."""

from __future__ import annotations

import importlib
import os
import sys


def load() -> int:
    """Import the supervisor from this very folder and run it; returns its exit code."""
    if __package__:
        package = __package__
    else:
        folder = os.path.dirname(os.path.abspath(__file__))
        # At the end of the path: a module of the standard library is never shadowed by a neighbour of ours.
        sys.path.append(os.path.dirname(folder))
        package = os.path.basename(folder)
    supervisor = importlib.import_module(f"{package}.supervisor")
    code: int = supervisor.main(sys.argv[1:])
    return code


if __name__ == "__main__":
    sys.exit(load())
