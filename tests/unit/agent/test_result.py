"""The result on disk: whole, or its core where the disk is full."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.agent.result import RESERVE_BYTES, ResultFile
from tests.support.inner_pytest import INNER_PYTEST

from .conftest import Done

ENDED = {"state": "ended", "outcome": "passed", "wall_s": 1.5, "tests": [{"node": "x" * 100}] * 50}


def test_written_whole_and_without_remains(tmp_path: Path) -> None:
    file = ResultFile(str(tmp_path))
    assert (tmp_path / ".reserve").stat().st_size == RESERVE_BYTES
    file.write({"state": "running"})
    assert json.loads((tmp_path / "result.json").read_text()) == {"state": "running"}
    assert file.write_last(ENDED)
    assert json.loads((tmp_path / "result.json").read_text()) == ENDED
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    file.release()


def test_a_full_disk_leaves_the_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ResultFile(str(tmp_path))
    file.write({"state": "running"})

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert not file.write_last(ENDED)
    left = json.loads((tmp_path / "result.json").read_text())
    assert (left["state"], left["outcome"], left["wall_s"]) == ("ended", "passed", 1.5)
    assert "No space left" in left["error"]
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


@pytest.fixture
def small_disk(out: Path) -> Iterator[Path]:
    """The out folder on a file system of 3 MiB."""
    if os.getuid() != 0 or os.system(f"mount -t tmpfs -o size=3m tmpfs {out} 2>/dev/null") != 0:
        pytest.skip("no file system can be mounted here")
    yield out
    os.system(f"umount {out}")


def codes(done: Done) -> list[str]:
    return [warning["code"] for warning in done.result["warnings"]]


def test_a_child_that_fills_the_disk(supervise, small_disk: Path) -> None:
    done = supervise("sh", "-c", f"head -c 9000000 /dev/zero >{small_disk}/fill; echo still here")
    assert done.result["state"] == "ended"
    assert done.result["outcome"] == "passed"
    assert "log_not_written" in codes(done)
    assert done.log.endswith(b"still here\n")


def test_an_end_of_the_output_on_a_full_disk(supervise, small_disk: Path) -> None:
    """Both halves of the log are there, but not the room to put them together."""
    code = "import sys\nfor i in range(300000): print('line', i)\nsys.stdout.flush()\nsys.exit('the reason')"
    done = supervise(sys.executable, "-S", "-c", code, log_limit_bytes=3 << 20)
    assert done.result["outcome"] == "failed"
    assert "log_not_written" in codes(done)
    assert done.log.startswith(b"line 0\n")
    assert done.log.count(f"[… {done.result['log_cut_bytes']} bytes cut …]".encode()) == 1
    assert done.log.endswith(b"line 299999\nthe reason\n")
    assert not (small_disk / "pytest.log.tail").exists()


def fills(disk: Path, tests: int) -> tuple[str, ...]:
    path = disk.parent / "test_it.py"
    path.write_text(
        "import pytest\n"
        f"def test_fills():\n    with pytest.raises(OSError): open({str(disk / 'fill')!r}, 'wb').write(b'x' * 9000000)\n"
        f"@pytest.mark.parametrize('n', range({tests}))\ndef test_more(n): assert n != 5\n"
    )
    return (*INNER_PYTEST, str(path))


def test_a_test_that_fills_the_disk_and_passes(supervise, small_disk: Path) -> None:
    done = supervise(*fills(small_disk, 5), plugin=True)
    assert (done.result["outcome"], done.result["exit_code"], done.result["signature"]) == ("passed", 0, None), done.log
    assert [test["outcome"] for test in done.result["tests"]] == ["passed"] * 6
    assert done.result["pytest_s"] > 0
    assert "events_lost" not in codes(done)
    assert b"6 passed" in done.log
    assert not (small_disk / "tests.jsonl.spare").exists()


def test_a_test_that_fills_the_disk_before_another_fails(supervise, small_disk: Path) -> None:
    done = supervise(*fills(small_disk, 7), plugin=True)
    assert (done.result["outcome"], done.result["exit_code"]) == ("failed", 1)
    assert "test_more[5]: assert 5 != 5" in done.result["signature"]
    assert b"assert 5 != 5" in done.log


def test_more_tests_than_there_is_room_to_tell_of(supervise, small_disk: Path) -> None:
    command = (*fills(small_disk, 400), "--deselect", "test_it.py::test_more[5]", "--rootdir", str(small_disk.parent))
    done = supervise(*command, plugin=True)
    assert (done.result["outcome"], done.result["signature"]) == ("passed", None), done.log
    assert "events_lost" in codes(done)
    assert "unfinished" not in [test["outcome"] for test in done.result["tests"]]
    assert 100 < len(done.result["tests"]) < 400
