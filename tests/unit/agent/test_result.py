"""The result on disk: whole, or its core where the disk is full."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bench.agent.result import RESERVE_BYTES, ResultFile

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


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small file system needs root")
def test_a_child_that_fills_the_disk(supervise, out: Path) -> None:
    if os.system(f"mount -t tmpfs -o size=2m tmpfs {out} 2>/dev/null") != 0:
        pytest.skip("no file system can be mounted here")
    try:
        done = supervise("sh", "-c", f"head -c 9000000 /dev/zero >{out}/fill; echo still here")
        assert done.result["state"] == "ended"
        assert done.result["outcome"] == "passed"
        codes = [warning["code"] for warning in done.result["warnings"]]
        assert "log_not_written" in codes
    finally:
        os.system(f"umount {out}")
