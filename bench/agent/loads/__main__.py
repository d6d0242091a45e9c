"""Starts a load, as ``python -m bench.agent.loads NAME`` or by the path of this folder, wherever the agent was put."""

from __future__ import annotations

import importlib
import os
import sys


def start() -> int:
    """Import the loads from this very folder and run one; returns its exit code."""
    package = __package__
    if not package:
        folder = os.path.dirname(os.path.abspath(__file__))
        sys.path.append(os.path.dirname(os.path.dirname(folder)))
        package = f"{os.path.basename(os.path.dirname(folder))}.{os.path.basename(folder)}"
    code: int = importlib.import_module(f"{package}.run").main(sys.argv[1:])
    return code


if __name__ == "__main__":
    status = start()
    sys.stdout.flush()
    os._exit(status)  # nothing more is spent after the truth was told
