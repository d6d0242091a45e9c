"""The scripts that give the documentation its figures, each with the least that it can be asked for: it prints its tables."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support.pages import PAGES, ROOT

pytestmark = [pytest.mark.slow]

GLANCE = {
    "benchmarks/measuring/measuring.py": ("--glance", "--engine", "local"),
    "benchmarks/statistics/pairs.py": ("--glance",),
    "benchmarks/statistics/quality.py": ("--glance",),
}
NAMED = sorted({name for page in PAGES.values() for name in re.findall(r"\bbenchmarks/\S+\.py\b", page.read_text())})


@pytest.mark.parametrize("script", NAMED)
def test_a_script_that_a_page_names_prints_its_tables(script: str) -> None:
    assert script in GLANCE, f"nothing runs {script}"
    command = [sys.executable, script, *GLANCE[script]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # 1 is a missed target: of so few samples, that says nothing.
    assert done.returncode in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr
    tables = re.findall(r"^\|(?: ?---+ ?\|| +\|)+\n\|.*\d.*\|$", done.stdout, re.MULTILINE)
    assert len(tables) == done.stdout.count("|\n|--") + done.stdout.count("|\n| --") >= 2, done.stdout
