"""What is left of a run if the supervisor's own output or standard error is closed while it runs, or before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Done, command, make_spec


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_supervisor_without_standard_streams(out: Path, closed: str) -> None:
    spec = make_spec(out, [sys.executable, "-S", "-c", "print('said'); raise SystemExit(3)"])
    subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *command(spec)], timeout=30, check=True)
    done = Done(0, out)
    assert (done.result["state"], done.result["outcome"], done.result["exit_code"]) == ("ended", "failed", 3)
    assert done.log == b"said\n"


def test_a_failure_that_nobody_can_be_told_of(out: Path) -> None:
    spec = make_spec(out / "not-there", ["true"])
    done = subprocess.run(["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command(spec)], timeout=30, check=False)
    assert done.returncode == 70


@pytest.mark.parametrize("number", [1, 2])
def test_a_pipe_whose_reader_is_gone_in_the_middle(out: Path, number: int) -> None:
    spec = make_spec(out, [sys.executable, "-S", "-c", "import time; time.sleep(0.15); print('said')"])
    pipes = {1: subprocess.DEVNULL, 2: subprocess.DEVNULL, number: subprocess.PIPE}
    with subprocess.Popen(command(spec), stdout=pipes[1], stderr=pipes[2]) as process:
        reader = process.stdout or process.stderr
        assert reader is not None
        os.set_blocking(reader.fileno(), False)
        reader.close()
        assert process.wait(30) == 0
    assert Done(0, out).result["outcome"] == "passed"
