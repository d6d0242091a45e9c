"""A command with what is around it: input, preparation, the exit code that is expected."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.agent.spec import SpecError, parse_spec
from tests.unit.agent.conftest import make_spec

BUSY = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"


def test_a_command_reads_its_input_after_a_preparation_that_is_not_counted(
    supervise: Callable[..., Any], out: Path, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.write_text("four\n")
    ready = [sys.executable, "-c", f"print('ready'); open('{tmp_path}/made', 'w').close()\n{BUSY}"]
    done = supervise(
        "/bin/sh", "-c", f"test -f {tmp_path}/made && cat && exit 3",
        stdin=str(given), prepare=ready, expect_exit=3,
    )  # fmt: skip
    assert done.result["outcome"] == "passed", done.result["signature"]
    assert done.result["exit_code"] == 3
    assert done.result["cpu"]["total_s"] < 0.3
    assert done.result["wall_s"] < 0.4
    assert (done.log, (out / "prepare.log").read_text()) == (b"four\n", "ready\n")


def test_a_preparation_that_fails_lets_nothing_start(supervise: Callable[..., Any]) -> None:
    done = supervise("/bin/echo", "ran", prepare=["/bin/sh", "-c", "exit 4"])
    assert done.result["outcome"] == "not_measured"
    assert done.result["signature"] == "cannot start the command: its preparation failed: exit code 4"
    assert done.result["wall_s"] is None
    assert done.log == b""


@pytest.mark.parametrize(
    ("argv", "changes", "said"),
    [
        (["nosuch-program"], {}, "execute nosuch-program: No such file"),
        (["true"], {"stdin": "/proc/nothing/there"}, "read /proc/nothing/there: No such file"),
        (["true"], {"prepare": ["nosuch-program"]}, "preparation failed: execute nosuch-program"),
    ],
)
def test_what_cannot_be_started_is_said_in_a_line(
    supervise: Callable[..., Any], argv: list[str], changes: dict[str, Any], said: str
) -> None:
    done = supervise(*argv, **changes)
    assert done.result["outcome"] == "not_measured"
    assert said in done.result["signature"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "#!/no/such/interpreter\n",
            "No such file or directory: the file is there, and the interpreter or loader that it",
        ),
        ("echo hello\n", "Exec format error: neither a program for this machine nor a script that begins with #!"),
        (None, "Permission denied: it is a folder"),
    ],
)
def test_a_program_that_is_there_and_cannot_be_executed_is_told_from_one_that_is_not(
    supervise: Callable[..., Any], tmp_path: Path, text: str | None, said: str
) -> None:
    program = tmp_path / "program"
    if text is None:
        program.mkdir()
    else:
        program.write_text(text)
        program.chmod(0o755)
    assert said in supervise(str(program)).result["signature"]


def test_a_place_without_a_python_of_its_own_is_not_described_by_ours(supervise: Callable[..., Any], out: Path) -> None:
    supervise("/bin/true", facts=False, ask={"PATH": "/bin"})
    assert '"python": "not asked: the command is no Python"' in (out / "facts.json").read_text()


@pytest.mark.parametrize("changes", [{"prepare": "x"}, {"prepare": [1]}, {"stdin": 3}, {"expect_exit": 256}])
def test_a_specification_that_is_none_is_refused(out: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        parse_spec(make_spec(out, ["true"], **changes))
