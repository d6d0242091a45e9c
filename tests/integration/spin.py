"""A small project without torch, the same on every machine: ``python -m tests.integration.spin FOLDER`` makes it."""

from __future__ import annotations

import sys
from pathlib import Path

TEST = """
import time

def test_spin():
    until = time.process_time() + 0.4
    while time.process_time() < until:
        sum(range(1000))
"""
BENCH_TOML = """
[diagnostic.spin]
node = "test_spin.py"
devices = ["cpu"]
image = "small"
timeout_s = 60
"""


def make_project(folder: Path) -> Path:
    """Write the project into a new folder."""
    folder.mkdir()
    (folder / "test_spin.py").write_text(TEST)
    (folder / "bench.toml").write_text(BENCH_TOML)
    return folder


if __name__ == "__main__":
    make_project(Path(sys.argv[1]))
