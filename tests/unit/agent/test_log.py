"""The bounded log: what it keeps, where it says it was cut, what a full disk does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.agent.log import BoundedLog


def kept(tmp_path: Path, limit: int, chunks: list[bytes]) -> tuple[bytes, int, BoundedLog]:
    log = BoundedLog(str(tmp_path / "log"), limit)
    for chunk in chunks:
        log.write(chunk)
    cut = log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]
    return (tmp_path / "log").read_bytes(), cut, log


@pytest.mark.parametrize("size", [0, 1, 49, 50, 51, 99, 100])
def test_all_is_kept_up_to_the_limit(tmp_path: Path, size: int) -> None:
    data = bytes(range(100))[:size]
    assert kept(tmp_path, 100, [data[:30], data[30:]])[:2] == (data, 0)


@pytest.mark.parametrize("chunk", [1, 7, 50, 64, 333, 1000])
def test_head_and_tail_are_kept_beyond_it(tmp_path: Path, chunk: int) -> None:
    data = bytes(i % 251 for i in range(1000))
    text, cut, log = kept(tmp_path, 100, [data[i : i + chunk] for i in range(0, 1000, chunk)])
    assert cut == 900
    assert text == data[:50] + "\n[… 900 bytes cut …]\n".encode() + data[-50:]
    assert log.total_bytes == 1000


def test_a_killed_supervisor_leaves_both_files(tmp_path: Path) -> None:
    log = BoundedLog(str(tmp_path / "log"), 100)
    log.write(b"a" * 50 + b"b" * 20)
    assert (tmp_path / "log").read_bytes() == b"a" * 50
    assert (tmp_path / "log.tail").read_bytes() == b"b" * 20
    log.close()


def test_last_line(tmp_path: Path) -> None:
    assert kept(tmp_path, 5000, [b"one\n", b"two \xff\n\n"])[2].last_line() == "two \N{REPLACEMENT CHARACTER}"
    assert kept(tmp_path, 5000, [b"ERROR: not found\n", b"no tests ran\n"])[2].last_line() == "ERROR: not found"
    assert kept(tmp_path, 5000, [b"x" * 3000 + b"\nend\n"])[2].last_line() == "end"
    assert kept(tmp_path, 5000, [])[2].last_line() == ""


def test_a_full_disk_costs_output_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = BoundedLog(str(tmp_path / "log"), 100)
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, log._head)
    log.write(b"x" * 80)
    assert log.error == "No space left on device"
    assert log.total_bytes == 80
    log.close()
    os.close(full)


def test_a_ring_that_cannot_be_made(tmp_path: Path) -> None:
    log = BoundedLog(str(tmp_path / "log"), 100)
    (tmp_path / "log.tail").mkdir()
    log.write(b"x" * 200)
    assert log.error is not None
    assert log.close() == 0
