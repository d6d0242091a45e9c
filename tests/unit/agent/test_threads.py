"""The number of threads that ran, as torch and OpenMP tell it, beside the number that was asked for."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from bench.agent.follow import TestLog
from bench.agent.follow.result import read_told
from bench.agent.plugin.bench_pytest_plugin.threads import parse_openmp
from tests.support.inner_pytest import FRESH_PYTEST

MAPS = """\
7f00-7f01 r-xp 00000000 08:01 12 /usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0
7f01-7f02 r-xp 00000000 08:01 12 /usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0
7f02-7f03 r-xp 00000000 08:01 13 /opt/torch/lib/libgomp-a34b3233.so.1
7f03-7f04 r-xp 00000000 08:01 14 /usr/lib/libc.so.6
7f04-7f05 rw-p 00000000 00:00 0
7f05-7f06 rw-p 00000000 00:00 0 [heap]
"""
TORCH = "def get_num_threads(): return {}\n"
USES_TORCH = "import torch\ndef test_a(): pass\n"


@pytest.fixture
def run(supervise, tmp_path: Path):
    def go(code: str, torch: str | None = None, *options: str, **env: str):
        (tmp_path / "test_it.py").write_text(code)
        if torch is not None:
            (tmp_path / "torch.py").write_text(torch)
        command = (*FRESH_PYTEST, "test_it.py", *options)
        return supervise(
            *command, plugin=True, cwd=str(tmp_path), env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), **env}
        ).result

    return go


def differ(result: dict) -> list[str]:
    return [warning["message"] for warning in result["warnings"] if warning["code"] == "threads_differ"]


def test_openmp_libraries_of_a_process() -> None:
    assert parse_openmp(MAPS) == ["/opt/torch/lib/libgomp-a34b3233.so.1", "/usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0"]
    assert parse_openmp("") == []


def test_nothing_is_imported_to_be_asked(run) -> None:
    result = run("def test_a(): pass\n", TORCH.format(4))
    assert result["threads_used"] == {"torch": None, "openmp": None}
    assert result["unavailable"]["threads_used.torch"] == "the tests did not import torch"
    assert result["unavailable"]["threads_used.openmp"] == "the tests loaded no OpenMP library"


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["here", "in a worker"])
def test_torch_is_asked_where_the_tests_ran(run, options: tuple[str, ...]) -> None:
    result = run(USES_TORCH, TORCH.format(2), *options, OMP_NUM_THREADS="8")
    assert result["threads_used"]["torch"] == 2
    assert differ(result) == ["OMP_NUM_THREADS asked for 8 threads, and torch used 2"]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"MKL_NUM_THREADS": "4"}, ["MKL_NUM_THREADS asked for 4 threads, and torch used 2"]),
        (
            {"MKL_NUM_THREADS": "4", "OMP_NUM_THREADS": "4"},
            ["OMP_NUM_THREADS asked for 4 threads, and torch used 2"],
        ),
        ({"MKL_NUM_THREADS": "2"}, []),
        (
            {"MKL_NUM_THREADS": "2", "OMP_NUM_THREADS": "4"},
            ["OMP_NUM_THREADS asked for 4 threads, and torch used 2"],
        ),
    ],
)
def test_mkl_s_variable_asks_too(tmp_path: Path, env: dict[str, str], said: list[str]) -> None:
    log = TestLog(str(tmp_path / "told"), None)  # type: ignore[arg-type]
    log.session.threads = [(2, "no OpenMP")]
    assert [one["message"] for one in read_told(log, env).warnings] == said


def test_the_number_that_was_asked_for_is_no_warning(run) -> None:
    assert differ(run(USES_TORCH, TORCH.format(8), OMP_NUM_THREADS="8,2")) == []
    assert differ(run(USES_TORCH, TORCH.format(8))) == []
    assert differ(run(USES_TORCH, TORCH.format(8), OMP_NUM_THREADS="many")) == []


@pytest.mark.parametrize("answer", ["'many'", "None", "-1", "0", "True", "float('nan')", "10**400", "1 / 0"])
def test_an_answer_that_is_no_number_of_threads(run, answer: str) -> None:
    result = run(USES_TORCH, TORCH.format(answer))
    assert result["outcome"] == "passed"
    assert result["threads_used"]["torch"] is None
    assert "torch did not tell" in result["unavailable"]["threads_used.torch"]


def test_openmp_is_asked_if_it_is_loaded(run) -> None:
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        pytest.skip("no libgomp here")
    result = run("import ctypes\nctypes.CDLL('libgomp.so.1')\ndef test_a(): pass\n", OMP_NUM_THREADS="3")
    assert result["threads_used"]["openmp"] == 3
    assert differ(result) == []


def test_a_session_that_did_not_end_cannot_be_asked(run) -> None:
    result = run("import os\ndef test_a(): os._exit(3)\n")
    assert result["unavailable"]["threads_used.torch"].startswith("pytest did not end its session")


def test_a_command_that_is_no_pytest(supervise) -> None:
    result = supervise("true").result
    assert result["threads_used"] == {"torch": None, "openmp": None}
    assert result["unavailable"]["threads_used.torch"] == "the pytest plugin told nothing"
    assert result["session"] is None
    assert result["unavailable"]["session"] == "no session of pytest was seen"
