"""The scripts that give the documentation its figures, each with the least that it can be asked for: it prints its tables."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support.pages import PAGES, ROOT

pytestmark = [pytest.mark.slow]

ONE_COUNT = ("--glance", "--engine", "docker", "--diagnostic", "grad_cpu")
GLANCE = {
    "benchmarks/measuring/measuring.py": ("--glance", "--engine", "local"),
    "benchmarks/measuring/orders.py": ("--glance", "--engine", "local"),
    "benchmarks/measuring/repeats.py": ("--glance", "--engine", "local"),
    "benchmarks/statistics/changes.py": ("--glance",),
    "benchmarks/statistics/commits.py": ("--glance",),
    "benchmarks/statistics/pairs.py": ("--glance",),
    "benchmarks/statistics/quality.py": ("--glance",),
    "benchmarks/counters/tries.py": ONE_COUNT,
}
ONE_PAIR = ("--slower", "0", "--same", "1", "--max-pairs", "1", "--alone", "--", "--engine", "local")
LINES = {
    "benchmarks/counters/overhead.py": (ONE_COUNT, r"^\|.*\|$"),
    "benchmarks/counters/smallest.py": (("--glance",), r"^\|.*\|$"),
    "benchmarks/explaining/neighbours.py": (("--engine", "local", "--neighbours", "0", "--test", "one"), r"^\|.*\|$"),
    "benchmarks/fleet/legs.py": (
        ("2", "2", "1"),
        r"4 legs on 2 hosts: [\d.]+ ms a leg, [\d.]+ ms of CPU, \d+ MB in all",
    ),
    "benchmarks/measuring/ab.py": (ONE_PAIR, r"undecided after 1 pair|0 missed of 1"),
    "benchmarks/measuring/commands.py": (("--glance",), r"^\|.*\|$"),
    "benchmarks/redaction/speed.py": (("--size", "100000"), r"[\d.]+ MB/s"),
    "benchmarks/results/many.py": (("20",), r"^\|"),
    "benchmarks/start/start.py": (("--rounds", "1"), r"[\d.]+ s of CPU \( *[\d.]+ x Python alone\)"),
    "benchmarks/report/compared.py": (("5",), r"against [\d.]+: [\d.]+ s of CPU"),
    "benchmarks/report/page.py": (("5",), r"5 results, page [\d.]+ s .* and [\d.]+ MB"),
}
"""Scripts that print a line for each thing they measure, with what such a line says."""
NAMED = sorted({name for page in PAGES.values() for name in re.findall(r"\bbenchmarks/\S+\.py\b", page.read_text())})
PROGRAMS = [name for name in NAMED if "__main__" in (ROOT / name).read_text()]


def test_every_program_that_a_page_names_is_run() -> None:
    assert set(PROGRAMS) == {*GLANCE, *LINES}


@pytest.mark.parametrize("script", LINES)
def test_a_script_that_a_page_names_prints_its_lines(script: str) -> None:
    arguments, said = LINES[script]
    done = subprocess.run([sys.executable, script, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines
    assert all(re.search(said, line) for line in lines), done.stdout


@pytest.mark.parametrize("script", GLANCE)
def test_a_script_that_a_page_names_prints_its_tables(script: str) -> None:
    command = [sys.executable, script, *GLANCE[script]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # 1 is a missed target: of so few samples, that says nothing.
    assert done.returncode in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr
    tables = re.findall(r"^\|(?: ?---+ ?\|| +\|)+\n\|.*\d.*\|$", done.stdout, re.MULTILINE)
    assert len(tables) == done.stdout.count("|\n|--") + done.stdout.count("|\n| --") >= 2, done.stdout
