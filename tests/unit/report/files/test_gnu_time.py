"""``time.txt`` against GNU time itself."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from bench.record.schema import ContextSwitches, Cpu, Faults, Io, Memory, Run
from bench.report.files.gnu_time import cpu_ratio, elapsed, time_txt

PHASE_D = Run(
    index=0,
    outcome="passed",
    exit_code=0,
    wall_s=844.94,
    cpu=Cpu(user_s=5167.74, system_s=5772.58),
    memory=Memory(max_rss_bytes=8844712 * 1024),
    faults=Faults(minor=1065734110, major=0),
    context_switches=ContextSwitches(voluntary=282537, involuntary=38740),
    io=Io(read_bytes=0, write_bytes=416 * 512),
)


def names(text: str) -> list[str]:
    return [re.sub(r": [^:]*$|: \d+:[\d:.]+$|: \".*$", "", line) for line in text.splitlines() if line.startswith("\t")]


def test_has_the_lines_of_gnu_time_in_its_order_and_form() -> None:
    if shutil.which("/usr/bin/time") is None:
        pytest.skip("GNU time is not installed")
    real = subprocess.run(["/usr/bin/time", "-v", "true"], capture_output=True, text=True, check=True).stderr
    ours = time_txt(PHASE_D, "true")
    assert names(ours) == names(real)
    assert len(ours.splitlines()) == 23
    assert all(line.startswith("\t") and not line.startswith("\t ") for line in ours.splitlines())
    assert ours.splitlines()[0] == real.splitlines()[0]


def test_values_of_a_known_run() -> None:
    lines = dict(line.strip().rsplit(": ", 1) for line in time_txt(PHASE_D, "pytest -vv\n x").splitlines())
    assert lines["Command being timed"] == '"pytest -vv x"'
    assert lines["User time (seconds)"] == "5167.74"
    assert lines["System time (seconds)"] == "5772.58"
    assert lines["Percent of CPU this job got"] == "1294%"
    assert lines["Elapsed (wall clock) time (h:mm:ss or m:ss)"] == "14:04.94"
    assert lines["Maximum resident set size (kbytes)"] == "8844712"
    assert lines["Minor (reclaiming a frame) page faults"] == "1065734110"
    assert lines["File system outputs"] == "416"
    assert lines["Exit status"] == "0"


def test_what_is_not_known_is_a_question_mark_and_never_0() -> None:
    lines = dict(
        line.strip().rsplit(": ", 1) for line in time_txt(Run(index=0, outcome="not_measured"), "x").splitlines()
    )
    for name in (
        "User time (seconds)",
        "Elapsed (wall clock) time (h:mm:ss or m:ss)",
        "Maximum resident set size (kbytes)",
        "Minor (reclaiming a frame) page faults",
        "File system inputs",
        "Exit status",
    ):
        assert lines[name] == "?"
    assert lines["Percent of CPU this job got"] == "?%"


def test_a_signal_is_a_status_as_a_shell_gives_it() -> None:
    assert time_txt(Run(index=0, outcome="timed_out", signal=9), "x").endswith("Exit status: 137\n")


@pytest.mark.parametrize(
    ("wall_s", "text"),
    [
        (0.0, "0:00.00"),
        (0.999, "0:00.99"),
        (59.999, "0:59.99"),
        (60.0, "1:00.00"),
        (846.68, "14:06.68"),
        (3605.99, "1:00:05"),
        (None, "?"),
    ],
)
def test_elapsed_is_cut_like_gnu_time(wall_s: float | None, text: str) -> None:
    assert elapsed(wall_s) == text


def test_cpu_ratio_needs_all_its_parts() -> None:
    assert cpu_ratio(PHASE_D) == pytest.approx(12.9481, abs=1e-3)
    assert cpu_ratio(Run(index=0, outcome="passed", wall_s=2.0, cpu=Cpu(total_s=3.0))) == 1.5
    assert cpu_ratio(Run(index=0, outcome="passed", wall_s=2.0, cpu=Cpu(user_s=3.0))) is None
    assert cpu_ratio(Run(index=0, outcome="passed", wall_s=0.0, cpu=Cpu(total_s=3.0))) is None
