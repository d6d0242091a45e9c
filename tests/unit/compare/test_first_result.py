"""A first result, with nothing to compare it with, needs no statistics: they are a fifth of the command's memory."""

from __future__ import annotations

import subprocess
import sys

NEEDED = "bench.compare.verdict, bench.run.measure, bench.report.terminal.results, bench.report.files.summary"


def test_what_measures_brings_no_numpy() -> None:
    code = f"import sys, {NEEDED}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
